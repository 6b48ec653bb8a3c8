"""Twilio's messages: forms in, JSON out, and callbacks to the address that each message brought along.

A callback is signed over that address exactly as it was given, and over its sorted fields. There is none for
the first status. What WhatsApp objects to is accepted here first, and comes back as `undelivered` with a
code.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any, ClassVar, Final
from urllib.parse import urlencode, urlsplit

from onpaid.simulators.kit import Answer, Dice, Json
from onpaid.simulators.messages import Failure, Message, MessageService, Notice
from onpaid.simulators.signing import WRONG_SECRET

NEAR: Final = ("127.0.0.1", "localhost", "::1")
OUTSIDE_WINDOW: Final = Failure(63016, "Outside the messaging window without a template")
NOT_REACHED: Final = Failure(63024, "Invalid message recipient")
WORDS: Final = {"accepted": "queued", "failed": "undelivered"}


class Refused(Exception):
    """What Twilio answers instead of a message."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.answer = error(code, message, status)


def error(code: int, message: str, status: int) -> Answer:
    """A refusal as Twilio words it."""
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Answer(status, {"code": code, "message": message, "more_info": more, "status": status})


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """The header over the address and the fields in the order of their names."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Twilio(MessageService):
    """The state of one account."""

    NAME: ClassVar[str] = "twilio"
    SWITCHES: ClassVar[tuple[str, ...]] = ("down", "bodies")
    bodies: bool = False
    _base = ""

    def aim(self, base: str) -> None:
        """Where callbacks to addresses outside of this machine go, under the same path."""
        self._base = base

    def send(self, form: Mapping[str, str]) -> Message:
        """Accept a message; Refused if the form is not right."""
        settings, to = self._settings, form["To"].removeprefix("whatsapp:+")
        content = form.get("ContentSid", "")
        template, params = "", dict[str, str]()
        failure: Failure | None = OUTSIDE_WINDOW
        if content:
            if content not in settings.twilio_contents:
                raise Refused(21655, f"The ContentSid {content} is invalid.")
            template = settings.twilio_contents[content]
            values = variables(form.get("ContentVariables", "{}"))
            names = settings.whatsapp_templates[template]
            fits = set(values) == {str(nth + 1) for nth in range(len(names))}
            params = self.named(template, [values[nth] for nth in sorted(values, key=int)])
            wrong = Failure(63028, "Number of parameters provided does not match the expected number")
            failure = None if fits and all(values.values()) else wrong
        if to in settings.not_on_whatsapp:
            failure = NOT_REACHED
        callback = form.get("StatusCallback", "")
        return self.keep(
            to=to,
            template=template,
            params=params,
            ref=urlsplit(callback).path.rsplit("/", 1)[-1],
            ident=_sid,
            failure=failure,
            about={"callback": callback, "service": form.get("MessagingServiceSid")},
        )

    def shown(self, message: Message, *, new: bool = False) -> Json:
        """A message as it is read, or as it is when it is `new`. What it said is told only where `bodies` is on."""
        now, account = message.at if new else self._clock.now(), self._settings.twilio_account_sid
        word = message.status(now)
        sent = next((at for at, each in message.ladder if each == "sent" and at <= now), None)
        uri = f"/2010-04-01/Accounts/{account}/Messages/{message.ident}"
        failed = message.failure if word == "failed" else None
        return {
            "account_sid": account,
            "api_version": "2010-04-01",
            "body": ", ".join(message.params.values()) if self.bodies else "",
            "date_created": _date(message.at),
            "date_sent": None if sent is None else _date(sent),
            "date_updated": _date(max([message.at, *(at for at, _ in message.ladder if at <= now)])),
            "direction": "outbound-api",
            "error_code": failed.code if failed else None,
            "error_message": failed.reason if failed else None,
            "from": self._settings.twilio_from,
            "messaging_service_sid": message.about["service"],
            "num_media": "0",
            "num_segments": "1",
            "price": None,
            "price_unit": None,
            "sid": message.ident,
            "status": WORDS.get(word, word),
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": f"whatsapp:+{message.to}",
            "uri": f"{uri}.json",
        }

    def notice(self, message: Message, word: str, at: float, forgery: str | None) -> Notice | None:
        callback, settings = message.about["callback"], self._settings
        url = callback if urlsplit(callback).hostname in NEAR else self._elsewhere(callback)
        if not callback or not url:
            return None
        told = WORDS.get(word, word)
        fields = {"MessageSid": message.ident, "SmsSid": message.ident, "MessageStatus": told}
        fields |= {"SmsStatus": told, "AccountSid": settings.twilio_account_sid, "ApiVersion": "2010-04-01"}
        fields |= {"From": settings.twilio_from, "To": f"whatsapp:+{message.to}", "ChannelPrefix": "whatsapp"}
        if word in ("delivered", "read"):
            fields["EventType"] = word.upper()
        failure = message.failure or NOT_REACHED
        if word == "failed":
            fields |= {"ErrorCode": str(failure.code), "ChannelStatusMessage": failure.reason}
        token = settings.twilio_auth_token if forgery in (None, "tampered body") else WRONG_SECRET
        over = {**fields, "MessageStatus": "sent"} if forgery == "tampered body" else fields
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        if forgery != "no signature":
            headers["X-Twilio-Signature"] = signature(token, callback, over)
        return Notice(url, urlencode(fields).encode(), lambda: headers)

    def _elsewhere(self, callback: str) -> str:
        parts = urlsplit(callback)
        return f"{self._base}{parts.path}{'?' if parts.query else ''}{parts.query}" if self._base else ""


def _sid(dice: Dice) -> str:
    return f"SM{dice.digest('sid')}"


def _date(at: float) -> str:
    return formatdate(at, usegmt=False).replace("-0000", "+0000")


def variables(text: str) -> dict[str, str]:
    """ContentVariables: a JSON object of texts under numbers; Refused if it is none."""
    try:
        read: Any = json.loads(text)
    except ValueError:
        read = None
    if not isinstance(read, dict) or not all(
        name.isdecimal() and isinstance(value, str) for name, value in read.items()
    ):
        raise Refused(21656, "The ContentVariables parameter is invalid.")
    return read
