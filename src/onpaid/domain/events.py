"""What arrives: an event's envelope, and what its source makes of it.

A source verifies raw bytes, reads the envelope, and judges: the facts that start or join runs, or the reason why
there are none. Judging is pure, so that an event can be judged again from its stored bytes after an upgrade.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.billing import BillingNews, SubscriptionTold
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.messages import MessageTold
from onpaid.domain.orders import Customer, OrderLine
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.sessions import SessionChanged, SessionTold
from onpaid.domain.shipments import ParcelTold


class Envelope(msgspec.Struct, frozen=True):
    """Who sent an event, which one it is, and what kind.

    `account` names source, account and mode at once ("stripe/default/test"): ids are unique only within it.
    `event_id` is the sender's; for a sender without ids it is derived from the meaning of the body.
    """

    source: str
    account: str
    event_id: str
    type: str
    live: bool
    created_at: Instant | None = None
    api_version: str | None = None
    ref: str | None = None
    """What the address that was called says beyond the source (a message's reference), where it is no secret."""


class OrderReceived(msgspec.Struct, frozen=True):
    """A shop told us of an order, or of a new state of one we know."""

    shop: str
    number: str
    aliases: tuple[str, ...]
    live: bool
    lines: tuple[OrderLine, ...]
    digest: str
    event: str
    received_at: Instant
    currency: str | None = None
    prices_include_vat: bool | None = None
    total: Decimal | None = None
    customer: Customer | None = None
    told_at: Instant | None = None
    fulfilment: Fulfilment | None = None


Fact = (
    OrderReceived
    | PaymentSucceeded
    | PaymentChanged
    | PaymentFailed
    | ParcelTold
    | MessageTold
    | SessionTold
    | SessionChanged
    | SubscriptionTold
    | SubscriptionPaid
    | BillingNews
)


class Judged(msgspec.Struct, frozen=True):
    """What an event means: facts, or why it means nothing to us. Exactly one of the two is filled."""

    facts: tuple[Fact, ...] = ()
    ignored: str | None = None
