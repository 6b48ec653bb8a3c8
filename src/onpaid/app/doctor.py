"""What is missing or wrong before money may come in, in sentences with a next step.

Each check is a function from what it looks at to findings; the command gathers what there is to look at. No sentence
holds a secret: it says that one is set, missing or weak, never what it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from onpaid.clock import Instant, as_datetime, iso
from onpaid.domain.vat import VatTable
from onpaid.settings import Settings

WEAKEST_TOKEN: Final = 20
LONGEST_AHEAD: Final = 5 * 60 * 1000
"""How far the newest event may lie in the future, in milliseconds, before the clock is called wrong."""
OLDEST_YEAR: Final = 2025

NEEDED: Final = {
    "STRIPE_API_KEY": "in Stripe, under Developers, make a restricted key that may read charges, PaymentIntents, customers and balance",
    "STRIPE_WEBHOOK_SECRET": "in Stripe, add the endpoint <this service>/webhooks/stripe and take its signing secret",
    "KONVERZKY_WEBHOOK_SECRET": "choose a long random one, and give it to the shop together with the webhook's address",
    "FIKEN_API_TOKEN": "in Fiken, under API, make a personal token",
    "FIKEN_COMPANY_SLUG": "it is the part of Fiken's address behind /foretak/",
    "FIKEN_BANK_ACCOUNT_CODE": "the account printed on invoices; it looks like 1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "the account that card money is booked to; it looks like 1920:10002",
    "ONPAID_ADMIN_TOKEN": "choose a long random one: without it nobody may act in the console or the API",
}
HELPFUL: Final = {
    "ONPAID_VIEWER_TOKEN": "who only looks needs the admin token",
    "ONPAID_SESSION_SECRET": "everybody is logged out of the console at each start",
    "ONPAID_PUBLIC_URL": "links in tickets and of `onpaid login-link` show the address that the server listens on",
    "KONVERZKY_PRICES_INCLUDE_VAT": "an order that does not say itself whether its prices include VAT becomes a ticket",
}


class Finding(msgspec.Struct, frozen=True):
    """One sentence. `wrong` says that the service would not do its work so."""

    says: str
    wrong: bool = True


def about_settings(settings: Settings, *, live: bool) -> list[Finding]:
    """What is not set, or set to what cannot be meant. `live` says that real money is."""
    found = [
        Finding(f"{name} is not set: {advice}.") for name, advice in NEEDED.items() if settings.missing(name)
    ]
    found += [
        Finding(f"{name} is not set: {effect}.", wrong=False)
        for name, effect in HELPFUL.items()
        if settings.missing(name)
    ]
    admin, viewer = settings["ONPAID_ADMIN_TOKEN"], settings["ONPAID_VIEWER_TOKEN"]
    found += [
        Finding(f"{name} is short: make it at least {WEAKEST_TOKEN} random characters.")
        for name in ("ONPAID_ADMIN_TOKEN", "ONPAID_VIEWER_TOKEN", "ONPAID_SESSION_SECRET")
        if settings[name] and len(settings[name]) < WEAKEST_TOKEN
    ]
    if admin and admin == viewer:
        found.append(Finding("ONPAID_VIEWER_TOKEN is the same as ONPAID_ADMIN_TOKEN: who may look may act."))
    if settings["ONPAID_TIME_FACTOR"] != 1:
        says = "ONPAID_TIME_FACTOR is not 1: quiet periods are too short for real providers. Unset it."
        found.append(Finding(says, wrong=live))
    if settings["ONPAID_LIFT_LANES"]:
        says = "ONPAID_LIFT_LANES is on: a real Fiken bans who calls it too often. Unset it."
        found.append(Finding(says, wrong=live))
    if settings["ONPAID_HOST"] not in ("127.0.0.1", "::1", "localhost"):
        found.append(
            Finding(
                "ONPAID_HOST is reachable from other machines: put a proxy with TLS before it, tokens go over this "
                "connection.",
                wrong=False,
            )
        )
    return found


def about_vat(table: VatTable) -> list[Finding]:
    """Whether there is a VAT table, and somebody vouches for it."""
    if not table.rules:
        return [
            Finding(
                "INVOICE_VAT_RULES is not set, so nothing is invoiced: copy domain/vat_sample.toml, go through it "
                "with your accountant, sign it off, and name the file here."
            )
        ]
    if not table.signed:
        return [
            Finding(
                f"{table.source} is not signed off, so nothing is invoiced: fill in signed_off_by and signed_off_on "
                "once somebody vouches for every line."
            )
        ]
    return [
        Finding(
            f"The VAT table has {len(table.rules)} rules, signed off by {table.signed_off_by} on "
            f"{table.signed_off_on}.",
            wrong=False,
        )
    ]


def about_clock(now: Instant, newest_event: Instant | None) -> list[Finding]:
    """Whether the machine's clock can be right: signatures are only believed within five minutes."""
    if as_datetime(now).year < OLDEST_YEAR:
        return [Finding(f"The clock says {iso(now)}: set it, and let it be set by NTP.")]
    if newest_event is not None and newest_event > now + LONGEST_AHEAD:
        return [
            Finding(
                f"The clock says {iso(now)}, and the newest event was received at {iso(newest_event)}: the clock went "
                "back. Set it, and let it be set by NTP."
            )
        ]
    return []


def about_provider(sentences: Iterable[str]) -> list[Finding]:
    """What a provider says of our access to it."""
    return [Finding(sentence, wrong="(a warning)" not in sentence) for sentence in sentences]
