"""Lanes: how many calls a provider takes at once, and how many a second.

A run that finds its lane busy does not hold its lease in a queue: it parks, and is called when its turn comes.
So one slow provider never holds up another, and nobody's lease or quiet period runs out while waiting.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from onpaid.acts import LaneLimit
from onpaid.clock import Clock
from onpaid.engine.bell import Bell
from onpaid.engine.pace import Pace
from onpaid.metrics import LANE_PAUSED

DEFAULT = "default"
"""The lane of acts that name none: without a limit, but it can be paused."""
NO_LIMIT = 1_000_000
CALLED_FOR = 2.0
"""Seconds that a place is kept for a run that was called and has not come yet."""


@dataclass(slots=True)
class _Lane:
    limit: LaneLimit
    inside: int = 0
    next_start: float = 0.0
    shut_until: float = 0.0
    queue: deque[str] = field(default_factory=deque)
    queued: set[str] = field(default_factory=set)
    called: dict[str, float] = field(default_factory=dict)
    paused: str | None = None
    failures: int = 0
    in_trouble: bool = False


class Lanes:
    """The lanes of this process."""

    def __init__(
        self, limits: Iterable[LaneLimit], clock: Clock, pace: Pace, bell: Bell, *, lifted: bool = False
    ) -> None:
        self._clock = clock
        self._pace = pace
        self._bell = bell
        self._lifted = lifted
        self._lanes = {limit.name: _Lane(limit) for limit in limits}

    def names(self) -> list[str]:
        """Every lane that was declared or used."""
        return sorted(self._lanes)

    def strict(self, name: str | None) -> bool:
        """Whether calls on this lane must be stored before they leave."""
        return self._lane(name).limit.strict

    def paused(self, name: str | None) -> str | None:
        """Why the lane is paused, or None."""
        return self._lane(name).paused

    def pause(self, name: str, reason: str) -> None:
        """Let nobody in until `resume`. Who is inside finishes."""
        self._lane(name).paused = reason
        LANE_PAUSED.labels(name).set(1)

    def resume(self, name: str) -> None:
        """Let runs in again."""
        lane = self._lane(name)
        lane.paused = None
        LANE_PAUSED.labels(name).set(0)
        self._call(lane)

    def shut(self, name: str, seconds: float) -> None:
        """Let nobody in for so long: a call of a process that died may still be in flight."""
        lane = self._lane(name)
        lane.shut_until = max(lane.shut_until, self._clock.monotonic() + seconds)

    def failed(self, name: str | None) -> None:
        """A call did not end well, and not because of what was asked."""
        self._lane(name).failures += 1

    def answered(self, name: str | None) -> None:
        """A call was refused: somebody is there."""
        self._lane(name).failures = 0

    def worked(self, name: str | None) -> bool:
        """A call was answered. Whether that ends a trouble."""
        lane = self._lane(name)
        lane.failures = 0
        ended, lane.in_trouble = lane.in_trouble, False
        return ended

    def dead(self, name: str | None, failures: int) -> bool:
        """Whether at least so many calls in a row have failed: then it is the provider, and no single run."""
        lane = self._lane(name)
        return name is not None and lane.failures >= failures

    def trouble(self, name: str) -> None:
        """Remember that a ticket says so, to be closed when a call works again."""
        self._lane(name).in_trouble = True

    def waiting(self, name: str) -> int:
        """How many runs wait for a place."""
        return len(self._lane(name).queue)

    def enter(self, name: str | None, run: str) -> float | None:
        """Take a place: the seconds to wait before calling (for the rate), or None if the run must queue."""
        lane = self._lane(name)
        now = self._clock.monotonic()
        self._forget_absent(lane, now)
        if now < lane.shut_until:
            self._enqueue(lane, run)
            self._bell.ring_in(run, lane.shut_until - now)
            return None
        lane.called.pop(run, None)
        if self._room(lane) <= len(lane.called):
            self._enqueue(lane, run)
            return None
        # Whoever comes to a free place takes it. To send it behind a queue whose calls were lost would be to send
        # everybody away for ever.
        self._dequeue(lane, run)
        lane.inside += 1
        start = max(now, lane.next_start)
        if lane.limit.per_second and not self._lifted:
            lane.next_start = start + 1 / lane.limit.per_second / self._pace.factor
        return start - now

    def leave(self, name: str | None) -> None:
        """Give the place back, and call the next run."""
        lane = self._lane(name)
        lane.inside -= 1
        self._call(lane)

    def _room(self, lane: _Lane) -> int:
        return lane.limit.at_once - lane.inside

    def _lane(self, name: str | None) -> _Lane:
        name = name or DEFAULT
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(LaneLimit(name, at_once=NO_LIMIT))
        return lane

    def _enqueue(self, lane: _Lane, run: str) -> None:
        if run not in lane.queued:
            lane.queue.append(run)
            lane.queued.add(run)

    def _dequeue(self, lane: _Lane, run: str) -> None:
        if run in lane.queued:
            lane.queued.discard(run)
            lane.queue.remove(run)

    def _forget_absent(self, lane: _Lane, now: float) -> None:
        for run in [run for run, until in lane.called.items() if until < now]:
            del lane.called[run]

    def _call(self, lane: _Lane) -> None:
        now = self._clock.monotonic()
        self._forget_absent(lane, now)
        if lane.paused is not None or now < lane.shut_until:
            return
        while lane.queue and self._room(lane) > len(lane.called):
            run = lane.queue.popleft()
            lane.queued.discard(run)
            lane.called[run] = now + CALLED_FOR
            self._bell.ring([run])
