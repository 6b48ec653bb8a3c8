"""Twilio's messages over HTTP: forms only, every field known, one message or a page of them to read."""

import base64
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.messages import NUMBER
from onpaid.simulators.plan import Trouble
from onpaid.simulators.switches import Endpoint, switch_routes, unless_down
from onpaid.simulators.twilio import Refused, error
from onpaid.simulators.world import Simulators

FIELDS: Final = frozenset(
    {"To", "From", "MessagingServiceSid", "Body", "ContentSid", "ContentVariables", "StatusCallback"}
    | {"ValidityPeriod", "MediaUrl", "ProvideFeedback", "Attempt", "SmartEncoded", "ShortenUrls", "SendAt"}
)
QUERY: Final = frozenset({"To", "From", "DateSent", "DateSent<", "DateSent>", "PageSize", "Page"})
SERVICE: Final = re.compile(r"MG[0-9a-fA-F]{32}")
CONTENT: Final = re.compile(r"HX[0-9a-fA-F]{32}")
LARGEST_PAGE: Final = 1000


def check(form: Mapping[str, str], sender: str) -> None:
    """Refused if a field is missing, unknown or ill-formed."""
    unknown = sorted(form.keys() - FIELDS)
    if unknown:
        raise Refused(20001, f"Unknown parameters: {', '.join(unknown)}")
    if not form.get("To"):
        raise Refused(21604, "A 'To' phone number is required.")
    if NUMBER.fullmatch(form["To"].removeprefix("whatsapp:+")) is None or form["To"][0] != "w":
        raise Refused(21211, f"The 'To' number {form['To']} is not a valid phone number.")
    service = form.get("MessagingServiceSid", "")
    if not form.get("From") and not service:
        raise Refused(21603, "A 'From' phone number is required.")
    if (service and SERVICE.fullmatch(service) is None) or form.get("From", sender) != sender:
        raise Refused(63007, "Twilio could not find a Channel with the specified From address.")
    if not form.get("Body") and not form.get("ContentSid"):
        raise Refused(21619, "A text message body or media urls must be specified.")
    if form.get("ContentSid") and CONTENT.fullmatch(form["ContentSid"]) is None:
        raise Refused(21655, "The ContentSid is invalid.")
    callback = form.get("StatusCallback")
    host = urlsplit(callback).hostname if callback else None
    if callback is not None and (not host or "_" in host or len(callback) > 4000):
        raise Refused(21609, f"The StatusCallback URL {callback[:80]} is not a valid url.")


class TwilioApi:
    """The routes under `/twilio`."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings, self._twilio = simulators.settings, simulators.twilio
        times = simulators.settings.times
        self._door = Door("twilio", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "Messages.json", self._post),
            ("GET", "Messages.json", self._list),
            ("GET", "Messages/{sid}.json", self._one),
        ]
        base = "/twilio/2010-04-01/Accounts/{account}/"
        found = [Route(base + path, self._open(act), methods=[method]) for method, path, act in table]
        return [*switch_routes("twilio", self._twilio), *found]

    def _open(self, act: Endpoint) -> Endpoint:
        account, token = self._settings.twilio_account_sid, self._settings.twilio_auth_token
        wanted = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()

        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != wanted:
                return render(error(20003, "Authenticate", 401))
            if request.path_params["account"] != account:
                return render(_missing(request))
            try:
                return await act(request)
            except Refused as refused:
                return render(refused.answer)

        return unless_down(self._twilio, endpoint)

    async def _post(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "").split(";")[0]
        text = (await request.body()).decode(errors="replace")
        pairs = parse_qsl(text, keep_blank_values=True)
        form = dict(pairs) if kind == "application/x-www-form-urlencoded" else {}
        check(form, self._settings.twilio_from)

        def effect(_trouble: Trouble | None) -> Answer:
            try:
                return Answer(201, self._twilio.shown(self._twilio.send(form), new=True))
            except Refused as refused:
                return refused.answer

        key = form.get("StatusCallback") or f"{form['To']} {form.get('ContentSid')}"
        return await self._door.answer(request, "POST Messages", key, effect, writes=True, refusal=_broken)

    async def _one(self, request: Request) -> Response:
        sid = request.path_params["sid"]

        def effect(_trouble: Trouble | None) -> Answer:
            message = self._twilio.messages.get(sid)
            return _missing(request) if message is None else Answer(200, self._twilio.shown(message))

        return await self._door.answer(request, "GET Message", sid, effect, writes=False, refusal=_broken)

    async def _list(self, request: Request) -> Response:
        asked = dict(parse_qsl(request.url.query, keep_blank_values=True))
        path = request.url.path.removeprefix("/twilio")

        def effect(_trouble: Trouble | None) -> Answer:
            shown = [self._twilio.shown(each) for each in reversed(self._twilio.messages.values())]
            try:
                return Answer(200, page(shown, path, asked))
            except ValueError as bad:
                return error(20001, f"Invalid parameter: {bad}", 400)

        key = request.url.query
        return await self._door.answer(request, "GET Messages", key, effect, writes=False, refusal=_broken)


def page(shown: list[Json], path: str, asked: Mapping[str, str]) -> Json:
    """One page of messages, newest first; ValueError for what cannot be asked."""
    unknown = asked.keys() - QUERY
    if unknown:
        raise ValueError(", ".join(sorted(unknown)))
    kept = [each for each in shown if _matches(each, asked)]
    size, nth = int(asked.get("PageSize", "50")), int(asked.get("Page", "0"))
    if not 1 <= size <= LARGEST_PAGE or nth < 0:
        raise ValueError("PageSize or Page")

    def uri(number: int) -> str:
        return f"{path}?{urlencode({**asked, 'PageSize': size, 'Page': number})}"

    start = nth * size
    found = kept[start : start + size]
    return {
        "end": max(start, start + len(found) - 1),
        "first_page_uri": uri(0),
        "next_page_uri": uri(nth + 1) if start + size < len(kept) else None,
        "page": nth,
        "page_size": size,
        "previous_page_uri": uri(nth - 1) if nth else None,
        "start": start,
        "uri": uri(nth),
        "messages": found,
    }


def _matches(shown: Json, asked: Mapping[str, str]) -> bool:
    """Whether a message is among those asked for. One that is not sent yet counts by when it was made."""
    if asked.get("To", shown["to"]) != shown["to"] or asked.get("From", shown["from"]) != shown["from"]:
        return False
    sent = parsedate_to_datetime(shown["date_sent"] or shown["date_created"])
    if "DateSent" in asked and _moment(asked["DateSent"]).date() != sent.date():
        return False
    if "DateSent>" in asked and sent < _moment(asked["DateSent>"]):
        return False
    return "DateSent<" not in asked or sent <= _moment(asked["DateSent<"])


def _moment(text: str) -> datetime:
    """A day or a moment in UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _missing(request: Request) -> Answer:
    path = request.url.path.removeprefix("/twilio")
    return error(20404, f"The requested resource {path} was not found", 404)


def _broken(trouble: Trouble) -> Answer:
    if trouble.status == 429:
        return error(20429, "Too Many Requests", 429)
    return error(20503, "Service Unavailable", trouble.status)
