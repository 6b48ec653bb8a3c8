"""Where parcels are: scans, the webhook sent at each, answers to whoever asks, and parcels that move alone.

The webhook knows no signature, only a shared token, and carries all scans each time, oldest first; who asks
gets them newest first. Now and then it tells of a parcel that is not the shop's: one hook serves the account.
"""

import json
from collections.abc import Iterator
from typing import Final

from onpaid.simulators.kit import Background, Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan, Mischief
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_shipment import CANCELED, STATUSES, Shipment, Status, india, stamp
from onpaid.simulators.signing import WRONG_SECRET

COMES_BACK: Final = 0.05
FOREIGN: Final = 0.08
UNMAPPED_SCAN: Final = 0.3
SUFFIXED: Final = 0.2
DELIVERY: Final = ("PICKED UP", "IN TRANSIT", "OUT FOR DELIVERY", "DELIVERED")
RETURN: Final = ("PICKED UP", "IN TRANSIT", "UNDELIVERED", "RTO INITIATED", "RTO IN TRANSIT", "RTO DELIVERED")
NOTHING_YET: Final[Json] = {
    "track_status": 0,
    "error": "Aahh! There is no activities found in our DB.",
}


class Tracking:
    """Moves shipments on and tells of it."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, settings: Settings) -> None:
        self._plan, self._clock, self._sender = plan, clock, sender
        self._times = settings.times
        self._url, self._token = "", ""
        self.moving = Background()
        self.forget()

    def aim(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def forget(self) -> None:
        """Parcels that are under way stop where they are."""
        self._followed: dict[str, Shipment] = {}

    def _dice(self, *names: str) -> Dice:
        return Dice(self._plan.seed).at("shiprocket", *names)

    def move(self, shipment: Shipment, status: Status) -> Parcel | None:
        """The parcel is scanned, and the webhook sent; None if that is dropped."""
        now, dice = self._clock.now(), self._dice(shipment.awb, str(len(shipment.scans)))
        hub, city, state = dice.whole("hub", 1, 9), shipment.consignee("city"), shipment.consignee("state")
        place = f"{city}_Hub_{hub} ({state})"
        if dice.chance("unmapped", UNMAPPED_SCAN):
            # Hubs have clocks of their own, so this one may even lie before the scan that came before it.
            early = now - dice.whole("hub's clock", 0, 1500)
            shipment.scans.append(_scan(early, "X-BAG", "Added to Bag", place, None))
        shipment.status = status
        shipment.scans.append(_scan(now, status.code, f"{status.label.title()} - {place}", place, status))
        return self._tell(shipment)

    def _tell(self, shipment: Shipment) -> Parcel | None:
        shipment.told += 1
        name = f"{shipment.awb} {shipment.status.label} {shipment.told}"
        mischief = self._plan.for_webhook("shiprocket", name)
        push = self._push(shipment)
        if mischief.forgery is not None:
            self._forge(name, push, mischief.forgery)
        if self._dice(name).chance("foreign", FOREIGN):
            self._post(f"foreign after {name}", self._foreign(name, push), Mischief())
        if mischief.dropped:
            self._sender.dropped += 1
            return None
        return self._post(name, push, mischief)

    def _push(self, shipment: Shipment) -> Json:
        """The body of the webhook, as things are now."""
        number, status = shipment.number, shipment.status
        if self._dice(shipment.awb).chance("channel suffix", SUFFIXED):
            number = f"{number}_{shipment.order_id}"
        return {
            "awb": shipment.awb,
            "courier_name": shipment.courier_name,
            "current_status": status.of_order,
            "current_status_id": status.order,
            "shipment_status": status.label,
            "shipment_status_id": status.shipment,
            "current_timestamp": india(self._clock.now()).strftime("%d %m %Y %H:%M:%S"),
            "order_id": number,
            "sr_order_id": shipment.order_id,
            "awb_assigned_date": stamp(shipment.assigned),
            "pickup_scheduled_date": shipment.pickup,
            "etd": _expected(shipment),
            "scans": list(shipment.scans),
            "is_return": 0,
            "channel_id": shipment.asked.get("channel_id"),
            "pod_status": "OTP Based Delivery",
            "pod": "Available" if status.label == "DELIVERED" else "Not Available",
            "qc_image": "",
            "qc_failure_reason": "",
        }

    def _foreign(self, name: str, push: Json) -> Json:
        dice = self._dice("foreign", name)
        awb = f"7{dice.whole('awb', 0, 10**10):011d}"
        ident = dice.whole("order", 10**8, 10**9)
        return {**push, "awb": awb, "order_id": f"OTHER-{ident}", "sr_order_id": ident, "channel_id": 999}

    def _post(self, name: str, push: Json, mischief: Mischief) -> Parcel:
        def headers() -> dict[str, str]:
            return {"Content-Type": "application/json", "x-api-key": self._token}

        hold, copies, together = mischief.hold, mischief.copies, mischief.together
        body = json.dumps(push).encode()
        return self._sender.send(
            Parcel("shiprocket", name, self._url, body, headers, hold=hold, copies=copies, together=together)
        )

    def _forge(self, name: str, push: Json, forgery: str) -> None:
        """Say without the right token that the parcel has arrived; there is no signature to spoil."""
        done = STATUSES["DELIVERED"]
        told = {"current_status": done.label, "current_status_id": done.order}
        told |= {"shipment_status": done.label, "shipment_status_id": done.shipment}
        body = json.dumps({**push, **told}).encode()
        headers = {"Content-Type": "application/json", "x-api-key": WRONG_SECRET}
        if forgery == "no signature":
            del headers["x-api-key"]
        forged = f"{name} ({forgery})"
        self._sender.send(Parcel("shiprocket", forged, self._url, body, lambda: headers, forged=True))

    def data(self, shipment: Shipment | None) -> Json:
        """The answer to whoever asks where a parcel is. An AWB that nobody knows has no scans either."""
        if shipment is None or not shipment.scans:
            return {"tracking_data": dict(NOTHING_YET)}
        status, done = shipment.status, shipment.status.label == "DELIVERED"
        at = shipment.scans[-1]["date"]
        track = {
            "id": shipment.shipment_id,
            "awb_code": shipment.awb,
            "courier_company_id": None if shipment.courier is None else shipment.courier.ident,
            "shipment_id": shipment.shipment_id,
            "order_id": shipment.order_id,
            "pickup_date": shipment.pickup or None,
            "delivered_date": at if done else None,
            "weight": f"{float(shipment.asked['weight']):.2f}",
            "packages": 1,
            "current_status": status.label.title(),
            "delivered_to": shipment.consignee("city"),
            "destination": shipment.consignee("city"),
            "consignee_name": "",
            "origin": "Bengaluru",
            "courier_agent_details": None,
            "courier_name": shipment.courier_name,
            "edd": None,
            "pod": "Available" if done else "Not Available",
            "pod_status": "OTP Based Delivery",
        }
        tracking = {
            "track_status": 1,
            "shipment_status": status.shipment,
            "shipment_track": [track],
            "shipment_track_activities": shipment.scans[::-1],
            "track_url": f"https://shiprocket.co/tracking/{shipment.awb}",
            "etd": _expected(shipment),
            "qc_response": {"qc_image": "", "qc_failed_reason": ""},
        }
        return {"tracking_data": tracking}

    def follow(self, shipment: Shipment) -> None:
        """From now on the parcel moves alone, until it has arrived; few come back instead. Once is enough."""
        if shipment.awb and shipment.awb not in self._followed:
            self._followed[shipment.awb] = shipment
            self.moving.start(self._walk(shipment, shipment.awb))

    async def _walk(self, shipment: Shipment, awb: str) -> None:
        for status in self._way(shipment):
            await self._clock.sleep(self._times.scan_after)
            if self._followed.get(awb) is not shipment or shipment.awb != awb or shipment.status is CANCELED:
                return
            self.move(shipment, status)

    def _way(self, shipment: Shipment) -> Iterator[Status]:
        back = self._dice(shipment.number).chance("comes back", COMES_BACK)
        return (STATUSES[label] for label in (RETURN if back else DELIVERY))


def _scan(moment: float, code: str, activity: str, place: str, status: Status | None) -> Json:
    """One scan. The number is a text, and NA where Shiprocket has no word for what the courier says."""
    return {
        "date": stamp(moment),
        "status": code,
        "activity": activity,
        "location": place,
        "sr-status": "NA" if status is None else str(status.shipment),
        "sr-status-label": "NA" if status is None else status.label,
    }


def _expected(shipment: Shipment) -> str:
    days = 0 if shipment.courier is None else shipment.courier.days
    return stamp(shipment.assigned + 86_400 * days)
