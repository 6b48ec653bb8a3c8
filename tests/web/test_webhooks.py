"""Webhooks: every status that a sender can get, and that 200 is said only of what was kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from onpaid.errors import Conflict, StoreUnavailable, StoreUnknown
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Write
from tests.web.client import Answer, Client, nobody
from tests.web.world import PATH_TOKEN, SECRET, World, make_world

ORDER = {"id": "wh_1", "type": "order_paid", "number": "1001"}


async def send(client: Client, told: Any, source: str = "konverzky", **more: Any) -> Answer:
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    headers = {"content-type": "application/json", "x-secret": SECRET, **more.pop("headers", {})}
    return await client.post(f"/webhooks/{source}", body=body, headers=headers, **more)


async def events_of(world: World) -> int:
    return await world.store.count("event", "all", "")


async def test_a_webhook_is_kept_and_then_acknowledged(world: World) -> None:
    answer = await send(nobody(world), ORDER)
    assert answer.status == 200
    assert answer.json == {"event": "konverzky/konverzky/test/wh_1", "verdict": "routed"}
    assert await world.views.order("1001") is not None


async def test_a_second_delivery_is_acknowledged_and_changes_nothing(world: World) -> None:
    client = nobody(world)
    await send(client, ORDER)
    again = await send(client, ORDER)
    assert (again.status, again.json["verdict"]) == (200, "duplicate")
    assert await events_of(world) == 1


async def test_what_is_ignored_is_kept_and_said_so(world: World) -> None:
    answer = await send(nobody(world), {"id": "evt_1", "type": "customer.updated"}, "stripe")
    assert answer.status == 200
    assert answer.json["ignored"] is True
    assert "customer.updated" in answer.json["reason"]
    assert await events_of(world) == 1


async def test_what_nobody_understands_is_kept_and_acknowledged(world: World) -> None:
    answer = await send(nobody(world), {"id": "evt_2", "type": "broken"}, "stripe")
    assert (answer.status, answer.json["verdict"]) == (200, "unrouted")
    assert await world.views.problems() == 1


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"type": "order_paid"}', b"[" * 50_000]
)
async def test_what_cannot_be_read_is_malformed(world: World, body: bytes) -> None:
    answer = await send(nobody(world), body)
    assert answer.status == 400
    assert "was not kept" in answer.problem["detail"]
    assert await events_of(world) == 0


@pytest.mark.parametrize("given", [{}, {"x-secret": ""}, {"x-secret": "wrong"}, {"x-secret": SECRET + "x"}])
async def test_who_cannot_be_verified_is_turned_away(world: World, given: dict[str, str]) -> None:
    answer = await nobody(world).post(
        "/webhooks/stripe", body=b"{}", headers={"content-type": "application/json", **given}
    )
    assert answer.status == 401
    assert answer.problem["title"] == "Unauthorized"
    assert await events_of(world) == 0


@pytest.mark.parametrize(
    "path", ["/webhooks/", "/webhooks/paypal", "/webhooks/stripe/a/b", "/webhooks/stripe/"]
)
async def test_an_unknown_source_is_not_there(world: World, path: str) -> None:
    answer = await nobody(world).post(path, body=b"{}", headers={"content-type": "application/json"})
    assert answer.status == 404
    assert answer.problem


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_webhooks_are_posted(world: World, method: str) -> None:
    answer = await nobody(world).ask(method, "/webhooks/stripe")
    assert (answer.status, answer.header("allow")) == (405, "POST")


@pytest.mark.parametrize(
    ("media", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_only_json_is_read(world: World, media: str, status: int) -> None:
    answer = await send(nobody(world), ORDER, headers={"content-type": media})
    assert answer.status == status


class TestSizes:
    async def test_a_declared_length_is_refused_before_a_byte_is_read(self, world: World) -> None:
        answer = await send(nobody(world), b"{}", headers={"content-length": str((1 << 20) + 1)})
        assert answer.status == 413
        assert "1,048,576 bytes" in answer.problem["detail"]

    async def test_a_body_is_counted_while_it_arrives(self, world: World) -> None:
        client = nobody(world)
        headers = {"content-type": "application/json", "x-secret": SECRET, "transfer-encoding": "chunked"}
        answer = await client.post("/webhooks/stripe", body=[b"x" * 300_000] * 5, headers=headers)
        assert answer.status == 413
        assert await events_of(world) == 0

    async def test_the_largest_body_is_taken(self, world: World) -> None:
        told = {**ORDER, "note": "x" * ((1 << 20) - 200)}
        assert (await send(nobody(world), told)).status == 200

    async def test_a_body_in_pieces_is_put_together(self, world: World) -> None:
        whole = json.dumps(ORDER).encode()
        headers = {"content-type": "application/json", "x-secret": SECRET, "transfer-encoding": "chunked"}
        pieces = [whole[:5], b"", whole[5:9], whole[9:]]
        answer = await nobody(world).post("/webhooks/konverzky", body=pieces, headers=headers)
        assert answer.status == 200

    async def test_too_many_large_bodies_at_once_are_asked_to_come_again(self) -> None:
        world = make_world(bodies_limit=1000)
        headers = {"content-type": "application/json", "x-secret": SECRET, "transfer-encoding": "chunked"}
        answer = await nobody(world).post("/webhooks/stripe", body=[b"x" * 600] * 3, headers=headers)
        assert (answer.status, answer.header("retry-after")) == (503, "5")


class Unwilling(MemoryStore):
    """A store that reads and does not write."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def commit(self, writes: Sequence[Write]) -> None:
        raise self.error


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), StoreUnknown("who knows")])
async def test_what_cannot_be_kept_is_to_be_sent_again(error: Exception) -> None:
    answer = await send(nobody(make_world(Unwilling(error))), ORDER)
    assert (answer.status, answer.header("retry-after")) == (503, "5")
    assert "send it again" in answer.problem["detail"]
    assert "disk" not in answer.text


