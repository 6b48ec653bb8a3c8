"""What every back end must do, told once. Written against the port alone."""

from __future__ import annotations

import asyncio

import pytest

from onpaid.errors import Conflict, InvalidInput, StoreUnavailable
from onpaid.store.generation import generation, raise_generation, read_generation
from onpaid.store.port import (
    MOST_WRITES,
    Check,
    Delete,
    Entry,
    Insert,
    Put,
    Store,
    Stored,
    Update,
    Write,
)


def paid(number: int, *, state: str = "open", at: int | None = None) -> Insert:
    """An order in an index by state, sorted by its instant."""
    return Insert("order", f"o{number:03}", b"%d" % number, (Entry("state", state, at or number),))


async def keys(store: Store, value: str = "open", **how: object) -> list[str]:
    page = await store.query("order", "state", value, **how)  # type: ignore[arg-type]
    return [item.key for item in page.items]


# One document


async def test_what_was_never_written_is_absent(store: Store) -> None:
    assert await store.get("order", "o1") is None
    assert await store.get_many("order", ["o1", "o2"]) == [None, None]
    assert await store.get_many("order", []) == []


async def test_a_document_is_read_as_it_was_written(store: Store) -> None:
    await store.commit([Insert("order", "o1", b"\x00\xff body")])
    assert await store.get("order", "o1") == Stored("order", "o1", 1, b"\x00\xff body")


