"""A delivering worker that froze past its lease and thaws changes nothing."""

from __future__ import annotations

import pytest

from tests.flows.delivery_scenes import TELLINGS, Telling
from tests.simulation.bugs_inside import Unfenced
from tests.simulation.frozen_deliveries import frozen_deliveries


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda telling: telling.name)
def test_rule_08_a_worker_frozen_at_any_write_doubles_nothing(telling: Telling) -> None:
    found = frozen_deliveries((telling,))
    assert found["told"] >= 6
    assert found["wrong"] == 0, found["examples"]


def test_without_the_leases_number_a_thawed_worker_does_harm() -> None:
    assert frozen_deliveries((TELLINGS[1],), Unfenced)["wrong"] > 0
