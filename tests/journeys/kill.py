"""Kill a real process at its journal writes and at random moments; count at the provider what came of it."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from onpaid.engine.pace import Pace
from tests.journeys.lives import FACTOR, Outside, World

PAST_THE_LEASE = 1.5 * Pace().lease.total_seconds() / FACTOR


def verdict(outside: Outside) -> dict[str, int]:
    """What the simulators' own ledger says: payments without, and with more than, one invoice and one mail."""
    told: dict[str, Any] = outside.ask("/_ledger")["verdict"]
    return {
        "paid": told["paid"],
        "lost": len(told["missing"]) + len(told["unmailed"]),
        "double": len(told["double"]) + len(told["mailed_twice"]) + len(told["doubled_contacts"]),
        "unexplained": len(told["unexplained"]),
    }


def count_writes(outside: Outside) -> int:
    """How many journal writes one order's whole story makes."""
    with _world(outside) as world:
        world.buy("1")
        world.collect()
        assert world.live() == 0
        return world.writes()


def kill_at_writes(outside: Outside, numbers: Iterable[int], *, twice: bool = False) -> dict[str, int]:
    """Die before and after each of these writes, with and without redelivery, and live on. Counts of what is wrong."""
    total = {"kills": 0, "lost": 0, "double": 0, "unexplained": 0, "stuck": 0}
    for number in numbers:
        for after in (False, True):
            for redeliver in (True, False):
                _add(total, _one(outside, number, after, redeliver, second=number if twice else 0))
    return total


def freeze_at_writes(
    outside: Outside, numbers: Iterable[int], seconds: float = PAST_THE_LEASE
) -> dict[str, int]:
    """Stop the process at each of these writes until long after its lease, then let it go on. Counts of what is wrong.

    Nobody else can take its runs over: the file's lock stays with it, frozen or not.
    """
    total = {"freezes": 0, "lost": 0, "double": 0, "unexplained": 0, "stuck": 0}
    for number in numbers:
        for after in (False, True):
            with _world(outside) as world:
                world.buy("1")
                world.collect()
                stuck = world.live(dies_at=number, after=after, freezes=seconds)
                _add(total, {**verdict(outside), "freezes": 1, "stuck": int(stuck != 0)})
    return total


def kill_at_random(outside: Outside, orders: int, seed: int, *, longest: float = 1.2) -> dict[str, int]:
    """So many orders, and a process that is killed again and again until all is done."""
    dice = random.Random(seed)
    with _world(outside) as world:
        for number in range(1, orders + 1):
            world.buy(str(number), buyer=number % max(2, orders * 4 // 5))
            if number % 30 == 0:
                world.collect()
        world.collect()
        kills = 0
        for _ in range(12):
            if world.live(dies_in=dice.uniform(0.1, longest), redeliver=dice.random() < 0.5) == 0:
                break
            kills += 1
        stuck = world.live(redeliver=False)
        return {**verdict(outside), "kills": kills, "stuck": int(stuck != 0)}


def _one(outside: Outside, number: int, after: bool, redeliver: bool, second: int) -> dict[str, int]:
    with _world(outside) as world:
        world.buy("1")
        world.collect()
        killed = world.live(dies_at=number, after=after)
        if second:
            world.live(dies_at=second, after=not after, redeliver=redeliver)
        stuck = world.live(redeliver=redeliver)
        return {**verdict(outside), "kills": int(killed < 0), "stuck": int(stuck != 0)}


def _add(total: dict[str, int], one: dict[str, int]) -> None:
    for name in total:
        total[name] += one[name]


class _world:
    """A fresh folder and fresh books."""

    def __init__(self, outside: Outside) -> None:
        self._outside = outside

    def __enter__(self) -> World:
        self._outside.ask("/_reset", {}, "POST")
        self._folder = Path(tempfile.mkdtemp(prefix="onpaid-journey-"))
        return World(self._outside, self._folder)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
