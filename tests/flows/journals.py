"""Journals as they were written: every commit of a flow's telling, with what the world held just after it.

A golden file is what a release leaves in the databases of those who use it. It is made once and never edited; a
flow that can no longer go on from one of its boundaries would strand real orders.

    python -m tests.flows.journals          writes the files that are missing
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from onpaid.engine.flow import Flow
from onpaid.engine.journal import RUNS, TICKETS, Run
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Delete, Entry, Insert, Put, Update, Write
from tests.flows.books import Books, books_of, differing, put_back
from tests.flows.delivery_scenes import TELLINGS, Telling
from tests.flows.delivery_scenes import TROUBLED as TROUBLED_TELLINGS
from tests.flows.scenes import STORIES, TROUBLED, Story
from tests.flows.world import World

GOLDEN = Path(__file__).parent / "golden"
Told = Story | Telling
TOLD: tuple[Told, ...] = (*STORIES, *TROUBLED, *TELLINGS, *TROUBLED_TELLINGS)
Renaming = Callable[[Flow], Flow]


def _as_it_is(flow: Flow) -> Flow:
    return flow


class Document(msgspec.Struct, omit_defaults=True):
    """One document as it was written. A body that is no JSON is kept as Base64."""

    kind: str
    key: str
    version: int
    body: Any
    entries: list[tuple[str, str, int]] = []
    packed: bool = False
    deleted: bool = False


class Boundary(msgspec.Struct):
    """One commit, when it was, and the world after it."""

    at: float
    documents: list[Document]
    books: Books


class Ending(msgspec.Struct):
    """How the telling ended: the state and the steps of each run, and how many tickets are open."""

    runs: dict[str, tuple[str, list[str]]]
    tickets: int


class Golden(msgspec.Struct):
    """One file."""

    story: str
    before: list[Document]
    boundaries: list[Boundary]
    ending: Ending


class WritingDown:
    """A store that notes every commit."""

    def __init__(self, world: World) -> None:
        self.memory = MemoryStore()
        self.boundaries: list[Boundary] = []
        self._world = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self.memory, name)

    async def commit(self, writes: Sequence[Write]) -> None:
        await self.memory.commit(writes)
        documents = [await self._document(write) for write in writes if not isinstance(write, Check)]
        now = asyncio.get_running_loop().time()
        self.boundaries.append(Boundary(now, documents, books_of(self._world)))

    async def _document(self, write: Insert | Put | Update | Delete) -> Document:
        held = await self.memory.get(write.kind, write.key)
        if held is None or isinstance(write, Delete):
            return Document(write.kind, write.key, 0, None, deleted=True)
        entries = [(entry.name, entry.value, entry.sort) for entry in write.entries]
        try:
            return Document(write.kind, write.key, held.version, msgspec.json.decode(held.body), entries)
        except msgspec.DecodeError:
            packed = base64.b64encode(held.body).decode()
            return Document(write.kind, write.key, held.version, packed, entries, packed=True)


def _world(story: Told) -> World:
    """A world in which this story can be told."""
    return story.world() if isinstance(story, Telling) else World()


async def write_down(story: Told) -> Golden:
    """Tell a story and note every commit."""
    world = _world(story)
    scene = story.scene(world)  # type: ignore[arg-type]
    world.fates = type(world.fates)(story.fates)
    store, clock = WritingDown(world), VirtualClock()
    if scene.before is not None:
        await scene.before(store)  # type: ignore[arg-type]
    before = [document for boundary in store.boundaries for document in boundary.documents]
    store.boundaries.clear()
    process = Process(
        store,
        scene.flows,
        scene.guests(store, clock),  # type: ignore[arg-type]
        clock,
        lanes=scene.lanes,
        pace=scene.pace,
    )
    await process.engine.recorder.record(facts=scene.facts)
    await process.live(at_most=scene.at_most)
    return Golden(story.name, before, store.boundaries, await ending_of(store.memory, scene.flows))


async def ending_of(store: MemoryStore, flows: Iterable[Flow]) -> Ending:
    """How every run stands."""
    runs: list[Run] = []
    for flow in flows:
        for state in ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled"):
            runs.extend((await RUNS.query(store, "flow-state", f"{flow.name}:{state}", limit=100)).items)
    tickets = (await TICKETS.query(store, "state", "open", limit=100)).items
    ends = {
        run.id: (run.state, [step.name for step in run.steps]) for run in sorted(runs, key=lambda run: run.id)
    }
    return Ending(ends, len(tickets))


async def resume(golden: Golden, story: Told, at: int, as_now: Renaming = _as_it_is) -> tuple[Ending, World]:
    """Go on with the present code from boundary `at`, as a process does that is started on an old database."""
    boundary = golden.boundaries[at]
    world = _world(story)
    scene = story.scene(world)  # type: ignore[arg-type]
    world.fates = type(world.fates)()
    await asyncio.sleep(boundary.at)
    put_back(world, boundary.books)
    store, clock = MemoryStore(), VirtualClock()
    for documents in (golden.before, *(each.documents for each in golden.boundaries[: at + 1])):
        for document in documents:
            await store.commit([as_write(document)])
    flows = [as_now(flow) for flow in scene.flows]
    guests = scene.guests(store, clock)
    process = Process(store, flows, guests, clock, name="later", lanes=scene.lanes, pace=scene.pace)
    await process.live(at_most=scene.at_most)
    return await ending_of(store, flows), world


def as_write(document: Document) -> Write:
    if document.deleted:
        return Delete(document.kind, document.key)
    body = base64.b64decode(document.body) if document.packed else msgspec.json.encode(document.body)
    entries = tuple(Entry(*entry) for entry in document.entries)
    return Put(document.kind, document.key, body, entries)


def file_of(story: Told) -> Path:
    """Where the golden journal of a story is."""
    return GOLDEN / f"{story.name.replace(',', '').replace(' ', '-')}.json"


def read(story: Told) -> Golden:
    """The golden journal of a story."""
    return msgspec.json.decode(file_of(story).read_bytes(), type=Golden)


def diverging(as_now: Renaming = _as_it_is, stories: Sequence[Told] = TOLD) -> tuple[int, list[str]]:
    """How many boundaries were resumed, and those from which the present code comes to another end."""
    told, wrong = 0, []
    for story in stories:
        golden = read(story)
        for at in range(len(golden.boundaries)):
            ending, world = run_virtually(partial(resume, golden, story, at, as_now))
            told += 1
            if why := _differs(golden, ending, world):
                wrong.append(f"{story.name}, after commit {at + 1}: {why}")
    return told, wrong


def _differs(golden: Golden, ending: Ending, world: World) -> str:
    if world.faults:
        return world.faults[0]
    books = books_of(world)
    if why := differing(golden.boundaries[-1].books, books):
        return why
    out = {message.ref for message in books.messages}
    for run, (state, steps) in golden.ending.runs.items():
        if run.startswith("file_ticket:"):
            continue
        now, then = ending.runs.get(run, ("missing", []))
        if now == "doubtful" and state != "doubtful":
            # What cannot be looked up, and did not leave before its sender died, is for a person.
            unsent = then[-1] == "send receipt" and not world.mails
            if not unsent and (then[-1] != "send message" or _ref(run) in out):
                return f"{run} is in doubt without need"
            continue
        if now != state or _firm(then) != _firm(steps):
            return f"{run} is {now} with {then}"
    return ""


def _firm(steps: Sequence[str]) -> list[str]:
    """The steps without those that depend on how late it is."""
    return [step for step in steps if step != "its turn"]


def _ref(run: str) -> str:
    """The reference of the message that a run sends."""
    order, _, template = run.removeprefix("send_message:").rpartition("/")
    return f"onpaid:{order}:{template}"


def text_of(golden: Golden) -> bytes:
    """One line for each boundary, so that a difference can be read."""
    lines = b",\n".join(msgspec.json.encode(boundary) for boundary in golden.boundaries)
    whole = msgspec.json.encode(msgspec.structs.replace(golden, boundaries=[]))
    return whole.replace(b'"boundaries":[]', b'"boundaries":[\n' + lines + b"\n]", 1) + b"\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for told in TOLD:
        if not file_of(told).exists():
            written = run_virtually(partial(write_down, told))
            file_of(told).write_bytes(text_of(written))
            print(f"{file_of(told)}: {len(written.boundaries)} commits")
