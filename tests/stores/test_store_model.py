"""SQLite and DynamoDB against memory: whatever is done to both, both tell the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from onpaid.errors import Conflict
from onpaid.store.dynamodb import DynamoStore
from onpaid.store.dynamodb_table import create_table
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Check, Delete, Entry, Insert, Put, Store, Update, Write
from onpaid.store.sqlite import SqliteStore
from tests.emulator import Emulator, table

kinds = st.sampled_from(["order", "run"])
keys = st.sampled_from(["a", "b", "c", "å", "~"])
names = st.sampled_from(["state", "due"])
values = st.sampled_from(["", "x"])
sorts = st.one_of(st.integers(-2, 4), st.sampled_from([-(1 << 63), (1 << 63) - 1]))
bodies = st.one_of(
    st.binary(max_size=8), st.builds(lambda byte, size: byte * size, st.just(b"z"), st.just(600))
)
entries = st.lists(st.builds(Entry, names, values, sorts), max_size=3).map(tuple)
# Versions are guessed low, where they mostly are; what holds in one store must hold in the other.
versions = st.integers(1, 4)
writes = st.one_of(
    st.builds(Insert, kinds, keys, bodies, entries),
    st.builds(Put, kinds, keys, bodies, entries),
    st.builds(Update, kinds, keys, bodies, versions, entries),
    st.builds(Delete, kinds, keys),
    st.builds(Check, kinds, keys, st.one_of(st.none(), versions)),
)
batches = st.lists(writes, min_size=1, max_size=5, unique_by=lambda write: (write.kind, write.key))


class TwoStores(RuleBasedStateMachine):
    """The other store is opened, and opened again, by what a subclass says."""

    in_turn = True
    """Whether batches that are handed in together are taken in that order: a table takes whichever comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.memory = MemoryStore()

    async def opened(self) -> Store:
        raise NotImplementedError

    @initialize()
    def open(self) -> None:
        self.other = self.runner.run(self.opened())

    def teardown(self) -> None:
        self.runner.run(self.other.close())
        self.runner.close()

    @rule(batch=batches)
    def commit(self, batch: list[Write]) -> None:
        assert self.both(lambda store: verdict(store, batch))

    @rule(together=st.lists(batches, min_size=2, max_size=5))
    def commit_together(self, together: list[list[Write]]) -> None:
        async def all_of(store: Store) -> object:
            if not self.in_turn:
                return [await verdict(store, batch) for batch in together]
            return await asyncio.gather(*(verdict(store, batch) for batch in together))

        self.both(all_of)

    @rule(kind=kinds, wanted=st.lists(keys, max_size=4))
    def get(self, kind: str, wanted: list[str]) -> None:
        self.both(lambda store: store.get_many(kind, wanted))

    @rule(
        kind=kinds,
        name=names,
        value=values,
        limit=st.integers(1, 4),
        newest_first=st.booleans(),
        low=st.one_of(st.none(), sorts),
        high=st.one_of(st.none(), sorts),
    )
    def walk(
        self,
        kind: str,
        name: str,
        value: str,
        limit: int,
        newest_first: bool,
        low: int | None,
        high: int | None,
    ) -> None:
        async def pages(store: Store) -> object:
            seen, cursor = [], None
            while True:
                page = await store.query(
                    kind,
                    name,
                    value,
                    after=cursor,
                    limit=limit,
                    newest_first=newest_first,
                    sort_from=low,
                    sort_to=high,
                )
                seen.append(page)
                cursor = page.cursor
                if cursor is None:
                    return seen

        self.both(pages)

    @rule(kind=kinds, name=names, value=values, at_most=st.integers(1, 5))
    def count(self, kind: str, name: str, value: str, at_most: int) -> None:
        self.both(lambda store: store.count(kind, name, value, at_most=at_most))

    @rule()
    def reopen(self) -> None:
        self.runner.run(self.other.close())
        self.open()

    def both(self, do) -> object:  # type: ignore[no-untyped-def]
        async def run() -> tuple[object, object]:
            return await do(self.memory), await do(self.other)

        told_by_memory, told_by_other = self.runner.run(run())
        assert told_by_other == told_by_memory
        return told_by_other


async def verdict(store: Store, batch: list[Write]) -> object:
    """What became of a batch."""
    try:
        await store.commit(batch)
    except Conflict as refused:
        return tuple(refused.keys)
    return "written"


class SqliteAndMemory(TwoStores):
    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.mkdtemp()

    async def opened(self) -> Store:
        return await SqliteStore.open(Path(self.directory) / "model.db")

    def teardown(self) -> None:
        super().teardown()
        shutil.rmtree(self.directory)


def how_long(examples: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )


def test_sqlite_tells_what_memory_tells() -> None:
    run_state_machine_as_test(SqliteAndMemory, settings=how_long(40))


def test_dynamodb_tells_what_memory_tells(emulator: Emulator) -> None:
    client = emulator.client("dynamodb")

    class DynamoAndMemory(TwoStores):
        in_turn = False

        def __init__(self) -> None:
            super().__init__()
            self.table = table()
            create_table(client, self.table)

        async def opened(self) -> Store:
            return await DynamoStore.open(self.table, client=client)

    run_state_machine_as_test(DynamoAndMemory, settings=how_long(12))
