"""What these tests work with: quick times, a clock moved by hand, a client that has the keys, a target for webhooks."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.requests import Request
from starlette.responses import Response

from onpaid.simulators import Served, Simulators, Target, Times, ledger

QUICK = Times(
    answer=0,
    slow_longest=0.02,
    landing_longest=0.02,
    late_landing=0.15,
    hang_longest=5,
    shuffle_longest=0.02,
    delay_longest=0.04,
    resend_first=0.005,
    resend_longest=0.02,
    webhook_timeout=2,
    capture_after=0.01,
    upsell_after=0.01,
    order_late=0.01,
    search_lag=0.02,
    status_after=0.01,
    scan_after=0.01,
)
TARGET = Target(
    stripe_secrets=("whsec_new", "whsec_old"),
    konverzky_secrets=("shop_new", "shop_old"),
)
GUEST = {"name": "Kari Lie", "email": "kari@example.org", "address": {"country": "NO", "city": "Oslo"}}
COMPANY = "/fiken/api/v2/companies/simulated-shop"


class HandClock:
    """A clock that a test moves by hand: who sleeps is let go when `gate` opens."""

    def __init__(self) -> None:
        self.at = time.time()
        self.gate = asyncio.Event()
        self.asleep = asyncio.Event()

    def now(self) -> float:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.asleep.set()
        await self.gate.wait()


@dataclass
class Said:
    """An answer, read."""

    status: int
    headers: Any
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Client:
    """Calls the simulators with the right keys, or with others where a test says so."""

    served: Served
    session: aiohttp.ClientSession

    @property
    def simulators(self) -> Simulators:
        return self.served.simulators

    def ledger(self) -> Any:
        return ledger(self.simulators)

    async def call(self, method: str, path: str, **more: Any) -> Said:
        async with self.session.request(method, self.served.base + path, **more) as reply:
            return Said(reply.status, reply.headers, await reply.text())

    async def stripe(self, method: str, path: str, *, headers: Any = None, **more: Any) -> Said:
        sent = {"Authorization": "Bearer sk_test_simulated", **(headers or {})}
        return await self.call(method, f"/stripe/v1{path}", headers=sent, **more)

    async def fiken(self, method: str, path: str, *, token: str = "fiken_simulated", **more: Any) -> Said:
        return await self.call(method, COMPANY + path, headers={"Authorization": f"Bearer {token}"}, **more)

    async def contact(self, **more: Any) -> int:
        """A customer at Fiken, made without faults."""
        said = await self.fiken(
            "POST", "/contacts", json={"name": "Ola", "email": "o@example.org", "customer": True, **more}
        )
        assert said.status == 201, said.text
        return int(said.headers["Location"].rsplit("/", 1)[1])


@dataclass
class Receiver:
    """Takes webhooks, and answers them as `answer` says."""

    base: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[str, dict[str, str], bytes], int | Awaitable[int]] = lambda _path, _headers, _body: 200

    async def take(self, request: Request) -> Response:
        path, headers, body = request.url.path, dict(request.headers), await request.body()
        self.got.append((path, headers, body))
        status = self.answer(path, headers, body)
        return Response(status_code=status if isinstance(status, int) else await status)

    def events(self) -> list[Any]:
        return [json.loads(body) for path, _headers, body in self.got if path.endswith("stripe")]

    def orders(self) -> list[Any]:
        return [json.loads(body) for path, _headers, body in self.got if "konverzky" in path]


Start = Callable[..., Awaitable[Client]]


async def pay(client: Client, **more: Any) -> Any:
    said = await client.call(
        "POST", "/stripe/_charges", json={"order_number": "1001", "amount": 49800, **more}
    )
    assert said.status == 201, said.text
    made: Any = said.json
    return made
