"""The shapes of Stripe's objects in API version 2026-10-28.endive, as its public fixtures show them.

Only shapes: what is in them, and when, is decided in `stripe.py`.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final

from onpaid.simulators.kit import Json

API_VERSION: Final = "2026-10-28.endive"
ADDRESS_FIELDS: Final = ("city", "country", "line1", "line2", "postal_code", "state")


def address(given: Mapping[str, Any] | None) -> Json | None:
    """An address with all of its fields, unset ones null; none at all where none was given."""
    if not given:
        return None
    return {name: given.get(name) for name in ADDRESS_FIELDS}


def customer(ident: str, given: Mapping[str, Any], *, created: int, livemode: bool) -> Json:
    shipping = given.get("shipping")
    return {
        "id": ident,
        "object": "customer",
        "address": address(given.get("address")),
        "balance": int(given.get("balance", 0)),
        "created": created,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": given.get("description"),
        "discount": None,
        "email": given.get("email"),
        "invoice_prefix": ident[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": livemode,
        "metadata": dict(given.get("metadata") or {}),
        "name": given.get("name"),
        "next_invoice_sequence": 1,
        "phone": given.get("phone"),
        "preferred_locales": list(given.get("preferred_locales") or []),
        "shipping": deepcopy(shipping) if shipping else None,
        "tax_exempt": given.get("tax_exempt") or "none",
        "test_clock": None,
    }


def deleted_customer(ident: str) -> Json:
    return {"id": ident, "object": "customer", "deleted": True}


def charge(
    ident: str, intent: str, *, amount: int, currency: str, created: int, livemode: bool, **more: Any
) -> Json:
    """A card charge, not yet captured."""
    billing: Mapping[str, Any] = more.get("billing") or {}
    return {
        "id": ident,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": address(billing.get("address")) or dict.fromkeys(ADDRESS_FIELDS),
            "email": billing.get("email"),
            "name": billing.get("name"),
            "phone": billing.get("phone"),
            "tax_id": None,
        },
        "calculated_statement_descriptor": "SIMULATED SHOP",
        "captured": False,
        "created": created,
        "currency": currency,
        "customer": more.get("customer"),
        "description": more.get("description"),
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": livemode,
        "metadata": dict(more.get("metadata") or {}),
        "on_behalf_of": None,
        "outcome": {
            "advice_code": None,
            "network_advice_code": None,
            "network_decline_code": None,
            "network_status": "approved_by_network",
            "reason": None,
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": True,
        "payment_intent": intent,
        "payment_method": "pm_" + ident[3:],
        "payment_method_details": {
            "card": {
                "brand": "visa",
                "country": "NO",
                "funding": "credit",
                "last4": "4242",
                "network": "visa",
            },
            "type": "card",
        },
        "receipt_email": more.get("receipt_email"),
        "receipt_number": None,
        "receipt_url": None,
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


def payment_intent(
    ident: str, *, amount: int, currency: str, created: int, livemode: bool, **more: Any
) -> Json:
    """A PaymentIntent whose card has been authorised."""
    return {
        "id": ident,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": amount,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": more.get("capture_method") or "automatic_async",
        "client_secret": ident + "_secret_simulated",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": more.get("customer"),
        "customer_account": None,
        "description": more.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": more.get("latest_charge"),
        "livemode": livemode,
        "managed_payments": {"enabled": False},
        "metadata": dict(more.get("metadata") or {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": more.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_capture",
        "transfer_data": None,
        "transfer_group": None,
    }


def refund(ident: str, of: Json, *, amount: int, created: int, reason: str | None = None) -> Json:
    return {
        "id": ident,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "customer": of["customer"],
        "customer_account": None,
        "destination_details": {"card": {"type": "reversal"}, "type": "card"},
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "payment_method": of["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


def event(
    ident: str, kind: str, about: Json, *, created: int, livemode: bool, previous: Json | None = None
) -> Json:
    """An event with a snapshot of what it is about."""
    data: Json = {"object": deepcopy(about)}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": ident,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": data,
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
