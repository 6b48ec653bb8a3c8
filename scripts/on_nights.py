"""What the nightly reconciliation adds to the scorecard: webhooks lost and raced, in one process and on functions."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from scripts.measuring import Measured, say

HOUR = 3600.0


def _judged(found: list[dict[str, Any]]) -> tuple[Counter[str], list[str]]:
    from tests.simulation.reconciled import wrong

    total: Counter[str] = Counter()
    for each in found:
        total.update(each)
    return total, [str(each) for each in found if wrong(each)]


def _measured(total: Counter[str], bad: list[str], words: str) -> Measured:
    return Measured(
        not bad and total["paid"] > 0,
        f"{words}: {say(total)}" + (f"; the first that is wrong: {bad[0]}" if bad else ""),
    )


def restored(quick: bool) -> Measured:
    """Any number of a thousand webhooks lost, up to all; an outage of three days; events listed, or sessions alone."""
    from tests.simulation.reconciled import lost_webhooks

    webhooks = 120 if quick else 1000
    shares = (0, 1, webhooks // 2, webhooks - 1, webhooks)
    found = [
        lost_webhooks(webhooks, lost, seed=lost, outage=outage, events=events, most=50 if quick else 500)
        for lost in shares
        for outage in (0.0, 72 * HOUR)
        for events in (True, False)
    ]
    total, bad = _judged(found)
    if total["created"] != total["lost"]:
        bad.append(f"{total['created']} created of {total['lost']} lost")
    return _measured(total, bad, f"{len(found)} rounds")


def a_month(quick: bool) -> Measured:
    """Outages of both sides, an endpoint that is off for two days, sessions paid late: night by night."""
    from tests.simulation.month import month

    found = [
        month(seed, days=20 if quick else 30, a_day=10 if quick else 40) for seed in range(1 if quick else 3)
    ]
    total, bad = _judged(found)
    if total["still waiting"]:
        bad.append(f"{total['still waiting']} sessions are waited for")
    return _measured(total, bad, f"{len(found)} months")


def raced(quick: bool) -> Measured:
    """Webhooks and two processes at once, one of which may die at any write."""
    from tests.simulation.reconciled import racing

    found = [racing(seed) for seed in range(60 if quick else 1000)]
    return _measured(*_judged(found), f"{len(found)} seeds")


def on_functions(quick: bool) -> Measured:
    """The same on functions that run out of time and are killed, each of them cold; and over a table of the emulator."""
    from tests.simulation.nights_on_a_table import on_the_emulator
    from tests.simulation.reconciled import on_functions as play

    found = [play(seed) for seed in range(6 if quick else 200)]
    table = asyncio.run(on_the_emulator(20 if quick else 100))
    seeds, emulated = (
        _measured(*_judged(found), f"{len(found)} seeds"),
        _measured(*_judged([table]), "a table"),
    )
    return Measured(bool(seeds.ok and emulated.ok), f"{seeds.value}; {emulated.value}")


def both_kinds(quick: bool) -> Measured:
    """Single losses, and whole months of them."""
    one, other = restored(quick), a_month(quick)
    return Measured(bool(one.ok and other.ok), f"{one.value}; {other.value}")
