"""What the AWS runtime adds to lines of the scorecard: a fleet of functions on one table and one queue, in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from scripts.measuring import Measured, no, say
from scripts.on_delivery import Measure


def also(first: Measure, second: Measure) -> Measure:
    """One line that both runtimes have to meet."""

    def measure(quick: bool) -> Measured:
        one, other = first(quick), second(quick)
        return Measured(bool(one.ok and other.ok), f"{one.value}; AWS: {other.value}")

    return measure


def _days(seeds: range, orders: int, share: float, **skies: Any) -> tuple[Counter[str], list[str]]:
    """Days of both stories on a fleet."""
    from dataclasses import replace

    from tests.simulation.deliveries import deliveries
    from tests.simulation.fleet import Fleet, rough
    from tests.simulation.simulate import simulate

    total: Counter[str] = Counter()
    why: list[str] = []
    weather = replace(rough(share), **skies)
    for seed in seeds:
        for tell in (simulate, deliveries):
            day: Any = tell(seed, orders, share, weather=weather, service=Fleet)
            total.update(days=1, paid=day.payments, lost=len(day.lost), double=len(day.double))
            total.update(stuck=len(day.stuck), settled=day.settled, killed=day.crashes, faults=day.faults)
            total["tickets"] += day.tickets_by_class.total()
            if not day.well:
                why.append(day.why)
    return total, why


def _told(total: Counter[str], why: list[str]) -> str:
    return say(total) + (f"; {len(why)} days went wrong, the first: {why[0]}" if why else "")


def _found(found: dict[str, Any]) -> str:
    return say(found) + "".join(f"; {example}" for example in found["examples"][:1])


def killed(quick: bool) -> Measured:
    """At each write, and at each moment between two: cut off, or with a time limit that ends there."""
    from tests.simulation.fleet_scenes import SCENES, TROUBLED_SCENES, timed_out
    from tests.simulation.fleet_scenes import killed as kill

    scenes = SCENES[:6] if quick else (*SCENES, *TROUBLED_SCENES)
    at_writes, in_time = kill(scenes), timed_out(scenes)
    ok = all(each["told"] > 100 and not each["wrong"] for each in (at_writes, in_time))
    return Measured(
        ok, f"{len(scenes)} scenes, at each write: {_found(at_writes)}; at each time limit: {_found(in_time)}"
    )


def killed_twice(quick: bool) -> Measured:
    """Every pair of writes, and again and again at random for days."""
    from tests.simulation.fleet_scenes import SCENES
    from tests.simulation.fleet_scenes import killed as kill

    pairs = kill(SCENES[1:3] if quick else SCENES[:4], twice=True)
    total, why = _days(range(5 if quick else 60), 5, 0.2, between_crashes=8, killed=0.3)
    ok = pairs["told"] > 100 and not pairs["wrong"] and not why
    return Measured(ok, f"every pair: {_found(pairs)}; again and again: {_told(total, why)}")


def at_once(quick: bool) -> Measured:
    """At sandboxes of `web` in virtual time; and at inboxes over a table of the emulator."""
    from tests.simulation.fleet_crowd import ONE_OF_EACH, crowd, on_the_emulator

    copies = 100
    found, table = crowd(copies), asyncio.run(on_the_emulator(30 if quick else copies))
    right = {**ONE_OF_EACH, "routed": 1, "duplicate": copies - 1}
    ok = all(found.get(name, 0) == count for name, count in right.items())
    kept = {name: table[name] for name in ("runs", "events", "orders", "revisions")}
    ok = ok and kept == {"runs": 1, "events": 4, "orders": 1, "revisions": 1}
    return Measured(ok, f"{say(found)}; on a table of the emulator: {say(table)}")


def soak(quick: bool) -> Measured:
    total, why = _days(range(2 if quick else 30), 30 if quick else 60, 0.3)
    return Measured(not why, _told(total, why))


def frozen(quick: bool) -> Measured:
    """And the control: who ignores the lease is seen."""
    from tests.simulation.fleet_bugs import UNFENCED, shows_frozen
    from tests.simulation.fleet_scenes import SCENES, TROUBLED_SCENES
    from tests.simulation.fleet_scenes import frozen as freeze

    found, control = freeze(SCENES[:6] if quick else (*SCENES, *TROUBLED_SCENES)), shows_frozen(UNFENCED)
    ok = found["told"] > 50 and not found["wrong"] and bool(control)
    return Measured(
        ok, f"{_found(found)}; a worker that ignores the lease {'shows' if control else 'IS NOT SEEN'}"
    )


def poison(quick: bool) -> Measured:
    """One breaks, one cannot be read, one kills whoever works on it, and the queue holds garbage."""
    from tests.simulation.fleet_poison import poisoned

    found = poisoned(100 if quick else 1000)
    ok = no(found, "unserved", "double", "of_others") and found["worst"] < 600 and found["tickets"] == 1
    return Measured(ok and found["workers_killed"] > 0 and found["dead_letters"] > 0, say(found))


def no_bells(quick: bool) -> Measured:
    """Every ring of `web` and of `work` is lost; what a tick rings for is heard."""
    total, why = _days(range(10 if quick else 100), 5, 0.2, rings_lost=1.0)
    return Measured(not why, _told(total, why))
