"""The doors at AWS: three handlers over one core.

    web    API Gateway or a Function URL: webhooks, API, console, pages; `{"body": ...}` and `{"test": true}` by hand
    work   SQS: advances the runs that messages name
    tick   EventBridge, each minute: rings for what is due; other schedules by name

Each function of Lambda is told one of them, such as `onpaid.aws_lambda.web`. What is needed is made at the first
invocation and kept for the next.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import msgspec
import structlog

from onpaid.app.doctor import Finding
from onpaid.aws_doctor import examine, unbuilt
from onpaid.aws_sandbox import Context, Remaining, Sandbox
from onpaid.cli import logs
from onpaid.cli.assembling import application, web_settings
from onpaid.cli.reach import secrets_of
from onpaid.compose_aws import House, build_aws
from onpaid.errors import InvalidInput, OnpaidError, StoreError
from onpaid.runtime.aws_http import Answer, App, Asked, answer, as_event, read_event
from onpaid.runtime.aws_work import read_batch
from onpaid.settings import Settings

log = structlog.get_logger("onpaid.aws")

Event = Mapping[str, Any]

LAST_WORD: Final = 1.5
"""Seconds before the end at which a request that is still under way is answered with 503."""
SIGNED: Final = {"stripe-signature": "/webhooks/stripe", "x-razorpay-signature": "/webhooks/razorpay"}
"""Where an event belongs that is only a body, by the header that signs it."""
AS_REQUIRED: Final = ("/payment/webhook", "/stripe/webhook")
"""The requirements' own paths for webhooks: Razorpay's, Stripe's."""
CART: Final = "/payment/create-order"
JSON: Final = (b"content-type", b"application/problem+json")


