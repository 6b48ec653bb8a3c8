"""The shapes of what is sold at Stripe: products, prices, Checkout Sessions and their lines, in 2026-10-28.endive.

Only shapes: what may be in them, and when they change, is decided in `stripe_catalogue.py` and `stripe_sessions.py`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from onpaid.simulators.kit import Json

NO_ONE = {"business_name": None, "individual_name": None}


def product(ident: str, given: Mapping[str, Any], *, created: int, livemode: bool) -> Json:
    return {
        "id": ident,
        "object": "product",
        "active": True,
        "created": created,
        "default_price": None,
        "description": given.get("description"),
        "images": list(given.get("images") or []),
        "livemode": livemode,
        "marketing_features": list(given.get("marketing_features") or []),
        "metadata": {},
        "name": given["name"],
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": given.get("statement_descriptor"),
        "tax_code": given.get("tax_code"),
        "type": given.get("type") or "service",
        "unit_label": given.get("unit_label"),
        "updated": created,
        "url": given.get("url"),
    }


def price(
    ident: str, given: Mapping[str, Any], *, amount: Decimal, recurring: Json | None, **about: Any
) -> Json:
    """`amount` is in minor units; one with a fraction is told as a decimal only."""
    is_whole = amount == amount.to_integral_value()
    return {
        "id": ident,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": about["created"],
        "currency": str(given["currency"]).lower(),
        "custom_unit_amount": None,
        "livemode": about["livemode"],
        "lookup_key": None,
        "metadata": {},
        "nickname": given.get("nickname"),
        "product": about["product"],
        "recurring": recurring,
        "tax_behavior": given.get("tax_behavior") or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time" if recurring is None else "recurring",
        "unit_amount": int(amount) if is_whole else None,
        "unit_amount_decimal": str(int(amount)) if is_whole else f"{amount.normalize():f}",
    }


def recurrence(interval: str, count: int) -> Json:
    return {
        "interval": interval,
        "interval_count": count,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def line(ident: str, of: Json, *, name: str, quantity: int, amount: int, metadata: Json) -> Json:
    """A session's line. No tax, no discount: the simulated account charges neither."""
    return {
        "id": ident,
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": of["currency"],
        "description": name,
        "metadata": metadata,
        "price": dict(of),
        "quantity": quantity,
    }


def details(who: Mapping[str, Any]) -> Json:
    """Who buys, as a session tells it."""
    return {
        "address": who.get("address"),
        **NO_ONE,
        "email": who.get("email"),
        "name": who.get("name"),
        "phone": who.get("phone"),
        "tax_exempt": "none",
        "tax_ids": None,
    }


def session(ident: str, given: Mapping[str, Any], **about: Any) -> Json:
    """An open session that nobody has paid. `about` has what Stripe works out itself."""
    total, mode = about["total"], str(given["mode"])
    who: Mapping[str, Any] | None = about["who"]
    return {
        "id": ident,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": given.get("allow_promotion_codes"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": given.get("billing_address_collection"),
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": about["created"],
        "currency": about["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(
            ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
        ),
        "customer": given.get("customer"),
        "customer_account": None,
        "customer_creation": about["customer_creation"],
        "customer_details": details(who) if who else None,
        "customer_email": given.get("customer_email"),
        "discounts": [],
        "expires_at": about["expires_at"],
        "integration_identifier": given.get("integration_identifier"),
        "invoice": None,
        "invoice_creation": about["invoice_creation"],
        "livemode": about["livemode"],
        "locale": given.get("locale"),
        "managed_payments": {"enabled": False},
        "metadata": about["metadata"],
        "mode": mode,
        "origin_context": given.get("origin_context"),
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if mode == "subscription" else "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": given.get("submit_type"),
        "subscription": None,
        "success_url": given.get("success_url"),
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": given.get("ui_mode") or "hosted_page",
        "url": about["url"],
        "wallet_options": None,
    }
