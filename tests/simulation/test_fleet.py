"""The service as AWS runs it, while workers die, time out and freeze, and the queue does what queues do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.deliveries import deliveries
from tests.simulation.fleet import Fleet, Skies, rough
from tests.simulation.fleet_bugs import missed
from tests.simulation.fleet_crowd import ONE_OF_EACH, crowd
from tests.simulation.fleet_poison import poisoned
from tests.simulation.fleet_scenes import SCENES, frozen, killed, timed_out
from tests.simulation.simulate import simulate

SHORT = ("invoice_payment misfit", "file_contact", "book_shipment", "send_message")
FEW = [each for each in SCENES if each[0] in SHORT]


@pytest.mark.parametrize("tell", [simulate, deliveries])
@pytest.mark.parametrize("share", [0.2, 0.4, 0.6])
def test_nothing_is_lost_double_or_stuck_on_a_fleet(tell: Any, share: float) -> None:
    for seed in range(2):
        told = tell(seed, 5, share, weather=rough(share), service=Fleet)
        assert told.well, told.why


def test_a_day_without_faults_needs_nobody_and_a_rough_one_is_rough() -> None:
    calm = simulate(1, 8, 0.0, weather=Skies(), service=Fleet)
    assert calm.well, calm.why
    assert calm.settled == calm.crashes == calm.faults == 0
    rough_day = simulate(2, 5, 0.5, weather=rough(0.5), service=Fleet)
    assert rough_day.crashes > 5
    assert rough_day.faults > 5


@pytest.mark.parametrize("tell", [simulate, deliveries])
def test_every_bell_lost_and_the_tick_alone_brings_everything_home(tell: Any) -> None:
    told = tell(4, 4, 0.2, weather=replace(rough(0.2), rings_lost=1.0), service=Fleet)
    assert told.well, told.why


def test_workers_killed_at_each_write_and_timed_out_between_each_two_change_nothing() -> None:
    for found in (killed(FEW), timed_out(FEW)):
        assert found["told"] > 100
        assert not found["wrong"], found["examples"][:3]


def test_a_second_death_changes_nothing() -> None:
    found = killed([each for each in FEW if each[0] == "file_contact"], twice=True)
    assert found["told"] > 40
    assert not found["wrong"], found["examples"][:3]


def test_a_worker_that_thaws_after_others_took_over_changes_nothing() -> None:
    found = frozen(FEW)
    assert found["told"] > 40
    assert not found["wrong"], found["examples"][:3]


def test_a_hundred_at_once_at_sandboxes_that_share_a_table_make_one_of_each() -> None:
    assert crowd(100) == {**ONE_OF_EACH, "routed": 1, "duplicate": 99}


def test_poison_hurts_nobody_else() -> None:
    found = poisoned(40)
    assert (found["unserved"], found["double"], found["of_others"]) == (0, 0, 0)
    assert found["tickets"] == 1
    assert found["worst"] < 600
    assert found["workers_killed"] > 0
    assert found["dead_letters"] > 0


def test_the_same_seed_tells_the_same_story() -> None:
    first, again = (simulate(11, 4, 0.5, weather=rough(0.5), service=Fleet).digest for _ in range(2))
    assert first == again


def test_the_controls_show() -> None:
    """A strict lane without a hold, a lease ignored, a hasty answer, a commit in two."""
    assert missed() == []
