"""What `onpaid simulate` needs beside the simulators: where their webhooks go, what they sell, how to use them."""

from __future__ import annotations

import csv
import json
import os
import secrets
from dataclasses import replace
from pathlib import Path

from onpaid.app.products_file import NAMES
from onpaid.domain.money import Money
from onpaid.errors import NotPossible
from onpaid.settings import Settings as Ours
from onpaid.simulators import Served, Settings, Target


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
    )


def write_products(file: Path, settings: Settings) -> None:
    """Write what the simulated Indian shop sells as a table that can be imported. Raises NotPossible."""
    try:
        with file.open("w", encoding="utf-8", newline="") as written:
            table = csv.DictWriter(written, NAMES, restval="")
            table.writeheader()
            for product in settings.products:
                sizes = dict(zip(("length", "breadth", "height"), product["dims"], strict=False))
                table.writerow(
                    {name: product[name] for name in NAMES if name in product}
                    | {"price": f"{Money(product['price'], 'INR').to_decimal():f}", "currency": "INR"}
                    | sizes
                )
    except OSError as error:
        raise NotPossible(f"{file} cannot be written: {error.strerror}") from None


def for_delivery(served: Served, settings: Settings) -> dict[str, str]:
    """What a service that delivers has to be told. A secret of the reader's own settings is left empty."""
    to, simulated = settings.target, Target()

    def unless_set(given: str, default: str) -> str:
        return given if given == default else ""

    return {
        "RAZORPAY_API_BASE": served.razorpay_base,
        "RAZORPAY_KEY_ID": settings.razorpay_key_id,
        "RAZORPAY_KEY_SECRET": settings.razorpay_key_secret,
        "RAZORPAY_WEBHOOK_SECRET": unless_set(to.razorpay_secrets[0], simulated.razorpay_secrets[0]),
        "SHIPROCKET_API_BASE": served.shiprocket_base,
        "SHIPROCKET_DRY_RUN": "false",
        "SHIPROCKET_EMAIL": settings.shiprocket_email,
        "SHIPROCKET_PASSWORD": settings.shiprocket_password,
        "SHIPROCKET_WEBHOOK_TOKEN": unless_set(to.tracking_token, simulated.tracking_token),
        "WHATSAPP_PROVIDER": "meta",
        "META_API_BASE": served.meta_base,
        "WHATSAPP_API_KEY": settings.meta_token,
        "WHATSAPP_SENDER_ID": settings.meta_phone_number_id,
        "WHATSAPP_APP_SECRET": unless_set(to.meta_app_secret, simulated.meta_app_secret),
        "JIRA_BASE_URL": served.jira_base,
        "JIRA_EMAIL": settings.jira_email,
        "JIRA_API_TOKEN": settings.jira_token,
        "JIRA_PROJECT": settings.jira_project,
    }


def write_settings(file: Path, served: Served, settings: Settings) -> None:
    """Write all that a service beside the simulators needs to deliver, tokens for the console made up on the spot.

    Raises NotPossible, also if the file is there already: it could be somebody's own.
    """
    wanted = {
        "ONPAID_DATABASE": "sqlite:///trial.db",
        "ONPAID_TICKET_LOG": "trial-tickets.jsonl",
        "ONPAID_ENVIRONMENT": "trial",
        "ONPAID_PUBLIC_URL": settings.target.base,
        "COMPANY_TIME_ZONE": "Asia/Kolkata",
        **for_delivery(served, settings),
    }
    made_up = ("ONPAID_ADMIN_TOKEN", "ONPAID_VIEWER_TOKEN", "ONPAID_SESSION_SECRET", "WHATSAPP_VERIFY_TOKEN")
    wanted |= {name: secrets.token_urlsafe(24) for name in made_up}
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in wanted.items() if value)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(text)
    except FileExistsError:
        raise NotPossible(f"{file} is there already: remove it, or leave --write-settings out") from None
    except OSError as error:
        raise NotPossible(f"{file} cannot be written: {error.strerror}") from None


def how_to_use(
    served: Served, settings: Settings, *, written: Path | None = None, products: Path | None = None
) -> str:
    """What to set, and what to ask for. A secret of the reader's own settings is not repeated."""
    base, to, simulated = served.base, settings.target, Target()

    def shown(given: str, default: str) -> str:
        return given if given == default else "<as it is set>"

    stripe = shown(to.stripe_secrets[0], simulated.stripe_secrets[0])
    shop = shown(to.konverzky_secrets[0], simulated.konverzky_secrets[0])
    if written is None:
        delivery = (
            "For delivery (--write-settings FILE keeps this for you, --products FILE what to import first):\n"
        )
        pairs = [
            f"{name}={value or '<as it is set>'}" for name, value in for_delivery(served, settings).items()
        ]
        delivery += "".join(f"  {pair}\n" for pair in pairs)
        delivery += (
            "  and ONPAID_ADMIN_TOKEN, ONPAID_SESSION_SECRET: long random ones of your own, for the console"
        )
    else:
        here = f"onpaid --settings {written}"
        delivery = f"""For delivery, all of it is in {written}. In another terminal:
  {here} products import {products or "PRODUCTS"}
  {here} serve
  {here} login-link"""
    return f"""The shops and the services are simulated at {base}; webhooks go to {to.base}.
Faults: {settings.faults}. Seed: {settings.seed}.

For invoices, point a service at them (webhook secrets must be the same for both processes):
  STRIPE_API_BASE={served.stripe_base}  STRIPE_API_KEY={settings.stripe_key}
  STRIPE_WEBHOOK_SECRET={stripe}  KONVERZKY_WEBHOOK_SECRET={shop}
  FIKEN_API_BASE={served.fiken_base}  FIKEN_API_TOKEN={settings.fiken_token}
  FIKEN_COMPANY_SLUG={settings.company_slug}  FIKEN_BANK_ACCOUNT_CODE={settings.bank_accounts[0]}
  FIKEN_PAYMENT_ACCOUNT={settings.bank_accounts[-1]}  KONVERZKY_PRICES_INCLUDE_VAT=true

{delivery}

Then play a day, or buy something at {base}/checkout, and look at what really happened:
  curl -X POST {base}/_play -d '{{"orders": 20, "parcels": 20}}'
  curl {base}/_ledger
  curl -X PUT {base}/_faults -d '{{"faults": "all", "seed": 7}}'

Ctrl-C ends them; they remember nothing.
"""
