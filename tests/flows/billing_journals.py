"""Journals of billing events as they were written, as `journals.py` keeps those of orders.

python -m tests.flows.billing_journals          writes the files that are missing
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import msgspec

from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from tests.flows.billing_scenes import Story
from tests.flows.journals import GOLDEN, Ending, Golden, WritingDown, as_write, ending_of, text_of
from tests.flows.test_billing_crashes import LASTING
from tests.flows.world import World


async def write_down(story: Story) -> Golden:
    """Tell a story and note every commit."""
    scene, clock = story.scene(), VirtualClock()
    store = WritingDown(World())
    assert scene.before is not None
    await scene.before(store)  # type: ignore[arg-type]
    before = [document for boundary in store.boundaries for document in boundary.documents]
    store.boundaries.clear()
    guests = scene.guests(store, clock)  # type: ignore[arg-type]
    process = Process(store, scene.flows, guests, clock, lanes=scene.lanes, pace=scene.pace)  # type: ignore[arg-type]
    await process.engine.recorder.record(facts=scene.facts)
    await process.live(at_most=scene.at_most)
    return Golden(story.name, before, store.boundaries, await ending_of(store.memory, scene.flows))


async def resume(golden: Golden, story: Story, at: int) -> Ending:
    """Go on with the present code from boundary `at`, as a process does that is started on an old database."""
    scene = story.scene()
    await asyncio.sleep(golden.boundaries[at].at)
    store, clock = MemoryStore(), VirtualClock()
    for documents in (golden.before, *(each.documents for each in golden.boundaries[: at + 1])):
        for document in documents:
            await store.commit([as_write(document)])
    process = Process(
        store,
        scene.flows,
        scene.guests(store, clock),
        clock,
        name="later",
        lanes=scene.lanes,
        pace=scene.pace,
    )
    await process.live(at_most=scene.at_most)
    return await ending_of(store, scene.flows)


def file_of(story: Story) -> Path:
    """Where the golden journal of a story is."""
    return GOLDEN / f"billing-{story.name.replace(' ', '-')}.json"


def read(story: Story) -> Golden:
    """The golden journal of a story."""
    return msgspec.json.decode(file_of(story).read_bytes(), type=Golden)


def diverging() -> tuple[int, list[str]]:
    """How many boundaries were resumed, and those from which the present code comes to another end."""
    told, wrong = 0, []
    for story in LASTING:
        golden = read(story)
        for at in range(len(golden.boundaries)):
            ending = run_virtually(partial(resume, golden, story, at))
            told += 1
            missing = {run: end for run, end in golden.ending.runs.items() if ending.runs.get(run) != end}
            # Of several facts, those that were recorded later than this commit are not there.
            first = at == len(golden.boundaries) - 1 or len(story.facts) == 1
            if (missing and first) or any(run in ending.runs for run in missing):
                wrong.append(f"{story.name}, after commit {at + 1}: {ending.runs}")
    return told, wrong


if __name__ == "__main__":
    for each in LASTING:
        if not file_of(each).exists():
            written = run_virtually(partial(write_down, each))
            file_of(each).write_bytes(text_of(written))
            print(f"{file_of(each)}: {len(written.boundaries)} commits")
