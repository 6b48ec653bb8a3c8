"""Which stories are meant by what is set, and what each of them needs before it can be told.

A story is looked at if anything of it is set. Stripe's two keys say nothing by themselves: alone they mean invoices,
beside sales at Stripe they are those of sales, and invoices are meant where something of the accounts is set too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from onpaid.settings import Settings

STRIPE: Final = {
    "STRIPE_API_KEY": "in Stripe, under Developers, make a restricted key that may read charges, PaymentIntents, customers and balance",
    "STRIPE_WEBHOOK_SECRET": "in Stripe, add the endpoint <this service>/webhooks/stripe and take its signing secret",
}
SHOP: Final = {
    "KONVERZKY_WEBHOOK_SECRET": "choose a long random one, and give it to the shop together with the webhook's address",
}
ACCOUNTS: Final = {
    "FIKEN_API_TOKEN": "in Fiken, under API, make a personal token",
    "FIKEN_COMPANY_SLUG": "it is the part of Fiken's address behind /foretak/",
    "FIKEN_BANK_ACCOUNT_CODE": "the account printed on invoices; it looks like 1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "the account that card money is booked to; it looks like 1920:10002",
}
INVOICING: Final = {**STRIPE, **SHOP, **ACCOUNTS}
SALES: Final = {
    "STRIPE_API_KEY": "in Stripe, under Developers, make a restricted key that may also write customers, products, prices and Checkout sessions",
    "STRIPE_WEBHOOK_SECRET": STRIPE["STRIPE_WEBHOOK_SECRET"],
}
DELIVERY: Final = {
    "RAZORPAY_KEY_ID": "in Razorpay, under API keys, make a key; it looks like rzp_test_... or rzp_live_...",
    "RAZORPAY_KEY_SECRET": "Razorpay shows it once, when the key is made",
    "RAZORPAY_WEBHOOK_SECRET": "choose a long random one, and enter it in Razorpay with the webhook's address",
}
SIGNS_OF_DELIVERY: Final = (
    *DELIVERY,
    "RAZORPAY_SECRET_NAME",
    "CHECKOUT_ORIGINS",
    "SHIPROCKET_EMAIL",
    "SHIPROCKET_PASSWORD",
    "SHIPROCKET_SECRET_NAME",
    "SHIPROCKET_CHANNEL_ID",
    "SHIPROCKET_WEBHOOK_TOKEN",
    "PARCEL_DEFAULT",
    "WHATSAPP_API_KEY",
)
"""Whoever sets one of these means the story of delivery. CHECKOUT_ORIGINS is of sales too, where they are meant."""
SIGNS_OF_SALES: Final = (
    "JWT_ACCESS_TOKEN_SECRET",
    "JWT_JWKS",
    "CHECKOUT_RETURN_ORIGINS",
    "BILLING_EVENTS_TOPIC_ARN",
)
"""Whoever sets one of these, or BILLING_EVENTS, means sales at Stripe."""


class Stories(NamedTuple):
    """Which stories are meant."""

    invoices: bool
    delivers: bool
    sells: bool


def stories(settings: Settings) -> Stories:
    """Which stories are meant by what is set."""
    sold = sells(settings)
    of_invoices = {**SHOP, **ACCOUNTS} if sold else INVOICING
    of_delivery = [name for name in SIGNS_OF_DELIVERY if not (sold and name == "CHECKOUT_ORIGINS")]
    delivers = len(settings.missing(*of_delivery)) < len(of_delivery)
    return Stories(
        len(settings.missing(*of_invoices)) < len(of_invoices),
        delivers or settings["WHATSAPP_PROVIDER"] != "none",
        sold,
    )


def sells(settings: Settings) -> bool:
    """Whether anything says that sales at Stripe are to be told here."""
    return bool(settings["BILLING_EVENTS"]) or len(settings.missing(*SIGNS_OF_SALES)) < len(SIGNS_OF_SALES)


def needs(meant: Stories) -> dict[str, str]:
    """What has to be set for these stories, each with where it comes from."""
    needed: dict[str, str] = {}
    if meant.sells:
        # No shop is needed where orders come from sessions.
        needed |= SALES
        needed |= ACCOUNTS if meant.invoices else {}
    elif meant.invoices:
        needed |= INVOICING
    return needed | (DELIVERY if meant.delivers else {})
