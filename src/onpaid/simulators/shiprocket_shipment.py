"""One shipment at Shiprocket, the couriers that carry it, and the two number systems of its status.

One status is one number for the order and another for the shipment: IN TRANSIT is 20 and 18. All times are
India time and say so nowhere.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from onpaid.simulators.kit import Json

INDIA: Final = timezone(timedelta(hours=5, minutes=30))


def india(moment: float) -> datetime:
    """That moment on a clock in India."""
    return datetime.fromtimestamp(moment, INDIA)


def stamp(moment: float) -> str:
    """How most of Shiprocket writes a time; the zone is left to be known."""
    return india(moment).strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True, slots=True)
class Status:
    """`label` is the shipment's word; `order_label` the order's, where that is another."""

    label: str
    order: int
    shipment: int
    order_label: str = ""

    @property
    def of_order(self) -> str:
        return self.order_label or self.label

    @property
    def code(self) -> str:
        """What the courier calls it in a scan."""
        return "-".join(word[:4] for word in self.label.split())


NEW: Final = Status("PENDING", 1, 11, "NEW")
ASSIGNED: Final = Status("AWB ASSIGNED", 3, 1, "READY TO SHIP")
PICKUP: Final = Status("PICKUP GENERATED", 4, 3, "PICKUP SCHEDULED")
CANCELED: Final = Status("CANCELED", 5, 8)
STATUSES: Final[dict[str, Status]] = {
    status.label: status
    for status in (
        NEW,
        ASSIGNED,
        PICKUP,
        CANCELED,
        Status("PICKUP RESCHEDULED", 13, 15),
        Status("PICKUP ERROR", 14, 13),
        Status("PICKUP EXCEPTION", 35, 20),
        Status("OUT FOR PICKUP", 34, 19),
        Status("PICKED UP", 51, 42),
        Status("SHIPPED", 6, 6),
        Status("IN TRANSIT", 20, 18),
        Status("REACHED AT DESTINATION HUB", 43, 38),
        Status("MISROUTED", 44, 39),
        Status("DELAYED", 37, 22),
        Status("OUT FOR DELIVERY", 19, 17),
        Status("UNDELIVERED", 36, 21),
        Status("PARTIAL DELIVERED", 38, 23),
        Status("DELIVERED", 7, 7),
        Status("RTO INITIATED", 15, 9),
        Status("RTO IN TRANSIT", 55, 46),
        Status("RTO NDR", 46, 40),
        Status("RTO OFD", 45, 41),
        Status("RTO DELIVERED", 16, 10),
        Status("RTO ACKNOWLEDGED", 17, 14),
        Status("LOST", 33, 12),
        Status("DAMAGED", 40, 25),
        Status("DESTROYED", 39, 24),
        Status("DISPOSED OFF", 53, 44),
        Status("UNTRACEABLE", 88, 76),
        Status("HELD IN ORBIT", 990, 991),  # in nobody's list: numbers are added without notice
    )
}
CANCELLABLE: Final = frozenset(
    {"PENDING", "AWB ASSIGNED", "PICKUP GENERATED", "PICKUP RESCHEDULED", "PICKUP ERROR"}
)


def status_named(name: str) -> Status:
    """The status of that shipment label, however it is written; ValueError if there is none."""
    label = " ".join(name.replace("_", " ").upper().split())
    if label not in STATUSES:
        raise ValueError(f"unknown status: {name}. Known: {', '.join(STATUSES)}")
    return STATUSES[label]


@dataclass(frozen=True, slots=True)
class Courier:
    """A courier company. Some book the pickup themselves as soon as the AWB is assigned."""

    ident: int
    name: str
    days: int
    rate: str
    surface: bool = True
    books_pickup: bool = False


COURIERS: Final = (
    Courier(43, "Delhivery Surface", 4, "74.50"),
    Courier(24, "Xpressbees Surface", 5, "68.00"),
    Courier(142, "Amazon Surface", 4, "71.25", books_pickup=True),
    Courier(10, "Delhivery Air", 2, "112.75", surface=False),
)


@dataclass(slots=True)
class Shipment:
    """An order at Shiprocket and its one shipment. `number` is the id that the shop gave the order."""

    number: str
    order_id: int
    shipment_id: int
    asked: Json
    made: float
    status: Status = NEW
    cancelled_before: bool = False
    courier: Courier | None = None
    awb: str = ""
    assigned: float = 0.0
    reassigned: float | None = None
    awbs: list[str] = field(default_factory=list)
    pickup: str = ""
    pickup_token: str = ""
    pickup_asked: int = 0
    scans: list[Json] = field(default_factory=list)
    told: int = 0

    @property
    def live(self) -> bool:
        return self.status is not CANCELED

    @property
    def courier_name(self) -> str:
        return "" if self.courier is None else self.courier.name

    def paise(self) -> int:
        """The value of the goods in hundredths of a rupee."""
        return int(Decimal(str(self.asked["sub_total"])) * 100)

    def consignee(self, what: str) -> str:
        """A part of the address that the parcel goes to."""
        whose = "billing" if self.asked["shipping_is_billing"] in (True, 1) else "shipping"
        return str(self.asked.get(f"{whose}_{what}") or "")
