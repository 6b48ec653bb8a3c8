"""The outside world of delivery, by role: who takes money, who ships, who carries messages; each with books of its own.

As with the world that it extends, what was sent lands by itself, and the books are the oracle.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act, current_call
from onpaid.domain.checkouts import CapturedPayment, CheckoutRef, CheckoutWanted, RefundRef, RefundWanted
from onpaid.domain.messages import OutMessage, Sent
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ParcelTold, Pickup
from onpaid.errors import Doubtful, Refused
from onpaid.providers.roles_delivery import Heard
from tests.flows.fates import Fates
from tests.flows.world import LANES, SETTLES, TIMEOUT, World, _soon, _unanswered

SHOP_LANES = (
    *LANES,
    LaneLimit("checkout", at_once=16, per_second=25),
    LaneLimit("courier", at_once=4, per_second=8),
    LaneLimit("whatsapp", at_once=8, per_second=20),
)
SHOP = "shop"
ACCOUNT = "razorpay/default/test"


@dataclass
class Asked:
    """The payment provider's order."""

    id: str
    wanted: CheckoutWanted
    visible_at: float


@dataclass
class Parcel:
    """The courier's record."""

    id: int
    order: ParcelOrder
    visible_at: float
    awb: str = ""
    pickups: int = 0
    cancelled: bool = False

    @property
    def ref(self) -> CourierOrder:
        return CourierOrder(
            self.order.reference, f"o{self.id}", f"s{self.id}", self.awb, "Courier", self.cancelled
        )


@dataclass
class Bazaar(World):
    """What happened outside. `dead` are references under which the courier holds a cancelled record already."""

    fates: Fates = field(default_factory=Fates)
    dead: set[str] = field(default_factory=set)
    statuses: bool = True
    unreachable: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        World.__init__(self, self.fates)
        self.asked: list[Asked] = []
        self.captured: dict[str, CapturedPayment] = {}
        self.refunds: dict[str, RefundRef] = {}
        self.parcels: list[Parcel] = []
        self.messages: list[OutMessage] = []
        self.heard: dict[str, Sent] = {}
        self.foreign = False

    def live(self) -> list[Parcel]:
        """The parcels that somebody will fetch."""
        return [parcel for parcel in self.parcels if not parcel.cancelled]

    def told(self, template: str) -> int:
        """How many messages of this template went out."""
        return sum(message.template == template for message in self.messages)

    def capture(self, paid: PaymentSucceeded, **changes: object) -> None:
        """Money was taken."""
        self.captured[paid.charge_id or ""] = msgspec.structs.replace(
            CapturedPayment(
                paid.charge_id or "",
                paid.payment_id,
                paid.amount,
                captured=True,
                refunded=Money.zero(paid.amount.currency),
                method="upi",
                ours=not self.foreign,
            ),
            **changes,
        )


class Cashier:
    """A Checkouts."""

    def __init__(self, world: Bazaar) -> None:
        self._world = world

    @act(lane="checkout", timeout=TIMEOUT, settles=SETTLES)
    async def create_checkout(self, wanted: CheckoutWanted) -> CheckoutRef:
        world = self._world

        def effect() -> CheckoutRef:
            world.asked.append(Asked(f"order_{len(world.asked) + 1}", wanted, _soon(world)))
            return CheckoutRef(world.asked[-1].id, wanted.amount, wanted.number)

        return await world.called("create_checkout", wanted.number, effect, _unanswered)

    @act(repeatable=True, lane="checkout", timeout=TIMEOUT)
    async def find_checkout(self, wanted: CheckoutWanted) -> Finding[CheckoutRef]:
        def look() -> Finding[CheckoutRef]:
            found = [
                one for one in self._world.visible(self._world.asked) if one.wanted.number == wanted.number
            ]
            if len(found) > 1:
                return Unsure("several", final=True)
            return Found(CheckoutRef(found[0].id, wanted.amount, wanted.number)) if found else Absent()

        return await self._world.called("find_checkout", wanted.number, None, look)

    @act(repeatable=True, lane="checkout", timeout=TIMEOUT)
    async def fetch_captured(self, paid: PaymentSucceeded) -> CapturedPayment:
        return await self._world.called(
            "fetch_captured", paid.payment_id, None, lambda: self._world.captured[paid.charge_id or ""]
        )

    @act(key_life=timedelta(hours=24), lane="checkout", timeout=TIMEOUT, settles=SETTLES)
    async def refund(self, wanted: RefundWanted) -> RefundRef:
        world, call = self._world, current_call.get()
        key = call.key if call else wanted.reference

        def effect() -> RefundRef:
            if key not in world.refunds:
                world.refunds[key] = RefundRef(f"rfnd_{len(world.refunds) + 1}", wanted.amount, "processed")
            return world.refunds[key]

        return await world.called("refund", wanted.reference, effect, _unanswered)

    @act(repeatable=True, lane="checkout", timeout=TIMEOUT)
    async def find_refund(self, wanted: RefundWanted) -> Finding[RefundRef]:
        def look() -> Finding[RefundRef]:
            refunds, ours = self._world.refunds.items(), (wanted.reference, f"{wanted.reference}:")
            found = [each for key, each in refunds if key == ours[0] or key.startswith(ours[1])]
            return Found(found[0]) if found else Absent()

        return await self._world.called("find_refund", wanted.reference, None, look)


