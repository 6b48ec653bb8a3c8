"""Every flow of delivery, killed at every write, before it and after it, told again or not."""

from __future__ import annotations

import pytest

from onpaid.engine.testing import crash_everywhere
from tests.flows.delivery_scenes import TELLINGS, TROUBLED, Telling


@pytest.mark.parametrize("telling", TELLINGS, ids=lambda telling: telling.name)
def test_a_crash_at_every_write_changes_nothing(telling: Telling) -> None:
    assert crash_everywhere(telling.scene) > 4


@pytest.mark.parametrize("telling", TROUBLED, ids=lambda telling: telling.name)
def test_a_crash_at_every_write_while_the_outside_misbehaves_changes_nothing(telling: Telling) -> None:
    assert crash_everywhere(telling.scene) > 4
