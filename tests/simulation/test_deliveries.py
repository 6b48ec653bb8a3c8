"""Days of a delivering shop, each with its own misfortunes: nothing lost, nothing double, nobody stuck."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.simulation.bazaar_day import Manners
from tests.simulation.deliveries import deliveries
from tests.simulation.lives import Weather

CHUNKS = 5
SEEDS = 6
"""In each chunk. The scorecard tells many more."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_double_or_stuck(chunk: int) -> None:
    for seed in range(chunk * SEEDS, (chunk + 1) * SEEDS):
        result = deliveries(seed, orders=5, fault_share=0.2 + 0.1 * chunk)
        assert result.well, result.why


def test_a_day_without_faults_needs_nobody_but_for_what_customers_do() -> None:
    kind = Manners(trouble=0.0, misfits=0.0, given_back=0.0, twice=0.0, scarce=1.0, unreachable=0.0)
    result = deliveries(1, orders=20, fault_share=0.0, manners=kind)
    assert result.well, result.why
    assert result.settled == result.crashes == result.faults == 0
    assert not result.tickets_by_class
    assert result.parcels > 8
    assert result.told > 2 * result.parcels


def test_a_rough_day_is_rough() -> None:
    """The control of the simulation itself: things do go wrong."""
    result = deliveries(5, orders=30, fault_share=0.6, manners=Manners(trouble=0.6, twice=0.0, scarce=0.4))
    assert result.well, result.why
    assert result.crashes > 5
    assert result.faults > 50
    assert result.parcels > 10
    assert result.refunds > 0
    assert result.tickets_by_class["stock"] > 0
    assert result.tickets_by_class["payment"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_every_bell_lost_and_the_tick_alone_brings_everything_home(seed: int) -> None:
    result = deliveries(seed, 5, weather=Weather(calls=0.3, rings_lost=1.0), manners=Manners())
    assert result.well, result.why


@pytest.mark.parametrize("seed", range(3))
def test_a_service_that_dies_every_few_commits_gets_home(seed: int) -> None:
    result = deliveries(seed, 5, weather=Weather(between_crashes=10), manners=Manners())
    assert result.well, result.why
    assert result.crashes > 2


def test_the_same_seed_tells_the_same_story_whatever_the_hash_seed() -> None:
    told = "from tests.simulation.deliveries import deliveries; print(deliveries(11, 4, 0.6).digest)"
    digests = {deliveries(11, 4, 0.6).digest}
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run(
            [sys.executable, "-c", told], capture_output=True, text=True, check=True, env=environment
        )
        digests.add(done.stdout.split()[-1])
    assert len(digests) == 1
    assert deliveries(12, 4, 0.6).digest not in digests
