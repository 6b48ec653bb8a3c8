"""What the demo asks over HTTP: the service's API as an operator would use it, and the simulators' own steering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import quote

import aiohttp

from onpaid.errors import NotPossible, OnpaidError

Json = dict[str, Any]
SECONDS = 20.0


class NoAnswer(OnpaidError):
    """One of the demo's processes did not answer as it should."""


class Talk:
    """Speaks JSON with one address."""

    def __init__(self, name: str, headers: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.base = ""
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Talk:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        self._session = aiohttp.ClientSession(headers=self._headers, timeout=timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str, **params: str | int) -> Json:
        """Read."""
        return await self._ask("GET", path, None, params)

    async def post(self, path: str, body: Json) -> Json:
        """Ask for something to be done. Raises NotPossible if the state of things does not allow it."""
        return await self._ask("POST", path, body, {})

    async def put(self, path: str, body: Json | list[str]) -> Json:
        """Set something. Raises NotPossible."""
        return await self._ask("PUT", path, body, {})

    async def _ask(
        self, method: str, path: str, body: Json | list[str] | None, params: Mapping[str, str | int]
    ) -> Json:
        if self._session is None:
            raise AssertionError("use it as a context")
        try:
            async with self._session.request(method, self.base + path, json=body, params=params) as reply:
                told: Json = await reply.json(content_type=None)
                status = reply.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as bad:
            raise NoAnswer(
                f"the demo's {self.name} does not answer {method} {path}: {type(bad).__name__}"
            ) from None
        if status in (404, 405, 409):
            raise NotPossible(str(told.get("detail") or told.get("error") or told))
        if status >= 400:
            raise NoAnswer(f"the demo's {self.name} answers {status} to {method} {path}: {told}")
        return told


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """What a person must look at. `run` is empty if none waits with it, `order` (a number) if it names none."""

    id: str
    category: str
    title: str
    run: str
    order: str
    facts: Json

    @property
    def subject(self) -> str:
        """The run that waits with it, or the ticket itself."""
        return self.run or self.id


class House:
    """The service, as its operator reaches it."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def tickets(self) -> list[OpenTicket]:
        """The open tickets."""
        found: list[OpenTicket] = []
        cursor: str | None = None
        while True:
            more: dict[str, str | int] = {"cursor": cursor} if cursor else {}
            page = await self._talk.get("/api/tickets", state="open", limit=100, **more)
            found += [
                OpenTicket(
                    id=each["id"],
                    category=each["category"],
                    title=each["title"],
                    run=each["run"] or "",
                    order=each["facts"].get("order", "").rpartition("/")[2],
                    facts=each["facts"],
                )
                for each in page["items"]
            ]
            cursor = page["cursor"]
            if not cursor:
                return found

    async def run(self, ident: str) -> Json:
        """One run, with its steps and what may be done to it."""
        return await self._talk.get(f"/api/runs/{quote(ident, safe='')}")

    async def settle(self, ident: str, *, step: str, attempt: int, done: bool, result: Any = None) -> None:
        """Say whether a step in doubt was done. Raises NotPossible."""
        body = {"step": step, "attempt": attempt, "done": done, "result": result}
        await self._talk.post(f"/api/runs/{quote(ident, safe='')}/settle", body)

    async def decide(self, number: str, choice: str) -> None:
        """Decide about an order that is paid and oversold. Raises NotPossible."""
        await self._talk.post(f"/api/orders/{quote(number, safe='')}/decide", {"choice": choice})

    async def cancel(self, ident: str, why: str) -> None:
        """End a run that only told of something. Raises NotPossible."""
        await self._talk.post(f"/api/runs/{quote(ident, safe='')}/cancel", {"why": why})

    async def close(self, ticket: str) -> None:
        """Put a ticket away that no run will close. Raises NotPossible."""
        await self._talk.post(f"/api/tickets/{quote(ticket, safe='')}/close", {})
