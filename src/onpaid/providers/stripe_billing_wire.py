"""The objects of Stripe's events about billing: only the fields that are told on, with those that moved read twice.

Fields that are only told on, and on which nothing depends, may be missing: the releases that we know differ in them.
"""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import msgspec

from onpaid.providers.stripe_till_wire import SessionWire
from onpaid.providers.stripe_wire import Count, Ident, Link, Seconds, linked

T = TypeVar("T")

_REQUEST = re.compile(r"/(req_[A-Za-z0-9]{1,64})(?![A-Za-z0-9_])", re.ASCII)
_NOT_CHARGED = "payment_intent_authentication_failure"


class ErrorTold(msgspec.Struct):
    """Why the last try to pay failed."""

    code: str | None = None
    decline_code: str | None = None
    charge: Link = None
    request_log_url: str | None = None

    @property
    def request(self) -> str | None:
        """The request that failed, by Stripe's own id."""
        found = _REQUEST.search(self.request_log_url or "")
        return found[1] if found else None


class NextAction(msgspec.Struct):
    """What the customer has to do."""

    type: str | None = None


class IntentTold(msgspec.Struct):
    """A PaymentIntent, paid or not."""

    id: Ident
    currency: str
    amount: int
    status: str
    metadata: dict[str, str]
    amount_received: int = 0
    latest_charge: Link = None
    customer: Link = None
    last_payment_error: ErrorTold | None = None
    next_action: NextAction | None = None

    def attempt(self, second: int) -> str:
        """What tells the try that failed from every other of this payment: its charge, else its request, else the
        second. A charge that stayed from an earlier try is not taken for that of a failed authentication."""
        error = self.last_payment_error or ErrorTold()
        latest = None if error.code == _NOT_CHARGED else linked(self.latest_charge)
        return linked(error.charge) or error.request or latest or str(second)


class RefundTold(msgspec.Struct):
    """Money that goes back."""

    id: Ident
    currency: str
    amount: int
    status: str | None = None
    reason: str | None = None
    failure_reason: str | None = None
    payment_intent: Link = None
    charge: Link = None
    customer: Link = None
    metadata: dict[str, str] | None = None


class EvidenceTold(msgspec.Struct):
    """How far the evidence in a dispute has come. `due_by` is in seconds since 1970."""

    due_by: Seconds | None = None
    has_evidence: bool = False
    submission_count: Count = 0


class DisputeTold(msgspec.Struct):
    """Money that a customer's bank claims back."""

    id: Ident
    currency: str
    amount: int
    status: str
    reason: str | None = None
    payment_intent: Link = None
    charge: Link = None
    evidence_details: EvidenceTold | None = None
    metadata: dict[str, str] | None = None


class _Details(msgspec.Struct):
    subscription: Link = None
    metadata: dict[str, str] | None = None


class _Parent(msgspec.Struct):
    subscription_details: _Details | None = None


class InvoiceTold(msgspec.Struct):
    """An invoice of Stripe's. Before the release basil its subscription stood on the invoice itself."""

    id: Ident
    currency: str
    amount_paid: int
    amount_due: int
    attempt_count: Count = 0
    status: str | None = None
    billing_reason: str | None = None
    number: str | None = None
    customer: Link = None
    next_payment_attempt: Seconds | None = None
    metadata: dict[str, str] | None = None
    parent: _Parent | None = None
    subscription: Link = None
    subscription_details: _Details | None = None

    def _details(self) -> _Details:
        here = self.parent.subscription_details if self.parent else None
        return here or self.subscription_details or _Details()

    @property
    def subscription_id(self) -> str | None:
        """The subscription that the invoice is for."""
        return linked(self._details().subscription) or linked(self.subscription)

    @property
    def all_metadata(self) -> dict[str, str]:
        """The invoice's own metadata over that of its subscription."""
        return {**(self._details().metadata or {}), **(self.metadata or {})}


class SubscriptionNamed(msgspec.Struct):
    """A subscription, of which an event only tells that there is something to read."""

    id: Ident


class _Data(msgspec.Struct, Generic[T]):
    object: T


class _Event(msgspec.Struct, Generic[T]):
    data: _Data[T]


INTENT = msgspec.json.Decoder(_Event[IntentTold])
REFUND = msgspec.json.Decoder(_Event[RefundTold])
DISPUTE = msgspec.json.Decoder(_Event[DisputeTold])
INVOICE = msgspec.json.Decoder(_Event[InvoiceTold])
SESSION = msgspec.json.Decoder(_Event[SessionWire])
SUBSCRIPTION = msgspec.json.Decoder(_Event[SubscriptionNamed])
