"""A journal of billing events that was written once can be gone on with."""

from __future__ import annotations

import pytest

from tests.flows.billing_journals import diverging, read
from tests.flows.billing_scenes import Story
from tests.flows.test_billing_crashes import LASTING


def test_every_golden_journal_goes_on_to_the_same_end() -> None:
    boundaries, wrong = diverging()
    assert boundaries > 20
    assert wrong == []


@pytest.mark.parametrize("story", LASTING, ids=lambda story: story.name)
def test_there_is_a_golden_journal_of_every_story(story: Story) -> None:
    golden = read(story)
    assert golden.story == story.name
    assert len(golden.boundaries) > 2
