"""The outside world of sales: a till with books of its own, which every test of sessions and customers asks in the end.

It keeps the answer under an idempotency key, as the real one does, and lists what is new a little later.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act, current_call
from onpaid.clock import Instant
from onpaid.domain.prices import Price, PriceRef, ProductRef
from onpaid.domain.sessions import (
    CustomerRef,
    CustomerWanted,
    SessionDetails,
    SessionDraft,
    SessionLine,
    SessionRef,
)
from onpaid.engine.testing import START
from tests.flows.fates import Fates
from tests.flows.world import SETTLES, TIMEOUT, World, _unanswered

TILL_LANES = (LaneLimit("till", at_once=16, per_second=25),)
DAY = timedelta(hours=24)


class CashBox(World):
    """What is there at the payment provider. `deleted` are customers that somebody deleted there."""

    def __init__(self, fates: Fates | None = None) -> None:
        super().__init__(fates)
        self.customers_made: list[tuple[CustomerWanted, CustomerRef, float]] = []
        self.deleted: set[str] = set()
        self.products: dict[str, ProductRef] = {}
        self.prices: list[PriceRef] = []
        self.sessions: list[tuple[SessionDraft, SessionRef]] = []
        self.paid: dict[str, str] = {}
        self.keys: dict[str, Any] = {}

    def once(self, make: Any) -> Any:
        """What was made under the key of the call under way; the same again if the key was used before."""
        call = current_call.get()
        key = call.key if call is not None else ""

        def effect() -> Any:
            if not key or key not in self.keys:
                self.keys[key] = make()
            return self.keys[key]

        return effect

    def living(self, user: str) -> list[str]:
        """The ids of a user's customers that are not deleted."""
        made = [ref.customer_id for wanted, ref, _ in self.customers_made if wanted.user.id == user]
        return [each for each in made if each not in self.deleted]

    def pay(self, session_id: str, payment: str) -> None:
        """The user pays: only now there is a payment."""
        self.paid[session_id] = payment


class FakeTill:
    """A Till."""

    def __init__(self, box: CashBox) -> None:
        self._box = box

    @act(key_life=DAY, lane="till", timeout=TIMEOUT, settles=SETTLES)
    async def create_customer(self, wanted: CustomerWanted) -> CustomerRef:
        box = self._box

        def make() -> CustomerRef:
            ref = CustomerRef(f"cus_{len(box.customers_made) + 1}", wanted.user.email, wanted.user.id)
            shown = asyncio.get_running_loop().time() + box.lag
            box.customers_made.append((wanted, ref, shown))
            return ref

        return await box.called("create_customer", wanted.user.id, box.once(make), _unanswered)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def find_customer(self, wanted: CustomerWanted) -> Finding[CustomerRef]:
        box = self._box

        def look() -> Finding[CustomerRef]:
            now = asyncio.get_running_loop().time()
            found = [
                ref
                for made, ref, shown in box.customers_made
                if (made.user.id, made.generation) == (wanted.user.id, wanted.generation) and shown <= now
            ]
            if len(found) > 1:
                return Unsure("several customers of one user", final=True)
            return Found(found[0]) if found else Absent()

        return await box.called("find_customer", wanted.user.id, None, look)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_customer_ref(self, customer_id: str) -> CustomerRef:
        box = self._box

        def read() -> CustomerRef:
            if customer_id in box.deleted:
                return CustomerRef(customer_id, deleted=True)
            return next(ref for _, ref, _ in box.customers_made if ref.customer_id == customer_id)

        return await box.called("fetch_customer_ref", customer_id, None, read)

    @act(lane="till", timeout=TIMEOUT, settles=SETTLES)
    async def create_product(self, price: Price) -> ProductRef:
        def make() -> ProductRef:
            return self._box.products.setdefault(price.product, ProductRef(price.product, price.product_name))

        return await self._box.called("create_product", price.product, make, _unanswered)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def find_product(self, price: Price) -> Finding[ProductRef]:
        def look() -> Finding[ProductRef]:
            found = self._box.products.get(price.product)
            return Found(found) if found else Absent()

        return await self._box.called("find_product", price.product, None, look)

    @act(key_life=DAY, lane="till", timeout=TIMEOUT, settles=SETTLES)
    async def create_price(self, price: Price) -> PriceRef:
        box = self._box

        def make() -> PriceRef:
            ident = f"price_{len(box.prices) + 1}"
            box.prices.append(PriceRef(ident, price.product, price.amount, price.recurring, price.id))
            return box.prices[-1]

        return await box.called("create_price", price.id, box.once(make), _unanswered)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def find_price(self, price: Price) -> Finding[PriceRef]:
        def look() -> Finding[PriceRef]:
            found = [each for each in self._named(price) if each.amount == price.amount]
            return Found(found[0]) if found else Absent()

        return await self._box.called("find_price", price.id, None, look)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def prices_of(self, price: Price) -> list[PriceRef]:
        return await self._box.called("prices_of", price.id, None, lambda: self._named(price))

    @act(lane="till", timeout=TIMEOUT, repeatable=True)
    async def archive_price(self, price_id: str) -> PriceRef:
        prices = self._box.prices

        def effect() -> PriceRef:
            (at,) = [number for number, each in enumerate(prices) if each.price_id == price_id]
            prices[at] = msgspec.structs.replace(prices[at], active=False)
            return prices[at]

        return await self._box.called("archive_price", price_id, effect, _unanswered)

    @act(key_life=DAY, lane="till", timeout=TIMEOUT, settles=SETTLES)
    async def create_session(self, draft: SessionDraft) -> SessionRef:
        box = self._box

        def make() -> SessionRef:
            if draft.customer_id in box.deleted:
                box.faults.append(f"a session for {draft.customer_id}, who was deleted")
            ident = f"cs_{len(box.sessions) + 1}"
            ref = SessionRef(ident, f"https://checkout.example/{ident}", draft.customer_id)
            box.sessions.append((draft, ref))
            return ref

        return await box.called("create_session", draft.reference, box.once(make), _unanswered)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def find_session(self, draft: SessionDraft) -> Finding[SessionRef]:
        def look() -> Finding[SessionRef]:
            found = [ref for made, ref in self._box.sessions if made.reference == draft.reference]
            return Found(found[0]) if found else Absent()

        return await self._box.called("find_session", draft.reference, None, look)

    @act(repeatable=True, lane="till", timeout=TIMEOUT)
    async def fetch_session(self, session_id: str) -> SessionDetails:
        box = self._box

        def read() -> SessionDetails:
            ref = next(ref for _, ref in box.sessions if ref.session_id == session_id)
            paid = box.paid.get(session_id)
            state = ("complete", "paid") if paid else ("open", "unpaid")
            return SessionDetails(
                session_id, "payment", *state, START, False, payment_id=paid, customer_id=ref.customer_id
            )

        return await box.called("fetch_session", session_id, None, read)

    async def session_lines(self, session_id: str) -> list[SessionLine]:
        """No story here asks for lines."""
        raise AssertionError(session_id)

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        """No story here lists sessions."""
        raise AssertionError((since, until, after))

    def _named(self, price: Price) -> list[PriceRef]:
        return [each for each in self._box.prices if each.lookup_key == price.id and each.active]
