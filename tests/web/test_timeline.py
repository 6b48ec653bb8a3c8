"""What happened when, in sentences: one moment for one thing, in order, and nothing left out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from onpaid.app import journals, words
from onpaid.app.hints import hint_for
from onpaid.app.masking import Mask
from onpaid.app.shown_orders import Moment, OrderShown
from onpaid.domain.events import Envelope
from onpaid.domain.money import Money
from onpaid.domain.payments import Payment, PaymentChanged
from onpaid.engine.journal import RUNS, Attempt, Joined, Run, Step
from onpaid.repositories.payments import PAYMENTS
from tests.web.kept import ACCOUNT, event_write, raw
from tests.web.people import goods, person, price
from tests.web.telling import Story
from tests.web.world import NOON, World

MASK = Mask()


def step_of(
    kind: Any = "find", attempts: Sequence[tuple[Any, str]] = (), name: str = "create invoice"
) -> Step:
    made = [
        Attempt(nth, NOON + nth, what, NOON + nth + 5, outcome)
        for nth, (what, outcome) in enumerate(attempts, 1)
    ]
    return Step(name, "Fiken.create_invoice", kind, attempts=made)


@pytest.mark.parametrize(
    ("attempts", "told"),
    [
        ([("act", "done")], "Created the invoice at Fiken"),
        ([("act", "doubtful")], "no clear answer. It may have happened"),
        ([("act", "unknown")], "its worker was gone"),
        ([("act", "unavailable")], "Fiken did not take it"),
        ([("act", "refused")], "Fiken said no"),
        ([("act", "")], "under way at Fiken"),
        ([("act", "odd")], "Create invoice: odd"),
        ([("look", "found")], "it was there already"),
        ([("act", "doubtful"), ("look", "found")], "not done twice"),
        ([("look", "absent")], "nothing there yet"),
        ([("act", "doubtful"), ("look", "absent")], "may safely be done again"),
        ([("look", "unsure")], "could not tell"),
        ([("look", "")], "Looking at Fiken"),
        ([("look", "unavailable")], "could not be asked"),
        ([("person", "settled")], "the given result was taken over"),
        ([("person", "done")], "settled by a person"),
    ],
)
def test_every_outcome_has_a_sentence(attempts: list[tuple[str, str]], told: str) -> None:
    step = step_of(attempts=attempts)
    assert told in words.attempt_sentence(step, step.attempts[-1])


def test_a_read_without_an_answer_leaves_nothing_in_doubt() -> None:
    step = step_of("read", [("act", "doubtful")], "read payment")
    assert "Asking again changes nothing" in words.attempt_sentence(step, step.attempts[0])
    assert words.attempt_mood(step, step.attempts[0]) == "wait"


def test_steps_that_nobody_knows_are_told_by_their_name() -> None:
    step = Step("grant points", "grant", "once", "done")
    assert words.step_sentence(step) == "Grant points: done"
    assert words.who_acts(step) == "the provider"
    assert hint_for(step) == "{}"
    assert words.title_of("grant_points") == "Grant points"


@pytest.mark.parametrize(
    ("state", "due", "told"),
    [
        ("ready", None, "Goes on any moment now: tried again"),
        ("running", None, "Is being worked on this moment"),
        ("waiting", 5, "Waits: tried again"),
        ("sleeping", 5, "Sleeps: tried again"),
        ("doubtful", 5, "Tried again"),
        ("failed", None, "Stopped: tried again. Waits for a person"),
        ("done", None, "Done"),
        ("cancelled", None, "Tried again"),
    ],
)
def test_every_state_has_a_sentence(state: Any, due: int | None, told: str) -> None:
    run = Run("f:1", "f", raw({}), NOON, state, due, "tried again")
    assert journals.run_shown(run, NOON, MASK).sentence == told


def test_what_is_too_large_or_odd_is_said_so() -> None:
    assert "too large to show" in journals.decoded(msgspec.Raw(b'"' + b"x" * 70_000 + b'"'), MASK)
    assert journals.decoded(msgspec.Raw(b"{"), MASK) == "(not readable)"


async def told_of(world: World, story: Story) -> tuple[OrderShown, list[Moment]]:
    await story.write(world.store)
    order = await world.views.order(story.number)
    assert order is not None
    assert [each.at for each in order.timeline] == sorted(each.at for each in order.timeline)
    return order, order.timeline


async def test_a_payment_that_came_before_its_order(world: World) -> None:
    lines = goods(0)
    story = Story("55", NOON - 60_000, person(0), lines).pays(price(lines)).later(6)
    at = story.now
    story.ordered().well(7, 8)
    story.at = at
    _, told = await told_of(world, story)
    sentences = [each.sentence for each in told]
    assert sentences[0].startswith("Stripe reported a payment")
    assert "so the payment waited for it" in sentences[1]
    assert sentences[2].startswith("Konverzky sent the order")
    assert told[2].after_ms >= 6000


async def test_two_payments_are_counted(shop: World) -> None:
    order = await shop.views.order("10043")
    assert order is not None
    assert order.headline == "2 payments, 2 invoices, 2 mails: each exactly once."
    assert [line.payment for line in order.revisions[1].lines] == [payment.key for payment in order.payments]


@pytest.mark.parametrize(
    ("number", "headline"),
    [
        ("10046", "Nobody has paid this order yet."),
        ("9871", "Nobody paid this order in time, so it expired."),
        ("10050", "This order is being worked on this moment."),
        ("10048", "Create invoice: waiting until no request can be in flight."),
        ("10049", "Waiting: order konverzky/10049 is not here yet."),
        ("10041", "A person must look: nobody knows whether “send receipt” happened."),
        ("10047", "Stopped: Paid twice?"),
        ("10040", "Stopped: Refused: create invoice"),
    ],
)
async def test_every_order_has_a_headline(shop: World, number: str, headline: str) -> None:
    order = await shop.views.order(number)
    assert order is not None
    assert order.headline.startswith(headline)


async def test_what_came_later_is_told(world: World) -> None:
    """A refund, an odd event, an ignored one, a second telling, and a fact that contradicts."""
    lines = goods(0)
    story = Story("66", NOON - 60_000, person(0), lines).ordered().later(1).pays(price(lines)).well(7, 8)
    about = [f"order:{story.key}"]
    for nth, (verdict, kind) in enumerate(
        [
            ("unrouted", "charge.odd"),
            ("ignored", "charge.updated"),
            ("routed", "charge.refunded"),
            ("routed", "payment_intent.succeeded"),
        ]
    ):
        envelope = Envelope("stripe", ACCOUNT, f"evt_later_{nth}", kind, True)
        write = event_write(envelope, NOON + nth, {}, verdict, reason="no reason", about=about)  # type: ignore[arg-type]
        story.writes.append(write)
    change = PaymentChanged(ACCOUNT, "pi", "charge.refunded", Money(500, "NOK"), "evt_later_2", NOON)
    story.run.joined.append(Joined(NOON + 9, "ticket", "evt_x", raw({})))
    story.writes = [each for each in story.writes if each.kind != "payment"]
    story.writes.append(PAYMENTS.insert(Payment(story.paid[0], NOON, (change,))))
    order, told = await told_of(world, story)
    sentences = " / ".join(each.sentence for each in told)
    for part in (
        "could not be understood",
        "means nothing here",
        "reported a change of the payment: NOK 5.00",
        "told of it as well",
        "says something else than the first",
    ):
        assert part in sentences
    assert order.payments[0].changes[0].what == "charge.refunded"


async def test_a_payment_whose_event_is_gone_is_told_all_the_same(world: World) -> None:
    lines = goods(0)
    story = Story("67", NOON - 60_000, person(0), lines).ordered().later(1).pays(price(lines)).well(7, 8)
    story.writes = [each for each in story.writes if "evt_" not in each.key]
    _, told = await told_of(world, story)
    assert "A payment of NOK 899.00 was recorded" in [each.sentence for each in told]


async def test_a_cancelled_run_says_who_and_why(shop: World) -> None:
    await shop.operations.cancel("invoice_payment:stripe/default/test/pi_3Q10040bK", by="Kim", why="by hand")
    order = await shop.views.order("10040")
    assert order is not None
    assert order.headline == "A person ended the work on this order."
    assert (
        order.timeline[-1].sentence == "The ticket was closed"
        or "cancelled by Kim" in order.timeline[-1].sentence
    )
    assert any("cancelled by Kim: by hand" in each.sentence for each in order.timeline)


async def test_work_that_an_order_waits_for_is_shown_with_it(world: World) -> None:
    lines = goods(0)
    story = Story("68", NOON - 60_000, person(0), lines).ordered().later(1).pays(price(lines))
    story.step("file contact", "file_contact", "call", state="begun", asked="file_contact:cus_2")
    story.run.steps[-1].input = raw("file_contact:cus_2")
    story.rests("waiting", "waits for file_contact:cus_1", due=60, wake=["run:file_contact:cus_1"])
    for name in ("cus_1", "cus_2"):
        child = Run(f"file_contact:{name}", "file_contact", raw({}), NOON, "failed", None, "Refused: no")
        story.writes.append(RUNS.insert(child))
    order, _ = await told_of(world, story)
    assert {"file_contact:cus_1", "file_contact:cus_2"} <= {run.id for run in order.runs}


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("99.9", "NOK", "99.90"),
        ("1499", "NOK", "1,499.00"),
        ("0.125", "NOK", "0.125"),
        ("1500", "JPY", "1,500"),
        ("1E+3", None, "1,000.00"),
        ("5", "XXX", "5.00"),
    ],
)
async def test_prices_have_the_decimals_of_their_currency(
    world: World, amount: str, currency: str, told: str
) -> None:
    line = msgspec.structs.replace(goods(0)[0], unit_price=Decimal(amount))
    story = Story("69", NOON, person(0), [line], currency).ordered()
    order, _ = await told_of(world, story)
    assert order.revisions[0].lines[0].unit_price == told
