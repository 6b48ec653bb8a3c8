"""Every flow, killed at every write, before it and after it, told again or not; the invoice's flow killed twice."""

from __future__ import annotations

import pytest

from onpaid.engine.testing import crash_everywhere
from tests.flows.scenes import STORIES, TROUBLED, Story


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_crash_at_every_write_changes_nothing(story: Story) -> None:
    assert crash_everywhere(story.scene) > 8


@pytest.mark.parametrize("story", TROUBLED, ids=lambda story: story.name)
def test_a_crash_at_every_write_while_the_outside_misbehaves_changes_nothing(story: Story) -> None:
    assert crash_everywhere(story.scene) > 8


def test_an_invoice_survives_every_pair_of_crashes() -> None:
    story = STORIES[0]
    assert crash_everywhere(story.scene, twice=True) > 400
