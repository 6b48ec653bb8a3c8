"""Who sends messages: one of four services, or a log; with the webhook source that tells what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from onpaid.clock import Clock
from onpaid.errors import SettingsError
from onpaid.providers import (
    meta,
    meta_webhook,
    msg91,
    msg91_webhook,
    twilio,
    twilio_webhook,
    wati,
    wati_webhook,
)
from onpaid.providers.message_log import MessageLog
from onpaid.providers.roles import WebhookSource
from onpaid.providers.roles_delivery import Heard, Messaging
from onpaid.settings import Settings

NEEDS: Mapping[str, tuple[str, ...]] = {
    "none": (),
    "meta": ("WHATSAPP_API_KEY", "WHATSAPP_SENDER_ID"),
    "twilio": ("WHATSAPP_API_KEY", "WHATSAPP_ACCOUNT_ID", "WHATSAPP_SENDER_ID", "ONPAID_PUBLIC_URL"),
    "msg91": ("WHATSAPP_API_KEY", "WHATSAPP_SENDER_ID"),
    "wati": ("WHATSAPP_API_KEY", "WATI_API_BASE"),
}
Handshake = Callable[[Mapping[str, str]], str | None]


def messaging(settings: Settings, heard: Heard, clock: Clock) -> Messaging:
    """The service that WHATSAPP_PROVIDER names. Raises SettingsError for what it lacks."""
    name = settings["WHATSAPP_PROVIDER"]
    missing = settings.missing(*NEEDS[name])
    if missing:
        raise SettingsError(f"WHATSAPP_PROVIDER is {name}, and {', '.join(missing)} not set")
    key, sender = settings["WHATSAPP_API_KEY"] or "", settings["WHATSAPP_SENDER_ID"] or ""
    if name == "meta":
        version, base = settings["WHATSAPP_API_VERSION"], settings["META_API_BASE"]
        return meta.Meta(meta.Settings(key, sender, version, base), heard)
    if name == "twilio":
        account, base = settings["WHATSAPP_ACCOUNT_ID"], settings["TWILIO_API_BASE"]
        return twilio.Twilio(twilio.Settings(account, key, sender, _callback(settings), base), heard, clock)
    if name == "msg91":
        namespace, base = settings["WHATSAPP_NAMESPACE"] or "", settings["MSG91_API_BASE"]
        return msg91.Msg91(msg91.Settings(key, sender, namespace, base), heard)
    if name == "wati":
        return wati.Wati(wati.Settings(key, settings["WATI_API_BASE"]), heard, clock)
    return MessageLog()


def statuses(settings: Settings, *, live: bool) -> tuple[list[WebhookSource], dict[str, Handshake]]:
    """The source of the service's statuses, if there is one, and how it makes sure that our address is ours."""
    name = settings["WHATSAPP_PROVIDER"]
    sender = settings["WHATSAPP_SENDER_ID"] or ""
    tokens = settings["WHATSAPP_WEBHOOK_TOKEN"]
    if name == "meta":
        secrets, verify = settings["WHATSAPP_APP_SECRET"], settings["WHATSAPP_VERIFY_TOKEN"]
        source = meta_webhook.MetaWebhooks(meta_webhook.Settings(secrets, verify, sender, live))
        return [source], {source.name: partial(meta_webhook.handshake, verify_tokens=verify)}
    if name == "twilio":
        given = twilio_webhook.Settings(
            auth_tokens=(settings["WHATSAPP_API_KEY"],),
            shared_keys=settings["WHATSAPP_APP_SECRET"],
            status_callback=_callback(settings),
            account_sid=settings["WHATSAPP_ACCOUNT_ID"],
            live=live,
        )
        return [twilio_webhook.TwilioWebhooks(given)], {}
    if name == "msg91":
        return [msg91_webhook.Msg91Webhooks(msg91_webhook.Settings(tokens, sender, live))], {}
    if name == "wati":
        tenant = settings["WATI_API_BASE"].rstrip("/").rpartition("/")[2]
        return [wati_webhook.WatiWebhooks(wati_webhook.Settings(tokens, tenant, live))], {}
    return [], {}


def _callback(settings: Settings) -> str:
    return f"{(settings['ONPAID_PUBLIC_URL'] or '').rstrip('/')}/webhooks/twilio"
