"""The settings of the demo's two processes: what a service that tells all stories is told, all of it simulated.

Accounts are those of the simulators; secrets of webhooks are made anew for each demo, and both processes are told them.
"""

from __future__ import annotations

import importlib.util
import math
import os
import secrets
import socket
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

from onpaid.cli.demo.options import Options
from onpaid.settings import BY_NAME
from onpaid.simulators import Settings

SIMULATED: Final = Settings()
"""The accounts as `onpaid simulate` has them."""
LEAST_SPACING: Final = 7
TOPIC: Final = next(arn for arn in SIMULATED.sns_topics if arn.endswith(".fifo"))
"""Where billing events are published: a topic that keeps their order, so that the ledger can look at it."""
NOBODYS_LOGIN: Final = {
    "AWS_ACCESS_KEY_ID": "simulated",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What boto3 signs with. The simulators look for a signature, and check none."""
NO_SALES: Final = {"JWT_ACCESS_TOKEN_SECRET": ""}
"""Whoever has secrets of tokens tells the story of sales."""
MOST_SESSIONS: Final = 500
"""How many sessions a reconciliation looks at by default: the demo's are to fit into one."""
SLACK: Final = 1.4


def start_of_stock() -> dict[str, int]:
    """How many of each product lie on the shelf when the day begins."""
    return {str(product["id"]): int(product["stock"]) for product in SIMULATED.products}


def common(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What both processes are told: this process's environment without any setting of the user's, and the secrets."""
    base = {
        name: value
        for name, value in environment.items()
        if name not in BY_NAME and not name.startswith("AWS_")
    }
    base.pop("ONPAID_SETTINGS", None)
    return base | {
        "STRIPE_WEBHOOK_SECRET": _two_secrets("whsec_"),
        "KONVERZKY_WEBHOOK_SECRET": _two_secrets(""),
        "RAZORPAY_WEBHOOK_SECRET": _two_secrets(""),
        "SHIPROCKET_WEBHOOK_TOKEN": _two_secrets(""),
        "WHATSAPP_APP_SECRET": _two_secrets(""),
        "WHATSAPP_WEBHOOK_TOKEN": _two_secrets(""),
        "JWT_ACCESS_TOKEN_SECRET": _two_secrets(""),
        "JWT_AUDIENCE": "the demo's service",
        "JWT_ISSUER": "the demo's log-in",
        "PYTHONUNBUFFERED": "1",
    }


def of_service(options: Options, folder: Path, database: Path, bases: Mapping[str, str]) -> dict[str, str]:
    """What only the service is told. Its port is chosen now, since others are told its address before it is there."""
    port = options.port or _free_port()
    return {
        "ONPAID_DATABASE": f"sqlite:///{database}",
        "ONPAID_HOST": "127.0.0.1",
        "ONPAID_PORT": str(port),
        "ONPAID_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "ONPAID_TICKET_LOG": str(folder / "tickets.jsonl"),
        "ONPAID_ENVIRONMENT": "demo",
        "ONPAID_LOG_LEVEL": "warning",
        "ONPAID_TIME_FACTOR": str(options.factor),
        "STRIPE_API_KEY": SIMULATED.stripe_key,
        "STRIPE_API_BASE": bases["stripe"],
        "KONVERZKY_AUTH": "hmac",
        "KONVERZKY_PRICES_INCLUDE_VAT": "true",
        "FIKEN_API_TOKEN": SIMULATED.fiken_token,
        "FIKEN_API_BASE": bases["fiken"],
        "FIKEN_COMPANY_SLUG": SIMULATED.company_slug,
        "FIKEN_BANK_ACCOUNT_CODE": SIMULATED.bank_accounts[0],
        "FIKEN_PAYMENT_ACCOUNT": SIMULATED.bank_accounts[-1],
        "INVOICE_VAT_RULES": str(_signed_vat_table(folder)),
        "RAZORPAY_KEY_ID": SIMULATED.razorpay_key_id,
        "RAZORPAY_KEY_SECRET": SIMULATED.razorpay_key_secret,
        "RAZORPAY_API_BASE": bases["razorpay"],
        # Its customers come all at once, and all from this machine.
        "CHECKOUT_PER_MINUTE": "0",
        "SHIPROCKET_EMAIL": SIMULATED.shiprocket_email,
        "SHIPROCKET_PASSWORD": SIMULATED.shiprocket_password,
        "SHIPROCKET_DRY_RUN": "false",
        "SHIPROCKET_PICKUP_LOCATION": SIMULATED.shiprocket_pickup_locations[0],
        "SHIPROCKET_API_BASE": bases["shiprocket"],
        "JIRA_BASE_URL": bases["jira"],
        "JIRA_EMAIL": SIMULATED.jira_email,
        "JIRA_API_TOKEN": SIMULATED.jira_token,
        "JIRA_PROJECT": SIMULATED.jira_project,
        "SYNC_MAX_SESSIONS": str(max(MOST_SESSIONS, 2 * options.sold)),
        "MESSAGE_SPACING": f"{_spacing(options.factor)}s",
        "WHATSAPP_PROVIDER": options.messenger,
        **_messenger(options.messenger, folder, bases),
        **(of_sales(options, bases) if options.sold else NO_SALES),
    }


def of_sales(options: Options, bases: Mapping[str, str]) -> dict[str, str]:
    """What the service needs to sell at Stripe, and to tell others of it. A topic only where boto3 is installed."""
    told = {
        "BILLING_EVENTS": "true",
        "BILLING_SUBSCRIBERS_PRIVATE": "true",
        "CHECKOUT_RETURN_ORIGINS": SIMULATED.target.return_origin,
        "ORDER_NUMBER_PREFIX": SIMULATED.session_prefix,
    }
    if importlib.util.find_spec("boto3") is None:
        return told
    return told | NOBODYS_LOGIN | {"BILLING_EVENTS_TOPIC_ARN": TOPIC, "SNS_API_BASE": bases["sns"]}


def _messenger(name: str, folder: Path, bases: Mapping[str, str]) -> dict[str, str]:
    """What the service that sends messages needs."""
    if name == "meta":
        return {
            "WHATSAPP_API_KEY": SIMULATED.meta_token,
            "WHATSAPP_SENDER_ID": SIMULATED.meta_phone_number_id,
            "WHATSAPP_VERIFY_TOKEN": secrets.token_urlsafe(24),
            "META_API_BASE": bases["meta"],
        }
    if name == "twilio":
        return {
            "WHATSAPP_API_KEY": SIMULATED.twilio_auth_token,
            "WHATSAPP_ACCOUNT_ID": SIMULATED.twilio_account_sid,
            "WHATSAPP_SENDER_ID": SIMULATED.twilio_from,
            "WHATSAPP_TEMPLATES": str(_twilio_templates(folder)),
            "TWILIO_API_BASE": bases["twilio"],
        }
    if name == "msg91":
        return {
            "WHATSAPP_API_KEY": SIMULATED.msg91_auth_key,
            "WHATSAPP_SENDER_ID": SIMULATED.msg91_number,
            "MSG91_API_BASE": bases["msg91"],
        }
    return {"WHATSAPP_API_KEY": SIMULATED.wati_token, "WATI_API_BASE": bases["wati"]}


def _twilio_templates(folder: Path) -> Path:
    """Twilio knows a template by its SID only, so it needs a table."""
    words = {"awb": "awb", "courierName": "courier", "trackingLink": "track_url", "trackingUrl": "track_url"}
    words |= {
        "orderNumber": "order_number",
        "orderAmount": "order_amount",
        "estimatedDelivery": "estimated_delivery",
    }
    told = []
    for sid, name in SIMULATED.twilio_contents.items():
        pairs = ", ".join(
            f'["{variable}", "{words[variable]}"]' for variable in SIMULATED.whatsapp_templates[name]
        )
        told.append(f'[{name}]\ntemplate = "{sid}"\nlanguage = "en"\nparameters = [{pairs}]\n')
    table = folder / "templates.toml"
    table.write_text("\n".join(told), encoding="utf-8")
    return table


def _spacing(factor: float) -> int:
    """Seconds between two messages to one number. The simulated services' own patience is not compressed."""
    return max(LEAST_SPACING, math.ceil(SIMULATED.pair_interval * SLACK * factor))


def _free_port() -> int:
    """A port that is free now. Whoever takes it in between makes the demo say so, and end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _two_secrets(beginning: str) -> str:
    """A new one and an old one, as during a rotation."""
    return " ".join(beginning + secrets.token_urlsafe(24) for _ in range(2))


def _signed_vat_table(folder: Path) -> Path:
    """The sample table, signed off by the demo: good for nothing but simulated books."""
    sample = resources.files("onpaid.domain").joinpath("vat_sample.toml").read_text(encoding="utf-8")
    signed = sample.replace('signed_off_by = ""', 'signed_off_by = "the demo"')
    table = folder / "vat.toml"
    table.write_text(signed.replace('signed_off_on = ""', 'signed_off_on = "2026-01-01"'), encoding="utf-8")
    return table
