"""What `onpaid simulate` needs beside the simulators: where their webhooks go, what they sell, how to use them."""

from __future__ import annotations

import csv
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from onpaid.app import prices_file, products_file
from onpaid.domain.money import Money
from onpaid.errors import NotPossible
from onpaid.settings import Settings as Ours
from onpaid.simulators import Served, Settings, Target
from onpaid.simulators.price_list import PRICES


def target_of(ours: Ours, base: str | None) -> Target:
    """Where webhooks go, signed with the secrets that the service is set up with, where it is."""
    address = base or f"http://{ours['ONPAID_HOST']}:{ours['ONPAID_PORT']}"
    to = Target(base=address.rstrip("/"), konverzky_auth=ours["KONVERZKY_AUTH"])
    path_token = next(iter(ours["WHATSAPP_WEBHOOK_TOKEN"]), None)
    return replace(
        to,
        stripe_secrets=ours["STRIPE_WEBHOOK_SECRET"] or to.stripe_secrets,
        konverzky_secrets=ours["KONVERZKY_WEBHOOK_SECRET"] or to.konverzky_secrets,
        razorpay_secrets=ours["RAZORPAY_WEBHOOK_SECRET"] or to.razorpay_secrets,
        tracking_token=next(iter(ours["SHIPROCKET_WEBHOOK_TOKEN"]), to.tracking_token),
        meta_app_secret=next(iter(ours["WHATSAPP_APP_SECRET"]), to.meta_app_secret),
        msg91_path=f"/webhooks/msg91/{path_token}" if path_token else to.msg91_path,
        wati_path=f"/webhooks/wati/{path_token}" if path_token else to.wati_path,
        jwt_secret=next(iter(ours["JWT_ACCESS_TOKEN_SECRET"]), to.jwt_secret),
        jwt_audience=ours["JWT_AUDIENCE"] or "",
        jwt_issuer=ours["JWT_ISSUER"] or "",
        return_origin=next(iter(ours["CHECKOUT_RETURN_ORIGINS"]), to.return_origin),
    )


def write_products(file: Path, settings: Settings) -> None:
    """Write what the simulated Indian shop sells as a table that can be imported. Raises NotPossible."""
    names = products_file.NAMES
    rows = []
    for product in settings.products:
        sizes = dict(zip(("length", "breadth", "height"), product["dims"], strict=False))
        price = f"{Money(product['price'], 'INR').to_decimal():f}"
        given = {name: product[name] for name in names if name in product}
        rows.append(given | {"price": price, "currency": "INR"} | sizes)
    _write_table(file, names, rows)


def write_prices(file: Path) -> None:
    """Write what the played day sells at Stripe as a table that can be imported. Raises NotPossible."""
    rows = [
        {
            "id": sold.ident,
            "product": sold.product,
            "product_name": sold.name,
            "amount": f"{Money(sold.amount, sold.currency).to_decimal():f}",
            "currency": sold.currency,
            "interval": sold.interval,
            "tax_percent": "25",
        }
        for sold in PRICES
    ]
    _write_table(file, prices_file.NAMES, rows)


