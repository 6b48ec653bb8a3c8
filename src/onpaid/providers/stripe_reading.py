"""What every judgement of a Stripe event needs: amounts, whose payment it is, and how to say what cannot be judged.

Money that is marked as the shop's and names no order is a Problem, since it came and nobody can match it; money that
bears no sign of the shop is somebody else's business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onpaid.clock import Instant
from onpaid.domain.billing import BillingNews, BillingType, Value
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.money import Money
from onpaid.domain.orders import order_key
from onpaid.errors import InvalidInput, Problem
from onpaid.providers import bodies
from onpaid.providers.stripe_wire import REFERENCE, USER


@dataclass(frozen=True)
class Shop:
    """The shop whose payments come to the account: its name, the metadata's key that holds an order's number, and
    the signs (`key=value`, `key` or `prefix*`) by which a payment is the shop's."""

    name: str
    number_key: str
    marks: Sequence[str]

    def order(self, envelope: Envelope, payment: str, metadata: Mapping[str, str]) -> str | None:
        """The key of the order that was paid; None if the payment is somebody else's business."""
        given = metadata.get(self.number_key, "")
        if given.strip():
            try:
                return order_key(self.name, bodies.order_number(given))
            except InvalidInput as bad:
                raise problem(f"A payment cannot be matched to an order: {bad}", envelope, payment) from None
        if any(_bears(metadata, mark) for mark in self.marks):
            raise problem(
                f"A payment is marked as the shop's and names no order: its metadata has no {self.number_key}",
                envelope,
                payment,
            )
        return None


def money(envelope: Envelope, about: str, minor: int, currency: str) -> Money:
    """The amount; a Problem if its currency is not known or it is negative."""
    try:
        told = Money.from_wire(minor, currency)
    except InvalidInput as bad:
        raise problem(f"A payment's amount cannot be read: {bad}", envelope, about) from None
    if minor < 0:
        raise problem("A payment's amount is negative", envelope, about)
    return told


def news(
    envelope: Envelope,
    at: Instant,
    kind: BillingType,
    subject: str,
    mark: str,
    customer: str | None,
    metadata: Mapping[str, str],
    minor: int | None,
    currency: str | None,
    data: dict[str, Value],
) -> Judged:
    """One piece of news. Every one has customer, amount and our reference, null where they are not known."""
    paid = None if minor is None or currency is None else money(envelope, subject, minor, currency)
    data |= {
        "customerId": customer,
        "amount": paid.minor if paid else None,
        "currency": paid.currency if paid else None,
        "reference": metadata.get(REFERENCE) or None,
    }
    told = BillingNews(
        account=envelope.account,
        type=kind,
        subject=subject,
        happened_at=at,
        live=envelope.live,
        mark=mark,
        customer_id=customer or "",
        user=metadata.get(USER, ""),
        event=envelope.event_id,
        data=data,
    )
    return Judged(facts=(told,))


def problem(
    title: str, envelope: Envelope, payment: str | None = None, next_step: str | None = None
) -> Problem:
    """What a person must look at, with the event that told of it."""
    facts: dict[str, Any] = {"event": envelope.event_id, "type": envelope.type, "account": envelope.account}
    if payment:
        facts["payment"] = payment
    if next_step:
        facts["next step"] = next_step
    return Problem(title, category="payment", facts=facts)


def _bears(metadata: Mapping[str, str], mark: str) -> bool:
    key, equals, value = mark.partition("=")
    if equals:
        return metadata.get(key, "").strip().lower() == value.strip().lower()
    if key.endswith("*"):
        return any(name.startswith(key[:-1]) for name in metadata)
    return key in metadata
