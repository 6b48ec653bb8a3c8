"""What a person may do in the story of delivery: decide about a held order, ship again, cancel a parcel, keep products.

Each is one commit that records the wish and starts, or wakes, the run that carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from onpaid.clock import Clock
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.orders import Order
from onpaid.domain.products import Product
from onpaid.domain.shipments import Shipment, ShipmentUnwanted, ShipmentWanted
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, InvalidInput, NotPossible
from onpaid.repositories.catalogue import Catalogue, product_thing
from onpaid.repositories.fulfilments import DECISIONS, Choice, Decision, Fulfilments, decision_thing
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.shipments import SHIPMENTS, Shipments

CANCELLABLE = frozenset({"pending_pickup"})
TRIES = 20
MOST_STOCK = 100_000_000


class Imported(msgspec.Struct, frozen=True):
    """What an import came to."""

    products: int
    stocked: int


class Delivering:
    """The operator's hands in the story of delivery."""

    def __init__(
        self,
        recorder: Recorder,
        orders: Orders,
        fulfilments: Fulfilments,
        shipments: Shipments,
        catalogue: Catalogue,
        clock: Clock,
        shop: str,
    ) -> None:
        self._recorder = recorder
        self._orders = orders
        self._fulfilments = fulfilments
        self._shipments = shipments
        self._catalogue = catalogue
        self._clock = clock
        self._shop = shop

    async def decide(self, name: str, choice: Choice, *, by: str) -> Decision:
        """Decide about an order that is held. Raises InvalidInput, NotPossible."""
        order, fulfilment = await self._order(name)
        before = await self._fulfilments.decision(order.key)
        if before is not None:
            if before.choice == choice:
                return before
            raise NotPossible(f"it was decided already: {before.choice}, by {before.by}")
        if not fulfilment.held:
            raise NotPossible(f"order {order.number} is not held: there is nothing to decide")
        decision = Decision(order.key, choice, by, self._clock.now())
        try:
            await self._recorder.record([DECISIONS.insert(decision)], wakes=[decision_thing(order.key)])
        except Conflict:
            raise NotPossible("somebody else decided at the same moment: look again") from None
        return decision

    async def ship_again(self, name: str) -> str:
        """Book a parcel for an order whose parcel was only logged, cancelled or returned. Returns the run."""
        order, fulfilment = await self._order(name)
        if fulfilment.payment_status != "paid":
            raise NotPossible(
                f"order {order.number} is {fulfilment.payment_status}, and only paid orders are shipped"
            )
        parcel = fulfilment.parcel
        if parcel is None:
            raise NotPossible(f"order {order.number} has no parcel yet: its own run books it")
        if not parcel.dry_run and parcel.state not in ("cancelled", "returned"):
            raise NotPossible(f"order {order.number} has a live parcel, {parcel.awb or parcel.shipment_id}")
        nth = len(await self._shipments.of_order(order.key)) + 1
        held = await self._orders.find(order.key)
        if held is None:
            raise InvalidInput(f"there is no order {name}")
        checks = [ORDERS.check(order.key, held.version)]
        runs = await self._recorder.record(checks, facts=[ShipmentWanted(order.key, nth)])
        return runs[0]

    async def dry_run_ones(self) -> list[Shipment]:
        """The parcels that were only logged, and that no real one has followed; oldest first."""
        found: list[Shipment] = []
        cursor: str | None = None
        while True:
            page = await self._shipments.dry_run_ones(after=cursor)
            for shipment in page.items:
                held = await self._orders.find(shipment.order)
                fulfilment = None if held is None else held.record.fulfilment
                if fulfilment is not None and fulfilment.parcel and fulfilment.parcel.shipment == shipment.id:
                    found.append(shipment)
            cursor = page.cursor
            if cursor is None:
                return found

    async def cancel_shipment(self, name: str, *, by: str) -> str:
        """Cancel the parcel of an order while the courier allows it. Returns the run. Raises NotPossible."""
        order, fulfilment = await self._order(name)
        parcel = fulfilment.parcel
        if parcel is None:
            raise NotPossible(f"order {order.number} has no parcel")
        if parcel.dry_run:
            raise NotPossible("that parcel was only logged: nobody has been asked to fetch it")
        if parcel.state not in CANCELLABLE:
            raise NotPossible(
                f"the parcel is {parcel.state.replace('_', ' ')}: the courier no longer lets it be cancelled"
            )
        held = await SHIPMENTS.get(self._recorder.store, parcel.shipment)
        if held is None:
            raise NotPossible("its shipment is not here")
        unwanted = ShipmentUnwanted(order.key, parcel.shipment, by)
        checks = [SHIPMENTS.check(parcel.shipment, held.version)]
        runs = await self._recorder.record(checks, facts=[unwanted])
        return runs[0]

    async def import_products(self, told: Sequence[tuple[Product, int | None]]) -> Imported:
        """Keep these products; stock is set where it is told, or where there is none. Runs that waited for one go on."""
        stocked = 0
        for product, stock in told:
            for _ in range(TRIES):
                writes = await self._catalogue.import_writes(product, stock)
                try:
                    await self._recorder.record(writes, wakes=[product_thing(product.id)])
                except Conflict:
                    continue
                stocked += len(writes) > 1
                break
            else:
                raise NotPossible(f"{product.id} is being sold too fast to be changed now: import it again")
        return Imported(len(told), stocked)

    async def set_stock(self, product: str, left: int) -> int:
        """Set how many units are left. Returns how many there were. Raises InvalidInput."""
        if await self._catalogue.product(product) is None:
            raise InvalidInput(f"there is no product {product}")
        if not 0 <= left <= MOST_STOCK:
            raise InvalidInput("stock is a whole number, 0 or more")
        for _ in range(TRIES):
            before = await self._catalogue.left(product)
            try:
                await self._recorder.record(await self._catalogue.stock_writes(product, left))
            except Conflict:
                continue
            return before
        raise NotPossible(f"{product} is being sold too fast to be counted now: try again")

    async def _order(self, name: str) -> tuple[Order, Fulfilment]:
        key = name if "/" in name else f"{self._shop}/{name}"
        held = await self._orders.find(key)
        if held is None:
            raise InvalidInput(f"there is no order {name}")
        if held.record.fulfilment is None:
            raise InvalidInput(f"order {name} came from a shop that ships by itself: onpaid only invoices it")
        return held.record, held.record.fulfilment
