"""A worker that froze past its lease and thaws changes nothing."""

from __future__ import annotations

import pytest

from tests.flows.scenes import STORIES, TROUBLED, Story
from tests.simulation.frozen import frozen

ACTING = [story for story in (*STORIES, *TROUBLED) if story.tick.total_seconds() < 60]


@pytest.mark.parametrize("story", ACTING, ids=lambda story: story.name)
def test_rule_08_a_worker_frozen_at_any_write_doubles_nothing(story: Story) -> None:
    found = frozen((story,))
    assert found["told"] >= 6
    assert found["lost"] == 0, found["examples"]
    assert found["double"] == 0, found["examples"]
