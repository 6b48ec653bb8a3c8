"""What is missing or wrong in the story of delivery before customers pay: parcels, messages, webhooks.

As in `doctor.py`, each check is a function from the settings to findings, and no sentence holds a secret.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from onpaid.app.doctor import Finding, not_set
from onpaid.settings import Settings

HELPFUL: Final = {
    "CHECKOUT_ORIGINS": "only pages of this service's own address, and servers, may call the checkout",
    "PARCEL_DEFAULT": "a product without length, breadth, height and weight gets no parcel until it has them",
}
ALERTS: Final = ("ALERT_TOPIC_ARN", "ALERT_EMAIL", "ALERT_WEBHOOK_URL")

MESSAGING: Final[dict[str, dict[str, str]]] = {
    "none": {},
    "meta": {
        "WHATSAPP_API_KEY": "it is the access token of a system user that may send for the number",
        "WHATSAPP_SENDER_ID": "it is the phone number's id at Meta, and not the number",
    },
    "twilio": {
        "WHATSAPP_API_KEY": "it is the account's auth token",
        "WHATSAPP_ACCOUNT_ID": "it is the account's SID (AC...)",
        "WHATSAPP_SENDER_ID": "it looks like whatsapp:+14155238886, or is a messaging service (MG...)",
        "ONPAID_PUBLIC_URL": "Twilio is told with each message where to send its statuses",
    },
    "msg91": {
        "WHATSAPP_API_KEY": "it is the auth key",
        "WHATSAPP_SENDER_ID": "it is the integrated number, digits with the country's code",
    },
    "wati": {
        "WHATSAPP_API_KEY": "it is the access token",
        "WATI_API_BASE": "it is your tenant's address, such as https://live-mt-server.wati.io/12345",
    },
}
"""What each message service cannot do without."""
STATUSES: Final[dict[str, dict[str, str]]] = {
    "meta": {
        "WHATSAPP_APP_SECRET": "it is the app's secret: without it every status of a message is refused",
        "WHATSAPP_VERIFY_TOKEN": "choose a random one: Meta shows it when it confirms the webhook's address",
    },
    "msg91": {
        "WHATSAPP_WEBHOOK_TOKEN": "choose a random one, the end of the webhook's path: reports are refused now"
    },
    "wati": {
        "WHATSAPP_WEBHOOK_TOKEN": "choose a random one, the end of the webhook's path: events are refused now"
    },
}
"""What the statuses of messages need, which settle lost answers."""

REAL_COURIER: Final = "https://apiv2.shiprocket.in"
DISLIKED: Final = ("shiprocket", "kartrocket", "sr", "kr")
"""Shiprocket's panel takes no webhook whose address holds one of these anywhere."""
RAZORPAY_EVENTS: Final = "payment.captured, order.paid, payment.failed, refund.processed and refund.failed"


def about_delivery(settings: Settings, *, live: bool) -> list[Finding]:
    """Everything about the story of delivery but its keys. `live` says that real money is meant."""
    found = not_set(settings, HELPFUL, wrong=False)
    key = settings["RAZORPAY_KEY_ID"] or ""
    if key and not key.startswith(("rzp_test_", "rzp_live_")):
        found.append(Finding("RAZORPAY_KEY_ID looks like rzp_test_... or rzp_live_...: is it the secret?"))
    if len(settings.missing(*ALERTS)) == len(ALERTS):
        says = f"None of {', '.join(ALERTS)} is set: nobody is woken by a critical ticket."
        found.append(Finding(says, wrong=False))
    return [
        *found,
        *about_parcels(settings, live=live),
        *about_messages(settings),
        *about_addresses(settings, live=live),
    ]


