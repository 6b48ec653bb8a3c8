"""Made-up events, orders and drafts in the shapes of today, to be altered by tests. All people are invented."""

import json
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

from onpaid.domain.invoices import ContactDetails, InvoiceDraft, InvoiceLine
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer

NOW = 1_795_600_000_000
"""2026-11-25, in milliseconds."""
SECONDS = NOW // 1000
VERSION = "2026-10-28.endive"

CHARGE: dict[str, Any] = {
    "id": "ch_3SXoQ2LkdIwHu7ix0a1b2c3d",
    "object": "charge",
    "amount": 49_800,
    "amount_captured": 49_800,
    "amount_refunded": 0,
    "application": None,
    "application_fee": None,
    "application_fee_amount": None,
    "balance_transaction": None,
    "billing_details": {
        "address": {
            "city": "Oslo",
            "country": "NO",
            "line1": "Storgata 1",
            "line2": None,
            "postal_code": "0155",
            "state": "",
        },
        "email": "ola@example.org",
        "name": "Ola Nordmann",
        "phone": None,
        "tax_id": None,
    },
    "calculated_statement_descriptor": "THE SHOP",
    "captured": True,
    "created": SECONDS - 4,
    "currency": "nok",
    "customer": "cus_TUoQ2LkdIwHu7i",
    "description": None,
    "disputed": False,
    "failure_balance_transaction": None,
    "failure_code": None,
    "failure_message": None,
    "fraud_details": {},
    "livemode": False,
    "metadata": {"order_number": "10042", "source": "konverzky"},
    "on_behalf_of": None,
    "outcome": {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": "normal",
        "seller_message": "Payment complete.",
        "type": "authorized",
    },
    "paid": True,
    "payment_intent": "pi_3SXoQ2LkdIwHu7ix0k9l8m7n",
    "payment_method": "pm_1SXoQ2LkdIwHu7ixabcdefgh",
    "payment_method_details": {
        "card": {
            "amount_authorized": 49_800,
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "NO",
            "exp_month": 8,
            "exp_year": 2030,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "AOB934RVNwzk6xtn",
            "funding": "debit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": "visa",
            "network_token": {"used": False},
            "overcapture": {"maximum_amount_capturable": 49_800, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "wallet": None,
        },
        "type": "card",
    },
    "radar_options": {},
    "receipt_email": "ola@example.org",
    "receipt_number": None,
    "receipt_url": "https://pay.stripe.com/receipts/payment/CAcaFwo",
    "refunded": False,
    "review": None,
    "shipping": None,
    "source_transfer": None,
    "statement_descriptor": None,
    "statement_descriptor_suffix": None,
    "status": "succeeded",
    "transfer_data": None,
    "transfer_group": None,
}
INTENT: dict[str, Any] = {
    "id": CHARGE["payment_intent"],
    "object": "payment_intent",
    "amount": 49_800,
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": 49_800,
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
    "canceled_at": None,
    "capture_method": "automatic_async",
    "client_secret": "pi_3SXoQ2LkdIwHu7ix0k9l8m7n_secret_x",
    "created": SECONDS - 9,
    "currency": "nok",
    "customer": "cus_TUoQ2LkdIwHu7i",
    "description": None,
    "last_payment_error": None,
    "latest_charge": CHARGE["id"],
    "livemode": False,
    "metadata": {"order_number": "10042", "source": "konverzky"},
    "next_action": None,
    "payment_method": "pm_1SXoQ2LkdIwHu7ixabcdefgh",
    "receipt_email": "ola@example.org",
    "status": "succeeded",
}
REFUND: dict[str, Any] = {
    "id": "re_3SXoQ2LkdIwHu7ix0qqqqqqq",
    "object": "refund",
    "amount": 10_000,
    "charge": CHARGE["id"],
    "created": SECONDS,
    "currency": "nok",
    "metadata": {},
    "payment_intent": CHARGE["payment_intent"],
    "reason": "requested_by_customer",
    "status": "succeeded",
}
DISPUTE: dict[str, Any] = {
    "id": "du_1SXoQ2LkdIwHu7ixzzzzzzzz",
    "object": "dispute",
    "amount": 49_800,
    "charge": CHARGE["id"],
    "created": SECONDS,
    "currency": "nok",
    "evidence": {"customer_name": None},
    "is_charge_refundable": False,
    "livemode": False,
    "metadata": {},
    "payment_intent": CHARGE["payment_intent"],
    "reason": "fraudulent",
    "status": "needs_response",
}


def event(kind: str = "charge.succeeded", about: dict[str, Any] | None = None, **envelope: Any) -> bytes:
    """An event as Stripe writes it, indented. Fields of the envelope may be replaced."""
    made: dict[str, Any] = {
        "id": "evt_3SXoQ2LkdIwHu7ix0eeeeeee",
        "object": "event",
        "api_version": VERSION,
        "created": SECONDS - 3,
        "data": {"object": deepcopy(CHARGE if about is None else about)},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": "req_8Qh2", "idempotency_key": "8f0e7d"},
        "type": kind,
    }
    return json.dumps({**made, **envelope}, indent=2).encode()


ORDER: dict[str, Any] = {
    "webhook_type": "order_paid",
    "created_at": "2026-11-20T10:15:30Z",
    "order": {
        "id": "10042",
        "order_number": "10042",
        "currency": "NOK",
        "prices_include_vat": True,
        "total": "498.00",
        "items": [
            {"id": "77", "name": "E-book", "quantity": "2", "unit_price": "199.00", "vat": "25"},
            {"id": "78", "name": "Upsell: audio", "quantity": 1, "unit_price": 100, "vat": 25},
        ],
        "customer": {
            "name": "Ola Nordmann",
            "email": "ola@example.org",
            "phone": None,
            "company": None,
            "organization_number": None,
            "address": {
                "line1": "Storgata 1",
                "line2": None,
                "postal_code": "0155",
                "city": "Oslo",
                "country": "NO",
            },
        },
    },
}


def altered(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one place changed, or taken away where the value is `...`: "order.items.0.vat"."""
    made = deepcopy(base)
    *way, last = path.split(".")
    there: Any = made
    for step in way:
        there = there[int(step)] if isinstance(there, list) else there[step]
    if value is ...:
        del there[last]
    else:
        there[int(last) if isinstance(there, list) else last] = value
    return made


CUSTOMER = Customer(
    id="cus_TUoQ2LkdIwHu7i",
    name="Ola Nordmann",
    email="ola@example.org",
    phone="+4791234567",
    organization_number="913 312 465",
    address=Address(line1="Storgata 1", postal_code="0155", city="Oslo", country="NO"),
)
CONTACT = ContactDetails(
    reference="cus_TUoQ2LkdIwHu7i",
    name="Ola Nordmann",
    email="ola@example.org",
    language="NORWEGIAN",
    customer=CUSTOMER,
    country="NO",
)


def draft(contact_id: int, **changes: Any) -> InvoiceDraft:
    """A draft over 498.00 NOK in two lines, one with a quantity that is no whole number."""
    lines = (
        InvoiceLine("E-book", Decimal(2), 15_920, 31_840, 7_960, 39_800, Decimal(25), "HIGH", "3010"),
        InvoiceLine("Coaching", Decimal("0.5"), 16_000, 8_000, 2_000, 10_000, Decimal(25), "HIGH", "3010"),
    )
    given: dict[str, Any] = {
        "uuid": "123e4567-e89b-12d3-a456-426655440000",
        "order_reference": "10042",
        "contact_id": contact_id,
        "total": Money(49_800, "NOK"),
        "lines": lines,
        "issue_date": date(2026, 11, 25),
        "due_date": date(2026, 11, 25),
        "cash": True,
        "text": "Takk for handelen",
        "our_reference": CHARGE["payment_intent"],
    }
    return InvoiceDraft(**{**given, **changes})
