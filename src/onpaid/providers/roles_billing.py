"""What a service can be in the story of billing: sell, know customers and subscriptions, carry billing events.

As with the other roles, each method that acts is declared with `@act` in the provider that fulfils it.
"""

from __future__ import annotations

from typing import Protocol

from onpaid.acts import Finding
from onpaid.clock import Instant
from onpaid.domain.billing import Answered, BillingEvent, SubscriptionDetails
from onpaid.domain.bills import Bill, BillPaid
from onpaid.domain.prices import Price, PriceRef, ProductRef
from onpaid.domain.sessions import (
    CustomerRef,
    CustomerWanted,
    SessionDetails,
    SessionDraft,
    SessionLine,
    SessionRef,
)


class Till(Protocol):
    """Where users pay: customers, products, prices and sessions. At Stripe, `providers/stripe_till.py`."""

    async def create_customer(self, wanted: CustomerWanted) -> CustomerRef:
        """A customer that bears the user's id. Class key, looked up when the key is too old."""
        ...

    async def find_customer(self, wanted: CustomerWanted) -> Finding[CustomerRef]:
        """The living customer that bears the user's id and generation."""
        ...

    async def fetch_customer_ref(self, customer_id: str) -> CustomerRef:
        """The customer as it is now, perhaps `deleted`. A read."""
        ...

    async def create_product(self, price: Price) -> ProductRef:
        """The price's product under our own id. One that is there already is taken as it is. Class find."""
        ...

    async def find_product(self, price: Price) -> Finding[ProductRef]:
        """The product under our own id."""
        ...

    async def create_price(self, price: Price) -> PriceRef:
        """A price under our name; the name is taken over from the price that had it. Class key, then find."""
        ...

    async def find_price(self, price: Price) -> Finding[PriceRef]:
        """The active price under our name, if it is over this amount and as often."""
        ...

    async def prices_of(self, price: Price) -> list[PriceRef]:
        """Every active price of the product that bears, or bore, our name. A read."""
        ...

    async def archive_price(self, price_id: str) -> PriceRef:
        """Sell no more at this price. Repeatable: it is set, not toggled."""
        ...

    async def create_session(self, draft: SessionDraft) -> SessionRef:
        """A page to pay at. Class key, then find."""
        ...

    async def find_session(self, draft: SessionDraft) -> Finding[SessionRef]:
        """The session with our reference."""
        ...

    async def fetch_session(self, session_id: str) -> SessionDetails:
        """The session as it is now. A read."""
        ...

    async def session_lines(self, session_id: str) -> list[SessionLine]:
        """Every line of the session, however many pages. A read."""
        ...

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        """A page of sessions created in this time (both inclusive, whole seconds), newest first, and the next `after`.
        A read."""
        ...

    async def fetch_bill(self, invoice_id: str) -> Bill:
        """The bill as it is now. A read."""
        ...

    async def fetch_bill_lines(self, invoice_id: str) -> list[SessionLine]:
        """Every line of the bill, however many pages; credits are below 0. A read."""
        ...

    async def fetch_bill_payment(self, invoice_id: str) -> BillPaid:
        """The one payment that paid the bill, or why there is none. A read."""
        ...

    async def fetch_session_of(self, subscription_id: str) -> str | None:
        """The id of the session in which the subscription began, if it began in one. A read."""
        ...


class Subscriptions(Protocol):
    """Knows subscriptions."""

    async def fetch_subscription(self, subscription_id: str) -> SubscriptionDetails:
        """The subscription as it is now; an ended one too. A read."""
        ...


class Topic(Protocol):
    """Carries billing events to whoever listens."""

    async def publish(self, event: BillingEvent) -> str:
        """Hand the event over; the message's id. A repeat bears the same event id, by which listeners know it."""
        ...


class SubscriberDoors(Protocol):
    """The way to those who get billing events by webhook."""

    async def deliver(self, subscriber: str, event: str) -> Answered:
        """One try, told by their ids. What the subscriber makes of it is an answer, never an error; `unsent` if it is to
        get nothing now. Repeatable: a repeat bears the same event id."""
        ...
