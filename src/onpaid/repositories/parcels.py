"""What a parcel is made of: the lines of its order that are not digital, in one box.

Sizes and weights come from the products; a missing one waits for somebody to tell it, before any call is made.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions, Product
from onpaid.domain.shipments import ParcelLine, ParcelOrder
from onpaid.repositories.catalogue import PRODUCTS, product_thing
from onpaid.repositories.orders import Orders
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Check, Store
from onpaid.store.records import Versioned


@dataclass(frozen=True, slots=True)
class Packing:
    """What a product without dimensions is taken to be; None: a person must say."""

    default: Dimensions | None = None


class Parcels:
    """The parcels of a store's orders, before anybody is asked to fetch them."""

    def __init__(self, store: Store, orders: Orders, packing: Packing) -> None:
        self._store = store
        self._orders = orders
        self._packing = packing

    async def look_parcel(self, key: str, nth: int) -> Local[ParcelOrder]:
        """What the courier service is to be asked for; waits for products whose dimensions nobody has told."""
        held = await self._orders.find(key)
        if held is None or held.record.fulfilment is None:
            raise AssertionError("parcels are for orders of our own checkout")
        order, fulfilment = held.record, held.record.fulfilment
        lines: list[ParcelLine] = []
        packed: list[tuple[Dimensions, int]] = []
        missing: list[str] = []
        checks: list[Check] = []
        total = Money.zero(fulfilment.amount.currency)
        for line in order.latest.lines:
            product = await PRODUCTS.get(self._store, line.id)
            checks.append(PRODUCTS.check(line.id, None if product is None else product.version))
            if product is not None and product.record.digital:
                continue
            packing = self._packed(product)
            if packing is None:
                missing.append(line.id)
                continue
            units = int(line.quantity)
            price = Money.parse(line.unit_price, total.currency)
            packed.append((packing, units))
            total = Money(total.minor + price.minor * units, total.currency)
            code = line.id if product is None else product.record.code
            hsn = "" if product is None else product.record.hsn
            lines.append(ParcelLine(code, line.name, units, price, hsn, line.vat_percent))
        if missing:
            things = tuple(product_thing(each) for each in missing)
            why = f"nobody has told the size and weight of {', '.join(missing)}"
            return NotYet(
                things, tuple(checks), why, facts={"products": ", ".join(missing), "order": order.key}
            )
        length, breadth, height, weight = _box(packed)
        return Done(
            ParcelOrder(
                reference=order.number if nth == 1 else f"{order.number}-{nth}",
                ordered_at=order.received_at,
                recipient=fulfilment.recipient,
                lines=tuple(lines),
                total=total,
                length=length,
                breadth=breadth,
                height=height,
                weight=weight,
            )
        )

    def _packed(self, product: Versioned[Product] | None) -> Dimensions | None:
        known = None if product is None else product.record.packed
        return known or self._packing.default


def _box(packed: list[tuple[Dimensions, int]]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """One box for all: as long and broad as the longest and broadest, stacked in height, with the sum of weights."""
    return (
        max(each.length for each, _ in packed),
        max(each.breadth for each, _ in packed),
        sum((each.height * units for each, units in packed), Decimal(0)),
        sum((each.weight * units for each, units in packed), Decimal(0)),
    )
