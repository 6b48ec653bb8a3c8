"""The catalogue against Stripe: what is planned, what is started, and that doing it again does nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from onpaid.app.catalogue_sync import AT_ONCE, MOST_AT_ONCE, CatalogueSync, Plan
from onpaid.app.till_visits import TillVisits
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, PriceRef, Recurring
from onpaid.engine.journal import RUNS
from onpaid.engine.operations import Operations
from onpaid.engine.testing import MemoryStore, Process, VirtualClock, run_virtually
from onpaid.engine.visits import Visits
from onpaid.errors import InvalidInput
from onpaid.flows.archive_price import archive_price
from onpaid.flows.file_price import file_price
from tests.flows.cash_box import TILL_LANES
from tests.flows.fates import Fates
from tests.flows.sales_box import SalesBox, sales_guests

COURSE = Price("course-1", "course", "A course", Money(49_900, "NOK"))
CLUB = Price("club", "club", "The club", Money(9_900, "NOK"), Recurring("month"))


class Shop:
    """A service with a catalogue, in virtual time."""

    def __init__(self, box: SalesBox) -> None:
        self.box, self.store = box, MemoryStore()
        self.clock = clock = VirtualClock()
        guests = sales_guests(box, self.store)
        self.prices, self.till = guests["prices"], guests["till"]
        self.process = Process(self.store, (file_price, archive_price), guests, clock, lanes=TILL_LANES)
        till = TillVisits(Visits.of(self.process.engine), guests["till"])
        self.sync = CatalogueSync(self.process.engine.recorder, self.prices, till, clock)

    async def plan(self, **more: Any) -> dict[str, str]:
        """What would be done: each price with its action."""
        return _actions(await self.sync.sync(dry_run=True, **more))

    async def do(self) -> dict[str, str]:
        """Do it, to the end."""
        done = _actions(await self.sync.sync(dry_run=False))
        await self.process.live()
        return done


def _actions(plan: Plan) -> dict[str, str]:
    return {line.price: line.action for line in plan.items}


def at(story: Callable[[Shop], Awaitable[None]], box: SalesBox | None = None) -> None:
    async def main() -> None:
        shop = Shop(box or SalesBox())
        await shop.process.engine.open()
        await story(shop)

    run_virtually(main)


def changed(price: Price, **more: Any) -> Price:
    return msgspec.structs.replace(price, **more)


def test_what_stripe_lacks_is_made_and_then_there_is_nothing_to_do() -> None:
    async def story(shop: Shop) -> None:
        told = await shop.sync.import_prices([COURSE, CLUB])
        assert (told.new, told.changed, told.unchanged) == (2, 0, 0)
        assert await shop.plan() == {"course-1": "create", "club": "create"}
        assert shop.box.prices == []
        assert (await RUNS.query(shop.store, "state", "ready")).items == []
        assert await shop.do() == {"course-1": "create", "club": "create"}
        assert {each.lookup_key for each in shop.box.active()} == {"course-1", "club"}
        assert await shop.do() == {"course-1": "nothing", "club": "nothing"}
        assert len(shop.box.prices) == 2
        filed = await shop.prices.filed("club")
        assert filed is not None
        assert await shop.prices.of_stripe(filed.stripe_price) == "club"

    at(story)


def test_a_changed_price_replaces_the_one_before() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        told = await shop.sync.import_prices([changed(COURSE, amount=Money(59_900, "NOK"))])
        assert (told.new, told.changed) == (0, 1)
        (line,) = (await shop.sync.sync(dry_run=True)).items
        assert (line.action, line.why) == ("replace", "it is NOK 599.00 here and NOK 499.00 at Stripe")
        await shop.do()
        assert [each.amount.minor for each in shop.box.active()] == [59_900]
        await shop.sync.import_prices([COURSE])
        assert await shop.do() == {"course-1": "replace"}
        assert [(each.amount.minor, each.lookup_key) for each in shop.box.active()] == [(49_900, "course-1")]
        assert await shop.plan() == {"course-1": "nothing"}

    at(story)


def test_a_price_that_is_sold_no_more_is_archived_and_can_come_back() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        await shop.sync.import_prices([changed(COURSE, active=False)])
        assert await shop.do() == {"course-1": "archive"}
        assert shop.box.active() == []
        assert await shop.do() == {"course-1": "nothing"}
        await shop.sync.import_prices([COURSE])
        assert await shop.do() == {"course-1": "replace"}
        assert len(shop.box.active()) == 1
        assert await shop.plan() == {"course-1": "nothing"}

    at(story)


def test_a_price_that_never_was_at_stripe_and_is_off_sale_is_nothing() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([changed(COURSE, active=False)])
        assert await shop.do() == {"course-1": "nothing"}

    at(story)


def test_what_stripe_has_already_is_adopted() -> None:
    async def story(shop: Shop) -> None:
        shop.box.prices.append(PriceRef("price_old", "course", COURSE.amount, None, "course-1"))
        await shop.sync.import_prices([COURSE])
        assert await shop.do() == {"course-1": "adopt"}
        filed = await shop.prices.filed("course-1")
        assert filed is not None
        assert filed.stripe_price == "price_old"
        assert len(shop.box.prices) == 1
        assert await shop.plan() == {"course-1": "nothing"}

    at(story)


def test_strays_under_our_name_are_archived_and_the_price_stays() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        shop.box.prices.append(PriceRef("price_odd", "course", Money(100, "NOK")))
        assert await shop.do() == {"course-1": "archive"}
        assert [each.price_id for each in shop.box.active()] == ["price_1"]
        assert await shop.do() == {"course-1": "nothing"}

    at(story)


def test_a_price_that_somebody_archived_at_stripe_is_made_again() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        shop.box.prices[0] = msgspec.structs.replace(shop.box.prices[0], active=False)
        assert await shop.do() == {"course-1": "replace"}
        assert [each.price_id for each in shop.box.active()] == ["price_2"]
        assert await shop.do() == {"course-1": "nothing"}

    at(story)


def test_two_syncs_at_once_make_nothing_twice() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE, CLUB])
        for _ in range(5):
            await shop.sync.sync(dry_run=False)
        (line, _) = (await shop.sync.sync(dry_run=False)).items
        assert line.action in ("wait", "nothing", "adopt")
        await shop.process.live()
        assert len(shop.box.prices) == 2
        assert await shop.plan() == {"course-1": "nothing", "club": "nothing"}

    at(story)


class Meanwhile:
    """A till before which something else happens, once, while the first prices are compared."""

    def __init__(self, till: Any, happens: Callable[[], Awaitable[Any]]) -> None:
        self._till, self._happens, self._lock, self._did = till, happens, asyncio.Lock(), False

    async def prices_of(self, price: Price) -> list[PriceRef]:
        async with self._lock:
            if not self._did:
                self._did = True
                await self._happens()
        found: list[PriceRef] = await self._till.prices_of(price)
        return found


def test_a_price_that_changes_while_others_are_compared_is_not_brought_back() -> None:
    dearer = changed(COURSE, amount=Money(59_900, "NOK"))

    async def story(shop: Shop) -> None:
        others = [changed(COURSE, id=f"a-{nth}", product=f"a-{nth}") for nth in range(AT_ONCE)]
        await shop.sync.import_prices([*others, COURSE])
        await shop.do()

        async def changes() -> None:
            await shop.sync.import_prices([dearer])
            assert (await shop.do())["course-1"] == "replace"

        till: Any = Meanwhile(shop.till, changes)
        slow = CatalogueSync(shop.process.engine.recorder, shop.prices, till, shop.clock)
        assert set(_actions(await slow.sync(dry_run=False)).values()) == {"nothing"}
        await shop.process.live()
        (sold,) = [each for each in shop.box.active() if each.lookup_key == "course-1"]
        assert sold.amount == dearer.amount

    at(story)


def test_a_price_that_moves_to_another_product_is_another_price() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        moved = changed(COURSE, product="course-2")
        await shop.sync.import_prices([moved])
        filed = await shop.prices.filed("course-1")
        assert filed is not None
        assert not filed.fits(moved), "the list must not call that as it should be"
        assert await shop.do() == {"course-1": "replace"}
        filed = await shop.prices.filed("course-1")
        assert filed is not None
        assert filed.fits(moved)

    at(story)


def test_a_run_that_needs_a_person_is_named_and_not_started_again() -> None:
    box = SalesBox()
    box.refused.add(49_900)

    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await shop.do()
        (line,) = (await shop.sync.sync(dry_run=False)).items
        assert (line.action, line.runs) == ("wait", ["file_price:course-1#1"])
        assert "onpaid runs show file_price:course-1#1" in line.why

    at(story, box)


def test_one_price_that_cannot_be_read_stops_no_other() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE, CLUB])
        done = await shop.do()
        assert sorted(done.values()) == ["create", "unknown"]

    at(story, SalesBox(Fates({"prices_of": ["503 before"]})))


def test_while_the_lane_is_paused_stripe_is_not_asked_either() -> None:
    async def story(shop: Shop) -> None:
        await shop.sync.import_prices([COURSE])
        await Operations(shop.process.engine).pause("till", "it is being maintained")
        (line,) = (await shop.sync.sync(dry_run=True)).items
        assert (line.action, shop.box.calls["prices_of"]) == ("unknown", 0)
        assert "it is being maintained" in line.why

    at(story)


def test_a_catalogue_is_compared_page_by_page() -> None:
    async def story(shop: Shop) -> None:
        many = [changed(COURSE, id=f"c-{nth:03}") for nth in range(MOST_AT_ONCE)]
        await shop.sync.import_prices(many)
        seen: list[str] = []
        cursor: str | None = None
        while True:
            plan = await shop.sync.sync(dry_run=True, after=cursor, limit=20)
            seen += [line.price for line in plan.items]
            cursor = plan.cursor
            if cursor is None:
                break
        assert seen == [price.id for price in many]

    at(story)


def test_an_import_is_one_commit_or_none() -> None:
    async def story(shop: Shop) -> None:
        for told in ([], [changed(COURSE, id=f"c-{nth}") for nth in range(MOST_AT_ONCE + 1)]):
            with pytest.raises(InvalidInput):
                await shop.sync.import_prices(told)
        assert (await shop.prices.listed()).items == []

    at(story)
