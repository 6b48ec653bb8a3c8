"""A shipped step name is permanent, like a column's name: `names.txt` has every step of every flow, and no other.

What the flows' texts say and what tellings come to are both held against it, and every flow has a golden journal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from onpaid.compose import FLOWS
from onpaid.engine.flow import Flow
from onpaid.engine.testing import Scene, play, run_virtually
from tests.flows import test_file_price as pricing
from tests.flows import test_keep_renewal as renewing
from tests.flows import test_keep_session as keeping
from tests.flows import test_open_session as opening
from tests.flows.journals import GOLDEN, TOLD
from tests.flows.test_billing_crashes import HELD
from tests.flows.test_billing_crashes import STORIES as BILLING
from tests.house.reading import SOURCE, tree
from tests.house.test_told import steps_of

NAMES = Path(__file__).parent / "names.txt"
SELDOM = {"file_price: later version (wait)", "keep_session: note state (local)"}
"""Steps of tellings that have a test of their own, and no scene."""
SALES = (
    *pricing.TOLD.values(),
    *keeping.TOLD.values(),
    *renewing.STORIES.values(),
    *opening.TOLD.values(),
)


def scenes() -> Iterator[Scene]:
    """Every story of every flow, each in a world of its own."""
    for story in (*TOLD, *BILLING, HELD):
        yield story.scene()
    for make in SALES:
        yield make().scene()


def shipped() -> set[str]:
    """The lines of the list."""
    return set(NAMES.read_text(encoding="utf-8").splitlines())


def test_step_names_are_those_that_were_shipped() -> None:
    """If this fails because a step was renamed: do not. If a step is new, add its line."""
    told, ours = set(SELDOM), {flow.name for flow in FLOWS}
    for scene in scenes():
        for run in run_virtually(partial(play, scene)).runs:
            steps = run.steps if run.flow in ours else ()
            told |= {f"{run.flow}: {step.name} ({step.kind})" for step in steps}
    assert told - shipped() == set(), "new steps, to be listed in names.txt"
    assert shipped() - told == set(), "shipped steps that no telling has any more"


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_every_step_in_a_flows_text_is_in_the_list(flow: Flow) -> None:
    listed = {
        line[len(flow.name) + 2 : line.rindex(" (")]
        for line in shipped()
        if line.startswith(f"{flow.name}: ")
    }
    assert listed == steps_of(tree(SOURCE / "flows" / f"{flow.name}.py"))


def test_the_list_is_in_order_and_of_flows_that_there_are() -> None:
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(set(lines))
    assert {line.partition(":")[0] for line in lines} == {flow.name for flow in FLOWS}


def test_every_flow_has_a_golden_journal() -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.json"))
    assert {flow.name for flow in FLOWS} <= set(re.findall(r'"(\w+):[^"]*":\["done"', written))
