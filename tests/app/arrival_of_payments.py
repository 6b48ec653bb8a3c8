"""Every order in which an order's events can arrive, Razorpay's and the carriers', and how the shop stands in the end.

differing()     {"told": 1224, "differing": 0, ...}
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations, product
from typing import Any

from onpaid.app.checkout import Opened
from onpaid.domain.messages import MessageTold
from onpaid.domain.shipments import ParcelTold
from onpaid.engine.testing import run_virtually
from tests.app.payments_desk import PRICE, PaymentsDesk
from tests.app.post_razorpay import body_of_event, payment_of, refund_of
from tests.flows.bazaar import SHOP
from tests.simulation.simulate import quiet

GAPS = (timedelta(0), timedelta(seconds=0.2), timedelta(minutes=4))
"""At once, while the first is worked on, and long after."""

Tell = Callable[[PaymentsDesk, Opened], Awaitable[Any]]


def _event(kind: str, *, payment: str = "pay_1", name: str = "", refunded: int = 0, **more: Any) -> Tell:
    async def tell(desk: PaymentsDesk, opened: Opened) -> Any:
        told = payment_of(payment, opened.razorpay_order_id, PRICE, refunded=refunded, **more)
        refund = refund_of("rfnd_1", payment, refunded) if refunded else None
        return await desk.post(body_of_event(kind, told, refund=refund), name)

    return tell


def _parcel(number: int, status: str) -> Tell:
    async def tell(desk: PaymentsDesk, _opened: Opened) -> Any:
        return await desk.told(ParcelTold("0014711", number, status))

    return tell


def _message(state: Any) -> Tell:
    async def tell(desk: PaymentsDesk, opened: Opened) -> Any:
        ref = f"onpaid:{SHOP}/{opened.order_number}:order_confirmation"
        return await desk.told(MessageTold("messenger", state, ref=ref))

    return tell


@dataclass(frozen=True)
class Mix:
    """Events that can arrive in any order. `refunded` is what the payment provider knows all along; `shipped` lets the
    order be paid and shipped before any of them comes."""

    name: str
    events: Mapping[str, Tell]
    refunded: int = 0
    shipped: bool = False


PAID = _event("payment.captured", name="evt_1")
TOLD = {
    "captured": PAID,
    "captured again": PAID,
    "order paid": _event("order.paid", name="evt_2"),
    "failed": _event("payment.failed", payment="pay_0", name="evt_3", status="failed"),
}
MIXES = (
    Mix("paid at the second try, told three times", TOLD),
    Mix(
        "and given back",
        {**TOLD, "refund": _event("refund.processed", name="evt_4", refunded=PRICE)},
        refunded=PRICE,
    ),
    Mix(
        "given back in part",
        {**TOLD, "refund": _event("refund.processed", name="evt_4", refunded=100)},
        refunded=100,
    ),
    Mix(
        "a parcel that arrives",
        {
            "picked up": _parcel(42, "PICKED UP"),
            "in transit": _parcel(18, "IN TRANSIT"),
            "out for delivery": _parcel(17, "OUT FOR DELIVERY"),
            "delivered": _parcel(7, "DELIVERED"),
        },
        shipped=True,
    ),
    Mix(
        "a parcel that returns",
        {
            "in transit": _parcel(18, "IN TRANSIT"),
            "returning": _parcel(9, "RTO INITIATED"),
            "on its way back": _parcel(46, "RTO IN TRANSIT"),
            "returned": _parcel(10, "RTO DELIVERED"),
        },
        shipped=True,
    ),
    Mix(
        "a message that is read",
        {
            "sent": _message("sent"),
            "failed": _message("failed"),
            "delivered": _message("delivered"),
            "read": _message("read"),
        },
        shipped=True,
    ),
)


async def final_state(desk: PaymentsDesk, opened: Opened) -> dict[str, Any]:
    """What is left in the end, without what may differ: times, and in which order things were told."""
    effects = await desk.effects()
    order = await desk.order(opened)
    fulfilment = order.fulfilment
    assert fulfilment is not None
    checkout = await desk.guests["checkout_records"].get(order.key)
    runs = [
        run for flow in ("ship_paid_order", "book_shipment", "note_refund") for run in await desk.runs(flow)
    ]
    messages = await desk.guests["messages"].of_order(order.key)
    shipments = await desk.guests["shipments"].of_order(order.key)
    return {
        **effects,
        "states": sorted((run.id, run.state) for run in runs),
        "titles": sorted((ticket.category, ticket.title) for ticket in await desk.tickets()),
        "order": (fulfilment.status, fulfilment.payment_status, fulfilment.held),
        "parcel": sorted(shipment.state for shipment in shipments),
        "messages": sorted((message.template, message.state) for message in messages),
        "checkout": (checkout.status, sorted(each.payment_id for each in checkout.tries)),
    }


def tell(mix: Mix, names: tuple[str, ...], gap: timedelta) -> dict[str, Any]:
    """The final state after the events arrived in this order."""

    async def main() -> dict[str, Any]:
        desk = PaymentsDesk()
        opened = await desk.sold(refunded=mix.refunded)
        if mix.shipped:
            desk.world.statuses = False
            await PAID(desk, opened)
            await desk.wait(timedelta(minutes=2))
        for name in names:
            await mix.events[name](desk, opened)
            await desk.wait(gap)
        state = await final_state(desk, opened)
        await desk.stop()
        return state

    return run_virtually(main)


def differing(
    mixes: tuple[Mix, ...] = MIXES, gaps: tuple[timedelta, ...] = GAPS, every: int = 1
) -> dict[str, Any]:
    """Tell every mix in every order (or in every nth): how many were told, and those that end otherwise than the first."""
    told, wrong = 0, []
    with quiet():
        for mix in mixes:
            first: dict[str, Any] | None = None
            for gap, names in product(gaps, list(permutations(mix.events))[::every]):
                told += 1
                state = tell(mix, names, gap)
                first = first or state
                if state != first:
                    parts = {part: (state[part], first[part]) for part in state if state[part] != first[part]}
                    wrong.append(f"{mix.name}: {', '.join(names)}, {gap} apart: {parts}")
    return {"told": told, "differing": len(wrong), "examples": wrong[:5]}
