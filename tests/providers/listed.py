"""Every webhook source and every provider, for the suites that go over all of them. A new one is added here."""

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from onpaid.providers import (
    alert_mail,
    alert_topic,
    alert_webhook,
    billing_topic,
    billing_webhook,
    dry_run,
    fiken,
    jira,
    konverzky,
    message_log,
    meta,
    meta_webhook,
    msg91,
    msg91_webhook,
    razorpay,
    roles,
    roles_billing,
    roles_delivery,
    shiprocket,
    shiprocket_webhook,
    stripe,
    stripe_sdk,
    stripe_till,
    ticket_log,
    twilio,
    twilio_webhook,
    wati,
    wati_webhook,
)
from onpaid.providers.message_refs import encode_ref
from onpaid.providers.signatures import Signer
from tests.providers import till
from tests.providers.message_samples import (
    CALLBACK,
    MESSAGE,
    TWILIO_MESSAGE,
    make_meta,
    make_msg91,
    make_twilio,
    make_wati,
)
from tests.providers.parcels import PARCEL, HandClock, logged_in
from tests.providers.parcels import settings as shiprocket_settings
from tests.providers.sales_samples import SESSION
from tests.providers.sales_samples import draft as session_draft
from tests.providers.samples import NOW, ORDER, SECONDS, draft, event
from tests.providers.scripted import Reply
from tests.providers.test_fiken import settings as fiken_settings
from tests.providers.test_message_webhooks import change, delivery, form, status, twilio_signature
from tests.providers.test_shiprocket_webhook import PUSH
from tests.providers.test_ticket_log import TICKET

TOKEN = "Jq3vV0yXwT7pLr2NnK5sHd8f"
REF = encode_ref(MESSAGE.ref)

Proof = tuple[dict[str, str], str | None]
"""Headers, and the last segment of the path."""


@dataclass(frozen=True)
class Source:
    """A WebhookSource, a body of its own, one that means nothing to us, and how its sender proves itself."""

    source: roles.WebhookSource
    body: bytes
    other_type: bytes
    prove: Callable[[bytes], Proof]


def _signing(name: str) -> Callable[[bytes], Proof]:
    return lambda body: ({name: Signer((TOKEN,)).header(body, NOW)}, None)


def _plain(name: str, scheme: str = "") -> Callable[[bytes], Proof]:
    return lambda body: ({name: scheme + hmac.digest(TOKEN.encode(), body, "sha256").hex()}, None)


def _shop(mode: Any, prove: Callable[[bytes], Proof]) -> Source:
    other = json.dumps({"webhook_type": "cart_abandoned"}).encode()
    source = konverzky.Konverzky(konverzky.Settings(mode, (TOKEN,)))
    return Source(source, json.dumps(ORDER).encode(), other, prove)


def _twilio_proof(body: bytes) -> Proof:
    fields = dict(
        pair.split("=", 1) for pair in body.decode().replace("%3A", ":").replace("%2B", "+").split("&")
    )
    return {"x-twilio-signature": twilio_signature(f"{CALLBACK}/{REF}", fields, TOKEN)}, REF


MSG91_BODY = {"requestId": "0a1b2c3d", "CRQID": MESSAGE.ref, "status": "delivered", "direction": "outbound"}
WATI_BODY = {"eventType": "sentMessageDELIVERED_v2", "localMessageId": "loc-1", "timestamp": str(SECONDS)}

