"""An outside service for the engine's tests: it keeps what was done to it, and misbehaves by plan.

A plan is a list of fates, one for each call in order; when it is used up all is well. The service outlives the
process, as services do; each process has a `Client` of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from onpaid.acts import Absent, Finding, Found, Unsure, act, current_call
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Doubtful, Refused, Unauthorised, Unavailable


class Paid(msgspec.Struct, frozen=True):
    """The fact of these tests."""

    id: str
    amount: int = 100


class Thing(msgspec.Struct, frozen=True):
    """What the service makes."""

    id: int
    reference: str


class Service:
    """The service's own books."""

    def __init__(self, fates: Sequence[str] = (), lag: float = 0.0) -> None:
        self.fates = list(fates)
        self.lag = lag
        self.things: list[Thing] = []
        self.seen_at: dict[int, float] = {}
        self.keys: dict[str, Thing | str] = {}
        self.calls: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.sent_keys: list[str] = []

    def make(self, reference: str) -> Thing:
        thing = Thing(len(self.things) + 1, reference)
        self.things.append(thing)
        self.seen_at[thing.id] = asyncio.get_running_loop().time() + self.lag
        return thing

    def fate(self) -> str:
        return self.fates.pop(0) if self.fates else "well"

    def land_later(self, reference: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.make, reference)

    def visible(self, reference: str) -> list[Thing]:
        now = asyncio.get_running_loop().time()
        return [t for t in self.things if t.reference == reference and self.seen_at[t.id] <= now]


class Client:
    """What a flow is handed."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def _act(self, what: str, reference: str) -> Thing:
        service = self._service
        call = current_call.get()
        assert call is not None
        service.calls.append(what)
        service.sent_keys.append(call.key)
        service.at_once += 1
        service.most_at_once = max(service.most_at_once, service.at_once)
        try:
            await asyncio.sleep(0.05)
            fate = service.fate()
            if fate == "refuse":
                raise Refused("the amount is wrong")
            if fate == "unauthorised":
                raise Unauthorised("the token is revoked")
            if fate == "unavailable":
                raise Unavailable("too many requests", retry_after=3)
            if fate == "lost request":
                await asyncio.sleep(1000)
            if fate == "late":
                service.land_later(reference, 8)
                await asyncio.sleep(1000)
            if fate == "500 without":
                raise Doubtful("500", answered=True)
            if fate == "bug":
                raise ZeroDivisionError
            thing = service.make(reference)
            if fate == "lost reply":
                await asyncio.sleep(1000)
            if fate == "reset":
                raise Doubtful("connection reset")
            if fate == "500 after":
                raise Doubtful("500", answered=True)
            return thing
        finally:
            service.at_once -= 1

    @act(settles=timedelta(seconds=10), claim=lambda thing: f"service:{thing.id}")
    async def make(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)

    @act(settles=timedelta(seconds=10), look_first=True, claim=lambda thing: f"service:{thing.id}")
    async def make_looking(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)

    @act(repeatable=True)
    async def find(self, paid: Paid) -> Finding[Thing]:
        self._service.calls.append("find")
        fate = (
            self._service.fate() if self._service.fates and self._service.fates[0].startswith("find") else ""
        )
        if fate == "find fails":
            raise Unavailable("down")
        if fate == "find unsure":
            return Unsure("two hits")
        found = self._service.visible(paid.id)
        return Found(found[0]) if found else Absent()

    @act(repeatable=True)
    async def read(self, paid: Paid) -> int:
        self._service.calls.append("read")
        if self._service.fate() == "unavailable":
            raise Unavailable("down")
        return paid.amount

    @act(key_life=timedelta(hours=24))
    async def make_by_key(self, paid: Paid) -> Thing:
        call = current_call.get()
        assert call is not None
        service = self._service
        held = service.keys.get(call.key)
        if isinstance(held, Thing):
            service.calls.append("replay")
            return held
        if held == "500":
            service.calls.append("replay 500")
            raise Doubtful("500", answered=True)
        if service.fates and service.fates[0] == "stored 500":
            service.fates.pop(0)
            service.keys[call.key] = "500"
            raise Doubtful("500", answered=True)
        before = len(service.things)
        try:
            return await self._act("make", paid.id)
        finally:
            if len(service.things) > before:
                service.keys[call.key] = service.things[-1]

    @act()
    async def tell(self, paid: Paid) -> Thing:
        return await self._act("tell", paid.id)


@flow(on=Paid, key=lambda paid: paid.id, about=lambda paid: [f"order:{paid.id}"])
async def by_find(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    await ctx.step("read", client.read, paid)
    return await ctx.step("make", client.make, paid, find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def by_looking_first(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    return await ctx.step("make", client.make_looking, paid, find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def by_key(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    return await ctx.step("make", client.make_by_key, paid)


@flow(on=Paid, key=lambda paid: paid.id)
async def by_key_and_find(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    return await ctx.step("make", client.make_by_key, paid, find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def by_once(ctx: Context, paid: Paid, *, client: Client) -> Thing:
    return await ctx.step("tell", client.tell, paid)