def about_parcels(settings: Settings, *, live: bool) -> list[Finding]:
    """Whether parcels are booked, and only where that is meant."""
    found: list[Finding] = []
    dry_run = settings["SHIPROCKET_DRY_RUN"]
    missing = settings.missing("SHIPROCKET_EMAIL", "SHIPROCKET_PASSWORD")
    named = settings["SHIPROCKET_SECRET_NAME"]
    if dry_run:
        says = "SHIPROCKET_DRY_RUN is true: parcels are only logged."
        found.append(Finding(says, wrong=False))
    if dry_run and live:
        says = "RAZORPAY_KEY_ID is live: customers pay and get no parcel. Set SHIPROCKET_DRY_RUN to false."
        found.append(Finding(says))
    if not dry_run and not live and settings["SHIPROCKET_API_BASE"] == REAL_COURIER:
        says = "SHIPROCKET_DRY_RUN is false and RAZORPAY_KEY_ID a test key: test orders book real parcels."
        found.append(Finding(says, wrong=False))
    if missing:
        says = f"{' and '.join(missing)} not set: make an API user in Shiprocket, under API"
        found.append(Finding(says + (", before you go live." if dry_run else "."), wrong=not dry_run))
    if missing and named and not settings["USE_AWS_SECRETS"]:
        says = "SHIPROCKET_SECRET_NAME is only looked at where USE_AWS_SECRETS is true."
        found.append(Finding(says, wrong=not dry_run))
    if not settings["SHIPROCKET_WEBHOOK_TOKEN"]:
        says = "SHIPROCKET_WEBHOOK_TOKEN is not set: tracking webhooks are refused, parcels only asked about."
        found.append(Finding(says, wrong=not dry_run))
    if settings["SHIPROCKET_PICKUP_TIME"]:
        says = "SHIPROCKET_PICKUP_TIME has no effect: Shiprocket takes no time of day for a pickup. Unset it."
        found.append(Finding(says, wrong=False))
    return found


def about_messages(settings: Settings) -> list[Finding]:
    """Whether customers are told, and whether we hear what became of it."""
    service = settings["WHATSAPP_PROVIDER"]
    if service == "none":
        more = " WHATSAPP_API_KEY is set: whose is it?" if settings["WHATSAPP_API_KEY"] else ""
        return [Finding(f"WHATSAPP_PROVIDER is none: messages are only logged.{more}", wrong=False)]
    found = not_set(settings, MESSAGING[service]) + not_set(settings, STATUSES.get(service, {}))
    if service == "twilio" and settings["WHATSAPP_TEMPLATES"] is None:
        says = "WHATSAPP_TEMPLATES is not set: Twilio's templates are named by SID (HX...) in that table."
        found.append(Finding(says))
    return found


def about_addresses(settings: Settings, *, live: bool) -> list[Finding]:
    """What is to be entered where, and whether it would be taken there."""
    url = (settings["ONPAID_PUBLIC_URL"] or "").rstrip("/")
    service = settings["WHATSAPP_PROVIDER"]
    if not url:
        here = f"http://{settings['ONPAID_HOST']}:{settings['ONPAID_PORT']}"
        wrong = service != "none"
        found = [
            Finding(f"ONPAID_PUBLIC_URL is not set: customers' links would lead to {here}.", wrong=wrong)
        ]
        url = "<ONPAID_PUBLIC_URL>"
    else:
        found = _about_url(url, live=live)
    enter = {
        "Razorpay, with the webhook's secret": f"{url}/webhooks/razorpay, for {RAZORPAY_EVENTS}",
        "Shiprocket, with SHIPROCKET_WEBHOOK_TOKEN as its token": f"{url}/webhooks/tracking",
        **_of_messages(service, url),
    }
    return found + [Finding(f"Enter at {where}: {what}.", wrong=False) for where, what in enter.items()]


def _of_messages(service: str, url: str) -> dict[str, str]:
    if service == "meta":
        return {"Meta, with WHATSAPP_VERIFY_TOKEN": f"{url}/webhooks/whatsapp, for messages"}
    if service in ("msg91", "wati"):
        name = {"msg91": "MSG91", "wati": "WATI"}[service]
        events = " (the events that end in _v2)" if service == "wati" else ""
        return {name: f"{url}/webhooks/{service}/<WHATSAPP_WEBHOOK_TOKEN>{events}"}
    return {}


def _about_url(url: str, *, live: bool) -> list[Finding]:
    found: list[Finding] = []
    host = urlsplit(url).hostname or ""
    if not url.startswith("https://"):
        found.append(Finding(f"ONPAID_PUBLIC_URL is {url}: Razorpay and Meta only call https.", wrong=live))
    if "razorpay" in host:
        found.append(Finding(f"Razorpay calls no host whose name holds “razorpay”: {host}."))
    disliked = [word for word in DISLIKED if word in url.lower()]
    if disliked:
        says = f"Shiprocket takes no webhook whose address holds “{disliked[0]}”, and {url} does: "
        found.append(Finding(f"{says}until it has another name, parcels are only asked about.", wrong=False))
    return found