SOURCES: dict[str, Source] = {
    "stripe": Source(
        stripe.Stripe(stripe.Settings(webhook_secrets=(TOKEN,))),
        event(),
        event("customer.updated", {}),
        _signing("stripe-signature"),
    ),
    "stripe with billing": Source(
        stripe.Stripe(stripe.Settings(webhook_secrets=(TOKEN,), billing=True)),
        event("checkout.session.async_payment_succeeded", SESSION),
        event("customer.updated", {}),
        _signing("stripe-signature"),
    ),
    "konverzky by hmac": _shop("hmac", _signing("x-onpaid-signature")),
    "konverzky by header": _shop("header", lambda _: ({"x-onpaid-secret": TOKEN}, None)),
    "konverzky by path": _shop("path", lambda _: ({}, TOKEN)),
    "razorpay": Source(
        razorpay.Razorpay(razorpay.Settings(webhook_secrets=(TOKEN,))),
        till.body(),
        till.body("payment.authorized"),
        _plain("x-razorpay-signature"),
    ),
    "tracking": Source(
        shiprocket_webhook.ShiprocketTracking(shiprocket.Settings(webhook_tokens=(TOKEN,))),
        json.dumps(PUSH).encode(),
        json.dumps({"message": "a trial"}).encode(),
        lambda _: ({"x-api-key": TOKEN}, None),
    ),
    "meta": Source(
        meta_webhook.MetaWebhooks(meta_webhook.Settings((TOKEN,))),
        delivery(change(statuses=[status()])),
        delivery(change(messages=[{"from": "919876543210"}])),
        _plain("x-hub-signature-256", "sha256="),
    ),
    "twilio": Source(
        twilio_webhook.TwilioWebhooks(twilio_webhook.Settings((TOKEN,), (), CALLBACK)),
        form(),
        form("received"),
        _twilio_proof,
    ),
    "msg91": Source(
        msg91_webhook.Msg91Webhooks(msg91_webhook.Settings((TOKEN,))),
        json.dumps(MSG91_BODY).encode(),
        json.dumps({**MSG91_BODY, "direction": "inbound"}).encode(),
        lambda _: ({}, TOKEN),
    ),
    "wati": Source(
        wati_webhook.WatiWebhooks(wati_webhook.Settings((TOKEN,))),
        json.dumps(WATI_BODY).encode(),
        json.dumps({"eventType": "message", "text": "hello"}).encode(),
        lambda _: ({}, TOKEN),
    ),
}
PROVIDERS: dict[Any, tuple[Any, ...]] = {
    stripe.Stripe: (roles.WebhookSource, roles.PaymentSource),
    stripe_till.StripeTill: (roles_billing.Till, roles_billing.Subscriptions),
    konverzky.Konverzky: (roles.WebhookSource,),
    fiken.Fiken: (roles.Invoicing,),
    ticket_log.TicketLog: (roles.Ticketing,),
    ticket_log.TicketLines: (roles.Ticketing,),
    razorpay.Razorpay: (roles.WebhookSource, roles_delivery.Checkouts),
    shiprocket.Shiprocket: (roles_delivery.Shipping,),
    dry_run.DryRunShipping: (roles_delivery.Shipping,),
    shiprocket_webhook.ShiprocketTracking: (roles.WebhookSource,),
    meta.Meta: (roles_delivery.Messaging,),
    meta_webhook.MetaWebhooks: (roles.WebhookSource,),
    twilio.Twilio: (roles_delivery.Messaging,),
    twilio_webhook.TwilioWebhooks: (roles.WebhookSource,),
    msg91.Msg91: (roles_delivery.Messaging,),
    msg91_webhook.Msg91Webhooks: (roles.WebhookSource,),
    wati.Wati: (roles_delivery.Messaging,),
    wati_webhook.WatiWebhooks: (roles.WebhookSource,),
    message_log.MessageLog: (roles_delivery.Messaging,),
    jira.Jira: (roles_delivery.Tracker,),
    alert_webhook.AlertWebhook: (roles_delivery.Alerting,),
    alert_mail.AlertMail: (roles_delivery.Alerting,),
    alert_topic.AlertTopic: (roles_delivery.Alerting,),
    billing_topic.BillingTopic: (roles_billing.Topic,),
    billing_topic.NoTopic: (roles_billing.Topic,),
    billing_webhook.SubscriberDoors: (roles_billing.SubscriberDoors,),
}
READS = ("fetch_", "find_", "count_", "track", "issue_is_open", "alert")
READS += ("publish", "deliver", "prices_of", "archive_price", "session_lines", "sessions_created")
"""How the names of methods begin that may be repeated. An alert or a billing event is told twice rather than never."""


@dataclass(frozen=True)
class Trial:
    """A write of a provider over HTTP. `before` are the answers that it needs first."""

    make: Callable[[str], Any]
    call: Callable[[Any], Any]
    before: tuple[Reply, ...] = ()


TRIALS: dict[str, Trial] = {
    "stripe": Trial(
        lambda base: stripe.Stripe(stripe.Settings(api_key="sk_test_x", api_base=base)),
        lambda made: made.fetch_customer("cus_1"),
    ),
    "stripe till": Trial(
        lambda base: stripe_till.StripeTill(
            stripe_sdk.StripeSdk(stripe_sdk.Settings(api_key="sk_test_x", api_base=base))
        ),
        lambda made: made.create_session(session_draft()),
    ),
    "fiken": Trial(
        lambda base: fiken.Fiken(fiken_settings(base)), lambda made: made.create_invoice(draft(7))
    ),
    "razorpay": Trial(
        lambda base: razorpay.Razorpay(razorpay.Settings("rzp_test_1", "secret", api_base=base)),
        lambda made: made.create_checkout(till.WANTED),
    ),
    "shiprocket": Trial(
        lambda base: shiprocket.Shiprocket(shiprocket_settings(base), HandClock()),
        lambda made: made.create_order(PARCEL),
        (logged_in(),),
    ),
    "meta": Trial(make_meta, lambda made: made.send_message(MESSAGE)),
    "twilio": Trial(make_twilio, lambda made: made.send_message(TWILIO_MESSAGE)),
    "msg91": Trial(make_msg91, lambda made: made.send_message(MESSAGE)),
    "wati": Trial(make_wati, lambda made: made.send_message(MESSAGE)),
    "jira": Trial(
        lambda base: jira.Jira(jira.Settings(base, "ops@example.org", "token", "OPS")),
        lambda made: made.create_issue(TICKET),
    ),
    "alert by webhook": Trial(
        lambda base: alert_webhook.AlertWebhook(alert_webhook.Settings(url=f"{base}/hook")),
        lambda made: made.alert(TICKET),
    ),
}
