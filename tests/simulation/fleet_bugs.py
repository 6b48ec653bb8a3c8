"""What would be wrong with a fleet, planted on purpose: each must show, or the days above say nothing.

shows(UNHELD)      "seed 0: double find_invoice of ... while another call was under way"
"""

from __future__ import annotations

from typing import Any

from tests.simulation.bugs_inside import Hasty, Unfenced, two_commits
from tests.simulation.fleet import Fleet, Skies, rough
from tests.simulation.fleet_scenes import SCENES, frozen
from tests.simulation.lives import Parts
from tests.simulation.simulate import simulate

SEEDS = 20


def _alone(engine: Any) -> Any:
    """Takes itself for the only process: its strict lanes know nothing of the others."""
    engine.workshop.shared = False
    return engine


UNHELD = Parts(engine=_alone)
"""A strict lane without a hold in the store."""
UNFENCED = Parts(store=Unfenced)
"""A worker that writes whatever became of its lease."""
HASTY = Parts(inbox=Hasty)
"""Acknowledged before it is written."""
APART = Parts(engine=two_commits)
"""The event is committed before its runs."""
BUGS = {
    "no hold on the strict lane": UNHELD,
    "acknowledged before it is written": HASTY,
    "the event is committed before its runs": APART,
}
"""Those that show in days."""


def shows(parts: Parts, skies: Skies | None = None) -> str:
    """How it shows within some seeds, and not without the bug; empty if it does not."""
    weather = skies or rough(0.4)
    for seed in range(SEEDS):
        told = simulate(seed, 6, weather=weather, parts=parts, service=Fleet)
        if not told.well:
            right = simulate(seed, 6, weather=weather, service=Fleet)
            return told.why if right.well else f"WITHOUT THE BUG AS WELL: {right.why}"
    return ""


def missed() -> list[str]:
    """Bugs that do not show. None may be."""
    told = {name: shows(parts) for name, parts in BUGS.items()}
    told["a worker that ignores its lease"] = shows_frozen(UNFENCED)
    return [name for name, how in told.items() if not how or how.startswith("WITHOUT")]


def shows_frozen(parts: Parts) -> str:
    """How it shows when workers freeze."""
    return "; ".join(frozen(SCENES[:1], parts=parts)["examples"][:1])
