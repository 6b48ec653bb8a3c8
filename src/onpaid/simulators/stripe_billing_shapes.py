"""The shapes of what goes on at Stripe: subscriptions, their invoices, and disputes, in 2026-10-28.endive.

Periods are on a subscription's items and nowhere else; an invoice names its subscription under `parent`, and its
payments are objects of their own.
"""

from collections.abc import Mapping
from typing import Any

from onpaid.simulators.kit import Json

NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
NO_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


def listed(rows: list[Json], url: str) -> Json:
    return {"object": "list", "data": rows, "has_more": False, "url": url}


def subscription_item(ident: str, of: str, price: Json, quantity: int, start: int, end: int) -> Json:
    return {
        "id": ident,
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": dict(price),
        "quantity": quantity,
        "subscription": of,
        "tax_rates": [],
    }


def plan(price: Json) -> Json:
    """The same price as old integrations know it."""
    recurring = price["recurring"] or {}
    return {
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": recurring.get("interval"),
        "interval_count": recurring.get("interval_count"),
        "livemode": price["livemode"],
        "metadata": price["metadata"],
        "meter": None,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def subscription(ident: str, items: list[Json], **about: Any) -> Json:
    created = about["created"]
    return {
        "id": ident,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": created,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": created,
        "currency": items[0]["price"]["currency"],
        "customer": about["customer"],
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": about.get("description"),
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": {"type": "self"},
        },
        "items": listed(items, f"/v1/subscription_items?subscription={ident}"),
        "latest_invoice": None,
        "livemode": about["livemode"],
        "managed_payments": {"enabled": False},
        "metadata": dict(about.get("metadata") or {}),
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": created,
        "status": "incomplete",
        "test_clock": None,
        "transfer_data": None,
        "trial_end": None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": None,
    }


def invoice_line(ident: str, of: str, item: Json, amount: int) -> Json:
    period = {"end": item["current_period_end"], "start": item["current_period_start"]}
    about = {"invoice_item": None, "proration": False, "proration_details": None}
    about |= {"subscription": item["subscription"], "subscription_item": item["id"]}
    price = item["price"]
    priced = {"price": price["id"], "product": price["product"]}
    return {
        "id": ident,
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": f"{item['quantity']} × {price['nickname'] or price['product']}",
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": of,
        "livemode": price["livemode"],
        "metadata": {},
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": about,
            "type": "subscription_item_details",
        },
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": priced,
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": item["subscription"],
        "subtotal": amount,
        "taxes": [],
    }


def dispute(
    ident: str, of: Mapping[str, Any], *, amount: int, created: int, reason: str, livemode: bool
) -> Json:
    card = {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"}
    return {
        "id": ident,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": of["id"],
        "created": created,
        "currency": of["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(NO_EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": created + 14 * 24 * 3600,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": livemode,
        "metadata": {},
        "payment_intent": of["payment_intent"],
        "payment_method_details": {"card": card, "type": "card"},
        "reason": reason,
        "status": "needs_response",
    }
