"""An account where customers pay in sessions, as the provider has it: pages, events, and hours in which it is away.

It keeps its own books, and forgets nothing. What a webhook would say is made from them, and so are its lists.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.sessions import SessionDetails, SessionLine
from onpaid.errors import Unavailable
from tests.app.post import stripe_event

ACCOUNT = "stripe/default/test"
PAGE = 100


@dataclass
class Told:
    """An event: when it was made, and whether its webhook was acknowledged."""

    id: str
    type: str
    at: Instant
    body: bytes
    acknowledged: bool = False


@dataclass
class Account:
    """All sessions and events. `away` says whether it answers at this moment."""

    sessions: dict[str, SessionDetails] = field(default_factory=dict)
    events: list[Told] = field(default_factory=list)
    away: Callable[[], bool] = lambda: False
    asked: int = 0
    _order: list[tuple[Instant, str]] = field(default_factory=list)

    def open(self, nth: int, at: Instant, *, minor: int = 0) -> str:
        """A customer is sent to a page."""
        ident = f"cs_test_{nth:06}"
        self.sessions[ident] = SessionDetails(
            session_id=ident,
            mode="payment",
            status="open",
            payment_status="unpaid",
            created_at=at - at % 1000,
            live=False,
            total=Money(minor or 1000 + nth, "NOK"),
            payment_id=f"pi_{nth:06}",
            customer_id=f"cus_{nth % 97}",
            user=f"user_{nth % 97}",
        )
        place = (at - at % 1000, ident)
        self._order.insert(bisect_left(self._order, place), place)
        return ident

    def complete(self, ident: str, at: Instant, *, paid: bool = True) -> Told:
        """The customer went through with it; a bank debit is paid days later."""
        self._change(ident, status="complete", payment_status="paid" if paid else "unpaid")
        return self._tell("checkout.session.completed", ident, at)

    def settle(self, ident: str, at: Instant) -> Told:
        """The money came after all."""
        self._change(ident, payment_status="paid")
        return self._tell("checkout.session.async_payment_succeeded", ident, at)

    def expire(self, ident: str, at: Instant) -> Told:
        """Nobody paid in time."""
        self._change(ident, status="expired")
        return self._tell("checkout.session.expired", ident, at)

    @property
    def paid(self) -> set[str]:
        """Sessions that are paid."""
        return {ident for ident, details in self.sessions.items() if details.state == "paid"}

    # -- what it answers ---------------------------------------------------------------------------------------

    @act(repeatable=True)
    async def fetch_session(self, session_id: str) -> SessionDetails:
        self._answers()
        return self.sessions[session_id]

    @act(repeatable=True)
    async def session_lines(self, session_id: str) -> list[SessionLine]:
        self._answers()
        total = self.sessions[session_id].total
        if total is None:  # it only keeps a card
            return []
        return [SessionLine(f"li_{session_id}", "Ticket", 1, total.minor, 0, 0, total.minor, total.currency)]

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        self._answers()
        first = bisect_left(self._order, (since - since % 1000, ""))
        last = bisect_right(self._order, (until, "~"))
        if after is not None:
            last = min(last, bisect_left(self._order, (self.sessions[after].created_at, after)))
        begin = max(first, last - PAGE)
        page = [self.sessions[ident] for _, ident in reversed(self._order[begin:last])]
        return page, page[-1].session_id if begin > first else None

    async def events_since(
        self,
        since: Instant,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        undelivered: bool = False,
    ) -> tuple[list[bytes], str | None]:
        self._answers()
        assert len(types) <= 20
        kept = [
            told
            for told in reversed(self.events)
            if told.at // 1000 >= since // 1000
            and told.type in types
            and not (undelivered and told.acknowledged)
        ]
        if after is not None:
            kept = kept[[told.id for told in kept].index(after) + 1 :]
        page = kept[:PAGE]
        return [told.body for told in page], page[-1].id if len(kept) > PAGE else None

    def _answers(self) -> None:
        self.asked += 1
        if self.away():
            raise Unavailable("the account is away")

    def _change(self, ident: str, **changes: Any) -> None:
        self.sessions[ident] = msgspec.structs.replace(self.sessions[ident], **changes)

    def _tell(self, kind: str, ident: str, at: Instant) -> Told:
        details = self.sessions[ident]
        assert details.total is not None
        about = {
            "id": ident,
            "object": "checkout.session",
            "mode": details.mode,
            "status": details.status,
            "payment_status": details.payment_status,
            "created": details.created_at // 1000,
            "amount_total": details.total.minor,
            "currency": "nok",
            "payment_intent": details.payment_id,
            "customer": details.customer_id,
            "metadata": {"userId": details.user},
        }
        event = f"evt_{len(self.events):06}"
        told = Told(event, kind, at, stripe_event(kind, about, event, created=at // 1000))
        self.events.append(told)
        return told
