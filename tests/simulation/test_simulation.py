"""Days by the hundred, each with its own misfortunes: nothing lost, nothing double, nobody stuck."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.simulation.day import Habits
from tests.simulation.lives import Weather
from tests.simulation.simulate import simulate

CHUNKS = 10
SEEDS = 10
"""In each chunk. The scorecard tells many more."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_double_or_stuck(chunk: int) -> None:
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        result = simulate(seed, orders=4, fault_share=0.2 + 0.06 * chunk)
        assert result.well, result.why


def test_a_day_without_faults_needs_nobody() -> None:
    result = simulate(1, orders=12, fault_share=0.0)
    assert result.well, result.why
    assert result.settled == result.crashes == result.faults == 0
    assert result.tickets_by_class["doubt"] == 0


def test_a_rough_day_is_rough() -> None:
    """The control of the simulation itself: things do go wrong."""
    result = simulate(3, orders=25, fault_share=0.6)
    assert result.well, result.why
    assert result.crashes > 5
    assert result.faults > 50
    assert result.payments > 25
    assert result.invoices == result.mails > 15


def test_the_same_seed_tells_the_same_story_whatever_the_hash_seed() -> None:
    told = "from tests.simulation.simulate import simulate; print(simulate(11, 4, 0.6).digest)"
    digests = {simulate(11, 4, 0.6).digest}
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, check=True, env=environment
        )
        digests.add(done.stdout.split()[-1])
    assert len(digests) == 1
    assert simulate(12, 4, 0.6).digest not in digests


@pytest.mark.parametrize("seed", range(4))
def test_every_bell_lost_and_the_tick_alone_brings_everything_home(seed: int) -> None:
    result = simulate(seed, 6, weather=Weather(calls=0.3, rings_lost=1.0), habits=Habits(trouble=0.3))
    assert result.well, result.why


@pytest.mark.parametrize(
    "by", [timedelta(days=1), timedelta(days=-1), timedelta(hours=1), timedelta(hours=-1)], ids=str
)
@pytest.mark.parametrize("at", [1.0, 20.0, 70.0])
def test_rule_22_a_clock_that_is_set_loses_nothing(at: float, by: timedelta) -> None:
    weather = Weather(calls=0.3, between_crashes=60, steps=((at, by),))
    result = simulate(5, 5, weather=weather, habits=Habits(trouble=0.3), longest=timedelta(days=4))
    assert result.well, result.why


@pytest.mark.parametrize("seed", range(3))
def test_a_store_that_fails_often_loses_nothing(seed: int) -> None:
    result = simulate(seed, 5, weather=Weather(commits=1.0), habits=Habits(trouble=0.3))
    assert result.well, result.why


@pytest.mark.parametrize("seed", range(3))
def test_a_service_that_dies_every_few_commits_gets_home(seed: int) -> None:
    result = simulate(seed, 5, weather=Weather(between_crashes=8), habits=Habits(trouble=0.3))
    assert result.well, result.why
    assert result.crashes > 2
