"""WATI: template messages by the names of their variables, and events without a signature.

A refusal is a success that says `result: false`. A variable that is missing or misnamed is no error: the
customer gets the message without it. Events name a message by WATI's own ids only, never by what the caller
called it; the list of what was said to a number tells the text.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final

from onpaid.simulators.kit import Dice, Json
from onpaid.simulators.messages import UNFIT, Failure, Message, MessageService, Notice
from onpaid.simulators.signing import WRONG_SECRET

EVENTS: Final = {
    "sent": ("templateMessageSent_v2", "SENT"),
    "delivered": ("sentMessageDELIVERED_v2", "Delivered"),
    "read": ("sentMessageREAD_v2", "Read"),
    "failed": ("templateMessageFailed", "Failed"),
}
UNFITTING: Final = Failure(132018, "Custom params can't have 4 consecutive spaces or new lines")
GIVEN_UP: Final = Failure(131026, "Message undeliverable")


class Wati(MessageService):
    """The state of one account."""

    NAME: ClassVar[str] = "wati"
    _url = ""

    def aim(self, url: str) -> None:
        """Where events go; the last part of the path is what only the two sides know."""
        self._url = url

    def reachable(self, to: str) -> bool:
        """Whether the number is on WhatsApp."""
        return to not in self._settings.not_on_whatsapp

    def send(self, to: str, template: str, given: Mapping[str, str], broadcast: str) -> Message:
        """Accept a message; KeyError if there is no such template."""
        names = self._settings.whatsapp_templates[template]
        params = {name: given.get(name, "") for name in names}
        unfit = any(UNFIT.search(value) for value in params.values())
        return self.keep(
            to=to,
            template=template,
            params=params,
            ref=broadcast,
            ident=_uuid,
            failure=UNFITTING if unfit else None,
            about={"text": f"{template.replace('_', ' ').capitalize()}: {', '.join(params.values())}"},
        )

    def said(self, to: str) -> list[Json]:
        """What was said to a number, newest first."""
        now = self._clock.now()
        found = [message for message in self.messages.values() if message.to == to]
        return [self._item(message, message.status(now)) for message in reversed(found)]

    def templates(self) -> list[Json]:
        """The templates that WhatsApp has approved."""
        return [
            {
                "elementName": name,
                "status": "APPROVED",
                "language": {"key": "English", "value": self._settings.whatsapp_language},
                "customParams": [{"paramName": each, "paramValue": ""} for each in names],
            }
            for name, names in self._settings.whatsapp_templates.items()
        ]

    def _item(self, message: Message, word: str) -> Json:
        day = datetime.fromtimestamp(message.at, UTC)
        status = {"accepted": "PENDING", "failed": "FAILED"}.get(word, word.upper())
        described = f'Broadcast message with using "{message.template}" template was received'
        return {
            "id": self.dice(message).digest("id")[:24],
            "eventType": "broadcastMessage",
            "eventDescription": f"{described} {day:%d|%m|%Y}",
            "finalText": message.about["text"],
            "statusString": status,
            "failedDetail": message.failure.reason if message.failure and word == "failed" else None,
            "localMessageId": message.ident,
            "created": _time(message.at),
            "owner": True,
        }

    def notice(self, message: Message, word: str, at: float, forgery: str | None) -> Notice | None:
        if not self._url:
            return None
        event, status = EVENTS[word]
        dice = self.dice(message)
        told: Json = {
            "eventType": event,
            "statusString": status,
            "localMessageId": message.ident,
            "id": dice.digest("id")[:24],
            "whatsappMessageId": f"wamid.HBg{dice.digest('whatsapp')}",
            "conversationId": dice.digest("conversation")[:24],
            "created": _time(at),
            "timestamp": str(int(at)),
            "type": "template",
            "channelPhoneNumber": "919876511111",
        }
        if word == "sent":
            about = {"templateName": message.template, "text": message.about["text"], "waId": message.to}
            told |= {**about, "templateId": dice.digest("template")[:24], "sourceType": "API"}
        if word == "failed":
            failure = message.failure or GIVEN_UP
            told |= {"failedCode": str(failure.code), "failedDetail": failure.reason}
        url = self._url if forgery is None else f"{self._url.rsplit('/', 1)[0]}/{WRONG_SECRET}"
        return Notice(url, json.dumps(told).encode(), lambda: {"Content-Type": "application/json"})


def _uuid(dice: Dice) -> str:
    text = dice.digest("uuid")
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _time(at: float) -> str:
    """The time with seven digits behind the second, as .NET writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
