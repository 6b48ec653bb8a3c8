"""Shiprocket's orders of a period, a hundred a page, newest first.

A record that is made meanwhile shifts the others to a later place, so that one may come twice and none is passed over.
The list trails behind: whatever is not in it yet can be asked for by its id.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from onpaid.acts import act
from onpaid.domain.shipments import CourierOrder
from onpaid.errors import Doubtful
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.shiprocket_login import SignedIn

PAGE: Final = 100
TIMEOUT: Final = timedelta(seconds=30)


class ShiprocketLists:
    """The part of Shiprocket that lists for a proof."""

    _api: SignedIn

    @act(repeatable=True, lane="shiprocket", timeout=TIMEOUT)
    async def orders_created(self, since: date, until: date, page: int) -> tuple[list[CourierOrder], bool]:
        """A page (from 1) of the records made on these days, India time; and whether more follow. An order that has
        several shipments is several records; one without any is none."""
        days = {"from": since.isoformat(), "to": until.isoformat()}
        answer = await self._api.get("orders", params={**days, "per_page": PAGE, "page": page})
        told = answer.read(dict[str, Any])
        listed = told.get("data")
        orders = wire.objects(listed)
        if not isinstance(listed, list) or len(orders) != len(listed):
            raise Doubtful(f"{answer.asked}, with a list of orders that is none", answered=True)
        found = []
        for one in orders:
            reference = wire.text(one.get("channel_order_id"))
            for shipment in wire.objects(one.get("shipments")):
                made = wire.record(one.get("id"), shipment.get("id"), one, shipment, reference)
                if made is None:
                    raise Doubtful(f"{answer.asked}, with an order whose ids are none", answered=True)
                found.append(made)
        pages = wire.number(wire.mapping(wire.mapping(told.get("meta")).get("pagination")).get("total_pages"))
        return found, len(orders) == PAGE if pages is None else page < pages
