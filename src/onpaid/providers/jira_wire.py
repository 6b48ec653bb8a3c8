"""What Jira is sent and what it answers: the issue of a ticket, the search for it, and what a refusal means.

Labels are what an issue is found by, so they are built from letters, digits and hyphens alone. A refusal that names a
field tells whether we can do without it, or whether somebody must change the project.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from onpaid.errors import ProviderError, Refused, Unauthorised
from onpaid.providers.answers import Answer
from onpaid.providers.jira_adf import document, one_line, plain
from onpaid.providers.masking import masked
from onpaid.providers.roles import FiledTicket
from onpaid.providers.ticket_texts import order_number, title_of, told_facts

LONGEST_SUMMARY = 255
OPTIONAL = frozenset({"priority"})
"""Fields that an issue can do without. Not the labels: without them it would never be found again."""
_OURS = frozenset({"summary", "description", "labels", "priority", "comment", "body"})
"""Fields whose refusal may be about what we put into them. Of any other it is about the project."""
_ODD = re.compile(r"[^a-z0-9]+")


class Created(msgspec.Struct):
    """What a creation answers."""

    key: str


class StatusCategory(msgspec.Struct):
    """Of a status: `new`, `indeterminate` or `done`."""

    key: str


class Status(msgspec.Struct):
    """Where an issue stands in its workflow; names differ, the category does not."""

    status_category: StatusCategory = msgspec.field(name="statusCategory")


class Fields(msgspec.Struct):
    """The fields that we ask for."""

    status: Status | None = None
    labels: list[str] = []


class Issue(msgspec.Struct):
    """An issue."""

    key: str
    fields: Fields


class Hits(msgspec.Struct):
    """One page of a search, which has no total."""

    issues: list[Issue] = []


class Comment(msgspec.Struct):
    """A comment; its body is a document of anybody's making."""

    id: str
    body: Any = None

    @property
    def text(self) -> str:
        """What it says."""
        return plain(self.body)


class Comments(msgspec.Struct):
    """One page of an issue's comments."""

    total: int
    comments: list[Comment] = []


class Complaint(msgspec.Struct):
    """A refusal."""

    error_messages: list[str] = msgspec.field(default_factory=list, name="errorMessages")
    errors: dict[str, str] = {}


def label(kind: str, value: str) -> str:
    """A label: `onpaid-fp-3f9ac1d2e4b5`."""
    return f"onpaid-{kind}-{_ODD.sub('-', value.lower()).strip('-') or 'none'}"[:255]


def issue(
    ticket: FiledTicket,
    *,
    project: str,
    issue_type: str,
    priorities: Mapping[str, str],
    without: Collection[str] = (),
) -> dict[str, Any]:
    """The body that creates a ticket's issue, without the fields that the project refused before."""
    fields: dict[str, Any] = {
        "project": {"key": project},
        "issuetype": {"name": issue_type},
        "summary": one_line(f"[{ticket.category}/{ticket.severity}] {title_of(ticket)}", LONGEST_SUMMARY),
        "description": document(_words(ticket), _context(ticket)),
        "labels": [
            "onpaid",
            label("fp", ticket.fingerprint),
            label("cat", ticket.category),
            label("sev", ticket.severity),
            label("env", ticket.environment),
        ],
    }
    if ticket.severity in priorities:
        fields["priority"] = {"name": priorities[ticket.severity]}
    told = {"fingerprint": ticket.fingerprint, "ticket": ticket.id}
    return {
        "fields": {name: value for name, value in fields.items() if name not in without},
        "properties": [{"key": "onpaid", "value": told}],
    }


def search(ticket: FiledTicket, project: str) -> dict[str, Any]:
    """The body that looks for the open issues of a ticket's problem, the oldest first."""
    where = (
        f"project = {_quoted(project)} AND labels = {_quoted(label('fp', ticket.fingerprint))} "
        "AND statusCategory != Done ORDER BY created ASC"
    )
    return {"jql": where, "fields": ["status", "labels"], "maxResults": 20}


def explain(answer: Answer) -> ProviderError | None:
    """A refusal in words. What every issue of this project would meet is a matter of settings: it stops the lane."""
    said = _complaint(answer)
    if said is None:
        return None
    parts = [*said.error_messages, *(f"{name}: {why}" for name, why in said.errors.items())]
    words = f"{answer.asked}: {masked('; '.join(parts), answer.private)}"
    if any(name not in _OURS or "cannot be set" in why for name, why in said.errors.items()):
        return Unauthorised(f"{words}. Mend the project's create screen, or JIRA_PROJECT and JIRA_ISSUE_TYPE")
    if any("does not exist for the field" in each for each in said.error_messages):
        return Unauthorised(f"{words}. Is JIRA_PROJECT right, and may this user see it?")
    return Refused(words)


def refused_fields(answer: Answer) -> frozenset[str]:
    """The fields that a refusal names, if it names nothing but fields that an issue can do without."""
    said = _complaint(answer)
    named = frozenset(said.errors) if said is not None and not said.error_messages else frozenset()
    return named if named <= OPTIONAL else frozenset()


def _complaint(answer: Answer) -> Complaint | None:
    if answer.status not in (400, 422):
        return None
    try:
        return msgspec.json.decode(answer.body, type=Complaint)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _words(ticket: FiledTicket) -> str:
    lines = [
        title_of(ticket),
        f"Ticket {ticket.id}, opened at {ticket.opened_at}"
        + (f", the {ticket.times}th of this problem" if ticket.times > 3 else ""),
    ]
    if ticket.order:
        lines.append(f"Order: {order_number(ticket)}")
    if ticket.run:
        lines.append(f"Run: {ticket.run}")
    lines.append(f"Environment: {ticket.environment or 'not said'}; problem {ticket.fingerprint}")
    lines.append("Further tickets of this problem are counted in comments. Close the issue when it is over.")
    return "\n".join(lines)


def _context(ticket: FiledTicket) -> str:
    facts = told_facts(ticket.facts)
    return msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() if facts else ""


def _quoted(text: str) -> str:
    """A JQL string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
