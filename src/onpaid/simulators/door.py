"""One provider's entrance: every call comes through here, and here the fault plan gets at it.

What the call would do is handed in as `effect`, which is run at once, after the answer, long after it, or never.
A lost answer is a real one: the connection is reset, or it hangs until the client has given up.
"""

import socket
import struct
from asyncio import Transport
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from onpaid.simulators.kit import Answer, Background, Clock, Times
from onpaid.simulators.plan import FaultPlan, Trouble

TRANSPORT: Final = "simulators.transport"
RESET: Final = struct.pack("ii", 1, 0)


def transport_of(scope: Scope) -> Transport | None:
    """The connection under a request, where our own server is the one that serves."""
    found: Transport | None = scope.get("extensions", {}).get(TRANSPORT)
    return found


def render(answer: Answer) -> Response:
    """An answer as it goes over the wire."""
    if answer.body is None:
        return Response(status_code=answer.status, headers=dict(answer.headers))
    return JSONResponse(answer.body, answer.status, headers=dict(answer.headers))


class NoReply(Response):
    """Nothing at all: the connection is already gone, or goes now."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cut(scope)
        while (await receive())["type"] != "http.disconnect":
            pass


def cut(scope: Scope) -> None:
    """Reset the connection, as a crashed server or a broken proxy would."""
    transport = transport_of(scope)
    if transport is None or transport.is_closing():
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


class Door:
    """Lets calls in to one provider, in trouble or without."""

    def __init__(
        self, provider: str, plan: FaultPlan, clock: Clock, times: Times, background: Background
    ) -> None:
        self.provider = provider
        self._plan = plan
        self._clock = clock
        self._times = times
        self._background = background

    async def answer(
        self,
        request: Request,
        operation: str,
        key: str,
        effect: Callable[[Trouble | None], Answer],
        *,
        writes: bool,
        refusal: Callable[[Trouble], Answer],
        undone: Callable[[Trouble], None] = lambda _trouble: None,
        written: Callable[[Answer], Response] = render,
    ) -> Response:
        """Answer one call. `undone` is told when the call will surely never take effect.

        `written` puts an answer into the provider's own format, where that is not JSON.
        """
        trouble = self._plan.for_call(self.provider, operation, key, writes=writes)
        if trouble is None or trouble.reply == "slow":
            await self._pause(self._times.answer if trouble is None else trouble.after)
            return written(effect(trouble))
        if trouble.lands == "now":
            effect(trouble)
        elif trouble.lands == "never":
            undone(trouble)
        if trouble.reply == "hang":
            await self._hang(request)
        elif trouble.reply == "reset":
            cut(request.scope)
        if trouble.lands == "after":
            self._background.start(self._land(trouble, effect))
        if trouble.reply == "status":
            await self._pause(self._times.answer)
            return written(refusal(trouble))
        return NoReply()

    async def _pause(self, seconds: float) -> None:
        if seconds > 0:
            await self._clock.sleep(seconds)

    async def _land(self, trouble: Trouble, effect: Callable[[Trouble | None], Answer]) -> None:
        await self._clock.sleep(trouble.after)
        effect(trouble)

    async def _hang(self, request: Request) -> None:
        """Say nothing until the client has gone, or for as long as the longest hang."""
        waited = self._background.start(self._give_up(request))
        try:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        finally:
            waited.cancel()

    async def _give_up(self, request: Request) -> None:
        await self._clock.sleep(self._times.hang_longest)
        cut(request.scope)
