"""The story of invoices, put together: a shop's orders, Stripe's payments, Fiken's invoices."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from onpaid.domain.vat import VatTable
from onpaid.engine.flow import Flow
from onpaid.errors import SettingsError
from onpaid.flows.file_contact import file_contact
from onpaid.flows.invoice_payment import invoice_payment
from onpaid.flows.report_payment_change import report_payment_change
from onpaid.providers import fiken, konverzky, stripe
from onpaid.providers.roles import WebhookSource
from onpaid.settings import Settings

FLOWS: Final[tuple[Flow, ...]] = (invoice_payment, file_contact, report_payment_change)
NEEDS: Final = (
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "KONVERZKY_WEBHOOK_SECRET",
    "FIKEN_API_TOKEN",
    "FIKEN_COMPANY_SLUG",
    "FIKEN_BANK_ACCOUNT_CODE",
    "FIKEN_PAYMENT_ACCOUNT",
)


def wanted(settings: Settings) -> bool:
    """Whether anything says that this story is to be told here."""
    return len(settings.missing(*NEEDS)) < len(NEEDS)


def guests(settings: Settings, *, live: bool) -> dict[str, Any]:
    """Who fulfils the story's roles."""
    return {
        "payment_source": stripe.Stripe(
            stripe.Settings(
                api_key=settings["STRIPE_API_KEY"],
                webhook_secrets=settings["STRIPE_WEBHOOK_SECRET"],
                live=live,
                shop=settings["KONVERZKY_SHOP"],
                order_number_key=settings["STRIPE_ORDER_NUMBER_KEY"],
                api_base=settings["STRIPE_API_BASE"],
            )
        ),
        "invoicing": fiken.Fiken(
            fiken.Settings(
                api_token=settings["FIKEN_API_TOKEN"],
                company_slug=settings["FIKEN_COMPANY_SLUG"],
                bank_account_code=settings["FIKEN_BANK_ACCOUNT_CODE"],
                payment_account=settings["FIKEN_PAYMENT_ACCOUNT"],
                api_base=settings["FIKEN_API_BASE"],
            )
        ),
    }


def shop(settings: Settings, *, live: bool) -> WebhookSource:
    """The shop whose orders come by webhook."""
    return konverzky.Konverzky(
        konverzky.Settings(
            mode=settings["KONVERZKY_AUTH"],
            secrets=settings["KONVERZKY_WEBHOOK_SECRET"],
            shop=settings["KONVERZKY_SHOP"],
            live=live,
        )
    )


def vat_table(settings: Settings) -> VatTable:
    """The VAT table that the operator signed off; an empty one, which refuses every invoice, if there is none."""
    path = settings["INVOICE_VAT_RULES"]
    if path is None:
        return VatTable(rules=(), source="INVOICE_VAT_RULES, which is not set")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"INVOICE_VAT_RULES: {path} cannot be read: {error.strerror}") from None
    return VatTable.from_toml(text, str(path))
