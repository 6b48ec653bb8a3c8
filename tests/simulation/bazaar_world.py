"""What surrounds a delivering service for a day: the bazaar, with couriers that act by themselves and a tracker's board.

Beyond the bazaar of the flows' tests: a payment is only found under the order it is for, a pickup may come with the AWB,
parcels travel, and the courier service can be asked where they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from onpaid.acts import act
from onpaid.domain.checkouts import CapturedPayment
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.shipments import Awb, CourierOrder, ParcelTold
from onpaid.errors import Doubtful, Refused
from onpaid.providers.roles import WebhookSource
from onpaid.store.port import Store
from tests.app import post_razorpay
from tests.flows.bazaar import SHOP_LANES, Bazaar, Cashier, Courier
from tests.flows.board import Board
from tests.flows.fates import Fates
from tests.flows.market import DELIVERY_FLOWS, delivery_guests
from tests.flows.stage import FLOWS, Herald
from tests.flows.world import SETTLES, TIMEOUT
from tests.simulation.lives import QUICK_RULES, Trade


class Streets(Bazaar):
    """The bazaar of one day. `eager` are references whose courier books the pickup with the AWB; `where` tells each
    AWB's last word."""

    def __init__(self, fates: Fates) -> None:
        super().__init__(fates, statuses=False)
        self.eager: set[str] = set()
        self.where: dict[str, tuple[int, str]] = {}
        self.tracker = Board(self)


class StrictCashier(Cashier):
    """Finds a payment as the real one is found: by its id and the order that it is for."""

    def __init__(self, world: Streets) -> None:
        super().__init__(world)
        self._streets = world

    @act(repeatable=True, lane="checkout", timeout=TIMEOUT)
    async def fetch_captured(self, paid: PaymentSucceeded) -> CapturedPayment:
        def look() -> CapturedPayment:
            found = self._streets.captured[paid.charge_id or ""]
            if found.checkout_id != paid.payment_id:
                raise Refused(f"there is no order {paid.payment_id}")
            return found

        return await self._streets.called("fetch_captured", paid.payment_id, None, look)


class StreetCourier(Courier):
    """A courier service with couriers of several kinds."""

    def __init__(self, world: Streets) -> None:
        super().__init__(world)
        self._streets = world

    @act(lane="courier", timeout=TIMEOUT, settles=SETTLES)
    async def assign_awb(self, order: CourierOrder) -> Awb:
        parcel = self._by_id(order)

        def effect() -> Awb | None:
            if parcel.awb:
                return None
            parcel.awb = f"00{parcel.id}4711"
            parcel.pickups += parcel.order.reference in self._streets.eager
            return Awb(parcel.awb, "Courier")

        made = await self._streets.called("assign_awb", order.reference, effect, lambda: None)
        if made is None:
            raise Doubtful("AWB is already assigned", answered=True)
        return made

    async def track(self, awbs: list[str]) -> list[ParcelTold]:
        known = [(awb, *self._streets.where[awb]) for awb in awbs if awb in self._streets.where]
        return [ParcelTold(awb, number, status) for awb, number, status in known]


def _guests(world: Streets, store: Store, clock: Any) -> dict[str, Any]:
    return {
        **delivery_guests(world, store, clock),
        "rules": QUICK_RULES,
        "checkouts": StrictCashier(world),
        "shipping": StreetCourier(world),
    }


def _sources() -> Mapping[str, WebhookSource]:
    return {"razorpay": post_razorpay.source(), Herald.name: Herald()}


PARCELS = Trade((*FLOWS, *DELIVERY_FLOWS), _guests, _sources, (*SHOP_LANES, *Board.lanes))
"""A service that delivers."""
