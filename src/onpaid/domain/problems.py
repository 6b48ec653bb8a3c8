"""Problems: what many tickets have in common, so that an outage of a night is one thing to work on and not a thousand.

A ticket is about one run. Its fingerprint is about why: what is particular to the run (ids, order numbers, amounts,
quoted names) is taken out, what is left is the same for every run that the same trouble stops. How often a problem
is told of grows with its doublings, so that neither an issue nor a telephone is flooded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta

import msgspec

CATEGORIES = frozenset(
    (
        "delivery",
        "payment",
        "stock",
        "database",
        "order",
        "customer",
        "invoice",
        "message",
        "doubt",
        "provider",
        "settings",
        "internal",
    )
)
SEVERITIES = ("low", "medium", "high", "critical")
"""From the mildest to the worst."""

REPORTING = ("report_problem:", "open_issue:")
"""How the ids of those runs begin that tell an issue tracker of problems. Tickets about them are kept, never told."""

QUIET = timedelta(days=1)
"""A problem that was silent for so long and comes back is told of again, whatever the count."""

MOST_IDS = 50
"""Tickets whose ids a problem remembers: the first ones."""

_STABLE = frozenset(
    ("flow", "step", "act", "lane", "source", "stage", "deliverystage", "kind", "what", "template")
)
"""Facts that are the same for every run that the same trouble stops."""
_SENTENCES = frozenset(("why", "error", "errormessage"))
_QUOTED = re.compile(r"“([^”]*)”|\"([^\"]*)\"|«([^»]*)»|`([^`]*)`|(?<!\w)['‘]([^'’]*)['’](?!\w)")
_AMOUNT = re.compile(r"\b[A-Z]{3}\s?\d[\d.,]*|\d[\d.,]*\s?[A-Z]{3}\b")
_WITH_DIGIT = re.compile(r"\S*\d\S*")
_ODD = re.compile(r"\S*(?:@|\*\*\*)\S*")
_ID = re.compile(r"\b[a-z]{2,8}_(?=\w*[A-Z])\w{6,}")
_NAME_LIKE = re.compile(r"[A-Z\d/_@.:-]")
_WORD = re.compile(r"[^\W\d_]+")


class ProblemSeen(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem's ticket that is worth telling of: the `count`th. It carries the ticket, without personal data."""

    fingerprint: str
    count: int
    ticket: str
    category: str
    severity: str
    title: str
    opened_at: str
    environment: str = ""
    facts: dict[str, str] = {}
    run: str | None = None
    order: str | None = None


class IssueWanted(msgspec.Struct, frozen=True):
    """That people need an issue for this problem. When they close it and the problem comes back, the next
    `generation` is wanted."""

    generation: int
    seen: ProblemSeen


def fingerprint(environment: str, category: str, title: str, facts: Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that are the same for every ticket of one problem."""
    parts = [environment, category, _general(_without_particulars(title, facts))]
    parts += sorted(
        f"{name.lower()}={_general(value)}" for name, value in facts.items() if name.lower() in _STABLE
    )
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:12]


def worth_telling(count: int, silent: timedelta) -> bool:
    """Whether people are told of a problem's `count`th ticket, which came `silent` after the one before it."""
    return count & (count - 1) == 0 or silent >= QUIET


def _without_particulars(title: str, facts: Mapping[str, str]) -> str:
    """The title with a figure instead of whatever its facts name (ids, people); figures are taken out next."""
    particular = {
        value.strip()
        for name, value in facts.items()
        if name.lower() not in _STABLE | _SENTENCES and 3 <= len(value.strip()) <= 80
    }
    for value in sorted(particular, key=len, reverse=True):
        if _NAME_LIKE.search(value):
            title = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "0", title)
    return title


def _general(text: str) -> str:
    """The words of a text that do not belong to one case alone."""
    text = _QUOTED.sub(_unquoted, text)
    for pattern in (_AMOUNT, _ID, _WITH_DIGIT, _ODD):
        text = pattern.sub(" ", text)
    return " ".join(_WORD.findall(text.lower()))


def _unquoted(found: re.Match[str]) -> str:
    """What stands in quotes is a name, unless it is a sentence: then it says what went wrong."""
    inside = next((group for group in found.groups() if group), "")
    return f" {inside} " if len(inside.split()) >= 4 else " "