def _write_table(file: Path, names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> None:
    try:
        with file.open("w", encoding="utf-8", newline="") as written:
            table = csv.DictWriter(written, names, restval="")
            table.writeheader()
            table.writerows(rows)
    except OSError as error:
        raise NotPossible(f"{file} cannot be written: {error.strerror}") from None


def for_invoices(served: Served, settings: Settings) -> dict[str, str]:
    """What a service that makes invoices has to be told. A secret of the reader's own settings is left empty."""
    to, simulated = settings.target, Target()
    return {
        "STRIPE_API_BASE": served.stripe_base,
        "STRIPE_API_KEY": settings.stripe_key,
        "STRIPE_WEBHOOK_SECRET": _unless_set(to.stripe_secrets[0], simulated.stripe_secrets[0]),
        "KONVERZKY_WEBHOOK_SECRET": _unless_set(to.konverzky_secrets[0], simulated.konverzky_secrets[0]),
        "KONVERZKY_PRICES_INCLUDE_VAT": "true",
        "FIKEN_API_BASE": served.fiken_base,
        "FIKEN_API_TOKEN": settings.fiken_token,
        "FIKEN_COMPANY_SLUG": settings.company_slug,
        "FIKEN_BANK_ACCOUNT_CODE": settings.bank_accounts[0],
        "FIKEN_PAYMENT_ACCOUNT": settings.bank_accounts[-1],
    }


def for_sales(settings: Settings) -> dict[str, str]:
    """What a service that sells at Stripe has to be told beside Stripe's keys. An own secret is left empty."""
    to, simulated = settings.target, Target()
    return {
        "JWT_ACCESS_TOKEN_SECRET": _unless_set(to.jwt_secret, simulated.jwt_secret),
        "CHECKOUT_RETURN_ORIGINS": to.return_origin,
        "BILLING_EVENTS": "true",
        "BILLING_SUBSCRIBERS_PRIVATE": "true",
    }


def for_delivery(served: Served, settings: Settings) -> dict[str, str]:
    """What a service that delivers has to be told. A secret of the reader's own settings is left empty."""
    to, simulated = settings.target, Target()
    return {
        "RAZORPAY_API_BASE": served.razorpay_base,
        "RAZORPAY_KEY_ID": settings.razorpay_key_id,
        "RAZORPAY_KEY_SECRET": settings.razorpay_key_secret,
        "RAZORPAY_WEBHOOK_SECRET": _unless_set(to.razorpay_secrets[0], simulated.razorpay_secrets[0]),
        "SHIPROCKET_API_BASE": served.shiprocket_base,
        "SHIPROCKET_DRY_RUN": "false",
        "SHIPROCKET_EMAIL": settings.shiprocket_email,
        "SHIPROCKET_PASSWORD": settings.shiprocket_password,
        "SHIPROCKET_WEBHOOK_TOKEN": _unless_set(to.tracking_token, simulated.tracking_token),
        "WHATSAPP_PROVIDER": "meta",
        "META_API_BASE": served.meta_base,
        "WHATSAPP_API_KEY": settings.meta_token,
        "WHATSAPP_SENDER_ID": settings.meta_phone_number_id,
        "WHATSAPP_APP_SECRET": _unless_set(to.meta_app_secret, simulated.meta_app_secret),
        "JIRA_BASE_URL": served.jira_base,
        "JIRA_EMAIL": settings.jira_email,
        "JIRA_API_TOKEN": settings.jira_token,
        "JIRA_PROJECT": settings.jira_project,
    }


def _unless_set(given: str, default: str) -> str:
    return given if given == default else ""


def write_settings(file: Path, served: Served, settings: Settings) -> None:
    """Write all that a service beside the simulators needs to tell every story, tokens for the console made up.

    The VAT table goes beside it, signed by us: good for nothing but simulated books. Raises NotPossible, also if one
    of the files is there already: it could be somebody's own.
    """
    vat = file.with_suffix(".vat.toml")
    wanted = {
        "ONPAID_DATABASE": "sqlite:///trial.db",
        "ONPAID_TICKET_LOG": "trial-tickets.jsonl",
        "ONPAID_ENVIRONMENT": "trial",
        "ONPAID_PUBLIC_URL": settings.target.base,
        "COMPANY_TIME_ZONE": "Asia/Kolkata",
        **for_invoices(served, settings),
        "INVOICE_VAT_RULES": str(vat.absolute()),
        **for_sales(settings),
        **for_delivery(served, settings),
    }
    made_up = ("ONPAID_ADMIN_TOKEN", "ONPAID_VIEWER_TOKEN", "ONPAID_SESSION_SECRET", "WHATSAPP_VERIFY_TOKEN")
    wanted |= {name: secrets.token_urlsafe(24) for name in made_up}
    at = urlsplit(settings.target.base)
    if at.hostname in ("127.0.0.1", "localhost") and at.port:
        wanted["ONPAID_PORT"] = str(at.port)
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in wanted.items() if value)
    sample = resources.files("onpaid.domain").joinpath("vat_sample.toml").read_text(encoding="utf-8")
    signed = sample.replace('signed_off_by = ""', 'signed_off_by = "onpaid simulate"')
    _write_new(file, text)
    _write_new(vat, signed.replace('signed_off_on = ""', 'signed_off_on = "2026-01-01"'))


def _write_new(file: Path, text: str) -> None:
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(text)
    except FileExistsError:
        raise NotPossible(f"{file} is there already: remove it, or leave --write-settings out") from None
    except OSError as error:
        raise NotPossible(f"{file} cannot be written: {error.strerror}") from None


def how_to_use(
    served: Served,
    settings: Settings,
    *,
    written: Path | None = None,
    products: Path | None = None,
    prices: Path | None = None,
) -> str:
    """What to set, and what to ask for. A secret of the reader's own settings is not repeated."""
    base, to = served.base, settings.target
    if written is None:
        told = _what_to_set(served, settings)
    else:
        here = f"onpaid --settings {written}"
        told = f"""Invoices, delivery and sales at Stripe: all of it is in {written}. In another terminal:
  {here} products import {products or "PRODUCTS"}
  {here} catalogue import {prices or "PRICES"}
  {here} serve
  {here} login-link"""
    return f"""The shops and the services are simulated at {base}; webhooks go to {to.base}.
Faults: {settings.faults}. Seed: {settings.seed}.

{told}

Then play a day, or buy something at {base}/checkout, and look at what really happened:
  curl -X POST {base}/_play -d '{{"orders": 20, "parcels": 20, "sessions": 10, "subscriptions": 5}}'
  curl {base}/_ledger
  curl -X PUT {base}/_faults -d '{{"faults": "all", "seed": 7}}'

Ctrl-C ends them; they remember nothing.
"""


def _what_to_set(served: Served, settings: Settings) -> str:
    """The settings of each story, one a line."""
    stories = {
        "For invoices, point a service at them (webhook secrets must be the same for both processes):": for_invoices(
            served, settings
        ),
        "For sales at Stripe, Stripe's three from above, and:": for_sales(settings),
        "For delivery:": for_delivery(served, settings),
    }
    told = ""
    for title, pairs in stories.items():
        lines = "".join(f"  {name}={value or '<as it is set>'}\n" for name, value in pairs.items())
        told += f"{title}\n{lines}\n"
    return f"""{told}And ONPAID_ADMIN_TOKEN, ONPAID_SESSION_SECRET: long random ones of your own, for the console.
--write-settings FILE writes all of this down; --products FILE and --prices FILE what to import."""
