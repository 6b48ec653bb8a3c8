"""Razorpay's signed webhooks, made by the handful: bodies as it writes them, an event's id in a header."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from onpaid.providers.razorpay_webhooks import RazorpayWebhooks
from tests.flows.bazaar import SHOP

SECRET = "a-secret-between-razorpay-and-us"


def source(*, live: bool = False) -> RazorpayWebhooks:
    """The source as our service has it."""
    return RazorpayWebhooks((SECRET,), live=live, shop=SHOP)


def payment_of(
    payment: str, order: str, minor: int, *, status: str = "captured", refunded: int = 0
) -> dict[str, Any]:
    """A payment of an order of ours."""
    return {
        "id": payment,
        "entity": "payment",
        "amount": minor,
        "currency": "INR",
        "status": status,
        "order_id": order,
        "method": "upi",
        "captured": status == "captured",
        "amount_refunded": refunded,
        "refund_status": "full" if refunded >= minor else "partial" if refunded else None,
        "email": "asha@example.org",
        "contact": "+919876543210",
        "notes": [],
        "error_reason": "payment_failed" if status == "failed" else None,
        "created_at": 1_767_225_600,
    }


def refund_of(refund: str, payment: str, minor: int) -> dict[str, Any]:
    """Money that went back."""
    return {
        "id": refund,
        "entity": "refund",
        "amount": minor,
        "currency": "INR",
        "payment_id": payment,
        "notes": [],
        "receipt": None,
        "status": "processed",
        "created_at": 1_767_225_700,
    }


def body_of_event(kind: str, payment: Mapping[str, Any], *, refund: Mapping[str, Any] | None = None) -> bytes:
    """An event as Razorpay writes it."""
    payload: dict[str, Any] = {"payment": {"entity": payment}}
    if refund is not None:
        payload["refund"] = {"entity": refund}
    if kind == "order.paid":
        order = {
            "id": payment["order_id"],
            "entity": "order",
            "amount": payment["amount"],
            "amount_paid": payment["amount"],
            "currency": "INR",
            "status": "paid",
        }
        payload["order"] = {"entity": order}
    told = {
        "entity": "event",
        "account_id": "acc_simulated",
        "event": kind,
        "contains": list(payload),
        "payload": payload,
        "created_at": 1_767_225_601,
    }
    return json.dumps(told, separators=(",", ":")).encode()


def signed(body: bytes, event: str = "") -> dict[str, str]:
    """The headers that come with a body; its event's id follows from it unless it is given."""
    return {
        "x-razorpay-signature": hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        "x-razorpay-event-id": event or hashlib.sha256(body).hexdigest()[:14],
    }
