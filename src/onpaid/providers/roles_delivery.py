"""What a service can be in the story of delivery: take a checkout's money, ship, tell the customer, keep issues, alert.

As with the other roles, each method that acts is declared with `@act` in the provider that fulfils it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from onpaid.acts import Finding
from onpaid.domain.checkouts import CapturedPayment, CheckoutRef, CheckoutWanted, RefundRef, RefundWanted
from onpaid.domain.messages import OutMessage, Sent
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ParcelTold, Pickup
from onpaid.providers.roles import FiledTicket, TicketRef

Heard = Callable[[str], Awaitable[Sent | None]]
"""What status webhooks have told of a message, by our reference: how a lost answer is settled without the service."""


class Checkouts(Protocol):
    """Takes a customer's money for an order of ours."""

    async def create_checkout(self, wanted: CheckoutWanted) -> CheckoutRef:
        """The provider's order, with our number as its receipt. Class find: the provider takes no key here."""
        ...

    async def find_checkout(self, wanted: CheckoutWanted) -> Finding[CheckoutRef]:
        """The order with our number as its receipt: exactly one, over this amount and currency."""
        ...

    async def fetch_captured(self, paid: PaymentSucceeded) -> CapturedPayment:
        """The payment as it is now, with the receipt of the order it was for. A read."""
        ...

    async def refund(self, wanted: RefundWanted) -> RefundRef:
        """Give the money back. Class key."""
        ...

    async def find_refund(self, wanted: RefundWanted) -> Finding[RefundRef]:
        """The refund with our reference."""
        ...


class Shipping(Protocol):
    """Books parcels and knows where they are."""

    async def create_order(self, parcel: ParcelOrder) -> CourierOrder:
        """The service's record of the parcel: a new one, the existing one, or a dead one (`cancelled`)."""
        ...

    async def find_order(self, parcel: ParcelOrder) -> Finding[CourierOrder]:
        """The record under exactly this reference, dead or alive."""
        ...

    async def assign_awb(self, order: CourierOrder) -> Awb:
        """Commit to a courier: from here on it costs money. "Already assigned" is in doubt, and looked up."""
        ...

    async def find_awb(self, order: CourierOrder) -> Finding[Awb]:
        """The AWB that the shipment has."""
        ...

    async def request_pickup(self, order: CourierOrder) -> Pickup:
        """Have the parcel fetched. "Already in pickup queue" is done."""
        ...

    async def find_pickup(self, order: CourierOrder) -> Finding[Pickup]:
        """Whether a pickup is booked for the shipment."""
        ...

    async def cancel_order(self, order: CourierOrder) -> CourierOrder:
        """Cancel it while the courier allows that; answers the record, cancelled. Refused if it is too late."""
        ...

    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        """Whether the record is cancelled."""
        ...

    async def track(self, awbs: Sequence[str]) -> list[ParcelTold]:
        """Where parcels are, those that the service knows something of; at most 50 at once. A read."""
        ...


class Messaging(Protocol):
    """Sends template messages. Class once: what is in doubt is settled by a status, a list, or a person."""

    name: str

    async def send_message(self, message: OutMessage) -> Sent:
        """Send it. A number that cannot be reached is an answer (`undeliverable`), not an error."""
        ...

    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """Whether it went out: by a status that bore our reference, or the service's list. Silence proves nothing."""
        ...


class Tracker(Protocol):
    """Keeps issues that people work on: one open issue for each problem, however often it happens."""

    async def create_issue(self, ticket: FiledTicket) -> TicketRef:
        """Open an issue for the ticket's problem, marked with its fingerprint."""
        ...

    async def find_issue(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """The open issue with this fingerprint; the oldest of several."""
        ...

    async def issue_is_open(self, reference: str) -> bool:
        """Whether people still work on it. A read; an issue that was deleted is not open."""
        ...

    async def comment(self, reference: str, marker: str, text: str) -> TicketRef:
        """Add a comment; `marker` is a short text in it by which it is found again."""
        ...

    async def find_comment(self, reference: str, marker: str, text: str) -> Finding[TicketRef]:
        """The comment with this marker."""
        ...


class Alerting(Protocol):
    """Wakes somebody. Told twice rather than never: a repeatable act."""

    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Tell of a critical ticket."""
        ...
