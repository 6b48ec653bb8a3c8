"""WATI over HTTP: sending by number and template, in two versions, and reading what was said to a number."""

import json
from collections.abc import Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.messages import NUMBER
from onpaid.simulators.plan import Trouble
from onpaid.simulators.switches import Endpoint, switch_routes, unless_down
from onpaid.simulators.world import Simulators

BODY: Final = frozenset({"template_name", "broadcast_name", "parameters", "channel_number"})
LARGEST_PAGE: Final = 100


class WatiApi:
    """The routes under `/wati`."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings, self._wati = simulators.settings, simulators.wati
        times = simulators.settings.times
        self._door = Door("wati", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/wati/api/v1/sendTemplateMessage", self._send),
            ("POST", "/wati/api/v2/sendTemplateMessage", self._send),
            ("GET", "/wati/api/v1/getMessages/{number}", self._said),
            ("GET", "/wati/api/v1/getMessageTemplates", self._templates),
        ]
        found = [Route(path, self._open(act), methods=[method]) for method, path, act in table]
        return [*switch_routes("wati", self._wati), *found]

    def _open(self, act: Endpoint) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {self._settings.wati_token}":
                return render(Answer(401))
            return await act(request)

        return unless_down(self._wati, endpoint)

    async def _send(self, request: Request) -> Response:
        to = request.query_params.get("whatsappNumber", "")
        try:
            body: Any = json.loads(await request.body())
            given = read(body)
        except ValueError as bad:
            return render(failed(str(bad)))
        template, broadcast = body["template_name"], body["broadcast_name"]
        tracked = "/v2/" in request.url.path

        def effect(_trouble: Trouble | None) -> Answer:
            if template not in self._settings.whatsapp_templates:
                return failed("Template not found")
            if NUMBER.fullmatch(to) is None or not self._wati.reachable(to):
                return self._unreachable(to, template)
            message = self._wati.send(to, template, given, broadcast)
            params = [{"name": name, "value": value} for name, value in given.items()]
            if not tracked:
                told = {"result": True, "phone_number": to, "template_name": template}
                return Answer(200, {**told, "parameteres": params, "validWhatsAppNumber": True})
            return Answer(200, _receipt(to, template, message.ident, params))

        key = f"{broadcast} {to} {template}"
        return await self._door.answer(
            request, "POST sendTemplateMessage", key, effect, writes=True, refusal=_broken
        )

    def _unreachable(self, to: str, template: str) -> Answer:
        receiver = {"localMessageId": None, "waId": to, "isValidWhatsAppNumber": False}
        told: Json = {"result": False, "error": None, "templateName": template, "parameters": []}
        return Answer(200, {**told, "receivers": [{**receiver, "errors": ["Invalid WhatsApp number"]}]})

    async def _said(self, request: Request) -> Response:
        number = request.path_params["number"]
        return await self._page(
            request, lambda: self._wati.said(number), lambda items: {"messages": {"items": items}}
        )

    async def _templates(self, request: Request) -> Response:
        return await self._page(request, self._wati.templates, lambda items: {"messageTemplates": items})

    async def _page(
        self, request: Request, found: Callable[[], list[Json]], shown: Callable[[list[Json]], Json]
    ) -> Response:
        try:
            size = int(request.query_params.get("pageSize", "20"))
            page = int(request.query_params.get("pageNumber", "1"))
        except ValueError:
            size = page = 0
        if not 1 <= size <= LARGEST_PAGE or page < 1:
            return render(Answer(400, {"result": False, "info": "Invalid page"}))

        def effect(_trouble: Trouble | None) -> Answer:
            items = found()
            link = {"pageNumber": page, "pageSize": size, "total": len(items)}
            listed = shown(items[(page - 1) * size : page * size])
            return Answer(200, {"result": "success", **listed, "link": link})

        key = f"{request.url.path}?{request.url.query}"
        return await self._door.answer(request, "GET list", key, effect, writes=False, refusal=_broken)


def _receipt(to: str, template: str, ident: str, params: list[dict[str, str]]) -> Json:
    receiver = {"localMessageId": ident, "waId": to, "isValidWhatsAppNumber": True, "errors": []}
    told = {"result": True, "error": None, "templateName": template}
    return {**told, "receivers": [receiver], "parameters": params}


def read(body: Any) -> dict[str, str]:
    """The variables by name; ValueError if the body is not what it must be."""
    if not isinstance(body, dict) or body.keys() - BODY:
        raise ValueError("The body must be an object of known fields")
    for name in ("template_name", "broadcast_name"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise ValueError(f"{name} is required")
    params = body.get("parameters", [])
    if not isinstance(params, list):
        raise ValueError("parameters must be a list")
    given: dict[str, str] = {}
    for each in params:
        if not isinstance(each, dict) or each.keys() != {"name", "value"}:
            raise ValueError("Each of the parameters has a name and a value")
        if not isinstance(each["name"], str) or not isinstance(each["value"], str):
            raise ValueError("The name and the value of a parameter are texts")
        given[each["name"]] = each["value"]
    return given


def failed(told: str) -> Answer:
    """A refusal, which comes as 200."""
    return Answer(200, {"result": False, "error": told, "receivers": [], "parameters": []})


def _broken(trouble: Trouble) -> Answer:
    if trouble.status == 429:
        return Answer(429, {"result": False, "info": "Rate limit exceeded"})
    return Answer(trouble.status, {"result": False, "info": "Internal error"})
