"""Made-up sessions, subscriptions, invoices, refunds and disputes of Stripe's today's shapes, and what is wanted there."""

from typing import Any

from onpaid.domain.money import Money
from onpaid.domain.prices import Price, Recurring
from onpaid.domain.sessions import CustomerWanted, SessionDraft, User
from onpaid.providers.stripe_sdk import Settings, StripeSdk
from onpaid.providers.stripe_till import StripeTill
from tests.providers.samples import INTENT, SECONDS

KEY = "sk_test_simulated"
USER = User("user-1", "member", "kari@example.org")
WANTED = CustomerWanted(USER)
ONCE = Price("book", "prod_book", "A book", Money(19_900, "NOK"))
MONTHLY = Price(
    "club", "prod_club", "The club", Money(9_900, "NOK"), Recurring("month", 3), tax_included=False
)


def draft(customer: str = "cus_1", price: str = "price_1", **changes: Any) -> SessionDraft:
    """A session as it is asked for."""
    asked: dict[str, Any] = {
        "reference": "ref-1",
        "customer_id": customer,
        "user": USER,
        "price_id": price,
        "recurring": False,
        "success_url": "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cart",
    }
    return SessionDraft(**{**asked, **changes})


def till_at(base: str, **changes: Any) -> StripeTill:
    """A till whose Stripe is there."""
    return StripeTill(StripeSdk(Settings(**{"api_key": KEY, "api_base": base, **changes})))


CUSTOMER_TOLD: dict[str, Any] = {
    "id": "cus_1",
    "object": "customer",
    "email": "kari@example.org",
    "metadata": {"userId": "user-1", "onpaidGeneration": "1"},
}
PRICE_TOLD: dict[str, Any] = {
    "id": "price_1",
    "object": "price",
    "active": True,
    "currency": "nok",
    "product": "prod_book",
    "unit_amount": 19_900,
    "recurring": None,
    "lookup_key": "book",
    "tax_behavior": "inclusive",
    "metadata": {"onpaid_price": "book"},
}
PRODUCT_TOLD: dict[str, Any] = {"id": "prod_book", "object": "product", "name": "A book", "active": True}
SESSION: dict[str, Any] = {
    "id": "cs_test_a1",
    "object": "checkout.session",
    "amount_subtotal": 39_800,
    "amount_total": 39_800,
    "client_reference_id": "ref-1",
    "created": SECONDS - 60,
    "currency": "nok",
    "customer": "cus_1",
    "customer_details": {
        "address": {"country": "no", "city": "Oslo", "line1": None, "line2": None, "postal_code": "0155"},
        "email": "kari@example.org",
        "name": "Kari Nordmann",
        "phone": None,
        "business_name": None,
    },
    "livemode": False,
    "metadata": {"userId": "user-1", "onpaid_reference": "ref-1"},
    "mode": "payment",
    "payment_intent": "pi_1",
    "payment_status": "paid",
    "status": "complete",
    "subscription": None,
    "url": None,
}
LINE: dict[str, Any] = {
    "id": "li_1",
    "object": "item",
    "amount_discount": 0,
    "amount_subtotal": 39_800,
    "amount_tax": 7_960,
    "amount_total": 39_800,
    "currency": "nok",
    "description": "A book",
    "price": PRICE_TOLD,
    "quantity": 2,
}


def item(number: int, **changes: Any) -> dict[str, Any]:
    """One item of a subscription."""
    made = {
        "id": f"si_{number}",
        "object": "subscription_item",
        "price": {"id": f"price_{number}", "product": f"prod_{number}", "lookup_key": None},
        "quantity": number,
        "current_period_end": SECONDS + number * 86_400,
    }
    return {**made, **changes}


SUBSCRIPTION: dict[str, Any] = {
    "id": "sub_1",
    "object": "subscription",
    "status": "active",
    "customer": "cus_1",
    "created": SECONDS - 90,
    "livemode": False,
    "items": {"object": "list", "data": [item(2), item(1)], "has_more": False, "url": "/v1/x"},
    "metadata": {"userId": "user-1"},
    "trial_end": None,
    "cancel_at": SECONDS + 5,
    "cancel_at_period_end": True,
    "canceled_at": SECONDS,
    "ended_at": None,
    "cancellation_details": {"comment": None, "feedback": None, "reason": "cancellation_requested"},
    "pause_collection": None,
}
FAILED_INTENT: dict[str, Any] = {
    **INTENT,
    "amount_received": 0,
    "status": "requires_payment_method",
    "latest_charge": "ch_failed1",
    "metadata": {"userId": "user-1", "onpaid_reference": "ref-1"},
    "last_payment_error": {
        "charge": "ch_failed1",
        "code": "card_declined",
        "decline_code": "insufficient_funds",
        "message": "Your card has insufficient funds.",
        "type": "card_error",
    },
}
INVOICE: dict[str, Any] = {
    "id": "in_1",
    "object": "invoice",
    "amount_due": 9_900,
    "amount_paid": 9_900,
    "attempt_count": 1,
    "billing_reason": "subscription_cycle",
    "currency": "nok",
    "customer": "cus_1",
    "metadata": {},
    "next_payment_attempt": None,
    "number": "F-0001",
    "parent": {
        "type": "subscription_details",
        "quote_details": None,
        "subscription_details": {"subscription": "sub_1", "metadata": {"userId": "user-1"}},
    },
    "status": "paid",
}
BILL: dict[str, Any] = {
    **INVOICE,
    "created": SECONDS - 30,
    "customer_address": {
        "country": "no",
        "city": "Oslo",
        "line1": None,
        "line2": None,
        "postal_code": "0155",
    },
    "customer_email": "kari@example.org",
    "customer_name": "Kari Nordmann",
    "customer_phone": None,
    "livemode": False,
    "shipping_cost": None,
    "total": 9_900,
}
BILL_LINE: dict[str, Any] = {
    "id": "il_1",
    "object": "line_item",
    "amount": 9_900,
    "currency": "nok",
    "description": "1 × The club (at 99.00 NOK / month)",
    "discount_amounts": [],
    "invoice": "in_1",
    "pretax_credit_amounts": [],
    "pricing": {
        "type": "price_details",
        "price_details": {"price": "price_1", "product": "prod_club"},
        "unit_amount_decimal": "9900",
    },
    "quantity": 1,
    "subtotal": 9_900,
    "taxes": [],
}
INVOICE_PAYMENT: dict[str, Any] = {
    "id": "inpay_1",
    "object": "invoice_payment",
    "amount_paid": 9_900,
    "amount_requested": 9_900,
    "currency": "nok",
    "invoice": "in_1",
    "payment": {"type": "payment_intent", "payment_intent": "pi_1"},
    "status": "paid",
}


def listed(*each: dict[str, Any], more: bool = False) -> dict[str, Any]:
    """A page of a list."""
    return {"object": "list", "data": list(each), "has_more": more, "url": "/v1/x"}
