"""Every order in which a few events can arrive, and how the service stands in the end of each.

differing()     {"told": 240, "differing": 0, ...}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import permutations
from typing import Any

from onpaid.domain.money import Money
from tests.app.counter import AUDIO, BOOK, Counter, at_the_counter
from tests.app.post import charge, intent, refund, shop_event, stripe_event

GAPS = (timedelta(0), timedelta(seconds=0.2), timedelta(minutes=4))
"""At once, while the first is worked on, and long after."""

Post = Callable[[Counter], Awaitable[Any]]


@dataclass(frozen=True)
class Fact:
    """One event: where it comes from, and its bytes."""

    source: str
    body: bytes


@dataclass(frozen=True)
class Mix:
    """A few events that can arrive in any order. `payments` are what the payment source knows all along."""

    name: str
    events: Mapping[str, Fact]
    payments: Mapping[str, tuple[int, dict[str, Any]]] = field(default_factory=dict)
    alike: bool = False
    """Which of two equal payments is invoiced may depend on the order; how many are, may not."""


def _order(*items: tuple[str, str, str], created: str | None = None) -> Fact:
    return Fact("konverzky", shop_event("1001", items, created=created))


def _charge(
    payment: str, minor: int, event: str, *, kind: str = "charge.succeeded", captured: bool = True
) -> Fact:
    return Fact("stripe", stripe_event(kind, charge(payment, minor, "1001", captured=captured), event))


def _intent(payment: str, minor: int, event: str) -> Fact:
    return Fact("stripe", stripe_event("payment_intent.succeeded", intent(payment, minor, "1001"), event))


PAID = _charge("pi_1", 19_900, "evt_paid")
GONE = {"refunded": Money(19_900, "NOK")}
MIXES = (
    Mix(
        "paid, told three times",
        {
            "order": _order(BOOK),
            "paid": PAID,
            "paid again": PAID,
            "intent": _intent("pi_1", 19_900, "evt_intent"),
        },
        {"pi_1": (19_900, {})},
    ),
    Mix(
        "paid and refunded",
        {
            "order": _order(BOOK),
            "paid": PAID,
            "paid again": PAID,
            "refund": Fact("stripe", stripe_event("refund.created", refund("pi_1", 19_900), "evt_refund")),
        },
        {"pi_1": (19_900, GONE)},
    ),
    Mix(
        "authorised, then captured",
        {
            "order": _order(BOOK),
            "authorised": _charge("pi_1", 19_900, "evt_auth", captured=False),
            "captured": _charge("pi_1", 19_900, "evt_captured", kind="charge.captured"),
            "intent": _intent("pi_1", 19_900, "evt_intent"),
        },
        {"pi_1": (19_900, {})},
    ),
    Mix(
        "an upsell",
        {
            "order": _order(BOOK, created="2026-01-01T00:00:00Z"),
            "more": _order(BOOK, AUDIO, created="2026-01-01T00:01:00Z"),
            "paid": PAID,
            "paid more": _charge("pi_2", 10_000, "evt_more"),
        },
        {"pi_1": (19_900, {}), "pi_2": (10_000, {})},
    ),
    Mix(
        "an upsell within the second",
        {
            "order": _order(BOOK, created="2026-01-01T00:00:00Z"),
            "more": _order(BOOK, AUDIO, created="2026-01-01T00:00:00Z"),
            "paid": PAID,
            "paid more": _charge("pi_2", 10_000, "evt_more"),
        },
        {"pi_1": (19_900, {}), "pi_2": (10_000, {})},
    ),
    Mix(
        "paid twice",
        {
            "order": _order(BOOK),
            "paid": PAID,
            "paid by another": _charge("pi_2", 19_900, "evt_other"),
            "order again": Fact("konverzky", shop_event("1001", (BOOK,), webhook="w2")),
        },
        {"pi_1": (19_900, {}), "pi_2": (19_900, {})},
        alike=True,
    ),
)


async def final_state(counter: Counter, mix: Mix) -> dict[str, Any]:
    """What is left in the end, without what may differ: times, and the ids of what was made."""
    runs = [run for flow in ("invoice_payment", "file_contact") for run in await counter.runs(flow)]
    changes = await counter.runs("report_payment_change")
    expiring = await counter.runs("expire_order")
    invoices = [
        (
            "" if mix.alike else invoice.draft.our_reference,
            tuple(line.name for line in invoice.draft.lines),
            len(invoice.mails),
        )
        for invoice in counter.world.invoices
    ]
    (order,) = (await counter.guests["orders"].newest()).items
    return {
        "runs": sorted(("" if mix.alike else run.id, run.state) for run in runs),
        "changes": sorted(run.state for run in changes),
        "expiring": [run.state for run in expiring],
        "tickets": sorted((ticket.category, ticket.title) for ticket in await counter.tickets()),
        "invoices": sorted(invoices),
        "contacts": len(counter.world.contacts),
        "lines": sorted(line.name for line in order.latest.lines),
        "events": len(await counter.events()),
    }


def tell(mix: Mix, names: tuple[str, ...], gap: timedelta) -> dict[str, Any]:
    """The final state after the events arrived in this order."""
    state: dict[str, Any] = {}

    async def story(counter: Counter) -> None:
        for payment, (minor, changes) in mix.payments.items():
            counter.exists(payment, minor, "1001", **changes)
        for name in names:
            event = mix.events[name]
            await counter.post(event.source, event.body)
            await counter.wait(gap)
        await counter.rest()
        state.update(await final_state(counter, mix))

    at_the_counter(story)
    return state


def differing(mixes: tuple[Mix, ...] = MIXES, gaps: tuple[timedelta, ...] = GAPS) -> dict[str, Any]:
    """Tell every mix in every order: how many were told, and those that end otherwise than most."""
    told, wrong = 0, []
    for mix in mixes:
        first: dict[str, Any] | None = None
        for gap in gaps:
            for names in permutations(mix.events):
                told += 1
                state = tell(mix, names, gap)
                first = first or state
                if state != first:
                    parts = {part: state[part] for part in state if state[part] != first[part]}
                    wrong.append(f"{mix.name}: {', '.join(names)}, {gap} apart: {parts}")
    return {"told": told, "differing": len(wrong), "examples": wrong[:5]}
