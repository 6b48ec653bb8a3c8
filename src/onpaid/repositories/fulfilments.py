"""How far orders of our own checkout have come, and what people decided about them.

Each change is one local act of a flow: the order, the checkout and the references change in one commit, or not at all.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.checkouts import CapturedPayment
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.orders import Order
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.errors import Problem
from onpaid.repositories.checkouts import CHECKOUTS
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.payments import MARKS, PaidMark, paid_thing
from onpaid.repositories.references import REFERENCES, Reference
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Store, Write
from onpaid.store.records import Kind, Versioned

Choice = Literal["ship", "refund"]


class Decision(msgspec.Struct, frozen=True):
    """What a person decided about an order that was held. Decided once."""

    order: str
    choice: Choice
    by: str
    at: Instant


class Confirmed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What confirming came to."""

    order: str
    number: str
    ships: bool


class RefundNoted(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a refund found its order: `decided` here by a person, or else how far the parcel was."""

    decided: bool
    parcel: str = ""


DECISIONS = Kind("decision", Decision, key=lambda each: each.order)


def decision_thing(order: str) -> str:
    """The name under which runs wait for a decision."""
    return f"decision:{order}"


class Fulfilments:
    """The fulfilment of a store's orders."""

    def __init__(self, store: Store, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    async def decision(self, order: str) -> Decision | None:
        """What was decided about an order, or None."""
        held = await DECISIONS.get(self._store, order)
        return None if held is None else held.record

    @act(local=True)
    async def confirm(
        self, order: str, paid: PaymentSucceeded, captured: CapturedPayment
    ) -> Local[Confirmed]:
        """The money is there: the checkout is completed, the order confirmed and paid.

        Raises Problem if it is not the amount that the order is over, or if another payment paid it before.
        """
        held, record, fulfilment = await self._order(order)
        _must_fit(record, fulfilment, paid, captured)
        confirmed = msgspec.structs.replace(
            fulfilment,
            status="confirmed" if fulfilment.status == "pending" else fulfilment.status,
            payment_status="paid",
            payment=paid.key,
            method=captured.method,
        )
        mark = await MARKS.get(self._store, record.key)
        writes: list[Write] = [
            self._update(held, confirmed, expired_at=None),
            REFERENCES.put(Reference("payment", captured.payment_id, record.key, paid.paid_at)),
        ]
        if mark is None:
            writes.append(MARKS.put(PaidMark(record.key, paid.key)))
        checkout = await CHECKOUTS.get(self._store, record.key)
        if checkout is not None:
            completed = msgspec.structs.replace(
                checkout.record, status="completed", payment_id=captured.payment_id, method=captured.method
            )
            writes.append(CHECKOUTS.update(completed, checkout.version))
        value = Confirmed(record.key, record.number, fulfilment.ships)
        return Done(value, tuple(writes), (paid_thing(record.key),))

    async def look_decision(self, order: str) -> Local[Choice]:
        """What a person decided about a held order, once somebody did."""
        held = await DECISIONS.get(self._store, order)
        if held is not None:
            return Done(held.record.choice)
        return NotYet(
            (decision_thing(order),), (DECISIONS.check(order, None),), f"order {order} waits for a decision"
        )

    @act(local=True)
    async def note_given_back(self, order: str) -> Local[bool]:
        """The money went back because a person decided so: the order is over."""
        held, _, fulfilment = await self._order(order)
        over = msgspec.structs.replace(fulfilment, status="cancelled", payment_status="refunded", held="")
        return Done(True, (self._update(held, over),))

    @act(local=True)
    async def note_refund(self, order: str, change: PaymentChanged, whole: bool) -> Local[RefundNoted]:
        """The payment provider says that money went back."""
        held, record, fulfilment = await self._order(order)
        decided = await DECISIONS.get(self._store, record.key)
        parcel = "" if fulfilment.parcel is None else fulfilment.parcel.state
        value = RefundNoted(decided is not None and decided.record.choice == "refund", parcel)
        if not whole or fulfilment.payment_status == "refunded":
            return Done(value)
        return Done(
            value, (self._update(held, msgspec.structs.replace(fulfilment, payment_status="refunded")),)
        )

    async def _order(self, key: str) -> tuple[Versioned[Order], Order, Fulfilment]:
        held = await self._orders.find(key)
        if held is None or held.record.fulfilment is None:
            raise AssertionError(f"{key} is no order of our own checkout")
        return held, held.record, held.record.fulfilment

    def _update(self, held: Versioned[Order], fulfilment: Fulfilment, **more: object) -> Write:
        return ORDERS.update(
            msgspec.structs.replace(held.record, fulfilment=fulfilment, **more), held.version
        )


def _must_fit(
    order: Order, fulfilment: Fulfilment, paid: PaymentSucceeded, captured: CapturedPayment
) -> None:
    facts = {"order": order.key, "payment": captured.payment_id, "paid": captured.amount.format()}
    if captured.amount != fulfilment.amount:
        raise Problem(
            f"Paid {captured.amount.format()} for an order over {fulfilment.amount.format()}: nothing is shipped. "
            "Give the money back, or correct the order and retry",
            category="payment",
            severity="critical",
            facts={**facts, "owed": fulfilment.amount.format()},
        )
    if fulfilment.payment and fulfilment.payment != paid.key:
        raise Problem(
            "Paid twice: another payment paid this order before. Give this one back, then cancel the run",
            category="payment",
            severity="critical",
            facts={**facts, "paid by": fulfilment.payment},
        )
