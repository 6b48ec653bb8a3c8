"""Power cuts and failing disks, counted. `ONPAID_CUTS=1000` for as many as the scorecard makes."""

from __future__ import annotations

import os

from tests.stores.power import failing_writes, power_cuts

CUTS = int(os.environ.get("ONPAID_CUTS", "100"))


def test_a_power_cut_loses_nothing_that_was_acknowledged() -> None:
    found = power_cuts(CUTS)
    assert (found["lost"], found["torn"], found["corrupt"], found["refused but there"]) == (0, 0, 0, 0)
    assert found["written"] > CUTS
    assert found["cut under way"] > CUTS // 2


def test_the_cuts_are_such_that_a_careless_store_would_lose() -> None:
    found = power_cuts(20, synchronous="NORMAL")
    assert found["lost"] > 0


def test_a_failing_disk_is_told_truthfully_and_got_over() -> None:
    found = failing_writes(CUTS)
    assert (found["lost"], found["torn"], found["corrupt"], found["refused but there"]) == (0, 0, 0, 0)
    assert found["recovered"] == found["disks"]
    assert found["refused"] > 0
    assert found["unknown"] > 0
