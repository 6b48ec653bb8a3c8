"""Who goes first when many come at once: webhooks, always. This stands before everything else.

Handlers seldom pause, so a hundred pages that are asked for at the same moment would be made one after the other
while a webhook waits behind them. Here they wait instead: in each turn of the loop one begins, and then what has
arrived in the meantime is looked at. When too many wait, or too many connections are open, the rest are asked to come
again.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import deque
from typing import Final

import structlog

from onpaid.web.answers import COME_AGAIN, App, Headers, Receive, Scope, Send, send_problem

log = structlog.get_logger("onpaid.web")

PROBES: Final = frozenset(("/healthz", "/readyz"))
"""They have a room of their own: whoever asks whether the service is well must hear so while its pages are flooded."""
MOST_PROBES: Final = 32
CROWD: Final = 900
"""Open connections from which on only webhooks and probes are answered."""
MOST_CONNECTIONS: Final = 4_000
"""Nobody is answered beyond: who they are is not known before their request is read."""
OTHER_FILES: Final = 124
"""Files and sockets that the process needs besides."""
CROWDED: Final = "onpaid.crowded"
BUSY: Final = "Too many ask at once: come again in a few seconds."
AGAIN: Final = [(b"retry-after", b"%d" % COME_AGAIN)]
CLOSED: Final[Headers] = [*AGAIN, (b"connection", b"close")]


class Room:
    """So many requests at once, those included that wait for their turn."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def full(self) -> bool:
        """Whether nobody else may come in."""
        return self._inside >= self._most

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._begin)
        self._waiting.append(turn)
        self._inside += 1
        try:
            await turn
        except BaseException:
            self._inside -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        self._inside -= 1

    def _begin(self) -> None:
        """Let the next one begin, and the others in the turns after this one."""
        turn = self._waiting.popleft()
        if not turn.done():
            turn.set_result(None)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._begin)


class Crowd:
    """An application behind its rooms: one for probes, one for everybody else."""

    def __init__(self, app: App, most: int) -> None:
        """`most` requests may be inside at once."""
        self._app = app
        self._probes, self._others = Room(MOST_PROBES), Room(most)
        self._away = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answered in its turn, or asked to come again."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        probe = scope["path"] in PROBES
        room = self._probes if probe else self._others
        crowded = not probe and CROWDED in scope.get("extensions", ())
        if crowded or room.full():
            self._note()
            await send_problem(send, 503, BUSY, CLOSED if crowded else AGAIN)
            return
        async with room:
            await self._app(scope, receive, send)

    def _note(self) -> None:
        """The first of a thousand is told to the log: a flood must not become a flood of lines."""
        if self._away % 1000 == 0:
            log.warning("requests are turned away: too many at once", before=self._away)
        self._away += 1


def mark(scope: Scope, connections: int) -> None:
    """Note in a request's scope that so many connections are open, if that is a crowd."""
    if connections >= CROWD:
        scope.setdefault("extensions", {})[CROWDED] = {}


def most_connections() -> int:
    """How many connections this process can hold: its allowance of files is raised as far as it is needed and may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(OSError, ValueError):  # some systems have a limit above the limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, raised), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, soft - OTHER_FILES)
