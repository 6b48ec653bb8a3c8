"""What is missing or wrong before money may come in, in sentences with a next step.

Each check is a function from what it looks at to findings; the command gathers what there is to look at. No
sentence holds a secret: it says that one is set, missing or weak, never what it is. Which stories are looked at says
`meant.py`; what delivery and sales need beyond their keys is in `doctor_delivery.py` and `doctor_sales.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from onpaid.app.meant import DELIVERY, INVOICING, SALES, needs, stories
from onpaid.clock import Instant, as_datetime, iso
from onpaid.domain.reconciliation import Finding as Fault
from onpaid.domain.vat import VatTable
from onpaid.repositories.documented import DYNAMODB, not_written
from onpaid.repositories.documented_tables import TABLES
from onpaid.settings import Settings

WEAKEST_TOKEN: Final = 20
LONGEST_AHEAD: Final = 5 * 60 * 1000
"""How far the newest event may lie in the future, in milliseconds, before the clock is called wrong."""
OLDEST_YEAR: Final = 2025

EVERYWHERE: Final = {
    "ONPAID_ADMIN_TOKEN": "choose a long random one: without it nobody may act in the console or the API",
}
HELPFUL: Final = {
    "ONPAID_VIEWER_TOKEN": "who only looks needs the admin token",
    "ONPAID_SESSION_SECRET": "everybody is logged out of the console at each start",
}
HELPFUL_TO_SALES: Final = {
    "ONPAID_PUBLIC_URL": "links in tickets show the address that the server listens on, and whether Stripe's webhooks "
    "lead here cannot be told",
}
HELPFUL_TO_A_SHOP: Final = {
    "ONPAID_PUBLIC_URL": "links in tickets and of `onpaid login-link` show the address that the server listens on",
    "KONVERZKY_PRICES_INCLUDE_VAT": "an order that does not say itself whether its prices include VAT becomes a ticket",
}
JIRA: Final = ("JIRA_BASE_URL", "JIRA_EMAIL", "JIRA_API_TOKEN", "JIRA_PROJECT")
MAIL: Final = ("SMTP_HOST", "SMTP_FROM")


class Finding(msgspec.Struct, frozen=True):
    """One sentence. `wrong` says that the service would not do its work so."""

    says: str
    wrong: bool = True


def about_settings(settings: Settings, *, live: bool) -> list[Finding]:
    """What is not set, or set to what cannot be meant. `live` says that real money is."""
    meant = stories(settings)
    found = [] if any(meant) else _no_story()
    found += not_set(settings, needs(meant))
    found += not_set(settings, EVERYWHERE)
    found += not_set(settings, HELPFUL, wrong=False)
    found += (
        not_set(settings, HELPFUL_TO_A_SHOP, wrong=False) if meant.invoices and not any(meant[1:]) else []
    )
    found += not_set(settings, HELPFUL_TO_SALES, wrong=False) if meant.sells and not meant.delivers else []
    found += _about_tokens(settings)
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
    return found + _about_telling(settings)


def not_set(settings: Settings, advice: Mapping[str, str], *, wrong: bool = True) -> list[Finding]:
    """A sentence for each of these settings that is missing."""
    return [Finding(f"{name} is not set: {advice[name]}.", wrong) for name in settings.missing(*advice)]


def _no_story() -> list[Finding]:
    """No story is set up: what each would need."""
    return [
        Finding("Nothing is set up to be done: set what one of the three stories needs, or several."),
        Finding(f"Invoices need {', '.join(INVOICING)}: see docs/going-live.md.", wrong=False),
        Finding(f"Delivery needs {', '.join(DELIVERY)}: see docs/checkout.md.", wrong=False),
        Finding(
            f"Sales at Stripe need {', '.join(SALES)}, and JWT_ACCESS_TOKEN_SECRET or BILLING_EVENTS: see "
            "docs/checkout-at-stripe.md.",
            wrong=False,
        ),
    ]


def _about_tokens(settings: Settings) -> list[Finding]:
    admin, viewer = settings["ONPAID_ADMIN_TOKEN"], settings["ONPAID_VIEWER_TOKEN"]
    tokens = {
        name: settings[name] or "" for name in (*EVERYWHERE, "ONPAID_VIEWER_TOKEN", "ONPAID_SESSION_SECRET")
    }
    tokens["ONPAID_LINK_SECRET"] = min(settings["ONPAID_LINK_SECRET"], key=len, default="")
    found = [
        Finding(f"{name} is short: make it at least {WEAKEST_TOKEN} random characters.")
        for name, token in tokens.items()
        if 0 < len(token) < WEAKEST_TOKEN
    ]
    if admin and admin == viewer:
        found.append(Finding("ONPAID_VIEWER_TOKEN is the same as ONPAID_ADMIN_TOKEN: who may look may act."))
    return found


def _about_telling(settings: Settings) -> list[Finding]:
    """Whether Jira and alerts are set up whole, or not at all."""
    found: list[Finding] = []
    missing = settings.missing(*JIRA)
    if missing and len(missing) < len(JIRA):
        says = f"Jira is set up in part, {', '.join(missing)} not: set all of {', '.join(JIRA)}, or none."
        found.append(Finding(says))
    missing = settings.missing(*MAIL)
    if settings["ALERT_EMAIL"] and missing:
        found.append(Finding(f"ALERT_EMAIL is set, and {', '.join(missing)} not: no mail could be sent."))
    if settings["SMTP_HOST"] and not settings["ALERT_EMAIL"]:
        says = "SMTP_HOST is set, and ALERT_EMAIL not: nobody is mailed of critical tickets."
        found.append(Finding(says, wrong=False))
    return found


def about_tables(settings: Settings) -> list[Finding]:
    """Documented tables that are set, and that nothing is written to."""
    if not settings["ONPAID_DATABASE"].startswith(DYNAMODB):
        why = dict.fromkeys(
            (table.variable for table in TABLES if settings[table.variable]), "the database is a file"
        )
    else:
        why = not_written(settings)
    return [
        Finding(f"{name} is set, and nothing is written there: {each}.", wrong=False)
        for name, each in why.items()
    ]


def about_endpoints(found: Iterable[Fault], *, live: bool) -> list[Finding]:
    """What is to be said of the webhook endpoints at Stripe.

    That there is none is no fault while money is played with: Stripe's own command line forwards without one.
    """
    return [Finding(each.sentence, wrong=live or each.kind != "endpoint missing") for each in found]


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
