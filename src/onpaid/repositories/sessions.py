"""Sessions: who was sent to pay, how it ended, and the order that a paid one is.

A session's state never goes back from paid. Those that are open, or completed and unpaid, can be listed page by page,
so that they are asked about until they end, however late that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant, iso
from onpaid.domain.bills import BillPaid
from onpaid.domain.payments import PaymentChanged
from onpaid.domain.sessions import (
    Session,
    SessionChanged,
    SessionDetails,
    SessionLine,
    SessionRef,
    SessionState,
    SessionTold,
    SessionWanted,
)
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import PaidOrders, SaleStored, SessionRules
from onpaid.repositories.paid_sessions import PaidSession, SessionPayment, compose
from onpaid.repositories.payments import PAYMENTS, Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.session_refunds import EARLY_REFUNDS, is_refund, kept_early, with_refunds
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records, Versioned

_RANK: dict[SessionState, int] = {"open": 0, "unpaid": 1, "failed": 2, "expired": 2, "paid": 3}
WAITING = ("open", "unpaid")


def _entries(session: Session) -> Iterator[Entry]:
    at = session.created_at
    yield Entry("all", "", at)
    yield Entry("state", session.state, at)
    yield Entry("day", iso(at)[:10], at)
    if session.state in WAITING:
        yield Entry("waiting", "", at)
    if session.user:
        yield Entry("user", session.user, at)
    if session.customer_id:
        yield Entry("customer", session.customer_id, at)


SESSIONS = Kind("checkout-session", Session, key=lambda each: each.key, entries=_entries)
SESSION_PAYMENTS = Kind("session-payment", SessionPayment, key=lambda each: each.payment)


def session_thing(session_id: str) -> str:
    """The name of a session in lists of what runs and events are about."""
    return f"session:{session_id}"


class Sessions:
    """The sessions of a store."""

    def __init__(
        self, store: Store, orders: Orders, payments: Payments, prices: Prices, rules: SessionRules
    ) -> None:
        self._store = store
        self._payments = payments
        self._sold = PaidOrders(store, orders, payments, prices, rules)
        self.rules = rules

    async def get(self, key: str) -> Session | None:
        """The session under this key (`stripe/default/live/cs_live_a1`), or None."""
        held = await SESSIONS.get(self._store, key)
        return None if held is None else held.record

    async def named(self, session_id: str) -> Session | None:
        """The session of this id, in the account that sessions are opened in."""
        return await self.get(f"{self.rules.account}/{session_id}")

    async def of_payment(self, payment: str) -> Session | None:
        """The session that a payment (its key) was made in, or None."""
        held = await SESSION_PAYMENTS.get(self._store, payment)
        return None if held is None else await self.get(held.record.session)

    async def newest(self, *, after: str | None = None, limit: int = 50) -> Records[Session]:
        """Sessions, newest first."""
        return await SESSIONS.query(self._store, "all", "", after=after, limit=limit)

    async def of_state(
        self, state: SessionState, *, after: str | None = None, limit: int = 50
    ) -> Records[Session]:
        """Sessions in a state, newest first."""
        return await SESSIONS.query(self._store, "state", state, after=after, limit=limit)

    async def of_user(self, user: str, *, after: str | None = None, limit: int = 50) -> Records[Session]:
        """A user's sessions, newest first."""
        return await SESSIONS.query(self._store, "user", user, after=after, limit=limit)

    async def of_customer(
        self, customer_id: str, *, after: str | None = None, limit: int = 50
    ) -> Records[Session]:
        """The sessions of a customer at Stripe, newest first."""
        return await SESSIONS.query(self._store, "customer", customer_id, after=after, limit=limit)

    async def of_day(self, day: str, *, after: str | None = None, limit: int = 100) -> Records[Session]:
        """The sessions that were made on a day (`2026-01-31`, UTC), oldest first."""
        return await SESSIONS.query(self._store, "day", day, after=after, limit=limit, newest_first=False)

    async def known(self, keys: Sequence[str]) -> list[Session | None]:
        """The sessions under these keys, in that order."""
        return await SESSIONS.get_many(self._store, keys)

    async def waiting(
        self, after: str | None = None, *, limit: int = 100
    ) -> tuple[list[Session], str | None]:
        """A page of the sessions that have not ended, oldest first: open, or completed and unpaid; and the next."""
        page = await SESSIONS.query(self._store, "waiting", "", after=after, limit=limit, newest_first=False)
        return page.items, page.cursor

    @act(local=True)
    async def note_opened(self, ref: SessionRef, wanted: SessionWanted, at: Instant) -> Local[bool]:
        """Remember a session that was opened for a user. False if it was heard of before."""
        key = f"{self.rules.account}/{ref.session_id}"
        if await SESSIONS.get(self._store, key) is not None:
            return Done(False)
        opened = Session(
            key=key,
            session_id=ref.session_id,
            state="open",
            created_at=at,
            seen_at=at,
            user=wanted.user.id,
            customer_id=ref.customer_id,
            payment_id=ref.payment_id or "",
        )
        return Done(True, (SESSIONS.insert(opened),))

    async def receive(self, changed: SessionChanged, now: Instant) -> list[Write]:
        """The writes that keep the state in which a session was seen; none if it has come further already.

        That it is paid is never kept so: only its order makes it paid.
        """
        if changed.state == "paid":
            return []
        held = await SESSIONS.get(self._store, changed.key)
        if held is None:
            seen = Session(
                changed.key, changed.session_id, changed.state, changed.created_at, now, user=changed.user
            )
            return [SESSIONS.insert(seen)]
        if _RANK[changed.state] <= _RANK[held.record.state]:
            return []
        seen = msgspec.structs.replace(
            held.record, state=changed.state, seen_at=now, user=held.record.user or changed.user
        )
        return [SESSIONS.update(seen, held.version)]

    @act(local=True)
    async def note_seen(self, told: SessionTold, details: SessionDetails, at: Instant) -> Local[SessionState]:
        """Keep the state of a session that is over and was not paid."""
        fact = SessionChanged(
            told.account, told.session_id, details.state, details.created_at, at, details.user
        )
        return Done(details.state, tuple(await self.receive(fact, at)))

    @act(local=True)
    async def store_paid(
        self,
        told: SessionTold,
        details: SessionDetails,
        lines: list[SessionLine],
        at: Instant,
        bill: BillPaid | None = None,
    ) -> Local[SaleStored]:
        """A paid session becomes an order, once: order, snapshot, payment and what they start are one commit. `bill`
        says how its bill was paid, where a subscription began in it."""
        held = await SESSIONS.get(self._store, told.key)
        if held is not None and held.record.state == "paid":
            kept = held.record
            return Done(SaleStored(kept.order, kept.order_number, kept.why_no_invoice))
        if bill is not None and bill.payment_id:
            details = msgspec.structs.replace(details, payment_id=bill.payment_id)
        before = None if held is None else held.record
        paid = await compose(PaidSession(told, details, lines, before, at, bill), self._sold)
        session, writes = paid.session, [*paid.writes]
        if paid.payment:
            session, as_read = await self._with_early(session, paid.payment)
            writes += [as_read, SESSION_PAYMENTS.put(SessionPayment(paid.payment, told.key))]
        writes.append(self._write(held, session))
        stored = SaleStored(session.order, session.order_number, session.why_no_invoice)
        return Done(stored, tuple(writes), paid.wakes, paid.facts)

    async def note_refund(self, change: PaymentChanged) -> list[Write]:
        """The writes that keep how much of a session's payment went back. Of a payment that nobody knows yet it is
        kept until its session is; none for what is no session's."""
        payment = f"{change.account}/{change.payment_id}"
        if not is_refund(change):
            return []
        # Read first: if it is there and no session's, it was there before any session could be stored.
        known = await self._payments.get(payment) is not None
        held_payment = await SESSION_PAYMENTS.get(self._store, payment)
        if held_payment is None:
            return [] if known else await self._note_early(payment, change)
        held = await SESSIONS.get(self._store, held_payment.record.session)
        if held is None:
            return []
        changed = with_refunds(held.record, (change,))
        return [] if changed == held.record else [SESSIONS.update(changed, held.version)]

    async def _note_early(self, payment: str, change: PaymentChanged) -> list[Write]:
        held = await EARLY_REFUNDS.get(self._store, payment)
        early = kept_early(None if held is None else held.record, payment, change)
        if early is None:
            return []
        write = EARLY_REFUNDS.insert(early) if held is None else EARLY_REFUNDS.update(early, held.version)
        return [write, SESSION_PAYMENTS.check(payment, None), PAYMENTS.check(payment, None)]

    async def _with_early(self, session: Session, payment: str) -> tuple[Session, Write]:
        """The session with the refunds that came before it, and what must still hold of them at the commit."""
        held = await EARLY_REFUNDS.get(self._store, payment)
        if held is None:
            return session, EARLY_REFUNDS.check(payment, None)
        return with_refunds(session, held.record.changes), EARLY_REFUNDS.check(payment, held.version)

    def _write(self, held: Versioned[Session] | None, session: Session) -> Write:
        return SESSIONS.insert(session) if held is None else SESSIONS.update(session, held.version)
