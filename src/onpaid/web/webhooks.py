"""Where providers send their webhooks: raw bytes in, 200 once the event is durably kept, never before.

A plain ASGI callable, asked before any routing: this is the path whose speed counts. `POST /webhooks/<source>`, or
`/webhooks/<source>/<token>` for senders that can only set a URL; the token is never logged. What a sender did wrong
is answered in a sentence (400, 401, 413, 415); what we cannot do now is 503, so that the sender sends again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
import structlog

from onpaid.app.forgeries import Forgeries
from onpaid.app.inbox import Inbox
from onpaid.clock import Clock
from onpaid.errors import BadSignature, InvalidInput, StoreError
from onpaid.metrics import ACKNOWLEDGED
from onpaid.web.answers import COME_AGAIN, Receive, Scope, Send, send_problem, send_raw
from onpaid.web.framing import Budget, Gone, TooLarge, TooMuch, TooSlow, declared_length, read_body
from onpaid.web.settings import WebSettings

log = structlog.get_logger("onpaid.web")

PREFIX = "/webhooks/"
NOOP = "noop"
JSON_ONLY = ("application/json",)
AGAIN = [(b"retry-after", b"%d" % COME_AGAIN)]


class Acknowledged(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a delivery: `duplicate` was kept before, `ignored` means nothing to us and is kept too."""

    event: str
    verdict: str
    ignored: bool = False
    reason: str = ""


Handshake = Callable[[Mapping[str, str]], str | None]
"""From the query of a GET to what a source wants to hear, or None if it has not shown who it is."""


class Webhooks:
    """Answers every path under `/webhooks/`, and the further paths that the settings name."""

    def __init__(
        self,
        inbox: Inbox,
        settings: WebSettings,
        clock: Clock,
        forgeries: Forgeries | None = None,
        handshakes: Mapping[str, Handshake] | None = None,
    ) -> None:
        """`handshakes` are of sources that ask by GET whether they are welcome; `forgeries` counts what is refused."""
        self._inbox = inbox
        self._forgeries = forgeries
        self._handshakes = dict(handshakes or {})
        self._settings = settings
        self._clock = clock
        self._paths = {f"{PREFIX}{name}": name for name in inbox.sources} | dict(settings.webhook_paths)
        if settings.bench_noop:
            self._paths[f"{PREFIX}{NOOP}"] = NOOP
        self._timers = {name: ACKNOWLEDGED.labels(name) for name in self._paths.values()}
        self._encode = msgspec.json.Encoder().encode
        self._patience = settings.body_patience.total_seconds()
        self._budget = Budget(settings.bodies_limit)

    def takes(self, path: str) -> bool:
        """Whether this path is answered here."""
        return path.startswith(PREFIX) or path in self._paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        token: str | None = None
        name = self._paths.get(path)
        if name is None:
            path, _, token = path.rpartition("/")
            name = self._paths.get(path)
            if name is None or not token:
                await send_problem(send, 404, "There is no such webhook: look at the path after /webhooks/.")
                return
        if scope["method"] == "GET" and name in self._handshakes:
            await self._shake(name, scope, send)
            return
        if scope["method"] != "POST":
            await send_problem(send, 405, "Webhooks are sent with POST.", [(b"allow", b"POST")])
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        welcome = JSON_ONLY if name == NOOP else self._inbox.sources[name].media
        if media not in welcome:
            await send_problem(send, 415, f"Send the body as Content-Type: {welcome[0]}.")
            return
        limit = self._settings.body_limit
        try:
            if declared_length(scope["headers"]) > limit:
                raise TooLarge
            body = await read_body(receive, limit, self._patience, self._budget)
            began = self._clock.monotonic()
            receipt = None if name == NOOP else await self._inbox.receive(name, headers, body, token=token)
        except Gone:
            log.info("webhook broke off", source=name)
        except TooLarge:
            await send_problem(send, 413, f"A webhook may have {limit:,} bytes at most.")
        except TooSlow:
            await send_problem(send, 408, "The body did not come to an end in time: send it again.")
        except TooMuch:
            await send_problem(send, 503, "Too many large webhooks at once: send it again.", AGAIN)
        except InvalidInput as bad:
            log.info("webhook refused", source=name, status=400, why=str(bad))
            await send_problem(send, 400, f"The webhook was not kept: {bad}.")
        except BadSignature as bad:
            log.info("webhook refused", source=name, status=401, why=str(bad))
            await send_problem(send, 401, f"The webhook was not kept: {bad}.")
            if self._forgeries is not None:
                await self._forgeries.note(name)
        except StoreError as error:
            log.warning("webhook not kept", source=name, status=503, why=str(error))
            await send_problem(send, 503, "The webhook could not be kept just now: send it again.", AGAIN)
        except Exception:
            log.exception("webhook broke", source=name)
            await send_problem(send, 500, "A fault in onpaid: the webhook was not kept, send it again.")
        else:
            if receipt is None:
                answer = b'{"event":"","verdict":"noop"}'
            else:
                ignored = receipt.verdict == "ignored"
                shown = Acknowledged(
                    receipt.event, receipt.verdict, ignored, receipt.reason if ignored else ""
                )
                answer = self._encode(shown)
            await send_raw(send, 200, answer)
            self._timers[name].observe(self._clock.monotonic() - began)

    async def _shake(self, name: str, scope: Scope, send: Send) -> None:
        """Answer a GET by which a source makes sure that this address is ours."""
        given = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)[:20])
        said = self._handshakes[name](given)
        if said is None:
            log.info("handshake refused", source=name)
            await send_problem(send, 403, "The handshake's token is not ours.")
            return
        await send_raw(send, 200, said.encode(), b"text/plain; charset=utf-8")
