"""A thousand paid orders, of which a few are poison, while the issue tracker is away for six hours.

    poisoned(1000)      {"orders": 1000, "poison": 4, "later": 0, "worst": 0.0, "tickets": 4, "issues": 2, ...}

The same day is told twice, with the poison and without: nobody else may be served later for it.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from onpaid.domain.events import Envelope, Judged
from onpaid.domain.money import Money
from onpaid.engine.testing import run_virtually
from tests.app.payments_desk import PRICE, PaymentsDesk
from tests.app.post_razorpay import body_of_event, payment_of
from tests.flows.bazaar import Bazaar
from tests.flows.board import Board
from tests.flows.fates import Fates
from tests.flows.market import RACKET, paid_by
from tests.simulation.bugs_inside import _Passing
from tests.simulation.simulate import quiet

AWAY = timedelta(hours=6)
APART = 1.0
UNREADABLE = "evt_bad"


class _Choking(_Passing):
    """A source that breaks over some events."""

    name = "razorpay"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = "x-razorpay-event-id"

    def judge(self, envelope: Envelope, body: bytes, received_at: int) -> Judged:
        if envelope.event_id.startswith(UNREADABLE):
            raise RecursionError("too deep")
        return self._inner.judge(envelope, body, received_at)  # type: ignore[no-any-return]


class _Street(Bazaar):
    """A client breaks over the payments of some orders, always; the tracker's board is there."""

    def __init__(self) -> None:
        super().__init__(Fates())
        self.tracker = Board(self)
        self.tracker.away_until = AWAY.total_seconds()
        self.broken: set[str] = set()

    async def called(self, operation: str, key: str, *given: Any, **more: Any) -> Any:
        if operation == "fetch_captured" and key in self.broken:
            raise ZeroDivisionError("poison")
        return await super().called(operation, key, *given, **more)


async def _day(orders: int, poison: dict[int, str]) -> dict[str, Any]:
    world = _Street()
    desk = PaymentsDesk(world)
    desk.sources["razorpay"] = _Choking(desk.sources["razorpay"])
    await desk.stocked(RACKET, left=orders)
    opened = [await desk.buy("racket", phone=f"+9198765{nth:05}") for nth in range(orders)]
    for nth, each in enumerate(opened):
        payment = f"pay_{nth}"
        if poison.get(nth) == "run":
            world.broken.add(each.razorpay_order_id)
        event = f"{UNREADABLE}{nth}" if poison.get(nth) == "event" else f"evt_{nth}"
        world.capture(paid_by(each.razorpay_order_id, Money(PRICE, "INR"), payment=payment))
        await desk.post(
            body_of_event("payment.captured", payment_of(payment, each.razorpay_order_id, PRICE)), event
        )
        await desk.clock.sleep(APART)
    await desk.rest()
    took = {}
    for run in await desk.runs("ship_paid_order"):
        if run.state == "done" and run.ended is not None:
            took[run.id] = (run.ended - run.started) / 1000
    early = len(world.tracker.issues) if desk.clock.monotonic() < AWAY.total_seconds() else 0
    await desk.wait(AWAY)
    await desk.rest()
    tickets = await desk.tickets()
    told = {
        "took": took,
        "tickets": len(tickets),
        "of_runs": Counter(ticket.run for ticket in tickets if ticket.run),
        "early": early,
        "issues": len(world.tracker.issues),
        "problems": len({issue.ticket.fingerprint for issue in world.tracker.issues}),
        "parcels": len(world.live()),
        "faults": list(world.faults),
    }
    await desk.stop()
    return told


def poisoned(orders: int = 1000) -> dict[str, Any]:
    """How many others were served more than a second later, and what people were told of the poison."""
    poison = {orders // 4: "run", orders // 3: "event", orders // 2: "run", orders * 3 // 4: "event"}
    with quiet():
        calm = run_virtually(lambda: _day(orders, {}))
        rough = run_virtually(lambda: _day(orders, poison))
    later = [rough["took"][run] - calm["took"][run] for run in rough["took"] if run in calm["took"]]
    runs = sum(kind == "run" for kind in poison.values())
    return {
        "orders": orders,
        "others": len(later),
        "poison": len(poison),
        "later": sum(each > 1.0 for each in later),
        "worst": round(max(later, default=0.0), 3),
        "shipped": rough["parcels"],
        "tickets": rough["tickets"],
        "doubly_told": sum(count > 1 for count in rough["of_runs"].values()),
        "untold": runs - len(rough["of_runs"]),
        "issues": rough["issues"],
        "issues_too_many": rough["issues"] - rough["problems"] + len(rough["faults"]) + rough["early"],
    }
