"""A customer is told each thing at most once, and a message of which nothing is known is never sent again by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from onpaid.app.checkout import Opened
from onpaid.domain.messages import Message, MessageTold, MessageWanted
from onpaid.engine.journal import Run
from tests.flows.bazaar import SHOP
from tests.flows.market import LESSON, PHONE, RACKET, Market, trade

HOUR = timedelta(hours=1)
CONFIRMED, SHIPPED = "order_confirmation", "shipment_created"


def paid(story: Callable[[Market, Opened], Awaitable[None]], *cart: str, **more: Any) -> None:
    """Tell what follows a paid order; a lesson ships nothing, so that it is told of by one message."""

    async def sold(market: Market) -> None:
        await market.stocked(RACKET, LESSON)
        opened = await market.buy(*cart or ("lesson",))
        await market.pay(opened)
        await market.wait(HOUR)
        await story(market, opened)

    trade(sold, **more)


async def messages(market: Market, opened: Opened) -> dict[str, Message]:
    found = await market.guests["messages"].of_order(f"{SHOP}/{opened.order_number}")
    return {message.ref.split(":", 2)[2]: message for message in found}


def ref(opened: Opened, template: str = CONFIRMED) -> str:
    return f"onpaid:{SHOP}/{opened.order_number}:{template}"


async def run_of(market: Market, template: str = CONFIRMED) -> Run:
    (found,) = [run for run in await market.runs("send_message") if run.id.endswith(template)]
    return found


async def wanted(market: Market, opened: Opened, template: str = CONFIRMED, nth: int = 1) -> None:
    fact = MessageWanted(f"{SHOP}/{opened.order_number}", template, nth=nth)
    await market.process.engine.recorder.record(facts=[fact])
    await market.wait(HOUR)


def test_each_template_goes_out_once_for_an_order() -> None:
    async def story(market: Market, opened: Opened) -> None:
        for template in (CONFIRMED, SHIPPED) * 3:
            await wanted(market, opened, template)
        assert [message.ref for message in market.world.messages] == [ref(opened), ref(opened, SHIPPED)]
        first = market.world.messages[0]
        assert (first.to, first.template, first.language) == (PHONE, CONFIRMED, "en")
        words = {parameter.name: parameter.value for parameter in first.parameters}
        assert words["orderNumber"] == opened.order_number
        assert words["orderAmount"] == "INR 1,500.00"
        assert words["trackingUrl"].startswith("https://shop.example/track/")
        second = {parameter.name: parameter.value for parameter in market.world.messages[1].parameters}
        assert second["awb"] == market.world.live()[0].awb

    paid(story, "racket")


def test_a_person_may_have_it_sent_again_under_a_reference_of_its_own() -> None:
    async def story(market: Market, opened: Opened) -> None:
        await wanted(market, opened, nth=2)
        await wanted(market, opened, nth=2)
        assert [message.ref for message in market.world.messages] == [ref(opened), f"{ref(opened)}:2"]

    paid(story)


@pytest.mark.parametrize("fate", ["lost reply", "late", "reset", "503 after", "503, late", "bug"])
def test_a_status_that_the_service_knows_settles_a_lost_answer(fate: str) -> None:
    async def story(market: Market, opened: Opened) -> None:
        assert market.world.told(CONFIRMED) == 1
        assert (await run_of(market)).state == "done"
        found = (await messages(market, opened))[CONFIRMED]
        assert (found.state, found.provider_id) == ("delivered", "wamid.1")
        assert not await market.tickets()

    paid(story, fates={"send_message": [fate]})


def test_a_status_by_webhook_settles_a_lost_answer() -> None:
    async def story(market: Market, opened: Opened) -> None:
        assert (await run_of(market)).state == "doubtful"
        assert (await market.ticket()).category == "doubt"
        await market.told(MessageTold("messenger", "delivered", provider_id="wamid.1", ref=ref(opened)))
        await market.wait(2 * HOUR)
        assert (await run_of(market)).state == "done"
        assert (await messages(market, opened))[CONFIRMED].state == "delivered"
        assert market.world.told(CONFIRMED) == 1
        assert not await market.tickets(), "the ticket closes by itself"

    paid(story, fates={"send_message": ["lost reply"]}, world={"statuses": False})


@pytest.mark.parametrize("fate", ["lost reply", "lost request", "reset", "503 after"])
def test_silence_becomes_one_ticket_and_never_a_second_message(fate: str) -> None:
    async def story(market: Market, opened: Opened) -> None:
        await market.wait(48 * HOUR)
        assert market.world.told(CONFIRMED) <= 1
        assert market.world.calls["send_message"] == 1
        run, ticket = await run_of(market), await market.ticket()
        assert (run.state, ticket.category, ticket.run) == ("doubtful", "doubt", run.id)
        assert "send message" in ticket.title

    paid(story, fates={"send_message": [fate]}, world={"statuses": False})


def test_a_person_settles_a_doubt_either_way() -> None:
    async def story(market: Market, opened: Opened) -> None:
        run = await run_of(market)
        await market.operations.settle(run.id, step="send message", attempt=1, done=False, by="ann")
        await market.wait(HOUR)
        assert market.world.told(CONFIRMED) == 1
        assert (await run_of(market)).state == "done"
        other = await market.buy("lesson")
        await market.pay(other, payment="pay_2")
        await market.wait(HOUR)
        (run,) = [each for each in await market.runs("send_message") if each.state == "doubtful"]
        result = {"provider": "messenger", "provider_id": "wamid.2", "state": "accepted"}
        await market.operations.settle(
            run.id, step="send message", attempt=1, done=True, result=result, by="ann"
        )
        await market.wait(HOUR)
        assert (await messages(market, other))[CONFIRMED].provider_id == "wamid.2"
        assert market.world.told(CONFIRMED) == 2
        assert not await market.tickets()

    plan = {"send_message": ["lost request", "well", "lost reply"]}
    paid(story, fates=plan, world={"statuses": False})


@pytest.mark.parametrize("fate", ["429", "503 before", "reset before"])
def test_what_never_took_effect_is_sent_again_only_where_that_is_sure(fate: str) -> None:
    """A 429 is documented to have done nothing; a 503 may have done anything."""

    async def story(market: Market, opened: Opened) -> None:
        if fate == "429":
            assert market.world.told(CONFIRMED) == 1
            assert not await market.tickets()
        else:
            assert market.world.told(CONFIRMED) == 0
            assert (await market.ticket()).category == "doubt"

    paid(story, fates={"send_message": [fate]}, world={"statuses": False})


def test_a_number_that_is_not_on_whatsapp_is_an_answer_and_nobodys_problem() -> None:
    async def story(market: Market, opened: Opened) -> None:
        found = await messages(market, opened)
        assert {name: message.state for name, message in found.items()} == {
            CONFIRMED: "undeliverable",
            SHIPPED: "undeliverable",
        }
        assert found[CONFIRMED].reason == "not on WhatsApp"
        assert market.world.calls["send_message"] == 2
        assert {run.state for run in await market.runs("send_message")} == {"done"}
        assert not await market.tickets()
        assert len(market.world.live()) == 1, "the parcel goes out all the same"

    paid(story, "racket", world={"unreachable": frozenset({PHONE})})


def test_a_refusal_is_a_ticket_about_messages_and_can_be_tried_again() -> None:
    async def story(market: Market, opened: Opened) -> None:
        ticket, run = await market.ticket(), await run_of(market)
        assert (ticket.category, ticket.severity, ticket.run) == ("message", "high", run.id)
        await market.operations.retry(run.id, by="ann")
        await market.wait(HOUR)
        assert market.world.told(CONFIRMED) == 1
        assert not await market.tickets()

    paid(story, fates={"send_message": ["refuse"]})


def _left_at(runs: list[Run]) -> list[int]:
    """When each message was first sent."""
    return sorted(step.attempts[0].at for run in runs if (step := run.step("send message")))


def test_messages_to_one_number_are_seven_seconds_apart_and_those_to_others_do_not_wait() -> None:
    async def story(market: Market) -> None:
        await market.stocked(LESSON, left=20)
        same = [await market.buy("lesson") for _ in range(5)]
        others = [await market.buy("lesson", phone=f"+9198765000{nth:02}") for nth in range(5)]
        for nth, opened in enumerate((*same, *others)):
            await market.pay(opened, payment=f"pay_{nth}")
        await market.wait(HOUR)
        assert market.world.told(CONFIRMED) == 10
        runs = await market.runs("send_message")
        numbers = {each.order_number for each in same}
        mine = [run for run in runs if run.id.split("/")[1] in numbers]
        apart = [b - a for a, b in zip(_left_at(mine)[:-1], _left_at(mine)[1:], strict=True)]
        assert len(apart) == 4
        assert min(apart) >= 6_900, apart
        rest = _left_at([run for run in runs if run not in mine])
        assert rest[-1] - rest[0] < 5_000

    trade(story)


def test_the_parcels_message_comes_after_the_confirmation() -> None:
    async def story(market: Market, opened: Opened) -> None:
        assert [message.template for message in market.world.messages] == [CONFIRMED, SHIPPED]

    paid(story, "racket", fates={"send_message": ["429"] * 3})


def test_a_confirmation_that_is_stuck_holds_up_the_parcels_message_for_a_quarter_of_an_hour_only() -> None:
    async def story(market: Market, opened: Opened) -> None:
        assert (await run_of(market)).state == "doubtful"
        assert [message.template for message in market.world.messages] == [SHIPPED]
        first, second = await run_of(market), await run_of(market, SHIPPED)
        waited = _left_at([second])[0] - _left_at([first])[0]
        assert 14 * 60_000 < waited < 17 * 60_000

    paid(story, "racket", fates={"send_message": ["lost request"]}, world={"statuses": False})
