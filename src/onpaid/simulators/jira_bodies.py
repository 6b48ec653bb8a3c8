"""What calls to Jira bring along, read strictly: each reader answers what was meant, or raises Refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from onpaid.simulators.jira import LONGEST_PROPERTY, MOST_RECONCILED, Refused
from onpaid.simulators.jira_search import BadQuery, Query, parse, start_of
from onpaid.simulators.kit import Json

SEARCH: Final = {
    "jql": str,
    "fields": list,
    "maxResults": int,
    "nextPageToken": str,
    "reconcileIssues": list,
    "fieldsByKeys": bool,
    "expand": str,
    "properties": list,
}
MOST_FOUND: Final = 5000


@dataclass(frozen=True, slots=True)
class Search:
    """A search as it was asked for. Without `fields` only ids are shown."""

    query: Query
    fields: Sequence[str]
    start: int
    most: int
    reconciled: Sequence[int]


def object_of(given: Any, known: set[str]) -> Json:
    """The object, if it is one and has no other fields."""
    if not isinstance(given, dict) or given.keys() - known:
        raise Refused(None, "Invalid request payload. Refer to the REST API documentation and try again.")
    return given


def creation_of(body: Any) -> tuple[Json, list[Json]]:
    """An issue's fields and properties; what is wrong with single fields is looked at when it is made."""
    given = object_of(body, {"fields", "properties", "update", "historyMetadata"})
    fields, properties = given.get("fields"), given.get("properties", [])
    if not isinstance(fields, dict) or given.get("update"):
        raise Refused(None, "INVALID_INPUT")
    if not isinstance(properties, list):
        raise Refused({"properties": "INVALID_INPUT"})
    for each in properties:
        fits = isinstance(each, dict) and each.keys() == {"key", "value"} and isinstance(each["key"], str)
        if not fits or len(json.dumps(each["value"])) > LONGEST_PROPERTY:
            raise Refused({"properties": "INVALID_INPUT"})
    return fields, properties


def search_of(body: Any) -> Search:
    """A search; there is no `startAt` and no total, pages go by token."""
    given = object_of(body, set(SEARCH))
    for name, value in given.items():
        if not isinstance(value, SEARCH[name]) or (isinstance(value, bool) and SEARCH[name] is int):
            raise Refused(None, f"Invalid request payload: {name}")
    most, reconciled = given.get("maxResults", 50), given.get("reconcileIssues", [])
    if not 1 <= most <= MOST_FOUND or len(reconciled) > MOST_RECONCILED:
        raise Refused(None, "Invalid request payload: maxResults or reconcileIssues")
    try:
        query, start = parse(given.get("jql", "")), start_of(given.get("nextPageToken"))
    except BadQuery as bad:
        raise Refused(None, str(bad)) from None
    return Search(query, given.get("fields", []), start, most, reconciled)


def page_of(request: Request, most: int) -> tuple[int, int]:
    """Where a page of a counting list begins, and how long it is."""
    try:
        start = int(request.query_params.get("startAt", "0"))
        asked = int(request.query_params.get("maxResults", str(most)))
    except ValueError:
        start = asked = -1
    if start < 0 or asked < 1:
        raise Refused(None, "Invalid startAt or maxResults.")
    return start, min(asked, most * 2)
