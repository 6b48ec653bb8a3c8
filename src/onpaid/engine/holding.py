"""One call at a time on a strict lane, over all processes that share a store.

Before a call leaves, its process puts its name into the lane's hold, until when the call may be in flight at most.
After a clear answer it lets the next one in; after none, or if it dies, time does. Who finds the lane taken is noted
down as waiting and parks: a ring is a courtesy, its own timer looks again.
"""

from __future__ import annotations

from contextlib import suppress

from onpaid.clock import Instant
from onpaid.engine.journal import HOLDS, LaneHold
from onpaid.engine.telling import Telling
from onpaid.errors import Conflict, StoreError
from onpaid.store.port import Update

MOST_WAITERS = 1000
"""Those beyond are not noted down: their timers bring them."""


async def take_turn(telling: Telling, lane: str, until: Instant) -> None:
    """Hold the lane until then at the latest; or park until it may be free. Raises Parked, StoreError."""
    store, clock, pace, run = telling.recorder.store, telling.clock, telling.pace, telling.run.id
    while True:
        held = await HOLDS.get(store, lane)
        hold, now = (LaneHold(lane, 0), clock.now()) if held is None else (held.record, clock.now())
        with suppress(Conflict):
            if hold.in_flight_until <= now:
                waiters = [each for each in hold.waiters if each != run]
                # The margin is for clocks of two machines that do not agree to the second.
                taken = LaneHold(lane, until + pace.ms(pace.margin), run, waiters)
                await store.commit(
                    [HOLDS.insert(taken) if held is None else HOLDS.update(taken, held.version)]
                )
                return
            # No call outlasts a lease: a clock that jumped shuts the lane for no longer than that.
            ends = min(hold.in_flight_until, now + pace.ms(pace.lease))
            due, changed = min(ends, now + pace.ms(pace.look_again)) + 1, ends < hold.in_flight_until
            hold.in_flight_until = ends
            if run not in hold.waiters and len(hold.waiters) < MOST_WAITERS:
                hold.waiters.append(run)
                changed = True
            more: list[Update] = []
            if held is not None and changed:
                more.append(HOLDS.update(hold, held.version))
            await telling.park("waiting", due, f"waits for its turn at {lane}", more=more)


async def let_next_in(telling: Telling, lane: str) -> None:
    """The call is over: free the lane and ring for who waits longest. Should that fail, the hold's end frees it."""
    store = telling.recorder.store
    with suppress(StoreError):
        while (held := await HOLDS.get(store, lane)) is not None and held.record.run == telling.run.id:
            first, *others = held.record.waiters or [""]
            try:
                await store.commit([HOLDS.update(LaneHold(lane, 0, "", others), held.version)])
            except Conflict:
                continue
            telling.recorder.bell.ring([first] if first else [])
            return
