"""No courier service: what would be booked is noted in our log, and nothing is called.

What it is: a Shipping for trying things out before going live. Its records say of themselves that they are
a dry run.
How a thing is found again: it need not be: noting it again harms nobody.
Its limits: an operation and our reference are logged, never to whom a parcel goes. What was really booked
before the dry run was switched on is not touched: that is refused, and not played.
How it signs: it sends nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
import structlog

from onpaid.acts import Absent, Finding, Found, LaneLimit, act
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ParcelTold, Pickup
from onpaid.errors import Refused

log = structlog.get_logger("onpaid.shipping")

AT_ONCE: Final = timedelta(0)


@dataclass(frozen=True)
class Settings:
    """What a booking would name, as it is logged."""

    pickup_location: str = ""
    channel_id: int | None = None


class DryRunShipping:
    """A Shipping."""

    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    @act(settles=AT_ONCE)
    async def create_order(self, parcel: ParcelOrder) -> CourierOrder:
        """Note it. Noted again after a crash, it is a second line in the log and no second parcel."""
        units = sum(line.units for line in parcel.lines)
        self._note(
            "create order", parcel.reference, units=units, total=str(parcel.total), weight=str(parcel.weight)
        )
        ident = f"dry-run-{parcel.reference}"
        return CourierOrder(parcel.reference, ident, ident, dry_run=True)

    @act(repeatable=True)
    async def find_order(self, parcel: ParcelOrder) -> Finding[CourierOrder]:
        """Nothing is ever there."""
        return Absent()

    @act(settles=AT_ONCE)
    async def assign_awb(self, order: CourierOrder) -> Awb:
        """Note it. There is no AWB."""
        self._note("assign awb", _own(order))
        return Awb("", "")

    @act(repeatable=True)
    async def find_awb(self, order: CourierOrder) -> Finding[Awb]:
        """Nothing is ever there."""
        return Absent()

    @act(settles=AT_ONCE)
    async def request_pickup(self, order: CourierOrder) -> Pickup:
        """Note it. Nobody comes."""
        self._note("request pickup", _own(order))
        return Pickup()

    @act(repeatable=True)
    async def find_pickup(self, order: CourierOrder) -> Finding[Pickup]:
        """Nothing is ever there."""
        return Absent()

    @act(settles=AT_ONCE)
    async def cancel_order(self, order: CourierOrder) -> CourierOrder:
        """Note it: a dry run's parcel is as good as cancelled."""
        self._note("cancel order", _own(order))
        return msgspec.structs.replace(order, cancelled=True)

    @act(repeatable=True)
    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        """A dry run's parcel is as good as cancelled; one that was booked is not."""
        return Found(msgspec.structs.replace(order, cancelled=True)) if order.dry_run else Absent()

    @act(repeatable=True)
    async def track(self, awbs: Sequence[str]) -> list[ParcelTold]:
        """Nobody is asked, so nothing is known."""
        return []

    async def doctor(self) -> list[str]:
        """What an operator should know."""
        return ["Shiprocket: SHIPROCKET_DRY_RUN is on, so parcels are only logged (a warning)."]

    def warm(self) -> None:
        """Nothing to import."""

    async def close(self) -> None:
        """Nothing is kept open."""

    def _note(self, operation: str, reference: str, **more: str | int) -> None:
        where = self.settings
        log.info(
            "dry run: not booked",
            operation=operation,
            reference=reference,
            pickup_location=where.pickup_location,
            channel_id=where.channel_id,
            **more,
        )


def _own(order: CourierOrder) -> str:
    """The reference of a dry run's record."""
    if not order.dry_run:
        raise Refused(
            f"the parcel {order.reference} was really booked, and SHIPROCKET_DRY_RUN is on since: nothing "
            "was done. To do: switch it off; then retry the run"
        )
    return order.reference
