"""A proof of orders that are shipped: told by the real flows, and held against what a courier and a bank would list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from onpaid.app.proving import Prover
from onpaid.app.proving_sources import Outside, Paged
from onpaid.domain.money import Money
from onpaid.domain.proof_rows import Line
from onpaid.domain.takings import Taking
from onpaid.engine.visits import Visits
from onpaid.errors import NotPossible
from onpaid.providers.dry_run import DryRunShipping
from onpaid.repositories.proofs import Proof
from onpaid.repositories.references import References
from tests.app.couriers import word
from tests.app.proving_kit import DAY, FakeCourier, FakeRazorpay
from tests.flows.bazaar import ACCOUNT, SHOP
from tests.flows.market import BALLS, LESSON, RACKET, Market, paid_by, trade


async def proven(
    market: Market, spoil: Callable[[Any, Any], object] | None = None, since: int | None = None
) -> tuple[Proof, list[Line]]:
    """A proof, an hour later, of what the bazaar's books say; `spoil` takes the two lists before they are read."""
    await market.clock.sleep(3600)
    razorpay, courier = FakeRazorpay(), FakeCourier()
    for nth, each in enumerate(market.world.captured.values()):
        razorpay.takings.append(
            Taking(
                ACCOUNT,
                each.checkout_id,
                each.payment_id,
                each.amount,
                each.refunded,
                market.clock.now() - 3_600_000 - nth,
                live=False,
                captured=each.captured,
                ours=True,
            )
        )
    courier.orders = [parcel.ref for parcel in market.world.parcels]
    if spoil is not None:
        spoil(razorpay, courier)
    visits = Visits.of(market.process.engine)
    prover = Prover(
        market.store,
        market.guests["orders"],
        References(market.store),
        market.clock,
        visits,
        Outside({"razorpay": Paged(visits, razorpay)}, courier=courier, messages=True, shops=(SHOP,)),
        owner="tests",
        zone=ZoneInfo("Asia/Kolkata"),
    )
    day = 0 if market.clock.now() < DAY else market.clock.now() - DAY
    proof = await prover.begin(day if since is None else since, market.clock.now())
    ended = await prover.advance(proof.id, timedelta(minutes=5))
    assert ended is not None
    assert ended.ended
    lines = [line async for page in prover.proofs.pages(ended, "off") for line in page.lines]
    return ended, lines + [line async for page in prover.proofs.pages(ended, "lines") for line in page.lines]


async def bought(market: Market, *things: Any, payment: str = "pay_1", phone: str = "+919876543210") -> str:
    """An order that is paid now, and worked until nothing is left to do."""
    opened = await market.buy(*things, phone=phone)
    await market.pay(opened, payment=payment)
    await market.rest()
    return str(opened.order_number)


def found(lines: list[Line]) -> list[tuple[str, str, str]]:
    return [(line.order, each.kind, each.effect) for line in lines for each in line.findings]


def test_a_day_that_went_well_is_proven() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON)
        await bought(market, "racket", ("balls", 2))
        await bought(market, "lesson", payment="pay_2", phone="+919876500001")
        proof, lines = await proven(market)
        assert (proof.verdict, found(lines)) == ("proven", [])
        assert (proof.totals.parcels, proof.totals.messages, proof.totals.payments) == (1, 3, 2)

    trade(story)


def test_a_parcel_whose_payment_was_before_the_period_is_left_alone() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await bought(market, "racket")
        await market.clock.sleep(3600)
        proof, lines = await proven(market, lambda razorpay, _: razorpay.takings.clear(), market.clock.now())
        assert (proof.read["parcels"], proof.verdict, lines) == (1, "proven", [])

    trade(story)


def test_what_the_courier_lost_doubled_and_made_up_is_found() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        first = await bought(market, "racket")
        second = await bought(market, "racket", payment="pay_2", phone="+919876500001")

        def spoil(_razorpay: Any, courier: Any) -> None:
            lost, kept = courier.orders
            again = msgspec.structs.replace(
                kept, order_id="o9", shipment_id="s9", awb="again", reference=f"{second}-2"
            )
            strange = msgspec.structs.replace(kept, order_id="o8", shipment_id="s8", awb="x", reference="77")
            courier.orders = [msgspec.structs.replace(lost, cancelled=True), kept, again, strange]

        _, lines = await proven(market, spoil)
        assert sorted(found(lines)) == sorted(
            [
                (first, "missing", "shipment"),
                (second, "double", "shipment"),
                ("77", "unexplained", "shipment"),
            ]
        )
        missing = next(line for line in lines if line.order == first).findings[0]
        assert missing.command.endswith(f"`onpaid orders ship {first}`")

    trade(story)


