"""Signed Stripe events and Konverzky orders as raw HTTP requests, made before the clock starts."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

SECRET = "whsec_bench"


def charge_event(number: int, *, order: str | None = None, type_: str = "charge.succeeded") -> bytes:
    """An event of about 2 KB, as Stripe sends it today."""
    ident = f"{int(time.time()):x}{number:010x}"
    metadata = {"order_number": order} if order else {}
    charge: dict[str, Any] = {
        "id": f"ch_{ident}",
        "object": "charge",
        "amount": 49_800,
        "amount_captured": 49_800,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {
            "address": {
                "city": "Oslo",
                "country": "NO",
                "line1": "Storgata 1",
                "line2": None,
                "postal_code": "0155",
                "state": None,
            },
            "email": f"buyer{number}@example.org",
            "name": "Ola Nordmann",
            "phone": None,
            "tax_id": None,
        },
        "captured": True,
        "created": int(time.time()),
        "currency": "nok",
        "customer": None,
        "description": None,
        "disputed": False,
        "livemode": False,
        "metadata": metadata,
        "outcome": {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "risk_score": 12,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": f"pi_{ident}",
        "payment_method": f"pm_{ident}",
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "checks": {
                    "address_line1_check": "pass",
                    "address_postal_code_check": "pass",
                    "cvc_check": "pass",
                },
                "country": "NO",
                "exp_month": 4,
                "exp_year": 2031,
                "fingerprint": "bench",
                "funding": "credit",
                "last4": "4242",
                "network": "visa",
            },
            "type": "card",
        },
        "receipt_email": None,
        "receipt_url": f"https://pay.example.org/receipts/{ident}",
        "refunded": False,
        "status": "succeeded",
    }
    event = {
        "id": f"evt_{ident}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "data": {"object": charge},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": f"req_{ident}", "idempotency_key": None},
        "type": type_,
    }
    return json.dumps(event, indent=1).encode()


def request(path: str, body: bytes, *, signed: bool = True) -> bytes:
    """The raw HTTP request that carries a body, signed now."""
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    if signed:
        t = int(time.time())
        signature = hmac.new(SECRET.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
        head += f"stripe-signature: t={t},v1={signature}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
