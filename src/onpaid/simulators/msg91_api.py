"""MSG91's sending endpoint: the key checked, the body read strictly, components as a map."""

import json
import re
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onpaid.simulators.door import Door, render
from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.messages import NUMBER
from onpaid.simulators.plan import Trouble
from onpaid.simulators.switches import switch_routes, unless_down
from onpaid.simulators.world import Simulators

BODY: Final = re.compile(r"body_([1-9]\d?)")
BUTTON: Final = re.compile(r"button_[1-9]")
CRQID: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")
TOP: Final = frozenset({"integrated_number", "content_type", "payload", "CRQID"})
MOST_RECIPIENTS: Final = 1000


class Refused(Exception):
    """What is wrong with a body, in words."""


class Msg91Api:
    """The routes under `/msg91`."""

    def __init__(self, simulators: Simulators) -> None:
        self._settings, self._msg91 = simulators.settings, simulators.msg91
        times = simulators.settings.times
        self._door = Door("msg91", simulators.plan, simulators.clock, times, simulators.landing)

    def routes(self) -> list[Route]:
        path = "/msg91/api/v5/whatsapp/whatsapp-outbound-message/bulk/"
        post = Route(path, unless_down(self._msg91, self._post), methods=["POST"])
        return [*switch_routes("msg91", self._msg91), post]

    async def _post(self, request: Request) -> Response:
        if request.headers.get("authkey") != self._settings.msg91_auth_key:
            return render(error("Unauthorized", 401))
        try:
            body: Any = json.loads(await request.body())
        except ValueError:
            return render(error("Invalid JSON", 400))
        try:
            template, recipients = self._read(body)
        except Refused as refused:
            return render(error(str(refused), 200))

        def effect(_trouble: Trouble | None) -> Answer:
            ident = self._msg91.send(template, recipients)
            told = {"status": "success", "hasError": False, "errors": None, "request_id": ident}
            return Answer(200, {**told, "data": "Message submitted successfully"})

        to, _values, ref = recipients[0]
        key = ref or f"{to} {template}"
        return await self._door.answer(request, "POST bulk", key, effect, writes=True, refusal=_broken)

    def _read(self, body: Any) -> tuple[str, list[tuple[str, list[str], str]]]:
        given = only(body, TOP, "request")
        payload = only(given.get("payload"), {"messaging_product", "type", "template"}, "payload")
        if given.get("content_type") != "template" or payload.get("type") != "template":
            raise Refused("Invalid content type")
        if payload.get("messaging_product", "whatsapp") != "whatsapp":
            raise Refused("Invalid messaging product")
        known = {"name", "language", "namespace", "to_and_components"}
        template = only(payload.get("template"), known, "template")
        language = only(template.get("language"), {"code", "policy"}, "language")
        name, number = str(template.get("name")), str(given.get("integrated_number"))
        problem = self._msg91.problem(number, name, str(language.get("code")))
        if problem is not None:
            raise Refused(problem)
        recipients: list[tuple[str, list[str], str]] = []
        for each in listed(template.get("to_and_components"), "to_and_components"):
            entry = only(each, {"to", "components", "CRQID"}, "to_and_components")
            ref: Any = entry.get("CRQID", given.get("CRQID", ""))
            values = read(entry.get("components", {}))
            if not isinstance(ref, str) or (ref and CRQID.fullmatch(ref) is None):
                raise Refused("Invalid CRQID")
            for to in listed(entry.get("to"), "to"):
                if not isinstance(to, str) or NUMBER.fullmatch(to) is None:
                    raise Refused("Invalid mobile number")
                recipients.append((to, values, ref))
        if len(recipients) > MOST_RECIPIENTS:
            raise Refused("Too many recipients")
        return name, recipients


def only(given: Any, known: frozenset[str] | set[str], where: str) -> Json:
    """The object, if it is one and has no other fields."""
    if not isinstance(given, dict):
        raise Refused(f"{where} must be an object")
    for name in sorted(given.keys() - known):
        raise Refused(f"{name} is not allowed in {where}")
    return given


def listed(given: Any, where: str) -> list[Any]:
    """The list, if it is one and not empty."""
    if not isinstance(given, list) or not given:
        raise Refused(f"{where} must be a list")
    return given


def read(components: Any) -> list[str]:
    """The values of a template's body in order; Refused if the map has gaps or anything else in it."""
    if not isinstance(components, dict):
        raise Refused("components must be an object")
    values: dict[int, str] = {}
    for name, each in components.items():
        part = only(each, {"type", "value", "subtype", "parameter_name"}, name)
        value, body = part.get("value"), BODY.fullmatch(name)
        if part.get("type") != "text" or not isinstance(value, str):
            raise Refused(f"{name} must have a text as its value")
        if body is not None and "subtype" not in part:
            values[int(body[1])] = value
        elif BUTTON.fullmatch(name) is None or part.get("subtype") != "url":
            raise Refused(f"{name} is not known")
    if sorted(values) != list(range(1, len(values) + 1)):
        raise Refused("body components are not numbered from 1 on")
    return [values[nth] for nth in sorted(values)]


def error(told: str, status: int) -> Answer:
    """A refusal: it may well come as 200."""
    return Answer(status, {"status": "error", "hasError": True, "errors": told, "data": None})


def _broken(trouble: Trouble) -> Answer:
    if trouble.status == 429:
        return error("Too many requests", 429)
    return error("Service unavailable", trouble.status)
