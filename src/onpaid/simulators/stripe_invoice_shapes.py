"""The shapes of a subscription's invoice and of what pays it, in 2026-10-28.endive.

An invoice knows neither its charge nor its PaymentIntent: an invoice payment stands between them.
"""

from collections.abc import Mapping
from typing import Any

from onpaid.simulators.kit import Json
from onpaid.simulators.stripe_billing_shapes import NO_ADDRESS, listed


def invoice(ident: str, lines: list[Json], of: Json, who: Mapping[str, Any], **about: Any) -> Json:
    """An invoice that has just been finalised, and is to be charged."""
    created, total = about["created"], sum(line["amount"] for line in lines)
    period = lines[0]["period"]
    return {
        "id": ident,
        "object": "invoice",
        "account_country": "NO",
        "account_name": "Simulated shop",
        "account_tax_ids": None,
        "amount_due": total,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": total,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": about["billing_reason"],
        "collection_method": "charge_automatically",
        "created": created,
        "currency": of["currency"],
        "custom_fields": None,
        "customer": of["customer"],
        "customer_account": None,
        "customer_address": who.get("address") or dict(NO_ADDRESS),
        "customer_email": who.get("email"),
        "customer_name": who.get("name"),
        "customer_phone": who.get("phone"),
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": created,
        "ending_balance": 0,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": f"https://invoice.stripe.example/i/{ident}",
        "invoice_pdf": f"https://invoice.stripe.example/i/{ident}/pdf",
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": listed(lines, f"/v1/invoices/{ident}/lines"),
        "livemode": of["livemode"],
        "metadata": {},
        "next_payment_attempt": None,
        "number": about["number"],
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": dict(of["metadata"]), "subscription": of["id"]},
            "type": "subscription_details",
        },
        "payment_settings": {
            "default_mandate": None,
            "payment_method_options": None,
            "payment_method_types": None,
        },
        "period_end": period["end"] if about["billing_reason"] == "subscription_create" else period["start"],
        "period_start": period["start"],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "open",
        "status_transitions": {
            "finalized_at": created,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": None,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": created,
    }


def invoice_payment(ident: str, of: Json, intent: str, *, created: int) -> Json:
    """What stands between an invoice and the PaymentIntent that is to pay it."""
    return {
        "id": ident,
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": of["amount_due"],
        "created": created,
        "currency": of["currency"],
        "invoice": of["id"],
        "is_default": True,
        "livemode": of["livemode"],
        "payment": {"payment_intent": intent, "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
