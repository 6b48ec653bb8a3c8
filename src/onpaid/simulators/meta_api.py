"""Meta's WhatsApp Cloud API over the phone number: the token checked, the message read strictly."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.messages import NUMBER, UNFIT
from onpaid.simulators.meta import DISPLAYED, Refused, error
from onpaid.simulators.plan import Trouble
from onpaid.simulators.switches import Endpoint, switch_routes, unless_down
from onpaid.simulators.world import Simulators

VERSION: Final = re.compile(r"v\d\d?\.\d")
MESSAGE: Final = frozenset(
    {"messaging_product", "recipient_type", "to", "type", "template", "biz_opaque_callback_data"}
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message as it was asked for."""

    to: str
    template: str
    language: str
    values: list[str]
    ref: str
    url_suffix: str


def _list(given: Any, where: str) -> list[Any]:
    if not isinstance(given, list):
        raise Refused(100, f"Param {where} must be an array.")
    return given


def _only(given: Any, known: frozenset[str] | set[str], where: str) -> Json:
    """The object, if it is one and has no other fields."""
    if not isinstance(given, dict):
        raise Refused(100, f"Param {where} must be a JSON object.")
    for name in given.keys() - known:
        raise Refused(100, f'Unexpected key "{name}" on param "{where}".')
    return given


def read(body: Any) -> Wanted:
    """The message that a body asks for; Refused if it is not well-formed."""
    given = _only(body, MESSAGE, "message")
    if given.get("messaging_product") != "whatsapp":
        raise Refused(100, "The parameter messaging_product is required.")
    if given.get("recipient_type", "individual") != "individual" or given.get("type") != "template":
        raise Refused(131047, "Re-engagement message: outside the window only templates can be sent.")
    if not isinstance(given.get("to"), str) or NUMBER.fullmatch(given["to"]) is None:
        raise Refused(131009, "Parameter value is not valid: to")
    if not isinstance(given.get("biz_opaque_callback_data", ""), str):
        raise Refused(100, "Param biz_opaque_callback_data must be a string.")
    template = _only(given.get("template"), {"name", "language", "components"}, "template")
    language = _only(template.get("language"), {"code", "policy"}, "template['language']")
    if not isinstance(template.get("name"), str) or not isinstance(language.get("code"), str):
        raise Refused(131008, "Required parameter is missing: template name and language code")
    if language.get("policy", "deterministic") != "deterministic":
        raise Refused(100, "Param template['language']['policy'] must be one of {DETERMINISTIC}.")
    values: list[str] = []
    button = ""
    for component in _list(template.get("components", []), "components"):
        known = {"type", "parameters", "sub_type", "index"}
        part = _only(component, known, "template['components']")
        texts = [_text(each) for each in _list(part.get("parameters", []), "parameters")]
        if part.get("type") == "body" and "index" not in part:
            values = texts
        elif part.get("type") == "button" and part.get("sub_type") == "url" and str(part.get("index")) == "0":
            button = "".join(texts)
            if len(texts) != 1 or button.startswith(("http:", "https:")):
                raise Refused(
                    132012, "Parameter format does not match: a button takes the end of its address."
                )
        else:
            raise Refused(132012, "Parameter format does not match the format in the created template.")
    ref = given.get("biz_opaque_callback_data", "")
    return Wanted(given["to"], template["name"], language["code"], values, ref, button)


def _text(given: Any) -> str:
    part = _only(given, {"type", "text"}, "parameters")
    text = part.get("text")
    if part.get("type") != "text" or not isinstance(text, str) or not text:
        raise Refused(131008, "Required parameter is missing: text")
    if UNFIT.search(text):
        raise Refused(
            100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces."
        )
    return text


class MetaApi:
    """The routes under `/meta`."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings, self._meta = simulators.settings, simulators.meta
        times = simulators.settings.times
        self._door = Door("meta", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        path = "/meta/{version}/{number}"
        post, get = self._open(self._post), self._open(self._get)
        return [
            *switch_routes("meta", self._meta),
            Route(f"{path}/messages", post, methods=["POST"]),
            Route(path, get, methods=["GET"]),
        ]

    def _open(self, act: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._settings.meta_token}":
                return render(error(190, "Invalid OAuth access token - Cannot parse access token", 401))
            known = request.path_params["number"] == self._settings.meta_phone_number_id
            if not known or VERSION.fullmatch(request.path_params["version"]) is None:
                return render(error(100, "Unsupported request. The object does not exist", 400))
            return await act(request)

        return unless_down(self._meta, endpoint)

    async def _get(self, request: Request) -> Response:
        """The phone number itself: only those of its fields that are asked for."""
        ident = self._settings.meta_phone_number_id
        whole = {"verified_name": "Simulated", "display_phone_number": DISPLAYED, "quality_rating": "GREEN"}
        asked = request.query_params.get("fields", "verified_name,display_phone_number,quality_rating")
        fields = {name: value for name, value in whole.items() if name in asked.split(",")}

        def effect(_trouble: Trouble | None) -> Answer:
            return Answer(200, {**fields, "id": ident})

        return await self._door.answer(
            request, "GET number", asked, effect, writes=False, refusal=self._broken
        )

    async def _post(self, request: Request) -> Response:
        try:
            wanted = read(json.loads(await request.body()))
        except Refused as refused:
            return render(refused.answer)
        except ValueError:
            return render(error(100, "Invalid parameter: the body is not JSON", 400))
        key = wanted.ref or f"{wanted.to} {wanted.template}"

        def effect(_trouble: Trouble | None) -> Answer:
            try:
                message = self._meta.send(
                    wanted.to,
                    wanted.template,
                    wanted.language,
                    wanted.values,
                    ref=wanted.ref,
                    url_suffix=wanted.url_suffix,
                )
            except Refused as refused:
                return refused.answer
            told: Json = {
                "messaging_product": "whatsapp",
                "contacts": [{"input": message.to, "wa_id": message.to}],
                "messages": [{"id": message.ident, "message_status": "accepted"}],
            }
            return Answer(200, told)

        return await self._door.answer(
            request, "POST messages", key, effect, writes=True, refusal=self._broken
        )

    def _broken(self, trouble: Trouble) -> Answer:
        if trouble.status == 429:
            return error(130429, "Rate limit hit", 429)
        return error(131016, "Service unavailable", trouble.status)
