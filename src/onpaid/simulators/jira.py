"""Jira: the issues of one project, their comments and where they stand in the workflow.

The search trails behind: an issue shows there only a moment after it was made, and for that long it still
shows as open what was closed. There is no key against doing a thing twice, so two creations make two issues.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from onpaid.simulators.jira_adf import objection, text_of
from onpaid.simulators.jira_search import Query
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.sender import Sender
from onpaid.simulators.settings import Settings
from onpaid.simulators.switches import Switches

STATUSES: Final = {
    "To Do": (1, "10000", 2, "new", "To Do"),
    "In Progress": (2, "10001", 4, "indeterminate", "In Progress"),
    "Done": (3, "10002", 3, "done", "Done"),
}
"""A status: its place, its id, and its category's id, key and name."""
ISSUE_TYPES: Final = {"10001": "Task", "10004": "Bug", "10009": "Story"}
PRIORITIES: Final = ("Highest", "High", "Medium", "Low", "Lowest")
SCREEN: Final = ("project", "issuetype", "summary", "description", "labels", "environment")
LONGEST_SUMMARY: Final = 255
LONGEST_PROPERTY: Final = 32_768
MOST_RECONCILED: Final = 50


class Refused(Exception):
    """What Jira objects to: by field, or in general."""

    def __init__(self, errors: Mapping[str, str] | None = None, *messages: str, status: int = 400) -> None:
        super().__init__(json.dumps(dict(errors or {})) + "; ".join(messages))
        self.status = status
        self.body: Json = {"errorMessages": list(messages), "errors": dict(errors or {})}


@dataclass(slots=True)
class Comment:
    """One comment."""

    ident: str
    body: Json
    at: float


@dataclass(slots=True)
class Issue:
    """One issue. `history` holds its statuses, each with the time from which on it had it."""

    ident: str
    key: str
    fields: Json
    properties: Json
    at: float
    history: list[tuple[float, str]] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)

    @property
    def status(self) -> str:
        return self.history[-1][1]

    def status_at(self, moment: float) -> str:
        """The status that it had then; the first one for a time before it."""
        return next((status for at, status in reversed(self.history) if at <= moment), self.history[0][1])


def transitions(status: str) -> dict[str, str]:
    """Where an issue can go from a status: ids of transitions, which differ by status, and their ends."""
    here = STATUSES[status][0]
    return {f"{here}{place}": name for name, (place, *_) in STATUSES.items() if name != status}


