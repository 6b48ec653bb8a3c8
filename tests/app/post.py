"""Signed webhooks as the payment source and the shop send them, made by the handful."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from onpaid.clock import Instant
from onpaid.providers.konverzky import Konverzky
from onpaid.providers.konverzky import Settings as ShopSettings
from onpaid.providers.roles import WebhookSource
from onpaid.providers.signatures import Signer
from onpaid.providers.stripe import Settings as StripeSettings
from onpaid.providers.stripe_events import StripeWebhooks

STRIPE_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SHOP_SECRET = "a-secret-between-the-shop-and-us"
VERSION = "2026-10-28.endive"
HEADER = {"stripe": "stripe-signature", "konverzky": "x-onpaid-signature"}
SIGNERS = {"stripe": Signer([STRIPE_SECRET]), "konverzky": Signer([SHOP_SECRET])}
GRO = {"name": "Gro Gjest", "email": "gro@example.org", "address": {"country": "NO", "city": "Oslo"}}


def sources(*, live: bool = False) -> dict[str, WebhookSource]:
    """Both sources, in test or live mode."""
    settings = StripeSettings(webhook_secrets=(STRIPE_SECRET,), live=live)
    stripe = StripeWebhooks(
        settings.webhook_secrets,
        live=live,
        shop=settings.shop,
        order_number_key=settings.order_number_key,
        marks=settings.shop_marks,
    )
    return {"stripe": stripe, "konverzky": Konverzky(ShopSettings(secrets=(SHOP_SECRET,), live=live))}


def signed(source: str, body: bytes, now: Instant) -> dict[str, str]:
    """The headers that prove who sent the body."""
    return {HEADER[source]: SIGNERS[source].header(body, now)}


def charge(
    payment: str,
    minor: int,
    number: str | None,
    *,
    customer: str | None = None,
    captured: bool = True,
    status: str = "succeeded",
    currency: str = "nok",
    metadata: Mapping[str, str] | None = None,
    refunded: int = 0,
    billing: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A charge of a PaymentIntent."""
    return {
        "id": payment.replace("pi_", "ch_"),
        "object": "charge",
        "amount": minor,
        "amount_captured": minor if captured else 0,
        "amount_refunded": refunded,
        "billing_details": {"phone": None, **(GRO if billing is None else billing)},
        "captured": captured,
        "created": 1_767_225_600,
        "currency": currency,
        "customer": customer,
        "disputed": False,
        "livemode": False,
        "metadata": metadata if metadata is not None else {"order_number": number} if number else {},
        "paid": True,
        "payment_intent": payment,
        "status": status,
    }


def intent(payment: str, minor: int, number: str, *, customer: str | None = None) -> dict[str, Any]:
    """A PaymentIntent that succeeded."""
    return {
        "id": payment,
        "object": "payment_intent",
        "amount": minor,
        "amount_received": minor,
        "created": 1_767_225_600,
        "currency": "nok",
        "customer": customer,
        "latest_charge": payment.replace("pi_", "ch_"),
        "livemode": False,
        "metadata": {"order_number": number},
        "status": "succeeded",
    }


def refund(payment: str, minor: int) -> dict[str, Any]:
    """A refund of a payment."""
    return {
        "id": payment.replace("pi_", "re_"),
        "object": "refund",
        "amount": minor,
        "charge": payment.replace("pi_", "ch_"),
        "currency": "nok",
        "metadata": {},
        "payment_intent": payment,
        "status": "succeeded",
    }


def stripe_event(
    kind: str, about: Mapping[str, Any], event: str, *, created: int = 1_767_225_600, live: bool = False
) -> bytes:
    """An event as Stripe writes it."""
    told = {
        "id": event,
        "object": "event",
        "api_version": VERSION,
        "created": created,
        "data": {"object": {**about, "livemode": live}},
        "livemode": live,
        "pending_webhooks": 1,
        "type": kind,
    }
    return json.dumps(told, indent=2).encode()


def shop_event(
    number: str,
    items: Sequence[tuple[str, str, str]],
    *,
    kind: str = "order_paid",
    webhook: str | None = None,
    created: str | None = None,
    currency: str = "NOK",
    customer: Mapping[str, Any] | None = None,
    vat: str = "25",
) -> bytes:
    """An order as the shop tells it; an item is its id, quantity and unit price."""
    told: dict[str, Any] = {
        "webhook_type": kind,
        "order": {
            "order_number": number,
            "currency": currency,
            "prices_include_vat": True,
            "items": [
                {"id": ident, "name": f"Item {ident}", "quantity": quantity, "unit_price": price, "vat": vat}
                for ident, quantity, price in items
            ],
            "customer": customer,
        },
    }
    if webhook is not None:
        told["webhook_id"] = webhook
    if created is not None:
        told["created_at"] = created
    return json.dumps(told).encode()
