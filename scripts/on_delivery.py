"""What the story of delivery adds to lines of the scorecard, measured within this process or in children of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from scripts.measuring import Measured, no, say, tests

Measure = Callable[[bool], Measured]


def both(first: Measure, second: Measure) -> Measure:
    """One line that both stories have to meet."""

    def measure(quick: bool) -> Measured:
        one, other = first(quick), second(quick)
        return Measured(bool(one.ok and other.ok), f"{one.value}; DELIVERY: {other.value}")

    return measure


def _days(seeds: range, orders: int, share: float) -> tuple[Counter[str], list[str]]:
    from tests.simulation.deliveries import deliveries

    total: Counter[str] = Counter()
    why: list[str] = []
    for seed in seeds:
        day = deliveries(seed, orders, share)
        total.update(paid=day.payments, lost=len(day.lost), double=len(day.double), stuck=len(day.stuck))
        total.update(parcels=day.parcels, messages=day.told, settled=day.settled)
        total.update({f"tickets:{name}": count for name, count in day.tickets_by_class.items()})
        if not day.well:
            why.append(day.why)
    return total, why


def _told(total: Counter[str], why: list[str]) -> str:
    return say(total) + (f"; {len(why)} days went wrong, the first: {why[0]}" if why else "")


def crashes(quick: bool) -> Measured:
    """In memory: killed at each write of each flow, told again or not."""
    found = tests("tests/flows/test_delivery_crashes.py")(quick)
    return Measured(found.ok, f"killed at each write, in memory: {found.value}")


def pairs(quick: bool) -> Measured:
    """In memory: killed at each write, and again at each write of the life after."""
    from onpaid.engine.testing import crash_everywhere
    from tests.flows.delivery_scenes import TELLINGS
    from tests.simulation.simulate import quiet

    flows = (
        ("open_checkout", "send_message")
        if quick
        else ("open_checkout", "send_message", "book_shipment", "ship_paid_order")
    )
    with quiet():
        told = sum(
            crash_everywhere(telling.scene, twice=True, most=20_000)
            for telling in TELLINGS
            if telling.name in flows
        )
    return Measured(
        told > 100, f"every pair of kills in {len(flows)} flows, in memory: {told} tellings, 0 differing"
    )


def at_once(quick: bool) -> Measured:
    found = tests("tests/app/test_payments_desk.py", "-k", "at_once or again_and_again")(quick)
    return Measured(found.ok, f"a Razorpay event at once, replayed, and over 400 days: {found.value}")


def arrivals(quick: bool) -> Measured:
    from tests.app.arrival_of_payments import differing

    found = differing(every=7 if quick else 1)
    return Measured(found["told"] > 0 and not found["differing"], say(found) + "".join(found["examples"][:1]))


def soak(quick: bool) -> Measured:
    total, why = _days(range(5 if quick else 100), 100, 0.3)
    return Measured(not why, _told(total, why))


def frozen(quick: bool) -> Measured:
    from tests.flows.delivery_scenes import TELLINGS, TROUBLED
    from tests.simulation.frozen_deliveries import frozen_deliveries

    found = frozen_deliveries(TELLINGS[:3] if quick else (*TELLINGS, *TROUBLED))
    return Measured(found["told"] > 0 and not found["wrong"], say(found) + "".join(found["examples"][:1]))


def seeds(quick: bool) -> Measured:
    from tests.simulation.deliveries import deliveries

    total, why = _days(range(100 if quick else 1000), 5, 0.4)
    same = deliveries(3, 5).digest == deliveries(3, 5).digest
    return Measured(
        not why and same, f"{_told(total, why)}; the same seed {'tells the same' if same else 'DIFFERS'}"
    )


def planted(quick: bool) -> Measured:
    from tests.simulation.bugs import caught
    from tests.simulation.bugs_delivery import DELIVERY_BUGS

    found = caught(DELIVERY_BUGS[:6] if quick else DELIVERY_BUGS)
    missed = f": {', '.join(found['missed'])}" if found["missed"] else ""
    return Measured(
        not found["missed"], f"{found['caught']} of {found['planted']} planted bugs caught{missed}"
    )


def poison(quick: bool) -> Measured:
    """Some of a thousand orders break, while the issue tracker is away for six hours."""
    from tests.simulation.poisoned_trade import poisoned

    found = poisoned(100 if quick else 1000)
    ok = no(found, "later", "doubly_told", "untold", "issues_too_many")
    ok = ok and found["tickets"] == found["poison"] and found["shipped"] == found["others"] > 0
    return Measured(ok and found["others"] == found["orders"] - found["poison"], say(found))


def sockets(_quick: bool) -> Measured:
    """Every service under every trick, in a process whose sockets are watched."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.providers.ssrf"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    if done.returncode:
        return Measured(False, done.stderr.strip()[-300:])
    found: dict[str, Any] = json.loads(done.stdout)
    outside = found["outside"]
    return Measured(
        not outside and len(found["reached"]) == 11,
        f"{found['tried']} tries at {len(found['reached'])} services, {found['refused']} refused at once, "
        f"{len(outside)} sockets outside{': ' + outside[0] if outside else ''}",
    )


def links(quick: bool) -> Measured:
    """Links guessed at in process, and at the page, whose answer must be one."""
    from tests.domain.link_guesses import guess
    from tests.web.guessing import guess as ask

    found = guess(50_000 if quick else 1_000_000, 1)
    asked = asyncio.run(ask(2_000))
    named = tests(
        "tests/domain/test_link_guesses.py", "tests/domain/test_links.py", "tests/web/test_tracking.py"
    )(quick)
    ok = found["hits"] == 0 and found["control"] == 1 and not asked.opened and len(asked.answers) == 1
    return Measured(
        ok and bool(named.ok),
        f"{found['guesses']:,} guesses, {found['hits']} hits; {asked.tried:,} at the page, {len(asked.opened)} opened, "
        f"{len(asked.answers)} different answers; {named.value}",
    )
