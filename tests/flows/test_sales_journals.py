"""A journal of catalogue and sessions that was written once can be gone on with."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from onpaid.engine.testing import Scene
from onpaid.flows.file_price import file_price
from onpaid.flows.keep_renewal import keep_renewal
from onpaid.flows.keep_session import keep_session
from onpaid.flows.open_session import open_session
from tests.flows.sales_journals import LASTING, Story, diverging, read


def test_every_golden_journal_goes_on_to_the_same_end() -> None:
    boundaries, wrong = diverging()
    assert boundaries > 20
    assert wrong == []


@pytest.mark.parametrize("story", LASTING, ids=lambda story: story.name)
def test_there_is_a_golden_journal_of_every_story(story: Story) -> None:
    golden = read(story)
    assert golden.story == story.name
    assert len(golden.boundaries) > 2


@pytest.mark.parametrize(
    ("flow", "old", "name"),
    [
        (file_price, "create price", "a new price"),
        (keep_session, "read lines", "a paid session"),
        (keep_renewal, "read bill lines", "a renewal"),
        (open_session, "create session", "a session of a new user"),
    ],
    ids=["file_price", "keep_session", "keep_renewal", "open_session"],
)
def test_a_renamed_step_is_noticed(flow: Any, old: str, name: str) -> None:
    """The control: with one step renamed, runs that had come to it diverge."""

    class Renaming:
        def __init__(self, context: Any) -> None:
            self._context = context

        def __getattr__(self, what: str) -> Any:
            return getattr(self._context, what)

        async def step(self, step: str, *args: Any, **more: Any) -> Any:
            return await self._context.step(f"{step} anew" if step == old else step, *args, **more)

    async def tell(context: Any, fact: Any, **needed: Any) -> Any:
        return await flow.tell(Renaming(context), fact, **needed)

    renamed = dataclasses.replace(flow, tell=tell)
    (story,) = [each for each in LASTING if each.name == name]

    def scene() -> Scene:
        made = story.scene()
        return dataclasses.replace(
            made, flows=[renamed if each.name == flow.name else each for each in made.flows]
        )

    boundaries, wrong = diverging((dataclasses.replace(story, make=scene),))
    assert boundaries >= len(wrong) > 2
