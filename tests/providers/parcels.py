"""A parcel, a clock moved by hand, and Shiprocket set up against a simulator or a scripted server."""

import base64
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from onpaid.clock import Instant
from onpaid.domain.fulfilment import Recipient
from onpaid.domain.money import Money
from onpaid.domain.shipments import CourierOrder, ParcelLine, ParcelOrder
from onpaid.providers.shiprocket import Settings, Shiprocket
from onpaid.simulators import Served
from tests.providers.conftest import QUICK
from tests.providers.samples import NOW
from tests.providers.scripted import Reply, Scripted, reply

EMAIL = "api@simulated.example"
PASSWORD = "shiprocket_simulated"
AT_ONCE = replace(QUICK, search_lag=0, scan_after=0)
RECIPIENT = Recipient(
    "Asha Rao",
    "+919876543210",
    "asha@example.org",
    "House 1, Lane 2",
    "Near the lake",
    "New Delhi",
    "Delhi",
    "110002",
)
PARCEL = ParcelOrder(
    reference="2045861230417",
    ordered_at=NOW,
    recipient=RECIPIENT,
    lines=(
        ParcelLine("RKT-1", "Racket", 1, Money(149_950, "INR"), "9506", Decimal(18)),
        ParcelLine("BALL-3", "Balls, three", 2, Money(10_005, "INR")),
    ),
    total=Money(169_960, "INR"),
    length=Decimal(30),
    breadth=Decimal(20),
    height=Decimal("5.5"),
    weight=Decimal("0.45"),
)
BOOKED = CourierOrder(PARCEL.reference, "16161616", "15151515")


class HandClock:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> Instant:
        return NOW + round(self.passed * 1000)

    def monotonic(self) -> float:
        return 5_000 + self.passed

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


def settings(base: str, **changes: Any) -> Settings:
    given = {"email": EMAIL, "password": PASSWORD, "pickup_location": "Primary", "api_base": base}
    return Settings(**{**given, **changes})


def at(where: Served | Scripted, clock: HandClock | None = None, **changes: Any) -> Shiprocket:
    base = where.base if isinstance(where, Scripted) else where.shiprocket_base
    return Shiprocket(settings(base, **changes), clock or HandClock())


def jwt(**claims: Any) -> str:
    """A token that says so much of itself."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{part}.c2lnbmVk"


TOKEN = jwt(iat=NOW // 1000, exp=NOW // 1000 + 864_000)


def logged_in(token: str = TOKEN) -> Reply:
    return reply(200, {"id": 1, "email": EMAIL, "company_id": 2, "token": token})