async def test_a_fault_of_ours_is_never_a_yes() -> None:
    answer = await send(nobody(make_world(Unwilling(ZeroDivisionError("secret detail")))), ORDER)
    assert answer.status == 500
    assert "secret" not in answer.text


async def test_an_endless_conflict_is_to_be_sent_again() -> None:
    world = make_world(Unwilling(Conflict([("order", "konverzky/1001")])))
    assert (await send(nobody(world), ORDER)).status == 503


async def test_a_sender_that_goes_away_leaves_nothing(world: World) -> None:
    sent: list[Any] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/webhooks/konverzky",
        "headers": [(b"host", b"x"), (b"content-type", b"application/json"), (b"content-length", b"9")],
    }
    messages = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]

    async def receive() -> Any:
        return messages.pop(0)

    async def send_(message: Any) -> None:
        sent.append(message)

    await world.app()(scope, receive, send_)
    assert sent == []
    assert await events_of(world) == 0


class TestTokenInThePath:
    async def test_it_opens_the_door(self, world: World) -> None:
        answer = await nobody(world).post(
            f"/webhooks/konverzky/{PATH_TOKEN}",
            body=json.dumps(ORDER).encode(),
            headers={"content-type": "application/json"},
        )
        assert answer.status == 200

    async def test_it_is_in_no_log(self, world: World) -> None:
        with capture_logs() as logs:
            for body in (json.dumps(ORDER).encode(), b"{"):
                for token in (PATH_TOKEN, PATH_TOKEN + "x"):
                    await nobody(world).post(
                        f"/webhooks/konverzky/{token}",
                        body=body,
                        headers={"content-type": "application/json"},
                    )
        assert logs
        assert PATH_TOKEN not in repr(logs)


async def test_further_paths_may_be_named() -> None:
    world = make_world(webhook_paths={"/stripe-webhook": "stripe"})
    headers = {"content-type": "application/json", "x-secret": SECRET}
    answer = await nobody(world).post(
        "/stripe-webhook", body=b'{"id": "evt_9", "type": "x"}', headers=headers
    )
    assert answer.status == 200


async def test_the_baseline_of_benchmarks_exists_only_where_it_is_asked_for(world: World) -> None:
    assert (await send(nobody(world), ORDER, "noop")).status == 404
    asked = make_world(bench_noop=True)
    assert (await send(nobody(asked), ORDER, "noop")).status == 200
    assert await events_of(asked) == 0
