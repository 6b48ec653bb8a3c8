"""Twilio's forms and lists, and the address of a status callback, which ends in our reference."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from onpaid.domain.messages import MessageState, OutMessage
from onpaid.errors import InvalidInput, SettingsError
from onpaid.providers import message_parts as parts
from onpaid.providers.message_refs import encode_ref

LONGEST_CALLBACK: Final = 4000
MOST_FIELDS: Final = 200
STATES: Final[Mapping[str, MessageState]] = {
    "queued": "accepted",
    "accepted": "accepted",
    "scheduled": "accepted",
    "sending": "accepted",
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
}


class Resource(msgspec.Struct):
    """A message as Twilio answers it. The template's id is not in it; `body`, if shown, is its text."""

    sid: str = ""
    status: str = ""
    to: str | None = None
    direction: str | None = None
    body: str | None = None
    error_code: int | None = None
    error_message: str | None = None


class Page(msgspec.Struct):
    """One page of a list, newest first."""

    messages: list[Resource]
    next_page_uri: str | None = None


def checked_callback(address: str, *, needed: bool = True) -> str:
    """The callback's address without a slash at its end; SettingsError if Twilio would not call it."""
    if not address and not needed:
        return ""
    try:
        url = urlsplit(address)
        host, _ = url.hostname or "", url.port
    except ValueError:
        host = ""
    clean = address.isascii() and address.isprintable() and not any(c in address for c in ' \\@?#"<>')
    if not host or "_" in host or not clean or url.scheme not in ("https", "http") or len(address) > 1000:
        raise SettingsError(
            "twilio: the status callback must be the public address of this webhook, such as "
            "https://shop.example/webhooks/twilio (no query, and no underscore in the host)"
        )
    return address.rstrip("/")


def message_form(message: OutMessage, to: str, sender: str, status_callback: str) -> dict[str, str]:
    """The message as Twilio wants it. The variable of a button's address is counted on after the body's."""
    told = parts.values(message)
    if message.url_suffix:
        told.append(parts.cleaned(message.url_suffix))
    form = {
        "To": f"whatsapp:+{to}",
        ("MessagingServiceSid" if sender.startswith("MG") else "From"): sender,
        "ContentSid": message.template,
        "StatusCallback": f"{status_callback}/{encode_ref(message.ref)}",
    }
    if told:
        numbered = {str(number): text for number, text in enumerate(told, 1)}
        form["ContentVariables"] = json.dumps(numbered, ensure_ascii=False)
    return form


def fields_of(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form, all of them, in their order. Raises InvalidInput."""
    try:
        text = body.decode("ascii")
        if not text:
            return []
        return parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise InvalidInput("the body is no form (application/x-www-form-urlencoded)") from None
