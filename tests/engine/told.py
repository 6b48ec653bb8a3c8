"""A run told with its fates: what the service does to it, what look-ups answer, and what its journal says, to the second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from onpaid.acts import Finding, Unsure, act
from onpaid.engine.context import Context
from onpaid.engine.flow import Flow, flow
from onpaid.engine.journal import Run, Step
from onpaid.engine.testing import START, MemoryStore, MortalStore, Process, VirtualClock, run_virtually
from onpaid.errors import Refused, Unauthorised, Unavailable
from tests.engine.meddling import process, the_run
from tests.engine.service import (
    Client,
    Paid,
    Service,
    Thing,
)

HOUR = 3600
KINDS = {
    "finding": "find",
    "finding_untold": "find",
    "by_looking_first": "find",
    "by_key": "key",
    "by_key_and_find": "key",
    "by_once": "once",
}


class Asked(Client):
    """A client whose look-ups have fates of their own, and whose service may not tell how long it takes."""

    def __init__(self, service: Service, looks: Sequence[str] = ()) -> None:
        super().__init__(service)
        self.looks = list(looks)

    @act(repeatable=True)
    async def find(self, paid: Paid) -> Finding[Thing]:
        fate = self.looks.pop(0) if self.looks else ""
        if fate == "unavailable":
            raise Unavailable("down", retry_after=20 * HOUR)
        if fate == "refused":
            raise Refused("no such account")
        if fate == "unauthorised":
            raise Unauthorised("the token is revoked")
        if fate in ("unsure", "final"):
            return Unsure("two hits", final=fate == "final")
        return await Client.find(self, paid)

    @act(settles=None)
    async def make_untold(self, paid: Paid) -> Thing:
        return await self._act("make", paid.id)


@flow(on=Paid, key=lambda paid: paid.id)
async def finding(ctx: Context, paid: Paid, *, client: Asked) -> Thing:
    return await ctx.step("make", client.make, paid, find=client.find)


@flow(on=Paid, key=lambda paid: paid.id)
async def finding_untold(ctx: Context, paid: Paid, *, client: Asked) -> Thing:
    return await ctx.step("make", client.make_untold, paid, find=client.find)


class Told:
    """A service, a store and a clock, in which one run meets its fates."""

    def __init__(
        self, story: Flow, *fates: str, looks: Sequence[str] = (), lag: float = 0.0, **more: Any
    ) -> None:
        self.story, self.more = story, more
        self.service = Service(fates, lag=lag)
        self.client = Asked(self.service, looks)
        self.store, self.clock = MemoryStore(), VirtualClock()
        self.lives = 0

    def life(self, **more: Any) -> Process:
        """Another process on the same store."""
        self.lives += 1
        guests = {"client": self.client}
        name = f"life {self.lives}"
        return process(
            MortalStore(self.store),
            self.service,
            self.story,
            clock=self.clock,
            guests=guests,
            name=name,
            **{**self.more, **more},
        )

    async def begin(self, seconds: float) -> Process:
        """The run is begun; so long after, the process still lives."""
        one = self.life()
        await one.engine.recorder.record(facts=[Paid("p1")])
        one._living = asyncio.create_task(one.live())  # type: ignore[attr-defined]
        await asyncio.sleep(seconds)
        return one

    async def run(self) -> Run:
        return await the_run(self.store, f"{self.story.name}:p1")

    async def step(self) -> Step:
        return (await self.run()).steps[-1]

    async def transcript(self) -> list[str]:
        """What was tried, as "second what outcome"."""
        step = await self.step()
        assert step.tries == sum(each.what == "act" for each in step.attempts)
        assert [each.number for each in step.attempts] == list(range(1, len(step.attempts) + 1))
        assert step.kind == KINDS.get(self.story.name, step.kind)
        assert step.key_number == 1 or step.kind == "key"
        assert not any(each.note for each in step.attempts if each.outcome in ("absent", "found", "done"))
        return [f"{(each.at - START) // 1000} {each.what} {each.outcome}" for each in step.attempts]


def tells(
    story: Flow, *fates: str, says: list[str], state: str = "done", seconds: float = 30 * HOUR, **more: Any
) -> None:
    """Hold that a run with these fates is told so, and ends so."""

    async def main() -> None:
        told = Told(story, *fates, **more)
        await told.begin(seconds)
        assert await told.transcript() == says
        assert (await told.run()).state == state
        if state == "done":
            assert len(told.service.things) == 1

    run_virtually(main)
