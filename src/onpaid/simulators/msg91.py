"""MSG91's WhatsApp service: a request in, a request id out, and one delivery report for each recipient and
status.

What is wrong with a request can come as a success with an error inside. What is wrong with a template's
values comes only with the report. Reports bear no signature: who knows the address may post. They carry the
caller's own id of the request (CRQID) where it gave one.
"""

import json
from datetime import UTC, datetime
from typing import ClassVar, Final

from onpaid.simulators.kit import Dice, Json
from onpaid.simulators.messages import UNFIT, Failure, Message, MessageService, Notice
from onpaid.simulators.signing import WRONG_SECRET

UNDELIVERABLE: Final = Failure(131026, "Message undeliverable")
MISCOUNTED: Final = Failure(132000, "Number of parameters does not match the expected number of params")
UNFITTING: Final = Failure(132018, "Param text cannot have new-line/tab characters or more than 4 spaces")


class Msg91(MessageService):
    """The state of one account."""

    NAME: ClassVar[str] = "msg91"
    _url = ""

    def aim(self, url: str) -> None:
        """Where reports go; the last part of the path is what only the two sides know."""
        self._url = url

    def problem(self, number: str, template: str, language: str) -> str | None:
        """Why a request is refused at once, if it is."""
        if number != self._settings.msg91_number:
            return "Integrated number not found"
        if template not in self._settings.whatsapp_templates:
            return f"Template {template} not found"
        if language != self._settings.whatsapp_language:
            return f"Template {template} not found in language {language}"
        return None

    def send(self, template: str, recipients: list[tuple[str, list[str], str]]) -> str:
        """Accept a request with (number, values, CRQID) for each recipient; its id."""
        first, _values, ours = recipients[0]
        key = f"request {ours or first} {template}"
        self._counted[key] += 1
        request = Dice(self._plan.seed).at("msg91", f"{key}#{self._counted[key]}").digest("request")
        for nth, (to, values, ref) in enumerate(recipients):
            ident = request if nth == 0 else f"{request}-{nth + 1}"

            def named(_dice: Dice, ident: str = ident) -> str:
                return ident

            self.keep(
                to=to,
                template=template,
                params=self.named(template, values),
                ref=ref,
                ident=named,
                failure=self._failure(to, template, values),
                about={"request": request},
            )
        return request

    def _failure(self, to: str, template: str, values: list[str]) -> Failure | None:
        if to in self._settings.not_on_whatsapp:
            return UNDELIVERABLE
        if len(values) != len(self._settings.whatsapp_templates[template]):
            return MISCOUNTED
        return UNFITTING if any(UNFIT.search(value) or not value for value in values) else None

    def notice(self, message: Message, word: str, at: float, forgery: str | None) -> Notice | None:
        if not self._url:
            return None
        failure = message.failure or UNDELIVERABLE
        told: Json = {
            "requestId": message.about["request"],
            "uuid": f"{message.about['request']}_{message.to}",
            "CRQID": message.ref,
            "mobile": message.to,
            "status": word,
            "failureReason": f"{failure.code}: {failure.reason}" if word == "failed" else "",
            "templateName": message.template,
            "integratedNumber": self._settings.msg91_number,
            "direction": "outbound",
            "content": json.dumps(dict(message.params)),
            "requestedAt": _time(message.at),
            "updatedAt": _time(at),
        }
        url = self._url if forgery is None else _guessed(self._url)
        return Notice(url, json.dumps(told).encode(), lambda: {"Content-Type": "application/json"})


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _guessed(url: str) -> str:
    """The address as somebody has it who does not know its end."""
    return f"{url.rsplit('/', 1)[0]}/{WRONG_SECRET}"
