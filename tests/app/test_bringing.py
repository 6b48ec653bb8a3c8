"""Events that we read from their sender ourselves: kept once with their webhook, whichever comes first, or at once."""

from __future__ import annotations

import asyncio
import json

import pytest

from onpaid.errors import InvalidInput
from onpaid.repositories.events import READ
from tests.app.counter import Counter, at_the_counter
from tests.app.post import charge, stripe_event

DELIVERED = stripe_event("charge.succeeded", charge("pi_1", 19_900, "1001"), "evt_1")
LISTED = json.dumps(json.loads(DELIVERED)).encode()
"""The same event in other bytes, as a list has it."""
RUN = "invoice_payment:stripe/default/test/pi_1"


async def _one_invoice(counter: Counter) -> None:
    counter.exists("pi_1", 19_900, "1001")
    await counter.told_order("1001")
    await counter.rest()
    assert len(counter.world.invoices) == counter.world.mails == 1
    assert not await counter.tickets()
    assert len([event for event in await counter.events() if event.envelope.source == "stripe"]) == 1


def test_what_is_brought_in_starts_what_its_webhook_would() -> None:
    async def story(counter: Counter) -> None:
        receipt = await counter.inbox.bring("stripe", LISTED)
        assert (receipt.verdict, receipt.began) == ("routed", (RUN,))
        (event,) = await counter.events()
        assert (event.origin, event.raw()) == (READ, LISTED)
        again = await counter.inbox.bring("stripe", LISTED)
        assert (again.verdict, again.began) == ("duplicate", ())
        assert (await counter.post("stripe", DELIVERED)).verdict == "duplicate"
        await _one_invoice(counter)

    at_the_counter(story)


def test_what_was_delivered_is_skipped() -> None:
    async def story(counter: Counter) -> None:
        await counter.post("stripe", DELIVERED)
        assert (await counter.inbox.bring("stripe", LISTED)).verdict == "duplicate"
        (event,) = await counter.events()
        assert event.origin == ""
        await _one_invoice(counter)

    at_the_counter(story)


def test_both_at_once_are_one_event() -> None:
    async def story(counter: Counter) -> None:
        told = await asyncio.gather(
            *(counter.inbox.bring("stripe", LISTED) for _ in range(5)),
            *(counter.post("stripe", DELIVERED) for _ in range(5)),
        )
        assert sorted(receipt.verdict for receipt in told) == ["duplicate"] * 9 + ["routed"]
        await _one_invoice(counter)

    at_the_counter(story)


def test_a_dry_look_keeps_nothing() -> None:
    async def story(counter: Counter) -> None:
        assert (await counter.inbox.bring("stripe", LISTED, dry=True)).verdict == "routed"
        other = stripe_event("customer.updated", {"id": "cus_1", "object": "customer"}, "evt_2")
        assert (await counter.inbox.bring("stripe", other, dry=True)).verdict == "ignored"
        assert await counter.events() == []

    at_the_counter(story)


def test_what_cannot_be_read_is_refused() -> None:
    async def story(counter: Counter) -> None:
        with pytest.raises(InvalidInput):
            await counter.inbox.bring("stripe", b"{}")
        assert await counter.events() == []

    at_the_counter(story)


def test_a_run_that_was_there_is_not_told_as_begun() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_intent("1001", 19_900)
        receipt = await counter.inbox.bring("stripe", LISTED)
        assert (receipt.verdict, receipt.began) == ("routed", ())

    at_the_counter(story)
