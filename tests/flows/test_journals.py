"""A journal that was written once can always be gone on with."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from onpaid.engine.flow import Flow
from tests.flows.journals import TOLD, Told, diverging, read


def test_rule_09_every_golden_journal_goes_on_to_the_same_end() -> None:
    boundaries, wrong = diverging()
    assert boundaries > 100
    assert wrong == []


@pytest.mark.parametrize("story", TOLD, ids=lambda story: story.name)
def test_there_is_a_golden_journal_of_every_story(story: Told) -> None:
    golden = read(story)
    assert golden.story == story.name
    assert len(golden.boundaries) > 2


def test_a_renamed_step_is_noticed() -> None:
    """The control: with one step renamed, runs that had come to it diverge."""

    class Renaming:
        def __init__(self, context: Any) -> None:
            self._context = context

        def __getattr__(self, name: str) -> Any:
            return getattr(self._context, name)

        async def step(self, name: str, *args: Any, **more: Any) -> Any:
            new = {"create invoice": "make invoice", "assign awb": "take awb"}.get(name, name)
            return await self._context.step(new, *args, **more)

    def renamed(flow: Flow) -> Flow:
        async def tell(context: Any, fact: Any, **needed: Any) -> Any:
            return await flow.tell(Renaming(context), fact, **needed)

        return dataclasses.replace(flow, tell=tell)

    for name in ("invoice_payment", "book_shipment"):
        (story,) = [story for story in TOLD if story.name == name]
        boundaries, wrong = diverging(renamed, [story])
        assert boundaries > len(wrong) > 5
