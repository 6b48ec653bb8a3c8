"""Errors of the story of delivery as the whole service meets them: over HTTP, with the real clients, the real ticket log
and an issue tracker. What a person is told, and what nobody is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from onpaid.store.memory import MemoryStore
from tests.app.stores import MoodyStore
from tests.flows.market import cart_of
from tests.providers import till
from tests.requirements.premises import EMAIL, PERSON, PHONE, SECRET, STREET, Premises, premises
from tests.requirements.test_delivery_errors import STRUCTURE

NOT_SERVED = {"line1": STREET, "city": "Itanagar", "state": "Arunachal Pradesh", "pincode": "999999"}


async def told_once(there: Premises, category: str, words: str, order: str | None) -> dict[str, Any]:
    """The only ticket: its line in the log has the requirement's structure and nothing personal, and there is one
    issue for it."""
    (ticket,) = await there.tickets()
    (line,) = there.lines()
    assert set(line) >= STRUCTURE
    assert (line["id"], line["category"], line["orderId"]) == (ticket.id, category, order)
    assert words in line["issue"]
    (issue,) = there.simulators.jira.rows()
    assert f"onpaid-cat-{category}" in issue["labels"]
    log = there.ticket_log.read_text(encoding="utf-8")
    for personal in (PERSON, PHONE, EMAIL, STREET):
        assert personal not in log
        assert personal not in json.dumps(issue)
    found: dict[str, Any] = line
    return found


async def test_error_delivery_awb_not_received_over_http(tmp_path: Path) -> None:
    """Shiprocket says so in a 200: no courier goes there."""
    async with premises(tmp_path) as there:
        status, opened, _ = await there.post("/payment/create-order", cart_of("racket", address=NOT_SERVED))
        assert status == 201
        there.simulators.razorpay.pay(opened["razorpay_order_id"])
        await there.rest()
        number = opened["order_number"]
        line = await told_once(there, "delivery", "assign awb", number)
        assert "no courier" in line["issue"] + line["errorMessage"]
        assert line["context"]["order"].endswith(number)
        (row,) = there.simulators.shiprocket.rows()["shipments"]
        assert not row["awb"]
        assert [row["template"] for row in there.simulators.meta.rows()] == ["order_confirmation"]


@pytest.mark.parametrize("path", ["/payment/webhook", "/webhooks/razorpay"])
async def test_error_payment_webhook_signature_invalid_over_http(tmp_path: Path, path: str) -> None:
    async with premises(tmp_path) as there:
        answers = [await there.tell(till.body(), secret="guessed", path=path) for _ in range(40)]
        assert {status for status, _, _ in answers} == {401}
        assert SECRET not in json.dumps(answers[0][1])
        await there.service.forgeries.close()
        await there.rest()
        line = await told_once(there, "payment", "Webhook signature invalid", None)
        assert line["context"]["source"] == "razorpay"
        assert await there.service.store.count("event", "all", "") == 0


async def test_error_stock_product_not_found_over_http(tmp_path: Path) -> None:
    """Before the payment it is an answer to the page and nobody's ticket: nothing was taken."""
    async with premises(tmp_path) as there:
        status, told, _ = await there.post("/payment/create-order", cart_of("no-such-racket"))
        assert status == 400
        assert "no product no-such-racket" in told["detail"]
        assert await there.tickets() == []
        assert there.simulators.razorpay.rows()["orders"] == []


async def test_error_database_write_failed_over_http(tmp_path: Path) -> None:
    """A store that cannot write says 503 to whoever would have to be told that all is well, and no ticket can be kept;
    what a person sees is /readyz. Razorpay sends again, and the order goes out once."""
    store = MoodyStore(MemoryStore())
    async with premises(tmp_path, store=store) as there:
        opened = await there.buy("racket")
        razorpay = there.simulators.razorpay
        store.mood = "full"
        status, _, headers = await there.tell(till.body())
        assert status == 503
        assert headers["retry-after"]
        status, _, _ = await there.post("/payment/create-order", cart_of("racket"))
        assert status == 503
        status, ready = await there.get("/readyz")
        assert (status, ready["ready"]) == (503, False)
        paid = razorpay.pay(opened["razorpay_order_id"])
        await asyncio.gather(*(parcel.tried.wait() for parcel in razorpay.parcels_of(paid["id"])))
        assert set(there.simulators.sender.refused) == {"503"}
        store.mood = "well"
        await there.rest()
        assert (await there.get("/readyz"))[0] == 200
        assert [row["channel_order_id"] for row in there.simulators.shiprocket.rows()["shipments"]] == [
            opened["order_number"]
        ]
        assert there.simulators.sender.counts()["waiting"] == 0
        assert await there.tickets() == []
        assert there.lines() == []
