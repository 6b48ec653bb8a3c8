"""What the services that carry WhatsApp templates have in common: the lane, how a text must look, what stays
private, and WhatsApp's own reasons for not reaching somebody.

All four are of class once: no service takes a key, none finds a message by our reference alone. So the first
place to look for a lost answer is always what a status webhook has told, by our reference.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Final, Literal

import msgspec

from onpaid.acts import Finding, Found, LaneLimit, Unsure
from onpaid.domain.messages import OutMessage, Sent
from onpaid.errors import ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.answers import Answer, retry_after
from onpaid.providers.http import Http
from onpaid.providers.masking import masked
from onpaid.providers.roles_delivery import Heard

LANE: Final = "whatsapp"
LANES: Final = (LaneLimit(LANE, at_once=8, per_second=20),)
TIMEOUT: Final = timedelta(seconds=20)
LOOK_BACK: Final = timedelta(days=2)
"""How old a message in a service's list may be to be the one in doubt."""
NOTHING_HEARD: Final = "no status has come"
NO_NUMBER: Final = "the number is not in international form (E.164): nothing was sent"
EMPTY: Final = "-"
BUSY_FOR: Final = 10.0
"""Seconds to wait where a service that has had enough names none."""

UNREACHABLE: Final[Mapping[int, str]] = {
    130472: "WhatsApp keeps this number out of such messages (an experiment of Meta's)",
    130497: "WhatsApp does not let this business write to that country",
    131021: "the number is the sender's own",
    131026: "the number is not on WhatsApp, or its owner has not accepted the terms",
    131030: "the number is not among those that a test account may write to",
    131049: "WhatsApp held the message back: this person gets too many of its kind",
    131050: "the customer has opted out of such messages",
}
"""WhatsApp's codes for a person who cannot be reached, for good. Other services pass them on."""

Kind = Literal["unreachable", "set-up", "busy"]
_SIGNS: Final[tuple[tuple[Kind, re.Pattern[str]], ...]] = (
    (
        "unreachable",
        re.compile(
            "not (a|on|registered (on|with)) whatsapp|valid whatsapp number"
            "|invalid (whatsapp|mobile|phone)? ?number|opted.out|opt-out|undeliverable"
        ),
    ),
    ("busy", re.compile("rate.?limit|too many|throttl")),
    (
        "set-up",
        re.compile(
            "template|parameter|namespace|integrated.number|auth.?key|authenticat|unauthori|token|permission"
            "|white.?list|allow.?list|balance|credit|wallet|billing|payment|suspended|disabled|expired"
        ),
    ),
)
"""What refusals in words are about, for services without documented codes. The first that fits counts."""


def digits(message: OutMessage) -> str:
    """The recipient as digits with country code; nothing if it is no number in international form."""
    number = message.to.removeprefix("+")
    fine = number.isascii() and number.isdigit() and 7 <= len(number) <= 15 and number[0] != "0"
    return number if fine else ""


def cleaned(text: str) -> str:
    """A variable's value as templates take it: on one line, single spaces, no control characters, and not
    empty, since an empty one is refused and would hold up the whole message."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join(plain.split()) or EMPTY


def values(message: OutMessage) -> list[str]:
    """The variables in the template's order."""
    return [cleaned(parameter.value) for parameter in message.parameters]


def private_words(message: OutMessage) -> list[str]:
    """What of a message must not be repeated in an error."""
    words = [message.to, message.to.removeprefix("+"), message.url_suffix, *values(message)]
    return [word for word in (*words, *(parameter.value for parameter in message.parameters)) if word]


def unreachable(provider: str, message: OutMessage, reason: str) -> Sent:
    """The answer that a person cannot be reached. Where there is no id, our reference stands for it."""
    return Sent(provider, message.ref, "undeliverable", reason)


def claim_of(sent: Sent) -> str:
    """The message as a thing that one step only may own. What a person settled without an id is nobody's."""
    return f"{sent.provider}:message:{sent.provider_id or 'unnamed-' + token_hex(8)}"


async def from_status(heard: Heard, message: OutMessage, provider: str) -> Found[Sent] | None:
    """What status webhooks have told of the message: then it went out, whatever became of the answer. One to
    no number never leaves, so that is known as well."""
    told = await heard(message.ref)
    if told is None and not digits(message):
        told = unreachable(provider, message, NO_NUMBER)
    return None if told is None else Found(told)


def says(text: str | None, message: OutMessage) -> bool:
    """Whether a listed text holds every variable of ours. A text that is not shown proves nothing."""
    return bool(text and message.parameters) and all(value in (text or "") for value in values(message))


def the_one(service: str, alike: Sequence[Sent]) -> Finding[Sent]:
    """The message in a list that says what ours says, if it is the only one."""
    if len(alike) == 1:
        return Found(alike[0])
    if alike:
        return Unsure(f"{NOTHING_HEARD}, and {service} lists {len(alike)} messages that say the same")
    return Unsure(f"{NOTHING_HEARD}, and {service} lists no message that says the same yet")


async def post_json(http: Http, path: str, body: object, private: Iterable[str] = ()) -> Answer:
    """POST to a path that may end in a slash or hold a query; the answer whatever its status."""
    encoded = msgspec.json.encode(body)
    url = f"{http.base}/{path}"
    return await http.exchange("POST", url, {"Content-Type": "application/json"}, encoded, private)


def refusal(answer: Answer, said: str, set_up: str) -> ProviderError:
    """The error that a no in words means. One that is not understood concerns this message only."""
    kind, told = kind_of(said), f"{answer.asked}: {masked(said, answer.private) or 'no reason given'}."
    if kind == "busy":
        return Unavailable(told, retry_after(answer.headers) or BUSY_FOR)
    if kind == "set-up":
        return Unauthorised(f"{told} To do: {set_up}; then resume the lane.")
    return Refused(f"{told} To do: see what it says; then retry the run, or settle the step.")


def words_of(*given: object) -> str:
    """What services say where nobody documents the type: texts as they are, all else as JSON."""
    said = [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in given if one]
    return " ".join(said)


def kind_of(text: str) -> Kind | None:
    """What a refusal in words is about, where a service has no documented codes."""
    words = text.lower()
    return next((kind for kind, signs in _SIGNS if signs.search(words)), None)
