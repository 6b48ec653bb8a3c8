"""MSG91, for WhatsApp templates. https://msg91.com/help/whatsapp

What it is: it sends approved templates of an integrated number; a request id says that it was taken, and
whether it arrived comes by webhook (`msg91_webhook.py`).
How a thing is found again: not by asking. Our reference goes along as CRQID, and comes back in each report
whose fields were set up to hold it; silence proves nothing.
Its limits: none documented. Its answers are not documented either: a refusal can come as HTTP 200, so only a
request id without any sign of an error is a yes, and the two together are a doubt.
How it signs: it does not; its webhook's address holds a secret. We show an auth key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from onpaid.acts import Finding, Unsure, act
from onpaid.domain.messages import OutMessage, Sent
from onpaid.errors import Doubtful, ProviderError, SettingsError, Unauthorised
from onpaid.providers import http
from onpaid.providers import message_parts as parts
from onpaid.providers.answers import Answer
from onpaid.providers.message_parts import LANE, LANES, TIMEOUT
from onpaid.providers.message_refs import encode_ref
from onpaid.providers.roles_delivery import Heard

PATH: Final = "api/v5/whatsapp/whatsapp-outbound-message/bulk/"
"""With the slash at its end: without it, MSG91 redirects."""
_SET_UP = (
    "compare MSG91's panel (auth key and its allowed addresses, integrated number, balance, template and its "
    "variables) with our settings"
)
_FAILURES = frozenset({"error", "fail", "failed", "failure"})


@dataclass(frozen=True)
class Settings:
    """`number` is the integrated number, digits with country code; `namespace` the templates', if any."""

    auth_key: str = field(default="", repr=False)
    number: str = ""
    namespace: str = ""
    api_base: str = "https://api.msg91.com"

    def __post_init__(self) -> None:
        if not self.auth_key:
            raise SettingsError("msg91: the auth key is missing; make one in MSG91's panel")
        if not re.fullmatch(r"\d{7,15}", self.number, re.ASCII):
            raise SettingsError(
                "msg91: the integrated number is digits with the country code, such as 919876500000"
            )


class _Answer(msgspec.Struct):
    """Whatever they may be: nothing of this is documented."""

    status: Any = None
    type: Any = None
    message: Any = None
    has_error: Any = msgspec.field(name="hasError", default=None)
    errors: Any = None
    error: Any = None
    data: Any = None
    request_id: Any = None


class Msg91:
    """A Messaging."""

    name = "msg91"
    lanes = LANES

    def __init__(self, settings: Settings, heard: Heard) -> None:
        self.settings = settings
        self._heard = heard
        self._http = http.Http(
            "MSG91",
            settings.api_base,
            headers={"authkey": settings.auth_key},
            explain=explain,
            timeout=TIMEOUT.total_seconds(),
        )

    @act(lane=LANE, timeout=TIMEOUT, settles=None)
    async def send_message(self, message: OutMessage) -> Sent:
        """Send it. Sending again would tell the customer twice."""
        to = parts.digits(message)
        if not to:
            return parts.unreachable(self.name, message, parts.NO_NUMBER)
        body = message_body(message, to, self.settings)
        answer = await parts.post_json(self._http, PATH, body, parts.private_words(message))
        said = _said(answer)
        if answer.status < 500 and said is not None and parts.kind_of(said) == "unreachable":
            return parts.unreachable(
                self.name, message, "MSG91 takes the number for one that is not on WhatsApp"
            )
        self._http.settled(answer)
        made = answer.read(_Answer)
        request_id = _request_id(made)
        if said is not None and request_id:
            raise Doubtful(f"{answer.asked}, with a request id and an error at once", answered=True)
        if said is not None:
            raise parts.refusal(answer, said, _SET_UP)
        if not request_id:
            raise Doubtful(f"{answer.asked}, with neither a request id nor an error", answered=True)
        return Sent(self.name, request_id)

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """What a report has told; MSG91 itself cannot be asked by our reference."""
        return await parts.from_status(self._heard, message, self.name) or Unsure(parts.NOTHING_HEARD)

    async def doctor(self) -> list[str]:
        """Nothing: MSG91 documents no call that proves our access without sending."""
        return []

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()


def explain(answer: Answer) -> ProviderError | None:
    """What a 4xx of MSG91's means; None where the status decides."""
    if answer.status == 418:
        return Unauthorised(
            f"{answer.asked}: this machine's address is not allowed. To do: add it to the allowed addresses "
            "of the auth key in MSG91's panel; then resume the lane."
        )
    said = _said(answer)
    if answer.status in (400, 404, 422) and said is not None:
        return parts.refusal(answer, said, _SET_UP)
    return None


def message_body(message: OutMessage, to: str, settings: Settings) -> dict[str, Any]:
    """The message as MSG91 wants it: variables are a map, `body_1` and so on."""
    components = {
        f"body_{nth}": {"type": "text", "value": value} for nth, value in enumerate(parts.values(message), 1)
    }
    if message.url_suffix:
        suffix = parts.cleaned(message.url_suffix)
        components["button_1"] = {"subtype": "url", "type": "text", "value": suffix}
    template: dict[str, Any] = {
        "name": message.template,
        "language": {"code": message.language, "policy": "deterministic"},
        "namespace": settings.namespace or None,
        "to_and_components": [{"to": [to], "components": components}],
    }
    return {
        "integrated_number": settings.number,
        "content_type": "template",
        "payload": {"messaging_product": "whatsapp", "type": "template", "template": template},
        "CRQID": encode_ref(message.ref),
    }


def _said(answer: Answer) -> str | None:
    """What an answer says is wrong; None if it shows no sign of an error. The unreadable says nothing."""
    try:
        told = msgspec.json.decode(answer.body, type=_Answer)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None if 200 <= answer.status < 300 else ""
    words = [word for word in (told.status, told.type) if isinstance(word, str)]
    wrong = any(word.lower() in _FAILURES for word in words) or told.has_error not in (
        None,
        False,
        "",
        "false",
    )
    if not (wrong or told.errors or told.error or answer.status >= 400):
        return None
    return parts.words_of(told.message, told.errors, told.error, told.data)


def _request_id(made: _Answer) -> str:
    """The id, wherever it is."""
    inner = made.data.get("request_id") if isinstance(made.data, dict) else None
    found = next((each for each in (made.request_id, inner) if isinstance(each, str) and each.strip()), "")
    return found.strip()[:255]
