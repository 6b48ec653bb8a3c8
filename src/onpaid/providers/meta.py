"""Meta's WhatsApp Cloud API. https://developers.facebook.com/docs/whatsapp/cloud-api

What it is: it sends approved templates; 200 says accepted, and whether it arrived comes by webhook
(`meta_webhook.py`).
How a thing is found again: not by asking. Our reference goes along as `biz_opaque_callback_data` and comes
back in each status, so a status settles a lost answer; silence proves nothing.
Its limits: 80 messages a second for a number, one in six seconds to one person; templates only, variables in
order.
How it signs: its webhooks, see there; we show a bearer token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onpaid.acts import Finding, Unsure, act
from onpaid.domain.messages import OutMessage, Sent
from onpaid.errors import Doubtful, ProviderError, SettingsError
from onpaid.providers import http, meta_errors
from onpaid.providers import message_parts as parts
from onpaid.providers.message_parts import LANE, LANES, TIMEOUT
from onpaid.providers.roles_delivery import Heard


@dataclass(frozen=True)
class Settings:
    """`phone_number_id` is Meta's id of the sending number, neither the number nor the account's id."""

    access_token: str = field(default="", repr=False)
    phone_number_id: str = ""
    version: str = "v23.0"
    api_base: str = "https://graph.facebook.com"

    def __post_init__(self) -> None:
        if not self.access_token:
            raise SettingsError(
                "meta: the access token is missing; make one for a system user in Business Settings"
            )
        if not re.fullmatch(r"\d{5,20}", self.phone_number_id, re.ASCII):
            raise SettingsError(
                "meta: the phone number id is the long number from WhatsApp Manager, digits only"
            )
        if not re.fullmatch(r"v\d{1,3}\.\d", self.version, re.ASCII):
            raise SettingsError("meta: the version looks like v23.0")


class _Message(msgspec.Struct):
    id: str
    message_status: str = "accepted"


class _Accepted(msgspec.Struct):
    messages: list[_Message] = []


class Meta:
    """A Messaging."""

    name = "meta"
    lanes = LANES

    def __init__(self, settings: Settings, heard: Heard) -> None:
        self.settings = settings
        self._heard = heard
        self._http = http.Http(
            "Meta",
            settings.api_base,
            headers={"Authorization": f"Bearer {settings.access_token}"},
            explain=meta_errors.explain,
            timeout=TIMEOUT.total_seconds(),
        )
        self._path = f"{settings.version}/{settings.phone_number_id}/messages"

    @act(lane=LANE, timeout=TIMEOUT, settles=None)
    async def send_message(self, message: OutMessage) -> Sent:
        """Send it. Sending again would tell the customer twice."""
        to = parts.digits(message)
        if not to:
            return parts.unreachable(self.name, message, parts.NO_NUMBER)
        body = message_body(message, to)
        answer = await parts.post_json(self._http, self._path, body, parts.private_words(message))
        reason = meta_errors.unreachable_reason(answer)
        if reason is not None:
            return parts.unreachable(self.name, message, reason)
        bad = meta_errors.explain(answer)
        if bad is not None:
            raise bad
        said = self._http.settled(answer).read(_Accepted).messages
        if not said or not said[0].id:
            raise Doubtful(f"{answer.asked}, and named no message", answered=True)
        held = said[0].message_status
        return Sent(self.name, said[0].id, reason="" if held == "accepted" else f"Meta holds it: {held[:60]}")

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """What a status has told; Meta itself cannot be asked."""
        return await parts.from_status(self._heard, message, self.name) or Unsure(parts.NOTHING_HEARD)

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._http.get(
                self.settings.version, self.settings.phone_number_id, params={"fields": "id"}
            )
        except ProviderError as bad:
            return [str(bad)]
        return []

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()


def message_body(message: OutMessage, to: str) -> dict[str, Any]:
    """The message as Meta wants it: variables in order, and no component that would be empty."""
    components: list[dict[str, Any]] = []
    if message.parameters:
        texts = [{"type": "text", "text": value} for value in parts.values(message)]
        components.append({"type": "body", "parameters": texts})
    if message.url_suffix:
        suffix = {"type": "text", "text": parts.cleaned(message.url_suffix)}
        components.append({"type": "button", "sub_type": "url", "index": "0", "parameters": [suffix]})
    template: dict[str, Any] = {"name": message.template, "language": {"code": message.language}}
    if components:
        template["components"] = components
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to,
        "type": "template",
        "template": template,
        "biz_opaque_callback_data": message.ref,
    }