@pytest.mark.parametrize("size", [0, 1, 399, 400, 5_000, 40_000, 300_000])
async def test_bodies_of_any_size_come_back_whole(store: Store, size: int) -> None:
    squeezable = (b"to be or not to be " * (size // 19 + 1))[:size]
    stubborn = bytes((i * i * 31 + i // 7) % 251 for i in range(size))
    await store.commit([Insert("b", "squeezable", squeezable), Insert("b", "stubborn", stubborn)])
    found = await store.get_many("b", ["squeezable", "stubborn"])
    assert [stored.body for stored in found if stored] == [squeezable, stubborn]


@pytest.mark.parametrize("key", ["", "with space", "æøå/日本", "a\x00b", "x" * 500, "%_'\";--", "😀"])
async def test_any_text_is_a_key_a_value_and_a_name(store: Store, key: str) -> None:
    kind = key or "k"
    await store.commit([Insert(kind, key, b"1", (Entry(kind, key, 1),)), Insert(kind, key + "!", b"2")])
    assert await store.get(kind, key) == Stored(kind, key, 1, b"1")
    assert await store.get_many(kind, [key + "!", key]) == [
        Stored(kind, key + "!", 1, b"2"),
        Stored(kind, key, 1, b"1"),
    ]
    assert [item.key for item in (await store.query(kind, kind, key)).items] == [key]


async def test_the_same_key_in_two_kinds_is_two_documents(store: Store) -> None:
    await store.commit([Insert("order", "1", b"order"), Insert("event", "1", b"event")])
    assert await store.get("order", "1") == Stored("order", "1", 1, b"order")
    assert await store.get("event", "1") == Stored("event", "1", 1, b"event")


async def test_versions_grow_by_one_with_every_kind_of_write(store: Store) -> None:
    await store.commit([Put("order", "o1", b"a")])
    await store.commit([Put("order", "o1", b"b")])
    await store.commit([Update("order", "o1", b"c", 2)])
    assert await store.get("order", "o1") == Stored("order", "o1", 3, b"c")


async def test_a_deleted_document_is_absent_and_begins_anew(store: Store) -> None:
    await store.commit([paid(1)])
    await store.commit([Put("order", "o001", b"again", (Entry("state", "open", 5),))])
    await store.commit([Delete("order", "o001")])
    assert await store.get("order", "o001") is None
    assert await keys(store) == []
    await store.commit([Insert("order", "o001", b"new")])
    assert await store.get("order", "o001") == Stored("order", "o001", 1, b"new")


async def test_deleting_what_is_not_there_is_no_error(store: Store) -> None:
    await store.commit([Delete("order", "o1"), Insert("order", "o2", b"")])
    assert await store.get("order", "o2") is not None


async def test_get_many_keeps_the_order_of_its_keys_and_repeats(store: Store) -> None:
    await store.commit([paid(number) for number in range(1, 90)])
    wanted = [f"o{number:03}" for number in (80, 3, 200, 3, 41)]
    found = await store.get_many("order", wanted)
    assert [stored and stored.key for stored in found] == ["o080", "o003", None, "o003", "o041"]
    everything = await store.get_many("order", [f"o{number:03}" for number in range(1, 90)])
    assert [stored and stored.body for stored in everything] == [b"%d" % number for number in range(1, 90)]


# Conditions


CONDITIONS: list[tuple[str, Write, bool, bool]] = [
    ("insert", Insert("order", "o1", b"n"), True, False),
    ("put", Put("order", "o1", b"n"), True, True),
    ("update at the version", Update("order", "o1", b"n", 2), False, True),
    ("update at an older version", Update("order", "o1", b"n", 1), False, False),
    ("update at a newer version", Update("order", "o1", b"n", 3), False, False),
    ("update at version nought", Update("order", "o1", b"n", 0), False, False),
    ("delete", Delete("order", "o1"), True, True),
    ("check the version", Check("order", "o1", 2), False, True),
    ("check another version", Check("order", "o1", 1), False, False),
    ("check version nought", Check("order", "o1", 0), False, False),
    ("check absence", Check("order", "o1", None), True, False),
]


@pytest.mark.parametrize("present", [False, True])
@pytest.mark.parametrize(
    ("write", "holds_if_absent", "holds_if_present"),
    [pytest.param(*case[1:], id=case[0]) for case in CONDITIONS],
)
async def test_every_condition(
    store: Store, write: Write, holds_if_absent: bool, holds_if_present: bool, present: bool
) -> None:
    if present:
        await store.commit([Put("order", "o1", b"1")])
        await store.commit([Put("order", "o1", b"2")])
    before = await store.get("order", "o1")
    if holds_if_present if present else holds_if_absent:
        await store.commit([write, Insert("order", "beside", b"")])
        assert await store.get("order", "beside") is not None
    else:
        with pytest.raises(Conflict) as refused:
            await store.commit([write, Insert("order", "beside", b"")])
        assert refused.value.keys == [("order", "o1")]
        assert await store.get("order", "beside") is None
        assert await store.get("order", "o1") == before


async def test_a_check_changes_nothing(store: Store) -> None:
    await store.commit([paid(1)])
    await store.commit([Check("order", "o001", 1), Check("order", "o002", None)])
    assert await store.get("order", "o001") == Stored("order", "o001", 1, b"1")
    assert await keys(store) == ["o001"]


async def test_a_conflict_names_every_failed_write_and_writes_nothing(store: Store) -> None:
    await store.commit([paid(1), paid(2)])
    with pytest.raises(Conflict) as refused:
        await store.commit(
            [
                paid(3),
                paid(1, state="late"),
                Put("order", "o002", b"changed", (Entry("state", "late", 1),)),
                Update("order", "o004", b"", 1),
                Check("event", "e1", 7),
                Delete("order", "o009"),
            ]
        )
    assert refused.value.keys == [("order", "o001"), ("order", "o004"), ("event", "e1")]
    assert await keys(store, newest_first=False) == ["o001", "o002"]
    assert await keys(store, "late") == []
    assert await store.get("order", "o003") is None


async def test_a_full_batch_is_taken_whole(store: Store) -> None:
    await store.commit([paid(number) for number in range(1, MOST_WRITES + 1)])
    assert await store.count("order", "state", "open") == MOST_WRITES


async def test_what_no_batch_may_be(store: Store) -> None:
    with pytest.raises(ValueError, match="at most"):
        await store.commit([paid(number) for number in range(MOST_WRITES + 1)])
    with pytest.raises(ValueError, match="at most once"):
        await store.commit([paid(1), Delete("order", "o001")])
    with pytest.raises(ValueError, match="at least one"):
        await store.commit([])
    assert await store.count("order", "state", "open") == 0


# Indexes


async def test_writing_replaces_all_entries(store: Store) -> None:
    await store.commit(
        [
            Insert(
                "order",
                "o1",
                b"",
                (Entry("state", "open", 1), Entry("mail", "a@b.no", 1), Entry("day", "7", 1)),
            )
        ]
    )
    await store.commit(
        [
            Update(
                "order",
                "o1",
                b"",
                1,
                (Entry("state", "paid", 1), Entry("mail", "a@b.no", 1), Entry("day", "7", 2)),
            )
        ]
    )
    assert await keys(store) == []
    assert await keys(store, "paid") == ["o1"]
    assert await store.count("order", "mail", "a@b.no") == 1
    page = await store.query("order", "day", "7", sort_from=2)
    assert [item.version for item in page.items] == [2]
    await store.commit([Put("order", "o1", b"")])
    assert await keys(store, "paid") == []
    assert await store.count("order", "mail", "a@b.no") == 0


async def test_an_entry_given_twice_is_one_entry(store: Store) -> None:
    twice = (Entry("state", "open", 1), Entry("state", "open", 1))
    await store.commit([Insert("order", "o1", b"", twice)])
    assert await keys(store) == ["o1"]
    assert await store.count("order", "state", "open") == 1
    await store.commit([Update("order", "o1", b"", 1, twice[:1])])
    assert await keys(store) == ["o1"]
    await store.commit([Update("order", "o1", b"", 2)])
    assert await keys(store) == []


async def test_one_document_may_be_in_a_value_at_two_places(store: Store) -> None:
    await store.commit([Insert("order", "o1", b"", (Entry("state", "open", 1), Entry("state", "open", 9)))])
    assert await keys(store) == ["o1", "o1"]
    await store.commit([Update("order", "o1", b"", 1, (Entry("state", "open", 9),))])
    assert await keys(store, sort_to=8) == []
    assert await keys(store) == ["o1"]


async def test_indexes_values_and_kinds_are_kept_apart(store: Store) -> None:
    await store.commit(
        [
            Insert("order", "o1", b"", (Entry("state", "open", 1), Entry("mail", "x", 1))),
            Insert("run", "r1", b"", (Entry("state", "open", 1),)),
        ]
    )
    assert await keys(store) == ["o1"]
    assert await keys(store, "x") == []
    assert [item.key for item in (await store.query("run", "state", "open")).items] == ["r1"]
    assert (await store.query("nothing", "state", "open")).items == []
    assert (await store.query("order", "nothing", "open")).items == []


async def test_order_is_by_sort_and_then_by_key(store: Store) -> None:
    sorts = {"b": 5, "a": 5, "ø": 5, "Z": 5, "c": -3, "d": 1 << 62, "e": 0, "😀": 5, "\uffee": 5}
    await store.commit(
        [Insert("order", key, b"", (Entry("state", "open", at),)) for key, at in sorts.items()]
    )
    upwards = ["c", "e", "Z", "a", "b", "ø", "\uffee", "😀", "d"]
    assert await keys(store, newest_first=False) == upwards
    assert await keys(store) == upwards[::-1]


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 20, 21])
async def test_pages_meet_without_gap_or_overlap(store: Store, newest_first: bool, limit: int) -> None:
    await store.commit([paid(number, at=1 + number // 4) for number in range(20)])
    expected = sorted((f"o{number:03}" for number in range(20)), reverse=newest_first)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await store.query(
            "order", "state", "open", after=cursor, limit=limit, newest_first=newest_first
        )
        assert len(page.items) <= limit
        seen += [item.key for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert seen == expected


async def test_a_page_goes_on_where_it_stopped_whatever_is_written_meanwhile(store: Store) -> None:
    await store.commit([paid(number) for number in range(1, 7)])
    first = await store.query("order", "state", "open", limit=2, newest_first=False)
    await store.commit([Delete("order", "o002"), Delete("order", "o003"), paid(9), paid(0, at=-1)])
    second = await store.query("order", "state", "open", after=first.cursor, newest_first=False)
    assert [item.key for item in first.items + second.items] == [
        "o001",
        "o002",
        "o004",
        "o005",
        "o006",
        "o009",
    ]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (None, None, [1, 2, 3, 4, 5]),
        (2, 4, [2, 3, 4]),
        (3, 3, [3]),
        (4, None, [4, 5]),
        (None, 2, [1, 2]),
        (4, 2, []),
        (6, None, []),
        (None, 0, []),
        (-(1 << 63), (1 << 63) - 1, [1, 2, 3, 4, 5]),
    ],
)
async def test_bounds_are_inclusive(
    store: Store, low: int | None, high: int | None, expected: list[int]
) -> None:
    await store.commit([paid(number) for number in range(1, 6)])
    names = [f"o{number:03}" for number in expected]
    assert await keys(store, sort_from=low, sort_to=high, newest_first=False) == names
    assert await keys(store, sort_from=low, sort_to=high) == names[::-1]


@pytest.mark.parametrize("newest_first", [True, False])
async def test_bounds_and_a_cursor_hold_together(store: Store, newest_first: bool) -> None:
    await store.commit([paid(number) for number in range(1, 10)])
    for start in range(11):
        after = f"{start}~o{start:03}"
        found = await keys(store, after=after, sort_from=3, sort_to=7, newest_first=newest_first)
        behind = range(3, min(start, 8)) if newest_first else range(max(start + 1, 3), 8)
        expected = [f"o{number:03}" for number in behind]
        assert found == (expected[::-1] if newest_first else expected)


@pytest.mark.parametrize(
    "cursor",
    ["", "~", "x", "5", "x~o1", "5.0~o1", "٣~o1", "-~o1", "--5~o1", "9" * 19 + "~o1", "9" * 30 + "~o1"],
)
async def test_a_malformed_cursor_is_refused(store: Store, cursor: str) -> None:
    await store.commit([paid(1)])
    with pytest.raises(InvalidInput):
        await store.query("order", "state", "open", after=cursor)


async def test_what_was_never_stored_is_not_found_even_if_it_is_half_a_character(store: Store) -> None:
    half = "\ud800"
    await store.commit([Insert("order", "o1", b"1", (Entry("state", "open", 1),))])
    assert await store.get("order", half) is None
    assert await store.get_many("order", [half, "o1", half]) == [None, Stored("order", "o1", 1, b"1"), None]
    page = await store.query("order", "state", half)
    assert (page.items, page.cursor) == ([], None)
    assert await store.count("order", "state", half) == 0


async def test_a_page_of_nothing_is_no_page(store: Store) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await store.query("order", "state", "open", limit=0)


async def test_keys_with_the_cursors_own_sign_page_well(store: Store) -> None:
    names = ["a~b", "a~c", "~", "~~"]
    await store.commit([Insert("order", name, b"", (Entry("state", "open", -5),)) for name in names])
    seen: list[str] = []
    cursor = None
    while True:
        page = await store.query("order", "state", "open", after=cursor, limit=1, newest_first=False)
        seen += [item.key for item in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == sorted(names)


async def test_counting_stops_where_it_is_told(store: Store) -> None:
    await store.commit([paid(number) for number in range(30)])
    assert await store.count("order", "state", "open") == 30
    assert await store.count("order", "state", "open", at_most=30) == 30
    assert await store.count("order", "state", "open", at_most=7) == 7
    assert await store.count("order", "state", "paid") == 0


# Many at once


async def test_of_many_that_insert_the_same_exactly_one_wins(store: Store) -> None:
    async def claim(owner: int) -> bool:
        try:
            await store.commit([Insert("claim", "the one", b"%d" % owner), Put("try", f"t{owner}", b"")])
        except Conflict:
            return False
        return True

    won = await asyncio.gather(*(claim(owner) for owner in range(100)))
    assert sum(won) == 1
    winner = won.index(True)
    assert await store.get("claim", "the one") == Stored("claim", "the one", 1, b"%d" % winner)
    tried = await store.get_many("try", [f"t{owner}" for owner in range(100)])
    assert [stored is not None for stored in tried] == won


async def test_counters_lose_nothing(store: Store) -> None:
    await store.commit([Insert("counter", "c", b"0")])

    async def add() -> None:
        for _ in range(5):
            while True:
                stored = await store.get("counter", "c")
                assert stored is not None
                try:
                    await store.commit(
                        [Update("counter", "c", b"%d" % (int(stored.body) + 1), stored.version)]
                    )
                    break
                except Conflict:
                    await asyncio.sleep(0)

    await asyncio.gather(*(add() for _ in range(12)))
    assert await store.get("counter", "c") == Stored("counter", "c", 61, b"60")


async def test_what_is_moved_about_is_never_seen_twice_or_not_at_all(store: Store) -> None:
    await store.commit([Insert("purse", "a", b"50"), Insert("purse", "b", b"50")])
    sums: set[int] = set()
    moving = True

    async def move() -> None:
        nonlocal moving
        for amount in range(40):
            await store.commit(
                [Put("purse", "a", b"%d" % (50 - amount)), Put("purse", "b", b"%d" % (50 + amount))]
            )
            await asyncio.sleep(0)
        moving = False

    async def look() -> None:
        while moving:
            pair = await store.get_many("purse", ["a", "b"])
            sums.add(sum(int(stored.body) for stored in pair if stored))
            await asyncio.sleep(0)

    await asyncio.gather(move(), look())
    assert sums == {100}


async def test_what_is_committed_is_read_at_once(store: Store) -> None:
    for number in range(20):
        await store.commit([paid(number)])
        assert await store.get("order", f"o{number:03}") is not None
        assert len(await keys(store)) == number + 1


# Its life


async def test_a_store_that_is_well_answers_a_ping(store: Store) -> None:
    await store.ping()


async def test_a_closed_store_does_nothing_more(store: Store) -> None:
    await store.commit([paid(1)])
    await store.close()
    for call in (
        store.get("order", "o001"),
        store.get_many("order", ["o001"]),
        store.commit([paid(2)]),
        store.query("order", "state", "open"),
        store.count("order", "state", "open"),
        store.ping(),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    await store.close()


async def test_the_generation_only_grows(store: Store) -> None:
    assert await generation(store) == 0
    assert (await raise_generation(store)).generation == 1
    assert (await raise_generation(store, restored_from_instant=1234, above=6)).generation == 7
    found = await read_generation(store)
    assert (found.generation, found.restored_from_instant) == (7, 1234)
    raised = await asyncio.gather(*(raise_generation(store) for _ in range(5)))
    assert sorted(one.generation for one in raised) == [8, 9, 10, 11, 12]
    assert await generation(store) == 12
