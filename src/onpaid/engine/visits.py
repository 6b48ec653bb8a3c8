"""Reads outside of runs: whoever only looks takes its place on the lane like everybody else.

A proof or a reconciliation asks a provider for pages of lists while runs act there. So that both together stay within
what the provider allows, a visitor enters the lane, and on a strict lane writes down that a call is in flight. Only
what is repeatable may be called so: nothing is journaled, and what is lost is asked again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from onpaid.acts import Act, Call, act_of
from onpaid.clock import Clock, Instant
from onpaid.engine.bell import Bell
from onpaid.engine.journal import HOLDS, LaneHold
from onpaid.engine.lanes import DEFAULT, Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.engine.sending import sent
from onpaid.errors import Conflict, Refused, StoreError, Unavailable
from onpaid.store.port import Store

T = TypeVar("T")

LOOK: Final = 0.05
"""Seconds between two looks whether there is a place."""
PATIENCE: Final = 20.0
"""Seconds after which a visitor who found no place says so, and comes again."""


class LanePaused(Refused):
    """The lane is paused: nobody is let in until a person opens it."""


class Visits:
    """Lets visitors onto the lanes of one process."""

    def __init__(
        self,
        store: Store,
        lanes: Lanes,
        clock: Clock,
        pace: Pace,
        bell: Bell,
        *,
        owner: str,
        shared: bool = False,
    ) -> None:
        """`shared` says that other processes work on the same store, as in `Engine(sole=False)`; `owner` names this
        process among them."""
        self._store, self._lanes, self._clock = store, lanes, clock
        self._pace, self._bell, self._shared = pace, bell, shared
        self._owner, self._count = owner, 0

    @classmethod
    def of(cls, engine: Engine) -> Visits:
        """For the lanes of an engine."""
        shop = engine.workshop
        return cls(
            engine.store,
            shop.lanes,
            engine.clock,
            engine.pace,
            engine.bell,
            owner=engine.owner,
            shared=shop.shared,
        )

    async def call(self, doing: Callable[..., Awaitable[T]], *args: object, **named: object) -> T:
        """Call a read. Raises LanePaused, Unavailable where no place became free, and what the provider raises."""
        act = act_of(doing)
        if not act.repeatable:
            raise AssertionError(f"{doing} is no read: only a run may call it")
        self._count += 1
        who = f"visit:{self._owner}:{self._count}"
        await self._enter(act.lane, who)
        try:
            return await self._call(lambda: doing(*args, **named), act, who)
        finally:
            self._lanes.leave(act.lane)

    async def _enter(self, lane: str | None, who: str) -> None:
        give_up = self._clock.monotonic() + PATIENCE
        while True:
            why = self._lanes.paused(lane)
            if why is not None:
                raise LanePaused(f"the lane {lane or DEFAULT} is paused: {why}")
            wait = self._lanes.enter(lane, who)
            if wait is not None:
                if wait > 0:
                    try:
                        await self._clock.sleep(wait)
                    except BaseException:
                        self._lanes.leave(lane)
                        raise
                return
            if self._clock.monotonic() > give_up:
                raise Unavailable(f"the lane {lane or DEFAULT} is busy")
            await self._clock.sleep(LOOK)

    async def _call(self, doing: Callable[[], Awaitable[T]], act: Act, who: str) -> T:
        lanes, clock = self._lanes, self._clock
        timeout = self._pace.seconds(act.timeout)
        strict = lanes.strict(act.lane)
        send_by = clock.monotonic() + timeout
        if strict:
            send_by = await self._hold(act.lane or "", timeout, who)

        async def let_go() -> None:
            if strict:
                await self._let_go(act.lane or "", who)

        answer = await sent(doing, Call(who, send_by, timeout, clock.monotonic), lanes, act.lane, let_go)
        lanes.answered(act.lane)
        return answer

    async def _hold(self, lane: str, seconds: float, who: str) -> float:
        """Write down that a call may be in flight; where the store is shared, once nobody else's is. Until when the
        request may leave, on the monotonic clock."""
        give_up = self._clock.monotonic() + PATIENCE
        while True:
            send_by = self._clock.monotonic() + seconds
            now = self._clock.now()
            until: Instant = now + round(seconds * 1000)
            if not self._shared:
                await self._store.commit([HOLDS.put(LaneHold(lane, until, who))])
                return send_by
            held = await HOLDS.get(self._store, lane)
            free = held is None or held.record.in_flight_until <= now
            # No call outlasts a lease: a clock that jumped shuts the lane for no longer than that.
            free = free or (
                held is not None and held.record.in_flight_until > now + self._pace.ms(self._pace.lease)
            )
            if free:
                waiters = [] if held is None else held.record.waiters
                taken = LaneHold(lane, until + self._pace.ms(self._pace.margin), who, waiters)
                with suppress(Conflict):
                    await self._store.commit(
                        [HOLDS.insert(taken) if held is None else HOLDS.update(taken, held.version)]
                    )
                    return send_by
            if self._clock.monotonic() > give_up:
                raise Unavailable(f"the lane {lane} is busy elsewhere")
            await self._clock.sleep(LOOK * 5)

    async def _let_go(self, lane: str, who: str) -> None:
        """The call is over: free the lane, and ring for who waits longest. Should that fail, the hold's end frees it."""
        if not self._shared:
            return
        with suppress(StoreError):
            while (held := await HOLDS.get(self._store, lane)) is not None and held.record.run == who:
                first, *others = held.record.waiters or [""]
                try:
                    await self._store.commit([HOLDS.update(LaneHold(lane, 0, "", others), held.version)])
                except Conflict:
                    continue
                self._bell.ring([first] if first else [])
                return
