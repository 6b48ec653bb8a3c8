"""Two weeks of a shop that delivers: an order in every state that a customer or an operator can meet it in.

The story is told once for each process, in virtual time, and what it left in the store is then copied wherever it is
wanted. `NAMES` say what each order is an example of; `number_of` is its number.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

from onpaid.engine.testing import run_virtually
from onpaid.repositories.messages import TRACK
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Put, Store, Write
from tests.web.trading import Bought, Trade, links
from tests.web.wares import phone, products
from tests.web.world import NOON, SHOP

BEGAN = timedelta(days=16)
Situation = Callable[[Trade], Awaitable[Bought]]


@dataclass(frozen=True)
class Left:
    """What the two weeks left: documents, and each order's number by the name of its situation."""

    writes: tuple[Write, ...]
    numbers: dict[str, str]


async def _checked_out(trade: Trade) -> Bought:
    await trade.until(minutes=25)
    return await trade.buy(1, "case")


async def _try_failed(trade: Trade) -> Bought:
    await trade.until(minutes=50)
    bought = await trade.buy(2, "racket-5", "case")
    await bought.fails_to_pay("Your bank did not answer in time")
    return await bought.fails_to_pay("The UPI PIN was wrong", 2)


async def _expired(trade: Trade) -> Bought:
    await trade.until(days=15, hours=2)
    return await trade.buy(9, "balls-12")


async def _last_one(trade: Trade) -> Bought:
    """Who buys it first gets it; delivered, and read."""
    await trade.until(days=4, hours=3)
    bought = await (await trade.buy(4, "racket-9")).pays()
    await bought.messaged("order_confirmation", "sent", "delivered", "read")
    await bought.messaged("shipment_created", "sent", "delivered", "read")
    await trade.until(days=3, hours=20)
    await bought.moves(42, "Picked Up", "Bengaluru_South_H (Karnataka)", expected="2026-11-19 20:00:00")
    await trade.until(days=3, hours=4)
    await bought.moves(
        18, "In Transit", "Hyderabad_Shamshabad_GW (Telangana)", expected="2026-11-19 20:00:00"
    )
    await trade.until(days=2, hours=7)
    await bought.moves(
        17, "Out For Delivery", "Hyderabad_Old_City_D (Telangana)", expected="2026-11-19 20:00:00"
    )
    await trade.until(days=2, hours=3, minutes=12)
    return await bought.moves(
        7, "Delivered", "Hyderabad_Old_City_D (Telangana)", expected="2026-11-19 20:00:00"
    )


async def _held(trade: Trade) -> Bought:
    await trade.until(hours=2)
    first = trade.buy(3, "racket-9", "balls-12")
    await trade.hands.set_stock("racket-9", 1)  # the page still shows one
    bought = await first
    await trade.hands.set_stock("racket-9", 0)
    return await bought.pays()


async def _given_back(trade: Trade) -> Bought:
    await trade.until(days=1, hours=6)
    await trade.hands.set_stock("racket-9", 1)
    bought = await trade.buy(5, "racket-9")
    await trade.hands.set_stock("racket-9", 0)
    await bought.pays()
    await trade.until(days=1, hours=5)
    await trade.hands.decide(bought.number, "refund", by="the operator (console)")
    return bought


async def _booking(trade: Trade) -> Bought:
    trade.outside.away.add(phone(6))
    await trade.until(minutes=3)
    return await (await trade.buy(6, "balls-12", "balls-12", "case")).pays()


async def _no_size(trade: Trade) -> Bought:
    await trade.until(hours=5)
    return await (await trade.buy(7, "net")).pays()


async def _dry_run(trade: Trade) -> Bought:
    trade.outside.only_logged.add(phone(8))
    await trade.until(days=2)
    bought = await (await trade.buy(8, "case")).pays()
    return await bought.messaged("order_confirmation", "sent", "delivered")


async def _waiting(trade: Trade) -> Bought:
    await trade.until(hours=1)
    bought = await (await trade.buy(10, "racket-5")).pays()
    await bought.messaged("order_confirmation", "delivered")
    return await bought.messaged("shipment_created", "sent")


async def _fetched(trade: Trade) -> Bought:
    await trade.until(days=1, hours=1)
    bought = await (await trade.buy(11, "balls-12")).pays()
    await trade.until(hours=3)
    return await bought.moves(42, "Picked Up", "Bengaluru_South_H (Karnataka)")


async def _on_its_way(trade: Trade) -> Bought:
    """The one to show: two goods, read messages, four scans."""
    await trade.until(days=2, hours=1, minutes=8)
    bought = await (await trade.buy(0, "racket-5", "balls-12", "balls-12")).pays()
    await bought.messaged("order_confirmation", "sent", "delivered", "read")
    await bought.messaged("shipment_created", "sent", "delivered")
    await trade.until(days=1, hours=18)
    await bought.moves(42, "Picked Up", "Mumbai_Andheri_C (Maharashtra)")
    await trade.until(days=1, hours=12, minutes=20)
    await bought.moves(18, "Added to Bag", "Mumbai_Bhiwandi_GW (Maharashtra)")
    await trade.until(hours=21, minutes=44)
    await bought.moves(18, "Departed", "Mumbai_Bhiwandi_GW (Maharashtra)")
    await trade.until(hours=2, minutes=31)
    return await bought.moves(18, "Arrived at hub", "Bengaluru_Nelamangala_H (Karnataka)")


