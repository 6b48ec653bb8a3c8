"""Sends webhooks, and sends each again until it is answered with a 2xx, as shops and payment providers do.

A target that is down, restarting or refusing only delays a webhook. A forged one is offered until somebody answers
it at all, and what was answered is kept: a 2xx to a forgery is a finding.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import aiohttp

from onpaid.simulators.kit import Background, Clock, Dice, Json, Times

MOST_CONNECTIONS = 64


@dataclass(slots=True)
class Parcel:
    """One webhook to deliver. `headers` is asked anew at each try, since each try is signed anew.

    So is `url` where it can be asked, and `wanted`: what nobody wants any more is given up.
    """

    source: str
    name: str
    url: str | Callable[[], str]
    body: bytes
    headers: Callable[[], Mapping[str, str]]
    hold: float = 0.0
    copies: int = 0
    together: bool = False
    forged: bool = False
    on_delivered: Callable[[], None] = lambda: None
    wanted: Callable[[], bool] = lambda: True
    tried: asyncio.Event = field(default_factory=asyncio.Event)


class Sender:
    """Delivers parcels in the background."""

    def __init__(self, clock: Clock, times: Times) -> None:
        self._clock = clock
        self._times = times
        self._tasks = Background()
        self._session: aiohttp.ClientSession | None = None
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.forget()

    def forget(self) -> None:
        """Start counting anew."""
        self.facts = self.dropped = self.waiting = self.attempts = self.delivered = self.unreachable = 0
        self.given_up = 0
        self.refused: Counter[str] = Counter()
        self.last_refusal: str | None = None
        self.forged = {"sent": 0, "refused": 0, "accepted": 0}
        self.forgeries_accepted: list[str] = []

    def counts(self) -> Json:
        """Figures for the ledger: `waiting` is what still has to be acknowledged."""
        return {
            "facts": self.facts,
            "attempts": self.attempts,
            "delivered": self.delivered,
            "waiting": self.waiting,
            "dropped": self.dropped,
            "given_up": self.given_up,
            "unreachable": self.unreachable,
            "refused": dict(self.refused),
            "last_refusal": self.last_refusal,
        }

    def send(self, parcel: Parcel) -> Parcel:
        """Deliver this one, and as many further copies of it as it says."""
        self.facts += not parcel.forged
        copies = 1 + parcel.copies
        self.waiting += copies
        self._quiet.clear()
        self._tasks.start(self._deliver_all(parcel, copies))
        return parcel

    async def idle(self) -> None:
        """Until nothing waits to be delivered."""
        await self._quiet.wait()

    async def close(self) -> None:
        await self._tasks.close()
        if self._session is not None:
            await self._session.close()
        self._session = None
        self.waiting = 0
        self._quiet.set()

    async def _deliver_all(self, parcel: Parcel, copies: int) -> None:
        if parcel.hold > 0:
            await self._clock.sleep(parcel.hold)
        if parcel.together:
            await asyncio.gather(*(self._deliver(parcel, copy) for copy in range(copies)))
            return
        for copy in range(copies):
            await self._deliver(parcel, copy)

    async def _deliver(self, parcel: Parcel, copy: int) -> None:
        attempt = 0
        while True:
            if not parcel.wanted():
                self.given_up += 1
                parcel.tried.set()
                break
            status, text = await self._post(parcel)
            parcel.tried.set()
            if parcel.forged and status is not None:
                self._judge_forgery(parcel, status)
                break
            if status is not None and 200 <= status < 300:
                self.delivered += 1
                parcel.on_delivered()
                break
            if status is None:
                self.unreachable += 1
            else:
                self.refused[str(status)] += 1
                self.last_refusal = f"{parcel.source} {parcel.name}: {status} {text[:200]}"
            await self._clock.sleep(self._backoff(parcel, copy, attempt))
            attempt += 1
        self.waiting -= 1
        if self.waiting == 0:
            self._quiet.set()

    def _backoff(self, parcel: Parcel, copy: int, attempt: int) -> float:
        longest: float = min(self._times.resend_longest, self._times.resend_first * 2 ** min(attempt, 10))
        return longest * Dice(0).at(parcel.name, str(copy)).between(str(attempt), 0.75, 1.0)

    def _judge_forgery(self, parcel: Parcel, status: int) -> None:
        self.forged["sent"] += 1
        if 200 <= status < 300:
            self.forged["accepted"] += 1
            self.forgeries_accepted.append(f"{parcel.source} {parcel.name}")
        else:
            self.forged["refused"] += 1

    async def _post(self, parcel: Parcel) -> tuple[int | None, str]:
        """The status and the text of the answer, or None where there was none."""
        self.attempts += not parcel.forged
        if self._session is None:
            limits = aiohttp.TCPConnector(limit=MOST_CONNECTIONS)
            total = aiohttp.ClientTimeout(total=self._times.webhook_timeout)
            self._session = aiohttp.ClientSession(connector=limits, timeout=total)
        url = parcel.url if isinstance(parcel.url, str) else parcel.url()
        try:
            async with self._session.post(
                url, data=parcel.body, headers=parcel.headers(), allow_redirects=False
            ) as reply:
                return reply.status, (await reply.content.read(500)).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None, ""
