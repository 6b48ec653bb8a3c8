"""Journals as they were written: every commit of a flow's telling, with what the world held just after it.

A golden file is what a release leaves in the databases of those who use it. It is made once and never edited; a
flow that can no longer go on from one of its boundaries would strand real orders.

    python -m tests.flows.journals          writes the files that are missing
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from onpaid.domain.invoices import ContactDetails, InvoiceDraft, Receipt
from onpaid.engine.flow import Flow
from onpaid.engine.journal import RUNS, TICKETS, Run
from onpaid.engine.testing import Process, VirtualClock, run_virtually
from onpaid.providers.roles import FiledTicket
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Delete, Entry, Insert, Put, Update, Write
from tests.flows.scenes import STORIES, TROUBLED, Story
from tests.flows.stage import FLOWS, guests
from tests.flows.world import LANES, Contact, Invoice, World

GOLDEN = Path(__file__).parent / "golden"
TOLD = (*STORIES, *TROUBLED)


class Document(msgspec.Struct, omit_defaults=True):
    """One document as it was written. A body that is no JSON is kept as Base64."""

    kind: str
    key: str
    version: int
    body: Any
    entries: list[tuple[str, str, int]] = []
    packed: bool = False
    deleted: bool = False


class Books(msgspec.Struct):
    """What the world held."""

    contacts: list[ContactDetails] = []
    invoices: list[tuple[InvoiceDraft, list[Receipt]]] = []
    tickets: list[FiledTicket] = []


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


def books_of(world: World) -> Books:
    """The world's books, as values."""
    return Books(
        [contact.details for contact in world.contacts],
        [(invoice.draft, list(invoice.mails)) for invoice in world.invoices],
        list(world.tickets),
    )


async def write_down(story: Story) -> Golden:
    """Tell a story and note every commit."""
    world = World()
    scene = story.scene(world)
    world.fates = type(world.fates)(story.fates)
    store, clock = WritingDown(world), VirtualClock()
    if scene.before is not None:
        await scene.before(store)  # type: ignore[arg-type]
    before = [document for boundary in store.boundaries for document in boundary.documents]
    store.boundaries.clear()
    process = Process(
        store,
        FLOWS,
        scene.guests(store, clock),
        clock,
        lanes=LANES,
        pace=scene.pace,  # type: ignore[arg-type]
    )
    await process.engine.recorder.record(facts=scene.facts)
    await process.live(at_most=scene.at_most)
    return Golden(story.name, before, store.boundaries, await ending_of(store.memory))


async def ending_of(store: MemoryStore) -> Ending:
    """How every run stands."""
    runs: list[Run] = []
    for flow in FLOWS:
        for state in ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled"):
            runs.extend((await RUNS.query(store, "flow-state", f"{flow.name}:{state}", limit=100)).items)
    tickets = (await TICKETS.query(store, "state", "open", limit=100)).items
    ends = {
        run.id: (run.state, [step.name for step in run.steps]) for run in sorted(runs, key=lambda run: run.id)
    }
    return Ending(ends, len(tickets))


async def resume(
    golden: Golden, story: Story, at: int, flows: Sequence[Flow] = FLOWS
) -> tuple[Ending, World]:
    """Go on with the present code from boundary `at`, as a process does that is started on an old database."""
    boundary = golden.boundaries[at]
    world = World()
    scene = story.scene(world)
    world.fates = type(world.fates)()
    await asyncio.sleep(boundary.at)
    for details in boundary.books.contacts:
        world.contacts.append(Contact(len(world.contacts) + 1, details, 0.0))
    for draft, mails in boundary.books.invoices:
        world.invoices.append(Invoice(len(world.invoices) + 1, draft, 0.0, list(mails)))
    world.tickets.extend(boundary.books.tickets)
    store, clock = MemoryStore(), VirtualClock()
    for documents in (golden.before, *(each.documents for each in golden.boundaries[: at + 1])):
        for document in documents:
            await store.commit([_write(document)])
    process = Process(
        store, flows, guests(world, store, story.rules), clock, name="later", lanes=LANES, pace=scene.pace
    )
    await process.live(at_most=scene.at_most)
    return await ending_of(store), world


def _write(document: Document) -> Write:
    if document.deleted:
        return Delete(document.kind, document.key)
    body = base64.b64decode(document.body) if document.packed else msgspec.json.encode(document.body)
    entries = tuple(Entry(*entry) for entry in document.entries)
    return Put(document.kind, document.key, body, entries)


def file_of(story: Story) -> Path:
    """Where the golden journal of a story is."""
    return GOLDEN / f"{story.name.replace(' ', '-')}.json"


def read(story: Story) -> Golden:
    """The golden journal of a story."""
    return msgspec.json.decode(file_of(story).read_bytes(), type=Golden)


def diverging(flows: Sequence[Flow] = FLOWS) -> tuple[int, list[str]]:
    """How many boundaries were resumed, and those from which the present code comes to another end."""
    told, wrong = 0, []
    for story in TOLD:
        golden = read(story)
        for at in range(len(golden.boundaries)):
            ending, world = run_virtually(partial(resume, golden, story, at, flows))
            told += 1
            if why := _differs(golden, ending, world):
                wrong.append(f"{story.name}, after commit {at + 1}: {why}")
    return told, wrong


def _differs(golden: Golden, ending: Ending, world: World) -> str:
    if world.faults:
        return world.faults[0]
    books = golden.boundaries[-1].books
    made = (len(world.contacts), len(world.invoices), len(world.tickets))
    if made[:2] != (len(books.contacts), len(books.invoices)):
        return f"{made[0]} contacts and {made[1]} invoices"
    for run, (state, steps) in golden.ending.runs.items():
        if run.startswith("file_ticket:"):
            continue
        now = ending.runs.get(run, ("missing", []))
        if now[1] != steps or (now[0] != state and now[0] != "doubtful"):
            return f"{run} is {now[0]} with {now[1]}"
        if now[0] == "doubtful" and (now[1][-1] != "send receipt" or world.mails):
            return f"{run} is in doubt without need"
    return ""


def _text(golden: Golden) -> bytes:
    """One line for each boundary, so that a difference can be read."""
    lines = b",\n".join(msgspec.json.encode(boundary) for boundary in golden.boundaries)
    whole = msgspec.json.encode(msgspec.structs.replace(golden, boundaries=[]))
    return whole.replace(b'"boundaries":[]', b'"boundaries":[\n' + lines + b"\n]", 1) + b"\n"


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for told in TOLD:
        if not file_of(told).exists():
            written = run_virtually(partial(write_down, told))
            file_of(told).write_bytes(_text(written))
            print(f"{file_of(told)}: {len(written.boundaries)} commits")
