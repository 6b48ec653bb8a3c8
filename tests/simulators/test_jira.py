"""Jira's issues: made, commented on and moved; what is refused, and who is taken for a stranger."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from tests.simulators.jira_kit import LABEL, create, document, fields, jira, login, search
from tests.simulators.kit import QUICK, Client, Start


def rows(client: Client) -> list[Any]:
    return client.simulators.jira.rows()


async def test_an_issue_is_made_and_read(start: Start) -> None:
    client = await start()
    said = await jira(
        client,
        "POST",
        "/issue",
        {"fields": fields(), "properties": [{"key": "onpaid", "value": {"fingerprint": "3f9a"}}]},
    )
    assert (said.status, said.json["id"], said.json["key"]) == (201, "10000", "OPS-1")
    assert said.json["self"].endswith("/rest/api/3/issue/10000")
    shown = (await jira(client, "GET", "/issue/OPS-1?fields=status,labels")).json
    assert set(shown["fields"]) == {"status", "labels"}
    assert shown["fields"]["status"]["statusCategory"]["key"] == "new"
    assert (await jira(client, "GET", "/issue/10000")).json["fields"]["issuetype"]["name"] == "Bug"
    told = await jira(client, "GET", "/issue/OPS-1/properties/onpaid")
    assert told.json["value"] == {"fingerprint": "3f9a"}
    assert (await jira(client, "GET", "/issue/OPS-1/properties/other")).status == 404
    assert rows(client)[0]["labels"] == ["onpaid", LABEL]


async def test_the_same_twice_is_two_issues(start: Start) -> None:
    client = await start()
    assert [await create(client), await create(client)] == ["OPS-1", "OPS-2"]


TEXT: dict[str, Any] = {"type": "text", "text": "x"}


def block(kind: str, *content: Any, **more: Any) -> Any:
    return {"type": "doc", "version": 1, "content": [{"type": kind, "content": list(content), **more}]}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"description": "plain text"}, "description"),
        ({"description": {"type": "doc", "content": []}}, "description"),
        ({"description": {**document("x"), "lang": "en"}}, "description"),
        ({"description": {"type": "doc", "version": 1, "content": "x"}}, "description"),
        ({"description": document("")}, "description"),
        ({"description": document("a\x00b")}, "description"),
        ({"description": document("x" * 32_768)}, "description"),
        ({"description": block("text", TEXT)}, "description"),
        ({"description": block("bulletList")}, "description"),
        ({"description": block("heading", TEXT)}, "description"),
        ({"description": block("codeBlock", {**TEXT, "marks": [{"type": "strong"}]})}, "description"),
        ({"description": block("paragraph", {**TEXT, "marks": [{"type": "blink"}]})}, "description"),
        ({"description": block("paragraph", {**TEXT, "marks": [{"type": "link"}]})}, "description"),
        ({"description": block("paragraph", {**TEXT, "marks": [{"type": ["em"]}]})}, "description"),
        ({"description": block("paragraph", {**TEXT, "colour": "red"})}, "description"),
        ({"environment": "production"}, "environment"),
        ({"summary": "x" * 256}, "summary"),
        ({"summary": "two\nlines"}, "summary"),
        ({"summary": " "}, "summary"),
        ({"labels": ["two words"]}, "labels"),
        ({"labels": "onpaid"}, "labels"),
        ({"project": {"key": "OTHER"}}, "project"),
        ({"issuetype": {"name": "Incident"}}, "issuetype"),
        ({"priority": {"name": "Urgent"}}, "priority"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_is_wrong_is_told_by_field(start: Start, more: dict[str, Any], field: str) -> None:
    client = await start()
    said = await jira(client, "POST", "/issue", {"fields": fields(**more)})
    assert (said.status, list(said.json["errors"])) == (400, [field]), said.text
    assert rows(client) == []


async def test_all_that_a_ticket_may_be_written_with_is_taken(start: Start) -> None:
    item = {"type": "listItem", "content": [{"type": "paragraph", "content": [TEXT]}]}
    link = {**TEXT, "marks": [{"type": "link", "attrs": {"href": "https://shop.example"}}]}
    content = [
        {"type": "heading", "attrs": {"level": 2}, "content": [TEXT]},
        {"type": "bulletList", "content": [item, item]},
        {"type": "paragraph", "content": [link, {"type": "hardBreak"}]},
        {"type": "rule"},
        {"type": "paragraph", "content": []},
    ]
    client = await start()
    assert await create(client, description={"type": "doc", "version": 1, "content": content}) == "OPS-1"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"fields": []},
        {"fields": fields(), "summary": "x"},
        {"fields": fields(), "properties": {}},
        {"fields": fields(), "properties": [{"key": "onpaid"}]},
        {"fields": fields(), "properties": [{"key": "onpaid", "value": "x" * 32_768}]},
    ],
)
async def test_a_creation_of_another_form_is_refused(start: Start, body: Any) -> None:
    client = await start()
    assert (await jira(client, "POST", "/issue", body)).status == 400
    assert rows(client) == []


async def test_the_screen_may_lack_the_priority(start: Start) -> None:
    client = await start()
    await client.call("PUT", "/jira/_state", json={"priority": False})
    said = await jira(client, "POST", "/issue", {"fields": fields()})
    assert said.status == 400
    assert "not on the appropriate screen" in said.json["errors"]["priority"]
    plain = {name: value for name, value in fields().items() if name != "priority"}
    assert (await jira(client, "POST", "/issue", {"fields": plain})).status == 201
    types = (await jira(client, "GET", "/issue/createmeta/OPS/issuetypes")).json["issueTypes"]
    [bug] = [each["id"] for each in types if each["name"] == "Bug"]
    screen = (await jira(client, "GET", f"/issue/createmeta/OPS/issuetypes/{bug}")).json["fields"]
    assert {each["fieldId"] for each in screen} == {*plain, "environment"}
    assert (await jira(client, "GET", "/issue/createmeta/OPS/issuetypes/5")).status == 404
    assert (await jira(client, "GET", "/issue/createmeta/NO/issuetypes")).status == 404


async def test_comments_are_kept_in_order(start: Start) -> None:
    client = await start()
    key = await create(client)
    for nth in range(3):
        said = await jira(client, "POST", f"/issue/{key}/comment", {"body": document(f"again, {nth}")})
        assert (said.status, said.json["body"]) == (201, document(f"again, {nth}"))
    page = (await jira(client, "GET", f"/issue/{key}/comment?maxResults=2&orderBy=-created")).json
    texts = [each["body"]["content"][0]["content"][0]["text"] for each in page["comments"]]
    assert (page["total"], page["startAt"], texts) == (3, 0, ["again, 2", "again, 1"])
    assert rows(client)[0]["comments"] == ["again, 0", "again, 1", "again, 2"]
    for bad in ({"body": "text"}, {"body": document("x"), "to": "you"}, {}):
        assert (await jira(client, "POST", f"/issue/{key}/comment", bad)).status == 400
    for query in ("orderBy=author", "startAt=-1", "maxResults=all"):
        assert (await jira(client, "GET", f"/issue/{key}/comment?{query}")).status == 400
    assert (await jira(client, "POST", "/issue/OPS-9/comment", {"body": document("x")})).status == 404


async def test_an_issue_moves_by_transitions_of_its_status(start: Start) -> None:
    client = await start()
    key = await create(client)
    ways = (await jira(client, "GET", f"/issue/{key}/transitions")).json["transitions"]
    [done] = [each["id"] for each in ways if each["to"]["statusCategory"]["key"] == "done"]
    moved = await jira(client, "POST", f"/issue/{key}/transitions", {"transition": {"id": done}})
    assert (moved.status, moved.text) == (204, "")
    assert (rows(client)[0]["status"], rows(client)[0]["open"]) == ("Done", False)
    again = await jira(client, "POST", f"/issue/{key}/transitions", {"transition": {"id": done}})
    assert again.status == 400
    assert (await jira(client, "POST", f"/issue/{key}/transitions", {})).status == 400
    with pytest.raises(ValueError, match="no status"):
        client.simulators.jira.move(key, "Somewhere")


async def test_a_deleted_issue_is_gone(start: Start) -> None:
    client = await start()
    key = await create(client)
    assert (await jira(client, "DELETE", f"/issue/{key}")).status == 204
    said = await jira(client, "GET", f"/issue/{key}")
    assert (said.status, said.json["errorMessages"][0][:20]) == (404, "Issue does not exist")


async def test_a_wrong_token_is_refused_and_a_stranger_sees_nothing(start: Start) -> None:
    client = await start(times=replace(QUICK, search_lag=0.0))
    key = await create(client)
    for path in ("/myself", f"/issue/{key}"):
        assert (await jira(client, "GET", path, headers=login("expired"))).status == 401
    assert (await jira(client, "GET", "/myself")).json["emailAddress"] == "ops@simulated.example"
    assert (await jira(client, "GET", "/myself", headers={})).status == 401
    assert (await jira(client, "POST", "/issue", {"fields": fields()}, headers={})).status == 401
    assert (await jira(client, "GET", f"/issue/{key}", headers={})).status == 404
    assert len((await search(client))["issues"]) == 1
    unseen = await jira(client, "POST", "/search/jql", {"jql": "project = OPS"}, headers={})
    assert (unseen.status, unseen.json) == (200, {"issues": [], "isLast": True})


async def test_the_old_search_is_gone(start: Start) -> None:
    client = await start()
    for version in (2, 3):
        said = await client.call("GET", f"/jira/rest/api/{version}/search?jql=x", headers=login())
        assert said.status == 410


async def test_trouble_and_being_down(start: Start) -> None:
    client = await start()
    plan = client.simulators.plan
    plan.set("429", rate=1, api_rate=1)
    said = await jira(client, "POST", "/issue", {"fields": fields()})
    assert (said.status, said.headers["Retry-After"], said.headers["RateLimit-Reason"]) == (
        429,
        "1",
        "jira-burst-based",
    )
    plan.set("503", rate=1, api_rate=1)
    assert (await jira(client, "GET", "/myself")).status == 503
    plan.set("none")
    assert (await client.call("PUT", "/jira/_state", json={"down": True})).json == {
        "down": True,
        "priority": True,
    }
    with pytest.raises(aiohttp.ClientError):
        await jira(client, "GET", "/myself")
    await client.call("PUT", "/jira/_state", json={"down": False})
    await client.call("POST", "/_reset")
    assert await create(client) == "OPS-1"
    not_json = await client.call("POST", "/jira/rest/api/3/issue", data=b"{", headers=login())
    assert not_json.status == 400