async def _out(trade: Trade) -> Bought:
    await trade.until(days=3)
    bought = await (await trade.buy(13, "racket-5")).pays()
    await bought.messaged("order_confirmation", "delivered", "read")
    await trade.until(days=1)
    await bought.moves(18, "In Transit", "Chennai_Guindy_H (Tamil Nadu)")
    await trade.until(hours=1, minutes=40)
    return await bought.moves(17, "Out For Delivery", "Chennai_Mylapore_D (Tamil Nadu)")


async def _coming_back(trade: Trade) -> Bought:
    await trade.until(days=6)
    bought = await (await trade.buy(14, "case")).pays()
    await trade.until(days=4)
    await bought.moves(17, "Out For Delivery", "Kochi_Fort_D (Kerala)")
    await trade.until(days=3)
    await bought.moves(21, "Undelivered: nobody at the door", "Kochi_Fort_D (Kerala)")
    await trade.until(days=1)
    return await bought.moves(9, "RTO Initiated", "Kochi_Fort_D (Kerala)")


async def _came_back(trade: Trade) -> Bought:
    await trade.until(days=8)
    bought = await (await trade.buy(15, "balls-12")).pays()
    await trade.until(days=7)
    await bought.moves(18, "In Transit", "Delhi_Gateway (Delhi)")
    await trade.until(days=4)
    await bought.moves(9, "RTO Initiated", "Delhi_Ring_Road_D (Delhi)")
    await trade.until(days=1)
    return await bought.moves(10, "RTO Delivered", "Bengaluru_South_H (Karnataka)")


async def _lost(trade: Trade) -> Bought:
    await trade.until(days=10)
    bought = await (await trade.buy(16, "racket-5")).pays()
    await trade.until(days=9)
    await bought.moves(18, "In Transit", "Lucknow_H (Uttar Pradesh)")
    await trade.until(days=2)
    return await bought.moves(12, "Lost", "Lucknow_H (Uttar Pradesh)")


async def _stopped(trade: Trade) -> Bought:
    await trade.until(hours=30)
    bought = await (await trade.buy(17, "case")).pays()
    await trade.until(hours=29)
    await trade.hands.cancel_shipment(bought.number, by="the operator (console)")
    return bought


async def _digital(trade: Trade) -> Bought:
    await trade.until(hours=7)
    bought = await (await trade.buy(18, "lesson")).pays()
    return await bought.messaged("order_confirmation", "delivered", "read")


async def _unreachable(trade: Trade) -> Bought:
    trade.outside.unreachable.add(phone(19))
    await trade.until(hours=26)
    return await (await trade.buy(19, "balls-12")).pays()


async def _unheard(trade: Trade) -> Bought:
    """The answer to its message was lost, and no status has come."""
    trade.outside.silent.add(phone(20))
    await trade.until(hours=9)
    return await (await trade.buy(20, "case")).pays()


async def _refunded_under_way(trade: Trade) -> Bought:
    await trade.until(days=3, hours=5)
    bought = await (await trade.buy(21, "racket-5")).pays()
    await trade.until(days=2)
    await bought.moves(18, "In Transit", "Bhopal_H (Madhya Pradesh)")
    await trade.until(hours=20)
    return await bought.refunded()


SITUATIONS: dict[str, Situation] = {
    "checked out": _checked_out,
    "try failed": _try_failed,
    "expired": _expired,
    "delivered": _last_one,
    "held": _held,
    "given back": _given_back,
    "booking": _booking,
    "no size": _no_size,
    "dry run": _dry_run,
    "waiting": _waiting,
    "fetched": _fetched,
    "on its way": _on_its_way,
    "out": _out,
    "coming back": _coming_back,
    "came back": _came_back,
    "lost": _lost,
    "stopped": _stopped,
    "digital": _digital,
    "unreachable": _unreachable,
    "unheard": _unheard,
    "refunded under way": _refunded_under_way,
}
NAMES = tuple(SITUATIONS)


async def _trade() -> Left:
    trade = Trade(BEGAN, NOON)
    life = asyncio.create_task(trade.live())
    await trade.hands.import_products(products())
    bought = await asyncio.gather(*(tell(trade) for tell in SITUATIONS.values()))
    await trade.until()
    life.cancel()
    await trade.process.kill()
    assert isinstance(trade.store, MemoryStore)
    kept = trade.store._documents.values()
    writes = [Put(each.kind, each.key, each.body, entries) for each, entries in kept]
    return Left(tuple(writes), {name: each.number for name, each in zip(NAMES, bought, strict=True)})


@cache
def left() -> Left:
    """The two weeks, told once. In a thread of its own, since whoever asks may have a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run_virtually, _trade).result()


async def deliver(store: Store) -> None:
    """Put what the two weeks left into a store."""
    writes = left().writes
    for at in range(0, len(writes), 100):
        await store.commit(writes[at : at + 100])


def number_of(name: str) -> str:
    """The number of the order that is an example of this."""
    return left().numbers[name]


def key_of(name: str) -> str:
    """Its key."""
    return f"{SHOP}/{number_of(name)}"


def link_to(name: str) -> str:
    """The text of its customer's link."""
    return links().make(TRACK, key_of(name), NOON + 90 * 86_400_000)
