"""Bugs, planted on purpose. Each is what somebody once shipped, or easily could; each must be caught by the suite.

A bug replaces one part of the service by another that is wrong: a client, a store, a flow, a clock. Nothing is
patched, and the tests that catch them are those that the right service passes.

    caught()      {"planted": 24, "caught": 24, "missed": []}
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from onpaid.engine.pace import Pace
from onpaid.flows.invoice_payment import invoice_payment
from tests.flows.stage import FLOWS
from tests.simulation import bugs_inside as inside
from tests.simulation import bugs_outside as outside
from tests.simulation.day import Habits
from tests.simulation.frozen import frozen
from tests.simulation.lives import Parts, Weather
from tests.simulation.simulate import simulate
from tests.simulation.verdict import Result

SEEDS = 60
"""So many seeds a bug may take until it shows. Most show in the first few."""
ROUGH = Weather(calls=0.5, rings_lost=0.1, commits=0.1, between_crashes=40)
BUSY = Habits(trouble=0.5, spacing=1.0, returning=0.7, refunded=0.1, twice=0.2, upsells=0.3)


@dataclass(frozen=True)
class Bug:
    """One bug. `parts` are what it replaces; `check`, if given, tells otherwise than by simulated days whether it shows."""

    name: str
    parts: Parts | None = None
    weather: Weather = ROUGH
    habits: Habits = BUSY
    check: Callable[[], str] | None = None
    longest: timedelta = timedelta(hours=8)

    def shows(self, seeds: int = SEEDS) -> str:
        """How it shows: what was lost, doubled or stuck, and under which seed. Empty if it does not."""
        if self.check is not None:
            return self.check()
        for seed in range(seeds):
            result = self.day(seed, self.parts)
            if not result.well:
                right = self.day(seed, Parts())
                return result.why if right.well else f"WITHOUT THE BUG AS WELL: {right.why}"
        return ""

    def day(self, seed: int, parts: Parts | None) -> Result:
        """A day in this bug's weather."""
        return simulate(seed, 4, parts=parts, weather=self.weather, habits=self.habits, longest=self.longest)


def _client(**methods: Any) -> Parts:
    """The accounts' client with methods of its own."""
    return Parts(guests=lambda given: {**given, "invoicing": outside.variant(given["invoicing"], **methods)})


def _guest(name: str, make: Callable[[Any], Any]) -> Parts:
    return Parts(guests=lambda given: {**given, name: make(given[name])})


def _flows(*changed: Any) -> Sequence[Any]:
    names = {flow.name: flow for flow in changed}
    return [names.get(flow.name, flow) for flow in FLOWS]


def _frozen_shows(**how: Any) -> Callable[[], str]:
    def check() -> str:
        found = frozen(**how)
        return "; ".join(found["examples"][:2])

    return check


def _engine(**attributes: Any) -> Parts:
    def change(engine: Any) -> Any:
        for name, value in attributes.items():
            setattr(engine, name, value)
        return engine

    return Parts(engine=change)


async def _nothing() -> list[str]:
    return []


BUGS = (
    Bug(
        "no quiet period before the look",
        _client(create_invoice=outside.unquiet, create_contact=outside.unquiet),
    ),
    Bug("a failed look counts as an absence", _client(find_invoice=outside.absent_if_failed)),
    Bug("a fresh uuid for every attempt", _client(create_invoice=outside.fresh_uuid)),
    Bug("a server error counts as not taken", _client(create_invoice=outside.not_taken)),
    Bug("a lost reply counts as not taken", _client(create_contact=outside.impatient)),
    Bug("the client repeats behind the engine's back", _client(create_invoice=outside.repeats)),
    Bug("a doubtful answer counts as done", _client(send_receipt=outside.believes)),
    Bug(
        "silence proves that no mail was sent",
        _client(send_receipt=outside.settled, find_dispatch=outside.absent),
    ),
    Bug(
        "an invoice is found by its order alone",
        _client(find_invoice=outside.by_order, create_invoice=outside.unclaimed),
    ),
    Bug("the contact is made without a look", _client(find_contact=outside.never_there)),
    Bug("a refund since the event is not seen", _guest("payment_source", outside.Stale)),
    Bug("lines are taken without a condition", _guest("orders", inside.Unconditional)),
    Bug(
        "the run is keyed by the event",
        Parts(flows=_flows(replace(invoice_payment, key=lambda paid: paid.event))),
    ),
    Bug("each order makes its contact itself", Parts(flows=_flows(inside.own_contact))),
    Bug("the event is committed before its runs", Parts(engine=inside.two_commits)),
    Bug("acknowledged before the commit", Parts(inbox=inside.Hasty)),
    Bug("a full disk is acknowledged", Parts(inbox=inside.Careless), replace(ROUGH, commits=0.5)),
    Bug("commits are not durable", Parts(store=inside.Forgetful), replace(ROUGH, between_crashes=15)),
    Bug("a batch is written in two halves", Parts(store=inside.Torn), replace(ROUGH, between_crashes=15)),
    Bug("the tick finds nothing", _engine(due=_nothing), replace(ROUGH, rings_lost=0.5)),
    Bug(
        "nobody takes up what a dead process held",
        Parts(engine=inside.possessive, pace=Pace(lease=timedelta(days=400))),
    ),
    Bug("an ended run is told again", Parts(engine=inside.forgetting_ends)),
    Bug(
        "the quiet period trusts the wall clock",
        Parts(clock=inside.WallClock),
        replace(ROUGH, steps=inside.LEAPS),
        longest=timedelta(hours=20),
    ),
    Bug(
        "a call to the lane that was lost bars it",
        Parts(engine=inside.orderly),
        Weather(calls=0.3, rings_lost=1.0),
    ),
    Bug(
        "the shop's last word to arrive counts",
        Parts(inbox=inside.LastWord),
        habits=replace(BUSY, upsells=0.9, longest_delay=60),
    ),
    Bug("waiting runs are not woken", check=inside.sleeps_through),
    Bug("the lease's number is not checked", check=_frozen_shows(wrap=inside.Unfenced)),
    Bug("a thawed worker sends after its deadline", check=_frozen_shows(guests=outside.late_senders)),
)


def caught(bugs: Sequence[Bug] = BUGS, seeds: int = SEEDS) -> dict[str, Any]:
    """How many of the planted bugs show."""
    shown = {bug.name: bug.shows(seeds) for bug in bugs}
    return {
        "planted": len(shown),
        "caught": sum(bool(how) and not how.startswith("WITHOUT") for how in shown.values()),
        "missed": [name for name, how in shown.items() if not how or how.startswith("WITHOUT")],
        "how": shown,
    }


if __name__ == "__main__":
    for bug in BUGS[int(sys.argv[1]) if len(sys.argv) > 1 else 0 :]:
        print(f"{bug.name:<48}{bug.shows() or 'MISSED'}"[:200], flush=True)
