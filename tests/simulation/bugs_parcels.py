"""Planted bugs in the story of delivery: its clients, its records, its sources and its desk, each with one thing wrong."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from onpaid.acts import Finding, Found, act, current_call
from onpaid.app.checkout import CheckoutDesk, Opened
from onpaid.clock import Instant
from onpaid.domain.checkouts import CapturedPayment, PaymentFailed
from onpaid.domain.events import Judged
from onpaid.domain.messages import MessageTold, Sent
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.shipments import Awb, ParcelTold
from onpaid.domain.tracking import parcel_state
from onpaid.errors import Doubtful, Refused
from onpaid.flows.ship_paid_order import ship_paid_order
from onpaid.providers.roles import TicketRef
from onpaid.repositories.catalogue import Catalogue, StockTaken
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.fulfilments import Confirmed, Fulfilments
from onpaid.repositories.messages import MESSAGES, Messages
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.shipments import SHIPMENTS, Shipments
from onpaid.store.local import Done, Local
from onpaid.store.port import Check, Put, Update, Write
from tests.simulation.bugs_inside import _Passing
from tests.simulation.bugs_outside import Method, _as

_COUNT = itertools.count(1)

by_event = replace(ship_paid_order, key=lambda paid: paid.event or paid.key)


def status_is_success(_client: Any, method: Method) -> Method:
    """An answer is an AWB, whatever stands in it."""

    @_as(method)
    async def assign(given: Any) -> Any:
        try:
            return await method(given)
        except Doubtful as bad:
            if bad.answered:
                return Awb("", "Courier")
            raise

    return assign


def once_only(_client: Any, method: Method) -> Method:
    """Who asks for a pickup that is booked already is refused."""

    @_as(method)
    async def request(given: Any) -> Any:
        made = await method(given)
        if made.already:
            raise Refused("already in pickup queue")
        return made

    return request


def never_dead(_client: Any, method: Method) -> Method:
    """200 is a live record."""

    @_as(method)
    async def made_or_found(given: Any) -> Any:
        told = await method(given)
        if isinstance(told, Found):
            return Found(msgspec.structs.replace(told.value, cancelled=False))
        return msgspec.structs.replace(told, cancelled=False) if hasattr(told, "cancelled") else told

    return made_or_found


def believes(_client: Any, method: Method) -> Method:
    """No clear answer is a good answer."""

    @_as(method)
    async def send(given: Any) -> Any:
        try:
            return await method(given)
        except Doubtful:
            return Sent("messenger", "")

    return send


def fresh_key(_client: Any, method: Method) -> Method:
    """Each attempt to give money back has a key of its own."""

    @_as(method)
    async def refund(given: Any) -> Any:
        call = current_call.get()
        token = current_call.set(None if call is None else replace(call, key=f"{call.key} {next(_COUNT)}"))
        try:
            return await method(given)
        finally:
            current_call.reset(token)

    return refund


def as_told(_client: Any, method: Method) -> Method:
    """A payment is what its event told, whatever became of it since."""

    @_as(method)
    async def fetch(given: Any) -> CapturedPayment:
        found: CapturedPayment = await method(given)
        return msgspec.structs.replace(found, refunded=Money.zero(found.amount.currency))

    return fetch


class Unmarked(_Passing):
    """A tracker whose comments lose the mark by which they are found."""

    @act(lane="board")
    async def comment(self, reference: str, marker: str, text: str) -> TicketRef:
        return await self._inner.comment(reference, "", text)  # type: ignore[no-any-return]

    @act(repeatable=True, lane="board")
    async def find_comment(self, reference: str, marker: str, text: str) -> Finding[TicketRef]:
        return await self._inner.find_comment(reference, marker, text)  # type: ignore[no-any-return]


class Uncounted(Catalogue):
    """Takes stock without a condition: two orders at once take the same unit."""

    @act(local=True)
    async def take(self, order: str, at: Instant) -> Local[StockTaken]:
        found = await self._take(order, at, anyway=False)
        await asyncio.sleep(0.5)
        return Done(found.value, tuple(_loose(found.writes)), found.wakes, found.facts)  # type: ignore[union-attr]


class Greedy(Catalogue):
    """Takes what is not there."""

    @act(local=True)
    async def take(self, order: str, at: Instant) -> Local[StockTaken]:
        return await self._take(order, at, anyway=True)


class Unpriced(Fulfilments):
    """Confirms an order whatever was paid for it."""

    @act(local=True)
    async def confirm(
        self, order: str, paid: PaymentSucceeded, captured: CapturedPayment
    ) -> Local[Confirmed]:
        held = await self._orders.find(order)
        assert held is not None
        assert held.record.fulfilment is not None
        owed = held.record.fulfilment.amount
        return await super().confirm(order, paid, msgspec.structs.replace(captured, amount=owed))


class Backward(Shipments):
    """The last word about a parcel counts."""

    async def receive(self, told: ParcelTold, now: Instant) -> tuple[list[Write], str | None]:
        writes, order = await super().receive(told, now)
        state = parcel_state(told.number)
        return [_as_state(SHIPMENTS, each, state) for each in writes], order


class Hopeful(Shipments):
    """DELIVERED is delivered, whatever stands before it."""

    async def receive(self, told: ParcelTold, now: Instant) -> tuple[list[Write], str | None]:
        if "DELIVERED" in told.status and "UN" not in told.status:
            told = msgspec.structs.replace(told, number=7)
        return await super().receive(told, now)


class Forgetting(Messages):
    """The last word about a message counts."""

    async def receive(self, told: MessageTold) -> tuple[list[Write], list[str], str | None]:
        writes, wakes, order = await super().receive(told)
        if not writes and told.ref and (held := await MESSAGES.get(self._store, told.ref)) is not None:
            writes = [MESSAGES.update(msgspec.structs.replace(held.record, state=told.state), held.version)]
        return writes, wakes, order


class Gloomy(CheckoutRecords):
    """A failed try makes its order unpaid, even one that was paid."""

    async def receive_failure(self, fact: PaymentFailed) -> tuple[list[Write], str]:
        writes, order = await super().receive_failure(fact)
        held = await self._orders.find(fact.order)
        if held is None or held.record.fulfilment is None or not writes:
            return writes, order
        told = msgspec.structs.replace(held.record.fulfilment, payment_status="failed")
        failed = ORDERS.update(msgspec.structs.replace(held.record, fulfilment=told), held.version)
        return [each for each in writes if each.kind != ORDERS.name] + [failed], order


class ByPayment(_Passing):
    """A source that names money by the payment, and not by the order that it is for."""

    def judge(self, *given: Any) -> Judged:
        judged: Judged = self._inner.judge(*given)
        facts = tuple(
            msgspec.structs.replace(fact, payment_id=fact.charge_id)
            if isinstance(fact, PaymentSucceeded)
            else fact
            for fact in judged.facts
        )
        return msgspec.structs.replace(judged, facts=facts)


class Unkeyed(CheckoutDesk):
    """Takes every click for a new one."""

    async def create(self, body: bytes, idempotency_key: str = "") -> Opened:
        return await super().create(body)


def spoilt_records(given: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    """The record keeper of that name, of another kind."""
    right = given[name]
    spoilt = kind.__new__(kind)
    spoilt.__dict__.update(vars(right))
    return spoilt


def _loose(writes: tuple[Write, ...]) -> list[Write]:
    return [
        Put(each.kind, each.key, each.body, each.entries)
        if isinstance(each, Update) and each.kind in ("stock", "seller")
        else each
        for each in writes
        if not (isinstance(each, Check) and each.kind == "stock")
    ]


def _as_state(kind: Any, write: Write, state: Any) -> Write:
    if not isinstance(write, Update) or write.kind != kind.name or state is None:
        return write
    record = msgspec.structs.replace(kind._decode(write.body), state=state)
    updated: Write = kind.update(record, write.if_version)
    return updated
