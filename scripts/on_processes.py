"""Measured on real processes: killed, frozen, crowded, overheard."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from typing import Any

from scripts.measuring import Measured, no, say, simulated, tests, told


def killed_once(quick: bool) -> Measured:
    from tests.journeys.kill import count_writes, kill_at_writes
    from tests.journeys.lives import Outside

    with closing(Outside.open()) as outside:
        writes = count_writes(outside)
        found = kill_at_writes(outside, range(1, writes + 1, 5 if quick else 1))
    return Measured(
        found["kills"] > 0 and no(found, "lost", "double", "unexplained", "stuck"),
        f"{writes} writes; {say(found)}",
    )


def killed_twice(quick: bool) -> Measured:
    from tests.journeys.days import killed_days
    from tests.journeys.kill import count_writes, kill_at_random, kill_at_writes
    from tests.journeys.lives import Outside

    with closing(Outside.open()) as outside:
        writes = count_writes(outside)
        found = kill_at_writes(outside, range(1, writes + 1, 9 if quick else 3), twice=True)
        many = kill_at_random(outside, 30 if quick else 200, seed=11)
    served = asyncio.run(killed_days(20 if quick else 200, seed=1))
    pairs = tests("tests/flows/test_crashes.py")(quick)
    wrong = ("lost", "double", "unexplained", "stuck")
    ok = no(found, *wrong) and no(many, *wrong) and pairs.ok and served["passed"]
    day = {name: served[name] for name in ("paid", "missing", "double", "waiting_for_person", "mischief")}
    return Measured(
        ok,
        f"processes: {say(found)}; at random: {say(many)}; `onpaid serve` over HTTP: {say(day)}; "
        f"every pair in memory: {pairs.value}",
    )


def soak(quick: bool) -> Measured:
    """In virtual time; and once on SQLite and real HTTP, with the simulators' faults."""
    days, why = simulated(range(5 if quick else 100), 100, 0.3)
    orders = "40" if quick else "500"
    words = ["demo", "--once", "--json", "--faults", "all", "--seed", "5", "--orders", orders]
    done = subprocess.run(
        [sys.executable, "-m", "onpaid.cli", *words], capture_output=True, text=True, check=False
    )
    served = done.stderr.strip()[-300:]
    if done.returncode == 0:
        report = json.loads(done.stdout)
        served = told({**report, "mischief": sum(report["faults_injected"].values())})
    return Measured(
        not why and done.returncode == 0, f"{say(days)}; over HTTP: {served}" + (f"; {why[0]}" if why else "")
    )


def frozen(quick: bool) -> Measured:
    """A second worker on the same store takes over (in memory); a stopped process, whose file nobody else can open."""
    from tests.flows.scenes import STORIES, TROUBLED
    from tests.journeys.days import frozen_days
    from tests.journeys.kill import count_writes, freeze_at_writes
    from tests.journeys.lives import Outside
    from tests.simulation.frozen import frozen as freeze

    found = freeze([story for story in (*STORIES, *TROUBLED) if story.tick < timedelta(minutes=1)])
    with closing(Outside.open()) as outside:
        stopped = freeze_at_writes(outside, range(1, count_writes(outside) + 1, 10 if quick else 1))
    served = asyncio.run(frozen_days(10 if quick else 100, seed=2))
    ok = (
        found["told"] > 0
        and no(found, "double", "lost")
        and no(stopped, "lost", "double", "unexplained", "stuck")
        and served["passed"]
    )
    return Measured(
        ok, f"taken over: {say(found)}; SIGSTOP at each write: {say(stopped)}; onpaid serve: {told(served)}"
    )


def hanging(quick: bool) -> Measured:
    """The webhook's answer while every provider takes the call and says nothing for 30 s."""
    from bench.events import charge_event, request
    from bench.server import serving

    async def main() -> dict[str, Any]:
        async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)
            writer.close()

        hole = await asyncio.start_server(hang, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{hole.sockets[0].getsockname()[1]}"
        async with serving(STRIPE_API_BASE=base, FIKEN_API_BASE=f"{base}/api/v2") as server:
            count = 500 if quick else 3000
            found = await server.load(
                [request("/webhooks/stripe", charge_event(n, order=f"H{n}")) for n in range(count)], 32
            )
        hole.close()
        return found

    found = asyncio.run(main())
    ok = set(found["statuses"]) == {"200"} and found["p99_ms"] < 500
    return Measured(
        ok, f"{found['count']} answered, p99 {found['p99_ms']:.0f} ms, statuses {found['statuses']}"
    )


def conform(quick: bool) -> Measured:
    """Schema-driven requests against the served application."""
    count = 50 if quick else 1000
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--timeout=1800"]
    command.append("tests/web/test_openapi.py")
    environment = {**os.environ, "CI": "true", "ONPAID_CONFORMANCE_EXAMPLES": str(count)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return Measured(done.returncode == 0, f"{count} examples an operation; exit {done.returncode}")


def at_once(quick: bool) -> Measured:
    from tests.journeys.crowd import crowd
    from tests.journeys.lives import Outside

    copies = tests("tests/app/test_at_once.py")(quick)
    with closing(Outside.open()) as outside:
        found = crowd(outside, 10 if quick else 40, 5)
    one = found["runs"] == 1 and found["events"] == found["sent"]
    ok = copies.ok and one and no(found, "failed", "lost", "double", "unexplained")
    return Measured(ok, f"at once and over 400 days: {copies.value}; from processes: {say(found)}")


def canaries(quick: bool) -> Measured:
    from tests.journeys.canaries import canaries_told

    found = asyncio.run(canaries_told())
    masks = tests("tests/cli/test_logs.py", "tests/web/test_masking.py")(quick)
    ok = found["searched"] > 30 and found["seen_by_operator"] >= 5 and not found["hits"] and masks.ok
    return Measured(
        ok,
        f"{found['searched']} places ({found['bytes']:,} characters) of a service at debug level, {len(found['hits'])} "
        f"hits{': ' + found['hits'][0] if found['hits'] else ''}; {masks.value}",
    )
