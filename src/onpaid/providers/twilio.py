"""Twilio, for WhatsApp templates. https://www.twilio.com/docs/whatsapp

What it is: it sends content templates; 201 says queued, and whether it arrived comes by status callback
(`twilio_webhook.py`), to an address of its own for each message.
How a thing is found again: by the status callback, whose address holds our reference. Else by the list of
messages to the number, where our reference is in no field: a message counts as ours only if it is the one
and only that says all that ours says, and if no other step has claimed it.
Its limits: a few messages a second for a sender; variables are counted, and go as a JSON text in a form.
How it signs: its callbacks, see there; we show account SID and auth token.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

from onpaid.acts import Finding, Unsure, act
from onpaid.clock import Clock, SystemClock, as_datetime
from onpaid.domain.messages import OutMessage, Sent
from onpaid.errors import Doubtful, ProviderError, SettingsError, Unauthorised
from onpaid.providers import http, twilio_errors
from onpaid.providers import message_parts as parts
from onpaid.providers import twilio_wire as wire
from onpaid.providers.masking import masked
from onpaid.providers.message_parts import LANE, LANES, TIMEOUT
from onpaid.providers.roles_delivery import Heard

PAGE: Final = 100
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_VERSION: Final = "2010-04-01"
_CONTENT = re.compile(r"HX[0-9a-fA-F]{32}", re.ASCII)


@dataclass(frozen=True)
class Settings:
    """`sender` is `whatsapp:+14155238886`, or a messaging service's SID (MG...); `status_callback` is the
    public address of our webhook, to which each message's reference is added."""

    account_sid: str = ""
    auth_token: str = field(default="", repr=False)
    sender: str = ""
    status_callback: str = ""
    api_base: str = "https://api.twilio.com"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", self.account_sid, re.ASCII):
            raise SettingsError("twilio: the account SID looks like AC and 32 hexadecimal digits")
        if not self.auth_token:
            raise SettingsError("twilio: the auth token is missing; it is in Twilio's console beside the SID")
        if not re.fullmatch(r"whatsapp:\+\d{7,15}|MG[0-9a-fA-F]{32}", self.sender, re.ASCII):
            raise SettingsError(
                "twilio: the sender looks like whatsapp:+14155238886, or is a messaging service's SID"
            )
        wire.checked_callback(self.status_callback)


class Twilio:
    """A Messaging."""

    name = "twilio"
    lanes = LANES

    def __init__(self, settings: Settings, heard: Heard, clock: Clock | None = None) -> None:
        self.settings = settings
        self._heard = heard
        self._clock = clock or SystemClock()
        key = b64encode(f"{settings.account_sid}:{settings.auth_token}".encode()).decode()
        self._http = http.Http(
            "Twilio",
            settings.api_base,
            headers={"Authorization": f"Basic {key}"},
            explain=twilio_errors.explain,
            timeout=TIMEOUT.total_seconds(),
        )
        self._list = (_VERSION, "Accounts", settings.account_sid, "Messages.json")
        self._callback = wire.checked_callback(settings.status_callback)

    @act(lane=LANE, timeout=TIMEOUT, settles=None, claim=parts.claim_of)
    async def send_message(self, message: OutMessage) -> Sent:
        """Send it. Sending again would tell the customer twice."""
        to = parts.digits(message)
        if not to:
            return parts.unreachable(self.name, message, parts.NO_NUMBER)
        if not _CONTENT.fullmatch(message.template):
            raise Unauthorised(
                f"Twilio: {masked(message.template)[:60]!r} is no content template, so nothing was sent. "
                "To do: put the template's SID (HX...) into our table of templates; then resume the lane."
            )
        form = wire.message_form(message, to, self.settings.sender, self._callback)
        url = "/".join((self._http.base, *self._list))
        private = [*parts.private_words(message), self.settings.auth_token]
        answer = await self._http.exchange("POST", url, FORM, urlencode(form).encode(), private)
        reason = twilio_errors.unreachable_reason(answer)
        if reason is not None:
            return parts.unreachable(self.name, message, reason)
        made = self._http.settled(answer).read(wire.Resource)
        if not made.sid:
            raise Doubtful(f"{answer.asked}, and named no message", answered=True)
        return _sent(made)

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """What a status has told; else the one message to this number of late that says what ours says."""
        told = await parts.from_status(self._heard, message, self.name)
        if told is not None:
            return told
        to = f"whatsapp:+{parts.digits(message)}"
        since = as_datetime(self._clock.now()) - parts.LOOK_BACK
        answer = await self._http.get(
            *self._list,
            params={"To": to, "DateSent>": since.date().isoformat(), "PageSize": PAGE},
            private=[*parts.private_words(message), self.settings.auth_token],
        )
        page = answer.read(wire.Page)
        if page.next_page_uri or any(one.to != to for one in page.messages):
            return Unsure(
                f"{parts.NOTHING_HEARD}, and Twilio's list is incomplete, or holds strangers' messages"
            )
        ours = [one for one in page.messages if one.sid and (one.direction or "").startswith("outbound")]
        return parts.the_one("Twilio", [_sent(one) for one in ours if parts.says(one.body, message)])

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._http.get(*self._list, params={"PageSize": 1}, private=[self.settings.auth_token])
        except ProviderError as bad:
            return [str(bad)]
        return []

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()


def _sent(one: wire.Resource) -> Sent:
    state, reason = wire.STATES.get(one.status, "accepted"), ""
    if state == "failed":
        code = str(one.error_code or "")
        state, reason = twilio_errors.failure(code, masked(f"{code} {one.error_message or ''}"))
    return Sent("twilio", one.sid, state, reason)
