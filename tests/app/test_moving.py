"""A move copies everything, goes on after a kill at any point, and never leaves both sides open for work."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onpaid.app.move_tally import PAGE, differences, tally
from onpaid.app.move_undo import undo
from onpaid.engine.testing import MortalStore
from onpaid.errors import NotPossible, StoreUnavailable, StoreUnusable
from onpaid.store.memory import MemoryStore
from onpaid.store.moved import arrival_of, departure_of, for_work, open_for_work
from onpaid.store.port import Document, Entry, Put, Write
from tests.app.moves import FROM, NOW, TO, Clumsy, PatientClock, held_by, killed, move, opens, stock, stocked
from tests.app.stores import MoodyStore

MOST_WRITES = 30


async def test_everything_is_at_the_target_as_it_was() -> None:
    source, target = await stocked(), MemoryStore()
    before = await held_by(source)
    moved = await move(source, target)
    assert await held_by(target) == before == await held_by(source)
    assert {kind: each.documents for kind, each in moved.tallies.items()} == {
        "order": 450,
        "event": 30,
        "meta": 1,
        "lane": 1,
    }
    assert not moved.earlier
    assert await opens(source, target) == [False, True]


async def test_progress_is_told_to_the_last_document() -> None:
    told: list[tuple[str, int, int | None]] = []
    await move(await stocked(), MemoryStore(), told=lambda what, done, of: told.append((what, done, of)))
    assert told[-1] == ("verifying the source", 482, 482)
    copying = [done for what, done, of in told if (what, of) == ("copying", 482)]
    assert copying[0] == 0
    assert copying[-1] == 482
    assert copying == sorted(copying)


async def test_the_source_names_the_target_to_whoever_opens_it() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    with pytest.raises(StoreUnusable, match=rf"at {TO} now: set ONPAID_DATABASE"):
        await open_for_work(source, NOW)


async def test_a_moved_store_is_closed_for_whoever_opens_it_for_work() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    assert await for_work(target, NOW) is target
    with pytest.raises(StoreUnusable):
        await for_work(source, NOW)
    with pytest.raises(StoreUnavailable, match="closed"):
        await source.ping()


async def test_the_first_opening_is_noted_and_only_the_first() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    await open_for_work(target, NOW + 5)
    await open_for_work(target, NOW + 9)
    arrived = await arrival_of(target)
    assert arrived is not None
    assert arrived.record.opened == NOW + 5


async def test_of_two_who_open_and_take_back_at_once_one_succeeds() -> None:
    """Whoever opens reads, the other takes the move back, and then the opening is written: it must not be."""

    class Hesitant(MemoryStore):
        hesitates = False

        async def commit(self, writes: Sequence[Write]) -> None:
            if self.hesitates:
                self.hesitates = False
                await undo(source, self)
            await super().commit(writes)

    source, target = await stocked(5), Hesitant()
    await move(source, target)
    target.hesitates = True
    await open_for_work(target, NOW)  # it was emptied meanwhile: what opens is a new database
    assert await held_by(target) == []
    assert await opens(source) == [True]
    arrived = await arrival_of(target)
    assert arrived is not None
    assert (arrived.record.state, arrived.record.opened) == ("emptied", None)


async def test_a_store_that_was_never_moved_opens_and_is_not_written() -> None:
    store = await stocked(5)
    before = await held_by(store)
    await open_for_work(store, NOW)
    assert (await held_by(store), await store.get_many("move", ["departure", "arrival"])) == (
        before,
        [None, None],
    )


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_write_a_move_goes_on_and_never_both_open(side: str, after: bool) -> None:
    deaths = 0
    for dies_at in range(1, MOST_WRITES):
        source, target = await stocked(), MemoryStore()
        before = await held_by(source)
        mortal = {"source": source, "target": target}
        mortal[side] = MortalStore(mortal[side], dies_at=dies_at, after=after)  # type: ignore[assignment]
        died = await killed(mortal["source"], mortal["target"])
        deaths += died
        both = await opens(source, target)
        assert both != [True, True] or await arrival_of(target) is None
        assert (await departure_of(source) is None) == both[0]
        assert not both[0] or await held_by(target) == []
        moved = await move(source, target, new_id="m2")
        assert await held_by(target) == before
        assert sum(each.documents for each in moved.tallies.values()) == 482
        assert await opens(source, target) == [False, True]
        if not died:
            break
    assert deaths >= (1 if side == "source" else 10)
    assert not died


async def test_what_was_copied_is_not_copied_again() -> None:
    """A kill in the middle costs the page that it hit."""
    source, target = await stocked(5 * PAGE), MemoryStore()
    assert await killed(source, MortalStore(target, dies_at=9))
    arrived = await arrival_of(target)
    assert arrived is not None
    assert arrived.record.copied == 2 * PAGE - 1  # the source's own mark was among them
    counting = MortalStore(target)
    await move(source, counting)
    assert await held_by(target) == await held_by(source)
    pages_left = -(-(arrived.record.in_all + 1) // PAGE) - 2
    assert counting.writes == 2 * pages_left + 1


async def test_a_target_that_is_half_copied_opens_for_nobody() -> None:
    source, target = await stocked(), MemoryStore()
    assert await killed(source, MortalStore(target, dies_at=6))
    with pytest.raises(StoreUnusable, match=f"a copy of {FROM} that is not verified yet"):
        await open_for_work(target, NOW)


async def test_a_move_that_ended_says_so_when_started_again() -> None:
    source, target = await stocked(5), MemoryStore()
    first = await move(source, target)
    again = await move(source, target, new_id="m2")
    assert (again.move, again.earlier, again.tallies) == (first.move, True, first.tallies)


async def test_from_store_to_store_to_store() -> None:
    first, second, third = await stocked(20), MemoryStore(), MemoryStore()
    await move(first, second)
    await open_for_work(second, NOW)
    await second.commit([Put("order", "shop/new", b"paid there", (Entry("all", "", 1),))])
    await move(second, third, source_name=TO, target_name="sqlite:////back.db", new_id="m2")
    assert await held_by(third) == await held_by(second)
    assert await opens(first, second, third) == [False, False, True]


# -- verifying ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("loses", "order: 60 at the source, 59 at the target"),
        ("adds", "order: 60 at the source, 61 at the target"),
        ("adds a kind", "ghost: 0 at the source, 1 at the target"),
        ("body", "order: 60 on both sides, but not the same"),
        ("version", "order: 60 on both sides, but not the same"),
        ("entries", "order: 60 on both sides, but not the same"),
        ("entry", "order: 60 on both sides, but not the same"),
    ],
)
async def test_a_copy_that_is_not_the_same_stays_shut(how: str, said: str) -> None:
    source, target = await stocked(60), Clumsy(how)
    with pytest.raises(NotPossible, match=said):
        await move(source, target)
    assert await opens(source, target) == [False, False]
    target.how = ""
    if how.startswith("adds"):
        with pytest.raises(NotPossible, match=said):
            await move(source, target)
        await undo(source, target)
    await move(source, target, new_id="m2")
    assert await held_by(target) == await held_by(source)
    assert await opens(source, target) == [False, True]


async def test_a_tally_does_not_depend_on_order_but_on_all_else() -> None:
    one, other = MemoryStore(), MemoryStore()
    documents = [
        Document("a", str(n), n + 1, b"%d" % n, (Entry("i", "v", n), Entry("j", "", 0))) for n in range(9)
    ]
    await one.load(documents)
    await other.load([Document(d.kind, d.key, d.version, d.body, d.entries[::-1]) for d in documents[::-1]])
    assert differences(await tally(one), await tally(other)) == []
    # What moves from one field into the next is not the same.
    await one.load([Document("b", "a", 11, b"", ())])
    await other.load([Document("b", "a1", 1, b"", ())])
    assert differences(await tally(one), await tally(other)) == [
        "b: 1 on both sides, but not the same in content"
    ]


# -- refusing ----------------------------------------------------------------------------------------------------


async def test_a_target_that_holds_other_data_is_refused_and_nothing_is_written() -> None:
    source, target = await stocked(5), MemoryStore()
    await target.commit([Put("meta", "mode", b"live"), Put("event", "e1", b"")])
    with pytest.raises(NotPossible, match=rf"{TO} holds other data already \(event e1\)"):
        await move(source, target)
    assert await opens(source, target) == [True, True]
    assert len(await held_by(target)) == 2


async def test_a_target_on_which_a_service_was_only_started_is_empty() -> None:
    source, target = await stocked(5), MemoryStore()
    await target.commit(
        [Put("meta", "mode", b"live"), Put("meta", "version", b"9"), Put("meta", "else", b"")]
    )
    await move(source, target)
    assert await held_by(target) == await held_by(source)


async def test_a_target_that_is_being_filled_from_elsewhere_is_refused() -> None:
    source, other, target = await stocked(5), await stocked(), MemoryStore()
    assert await killed(other, MortalStore(target, dies_at=6), source_name="sqlite:////other.db")
    with pytest.raises(NotPossible, match=r"a part of what is being moved from sqlite:////other.db"):
        await move(source, target, new_id="m2")
    assert await opens(source) == [True]


async def test_a_target_that_was_moved_away_is_refused() -> None:
    source, target, beyond = await stocked(5), await stocked(5), MemoryStore()
    await move(target, beyond, source_name=TO, target_name="sqlite:////beyond.db")
    with pytest.raises(NotPossible, match="holds other data"):
        await move(source, target, new_id="m2")


async def test_an_empty_source_is_refused() -> None:
    source, target = MemoryStore(), MemoryStore()
    with pytest.raises(NotPossible, match="holds nothing"):
        await move(source, target)
    assert await opens(source, target) == [True, True]


async def test_a_source_that_is_half_a_copy_is_refused() -> None:
    first, half, target = await stocked(), MemoryStore(), MemoryStore()
    assert await killed(first, MortalStore(half, dies_at=6))
    with pytest.raises(NotPossible, match="has not come to its end"):
        await move(half, target, source_name=TO, target_name="sqlite:////x.db")


async def test_a_source_goes_on_to_the_target_that_it_began_with() -> None:
    source, target = await stocked(), MemoryStore()
    assert await killed(source, MortalStore(target, dies_at=6))
    with pytest.raises(NotPossible, match=f"to {TO}: go on with that target"):
        await move(source, MemoryStore(), target_name="dynamodb://other", new_id="m2")
    with pytest.raises(NotPossible, match="knows nothing of it"):
        await move(source, MemoryStore(), new_id="m2")
    await move(source, target)
    assert await opens(source, target) == [False, True]


async def test_of_two_moves_into_one_target_the_second_to_announce_itself_goes_on() -> None:
    """The first had reserved the target and copied nothing: it finds the target taken, and its source is free."""
    first, second, target = await stocked(5), await stocked(9), MemoryStore()
    assert await killed(MortalStore(first, dies_at=1, after=True), target, source_name="sqlite:////a.db")
    await move(second, target, source_name="sqlite:////b.db", new_id="m2")
    with pytest.raises(NotPossible, match="knows nothing of it"):
        await move(first, target, source_name="sqlite:////a.db", new_id="m3")
    await undo(first, target)
    assert await opens(first, second, target) == [True, False, True]
    assert await held_by(target) == await held_by(second)


async def test_a_mover_that_was_overtaken_writes_no_further_mark() -> None:
    class Overtaken(MemoryStore):
        overtaken = False

        async def load(self, documents: Sequence[Document]) -> None:
            await super().load(documents)
            if not self.overtaken:
                self.overtaken = True
                await undo(source, self)

    source, target = await stocked(), Overtaken()
    with pytest.raises(NotPossible, match="or this one was taken back"):
        await move(source, target)
    assert await opens(source) == [True]
    assert await held_by(target) == []


# -- trouble -----------------------------------------------------------------------------------------------------


async def test_a_target_in_trouble_is_asked_again() -> None:
    source, moody, clock = await stocked(), MoodyStore(MemoryStore()), PatientClock()
    moody.moods = ["well", "well", "well", "full", "unknown, not written", "unknown, written", "well"]
    await move(source, moody, clock=clock)
    assert clock.slept == [0.2, 0.5, 1.0]
    assert await held_by(moody.inner) == await held_by(source)


async def test_a_target_that_stays_in_trouble_ends_the_move_for_now() -> None:
    source, moody, clock = await stocked(), MoodyStore(MemoryStore()), PatientClock()
    moody.moods = ["well", "well", "well", *(["full"] * 7)]
    with pytest.raises(StoreUnavailable, match="full"):
        await move(source, moody, clock=clock)
    await move(source, moody, clock=clock)
    assert await opens(source, moody) == [False, True]


async def test_a_move_between_stores_with_large_pages_ends() -> None:
    source, target = MemoryStore(), MemoryStore()
    await stock(source, PAGE - 32)  # with what else is in it, exactly one page
    assert len((await source.documents())[0]) == PAGE
    await move(source, target)
    assert await held_by(target) == await held_by(source)
