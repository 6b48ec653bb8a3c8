"""Bugs planted in the story of delivery; each must be caught by the suite. How: see `bugs`."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import Any

from onpaid.app.checkout import CheckoutDesk
from onpaid.clock import Instant
from onpaid.domain.links import Links
from tests.domain.link_guesses import guess
from tests.simulation import bugs_outside as outside
from tests.simulation import bugs_parcels as parcels
from tests.simulation.bazaar_day import Manners
from tests.simulation.bazaar_world import PARCELS
from tests.simulation.bugs import ROUGH, Bug
from tests.simulation.deliveries import deliveries
from tests.simulation.lives import Parts
from tests.simulation.verdict import Result

CROWDED = Manners(
    trouble=0.5,
    spacing=1.0,
    returning=0.7,
    misfits=0.1,
    given_back=0.1,
    twice=0.0,
    dead=0.2,
    eager=0.3,
    scarce=0.7,
)
"""The second payment of an order is left out: nothing here depends on it."""


@dataclass(frozen=True)
class ParcelBug(Bug):
    """A bug that shows on a delivering service's days."""

    manners: Manners = CROWDED
    desk: type[CheckoutDesk] = CheckoutDesk
    orders: int = 6

    def day(self, seed: int, parts: Parts | None) -> Result:
        """A day in this bug's weather."""
        desk = self.desk if parts is self.parts else CheckoutDesk
        return deliveries(
            seed, self.orders, parts=parts, weather=self.weather, manners=self.manners, desk=desk
        )


class Purposeless(Links):
    """One link opens everything."""

    def read(self, purpose: str, text: str, now: Instant) -> str | None:
        return next(
            (each for name in _PURPOSES if (each := super(Purposeless, self).read(name, text, now))), None
        )


_PURPOSES = ("track", "unsubscribe", "console", "refund")


def _client(name: str, **methods: Any) -> Parts:
    return Parts(guests=lambda given: {**given, name: outside.variant(given[name], **methods)})


def _records(name: str, kind: type[Any]) -> Parts:
    return Parts(guests=lambda given: {**given, name: parcels.spoilt_records(given, name, kind)})


def _links_show() -> str:
    found = guess(2_000, 1, links=Purposeless)
    return "; ".join(found["examples"][:2])


_flows = tuple(parcels.by_event if flow.name == "ship_paid_order" else flow for flow in PARCELS.flows)

DELIVERY_BUGS: tuple[Bug, ...] = (
    ParcelBug("a checkout is made without a look", _client("checkouts", find_checkout=outside.never_there)),
    ParcelBug("a click's key is ignored", Parts(), desk=parcels.Unkeyed),
    ParcelBug("the paid amount is not compared", _records("fulfilments", parcels.Unpriced)),
    ParcelBug("money that went back is not seen", _client("checkouts", fetch_captured=parcels.as_told)),
    ParcelBug(
        "money is named by the payment, not by its order",
        Parts(sources=lambda given: {**given, "razorpay": parcels.ByPayment(given["razorpay"])}),
    ),
    ParcelBug("each event about a payment has its own run", Parts(flows=_flows)),
    ParcelBug(
        "stock is taken without a condition",
        _records("catalogue", parcels.Uncounted),
        manners=replace(CROWDED, spacing=0.2, scarce=2.0),
    ),
    ParcelBug(
        "what is not there is sold",
        _records("catalogue", parcels.Greedy),
        manners=replace(CROWDED, scarce=0.3),
    ),
    ParcelBug(
        "money goes back under a fresh key",
        _client("checkouts", refund=parcels.fresh_key),
        manners=replace(CROWDED, scarce=0.3),
    ),
    ParcelBug(
        "a dead record is taken for a parcel",
        _client("shipping", create_order=parcels.never_dead, find_order=parcels.never_dead),
    ),
    ParcelBug("any answer is an AWB", _client("shipping", assign_awb=parcels.status_is_success)),
    ParcelBug("a pickup that is booked is an error", _client("shipping", request_pickup=parcels.once_only)),
    ParcelBug("a parcel's last word counts", _records("shipments", parcels.Backward)),
    ParcelBug("RTO DELIVERED counts as delivered", _records("shipments", parcels.Hopeful)),
    ParcelBug(
        "a message whose answer is lost is sent again",
        _client("messaging", send_message=outside.settled, find_message=outside.absent),
    ),
    ParcelBug("a message in doubt counts as sent", _client("messaging", send_message=parcels.believes)),
    ParcelBug("a message's last word counts", _records("messages", parcels.Forgetting)),
    ParcelBug(
        "a failed try makes a paid order unpaid",
        _records("checkout_records", parcels.Gloomy),
        manners=replace(CROWDED, fails_first=0.8),
    ),
    ParcelBug("an issue is opened without a look", _client("tracker", find_issue=outside.never_there)),
    ParcelBug(
        "a comment's marker is dropped",
        Parts(guests=lambda given: {**given, "tracker": parcels.Unmarked(given["tracker"])}),
        weather=replace(ROUGH, calls=0.6),
        orders=20,
    ),
    Bug("a customer's link opens whatever its purpose", check=_links_show),
)

if __name__ == "__main__":
    for bug in DELIVERY_BUGS[int(sys.argv[1]) if len(sys.argv) > 1 else 0 :]:
        print(f"{bug.name:<48}{bug.shows() or 'MISSED'}"[:200], flush=True)
