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

ACCOUNTS: Final[tuple[str, ...]] = tuple(name for name in NEEDS if name != "KONVERZKY_WEBHOOK_SECRET")
"""What is needed where sales at Stripe are invoiced, and no shop sends orders."""


def wanted(settings: Settings, *, beside_sales: bool = False) -> bool:
    """Whether anything says that this story is to be told here. Beside sales, Stripe's keys alone say nothing of it."""
    signs = [name for name in NEEDS if not (beside_sales and name.startswith("STRIPE_"))]
    return len(settings.missing(*signs)) < len(signs)


def guests(settings: Settings, *, live: bool, sells: bool = False) -> dict[str, Any]:
    """Who fulfils the story's roles. `sells`: billing events follow from what Stripe tells, too."""
    return {
        "payment_source": stripe.Stripe(
            stripe.Settings(
                api_key=settings["STRIPE_API_KEY"],
                webhook_secrets=settings["STRIPE_WEBHOOK_SECRET"],
                live=live,
                shop=settings["KONVERZKY_SHOP"],
                order_number_key=settings["STRIPE_ORDER_NUMBER_KEY"],
                api_base=settings["STRIPE_API_BASE"],
                billing=sells,
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


def shops(settings: Settings, *, live: bool) -> list[WebhookSource]:
    """The shop whose orders come by webhook, if there is one."""
    if not settings["KONVERZKY_WEBHOOK_SECRET"]:
        return []
    return [
        konverzky.Konverzky(
            konverzky.Settings(
                mode=settings["KONVERZKY_AUTH"],
                secrets=settings["KONVERZKY_WEBHOOK_SECRET"],
                shop=settings["KONVERZKY_SHOP"],
                live=live,
            )
        )
    ]


def vat_table(settings: Settings) -> VatTable:
    """The VAT table that the operator signed off; an empty one, which refuses every invoice, if there is none."""
    path = settings["INVOICE_VAT_RULES"]
    if path is None:
        return VatTable(rules=(), source="")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"INVOICE_VAT_RULES: {path} cannot be read: {error.strerror}") from None
    return VatTable.from_toml(text, str(path))
