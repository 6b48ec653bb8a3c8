"""Group commit: batches share transactions, and nothing else."""

from __future__ import annotations

import asyncio
import os

import apsw
import pytest

from onpaid.errors import Conflict, StoreUnavailable
from onpaid.store.port import Check, Delete, Entry, Insert, Put, Update
from onpaid.store.sqlite_group import Group
from tests.stores.kit import Open, paid


async def test_what_comes_together_is_committed_together(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await asyncio.gather(*(store.commit([paid(number)]) for number in range(200)))
    assert store.commits <= 3  # the first may go alone, and a queue may be seen half filled
    before = store.commits
    for number in range(200, 210):
        await store.commit([paid(number)])
    assert store.commits == before + 10
    assert await store.count("order", "all", "") == 210


async def test_a_refused_batch_does_not_fail_its_neighbours(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(5)])
    before = store.commits
    told = await asyncio.gather(
        *(store.commit([paid(number), Put("beside", f"b{number}", b"")]) for number in range(10)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told] == [type(None)] * 5 + [Conflict] + [type(None)] * 4
    assert store.commits <= before + 2
    assert await store.get("beside", "b5") is None
    assert await store.count("order", "all", "") == 10


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (Insert("order", "x", "text"), TypeError),  # type: ignore[arg-type]
        (Insert("order", "x", b"", (Entry("all", "", 1 << 63),)), ValueError),
        (Insert("order", "x", b"", (Entry("all", "", 1.5),)), ValueError),  # type: ignore[arg-type]
        (Insert("order", "\ud800", b""), ValueError),
        (Insert("order", "x", b"", (Entry("all", "\udfff", 1),)), ValueError),
        (Insert("order", None, b""), AttributeError),  # type: ignore[arg-type]
    ],
)
async def test_a_batch_that_cannot_be_written_fails_alone(
    open_sqlite: Open, bad: Insert, error: type[Exception]
) -> None:
    store = await open_sqlite()
    told = await asyncio.gather(
        store.commit([paid(1)]), store.commit([bad]), store.commit([paid(2)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told][::2] == [type(None), type(None)]
    assert isinstance(told[1], error)


async def test_a_batch_that_breaks_the_writer_fails_alone(
    open_sqlite: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing known gets there; if something does, its neighbours must not pay for it."""
    store = await open_sqlite()
    decide = Group.decide

    def explode(self: object, writes: object, packed: object) -> Conflict | None:
        if any(write.key == "bomb" for write in writes):  # type: ignore[attr-defined]
            raise apsw.MismatchError("bang")
        return decide(self, writes, packed)  # type: ignore[arg-type]

    monkeypatch.setattr(Group, "decide", explode)
    told = await asyncio.gather(
        store.commit([paid(1)]),
        store.commit([Insert("order", "bomb", b"")]),
        store.commit([paid(2)]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told] == [type(None), StoreUnavailable, type(None)]
    assert await store.count("order", "all", "") == 2


async def test_batches_of_one_group_build_upon_each_other(open_sqlite: Open) -> None:
    store = await open_sqlite()
    told = await asyncio.gather(
        store.commit([Insert("a", "1", b"first", (Entry("i", "x", 1),))]),
        store.commit([Insert("a", "1", b"second")]),
        store.commit([Update("a", "1", b"third", 1, (Entry("i", "x", 2),))]),
        store.commit([Check("a", "1", 2), Insert("a", "2", b"", (Entry("i", "x", 3),))]),
        store.commit([Delete("a", "2")]),
        store.commit([Insert("a", "2", b"anew", (Entry("i", "x", 4),))]),
        store.commit([Delete("a", "3"), Insert("a", "4", b"")]),
        store.commit([Delete("a", "4")]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in told].count(Conflict) == 1
    found = await store.get_many("a", ["1", "2", "3", "4"])
    assert [stored and (stored.version, stored.body) for stored in found] == [
        (2, b"third"),
        (1, b"anew"),
        None,
        None,
    ]
    page = await store.query("a", "i", "x", newest_first=False)
    assert [(item.key, item.version) for item in page.items] == [("1", 2), ("2", 1)]


async def test_a_batch_that_changes_nothing_commits_nothing(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store.commit([paid(1)])
    before = store.commits
    await store.commit([Check("order", "o00001", 1), Delete("order", "absent")])
    assert store.commits == before
    await store.ping()
    assert store.commits == before + 1


async def test_a_waiter_that_gives_up_disturbs_nobody(open_sqlite: Open) -> None:
    store = await open_sqlite()
    tasks = [asyncio.ensure_future(store.commit([paid(number)])) for number in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    told = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(outcome, asyncio.CancelledError) for outcome in told[::2])
    assert told[1::2] == [None] * 10
    await store.commit([paid(99)])


async def test_a_full_queue_refuses(open_sqlite: Open) -> None:
    store = await open_sqlite(most_waiting=10)
    told = await asyncio.gather(
        *(store.commit([paid(number)]) for number in range(30)), return_exceptions=True
    )
    refused = [number for number, outcome in enumerate(told) if isinstance(outcome, StoreUnavailable)]
    assert refused == list(range(10, 30))
    assert await store.count("order", "all", "") == 10
    await store.commit([paid(30)])


async def test_too_many_bytes_in_the_queue_are_refused(open_sqlite: Open) -> None:
    store = await open_sqlite(most_waiting_bytes=100_000)
    noise = os.urandom(60_000)
    told = await asyncio.gather(
        store.commit([paid(1, noise)]), store.commit([paid(2, noise)]), return_exceptions=True
    )
    assert [type(outcome) for outcome in told] == [type(None), StoreUnavailable]


async def test_a_dead_writer_refuses(open_sqlite: Open) -> None:
    store = await open_sqlite()
    await store._writer.close()
    with pytest.raises(StoreUnavailable, match="restart"):
        await store.commit([paid(1)])
    with pytest.raises(StoreUnavailable):
        await store.ping()
