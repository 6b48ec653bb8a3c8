"""How users with their customers at Stripe, and orders of paid sessions, look in the tables that were agreed for them.

An order of a session lies under its user and the second at which the session was made, which Stripe tells and nobody
changes: webhook and nightly reconciliation write the same item, whoever comes first, and however often.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onpaid.clock import iso
from onpaid.domain.money import Money
from onpaid.domain.sessions import Session, SessionLine, UserCustomer
from onpaid.repositories.documented_sync import whole_seconds
from onpaid.repositories.documented_tables import Place, exact, second
from onpaid.store.dynamodb_shadows import Shadow


def user_customer_items(user: UserCustomer, place: Place) -> Sequence[Shadow]:
    """A user and their customer. Customers that were replaced are ours to remember."""
    fields = {
        "stripeCustomerId": user.customer_id,
        "role": user.role,
        "email": user.email,
        "createdAt": iso(user.created_at),
        "updatedAt": iso(user.updated_at),
    }
    return (place.item((user.user,), fields),)


def session_items(session: Session, place: Place) -> Sequence[Shadow]:
    """The order of a paid session, among those of whom it belongs to. Of other sessions, and of nobody's: nothing."""
    if session.state != "paid" or not session.order or not session.owner:
        return ()
    fields: Mapping[str, Any] = {
        "orderId": session.session_id,
        "orderNumber": session.order_number,
        "status": "refunded" if _whole(session) else "completed",
        "source": session.origin,
        "syncedAt": whole_seconds(session.synced_at),
        "createdAt": iso(session.created_at),
        "mode": session.mode,
        "amountTotal": None if session.total is None else exact(session.total.to_decimal()),
        "amountRefunded": _refunded(session),
        "currency": None if session.total is None else session.total.currency,
        "items": [_item(line) for line in session.lines],
        "stripeCustomerId": session.customer_id,
        "paymentIntentId": session.payment_id,
        "subscriptionId": session.subscription_id,
        "ttl": second(session.synced_at, place.days) if place.days else None,
    }
    key = (f"USER#{session.owner}", f"ORDER#{second(session.created_at)}#{session.session_id}")
    return (place.item(key, fields),)


def _whole(session: Session) -> bool:
    """Whether all of the money went back. Where nothing was paid, nothing can."""
    return session.total is not None and 0 < session.total.minor <= session.refunded


def _refunded(session: Session) -> Any:
    if session.total is None or not session.refunded:
        return None
    return exact(Money(session.refunded, session.total.currency).to_decimal())


def _item(line: SessionLine) -> dict[str, Any]:
    """One line as Stripe told it; amounts in major units, `total` with discount and tax in it."""

    def major(minor: int) -> Any:
        return exact(Money.from_wire(minor, line.currency).to_decimal())

    return {
        "name": line.name,
        "quantity": line.quantity,
        "priceId": line.price_id,
        "productId": line.product_id,
        "lookupKey": line.lookup_key,
        "subtotal": major(line.subtotal),
        "discount": major(line.discount),
        "tax": major(line.tax),
        "total": major(line.total),
    }
