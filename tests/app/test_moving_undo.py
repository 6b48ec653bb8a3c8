"""Taking a move back: the source works again, the target never does, and nobody can do both at once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from onpaid.app.move_undo import undo
from onpaid.engine.testing import Died, MortalStore
from onpaid.errors import Conflict, NotPossible, StoreUnusable
from onpaid.store.memory import MemoryStore
from onpaid.store.moved import arrival_of, open_for_work
from onpaid.store.port import Check, Put, Write
from tests.app.moves import FROM, NOW, TO, held_by, killed, move, opens, stocked

MOST_WRITES = 40


@pytest.mark.parametrize("after", [False, True])
async def test_a_move_killed_anywhere_can_be_taken_back_and_made_again(after: bool) -> None:
    for dies_at in range(1, MOST_WRITES):
        source, target = await stocked(), MemoryStore()
        before = await held_by(source)
        died = await killed(source, MortalStore(target, dies_at=dies_at, after=after))
        if await opens(source) == [False]:
            await undo(source, target)
        assert await opens(source) == [True]
        assert await held_by(source) == before
        assert await held_by(target) == []
        await move(source, target, new_id="m2")
        assert await opens(source, target) == [False, True]
        assert await held_by(target) == before
        if not died:
            break
    assert dies_at > 10
    assert not died


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("after", [False, True])
async def test_taking_back_can_be_killed_anywhere_and_done_again(side: str, after: bool) -> None:
    for dies_at in range(1, MOST_WRITES):
        source, target = await stocked(), MemoryStore()
        await move(source, target)
        mortal = {"source": source, "target": target}
        mortal[side] = MortalStore(mortal[side], dies_at=dies_at, after=after)  # type: ignore[assignment]
        try:
            await undo(mortal["source"], mortal["target"])
        except Died:
            arrived = await arrival_of(target)
            assert arrived is not None
            if arrived.record.state != "emptied":
                assert await opens(source, target) != [True, True]
                await undo(source, target)
        else:
            break
        assert await opens(source) == [True]
        assert await held_by(target) == []
        await move(source, target, new_id="m2")
        assert await opens(source, target) == [False, True]
    assert dies_at > 1


async def test_a_target_that_was_opened_is_not_taken_back() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    await open_for_work(target, NOW)
    with pytest.raises(NotPossible, match=f"{TO} was opened for work at 2026-01-01T00:00:00.000Z"):
        await undo(source, target)
    assert await opens(source, target) == [False, True]


async def test_a_half_taken_back_target_says_so() -> None:
    source, target = await stocked(), MemoryStore()
    await move(source, target)
    with pytest.raises(Died):
        await undo(source, MortalStore(target, dies_at=3))
    with pytest.raises(StoreUnusable, match=f"the rest of a move from {FROM} that was taken back"):
        await open_for_work(target, NOW)
    assert await opens(source, target) == [True, False]
    await move(source, target, new_id="m2")
    assert await held_by(target) == await held_by(source)


async def test_an_emptied_target_may_become_something_else() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    await undo(source, target)
    await open_for_work(target, NOW)
    await target.commit([Put("event", "e1", b"")])
    assert await opens(source, target) == [True, True]
    with pytest.raises(NotPossible, match="holds other data"):
        await move(source, target, new_id="m2")


async def test_what_was_never_moved_is_not_taken_back() -> None:
    store = await stocked(5)
    for target in (None, MemoryStore()):
        with pytest.raises(NotPossible, match="was not moved"):
            await undo(store, target)
    second = MemoryStore()
    await move(store, second)
    await undo(store, second)
    with pytest.raises(NotPossible, match="was not moved"):
        await undo(store, second)


async def test_a_target_that_knows_nothing_of_the_move_proves_nothing() -> None:
    source, target = await stocked(5), MemoryStore()
    await move(source, target)
    with pytest.raises(NotPossible, match="--target-gone"):
        await undo(source, MemoryStore())
    stranger, elsewhere = await stocked(5), MemoryStore()
    await move(stranger, elsewhere, new_id="m2")
    with pytest.raises(NotPossible, match="knows nothing of this move"):
        await undo(source, elsewhere)
    assert await opens(source, elsewhere) == [False, True]


async def test_a_lost_target_is_vouched_for_by_a_person() -> None:
    source = await stocked(5)
    await move(source, MemoryStore())
    await undo(source, None)
    assert await opens(source) == [True]
    await move(source, MemoryStore(), target_name="dynamodb://another", new_id="m2")


async def test_whoever_opens_just_before_the_taking_back_wins() -> None:
    class Contested(MemoryStore):
        contested = False

        async def commit(self, writes: Sequence[Write]) -> None:
            if self.contested:
                self.contested = False
                await open_for_work(self, NOW)
            await super().commit(writes)

    source, target = await stocked(5), Contested()
    await move(source, target)
    target.contested = True
    with pytest.raises(NotPossible, match="was opened for work"):
        await undo(source, target)
    assert await opens(source, target) == [False, True]


async def test_the_mark_of_an_arrival_outlives_every_move() -> None:
    """Its version only grows: a mover that sleeps through an undoing and a new beginning can still write nothing."""
    target, versions = MemoryStore(), []
    for number in range(3):
        source = await stocked(5)
        await move(source, target, new_id=f"m{number}")
        held = await target.get("move", "arrival")
        assert held is not None
        versions.append(held.version)
        await undo(source, target)
    assert versions == sorted(set(versions))
    arrived = await arrival_of(target)
    assert arrived is not None
    assert arrived.record.released == ("m0", "m1", "m2")
    with pytest.raises(Conflict):
        await target.commit([Check("move", "arrival", versions[0])])