class Courier:
    """A Shipping: one record for each reference, handed back whatever it has become."""

    def __init__(self, world: Bazaar) -> None:
        self._world = world

    @act(lane="courier", timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_order(self, parcel: ParcelOrder) -> CourierOrder:
        world = self._world

        def effect() -> CourierOrder:
            held = self._of(parcel.reference)
            if held is None:
                dead = parcel.reference in world.dead
                held = Parcel(len(world.parcels) + 1, parcel, _soon(world), cancelled=dead)
                world.parcels.append(held)
            return held.ref

        return await world.called("create_order", parcel.reference, effect, _unanswered)

    @act(repeatable=True, lane="courier", timeout=TIMEOUT)
    async def find_order(self, parcel: ParcelOrder) -> Finding[CourierOrder]:
        def look() -> Finding[CourierOrder]:
            visible = self._world.visible(self._world.parcels)
            found = [each for each in visible if each.order.reference == parcel.reference]
            return Found(found[0].ref) if found else Absent()

        return await self._world.called("find_order", parcel.reference, None, look)

    @act(lane="courier", timeout=TIMEOUT, settles=SETTLES)
    async def assign_awb(self, order: CourierOrder) -> Awb:
        parcel = self._by_id(order)

        def effect() -> Awb | None:
            if parcel.awb:
                return None
            parcel.awb = f"00{parcel.id}4711"
            return Awb(parcel.awb, "Courier", "2026-11-22 10:00:00")

        made = await self._world.called("assign_awb", order.reference, effect, lambda: None)
        if made is None:
            raise Doubtful("AWB is already assigned", answered=True)
        return made

    @act(repeatable=True, lane="courier", timeout=TIMEOUT)
    async def find_awb(self, order: CourierOrder) -> Finding[Awb]:
        parcel = self._by_id(order)

        def look() -> Finding[Awb]:
            return Found(Awb(parcel.awb, "Courier")) if parcel.awb else Absent()

        return await self._world.called("find_awb", order.reference, None, look)

    @act(lane="courier", timeout=TIMEOUT, settles=SETTLES)
    async def request_pickup(self, order: CourierOrder) -> Pickup:
        parcel = self._by_id(order)

        def effect() -> Pickup:
            if not parcel.awb:
                self._world.faults.append(f"a pickup of {order.reference}, which has no AWB")
            already, parcel.pickups = parcel.pickups > 0, 1
            return Pickup("2026-11-22 12:00:00", already=already)

        return await self._world.called("request_pickup", order.reference, effect, _unanswered)

    @act(repeatable=True, lane="courier", timeout=TIMEOUT)
    async def find_pickup(self, order: CourierOrder) -> Finding[Pickup]:
        parcel = self._by_id(order)

        def look() -> Finding[Pickup]:
            return Found(Pickup(already=True)) if parcel.pickups else Absent()

        return await self._world.called("find_pickup", order.reference, None, look)

    @act(lane="courier", timeout=TIMEOUT, settles=SETTLES)
    async def cancel_order(self, order: CourierOrder) -> CourierOrder:
        parcel = self._by_id(order)

        def effect() -> CourierOrder:
            parcel.cancelled = True
            return parcel.ref

        return await self._world.called("cancel_order", order.reference, effect, _unanswered)

    @act(repeatable=True, lane="courier", timeout=TIMEOUT)
    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        parcel = self._by_id(order)

        def look() -> Finding[CourierOrder]:
            return Found(parcel.ref) if parcel.cancelled else Absent()

        return await self._world.called("find_cancelled", order.reference, None, look)

    async def track(self, awbs: list[str]) -> list[ParcelTold]:
        return []

    def _of(self, reference: str) -> Parcel | None:
        return next((each for each in self._world.parcels if each.order.reference == reference), None)

    def _by_id(self, order: CourierOrder) -> Parcel:
        found = next((each for each in self._world.parcels if f"s{each.id}" == order.shipment_id), None)
        if found is None:
            raise Refused("there is no such shipment")
        return found


class Messenger:
    """A Messaging without keys or lists. If the world tells statuses, each message that went out is told of later."""

    name = "messenger"

    def __init__(self, world: Bazaar, heard: Heard) -> None:
        self._world = world
        self._heard = heard

    @act(lane="whatsapp", timeout=TIMEOUT, settles=None)
    async def send_message(self, message: OutMessage) -> Sent:
        world = self._world

        def effect() -> Sent:
            if message.to in world.unreachable:
                return Sent("messenger", "", "undeliverable", "not on WhatsApp")
            world.messages.append(message)
            ident = f"wamid.{len(world.messages)}"
            if world.statuses:
                asyncio.get_running_loop().call_later(
                    3, world.heard.__setitem__, message.ref, Sent("messenger", ident, "delivered")
                )
            return Sent("messenger", ident)

        return await world.called("send_message", message.ref, effect, _unanswered)

    @act(repeatable=True, lane="whatsapp", timeout=TIMEOUT)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        told = await self._heard(message.ref) or self._world.heard.get(message.ref)
        return Found(told) if told is not None else Unsure("no status has come")
