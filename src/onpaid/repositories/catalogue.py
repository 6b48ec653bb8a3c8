"""What is sold and by whom, how many are left, and what each order took: stock moves once, in one commit.

Stock is taken by one conditional write over all products of an order, so that two orders cannot take the same unit and
nothing falls below zero. What an order took is kept for ever: the second taking finds it.
"""

from __future__ import annotations

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.messages import MessageWanted
from onpaid.domain.money import Money
from onpaid.domain.orders import Order
from onpaid.domain.products import Moved, Product, Seller, Stock, StockMovement
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.store.local import Done, Local
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records

PRODUCTS = Kind("product", Product, key=lambda each: each.id, entries=lambda each: [Entry("all", "", 0)])
STOCK = Kind("stock", Stock, key=lambda each: each.product)
SELLERS = Kind("seller", Seller, key=lambda each: each.id, entries=lambda each: [Entry("all", "", 0)])
MOVEMENTS = Kind(
    "stock-movement",
    StockMovement,
    key=lambda each: each.order,
    entries=lambda each: [Entry("all", "", each.at)],
)

OVERSOLD = "oversold"


def product_thing(product: str) -> str:
    """The name under which runs wait for a change of a product."""
    return f"product:{product}"


class StockTaken(msgspec.Struct, frozen=True, omit_defaults=True):
    """What taking came to. `short` tells what was missing by product: nothing was taken then."""

    taken: bool
    short: dict[str, int] = {}


class Catalogue:
    """Products, sellers and stock of a store."""

    def __init__(self, store: Store, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    async def product(self, ident: str) -> Product | None:
        """One product, or None."""
        held = await PRODUCTS.get(self._store, ident)
        return None if held is None else held.record

    async def products(self, idents: list[str]) -> list[Product | None]:
        """Several products, in that order."""
        return await PRODUCTS.get_many(self._store, idents)

    async def left(self, ident: str) -> int:
        """How many units are left; 0 for a product without a record of stock."""
        held = await STOCK.get(self._store, ident)
        return 0 if held is None else held.record.left

    async def listed(self, *, after: str | None = None, limit: int = 100) -> Records[Product]:
        """Products, by id."""
        return await PRODUCTS.query(self._store, "all", "", after=after, limit=limit, newest_first=False)

    async def sellers(self, *, after: str | None = None, limit: int = 100) -> Records[Seller]:
        """Sellers, by id."""
        return await SELLERS.query(self._store, "all", "", after=after, limit=limit, newest_first=False)

    async def movement(self, order: str) -> StockMovement | None:
        """What an order took, or None."""
        held = await MOVEMENTS.get(self._store, order)
        return None if held is None else held.record

    async def import_writes(self, product: Product, stock: int | None) -> list[Write]:
        """The writes that keep a product as told; its stock is only set where `stock` is given or it has none."""
        writes: list[Write] = [PRODUCTS.put(product)]
        held = await STOCK.get(self._store, product.id)
        if held is None:
            writes.append(STOCK.insert(Stock(product.id, stock or 0)))
        elif stock is not None and stock != held.record.left:
            writes.append(STOCK.update(Stock(product.id, stock), held.version))
        return writes

    async def stock_writes(self, product: str, left: int) -> list[Write]:
        """The writes that set how many units are left."""
        held = await STOCK.get(self._store, product)
        record = Stock(product, left)
        return [STOCK.insert(record) if held is None else STOCK.update(record, held.version)]

    @act(local=True)
    async def take(self, order: str, at: Instant) -> Local[StockTaken]:
        """Take an order's goods from stock, count its sellers' sales, and have its customer told; all or nothing.

        If something is missing nothing is taken, and the order is held for a person's decision.
        """
        return await self._take(order, at, anyway=False)

    @act(local=True)
    async def take_anyway(self, order: str, at: Instant) -> Local[StockTaken]:
        """Take what there is: a person has decided to ship an oversold order, and has the goods from elsewhere."""
        return await self._take(order, at, anyway=True)

    async def _take(self, key: str, at: Instant, *, anyway: bool) -> Local[StockTaken]:
        held = await self._orders.find(key)
        if held is None or held.record.fulfilment is None:
            raise AssertionError("stock is taken for an order that is there")
        order, fulfilment = held.record, held.record.fulfilment
        if await MOVEMENTS.get(self._store, order.key) is not None:
            return Done(StockTaken(taken=True))
        wanted = wanted_units(order)
        writes: list[Write] = []
        moved: list[Moved] = []
        short: dict[str, int] = {}
        for product, units in wanted.items():
            stock = await STOCK.get(self._store, product)
            left = 0 if stock is None else stock.record.left
            if left < units:
                short[product] = units - left
            given = min(left, units)
            moved.append(Moved(product, given, units - given))
            if stock is not None and given:
                writes.append(STOCK.update(Stock(product, left - given), stock.version))
            elif stock is not None:
                writes.append(STOCK.check(product, stock.version))
        if short and not anyway:
            kept = msgspec.structs.replace(fulfilment, held=OVERSOLD)
            on_hold = msgspec.structs.replace(order, fulfilment=kept)
            return Done(StockTaken(taken=False, short=short), (ORDERS.update(on_hold, held.version),))
        kept = msgspec.structs.replace(fulfilment, held="")
        freed = msgspec.structs.replace(order, fulfilment=kept)
        writes += await self._sales(order, wanted)
        writes += [
            MOVEMENTS.insert(StockMovement(order.key, at, tuple(moved))),
            ORDERS.update(freed, held.version),
        ]
        told = MessageWanted(order.key, "order_confirmation")
        return Done(StockTaken(taken=True, short=short), tuple(writes), (), (told,))

    async def _sales(self, order: Order, wanted: dict[str, int]) -> list[Write]:
        """Each seller's counters, raised by what this order bought from it."""
        of = {
            each.id: each.seller
            for each in await self.products(list(wanted))
            if each is not None and each.seller
        }
        units: dict[str, int] = {}
        amounts: dict[str, int] = {}
        currency = order.fulfilment.amount.currency if order.fulfilment else ""
        for line in order.latest.lines:
            seller = of.get(line.id)
            if seller is not None:
                units[seller] = units.get(seller, 0) + int(line.quantity)
                paid = Money.parse(line.unit_price * line.quantity, currency)
                amounts[seller] = amounts.get(seller, 0) + paid.minor
        writes: list[Write] = []
        for seller, count in units.items():
            held = await SELLERS.get(self._store, seller)
            known = Seller(seller) if held is None else held.record
            sales = {**known.sales, currency: known.sales.get(currency, 0) + amounts[seller]}
            raised = msgspec.structs.replace(known, units=known.units + count, sales=sales)
            writes.append(SELLERS.insert(raised) if held is None else SELLERS.update(raised, held.version))
        return writes


def wanted_units(order: Order) -> dict[str, int]:
    """How many units of each product an order is for."""
    wanted: dict[str, int] = {}
    for line in order.latest.lines:
        wanted[line.id] = wanted.get(line.id, 0) + int(line.quantity)
    return wanted
