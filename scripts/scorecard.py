"""The lines of the scorecard. Each calls what measures it; none holds a result."""

from __future__ import annotations

from scripts import on_aws as aws
from scripts import on_delivery as parcels
from scripts import on_nights as nights
from scripts.in_process import (
    arrivals,
    clocks,
    disks,
    forged,
    journals,
    models,
    no_bells,
    planted,
    poison,
    power,
    seeds,
    totals,
)
from scripts.measuring import Line, Measured, each, tests
from scripts.on_aws import also
from scripts.on_delivery import both
from scripts.on_floods import flooded, shuffled
from scripts.on_processes import at_once, canaries, conform, frozen, hanging, killed_once, killed_twice, soak
from scripts.on_tests import core, mutation, tokens

__all__ = ["LINES", "Measured"]

LINES: tuple[Line, ...] = (
    Line(
        1,
        "kill -9 before and after each journal write, redelivered or not",
        also(both(killed_once, parcels.crashes), aws.killed),
    ),
    Line(
        2,
        "kill -9 twice, and again and again at random",
        also(both(killed_twice, parcels.pairs), aws.killed_twice),
    ),
    Line(3, "power cuts: acknowledged events lost, files corrupt", power),
    Line(4, "a disk that fails at its nth write: false answers, recoveries", disks),
    Line(5, "the same event a hundred times at once", also(both(at_once, parcels.at_once), aws.at_once)),
    Line(6, "every order of arrival leads to one end", both(arrivals, parcels.arrivals)),
    Line(7, "soak, 30 % faults", also(both(soak, parcels.soak), aws.soak)),
    Line(
        8,
        "a worker frozen past its lease at each write, then woken",
        also(both(frozen, parcels.frozen), aws.frozen),
    ),
    Line(9, "seeded whole-service simulations", both(seeds, parcels.seeds)),
    Line(10, "models: shipped designs hold, controls are violated", models),
    Line(11, "planted bugs caught (grows with every story)", both(planted, parcels.planted)),
    Line(12, "mutation score of journal, signatures, money", mutation),
    Line(13, "branch coverage of the core, and everything caught there thrown", core),
    Line(
        14,
        "lost webhooks restored by reconciliation",
        also(nights.both_kinds, nights.on_functions),
    ),
    Line(15, "reconciliation racing live webhooks", also(nights.raced, nights.on_functions)),
    Line(16, "journals resume with today's code (no earlier release yet)", journals),
    Line(17, "webhook answers while every provider hangs", hanging),
    Line(
        18, "poison among a thousand; the issue tracker away", also(both(poison, parcels.poison), aws.poison)
    ),
    Line(19, "the clock steps by days; DST, 29 Feb, year's end", clocks),
    Line(20, "baskets whose invoice comes to what was paid", totals),
    Line(21, "forged signatures", forged),
    Line(22, "signatures as tabled, compared in constant time", tests("tests/providers/test_signatures.py")),
    Line(23, "malformed framings refused", tests("tests/web/test_framing.py")),
    Line(24, "hostile bodies: 4xx, bounded memory", tests("tests/web/test_bodies.py")),
    Line(25, "no socket outside the allow-list", parcels.sockets),
    Line(26, "canaries in logs, journals, tickets, metrics, pages", canaries),
    Line(27, "forged tokens", tokens),
    Line(28, "every route by every role; forms without CSRF", tests("tests/web/test_access.py")),
    Line(29, "customers' links", parcels.links),
    Line(
        30,
        "schema-driven requests without a server error; webhooks while public pages are flooded; random orders of tests",
        each(conform, flooded, shuffled),
    ),
    Line(31, "every bell lost: the tick alone brings everything home", also(no_bells, aws.no_bells)),
)
