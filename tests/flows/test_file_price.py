"""A price of ours is one price at Stripe, whoever asks for it and wherever it is killed; a changed one takes its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest

from onpaid.domain.money import Money
from onpaid.domain.prices import Price, PriceFiled, PriceRef, PriceWanted, ProductRef
from onpaid.engine.testing import (
    START,
    Ending,
    MemoryStore,
    Process,
    Scene,
    VirtualClock,
    crash_everywhere,
    play,
    run_virtually,
)
from onpaid.errors import Conflict, Problem
from onpaid.flows.archive_price import archive_price
from onpaid.flows.file_price import file_price
from onpaid.repositories.prices import PRICES, Prices
from onpaid.store.local import Done, NotYet
from onpaid.store.port import Store
from tests.flows.cash_box import TILL_LANES
from tests.flows.fates import Fates
from tests.flows.sales_box import SalesBox, sales_guests

FLOWS = (file_price, archive_price)
COURSE = Price("course-1", "course", "A course", Money(49_900, "NOK"))
DEARER = msgspec.structs.replace(COURSE, amount=Money(59_900, "NOK"))
GONE = msgspec.structs.replace(COURSE, active=False)
OLD = PriceRef("price_1", "course", COURSE.amount, None, "course-1")
STRAY = PriceRef("price_2", "course", Money(100, "NOK"), None, "")


async def reserved(store: Store, *states: Price) -> None:
    """Versions of a price are reserved, one for each of these states."""
    prices = Prices(store)
    for state in states:
        _, writes = await prices.reserve(state)
        await store.commit([*writes, PRICES.put(state)])


async def filed(store: Store) -> None:
    """The first version is filed."""
    await reserved(store, COURSE)
    wanted = PriceWanted(COURSE, 1)
    done = await Prices(store).note_filed(wanted, ProductRef("course", "A course"), OLD, [], START)
    assert isinstance(done, Done)
    await store.commit(done.writes)


@dataclass
class Told:
    """One version on its way to Stripe. `there` are prices that Stripe has before."""

    states: tuple[Price, ...]
    there: Sequence[PriceRef] = ()
    fates: dict[str, list[str]] = field(default_factory=dict)
    archived: int = 0

    def scene(self) -> Scene:
        box = SalesBox(Fates(self.fates))
        box.prices = list(self.there)
        latest = self.states[-1]

        async def before(store: Store) -> None:
            if self.there:
                await filed(store)
            await reserved(store, *self.states)

        def check(end: Ending) -> None:
            assert not box.faults, box.faults
            assert not end.tickets
            run = end.run("file_price")
            assert {each.state for each in end.runs} == {"done"}
            answer = msgspec.json.decode(run.result, type=PriceFiled)
            assert answer.fits(latest)
            active = box.active()
            assert [each.price_id for each in active] == ([answer.stripe_price] if latest.active else [])
            assert all(each.sells(latest) for each in active)
            if self.archived == 1:
                assert end.run("archive_price").state == "done"
            assert sum(run.flow == "archive_price" for run in end.runs) == self.archived

        wanted = PriceWanted(latest, len(self.states) + bool(self.there))
        return Scene(
            FLOWS,
            [wanted],
            lambda store, clock: sales_guests(box, store),
            check,
            lanes=TILL_LANES,
            before=before,
        )


TOLD = {
    "a new price": lambda: Told((COURSE,)),
    "a changed price": lambda: Told((DEARER,), [OLD], archived=1),
    "a changed price beside a stray one": lambda: Told((DEARER,), [OLD, STRAY], archived=2),
    "a price that is withdrawn": lambda: Told((GONE,), [OLD], archived=1),
    "lost answers": lambda: Told(
        (DEARER,), [OLD], {"create_product": ["lost reply"], "create_price": ["503 after"]}, archived=1
    ),
    "late requests": lambda: Told((COURSE,), (), {"create_product": ["late"], "create_price": ["late"]}),
    "an archive that is lost": lambda: Told((DEARER,), [OLD], {"archive_price": ["lost request"]}, 1),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_crash_at_every_write_changes_nothing(name: str) -> None:
    assert crash_everywhere(lambda: TOLD[name]().scene()) > 8


def test_a_price_that_crashes_twice_is_still_one() -> None:
    assert crash_everywhere(lambda: Told((DEARER,), [OLD], archived=1).scene(), twice=True) > 100


def test_a_hundred_who_ask_at_once_are_given_one_version() -> None:
    async def main() -> set[int]:
        store = MemoryStore()
        prices = Prices(store)
        await store.commit([PRICES.put(COURSE)])
        first = [await prices.next_version(COURSE) for _ in range(100)]
        assert all(isinstance(each, Done) for each in first)
        await store.commit(first[0].writes)  # type: ignore[union-attr]
        again = [await prices.next_version(COURSE) for _ in range(100)]
        return {each.value for each in [*first, *again] if isinstance(each, Done)}

    assert run_virtually(main) == {1}


def test_a_state_that_the_price_has_no_more_is_given_no_version() -> None:
    """Who read the price, died, and comes back once it was changed and filed: what it was would be sold anew."""

    async def main() -> None:
        store = MemoryStore()
        prices = Prices(store)
        await reserved(store, COURSE, GONE)
        with pytest.raises(Problem, match="changed while a user was paying"):
            await prices.next_version(COURSE)
        await store.commit([PRICES.put(DEARER)])
        taken = await prices.next_version(DEARER)
        assert isinstance(taken, Done)
        assert taken.value == 3
        await store.commit([PRICES.put(COURSE)])
        with pytest.raises(Conflict):  # nor is it, if the price changes between the look and the commit
            await store.commit(taken.writes)

    run_virtually(main)


@pytest.mark.parametrize("seed", range(40))
def test_changes_that_race_leave_the_latest_price_alone(seed: int) -> None:
    """Two processes file ten states of one price; half of all calls go wrong in some way."""
    box, dice = SalesBox(Fates(seed=seed, share=0.4)), Random(seed)

    async def main() -> tuple[PriceFiled | None, Price]:
        store, clock = MemoryStore(), VirtualClock()
        processes = [
            Process(
                store,
                FLOWS,
                sales_guests(box, store),
                clock,
                name=f"p{nth}",
                lanes=TILL_LANES,
                seed=seed + nth,
                sole=False,
            )
            for nth in range(2)
        ]
        for process in processes:
            await process.engine.open()
        prices = Prices(store)
        state = COURSE
        for nth in range(10):
            state = msgspec.structs.replace(state, amount=Money(1000 + dice.randrange(3), "NOK"))
            version, writes = await prices.reserve(state)
            await processes[nth % 2].engine.recorder.record(
                [*writes, PRICES.put(state)], facts=[PriceWanted(state, version)]
            )
            await clock.sleep(dice.choice((0, 0, 1, 30, 600)))
        for process in processes:
            await process.live()
        return await prices.filed(COURSE.id), state

    kept, state = run_virtually(main)
    assert kept is not None
    assert kept.fits(state)
    assert [each.price_id for each in box.active()] == [kept.stripe_price]


def test_a_version_that_is_stuck_holds_up_the_next_for_minutes_only() -> None:
    box = SalesBox()
    box.refused.add(1)
    tiny = msgspec.structs.replace(COURSE, amount=Money(1, "NOK"))

    async def main() -> tuple[PriceFiled | None, int]:
        store, clock = MemoryStore(), VirtualClock()
        process = Process(store, FLOWS, sales_guests(box, store), clock, lanes=TILL_LANES)
        await process.engine.open()
        prices = Prices(store)
        await reserved(store, tiny)
        await process.engine.recorder.record(facts=[PriceWanted(tiny, 1)])
        await process.live()
        await reserved(store, COURSE)
        before = clock.now()
        await process.engine.recorder.record(facts=[PriceWanted(COURSE, 2)])
        await process.live()
        return await prices.filed(COURSE.id), clock.now() - before

    kept, took = run_virtually(main)
    assert kept is not None
    assert (kept.version, kept.stripe_price) == (2, "price_1")
    assert took < 10 * 60_000


def test_an_older_version_that_comes_late_takes_nothing_over() -> None:
    async def main() -> None:
        store = MemoryStore()
        await filed(store)
        await reserved(store, DEARER)
        prices = Prices(store)
        newer = PriceRef("price_2", "course", DEARER.amount, None, "course-1")
        product = ProductRef("course", "A course")
        done = await prices.note_filed(PriceWanted(DEARER, 2), product, newer, [OLD], START)
        assert isinstance(done, Done)
        assert [each.stripe_price for each in done.facts] == ["price_1"]
        await store.commit(done.writes)
        late = await prices.note_filed(
            PriceWanted(COURSE, 1), product, msgspec.structs.replace(OLD, price_id="price_3"), [], START
        )
        assert isinstance(late, Done)
        assert (late.value.version, late.value.stripe_price) == (2, "price_2")
        assert [each.stripe_price for each in late.facts] == ["price_3"]
        await store.commit(late.writes)
        assert (await prices.filed("course-1")) == late.value
        assert late.value.archived == ("price_1",)
        assert await prices.of_stripe("price_3") == "course-1"

    run_virtually(main)


def test_a_version_that_was_overtaken_before_it_began_answers_with_the_later_one() -> None:
    async def main() -> None:
        store = MemoryStore()
        await reserved(store, COURSE, DEARER)
        prices = Prices(store)
        assert await prices.take_turn(PriceWanted(COURSE, 1)) == Done(False)
        assert isinstance(await prices.look_newer(PriceWanted(COURSE, 1)), NotYet)
        box = SalesBox()
        process = Process(store, FLOWS, sales_guests(box, store), VirtualClock(), lanes=TILL_LANES)
        await process.engine.open()
        await process.engine.recorder.record(facts=[PriceWanted(COURSE, 1), PriceWanted(DEARER, 2)])
        await process.live()
        assert [each.amount for each in box.prices] == [DEARER.amount]
        found = await prices.look_newer(PriceWanted(COURSE, 1))
        assert isinstance(found, Done)
        assert found.value.fits(DEARER)

    run_virtually(main)


def test_an_archived_product_is_a_ticket() -> None:
    box = SalesBox()
    box.products["course"] = ProductRef("course", "A course", active=False)
    scene = Scene(
        FLOWS,
        [PriceWanted(COURSE, 1)],
        lambda store, clock: sales_guests(box, store),
        lambda end: None,
        lanes=TILL_LANES,
        before=lambda store: reserved(store, COURSE),
    )
    end = run_virtually(lambda: play(scene))
    assert end.run("file_price").state == "failed"
    assert [ticket.category for ticket in end.tickets] == ["payment"]
    assert box.prices == []


def test_the_vat_rate_and_the_products_name_are_no_part_of_a_price_at_stripe() -> None:
    renamed = msgspec.structs.replace(COURSE, product_name="Another name", tax_percent=None)
    assert COURSE.sold_alike(renamed)
    assert not COURSE.sold_alike(DEARER)
    assert not COURSE.sold_alike(GONE)
