"""What the tests of moving share: stores with something in them, a clock that does not wait, and who may be opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onpaid.app.move_tally import copied_pages
from onpaid.app.moving import Move, Moved
from onpaid.engine.testing import Died
from onpaid.errors import StoreUnusable
from onpaid.store.memory import MemoryStore
from onpaid.store.moved import open_for_work
from onpaid.store.port import Document, Entry, Put, Store

FROM, TO = "sqlite:////shop.db", "dynamodb://shop"
NOW = 1_767_225_600_000


class PatientClock:
    """A clock on which sleeping takes no time but its own."""

    def __init__(self, now: int = NOW) -> None:
        self.instant = now
        self.slept: list[float] = []

    def now(self) -> int:
        return self.instant

    def monotonic(self) -> float:
        return self.instant / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.instant += round(seconds * 1000)


async def stock(store: Store, orders: int = 450) -> None:
    """Orders, some written twice, events without entries, and what every store has."""
    for start in range(0, orders, 90):
        numbers = range(start, min(orders, start + 90))
        await store.commit(
            [
                Put("order", f"shop/{n:05}", b"order %d" % n, (Entry("state", "new", n), Entry("all", "", n)))
                for n in numbers
            ]
        )
    await store.commit(
        [
            Put("order", f"shop/{n:05}", b"again", (Entry("state", "paid", n),))
            for n in range(0, min(orders, 300), 7)
        ]
    )
    await store.commit([Put("event", f"e{n}", bytes(range(n))) for n in range(30)])
    await store.commit([Put("meta", "mode", b"test"), Put("lane", "fiken", b"{}", (Entry("all", "", 0),))])


async def stocked(orders: int = 450) -> MemoryStore:
    """A store in memory with something in it."""
    store = MemoryStore()
    await stock(store, orders)
    return store


async def move(source: Store, target: Store, **more: Any) -> Moved:
    """A move between the two, from its beginning or from where it was."""
    words = {
        "source_name": FROM,
        "target_name": TO,
        "clock": PatientClock(),
        "new_id": "m1",
        "alone": True,
        **more,
    }
    return await Move(source, target, **words).go()


async def killed(source: Store, target: Store, **more: Any) -> bool:
    """The same, by a process that may be killed on the way. Whether it was."""
    try:
        await move(source, target, **more)
    except Died:
        return True
    return False


async def held_by(store: Store) -> list[Document]:
    """Everything but the marks of moves, in one order."""
    found = [document async for page, _ in copied_pages(store) for document in page]
    tidy = [Document(d.kind, d.key, d.version, d.body, tuple(sorted(d.entries))) for d in found]
    return sorted(tidy, key=lambda each: (each.kind, each.key))


async def opens(*stores: Store) -> list[bool]:
    """Which of the stores would open for work. They are asked in copies, so that nothing is noted."""
    found = []
    for store in stores:
        copy, cursor = MemoryStore(), None
        while True:
            page, cursor = await store.documents(cursor)
            await copy.load(page)
            if cursor is None:
                break
        try:
            await open_for_work(copy, NOW)
        except StoreUnusable:
            found.append(False)
        else:
            found.append(True)
    return found


class Clumsy(MemoryStore):
    """A target that does not keep everything as it was handed in, as long as it is clumsy."""

    def __init__(self, how: str) -> None:
        super().__init__()
        self.how = how

    async def load(self, documents: Sequence[Document]) -> None:
        await super().load([self._spoilt(each) for each in documents if not self._lost(each)])
        if self.how == "adds":
            await super().load([Document("order", "shop/99999", 1, b"who?", ())])
        if self.how == "adds a kind":
            await super().load([Document("ghost", "1", 1, b"who?", ())])

    def _lost(self, document: Document) -> bool:
        return self.how == "loses" and document.key == "shop/00007"

    def _spoilt(self, each: Document) -> Document:
        if each.key != "shop/00014" or self.how not in ("body", "version", "entries", "entry"):
            return each
        body = b"agaim" if self.how == "body" else each.body
        version = each.version + 1 if self.how == "version" else each.version
        entries = () if self.how == "entries" else each.entries
        if self.how == "entry":
            entries = tuple(Entry(name, value, sort + 1) for name, value, sort in entries)
        return Document(each.kind, each.key, version, body, entries)
