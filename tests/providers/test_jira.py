"""Jira: issues that are found again, refusals that mean what they mean, and nothing that is sent twice."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Found, Unsure, act_of
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.jira import Jira, Settings
from onpaid.providers.jira_adf import document, plain
from onpaid.providers.roles import FiledTicket, TicketRef
from tests.providers.scripted import Reply, Scripted, closed_port, reply, scripted

TOKEN = "ATATT3xFfGF0x"
TICKET = FiledTicket(
    id="tkt_0123456789abcdef",
    category="delivery",
    severity="high",
    title="Shipment creation failed",
    facts={"order": "shop/2045861230417", "customerEmail": "kari@example.org", "step": "book parcel"},
    opened_at="2026-11-25T10:00:00.000Z",
    run="ship_paid_order:razorpay/live/pay_1",
    order="shop/2045861230417",
    environment="production",
    fingerprint="3f9ac1d2e4b5",
)
ME = reply(200, {"accountId": "1", "displayName": "Ops"})
PROJECT_LACKS = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."


def settings(base: str, **more: Any) -> Settings:
    return Settings(base, "ops@example.org", TOKEN, "OPS", **more)


@asynccontextmanager
async def jira(*replies: Reply, **more: Any) -> AsyncIterator[tuple[Jira, Scripted]]:
    async with scripted(*replies) as server:
        made = Jira(settings(server.base, **more))
        yield made, server
        await made.close()


def created(key: str = "OPS-24") -> Reply:
    return reply(201, {"id": "10000", "key": key, "self": "https://example.org/10000"})


def hits(*keys: str, labels: list[str] | None = None) -> Reply:
    told = ["onpaid", "onpaid-fp-3f9ac1d2e4b5"] if labels is None else labels
    return reply(
        200, {"issues": [{"id": "1", "key": key, "fields": {"labels": told}} for key in keys], "isLast": True}
    )


def status(category: str, key: str = "OPS-24") -> Reply:
    told = {"name": "Whatever", "statusCategory": {"key": category, "id": 2}}
    return reply(200, {"id": "1", "key": key, "fields": {"status": told}})


def refusal(*messages: str, **errors: str) -> Reply:
    return reply(400, {"errorMessages": list(messages), "errors": errors})


async def test_an_issue_is_created_once_with_all_that_it_is_found_by() -> None:
    async with jira(created(), priorities={"high": "High"}) as (tracker, server):
        assert await tracker.create_issue(TICKET) == TicketRef("OPS-24")
        (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/rest/api/3/issue")
    login = base64.b64encode(f"ops@example.org:{TOKEN}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {login}"
    body = request.json()
    assert body["properties"] == [
        {"key": "onpaid", "value": {"fingerprint": "3f9ac1d2e4b5", "ticket": "tkt_0123456789abcdef"}}
    ]
    fields = body["fields"]
    assert fields["summary"] == "[delivery/high] Shipment creation failed"
    assert fields["labels"] == [
        "onpaid",
        "onpaid-fp-3f9ac1d2e4b5",
        "onpaid-cat-delivery",
        "onpaid-sev-high",
        "onpaid-env-production",
    ]
    assert (fields["project"], fields["issuetype"], fields["priority"]) == (
        {"key": "OPS"},
        {"name": "Bug"},
        {"name": "High"},
    )
    told = plain(fields["description"])
    assert "2045861230417" in told
    assert "ship_paid_order:razorpay/live/pay_1" in told
    assert "kari" not in request.body.decode()


@pytest.mark.parametrize(
    "title",
    ["x" * 900, "two\nlines\r\nand\x00more\x1b", "", " ", "\ud800", "“quoted” and \u202eturned", "🧾" * 300],
)
async def test_any_title_makes_a_summary_that_jira_takes(title: str) -> None:
    async with jira(created()) as (tracker, server):
        await tracker.create_issue(replace(TICKET, title=title, environment="Prod EU/1", severity="low"))
        fields = server.requests[0].json()["fields"]
    assert 0 < len(fields["summary"]) <= 255
    assert fields["summary"].isprintable()
    assert "priority" not in fields
    assert all(label == label.lower() and " " not in label for label in fields["labels"])
    assert "onpaid-env-prod-eu-1" in fields["labels"]


async def test_a_field_that_the_project_lacks_is_left_out_by_the_next_attempt() -> None:
    lacks = refusal(priority=PROJECT_LACKS.format("priority"))
    async with jira(lacks, created(), lacks, priorities={"high": "High"}) as (tracker, server):
        with pytest.raises(Unavailable, match="takes no priority"):
            await tracker.create_issue(TICKET)
        assert len(server.requests) == 1, "an act makes one request"
        assert await tracker.create_issue(TICKET) == TicketRef("OPS-24")
        assert "priority" in server.requests[0].json()["fields"]
        assert "priority" not in server.requests[1].json()["fields"]
        with pytest.raises(Refused):
            await tracker.create_issue(TICKET)  # it names what was not sent: no loop


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        (refusal(labels=PROJECT_LACKS.format("labels")), Unauthorised, "create screen"),
        (refusal(project="valid project is required"), Unauthorised, "JIRA_PROJECT"),
        (refusal(issuetype="Specify a valid issue type"), Unauthorised, "issue type"),
        (refusal(customfield_10010="Component is required."), Unauthorised, "Component"),
        (refusal(priority="gone", labels=PROJECT_LACKS.format("labels")), Unauthorised, "labels"),
        (refusal(summary="Summary can't exceed 255 characters."), Refused, "255"),
        (refusal("Something about kari@example.org"), Refused, r"\*\*\*"),
        (reply(400, b""), Refused, "400"),
        (reply(400, {"errors": []}), Refused, "400"),
        (reply(401, {}), Unauthorised, "401"),
        (reply(403, {}), Unauthorised, "403"),
        (reply(429, {}, retry_after="30"), Unavailable, "too many"),
        (reply(503, {}), Doubtful, "may have happened"),
        (reply(201, {"id": "1"}), Doubtful, "cannot be read"),
        (reply(201, b"<html>", content_type="text/html"), Doubtful, "html"),
        (Reply(then="reset"), Doubtful, "lost"),
        (Reply(then="close"), Doubtful, "lost"),
    ],
)
async def test_what_a_creation_may_come_to(answer: Reply, expected: type[ProviderError], words: str) -> None:
    async with jira(answer) as (tracker, server):
        with pytest.raises(expected, match=words) as caught:
            await tracker.create_issue(TICKET)
        assert type(caught.value) is expected
        assert len(server.requests) == 1
        assert TOKEN not in str(caught.value)
        if isinstance(caught.value, Unavailable):
            assert caught.value.retry_after == 30


async def test_a_jira_that_is_not_there() -> None:
    tracker = Jira(settings(f"http://127.0.0.1:{closed_port()}"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        await tracker.create_issue(TICKET)
    assert "cannot be reached" in (await tracker.doctor())[0]
    await tracker.close()


async def test_an_issue_is_found_by_its_label_and_looked_at_once_more() -> None:
    async with jira(hits("OPS-7", "OPS-9"), status("done"), status("new", "OPS-9")) as (tracker, server):
        assert await tracker.find_issue(TICKET) == Found(TicketRef("OPS-9"))
        asked = server.requests[0]
        assert (asked.method, asked.target) == ("POST", "/rest/api/3/search/jql")
        assert asked.json()["jql"] == (
            'project = "OPS" AND labels = "onpaid-fp-3f9ac1d2e4b5" AND statusCategory != Done ORDER BY created ASC'
        )
        assert [request.target for request in server.requests[1:]] == [
            "/rest/api/3/issue/OPS-7?fields=status",
            "/rest/api/3/issue/OPS-9?fields=status",
        ]


async def test_nothing_found_is_an_absence_only_if_jira_knows_us() -> None:
    """To strangers, and so to whoever has an old token, everything is absent."""
    async with jira(hits(), ME, hits(labels=[]), reply(401, {})) as (tracker, server):
        assert await tracker.find_issue(TICKET) == Absent()
        assert server.requests[1].target == "/rest/api/3/myself"
        with pytest.raises(Unauthorised):
            await tracker.find_issue(TICKET)


async def test_a_stranger_among_the_hits_is_not_ours() -> None:
    async with jira(hits("OPS-1", labels=["onpaid-fp-000000000000"]), ME) as (tracker, _):
        assert await tracker.find_issue(TICKET) == Absent()


async def test_a_search_that_is_refused() -> None:
    wrong = refusal("The value 'OPS' does not exist for the field 'project'.")
    gone = reply(410, {"errorMessages": ["The requested API has been removed."]})
    async with jira(wrong, gone) as (tracker, _):
        with pytest.raises(Unauthorised, match="JIRA_PROJECT"):
            await tracker.find_issue(TICKET)
        with pytest.raises(Refused):
            await tracker.find_issue(TICKET)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([status("new")], True),
        ([status("indeterminate")], True),
        ([status("done")], False),
        ([reply(200, {"id": "1", "key": "OPS-24", "fields": {}})], True),
        ([reply(404, {"errorMessages": ["Issue does not exist"]}), ME], False),
    ],
)
async def test_whether_an_issue_is_open(replies: list[Reply], expected: bool) -> None:
    async with jira(*replies) as (tracker, server):
        assert await tracker.issue_is_open("OPS-24") is expected
        assert server.requests[0].target == "/rest/api/3/issue/OPS-24?fields=status"


async def test_an_issue_that_only_a_stranger_cannot_see_is_not_gone() -> None:
    async with jira(reply(404, {}), reply(401, {})) as (tracker, _):
        with pytest.raises(Unauthorised):
            await tracker.issue_is_open("OPS-24")


def comments(*texts: str, total: int | None = None) -> Reply:
    told = [{"id": str(number), "body": document(text)} for number, text in enumerate(texts)]
    return reply(
        200,
        {"startAt": 0, "maxResults": 100, "total": len(told) if total is None else total, "comments": told},
    )


MARKER = "[onpaid 3f9ac1d2e4b5/2]"


async def test_a_comment_is_written_and_found_by_its_marker() -> None:
    added = reply(201, {"id": "77", "body": document(f"2 tickets so far\n{MARKER}")})
    people = comments("what is this?", "[onpaid 3f9ac1d2e4b5/16]", f"2 tickets so far\n{MARKER}")
    async with jira(added, people, comments("[onpaid 3f9ac1d2e4b5/16]", ""), comments()) as (tracker, server):
        made = await tracker.comment("OPS-24", MARKER, "2 tickets so far")
        assert made == TicketRef("OPS-24#77")
        assert plain(server.requests[0].json()["body"]) == f"2 tickets so far\n{MARKER}"
        found = await tracker.find_comment("OPS-24", MARKER, "2 tickets so far")
        assert found == Found(TicketRef("OPS-24#2"))
        assert await tracker.find_comment("OPS-24", MARKER, "") == Absent()
        assert await tracker.find_comment("OPS-24", MARKER, "") == Absent()
        assert server.requests[1].target == (
            "/rest/api/3/issue/OPS-24/comment?startAt=0&maxResults=100&orderBy=-created"
        )


async def test_many_comments_are_read_page_by_page_and_not_without_end() -> None:
    page = comments(*["talk"] * 100, total=100_000)
    async with jira(page, comments(MARKER, total=101), *[page] * 5) as (tracker, server):
        assert isinstance(await tracker.find_comment("OPS-24", MARKER, ""), Found)
        assert "startAt=100&" in server.requests[1].target
        assert isinstance(await tracker.find_comment("OPS-24", MARKER, ""), Unsure)


async def test_a_comment_that_is_too_long_or_whose_issue_is_gone() -> None:
    async with jira(
        reply(201, {"id": "1"}), reply(404, {}), refusal(comment="Comment body is not valid!")
    ) as (
        tracker,
        server,
    ):
        await tracker.comment("OPS-24", MARKER, "x" * 100_000)
        assert len(server.requests[0].body) < 33_000
        assert plain(server.requests[0].json()["body"]).endswith(MARKER)
        for _ in range(2):
            with pytest.raises(Refused) as caught:
                await tracker.comment("OPS-24", MARKER, "text")
            assert type(caught.value) is Refused


async def test_a_reference_that_is_no_key_leads_nowhere_else() -> None:
    async with jira(reply(404, {}), ME) as (tracker, server):
        assert await tracker.issue_is_open("OPS-1/../../x?y") is False
        assert server.requests[0].target == "/rest/api/3/issue/OPS-1%2F..%2F..%2Fx%3Fy?fields=status"


async def test_doctor() -> None:
    async with jira(ME, reply(401, {})) as (tracker, _):
        assert await tracker.doctor() == []
        assert "401" in (await tracker.doctor())[0]


@pytest.mark.parametrize(
    "more",
    [
        {"base_url": "http://jira.example.org"},
        {"base_url": "ftp://x"},
        {"project": "ops"},
        {"project": 'OPS" OR 1=1'},
        {"email": "nobody"},
        {"email": "a:b@example.org"},
        {"api_token": ""},
        {"api_token": "with\nbreak"},
        {"issue_type": " "},
        {"priorities": {"worst": "Highest"}},
    ],
)
def test_wrong_settings_are_told(more: dict[str, Any]) -> None:
    given = {"base_url": "https://x.atlassian.net", "email": "a@b.no", "api_token": "t", "project": "OPS"}
    with pytest.raises(SettingsError):
        Jira(Settings(**{**given, **more}))


def test_what_it_declares() -> None:
    tracker = Jira(settings("https://x.atlassian.net"))
    (lane,) = tracker.lanes
    assert (lane.name, lane.at_once, lane.per_second) == ("jira", 2, 5)
    assert (tracker.lane, tracker.present) == ("jira", True)
    for name in ("find_issue", "issue_is_open", "find_comment"):
        assert act_of(getattr(tracker, name)).repeatable
    creates = act_of(tracker.create_issue)
    assert creates.look_first
    assert creates.settles is not None
    assert creates.settles.total_seconds() == 180
    assert TOKEN not in repr(tracker.settings)
