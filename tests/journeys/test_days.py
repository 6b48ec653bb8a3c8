"""The real service on a rough day: frozen past its leases again and again, not told, killed; and overheard, for secrets."""

from __future__ import annotations

import pytest

from tests.journeys.canaries import canaries_told
from tests.journeys.days import frozen_days, lossy_days


@pytest.mark.timeout(240)
async def test_a_service_that_freezes_again_and_again_loses_and_doubles_nothing() -> None:
    report = await frozen_days(5, seed=6)
    assert report["passed"], report["findings"]
    assert report["agrees"], report["differences"]
    assert (report["missing"], report["double"], report["waiting_for_person"]) == (0, 0, 0)


@pytest.mark.timeout(240)
async def test_what_was_never_told_is_made_good_though_the_service_is_killed_meanwhile() -> None:
    report = await lossy_days(12, seed=2)
    assert report["passed"], report["findings"]
    assert report["faults_injected"]["drop-webhook"] > 0
    assert report["mischief"] > 0
    assert (report["missing"], report["double"], report["waiting_for_person"]) == (0, 0, 0)
    assert (report["sales"]["missing"], report["sales"]["double"]) == (0, 0)
    assert report["proof"]["verdict"] == "proven"
    assert report["reconciliations"]


@pytest.mark.timeout(240)
async def test_no_secret_and_no_personal_data_is_told_to_anybody() -> None:
    told = await canaries_told()
    assert told["searched"] > 30
    assert told["seen_by_operator"] >= 5
    assert told["hits"] == []
    assert "tickets.jsonl" in told["places"]
