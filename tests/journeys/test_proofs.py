"""A day with the real service over HTTP, and a proof of it: nothing is invented, and every planted loss is found."""

from __future__ import annotations

import pytest

from tests.journeys.proofs import proven_day


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("seed", "faults"), [(3, "none"), (5, "all")])
async def test_each_planted_loss_is_found_and_nothing_else(seed: int, faults: str) -> None:
    told = await proven_day(12, seed, faults)
    assert told["passed"]
    assert told["before"] == ("proven", [], {})
    totals = told["totals"]
    assert totals.orders == totals.states["proven"] + totals.states.get("refunded", 0)
    assert totals.invoices == 6
    assert totals.parcels > 0
    assert told["after"] == ("off", {})
    planted = {each["what"]: each for each in told["planted"]}
    order_of = {what: str(each.get("order")).partition("-")[0] for what, each in planted.items()}
    assert sorted(each[:3] for each in told["found"]) == sorted(
        [
            ("missing", "invoice", order_of["invoice-deleted"]),
            ("missing", "invoice", order_of["invoice-credited"]),
            ("double", "invoice", order_of["invoice-doubled"]),
            ("differs", "invoice", order_of["invoice-changed"]),
            ("unexplained", "invoice", "NEVER-1"),
            ("unexplained", "shipment", order_of["parcel-strange"]),
            ("missing", "shipment", order_of["parcel-cancelled"]),
            ("missing", "payment", "770077"),
        ]
    )
    assert all(command for *_, command in told["found"])