def test_money_that_nobody_heard_of_and_money_that_nobody_took_are_found() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")

        def spoil(razorpay: Any, _courier: Any) -> None:
            unheard = msgspec.structs.replace(razorpay.takings[0], payment_id="order_9", charge_id="pay_9")
            razorpay.takings = [unheard]

        _, lines = await proven(market, spoil)
        assert sorted(found(lines)) == sorted(
            [("order_9", "missing", "payment"), (number, "unexplained", "payment")]
        )

    trade(story)


def test_a_checkout_that_was_paid_twice_is_found() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")

        def spoil(razorpay: Any, _courier: Any) -> None:
            razorpay.takings.append(msgspec.structs.replace(razorpay.takings[0], charge_id="pay_again"))

        _, lines = await proven(market, spoil)
        assert found(lines) == [(number, "double", "payment")]

    trade(story)


def test_money_that_was_for_something_else_is_nobodys_loss() -> None:
    async def story(market: Market) -> None:
        market.world.foreign = True
        paid = paid_by("order_of_another", Money(1_000, "INR"), at=market.clock.now())
        market.world.capture(paid)
        await market.hear(paid)
        await market.rest()
        proof, lines = await proven(market)
        assert (proof.verdict, lines, proof.totals.elsewhere) == ("proven", [], 1)

    trade(story)


def test_an_order_whose_money_a_person_gave_back_is_refunded_and_no_fault() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=1)
        first = await market.buy("racket")
        second = await market.buy("racket", phone="+919876500001")
        await market.pay(first)
        await market.rest()
        await market.pay(second, payment="pay_2")
        await market.rest()
        waiting, lines = await proven(market)
        assert (waiting.verdict, waiting.totals.waiting) == ("off", 1)
        assert {each[0] for each in found(lines)} == {second.order_number}
        await market.hands.decide(second.order_number, "refund", by="ann")
        await market.rest()

        def spoil(razorpay: Any, _courier: Any) -> None:
            back = razorpay.takings[1]
            razorpay.takings[1] = msgspec.structs.replace(back, refunded=back.amount)

        proof, lines = await proven(market, spoil)
        assert (proof.verdict, found(lines)) == ("proven", [])
        assert sorted(line.state for line in lines) == ["proven", "refunded"]

    trade(story)


def test_a_parcel_that_was_cancelled_is_missing_and_the_command_books_another() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")
        await market.hands.cancel_shipment(number, by="ann")
        await market.rest()
        _, lines = await proven(market)
        (finding,) = lines[0].findings
        assert (finding.kind, finding.command) == ("missing", f"onpaid orders ship {number}")
        await market.hands.ship_again(number)
        await market.rest()
        proof, _ = await proven(market)
        assert proof.verdict == "proven"

    trade(story)


def test_a_parcel_that_somebody_cancelled_there_is_booked_again_by_the_two_commands_that_are_named() -> None:
    """No webhook told of it, so that it still counts as live here: it is cancelled here first."""

    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")
        market.world.parcels[0].cancelled = True
        _, lines = await proven(market)
        (finding,) = lines[0].findings
        with pytest.raises(NotPossible, match="has a live parcel"):
            await market.hands.ship_again(number)
        cancel, ship = f"onpaid orders cancel-shipment {number}", f"onpaid orders ship {number}"
        assert finding.command == f"`{cancel}`, and when that is done `{ship}`"
        await market.hands.cancel_shipment(number, by="ann")
        await market.rest()
        await market.hands.ship_again(number)
        await market.rest()
        proof, _ = await proven(market)
        assert proof.verdict == "proven"

    trade(story)


def test_a_parcel_that_came_back_and_the_one_that_followed_are_not_two() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")
        await market.told(word(market.world.live()[0].awb, "returned"))
        assert found((await proven(market))[1]) == []
        await market.hands.ship_again(number)
        await market.rest()
        proof, lines = await proven(market)
        assert (found(lines), proof.totals.parcels) == ([], 2)
        third = msgspec.structs.replace(
            market.world.parcels[-1].ref, order_id="o9", shipment_id="s9", awb="x"
        )
        _, lines = await proven(market, lambda _, courier: courier.orders.append(third))
        assert found(lines) == [(number, "double", "shipment")]

    trade(story)


def test_parcels_of_a_dry_run_say_so() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        number = await bought(market, "racket")
        _, lines = await proven(market)
        (finding,) = lines[0].findings
        assert finding.cause == "it was only logged, in a dry run"
        assert finding.command == f"onpaid orders ship {number}"

    trade(story, shipping=DryRunShipping())


def test_a_number_without_whatsapp_is_nobodys_fault() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await bought(market, "racket")
        proof, _ = await proven(market)
        assert proof.verdict == "proven"

    trade(story, world={"unreachable": frozenset({"+919876543210"})})