class Doors:
    """The three handlers of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._made_for: House | None = None
        self._app: App | None = None

    def web(self, event: Event, context: Context) -> dict[str, Any]:
        """Answer one request. Never raises: what cannot be done now is a 503, and is sent again."""
        return self._sandbox.run(lambda remaining: self._web(event, remaining), context)

    def work(self, event: Event, context: Context) -> dict[str, Any]:
        """Advance the runs that messages name. Raises SettingsError if there is no service: all come again."""
        return self._sandbox.run(lambda remaining: self._work(event, remaining), context)

    def tick(self, event: Event, context: Context) -> dict[str, Any]:
        """Do what the schedule in the event means. Raises InvalidInput for one that nobody knows, SettingsError."""
        return self._sandbox.run(lambda remaining: self._tick(event, remaining), context)

    async def _work(self, event: Event, remaining: Remaining) -> dict[str, Any]:
        house = await self._sandbox.house()
        try:
            await house.look_around()
        except StoreError as error:
            log.warning("the store cannot be read; all messages come again", error=str(error))
            runs = read_batch(event).runs.values()
            return {"batchItemFailures": [{"itemIdentifier": each} for ids in runs for each in ids]}
        async with house.bell.ringing():
            return await house.work.answer(event, remaining)

    async def _tick(self, event: Event, remaining: Remaining) -> dict[str, Any]:
        house = await self._sandbox.house()
        await house.look_around()
        async with house.bell.ringing():
            return dict(await house.schedules.run(event, remaining))

    async def _web(self, event: Event, remaining: Remaining) -> dict[str, Any]:
        by_hand = "requestContext" not in event and "httpMethod" not in event
        if by_hand and event.get("test") is True:
            return await self._test(remaining)
        second = "http" in (event.get("requestContext") or {}) or by_hand
        try:
            house = await self._sandbox.house()
            asked = read_event(_as_request(event, house.settings) if by_hand else event)
            said = await self._answer(house, asked, remaining)
            if said.status == 401 and _is_webhook(asked) and await self._sandbox.renewed():
                # It was signed with a secret that is newer than ours was.
                said = await self._answer(await self._sandbox.house(), asked, remaining)
        except InvalidInput as error:
            said = _problem(400, f"The event cannot be read: {error}.")
        except OnpaidError as error:
            log.error("there is no service", why=str(error))
            said = _problem(503, "The service cannot work just now: send it again.")
        except TimeoutError:
            said = _problem(503, "This took too long: send it again.")
        except Exception:
            log.exception("a request broke")
            said = _problem(500, "A fault in onpaid stopped this; the log has the details.")
        ident = structlog.contextvars.get_contextvars().get("request_id", "")
        said.headers.append((b"x-request-id", str(ident).encode("latin-1", "replace")))
        return as_event(said, second=second)

    async def _answer(self, house: House, asked: Asked, remaining: Remaining) -> Answer:
        await (house.may_work() if _is_webhook(asked) else house.look_around())
        async with house.bell.ringing(), asyncio.timeout(max(0.1, remaining() - LAST_WORD)):
            return await answer(self._face(house), asked)

    def _face(self, house: House) -> App:
        """The web application over this house, made once for it."""
        if self._app is None or self._made_for is not house:
            settings = dataclasses.replace(web_settings(house.settings), session_secret=house.session_secret)
            self._app, self._made_for = application(house.service, settings, _ready), house
        return self._app

    async def _test(self, remaining: Remaining) -> dict[str, Any]:
        """What `onpaid doctor` says."""
        try:
            found = await examine(await self._sandbox.house(), remaining)
        except OnpaidError as error:
            found = unbuilt(error)
        return {"ok": not any(each.wrong for each in found), "findings": _plain(found)}


async def _ready() -> list[str]:
    """A sandbox that answers takes work."""
    return []


def _is_webhook(asked: Asked) -> bool:
    path = str(asked.scope["path"])
    return path.startswith("/webhooks/") or path in AS_REQUIRED


def _as_request(event: Event, settings: Settings) -> dict[str, Any]:
    """An event that is only a body, as the request that it stands for. Raises InvalidInput."""
    if "body" not in event:
        raise InvalidInput('send an HTTP request, or {"body": ...}, or {"test": true}')
    body = event["body"]
    given = event.get("headers") or {}
    headers = {str(name).lower(): value for name, value in given.items()}
    signed = next((path for name, path in SIGNED.items() if name in headers), None)
    unsigned = CART if settings["RAZORPAY_KEY_ID"] else SIGNED["stripe-signature"]
    path = event.get("rawPath") or event.get("path") or settings["ONPAID_BARE_PATH"] or signed or unsigned
    return {
        "rawPath": path,
        "rawQueryString": event.get("rawQueryString", ""),
        "headers": {"host": "lambda", "content-type": "application/json", **headers},
        "body": body if isinstance(body, str) else msgspec.json.encode(body).decode(),
        "isBase64Encoded": bool(event.get("isBase64Encoded")),
        "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": ""}},
    }


def _problem(status: int, detail: str) -> Answer:
    body = msgspec.json.encode({"type": "about:blank", "status": status, "detail": detail})
    headers = [JSON, (b"retry-after", b"5")] if status == 503 else [JSON]
    return Answer(status, headers, body)


def _plain(found: list[Finding]) -> Any:
    return msgspec.to_builtins(found)


def _logging(settings: Settings) -> None:
    logs.configure(settings["ONPAID_LOG_LEVEL"], settings["ONPAID_LOG_FORMAT"], secrets=secrets_of(settings))


@cache
def _own() -> Doors:
    """The doors of this sandbox: Lambda keeps a module between invocations, and nothing else."""
    return Doors(Sandbox(os.environ, lambda settings: build_aws(settings, write=logs.raw), heard=_logging))


def web(event: Event, context: Context) -> dict[str, Any]:
    """The function that API Gateway invokes."""
    return _own().web(event, context)


def work(event: Event, context: Context) -> dict[str, Any]:
    """The function that SQS invokes."""
    return _own().work(event, context)


def tick(event: Event, context: Context) -> dict[str, Any]:
    """The function that EventBridge invokes."""
    return _own().tick(event, context)
