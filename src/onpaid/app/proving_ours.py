"""What our own records say of a payment that is to be proven: what it must yield, how far its runs are, what they made.

Read by key and by index only. Nothing here asks a provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from onpaid.app.masking import Mask
from onpaid.app.proof import invoice_of
from onpaid.app.proof_delivery import CONFIRMED, SHIPPED
from onpaid.clock import Instant
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment
from onpaid.domain.proof_rows import Effect, HeldRow, RunTold
from onpaid.domain.sessions import Session
from onpaid.engine.journal import LANES, RUNS, TICKETS, Run
from onpaid.repositories.messages import MESSAGES, message_ref
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import PAYMENTS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.port import Store

INVOICES: Final = "invoice_payment"
SHIPS: Final = "ship_paid_order"
SENDS: Final = "send_message"
LANE: Final = "lane:"
CALLED: Final = "run:"
DEEPEST: Final = 3
PAGE: Final = 100
EARLIER_MS: Final = 3_600_000
"""A payment may be recorded by a clock that is a little behind its provider's."""


class PaidSessions(Protocol):
    """Knows which payment was made in which session of ours."""

    async def of_payment(self, payment: str) -> Session | None:
        """The session that a payment (its key) was made in, or None."""
        ...


class Ours:
    """Our records, as a proof reads them."""

    def __init__(self, store: Store, orders: Orders, sessions: PaidSessions | None = None) -> None:
        self._store = store
        self._orders = orders
        self._sessions = sessions

    async def payments(self, keys: Sequence[str]) -> dict[str, Payment]:
        """Those of these payments that we keep, by key."""
        found = await PAYMENTS.get_many(self._store, keys)
        return {each.key: each for each in found if each is not None}

    async def named(self, outside_id: str) -> list[Payment]:
        """The payments that bear this id: a PaymentIntent, a charge, a provider's order."""
        return (await PAYMENTS.query(self._store, "id", outside_id, limit=20)).items

    async def of_order(self, order: Order) -> list[Payment]:
        """The payments of an order, under whichever of its names."""
        found: dict[str, Payment] = {}
        for name in (order.key, *order.aliases):
            page = await PAYMENTS.query(self._store, "order", name, limit=100)
            found |= {each.key: each for each in page.items}
        return list(found.values())

    async def recorded_since(self, since: Instant, after: str | None) -> tuple[list[Payment], str | None]:
        """A page of the payments that came here since then, oldest first."""
        page = await PAYMENTS.query(
            self._store,
            "all",
            "",
            after=after,
            limit=PAGE,
            newest_first=False,
            sort_from=max(0, since - EARLIER_MS),
        )
        return page.items, page.cursor

    async def order(self, key: str) -> Order | None:
        """An order by key or alias."""
        held = await self._orders.find(key)
        return None if held is None else held.record

    async def session(self, payment: str) -> Session | None:
        """The session of ours that a payment was made in."""
        return None if self._sessions is None else await self._sessions.of_payment(payment)

    async def rows(self, payments: Sequence[Payment]) -> AsyncIterator[HeldRow]:
        """A row for each of these payments, except those that turned out to be somebody else's."""
        invoices = await self._runs(INVOICES, payments)
        ships = await self._runs(SHIPS, payments)
        for payment in payments:
            row = await self._row(payment, invoices.get(payment.key), ships.get(payment.key))
            if row is not None:
                yield row
        await asyncio.sleep(0)  # reading is done on the loop: let others have a turn

    async def elsewhere(self, payment: Payment) -> bool:
        """Whether a payment came to our account for something that is not ours, and its run found that out."""
        if "shipment" not in payment.fact.expects:
            return False
        held = await RUNS.get(self._store, f"{SHIPS}:{payment.key}")
        ended = held is not None and held.record.state == "done"
        return ended and await self.order(payment.fact.order) is None

    async def _row(self, payment: Payment, invoicing: Run | None, shipping: Run | None) -> HeldRow | None:
        fact = payment.fact
        order = await self.order(fact.order)
        fulfilment = None if order is None else order.fulfilment
        if order is None and shipping is not None and shipping.state == "done":
            return None
        expects: list[Effect] = ["invoice"] if "invoice" in fact.expects else []
        runs: dict[str, RunTold] = {}
        if invoicing is not None:
            runs["invoice"] = await self._told(invoicing)
        if shipping is not None:
            runs["shipment"] = await self._told(shipping)
        told: dict[str, str] = {}
        gone = fulfilment is not None and fulfilment.payment_status == "refunded"
        if "shipment" in fact.expects and not gone and (fulfilment is None or fulfilment.ships):
            expects.append("shipment")
        if "messages" in fact.expects and not gone:
            expects.append("messages")
            told = await self._messages(order, fulfilment, runs)
        invoice = None if invoicing is None else invoice_of(invoicing)
        parcel = None if fulfilment is None else fulfilment.parcel
        booked = None if parcel is None else await SHIPMENTS.get(self._store, parcel.shipment)
        return HeldRow(
            group=order.number if order is not None else fact.order.partition("/")[2],
            source=fact.account.partition("/")[0],
            payment=payment.key,
            payment_id=fact.payment_id,
            charge=fact.charge_id or "",
            order="" if order is None else order.key,
            amount=fact.amount,
            at=fact.paid_at,
            expects=tuple(expects),
            runs=runs,
            invoice=0 if invoice is None else invoice.invoice_id,
            parcel="" if parcel is None or parcel.dry_run else parcel.shipment_id,
            courier_order="" if booked is None else booked.record.order_id,
            awb="" if parcel is None else parcel.awb,
            dry_run=parcel is not None and parcel.dry_run,
            told=told,
            gone=gone,
        )

    async def _messages(
        self, order: Order | None, fulfilment: Fulfilment | None, runs: dict[str, RunTold]
    ) -> dict[str, str]:
        """The state of each message that is due; and how far the runs are that send them."""
        due = [CONFIRMED]
        parcel = None if fulfilment is None else fulfilment.parcel
        if parcel is not None and not parcel.dry_run and parcel.state != "cancelled":
            due.append(SHIPPED)
        if order is None:
            return dict.fromkeys(due, "")
        held = await MESSAGES.get_many(self._store, [message_ref(order.key, name) for name in due])
        sends = await RUNS.get_many(self._store, [f"{SENDS}:{order.key}/{name}" for name in due])
        for name, run in zip(due, sends, strict=True):
            if run is not None:
                runs[name] = await self._told(run)
        states = ["" if each is None else each.state for each in held]
        return dict(zip(due, states, strict=True))

    async def _runs(self, flow: str, payments: Sequence[Payment]) -> dict[str, Run]:
        found = await RUNS.get_many(self._store, [f"{flow}:{each.key}" for each in payments])
        return {each.key: run for each, run in zip(payments, found, strict=True) if run is not None}

    async def told(self, run_id: str) -> RunTold | None:
        """How far a run is, or None if there is none."""
        held = await RUNS.get(self._store, run_id)
        return None if held is None else await self._told(held.record)

    async def _told(self, run: Run, depth: int = 0) -> RunTold:
        """How far a run is; one that waits for another is as far as that."""
        for thing in run.wake if run.state == "waiting" and depth < DEEPEST else ():
            if thing.startswith(CALLED):
                child = await RUNS.get(self._store, thing.removeprefix(CALLED))
                if child is not None and child.record.state not in ("done", "cancelled"):
                    return await self._told(child.record, depth + 1)
        lane = ""
        for thing in run.wake:
            if thing.startswith(LANE):
                state = await LANES.get(self._store, thing.removeprefix(LANE))
                lane = state.record.name if state is not None and state.record.paused else lane
        ticket = ""
        if run.tickets:
            held = await TICKETS.get_many(self._store, run.tickets[-20:])
            ticket = next((each.id for each in held if each is not None and each.state == "open"), "")
        return RunTold(run.id, run.state, Mask().text(run.reason)[:200], ticket, lane)
