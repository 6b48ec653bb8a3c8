"""What our own records say of a payment that is to be proven: what it must yield, how far its runs are, what they made.

Read by key and by index only. Nothing here asks a provider.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

import msgspec

from onpaid.app.about import names_of
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
from onpaid.engine.tickets import lane_ticket
from onpaid.repositories.messages import MESSAGES, message_ref
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SaleStored
from onpaid.repositories.payments import PAYMENTS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.port import Store

INVOICES: Final = "invoice_payment"
SHIPS: Final = "ship_paid_order"
SENDS: Final = "send_message"
KEEPS: Final = "keep_session"
KEEPS_BILLS: Final = "keep_renewal"
STORED: Final = "store order"
"""The step of both whose result says whether a person must make the invoice."""
LANE: Final = "lane:"
WANTED: Final = ("decision", "product")
"""What only a person can bring: the first part of the thing's name."""
CALLED: Final = "run:"
DEEPEST: Final = 3
LONGEST_REASON: Final = 300
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
        self.store = store
        self._orders = orders
        self._sessions = sessions

    async def payments(self, keys: Sequence[str]) -> dict[str, Payment]:
        """Those of these payments that we keep, by key."""
        found = await PAYMENTS.get_many(self.store, keys)
        return {each.key: each for each in found if each is not None}

    async def named(self, outside_id: str) -> list[Payment]:
        """The payments that bear this id: a PaymentIntent, a charge, a provider's order."""
        return (await PAYMENTS.query(self.store, "id", outside_id, limit=20)).items

    async def of_order(self, order: Order) -> list[Payment]:
        """The payments of an order, under whichever of its names."""
        found: dict[str, Payment] = {}
        for name in names_of(order.key, order):
            page = await PAYMENTS.query(self.store, "order", name, limit=100)
            found |= {each.key: each for each in page.items}
        return list(found.values())

    async def recorded_since(self, since: Instant, after: str | None) -> tuple[list[Payment], str | None]:
        """A page of the payments that came here since then, oldest first."""
        page = await PAYMENTS.query(
            self.store,
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

    async def came_back(self, courier_order: str) -> bool:
        """Whether the parcel of this record at the courier service came back, as far as we were told."""
        found = (await SHIPMENTS.query(self.store, "id", f"order:{courier_order}", limit=1)).items
        return bool(found) and found[0].state == "returned"

    async def session(self, payment: str) -> Session | None:
        """The session of ours that a payment was made in."""
        return None if self._sessions is None else await self._sessions.of_payment(payment)

    async def order_number(self, payment: str) -> str:
        """The number of the order that a payment (its key) is for, as far as our records say."""
        kept = (await self.payments([payment])).get(payment)
        if kept is not None:
            order = await self.order(kept.fact.order)
            return order.number if order is not None else kept.fact.order.partition("/")[2]
        session = await self.session(payment)
        return "" if session is None else session.order_number

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
        held = await RUNS.get(self.store, f"{SHIPS}:{payment.key}")
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
        elif not expects and (keeping := await self._by_hand(payment, order)) is not None:
            expects.append("invoice")
            runs["invoice"] = keeping
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
        booked = None if parcel is None else await SHIPMENTS.get(self.store, parcel.shipment)
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
            event=fact.event,
            invoice=0 if invoice is None else invoice.invoice_id,
            number=0 if invoice is None else invoice.number or 0,
            parcel="" if parcel is None or parcel.dry_run else parcel.shipment_id,
            parcel_state="" if parcel is None else parcel.state,
            courier_order="" if booked is None else booked.record.order_id,
            awb="" if parcel is None else parcel.awb,
            dry_run=parcel is not None and parcel.dry_run,
            told=told,
            gone=gone,
        )

    async def _by_hand(self, payment: Payment, order: Order | None) -> RunTold | None:
        """The run that kept what was sold at Stripe, where it found that a person must make the invoice."""
        if order is None or not (order.session or order.bill):
            return None
        kept = f"{KEEPS}:{payment.fact.account}/{order.session}"
        if order.bill:
            kept = f"{KEEPS_BILLS}:{payment.fact.account}/{order.bill}"
        held = await RUNS.get(self.store, kept)
        stored = None if held is None else held.record.step(STORED)
        if held is None or stored is None or stored.state != "done":
            return None
        if not msgspec.json.decode(stored.result, type=SaleStored).why_no_invoice:
            return None
        return msgspec.structs.replace(await self._told(held.record), wants="invoice")

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
        held = await MESSAGES.get_many(self.store, [message_ref(order.key, name) for name in due])
        sends = await RUNS.get_many(self.store, [f"{SENDS}:{order.key}/{name}" for name in due])
        for name, run in zip(due, sends, strict=True):
            if run is not None:
                runs[name] = await self._told(run)
        states = ["" if each is None else each.state for each in held]
        return dict(zip(due, states, strict=True))

    async def _runs(self, flow: str, payments: Sequence[Payment]) -> dict[str, Run]:
        found = await RUNS.get_many(self.store, [f"{flow}:{each.key}" for each in payments])
        return {each.key: run for each, run in zip(payments, found, strict=True) if run is not None}

    async def told(self, run_id: str) -> RunTold | None:
        """How far a run is, or None if there is none."""
        held = await RUNS.get(self.store, run_id)
        return None if held is None else await self._told(held.record)

    async def _told(self, run: Run, depth: int = 0) -> RunTold:
        """How far a run is; one that waits for another is as far as that."""
        for thing in run.wake if run.state == "waiting" and depth < DEEPEST else ():
            if thing.startswith(CALLED):
                child = await RUNS.get(self.store, thing.removeprefix(CALLED))
                if child is not None and child.record.state not in ("done", "cancelled"):
                    return await self._told(child.record, depth + 1)
        lane, why = await self._paused(run)
        if lane:
            return RunTold(run.id, run.state, why, await self._open([lane_ticket(lane)]), lane)
        wants = next((each for each in WANTED if any(thing.startswith(f"{each}:") for thing in run.wake)), "")
        ticket = await self._open(run.tickets[-20:])
        return RunTold(run.id, run.state, _short(run.reason), ticket, wants=wants)

    async def _paused(self, run: Run) -> tuple[str, str]:
        """The paused lane that a run waits for, and why it is."""
        for thing in run.wake:
            if thing.startswith(LANE):
                held = await LANES.get(self.store, thing.removeprefix(LANE))
                if held is not None and held.record.paused:
                    return held.record.name, _short(held.record.reason)
        return "", ""

    async def _open(self, tickets: Sequence[str]) -> str:
        """The first of these tickets that is open."""
        held = await TICKETS.get_many(self.store, tickets) if tickets else []
        return next((each.id for each in held if each is not None and each.state == "open"), "")


def _short(reason: str) -> str:
    text = Mask().text(reason)
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
