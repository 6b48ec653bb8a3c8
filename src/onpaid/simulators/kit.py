"""What all simulators share: the clock, their time constants, dice, background tasks and the shape of an answer.

Dice are stateless: a throw depends only on the seed and on the names along its path, never on what was thrown
before. So two runs with one seed draw the same faults for the same call, whatever the order of arrival.
"""

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Json = dict[str, Any]


class Clock(Protocol):
    """Time as the simulators see it; tests hand in a quick one."""

    def now(self) -> float:
        """Seconds since 1970."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let that much time pass."""
        ...


class RealClock:
    """The clock on the wall."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Times:
    """The simulators' own time constants, in seconds.

    They stand for how the outside world behaves, so a run that compresses the product's time leaves them alone:
    otherwise a quiet period that is too short would shrink together with what it has to outlast.
    """

    answer: float = 0.003
    slow_longest: float = 0.25
    landing_longest: float = 0.4
    late_landing: float = 8.0
    hang_longest: float = 60.0
    retry_after: int = 1
    shuffle_longest: float = 0.3
    delay_longest: float = 2.0
    resend_first: float = 0.2
    resend_longest: float = 2.0
    webhook_timeout: float = 10.0
    capture_after: float = 0.3
    upsell_after: float = 0.5
    order_late: float = 0.6
    search_lag: float = 0.3
    status_after: float = 0.15
    scan_after: float = 0.3


@dataclass(frozen=True, slots=True)
class Dice:
    """Repeatable chance: `Dice(7).at("fiken", "send").unit("hit")` is the same number for ever."""

    seed: int
    path: tuple[str, ...] = ()

    def at(self, *names: str) -> "Dice":
        return Dice(self.seed, self.path + names)

    def digest(self, name: str) -> str:
        text = "\x1f".join((str(self.seed), *self.path, name))
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def unit(self, name: str) -> float:
        """A number from 0 up to, and without, 1."""
        return int(self.digest(name)[:13], 16) / 16**13

    def chance(self, name: str, likelihood: float) -> bool:
        return self.unit(name) < likelihood

    def between(self, name: str, least: float, most: float) -> float:
        return least + (most - least) * self.unit(name)

    def whole(self, name: str, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return least + int(self.unit(name) * (most - least + 1))

    def pick(self, name: str, options: Sequence[T]) -> T:
        return options[int(self.unit(name) * len(options))]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider says to a call, before any fault gets at it. A body of None is an empty one."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Background:
    """Tasks that outlive the request that started them; `close` cancels what still runs."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def __len__(self) -> int:
        return len(self._tasks)

    async def finished(self) -> None:
        """Until none of those that run now runs any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
