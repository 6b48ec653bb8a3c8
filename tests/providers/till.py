"""Razorpay for tests: a client with the simulator's keys, checkouts to ask for, and events as Razorpay writes them."""

import hmac
import json
from copy import deepcopy
from typing import Any

from onpaid.domain.checkouts import CheckoutRef, CheckoutWanted
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.providers.razorpay import Razorpay, Settings
from onpaid.simulators import Served
from tests.providers.samples import NOW, SECONDS
from tests.providers.scripted import Scripted

NUMBER = "2045861230417"
AMOUNT = Money(150_000, "INR")
WANTED = CheckoutWanted(f"shop/{NUMBER}", NUMBER, AMOUNT)
NEW, OLD = "rzp_whsec_simulated", "rzp_whsec_before"
EVENT_ID = "x-razorpay-event-id"
ORDER_ID, PAYMENT_ID, REFUND_ID = "order_DESxiijbl9xjDB", "pay_DESyzxuld02Zul", "rfnd_FP8QHiV938haTz"

PAYMENT: dict[str, Any] = {
    "id": PAYMENT_ID,
    "entity": "payment",
    "amount": 150_000,
    "currency": "INR",
    "base_amount": 150_000,
    "status": "captured",
    "order_id": ORDER_ID,
    "invoice_id": None,
    "international": False,
    "method": "upi",
    "amount_refunded": 0,
    "amount_transferred": 0,
    "refund_status": None,
    "captured": True,
    "description": None,
    "card_id": None,
    "bank": None,
    "wallet": None,
    "vpa": "asha@upi",
    "email": "asha@example.org",
    "contact": "+919876543210",
    "notes": [],
    "fee": 3540,
    "tax": 540,
    "error_code": "",
    "error_description": None,
    "error_source": None,
    "error_step": None,
    "error_reason": None,
    "acquirer_data": {"rrn": "012583617700"},
    "created_at": SECONDS - 5,
    "upi": {"payer_account_type": "bank_account", "vpa": "asha@upi", "flow": "intent"},
}
ORDER: dict[str, Any] = {
    "id": ORDER_ID,
    "entity": "order",
    "amount": 150_000,
    "amount_paid": 150_000,
    "amount_due": 0,
    "currency": "INR",
    "receipt": NUMBER,
    "offer_id": None,
    "status": "paid",
    "attempts": 1,
    "notes": {"onpaid_order": NUMBER},
    "created_at": SECONDS - 60,
}
REFUND: dict[str, Any] = {
    "id": REFUND_ID,
    "entity": "refund",
    "amount": 150_000,
    "currency": "INR",
    "payment_id": PAYMENT_ID,
    "notes": [],
    "receipt": None,
    "acquirer_data": {"arn": None},
    "created_at": SECONDS,
    "batch_id": None,
    "status": "processed",
    "speed_processed": "normal",
    "speed_requested": "normal",
}


def told(kind: str, *, refund: dict[str, Any] | None = None, **payment: Any) -> dict[str, Any]:
    """An event; fields of the payment may be replaced."""
    entities: dict[str, Any] = {"payment": {**PAYMENT, **payment}}
    if kind == "order.paid":
        entities["order"] = ORDER
    if kind.startswith("refund."):
        entities = {"refund": {**REFUND, **(refund or {})}, **entities}
    return {
        "entity": "event",
        "account_id": "acc_BFQ7uQEaa7j2z7",
        "event": kind,
        "contains": list(entities),
        "payload": {name: {"entity": deepcopy(entity)} for name, entity in entities.items()},
        "created_at": SECONDS,
    }


def body(kind: str = "payment.captured", **changes: Any) -> bytes:
    """As `told`, in bytes."""
    return json.dumps(told(kind, **changes)).encode()


def signature(raw: bytes, secret: str = NEW) -> str:
    return hmac.digest(secret.encode(), raw, "sha256").hex()


def till(where: Served | Scripted, **changes: Any) -> Razorpay:
    """A client for the simulator, or for a server that says what the test wants."""
    base = where.base if isinstance(where, Scripted) else f"{where.base}/razorpay"
    given = {"key_id": "rzp_test_simulated", "key_secret": "rzp_secret_simulated", "api_base": base}
    return Razorpay(Settings(**{**given, **changes}))


def paid_for(made: CheckoutRef, payment: dict[str, Any]) -> PaymentSucceeded:
    """The fact that a webhook about this payment comes to."""
    return PaymentSucceeded(
        account="razorpay/default/test",
        payment_id=made.checkout_id,
        order=f"shop/{made.checkout_id}",
        amount=made.amount,
        paid_at=NOW,
        live=False,
        charge_id=payment["id"],
        expects=("shipment", "messages"),
    )
