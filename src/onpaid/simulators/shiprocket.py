"""Shiprocket's account: what can be done to an order and its one shipment, and what came of it.

An order's id that is known already makes nothing new: its record comes back, dead or alive. From the AWB on a
shipment costs money. What is refused is raised, with the status that goes with it, which may even be a 200.
"""

from datetime import date, timedelta
from typing import Final

from onpaid.simulators import shiprocket_shapes as shape
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.sender import Sender
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_checks import Refused, check_order, invalid, listed, refused
from onpaid.simulators.shiprocket_lists import wrong_pickup_location
from onpaid.simulators.shiprocket_records import Records
from onpaid.simulators.shiprocket_sessions import Sessions
from onpaid.simulators.shiprocket_shipment import (
    ASSIGNED,
    CANCELED,
    CANCELLABLE,
    COURIERS,
    PICKUP,
    Courier,
    Shipment,
    india,
    status_named,
)
from onpaid.simulators.shiprocket_tracking import Tracking

NOT_SERVED: Final = "99"
MOST_AWBS: Final = 2000
DAY: Final = 86_400.0
SUNDAY: Final = 6
PICKUP_HOUR: Final = 14


class Shiprocket:
    """The state of one account. `wallet_empty` refuses AWBs; `down` cuts off every call."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, settings: Settings) -> None:
        self._plan, self._clock, self.settings = plan, clock, settings
        self.records = Records(plan, clock, settings)
        self.sessions = Sessions(plan, clock, settings)
        self.tracking = Tracking(plan, clock, sender, settings)
        self.forget()

    def aim(self, url: str, token: str) -> None:
        self.tracking.aim(url, token)

    def forget(self) -> None:
        self.wallet_empty = self.down = False
        self.records.forget()
        self.sessions.forget()
        self.tracking.forget()

    async def close(self) -> None:
        """Stop every parcel that moves alone."""
        await self.tracking.moving.close()

    # Orders

    def create(self, body: Json) -> Json:
        """Make the order and its shipment, or show the ones that are there under its id."""
        check_order(body)
        channel = body.get("channel_id")
        if channel not in (None, "") and int(channel) not in self.settings.shiprocket_channels:
            raise refused(400, "Given channel id does not exist")
        if body["pickup_location"] not in self.settings.shiprocket_pickup_locations:
            raise Refused(200, wrong_pickup_location(self.settings))
        number = str(body["order_id"])
        shipment = self.records.by_number.get(number)
        if shipment is None:
            shipment = self.records.make(number, body)
            if self._plan.canceled_before(number):
                shipment.status, shipment.cancelled_before = CANCELED, True
                shipment.made -= DAY
        return shape.created(shipment)

    # AWB and pickup

    def assign(self, body: Json) -> Json:
        """Assign an AWB: from here on it costs money."""
        shipment = self.records.shipment(body.get("shipment_id"))
        again = body.get("status") == "reassign"
        if not shipment.live:
            raise Refused(
                200, shape.not_assigned("Delivery pincode is empty, Customer phone is empty", inside=True)
            )
        if shipment.awb and not (again and self._may_change(shipment)):
            if again or self.records.dice("assign", shipment.number).chance("told by a 400", 0.3):
                raise refused(400, "Oops! Cannot reassign courier for this shipment.")
            raise Refused(200, shape.not_assigned("AWB is already assigned", inside=True))
        courier = self._courier(body.get("courier_id"), shipment)
        if courier is None or shipment.consignee("pincode").startswith(NOT_SERVED):
            raise Refused(200, shape.not_assigned("Courier not serviceable", inside=True))
        if self.wallet_empty:
            raise Refused(200, shape.not_assigned("Insufficient wallet balance", inside=False))
        if shipment.awb:
            shipment.reassigned = self._clock.now()
        self.records.give_awb(shipment)
        shipment.courier, shipment.status = courier, ASSIGNED
        shipment.pickup = shipment.pickup_token = ""
        if courier.books_pickup:
            self._book(shipment, self._next_round())
        return shape.assigned(shipment, courier)

    def _may_change(self, shipment: Shipment) -> bool:
        """The courier may be changed once a day, until somebody is on the way to fetch the parcel."""
        last = shipment.reassigned
        return shipment.status.label in CANCELLABLE and (last is None or self._clock.now() - last >= DAY)

    def _courier(self, wanted: object, shipment: Shipment) -> Courier | None:
        if wanted in (None, ""):
            return self.records.dice("order", shipment.number).pick("courier", COURIERS)
        return next((courier for courier in COURIERS if str(courier.ident) == str(wanted)), None)

    def request_pickup(self, body: Json) -> Json:
        """Have the parcel fetched."""
        ids = body.get("shipment_id")
        if not isinstance(ids, list) or len(ids) != 1:
            raise invalid({"shipment_id": ["The shipment id must be an array with one shipment id."]})
        shipment = self.records.shipment(ids[0])
        day = self._wanted_day(body.get("pickup_date"))
        if not shipment.live:
            raise refused(400, "Order is already canceled.")
        if not shipment.awb:
            raise refused(400, "AWB is not assigned yet.")
        shipment.pickup_asked += 1
        if shipment.pickup:
            raise refused(400, "Already in Pickup Queue.")
        self._book(shipment, day)
        return shape.picked_up(shipment, self._clock.now())

    def _wanted_day(self, given: object) -> date:
        if given is None:
            return self._next_round()
        try:
            day = date.fromisoformat(str(given[0])) if isinstance(given, list) else None
        except (ValueError, IndexError):
            day = None
        if day is None or day < self._today():
            raise invalid(
                {"pickup_date": ["The pickup date must be an array with a date that is not in the past."]}
            )
        return day

    def _today(self) -> date:
        return india(self._clock.now()).date()

    def _next_round(self) -> date:
        """The day on which the courier comes by next."""
        now = india(self._clock.now())
        return now.date() + timedelta(days=int(now.hour >= PICKUP_HOUR))

    def _book(self, shipment: Shipment, day: date) -> None:
        day += timedelta(days=int(day.weekday() == SUNDAY))
        shipment.pickup = f"{day} {PICKUP_HOUR}:00:00"
        token = self.records.dice("pickup", shipment.awb).digest("token")[:12].upper()
        shipment.pickup_token = f"Reference No: 194_{token}"
        shipment.status = PICKUP
        if self.settings.parcels_move:
            self.tracking.follow(shipment)

    # Cancelling

    def cancel(self, body: Json) -> Json | None:
        """Cancel whole orders, at once. Mostly there is nothing to say to it."""
        orders = [
            self.records.by_order.get(int(each) if each.isdecimal() else -1)
            for each in listed(body, "ids", 2000)
        ]
        known = [each for each in orders if each is not None]
        if len(known) < len(orders):
            raise refused(500, "Trying to get property of non-object")
        if any(not each.live for each in known):
            raise refused(400, "Order is already canceled.")
        if any(each.status.label not in CANCELLABLE for each in known):
            raise refused(400, "Cannot cancel an order that is shipped already.")
        for each in known:
            self._cancel(each)
        wordy = self.records.dice("cancel", known[0].number).chance("wordy", 0.3)
        return {"status_code": 200, "message": "Order cancelled successfully."} if wordy else None

    def cancel_awbs(self, body: Json) -> Json:
        """Cancel shipments by AWB, a moment later."""
        found = [self.records.by_awb.get(awb) for awb in listed(body, "awbs", MOST_AWBS)]
        self.tracking.moving.start(self._cancel_later([each for each in found if each is not None]))
        return {"message": "Bulk Shipment cancellation is in progress. Please wait for some time."}

    async def _cancel_later(self, shipments: list[Shipment]) -> None:
        await self._clock.sleep(self.settings.times.scan_after)
        for each in shipments:
            if each.status.label in CANCELLABLE:
                self._cancel(each)

    def _cancel(self, shipment: Shipment) -> None:
        if shipment.awb:
            self.tracking.move(shipment, CANCELED)
        shipment.status = CANCELED

    # Steering, and what happened

    def advance(self, awb: str, status: str) -> Shipment:
        """Scan a parcel and send the webhook; KeyError if the AWB is unknown, ValueError if it cannot be."""
        shipment = self.records.by_awb[awb]
        if not shipment.live:
            raise ValueError(f"the shipment of {awb} is cancelled")
        named = status_named(status)
        if named is CANCELED:
            self._cancel(shipment)
        else:
            self.tracking.move(shipment, named)
        return shipment

    def follow(self, awb: str) -> None:
        """Let a parcel move alone from now on; KeyError if there is no such AWB."""
        self.tracking.follow(self.records.by_awb[awb])

    def rows(self) -> Json:
        """What happened, for the ledger."""
        return {
            "shipments": [
                {
                    "channel_order_id": each.number,
                    "order_id": each.order_id,
                    "shipment_id": each.shipment_id,
                    "awb": each.awb,
                    "awbs": list(each.awbs),
                    "courier": each.courier_name,
                    "pickup": each.pickup,
                    "pickup_asked": each.pickup_asked,
                    "status": each.status.label,
                    "live": each.live,
                    "cancelled_before": each.cancelled_before,
                    "value": each.paise(),
                    "payment_method": each.asked["payment_method"],
                    "items": {item["sku"]: int(item["units"]) for item in each.asked["order_items"]},
                    "webhooks": each.told,
                }
                for each in self.records.shipments.values()
            ],
            "logins": self.sessions.logins,
            "failed_logins": self.sessions.failures,
        }
