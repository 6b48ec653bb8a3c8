"""Meta's WhatsApp Cloud API: template messages in, signed status webhooks out.

Every refusal has a code, and the code tells what to do; the HTTP status hardly does. Two messages to one
number in quick succession are refused, and a number that WhatsApp cannot reach is accepted first and told to
have failed later.
"""

import base64
import hashlib
import hmac
import json
from typing import ClassVar, Final

from onpaid.simulators.kit import Answer, Dice, Json
from onpaid.simulators.messages import Failure, Message, MessageService, Notice
from onpaid.simulators.signing import WRONG_SECRET

ACCOUNT: Final = "102290129340398"
DISPLAYED: Final = "15550783881"
UNDELIVERABLE: Final = Failure(131026, "Message undeliverable")
STRANGER_SHARE: Final = 0.1
INBOUND_SHARE: Final = 0.1


class Refused(Exception):
    """What Meta answers instead of a message."""

    def __init__(self, code: int, details: str, status: int = 400) -> None:
        super().__init__(details)
        self.answer = error(code, details, status)


def error(code: int, details: str, status: int) -> Answer:
    """A refusal as Meta words it."""
    told = {
        "message": f"(#{code}) {details}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": details},
        "fbtrace_id": "Asimulated",
    }
    return Answer(status, {"error": told})


class Meta(MessageService):
    """The state of one phone number."""

    NAME: ClassVar[str] = "meta"
    _url, _secret = "", ""

    def aim(self, url: str, app_secret: str) -> None:
        """Where status webhooks go, and what signs them."""
        self._url, self._secret = url, app_secret

    def forget(self) -> None:
        super().forget()
        self._last: dict[str, float] = {}

    def send(
        self, to: str, template: str, language: str, values: list[str], *, ref: str = "", url_suffix: str = ""
    ) -> Message:
        """Accept a template message; Refused if it does not fit the template, or follows another too soon."""
        names = self._settings.whatsapp_templates.get(template)
        if names is None or language != self._settings.whatsapp_language:
            raise Refused(132001, f"template name ({template}) does not exist in {language}", 404)
        if len(values) != len(names):
            told = f"body: number of localizable_params ({len(values)}) does not match the expected number"
            raise Refused(132000, f"{told} of params ({len(names)})")
        now = self._clock.now()
        if now - self._last.get(to, float("-inf")) < self._settings.pair_interval:
            told = "Message failed to send because there were too many messages sent from this phone number"
            raise Refused(131056, f"{told} to the same phone number in a short period of time")
        self._last[to] = now
        return self.keep(
            to=to,
            template=template,
            params=self.named(template, values),
            ref=ref,
            ident=_wamid,
            failure=UNDELIVERABLE if to in self._settings.not_on_whatsapp else None,
            about={"url_suffix": url_suffix},
        )

    def notice(self, message: Message, word: str, at: float, forgery: str | None) -> Notice | None:
        if not self._url:
            return None
        body = json.dumps(self._told(message, word, at)).encode()
        secret = self._secret if forgery in (None, "no signature", "tampered body") else WRONG_SECRET
        signed = b"another body" if forgery == "tampered body" else body
        headers = {"Content-Type": "application/json", "User-Agent": "facebookexternalua"}
        if forgery != "no signature":
            digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature-256"] = f"sha256={digest}"
        return Notice(self._url, body, lambda: headers)

    def _told(self, message: Message, word: str, at: float) -> Json:
        """One POST, which at times tells of other people's messages too."""
        dice, stamp = self.dice(message).at(word), str(int(at))
        status: Json = {"id": message.ident, "status": word, "timestamp": stamp, "recipient_id": message.to}
        if message.ref:
            status["biz_opaque_callback_data"] = message.ref
        if word == "failed":
            failure = message.failure or UNDELIVERABLE
            about = {"title": failure.reason, "message": failure.reason}
            status["errors"] = [
                {"code": failure.code, **about, "error_data": {"details": failure.reason}, "href": ""}
            ]
        else:
            status["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "utility"}
        statuses = [status]
        if dice.chance("stranger", STRANGER_SHARE):
            someone = {"id": _wamid(dice.at("stranger")), "recipient_id": "919812345678"}
            statuses.insert(0, {**someone, "status": "sent", "timestamp": stamp})
        values = [{"statuses": statuses}]
        if dice.chance("inbound", INBOUND_SHARE):
            said = {"from": message.to, "id": _wamid(dice.at("inbound")), "timestamp": stamp, "type": "text"}
            contact = {"profile": {"name": "A customer"}, "wa_id": message.to}
            values.insert(0, {"contacts": [contact], "messages": [{**said, "text": {"body": "Thank you"}}]})
        shown = {"display_phone_number": DISPLAYED, "phone_number_id": self._settings.meta_phone_number_id}
        common = {"messaging_product": "whatsapp", "metadata": shown}
        changes = [{"field": "messages", "value": {**common, **value}} for value in values]
        return {"object": "whatsapp_business_account", "entry": [{"id": ACCOUNT, "changes": changes}]}


def _wamid(dice: Dice) -> str:
    return "wamid.HBg" + base64.b64encode(bytes.fromhex(dice.digest("wamid"))).decode()
