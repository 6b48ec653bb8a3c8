"""Jira's query language as far as tickets are looked for with it, and pages of what it finds.

Conditions are joined by AND: `project`, `labels`, `status`, `statusCategory`, `key`, with =, !=, IN and NOT
IN; then perhaps ORDER BY created or key. Anything else is refused, and so is a query without any condition.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

TOKEN: Final = re.compile(
    r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(!=|=|\(|\)|,)|([\w.-]+))""", re.ASCII
)
FIELDS: Final = {
    "project": "project",
    "labels": "labels",
    "status": "status",
    "statuscategory": "statusCategory",
    "key": "key",
    "issuekey": "key",
}
ORDERS: Final = frozenset({"created", "key"})


class BadQuery(ValueError):
    """What is wrong with a query, in a sentence."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One field that has, or has not, one of these values."""

    field: str
    values: tuple[str, ...]
    negated: bool

    def holds(self, found: Sequence[str]) -> bool:
        """Whether it holds for an issue with these values. Labels keep their case, all else does not."""
        if self.field == "labels":
            hit = bool(set(self.values) & set(found))
        else:
            hit = bool({value.lower() for value in self.values} & {value.lower() for value in found})
        return hit is not self.negated


@dataclass(frozen=True, slots=True)
class Query:
    """A query, read."""

    conditions: tuple[Condition, ...]
    order: str = "created"
    descending: bool = True


def parse(text: str) -> Query:
    """Read a query; BadQuery for what Jira, or this much of it, does not take."""
    words = _tokens(text)
    conditions: list[Condition] = []
    while words and not _is(words, "order"):
        conditions.append(_condition(words))
        if not _is(words, "and"):
            break
        words.pop(0)
        if not words:
            raise BadQuery("Error in the JQL Query: expecting a condition after AND.")
    if not conditions:
        raise BadQuery("Unbounded JQL queries are not allowed here. Add a search restriction to your query.")
    order, descending = "created", True
    if _is(words, "order"):
        if len(words) < 3 or not _is(words[1:], "by") or words[2][0].lower() not in ORDERS:
            raise BadQuery("Error in the JQL Query: expecting ORDER BY created or key.")
        order, descending = words[2][0].lower(), False
        del words[:3]
        if words and words[0][0].lower() in ("asc", "desc"):
            descending = words.pop(0)[0].lower() == "desc"
    if words:
        raise BadQuery(f"Error in the JQL Query: '{words[0][0]}' was not expected here.")
    return Query(tuple(conditions), order, descending)


def _tokens(text: str) -> list[tuple[str, bool]]:
    """The words of a query, each with whether it was quoted."""
    found: list[tuple[str, bool]] = []
    at = 0
    while text[at:].strip():
        token = TOKEN.match(text, at)
        if token is None:
            raise BadQuery(f"Error in the JQL Query: '{text[at:].strip()[0]}' is a reserved character.")
        quoted = token[1] if token[1] is not None else token[2]
        found.append(
            (re.sub(r"\\(.)", r"\1", quoted), True) if quoted is not None else (token[0].strip(), False)
        )
        at = token.end()
    return found


def _is(words: Sequence[tuple[str, bool]], word: str) -> bool:
    return bool(words) and not words[0][1] and words[0][0].lower() == word


def _condition(words: list[tuple[str, bool]]) -> Condition:
    name = words.pop(0)[0]
    if name.lower() not in FIELDS:
        raise BadQuery(f"Field '{name}' does not exist or you do not have permission to view it.")
    negated = _is(words, "not") or _is(words, "!=")
    if _is(words, "not"):
        words.pop(0)
    many = _is(words, "in")
    if not many and not _is(words, "=") and not _is(words, "!="):
        raise BadQuery(f"Error in the JQL Query: expecting an operator after '{name}'.")
    words.pop(0)
    values = _values(words) if many else [_value(words)]
    return Condition(FIELDS[name.lower()], tuple(values), negated)


def _value(words: list[tuple[str, bool]]) -> str:
    if not words or (not words[0][1] and words[0][0] in ("(", ")", ",", "=", "!=")):
        raise BadQuery("Error in the JQL Query: expecting a value.")
    return words.pop(0)[0]


def _values(words: list[tuple[str, bool]]) -> list[str]:
    if not _is(words, "("):
        raise BadQuery("Error in the JQL Query: expecting a list of values in parentheses.")
    words.pop(0)
    values = [_value(words)]
    while _is(words, ","):
        words.pop(0)
        values.append(_value(words))
    if not _is(words, ")"):
        raise BadQuery("Error in the JQL Query: expecting ')'.")
    words.pop(0)
    return values


def token_at(start: int) -> str:
    """The name of the page that begins there."""
    return base64.urlsafe_b64encode(f"from {start}".encode()).decode()


def start_of(token: str | None) -> int:
    """Where a page begins; BadQuery for a token that was never given out."""
    if token is None:
        return 0
    try:
        word, start = base64.urlsafe_b64decode(token).decode().split(" ")
        if word == "from" and start.isdecimal():
            return int(start)
    except ValueError:
        pass
    raise BadQuery("The provided next page token is invalid.")
