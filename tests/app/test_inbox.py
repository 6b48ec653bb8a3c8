"""The inbox: an event is kept once, judged, and only then acknowledged; nothing is dropped silently."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from onpaid.app.keeping import Keeping
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.errors import BadSignature, InvalidInput
from onpaid.providers.roles import WebhookSource
from tests.app.counter import BOOK, Counter, at_the_counter
from tests.app.post import charge, intent, refund, shop_event, signed, sources, stripe_event


async def _one_invoice(counter: Counter) -> None:
    await counter.rest()
    assert len(counter.world.invoices) == counter.world.mails == 1
    assert not await counter.tickets()


def test_a_second_delivery_is_a_duplicate_without_further_effect() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        receipts = [await counter.told_paid("1001", 19_900) for _ in range(4)]
        assert [receipt.verdict for receipt in receipts] == ["routed", "duplicate", "duplicate", "duplicate"]
        assert len(await counter.events()) == 2
        await _one_invoice(counter)
        for _ in range(3):
            assert (await counter.told_paid("1001", 19_900)).verdict == "duplicate"
        await _one_invoice(counter)

    at_the_counter(story)


def test_an_event_is_kept_with_its_bytes() -> None:
    async def story(counter: Counter) -> None:
        body = stripe_event("charge.succeeded", charge("pi_1", 19_900, "1001"), "evt_1")
        await counter.post("stripe", body)
        (event,) = await counter.events()
        assert event.raw() == body
        assert event.runs == ["invoice_payment:stripe/default/test/pi_1"]
        assert event.about == ["order:konverzky/1001"]

    at_the_counter(story)


def test_rule_04_the_same_id_with_another_body_is_a_second_event_and_is_judged() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_paid("1001", 19_900, "pi_1", "evt_1")
        receipt = await counter.told_paid("1002", 19_900, "pi_2", "evt_1")
        assert receipt.verdict == "routed"
        assert receipt.event.startswith("stripe/default/test/evt_1#")
        assert (await counter.told_paid("1002", 19_900, "pi_2", "evt_1")).verdict == "duplicate"
        assert len(await counter.events()) == 2
        for number in ("1001", "1002"):
            await counter.told_order(number)
        await counter.rest()
        assert len(counter.world.invoices) == 2

    at_the_counter(story)


def test_rule_04_test_and_live_never_mix() -> None:
    async def story(counter: Counter) -> None:
        counter.exists("pi_1", 19_900, "1001")
        about = charge("pi_1", 19_900, "1001")
        test = await counter.post("stripe", stripe_event("charge.succeeded", about, "evt_1"))
        live = await counter.post("stripe", stripe_event("charge.succeeded", about, "evt_1", live=True))
        assert test.verdict == "ignored"
        assert "test-mode event" in test.reason
        assert (live.verdict, live.event) == ("routed", "stripe/default/live/evt_1")
        assert [run.id for run in await counter.runs("invoice_payment")] == [
            "invoice_payment:stripe/default/live/pi_1"
        ]

    at_the_counter(story, live=True)


def test_rule_04_the_same_number_in_two_shops_is_two_orders() -> None:
    from onpaid.providers.konverzky import Konverzky, Settings

    other = Konverzky(Settings(secrets=("a-secret-between-the-shop-and-us",), shop="second"))
    given: dict[str, WebhookSource] = {**sources(), "konverzky": sources()["konverzky"]}

    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        counter.inbox = type(counter.inbox)(
            counter.process.engine.recorder,
            Keeping(counter.store, counter.guests["orders"], counter.guests["payments"]),
            {"konverzky": other},
            counter.clock,
        )
        await counter.told_order("1001", ("5", "1", "10.00"))
        orders = (await counter.guests["orders"].newest()).items
        assert sorted(order.key for order in orders) == ["konverzky/1001", "second/1001"]
        assert all(len(order.revisions) == 1 for order in orders)

    at_the_counter(story, given=given)


@pytest.mark.parametrize(
    ("kind", "about", "reason"),
    [
        ("customer.created", {"id": "cus_1", "object": "customer"}, "nothing follows from events of type"),
        ("charge.succeeded", charge("pi_1", 100, None), "has no order_number, so it is not the shop's"),
        ("charge.succeeded", charge("pi_1", 100, "1001", captured=False), "authorised, not captured"),
        ("charge.succeeded", charge("pi_1", 100, "1001", status="failed"), "the charge is failed"),
        ("payment_intent.succeeded", {**intent("pi_1", 0, "1001")}, "nothing was received"),
    ],
)
def test_what_is_ignored_is_kept_with_the_reason(kind: str, about: Mapping[str, object], reason: str) -> None:
    async def story(counter: Counter) -> None:
        receipt = await counter.post("stripe", stripe_event(kind, about, "evt_1"))
        assert receipt.verdict == "ignored"
        assert reason in receipt.reason
        (event,) = await counter.events()
        assert (event.verdict, event.reason) == ("ignored", receipt.reason)
        assert not await counter.runs("invoice_payment")
        assert not await counter.tickets()

    at_the_counter(story)


def test_an_authorised_charge_is_invoiced_when_it_is_captured() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        authorised = charge("pi_1", 19_900, "1001", captured=False)
        assert (
            await counter.post("stripe", stripe_event("charge.succeeded", authorised, "evt_1"))
        ).verdict == "ignored"
        counter.exists("pi_1", 19_900, "1001")
        captured = charge("pi_1", 19_900, "1001")
        assert (
            await counter.post("stripe", stripe_event("charge.captured", captured, "evt_2"))
        ).verdict == "routed"
        await _one_invoice(counter)

    at_the_counter(story)


@pytest.mark.parametrize("metadata", [{"source": "konverzky"}, {"konverzky_session": "s1"}])
def test_the_shops_charge_without_an_order_number_is_a_ticket(metadata: dict[str, str]) -> None:
    async def story(counter: Counter) -> None:
        about = charge("pi_1", 19_900, None, metadata=metadata)
        receipt = await counter.post("stripe", stripe_event("charge.succeeded", about, "evt_1"))
        assert receipt.verdict == "unrouted"
        ticket = await counter.ticket()
        assert ticket.category == "payment"
        assert ticket.facts["payment"] == "pi_1"
        await counter.rest()
        assert len(counter.world.tickets) == 1
        again = await counter.post("stripe", stripe_event("charge.succeeded", about, "evt_1"))
        assert again.verdict == "unrouted"
        assert len(await counter.tickets()) == 1

    at_the_counter(story)


class Broken:
    """A source whose routing has a fault, until it is mended."""

    name = "stripe"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(self) -> None:
        self._well = sources()["stripe"]
        self.mended = False
        self.ignores = False

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        self._well.verify(headers, body, now, token=token)

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        return self._well.read(body, now)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        if self.mended:
            return self._well.judge(envelope, body, received_at)
        if self.ignores:
            return Judged(ignored="a type that this version does not know")
        raise ZeroDivisionError("a fault in the routing")


@pytest.mark.parametrize("how", ["delivered again", "judged again"])
@pytest.mark.parametrize("fault", ["raises", "ignores"])
def test_rule_15_an_event_that_routing_got_wrong_is_judged_again(how: str, fault: str) -> None:
    broken = Broken()
    broken.ignores = fault == "ignores"

    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        receipt = await counter.told_paid("1001", 19_900)
        assert receipt.verdict == ("ignored" if broken.ignores else "unrouted")
        assert len(await counter.tickets()) == (0 if broken.ignores else 1)
        broken.mended = True
        if how == "delivered again" and not broken.ignores:
            receipt = await counter.told_paid("1001", 19_900)
        else:
            receipt = await counter.inbox.judge_again("stripe/default/test/evt_1")
        assert receipt.verdict == "routed"
        await counter.rest()
        assert len(counter.world.invoices) == counter.world.mails == 1
        assert len(await counter.events()) == 2
        assert (await counter.inbox.judge_again("stripe/default/test/evt_1")).verdict == "routed"
        await counter.rest()
        assert len(counter.world.invoices) == counter.world.mails == 1

    at_the_counter(story, given={**sources(), "stripe": broken})


def test_nothing_is_kept_of_what_nobody_signed() -> None:
    async def story(counter: Counter) -> None:
        body = stripe_event("charge.succeeded", charge("pi_1", 100, "1001"), "evt_1")
        now = counter.clock.now()
        for headers in (
            {},
            {"stripe-signature": "t=1,v1=00"},
            signed("stripe", body + b" ", now),
            signed("stripe", body, now - 301_000),
            signed("stripe", body, now + 301_000),
        ):
            with pytest.raises(BadSignature):
                await counter.post("stripe", body, headers=headers)
        assert not await counter.events()
        for off in (-300_000, 300_000):
            assert (await counter.post("stripe", body, headers=signed("stripe", body, now + off))).event

    at_the_counter(story)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"id": 1}', b'{"webhook_type": "order_paid"}'])
@pytest.mark.parametrize("source", ["stripe", "konverzky"])
def test_nothing_is_kept_of_what_is_malformed(source: str, body: bytes) -> None:
    async def story(counter: Counter) -> None:
        with pytest.raises(InvalidInput):
            await counter.post(source, body)
        assert not await counter.events()

    at_the_counter(story)


def test_a_refund_that_nobody_can_place_is_no_ticket() -> None:
    async def story(counter: Counter) -> None:
        receipt = await counter.post("stripe", stripe_event("refund.created", refund("pi_9", 100), "evt_1"))
        assert receipt.verdict == "routed"
        await counter.rest()
        assert not await counter.tickets()

    at_the_counter(story)


def test_an_order_told_by_two_webhooks_is_one_order() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_order("1001", BOOK, webhook="w1")
        await counter.told_order("1001", BOOK, webhook="w2", kind="product_paid")
        body = shop_event("1001", (BOOK,))
        assert (await counter.post("konverzky", body)).verdict == "routed"
        assert (await counter.post("konverzky", body + b" ")).event.startswith(
            "konverzky/konverzky/test/by-meaning"
        )
        (order,) = (await counter.guests["orders"].newest()).items
        assert len(order.revisions) == 1
        assert len(await counter.runs("expire_order")) == 1

    at_the_counter(story)
