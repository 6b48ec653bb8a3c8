"""Shiprocket, which books couriers in India. https://apidocs.shiprocket.in

What it is: it keeps orders with one shipment each, gives a shipment its AWB, and has parcels fetched and
followed.
How a thing is found again: an order by our number (`channel_order_id`), through a search that trails
behind; the AWB, the pickup and the cancellation on the record itself, at once. An order made again under a
number that is known makes nothing new: the record comes back, dead or alive, and a dead one's number is
used up.
Its limits: no sandbox, no idempotency key, 429 without figures. Money is committed by the AWB. It says no
with a 200, so that success is what a body holds. Many calls dislike letters in an order's number.
How it signs: see shiprocket_webhook; we log in with an API user's e-mail and password for a token of ten
days.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import msgspec

from onpaid.acts import Finding, Found, LaneLimit, act
from onpaid.clock import Clock
from onpaid.domain.shipments import Awb, CourierOrder, ParcelOrder, ParcelTold, Pickup
from onpaid.domain.tracking import ORDER_CANCELLING
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError
from onpaid.providers import http
from onpaid.providers import shiprocket_refusals as refusals
from onpaid.providers import shiprocket_shown as shown
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.answers import Answer
from onpaid.providers.shiprocket_lists import ShiprocketLists
from onpaid.providers.shiprocket_login import Login, SignedIn

LANE: Final = "shiprocket"
TIMEOUT: Final = timedelta(seconds=30)
SETTLES: Final = timedelta(seconds=60)
"""How long the search may not show a new order. No figure is told; adopting known numbers makes up for it."""
PAGE: Final = 100
MOST_TRACKED: Final = 50
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+", re.ASCII)
_LOGGED_ONLY: Final = "Shiprocket: this parcel was only logged, in a dry run, so nothing was sent"


@dataclass(frozen=True)
class Settings:
    """`pickup_location` is a pickup address's nickname there, `channel_id` None for the default channel.
    The webhook needs its `webhook_tokens` only, of which several may be valid."""

    email: str = ""
    password: str = field(default="", repr=False)
    pickup_location: str = ""
    channel_id: int | None = None
    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_base: str = "https://apiv2.shiprocket.in"

    def __post_init__(self) -> None:
        if self.email and not _EMAIL.fullmatch(self.email):
            raise SettingsError("shiprocket: the API user's e-mail (SHIPROCKET_EMAIL) looks like api@shop.in")
        if self.channel_id is not None and self.channel_id < 1:
            raise SettingsError(
                "shiprocket: the channel (SHIPROCKET_CHANNEL_ID) is a whole number, or left out"
            )


class Shiprocket(ShiprocketLists):
    """A Shipping."""

    lanes = (LaneLimit(LANE, at_once=4, per_second=8),)

    def __init__(self, settings: Settings, clock: Clock) -> None:
        if not settings.email or not settings.password:
            raise SettingsError(
                "shiprocket: SHIPROCKET_EMAIL and SHIPROCKET_PASSWORD are missing; make an API user in "
                "Shiprocket, under Settings, API. It is another one than you log in with"
            )
        if not settings.pickup_location.strip():
            raise SettingsError(
                "shiprocket: the pickup location (SHIPROCKET_PICKUP_LOCATION) is missing: a nickname"
            )
        self.settings = settings
        self._http = http.Http(
            "Shiprocket", settings.api_base, explain=refusals.explain, timeout=TIMEOUT.total_seconds()
        )
        self._api = SignedIn(self._http, Login(self._http, settings.email, settings.password, clock))

    @act(
        lane=LANE,
        timeout=TIMEOUT,
        settles=SETTLES,
        look_first=True,
        claim=lambda made: f"shiprocket:{'dead-' if made.cancelled else ''}shipment:{made.shipment_id}",
    )
    async def create_order(self, parcel: ParcelOrder) -> CourierOrder:
        """File the order with its shipment; costs nothing yet. A known number's comes back, dead or alive."""
        settings = self.settings
        body = wire.order_body(parcel, settings.pickup_location, settings.channel_id, settings.email)
        answer = await self._api.post(
            "orders", "create", "adhoc", json=body, private=wire.private_words(parcel)
        )
        told = answer.read(dict[str, Any])
        if not told.get("shipment_id"):
            raise refusals.refusal(answer)
        made = wire.record(told.get("order_id"), told.get("shipment_id"), told, told, parcel.reference)
        if made is None:
            raise Doubtful(f"{answer.asked}, with ids that are none", answered=True)
        if wire.number(told.get("status_code")) in ORDER_CANCELLING:
            raise Doubtful(f"{answer.asked}, with a record that is being cancelled", answered=True)
        return made

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_order(self, parcel: ParcelOrder) -> Finding[CourierOrder]:
        """The record under exactly this reference: the one that lives, else a dead one."""
        answer = await self._api.get("orders", params={"search": parcel.reference, "per_page": PAGE})
        return shown.order_of(answer, parcel.reference)

    @act(lane=LANE, timeout=TIMEOUT)
    async def assign_awb(self, order: CourierOrder) -> Awb:
        """Give the shipment its AWB, by a courier of the account's choice. From here on it costs money."""
        shipment_id = _shipment(order)
        answer = await self._api.post("courier", "assign", "awb", json={"shipment_id": shipment_id})
        told = answer.read(dict[str, Any])
        data = wire.mapping(wire.mapping(told.get("response")).get("data"))
        awb = wire.awb_of(data.get("awb_code"))
        if wire.number(told.get("awb_assign_status")) != 1:
            raise refusals.refusal(answer)
        if not awb or wire.number(data.get("shipment_id")) not in (None, shipment_id):
            raise Doubtful(f"{answer.asked}, and named no AWB of this shipment", answered=True)
        return Awb(awb, wire.text(data.get("courier_name")), wire.text(data.get("pickup_scheduled_date")))

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_awb(self, order: CourierOrder) -> Finding[Awb]:
        """The AWB on the shipment's own record, which shows it at once."""
        return shown.awb_of(await self._shown(order), _shipment(order))

    @act(lane=LANE, timeout=TIMEOUT)
    async def request_pickup(self, order: CourierOrder) -> Pickup:
        """Have the parcel fetched. Some couriers book that with the AWB: then it is in the queue already."""
        body = {"shipment_id": [_shipment(order)]}
        answer = await self._api.post("courier", "generate", "pickup", json=body, accept=(400, 422))
        if refusals.in_pickup(answer):
            return Pickup(already=True)
        told = self._http.settled(answer).read(dict[str, Any])
        if wire.number(told.get("pickup_status")) != 1:
            raise refusals.refusal(answer)
        response = wire.mapping(told.get("response"))
        return Pickup(
            wire.text(response.get("pickup_scheduled_date")), wire.text(response.get("pickup_token_number"))
        )

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_pickup(self, order: CourierOrder) -> Finding[Pickup]:
        """Whether the shipment's own record shows a pickup, or that it took place."""
        return shown.pickup_of(await self._shown(order), _shipment(order))

    @act(lane=LANE, timeout=TIMEOUT)
    async def cancel_order(self, order: CourierOrder) -> CourierOrder:
        """Cancel the order with its shipment: allowed until the courier is on the way to fetch the parcel."""
        gone = msgspec.structs.replace(order, cancelled=True)
        if order.dry_run:
            return gone
        body = {"ids": [wire.sent_id(order.order_id, "order id")]}
        answer = await self._api.post("orders", "cancel", json=body, accept=(400, 422))
        if answer.status == 204 or refusals.cancelled(answer):
            return gone
        self._http.settled(answer)
        raise Doubtful(
            f"{answer.asked}, and did not say that it is cancelled: {answer.text()}", answered=True
        )

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        """Whether the order's own record is cancelled."""
        if order.dry_run:
            return Found(msgspec.structs.replace(order, cancelled=True))
        answer = await self._api.get("orders", "show", order.order_id, accept=(404,))
        return shown.cancellation_of(answer, order)

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def track(self, awbs: Sequence[str]) -> list[ParcelTold]:
        """Where parcels are, as far as Shiprocket knows."""
        wanted = [awb for awb in dict.fromkeys(awbs) if wire.awb_of(awb) == awb]
        found: list[ParcelTold] = []
        for first in range(0, len(wanted), MOST_TRACKED):
            some = wanted[first : first + MOST_TRACKED]
            answer = await self._api.read("courier", "track", "awbs", json={"awbs": some})
            found += shown.parcels_of(answer, some)
        return found

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        settings = self.settings
        try:
            places = await self._api.get("settings", "company", "pickup")
            found = shown.pickup_location_complaints(places, settings.pickup_location)
            if settings.channel_id is not None:
                channels = await self._api.get("channels")
                found += shown.channel_complaints(channels, settings.channel_id)
        except ProviderError as bad:
            return [str(bad)]
        return found

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def _shown(self, order: CourierOrder) -> Answer:
        return await self._api.get("shipments", str(_shipment(order)), accept=(404,))


def _shipment(order: CourierOrder) -> int:
    if order.dry_run:
        raise Refused(_LOGGED_ONLY)
    return wire.sent_id(order.shipment_id, "shipment id")
