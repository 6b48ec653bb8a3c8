"""Jira's search: what it understands, what it refuses, and how far it trails behind."""

from typing import Any

import pytest

from onpaid.simulators.jira_search import BadQuery, parse, start_of, token_at
from tests.simulators.jira_kit import JQL, LABEL, create, jira, search
from tests.simulators.kit import HandClock, Start

LAG = 0.02


async def test_it_trails_behind_new_and_closed_issues(start: Start) -> None:
    clock = HandClock()
    client = await start(clock)
    key = await create(client)
    assert await search(client) == {"issues": [], "isLast": True}
    assert len((await search(client, reconcileIssues=[10000]))["issues"]) == 1
    clock.at += LAG
    [found] = (await search(client, fields=["status", "labels"]))["issues"]
    assert (found["key"], found["fields"]["labels"]) == (key, ["onpaid", LABEL])
    client.simulators.jira.move(key, "Done")
    [stale] = (await search(client, fields=["status"]))["issues"]
    assert stale["fields"]["status"]["statusCategory"]["key"] == "new"
    assert (await search(client, reconcileIssues=[10000]))["issues"] == []
    clock.at += LAG
    assert (await search(client))["issues"] == []
    assert len((await search(client, f"labels = {LABEL} AND status = done"))["issues"]) == 1


async def test_only_ids_are_told_unless_fields_are_asked_for(start: Start) -> None:
    clock = HandClock()
    client = await start(clock)
    for _ in range(3):
        await create(client)
        clock.at += LAG
    page = await search(client, maxResults=2)
    assert (page["issues"], page["isLast"]) == ([{"id": "10000"}, {"id": "10001"}], False)
    rest = await search(client, maxResults=2, nextPageToken=page["nextPageToken"])
    assert rest == {"issues": [{"id": "10002"}], "isLast": True}
    newest = await search(client, "project = OPS", fields=["*all"])
    assert [each["key"] for each in newest["issues"]] == ["OPS-3", "OPS-2", "OPS-1"]
    assert newest["issues"][0]["fields"]["summary"].startswith("[delivery/high]")


@pytest.mark.parametrize(
    ("jql", "found"),
    [
        (JQL, 1),
        (f"project = ops AND labels in ('{LABEL}', other)", 1),
        (f'labels not in ("{LABEL}")', 0),
        (f'labels = "{LABEL.upper()}"', 0),
        ("labels != nothing and key = OPS-1", 1),
        ('statusCategory = "To Do" ORDER BY key DESC', 1),
        ("statusCategory = Done", 0),
        ('summary ~ "Shipment"', None),
        ("", None),
        ("ORDER BY created", None),
        ("project = OPS AND", None),
        ("project OPS", None),
        ("project = ", None),
        ("project = OPS OR project = X", None),
        ("labels in (a, b", None),
        ("labels in a", None),
        ("project = OPS ORDER BY summary", None),
        ("project = OPS; drop", None),
        ('project = "OPS', None),
    ],
)
async def test_queries(start: Start, jql: str, found: int | None) -> None:
    clock = HandClock()
    client = await start(clock)
    await create(client)
    clock.at += LAG
    said = await jira(client, "POST", "/search/jql", {"jql": jql})
    if found is None:
        assert said.status == 400, said.text
        assert said.json["errorMessages"][0]
    else:
        assert (said.status, len(said.json["issues"])) == (200, found), said.text


@pytest.mark.parametrize(
    "more",
    [
        {"startAt": 0},
        {"maxResults": "2"},
        {"maxResults": True},
        {"maxResults": 0},
        {"maxResults": 5001},
        {"fields": "key"},
        {"nextPageToken": "nonsense"},
        {"nextPageToken": "YWJj"},
        {"reconcileIssues": list(range(51))},
    ],
)
async def test_bodies_are_read_strictly(start: Start, more: dict[str, Any]) -> None:
    client = await start()
    assert (await jira(client, "POST", "/search/jql", {"jql": JQL, **more})).status == 400


def test_quotes_and_pages() -> None:
    [condition] = parse('labels = "a\\"b\\\\c"').conditions
    assert condition.values == ('a"b\\c',)
    assert start_of(token_at(7)) == 7
    assert start_of(None) == 0
    with pytest.raises(BadQuery, match="Unbounded"):
        parse(" ")