class Jira(Switches):
    """The state of one site. `priority` is whether the project's create screen has that field."""

    SWITCHES: ClassVar[tuple[str, ...]] = ("down", "priority")
    priority: bool = True

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, settings: Settings) -> None:
        self._clock, self._settings = clock, settings
        self.forget()

    def forget(self) -> None:
        self.issues: dict[str, Issue] = {}
        self._made = 0
        self._commented = 0

    def rows(self) -> list[Json]:
        """The issues, oldest first, for the ledger."""
        return [
            {
                "key": issue.key,
                "summary": issue.fields["summary"],
                "labels": issue.fields.get("labels", []),
                "priority": (issue.fields.get("priority") or {}).get("name"),
                "status": issue.status,
                "open": issue.status != "Done",
                "comments": [text_of(comment.body) for comment in issue.comments],
                "at": issue.at,
            }
            for issue in self.issues.values()
        ]

    def screen(self) -> tuple[str, ...]:
        """The fields that an issue can be created with."""
        return (*SCREEN, "priority") if self.priority else SCREEN

    def create(self, fields: Json, properties: Sequence[Json] = ()) -> Issue:
        """A new issue, also if there is one alike; Refused with all that is wrong with its fields."""
        errors = self._objections(fields)
        if errors:
            raise Refused(errors)
        kept = {each["key"]: each["value"] for each in properties}
        self._made += 1
        now = self._clock.now()
        key = f"{self._settings.jira_project}-{self._made}"
        issue = Issue(str(9_999 + self._made), key, dict(fields), kept, now, [(now, "To Do")])
        self.issues[issue.key] = issue
        return issue

    def _objections(self, fields: Json) -> dict[str, str]:
        errors: dict[str, str] = {}
        for name in fields.keys() - set(self.screen()):
            errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        project, kind = fields.get("project"), fields.get("issuetype")
        if project not in ({"key": self._settings.jira_project}, {"id": "10000"}):
            errors["project"] = "Specify a valid project ID or key"
        known = [{"name": name} for name in ISSUE_TYPES.values()] + [{"id": ident} for ident in ISSUE_TYPES]
        if kind not in known:
            errors["issuetype"] = "Specify an issue type"
        summary = fields.get("summary")
        if not isinstance(summary, str) or not summary.strip():
            errors["summary"] = "You must specify a summary of the issue."
        elif len(summary) > LONGEST_SUMMARY:
            errors["summary"] = f"Summary can't exceed {LONGEST_SUMMARY} characters."
        elif re.search(r"[\r\n]", summary):
            errors["summary"] = "The summary is invalid because it contains newline characters."
        bad = _labels(fields.get("labels", []))
        if bad is not None:
            errors["labels"] = bad
        priority = fields.get("priority")
        if "priority" not in errors and priority is not None and _name(priority) not in PRIORITIES:
            errors["priority"] = "The priority selected is invalid."
        for name in ("description", "environment"):
            told = None if fields.get(name) is None else objection(fields[name])
            if told is not None:
                errors[name] = told
        return errors

    def find(self, reference: str) -> Issue:
        """The issue with this key or id; Refused if there is none."""
        found = self.issues.get(reference.upper()) or next(
            (issue for issue in self.issues.values() if issue.ident == reference), None
        )
        if found is None:
            told = "Issue does not exist or you do not have permission to see it."
            raise Refused(None, told, status=404)
        return found

    def delete(self, reference: str) -> None:
        """Somebody deletes the issue."""
        del self.issues[self.find(reference).key]

    def move(self, reference: str, status: str) -> None:
        """Somebody moves the issue; ValueError if there is no such status."""
        if status not in STATUSES:
            raise ValueError(f"there is no status {status!r}, only {', '.join(STATUSES)}")
        self.find(reference).history.append((self._clock.now(), status))

    def comment(self, reference: str, body: Any) -> Comment:
        """A comment is added; Refused if it is no document."""
        issue, bad = self.find(reference), objection(body)
        if bad is not None:
            raise Refused({"comment": bad})
        self._commented += 1
        made = Comment(str(20_000 + self._commented), body, self._clock.now())
        issue.comments.append(made)
        return made

    def search(self, query: Query, reconciled: Sequence[int] = ()) -> list[tuple[Issue, str]]:
        """What the index has, each with the status it has there. Reconciled ids are shown as they are now."""
        now = self._clock.now()
        seen: list[tuple[Issue, str]] = []
        for issue in self.issues.values():
            moment = now if int(issue.ident) in reconciled else now - self._settings.times.search_lag
            if issue.at <= moment and self._fits(issue, issue.status_at(moment), query):
                seen.append((issue, issue.status_at(moment)))
        seen.sort(key=lambda found: (found[0].at, int(found[0].ident)), reverse=query.descending)
        return seen

    def _fits(self, issue: Issue, status: str, query: Query) -> bool:
        values = {
            "project": [self._settings.jira_project, "10000"],
            "labels": issue.fields.get("labels", []),
            "status": [status],
            "statusCategory": [STATUSES[status][4], STATUSES[status][3]],
            "key": [issue.key, issue.ident],
        }
        return all(condition.holds(values[condition.field]) for condition in query.conditions)


def _name(given: Any) -> Any:
    return given.get("name") if isinstance(given, dict) else None


def _labels(given: Any) -> str | None:
    if not isinstance(given, list) or not all(isinstance(label, str) for label in given):
        return "data was not an array"
    for label in given:
        if not label or len(label) > LONGEST_SUMMARY or re.search(r"\s", label):
            return f"The label '{label}' contains spaces which is invalid."
    return None
