"""WATI, for WhatsApp templates. https://docs.wati.io

What it is: it sends approved templates; its answer names a `localMessageId`, and whether it arrived comes by
webhook (`wati_webhook.py`), under that id.
How a thing is found again: our reference goes along as `broadcast_name`, but WATI's documented webhooks do
not repeat it. So a lost answer is looked for in the list of what was said to the number: a message counts as
ours only if it is the one and only that says all that ours says, and if no other step has claimed it.
Its limits: 30, 60 or 100 calls in ten seconds, by plan. Variables go by name, and a name that the template
does not have degrades silently, so names in our table have to be the template's. A button's address has the
variable `url_suffix`. A refusal comes as HTTP 200 with `result: false`.
How it signs: it does not; its webhook's address holds a secret. We show a bearer token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from onpaid.acts import Finding, Unsure, act
from onpaid.clock import Clock, SystemClock
from onpaid.domain.messages import MessageState, OutMessage, Sent
from onpaid.errors import Doubtful, ProviderError, SettingsError, Unauthorised, Unavailable
from onpaid.providers import http
from onpaid.providers import message_parts as parts
from onpaid.providers.answers import Answer, retry_after
from onpaid.providers.masking import masked
from onpaid.providers.message_parts import LANE, LANES, TIMEOUT
from onpaid.providers.message_statuses import failed, moment
from onpaid.providers.roles_delivery import Heard

PATH: Final = "api/v2/sendTemplateMessage"
SUFFIX: Final = "url_suffix"
PAGE: Final = 100
TEMPLATE: Final = "broadcastMessage"
"""What the list calls a template message."""
NOT_THERE: Final = "WATI takes the number for one that is not on WhatsApp"
_STATES: Final[Mapping[str, MessageState]] = {"sent": "sent", "delivered": "delivered", "read": "read"}
_SET_UP = "compare WATI's panel (token, plan, balance, template, names of its variables) with our settings"


@dataclass(frozen=True)
class Settings:
    """`api_base` is the tenant's own address, as WATI's panel shows it under API."""

    token: str = field(default="", repr=False)
    api_base: str = ""

    def __post_init__(self) -> None:
        if not self.token:
            raise SettingsError("wati: the access token is missing; WATI's panel shows it under API")
        if not self.api_base:
            raise SettingsError(
                "wati: the base address is missing; it looks like https://live-mt-server.wati.io/12345"
            )


class _Receiver(msgspec.Struct, rename="camel"):
    local_message_id: str | None = None
    is_valid_whats_app_number: bool | None = None
    errors: Any = None


class _Answer(msgspec.Struct):
    result: bool | None = None
    error: Any = None
    info: Any = None
    message: Any = None
    receivers: list[_Receiver] | None = None


class _Item(msgspec.Struct, rename="camel"):
    """One thing said, as the list tells it."""

    event_type: str = ""
    final_text: str | None = None
    created: str | None = None
    local_message_id: str | None = None
    id: str | None = None
    status_string: str | None = None
    failed_detail: str | None = None


class _Items(msgspec.Struct):
    items: list[_Item] = []


class _Said(msgspec.Struct):
    messages: _Items


class Wati:
    """A Messaging."""

    name = "wati"
    lanes = LANES

    def __init__(self, settings: Settings, heard: Heard, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock or SystemClock()
        self._heard = heard
        self._http = http.Http(
            "WATI",
            settings.api_base,
            headers={"Authorization": f"Bearer {settings.token.removeprefix('Bearer ')}"},
            explain=explain,
            timeout=TIMEOUT.total_seconds(),
        )

    @act(lane=LANE, timeout=TIMEOUT, settles=None, claim=parts.claim_of)
    async def send_message(self, message: OutMessage) -> Sent:
        """Send it. Sending again would tell the customer twice."""
        to = parts.digits(message)
        if not to:
            return parts.unreachable(self.name, message, parts.NO_NUMBER)
        path = f"{PATH}?{urlencode({'whatsappNumber': to})}"
        answer = await parts.post_json(self._http, path, message_body(message), parts.private_words(message))
        said = self._read(answer)
        receiver = (said.receivers or [_Receiver()])[0]
        told = parts.words_of(said.error, said.info, said.message, receiver.errors)
        yes = said.result is True and answer.status != 400
        if receiver.is_valid_whats_app_number is False or (not yes and parts.kind_of(told) == "unreachable"):
            return parts.unreachable(self.name, message, NOT_THERE)
        if said.result is None and answer.status != 400:
            raise Doubtful(f"{answer.asked}, and does not say with what result", answered=True)
        if not yes:
            raise parts.refusal(answer, told, _SET_UP)
        if receiver.errors or said.error:
            raise Doubtful(f"{answer.asked}, with a yes and an error at once", answered=True)
        if not receiver.local_message_id:
            raise Doubtful(f"{answer.asked}, and named no message", answered=True)
        return Sent(self.name, receiver.local_message_id)

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """What a status has told; else the one message to this number of late that says what ours says."""
        told = await parts.from_status(self._heard, message, self.name)
        if told is not None:
            return told
        answer = await self._http.get(
            *("api", "v1", "getMessages", parts.digits(message)),
            params={"pageSize": PAGE, "pageNumber": 1},
            private=parts.private_words(message),
        )
        since = self._clock.now() - round(parts.LOOK_BACK.total_seconds() * 1000)
        listed = answer.read(_Said).messages.items
        recent = [one for one in listed if (moment(one.created or "") or 0) >= since]
        if len(recent) == len(listed) == PAGE:
            return Unsure(f"{parts.NOTHING_HEARD}, and WATI's list is longer than can be looked through")
        alike = [one for one in recent if one.event_type == TEMPLATE and parts.says(one.final_text, message)]
        return parts.the_one("WATI", [_sent(one) for one in alike if one.local_message_id or one.id])

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        try:
            await self._http.get("api", "v1", "getMessageTemplates", params={"pageSize": 1})
        except ProviderError as bad:
            return [str(bad)]
        return []

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    def _read(self, answer: Answer) -> _Answer:
        """What was answered; a 400 says it as a 200 does, and is a no even where it cannot be read."""
        self._http.settled(answer, accept=(400,))
        try:
            return answer.read(_Answer)
        except Doubtful:
            self._http.settled(answer)
            raise


def explain(answer: Answer) -> ProviderError | None:
    """What WATI's statuses mean beyond the common table; None where that decides."""
    if answer.status in (404, 405):
        return Unauthorised(f"{answer.asked}: there is no such tenant. Is WATI's base address right?")
    if answer.status == 429:
        told = retry_after(answer.headers)
        return Unavailable(f"{answer.asked}: too many requests", parts.BUSY_FOR if told is None else told)
    return None


def message_body(message: OutMessage) -> dict[str, Any]:
    """The message as WATI wants it: variables by name."""
    names = [parameter.name for parameter in message.parameters]
    told = [{"name": name, "value": value} for name, value in zip(names, parts.values(message), strict=True)]
    if message.url_suffix:
        told.append({"name": SUFFIX, "value": parts.cleaned(message.url_suffix)})
    return {"template_name": message.template, "broadcast_name": message.ref, "parameters": told}


def _sent(one: _Item) -> Sent:
    word, reason = (one.status_string or "").lower(), masked(one.failed_detail or "")
    if word == "failed":
        state, _, reason = failed("", reason)
        return Sent("wati", one.local_message_id or one.id or "", state, reason)
    return Sent("wati", one.local_message_id or one.id or "", _STATES.get(word, "accepted"))
