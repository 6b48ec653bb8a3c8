"""The shapes in which Stripe's objects arrive, in webhooks and answers alike: only the fields that we need.

Fields that Stripe may add are passed over, and one that is missing or of another type is an error: a shape that moved
must be noticed, and never be read as nothing.
"""

from __future__ import annotations

import re
from typing import Annotated, Generic, TypeVar

import msgspec

from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.errors import InvalidInput, Refused

T = TypeVar("T")

_OLDEST_DATE = "2022-11-15"
_FIRST_NAMED = "2024-09-30"
_NAMES = frozenset({"acacia", "basil", "clover", "dahlia", "endive"})
_VERSION = re.compile(r"(20\d\d-\d\d-\d\d)(?:\.([a-z]+))?", re.ASCII)


USER = "userId"
"""The metadata's key that names the user, on customers, sessions, payments and subscriptions."""
REFERENCE = "onpaid_reference"
"""The metadata's key that holds our reference, on sessions and what is paid by them."""
Ident = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_]{1,255}\Z")]
Seconds = Annotated[int, msgspec.Meta(ge=0, le=10**11)]
"""Since 1970."""
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


def known_version(version: str | None) -> bool:
    """Whether events of this API version have the fields that we read.

    Dates alone were versions up to acacia; from 2022-11-15 on a PaymentIntent names its `latest_charge`. A release
    under a name that we know adds and never breaks. Every other version needs somebody to look at its changes.
    """
    match = _VERSION.fullmatch(version or "")
    if match is None:
        return False
    date, name = match.groups()
    return _OLDEST_DATE <= date < _FIRST_NAMED if name is None else name in _NAMES and date >= _FIRST_NAMED


class Head(msgspec.Struct):
    """The envelope of an event, and of what may be sent instead of one."""

    id: str
    object: str
    type: str
    livemode: bool
    created: int | str
    api_version: str | None = None
    account: str | None = None


class Ref(msgspec.Struct):
    """An object that was expanded where its id would do."""

    id: str


Link = str | Ref | None


def linked(link: Link) -> str | None:
    """The id that a link names."""
    return link.id if isinstance(link, Ref) else link or None


class AddressWire(msgspec.Struct):
    """An address; Stripe's names are ours."""

    line1: str | None = None
    line2: str | None = None
    postal_code: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None


class Billing(msgspec.Struct):
    """Who paid, as told at the checkout."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: AddressWire | None = None


class Charge(msgspec.Struct):
    """One taking, or authorisation, of money."""

    id: str
    currency: str
    amount: int
    amount_captured: int
    amount_refunded: int
    captured: bool
    disputed: bool
    livemode: bool
    status: str
    metadata: dict[str, str]
    payment_intent: Link = None
    customer: Link = None
    billing_details: Billing | None = None
    receipt_email: str | None = None

    @property
    def payment(self) -> str:
        """The payment that the charge belongs to."""
        return linked(self.payment_intent) or self.id

    def billing(self) -> Customer | None:
        """Who paid; None if nothing is known."""
        told = self.billing_details or Billing()
        customer = customer_of(None, told.name, told.email or self.receipt_email, told.phone, told.address)
        return None if customer == Customer() else customer


class Intent(msgspec.Struct):
    """A PaymentIntent."""

    id: str
    currency: str
    amount_received: int
    livemode: bool
    status: str
    metadata: dict[str, str]
    latest_charge: Link = None
    customer: Link = None


class Change(msgspec.Struct):
    """A refund or a dispute: money that goes, or may go, back."""

    id: str
    currency: str
    amount: int
    payment_intent: Link = None
    charge: Link = None
    status: str | None = None
    metadata: dict[str, str] | None = None


class CustomerWire(msgspec.Struct):
    """A customer, or the little that is left of a deleted one."""

    id: str
    deleted: bool = False
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    address: AddressWire | None = None
    business_name: str | None = None


class _Data(msgspec.Struct, Generic[T]):
    object: T


class _Event(msgspec.Struct, Generic[T]):
    data: _Data[T]


CHARGE = msgspec.json.Decoder(_Event[Charge])
INTENT = msgspec.json.Decoder(_Event[Intent])
CHANGE = msgspec.json.Decoder(_Event[Change])
HEAD = msgspec.json.Decoder(Head)


def money_of(minor: int, currency: str, what: str) -> Money:
    """An amount in an answer. Refused if it cannot be read: `what` names the object that it is of."""
    try:
        return Money.from_wire(minor, currency)
    except InvalidInput as bad:
        raise Refused(f"Stripe: the amount of {what} cannot be read: {bad}") from None


def customer_of(
    customer_id: str | None,
    name: str | None,
    email: str | None,
    phone: str | None,
    address: AddressWire | None,
    company: str | None = None,
) -> Customer:
    """Stripe's fields as a customer; blank ones are none."""
    return Customer(
        id=customer_id,
        name=_filled(name),
        email=_filled(email),
        phone=_filled(phone),
        company=_filled(company),
        address=_address_of(address),
    )


def _address_of(told: AddressWire | None) -> Address | None:
    if told is None:
        return None
    country = _filled(told.country)
    address = Address(
        line1=_filled(told.line1),
        line2=_filled(told.line2),
        postal_code=_filled(told.postal_code),
        city=_filled(told.city),
        state=_filled(told.state),
        country=country.upper() if country else None,
    )
    return None if address == Address() else address


def _filled(text: str | None) -> str | None:
    return (text or "").strip() or None
