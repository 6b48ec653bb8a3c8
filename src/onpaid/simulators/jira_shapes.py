"""How Jira shows what it has: issues, comments, transitions, people, and what its create screen asks for."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from onpaid.simulators.jira import ISSUE_TYPES, PRIORITIES, STATUSES, Comment, Issue, transitions
from onpaid.simulators.kit import Json

ACCOUNT: Final = "5b10ac8d82e05b22cc7d4ef5"
KINDS: Final = {
    "project": ("project", "Project", True),
    "issuetype": ("issuetype", "Issue Type", True),
    "summary": ("string", "Summary", True),
    "description": ("string", "Description", False),
    "environment": ("string", "Environment", False),
    "labels": ("array", "Labels", False),
    "priority": ("priority", "Priority", False),
}


class Shapes:
    """The shapes, with addresses of one site."""

    def __init__(self, site: str, project: str) -> None:
        self._api, self._project = f"{site}/rest/api/3", project

    def user(self) -> Json:
        return {
            "self": f"{self._api}/user?accountId={ACCOUNT}",
            "accountId": ACCOUNT,
            "accountType": "atlassian",
            "displayName": "Operations",
            "active": True,
            "timeZone": "Asia/Kolkata",
        }

    def myself(self, email: str) -> Json:
        return {**self.user(), "emailAddress": email, "locale": "en_US"}

    def created(self, issue: Issue) -> Json:
        return {"id": issue.ident, "key": issue.key, "self": f"{self._api}/issue/{issue.ident}"}

    def issue(self, issue: Issue, status: str, asked: Sequence[str]) -> Json:
        """An issue with the fields that were asked for: named, or all by `*all` and `*navigable`."""
        kind = issue.fields["issuetype"]
        name = kind.get("name") or ISSUE_TYPES[kind["id"]]
        moved = [at for at, _ in issue.history]
        whole: Json = {
            "summary": issue.fields["summary"],
            "status": self.status(status),
            "labels": issue.fields.get("labels", []),
            "created": when(issue.at),
            "updated": when(max([*moved, *(comment.at for comment in issue.comments)])),
            "description": issue.fields.get("description"),
            "priority": issue.fields.get("priority"),
            "issuetype": {"name": name, "subtask": False},
            "project": {"id": "10000", "key": self._project, "name": "Operations"},
            "reporter": self.user(),
        }
        everything = not {"*all", "*navigable"}.isdisjoint(asked)
        fields = {name: value for name, value in whole.items() if everything or name in asked}
        return {"expand": "names,schema", **self.created(issue), "fields": fields}

    def status(self, name: str) -> Json:
        _place, ident, number, key, category = STATUSES[name]
        return {
            "self": f"{self._api}/status/{ident}",
            "id": ident,
            "name": name,
            "statusCategory": {"id": number, "key": key, "name": category, "colorName": "default"},
        }

    def transitions(self, issue: Issue) -> Json:
        shown = [
            {"id": ident, "name": name, "to": self.status(name), "hasScreen": False, "isAvailable": True}
            for ident, name in transitions(issue.status).items()
        ]
        return {"expand": "transitions", "transitions": shown}

    def comment(self, issue: Issue, comment: Comment) -> Json:
        return {
            "self": f"{self._api}/issue/{issue.ident}/comment/{comment.ident}",
            "id": comment.ident,
            "author": self.user(),
            "body": comment.body,
            "created": when(comment.at),
            "updated": when(comment.at),
        }

    def issue_types(self) -> list[Json]:
        return [
            {"self": f"{self._api}/issuetype/{ident}", "id": ident, "name": name, "subtask": False}
            for ident, name in ISSUE_TYPES.items()
        ]

    def field(self, name: str) -> Json:
        """One field of the create screen."""
        kind, shown, required = KINDS[name]
        schema: Json = {"type": kind, "system": name}
        about: Json = {"fieldId": name, "key": name, "name": shown, "required": required}
        if kind == "array":
            schema["items"] = "string"
        if name == "priority":
            about["allowedValues"] = [{"name": each} for each in PRIORITIES]
        operations = ["add", "set", "remove"] if kind == "array" else ["set"]
        return {**about, "schema": schema, "operations": operations, "hasDefaultValue": False}


def when(at: float) -> str:
    """A time as Jira writes it: milliseconds, and an offset without a colon."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def paged(name: str, found: list[Any], start: int, most: int) -> Json:
    """A page of a list that counts."""
    return {"startAt": start, "maxResults": most, "total": len(found), name: found[start : start + most]}
