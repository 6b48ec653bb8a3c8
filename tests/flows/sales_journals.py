"""Journals of the catalogue and of paid sessions as they were written, as `journals.py` keeps those of orders.

python -m tests.flows.sales_journals          writes the files that are missing
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from onpaid.engine.testing import Scene, run_virtually
from tests.flows import test_file_price as pricing
from tests.flows import test_keep_renewal as renewing
from tests.flows import test_keep_session as keeping
from tests.flows import test_open_session as opening
from tests.flows.billing_journals import resume, write_down
from tests.flows.journals import GOLDEN, Golden, text_of


@dataclass(frozen=True)
class Story:
    """A scene with a name."""

    name: str
    make: Callable[[], Scene]

    def scene(self) -> Scene:
        """The scene, in a world of its own."""
        return self.make()


LASTING = (
    Story("a new price", lambda: pricing.TOLD["a new price"]().scene()),
    Story("a changed price", lambda: pricing.TOLD["a changed price"]().scene()),
    Story("a price that is withdrawn", lambda: pricing.TOLD["a price that is withdrawn"]().scene()),
    Story("a paid session", lambda: keeping.TOLD["one line"]().scene()),
    Story("a session of a subscription", lambda: keeping.TOLD["the first bill of a subscription"]().scene()),
    Story("a renewal", lambda: renewing.STORIES["a renewal"]().scene()),
    Story("a session of a new user", lambda: opening.TOLD["a new user"]().scene()),
)


def file_of(story: Story) -> Path:
    """Where the golden journal of a story is."""
    return GOLDEN / f"sales-{story.name.replace(' ', '-')}.json"


def read(story: Story) -> Golden:
    """The golden journal of a story."""
    return msgspec.json.decode(file_of(story).read_bytes(), type=Golden)


def diverging(stories: tuple[Story, ...] = LASTING) -> tuple[int, list[str]]:
    """How many boundaries were resumed, and those from which the present code comes to another end."""
    told, wrong = 0, []
    for story in stories:
        golden = read(story)
        for at in range(len(golden.boundaries)):
            resumed: Any = partial(resume, golden, story, at)
            ending = run_virtually(resumed)
            told += 1
            if ending.runs != golden.ending.runs or ending.tickets != golden.ending.tickets:
                wrong.append(f"{story.name}, after commit {at + 1}: {ending.runs}")
    return told, wrong


if __name__ == "__main__":
    for each in LASTING:
        if not file_of(each).exists():
            writing: Any = partial(write_down, each)
            written = run_virtually(writing)
            file_of(each).write_bytes(text_of(written))
            print(f"{file_of(each)}: {len(written.boundaries)} commits")
