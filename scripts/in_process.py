"""Measured within this process: in virtual time, in memory, on simulated disks."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from scripts.measuring import Measured, no, say, simulated, tests


def power(quick: bool) -> Measured:
    from tests.stores.power import power_cuts

    found = power_cuts(100 if quick else 1000, 1)
    control = power_cuts(40, 1, synchronous="NORMAL")
    ok = no(found, "lost", "torn", "corrupt") and control["lost"] > 0
    return Measured(ok, f"{say(found)}; the control without full sync loses {control['lost']}")


def disks(quick: bool) -> Measured:
    from tests.stores.power import failing_writes

    found = failing_writes(60 if quick else 600, 1)
    ok = no(found, "lost", "torn", "corrupt", "refused but there") and found["recovered"] == found["disks"]
    return Measured(ok, say(found))


def seeds(quick: bool) -> Measured:
    from tests.simulation.simulate import simulate

    total, why = simulated(range(100 if quick else 1000), 5, 0.4)
    same = simulate(3, 5).digest == simulate(3, 5).digest
    return Measured(
        not why and same,
        f"{say(total)}; the same seed {'tells the same' if same else 'DIFFERS'}" + "".join(why[:1]),
    )


def models(_quick: bool) -> Measured:
    done = subprocess.run(
        [sys.executable, "formal/check.py"], capture_output=True, text=True, check=False, timeout=600
    )
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]
    return Measured(done.returncode == 0, last)


def planted(quick: bool) -> Measured:
    from tests.simulation.bugs import BUGS, caught

    found = caught(BUGS[:6] if quick else BUGS)
    return Measured(not found["missed"], f"{found['caught']} of {found['planted']} planted bugs caught")


def poison(_quick: bool) -> Measured:
    """One run among a thousand breaks: nobody else waits, and there is one ticket."""
    from onpaid.engine.flow import flow
    from onpaid.engine.journal import RUNS, TICKETS
    from onpaid.engine.testing import MemoryStore, Process, VirtualClock, run_virtually
    from tests.engine.service import Client, Paid, Service

    @flow(on=Paid, key=lambda paid: paid.id)
    async def sometimes(ctx: Any, paid: Any, *, client: Any) -> Any:
        if paid.id == "p500":
            raise ZeroDivisionError("poison")
        return await ctx.step("make", client.make, paid, find=client.find)

    async def main() -> tuple[int, int, float]:
        store = MemoryStore()
        one = Process(store, [sometimes], {"client": Client(Service())}, VirtualClock())
        for nth in range(0, 1000, 50):
            await one.engine.recorder.record(facts=[Paid(f"p{n}") for n in range(nth, nth + 50)])
        await one.live(at_most=timedelta(hours=1))
        done = (await RUNS.query(store, "state", "done", limit=2000)).items
        tickets = (await TICKETS.query(store, "state", "open", limit=100)).items
        slowest = max((run.ended or 0) - run.started for run in done)
        return len(done), len(tickets), slowest / 1000

    done, tickets, slowest = run_virtually(main)
    return Measured(
        done == 999 and tickets == 1 and slowest < 1.0,
        f"{done} others done, the slowest after {slowest:.2f} s, {tickets} ticket",
    )


def clocks(quick: bool) -> Measured:
    from tests.simulation.lives import Weather

    steps = ((20.0, timedelta(days=1)), (400.0, timedelta(days=-2)), (900.0, timedelta(days=1)))
    total, why = simulated(range(20 if quick else 150), 5, 0.2, weather=Weather(calls=0.2, steps=steps))
    named = tests("tests/engine/test_rules.py", "-k", "rule_22")(quick)
    dates = tests("tests/domain/test_dates.py")(quick)
    ok = not why and named.ok and dates.ok
    return Measured(
        ok, f"{say(total)}; takeovers and jumps: {named.value}; DST, 29 Feb, year's end: {dates.value}"
    )


def totals(quick: bool) -> Measured:
    from tests.domain.baskets import baskets

    found = baskets(5_000 if quick else 100_000, 1)
    return Measured(no(found, "off", "inconsistent", "spread", "refused", "let_through"), say(found))


def forged(quick: bool) -> Measured:
    from tests.providers.forgeries import forge

    found = forge(20_000 if quick else 1_000_000, 1)
    flat: Counter[str] = Counter()
    for name, value in found.items():
        for part, count in value.items() if isinstance(value, dict) else [(name, value)]:
            if isinstance(count, int):
                flat[part] += count
    return Measured(flat["accepted"] == 0 and flat["exceptions"] == 0, say(flat))


def no_bells(quick: bool) -> Measured:
    from tests.simulation.lives import Weather

    total, why = simulated(range(20 if quick else 200), 5, 0.2, weather=Weather(calls=0.2, rings_lost=1.0))
    return Measured(not why, say(total) + (f"; {why[0]}" if why else ""))


def arrivals(_quick: bool) -> Measured:
    from tests.app.arrival import differing

    found = differing()
    return Measured(
        found["told"] > 0 and found["differing"] == 0, say(found) + "".join(found["examples"][:1])
    )


def journals(quick: bool) -> Measured:
    from tests.flows.journals import diverging

    boundaries, wrong = diverging()
    files = ("names", "journals", "sales_journals", "billing_journals")
    named = tests(*(f"tests/flows/test_{each}.py" for each in files))(quick)
    return Measured(
        boundaries > 0 and not wrong and bool(named.ok),
        f"{boundaries} boundaries resumed, {len(wrong)} diverging{': ' + wrong[0] if wrong else ''}; names: {named.value}",
    )
