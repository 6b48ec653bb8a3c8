"""What arrives becomes records: each fact's writes, whom they wake, what a person must know, and what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from onpaid.clock import Instant
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.events import Fact, OrderReceived
from onpaid.domain.messages import RANK, MessageTold
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.sessions import SessionChanged, SessionTold
from onpaid.domain.shipments import ParcelTold
from onpaid.errors import Problem
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.incoming_orders import receive_order
from onpaid.repositories.messages import Messages
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.renewals import bill_thing
from onpaid.repositories.sessions import Sessions, session_thing
from onpaid.repositories.shipments import Shipments
from onpaid.store.port import Store, Write


@dataclass(slots=True)
class Kept:
    """What keeping some facts comes to. A record is written at most once in it."""

    writes: list[Write] = field(default_factory=list)
    wakes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    about: list[str] = field(default_factory=list)

    def add(self, writes: Iterable[Write], order: str | None) -> None:
        """Take over these writes; of two about one record the later counts, as it was read with the same version."""
        for write in writes:
            self.writes = [each for each in self.writes if (each.kind, each.key) != (write.kind, write.key)]
            self.writes.append(write)
        if order and f"order:{order}" not in self.about:
            self.about.append(f"order:{order}")


class Keeping:
    """The records that facts make or change. Those with a default are only there where their
    story is told."""

    def __init__(
        self,
        store: Store,
        orders: Orders,
        payments: Payments,
        checkouts: CheckoutRecords | None = None,
        shipments: Shipments | None = None,
        messages: Messages | None = None,
        sessions: Sessions | None = None,
    ) -> None:
        self._store = store
        self._orders = orders
        self._payments = payments
        self._checkouts = checkouts
        self._shipments = shipments
        self._messages = messages
        self._sessions = sessions

    async def keep(self, facts: tuple[Fact, ...], now: Instant) -> Kept:
        """The writes of these facts, as the records are this moment."""
        kept = Kept()
        # Of several states of one message in one delivery the furthest counts, in whatever order they are told.
        for fact in sorted(facts, key=lambda each: RANK[each.state] if isinstance(each, MessageTold) else 0):
            await self._keep(fact, now, kept)
        return kept

    async def _keep(self, fact: Fact, now: Instant, kept: Kept) -> None:
        if isinstance(fact, OrderReceived):
            incoming = await receive_order(self._store, self._orders, fact, now)
            kept.add(incoming.writes, incoming.order)
            kept.wakes += incoming.wakes
            kept.problems += incoming.problems
        elif isinstance(fact, PaymentSucceeded):
            writes, wakes = await self._payments.receive(fact, now)
            kept.add(writes, fact.order)
            kept.wakes += wakes
        elif isinstance(fact, PaymentChanged):
            kept.add(await self._payments.receive_change(fact), fact.order)
            if self._sessions is not None:
                kept.add(await self._sessions.note_refund(fact), None)
        elif isinstance(fact, PaymentFailed) and self._checkouts is not None:
            kept.add(*await self._checkouts.receive_failure(fact))
        elif isinstance(fact, SessionChanged) and self._sessions is not None:
            kept.add(await self._sessions.receive(fact, now), None)
            kept.about.append(session_thing(fact.session_id))
        elif isinstance(fact, SessionTold):
            kept.about.append(session_thing(fact.session_id))
        elif isinstance(fact, SubscriptionPaid):
            kept.about.append(bill_thing(fact.invoice_id))
        elif isinstance(fact, ParcelTold) and self._shipments is not None:
            kept.add(*await self._shipments.receive(fact, now))
        elif isinstance(fact, MessageTold) and self._messages is not None:
            writes, wakes, order = await self._messages.receive(fact)
            kept.add(writes, order)
            kept.wakes += wakes
