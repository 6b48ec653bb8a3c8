"""Shiprocket's tracking webhook: where a parcel is, told at every scan.

What it is: a WebhookSource of the name `tracking`; Shiprocket allows no webhook whose address names it.
How a thing is found again: it has no event ids, so an event is known by what it tells: parcel, status, time
and scans.
Its limits: in any order, several times, with the whole list of scans each time; for every parcel of the
account, so that one which is not ours is no error. Only a 200 is taken for an answer. How often it tries
again is not documented.
How it signs: not at all. It shows a shared token in `x-api-key`; several may be valid, so that one can be
replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from onpaid.acts import LaneLimit
from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.shipments import ParcelTold
from onpaid.errors import BadSignature, InvalidInput
from onpaid.providers import bodies
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.shiprocket import Settings
from onpaid.providers.signatures import as_keys, matches

ACCOUNT: Final = "tracking/shiprocket/live"
"""There is no sandbox: what is told here is always of real parcels."""
PARCEL: Final = "parcel.status"
OTHER: Final = "other"
SHORTEST_TOKEN: Final = 16
_BODY = msgspec.json.Decoder(Any)


class ShiprocketTracking:
    """A WebhookSource."""

    name = "tracking"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._keys = as_keys(settings.webhook_tokens)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless the sender shows one of our tokens."""
        if not self._keys:
            raise BadSignature("no token is configured, so this endpoint is closed")
        if not matches(headers.get("x-api-key"), self._keys):
            raise BadSignature("x-api-key does not hold the token that was set in Shiprocket, under Webhooks")

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope. What names no parcel, such as the panel's trial, is let in: only a 200 will do."""
        said = _said(body)
        told = _told(said)
        mark = body if told is None else msgspec.json.encode([told, said.get("is_return"), said.get("pod")])
        return Envelope(
            source=self.name,
            account=ACCOUNT,
            event_id=f"{'other' if told is None else 'parcel'}-{hashlib.sha256(mark).hexdigest()[:40]}",
            type=OTHER if told is None else PARCEL,
            live=True,
            created_at=None if told is None else told.told_at,
        )

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """Where the parcel is. Whether it is ours is for the records to say."""
        said = _said(body)
        told = _told(said)
        if told is None:
            return Judged(ignored="it names no parcel")
        if wire.number(said.get("is_return")):
            return Judged(ignored="it tells of what a customer sends back, which is not followed")
        return Judged(facts=(msgspec.structs.replace(told, event=envelope.event_id),))

    async def doctor(self) -> list[str]:
        """What is wrong with the settings, in sentences."""
        if not self._keys:
            return [
                "Shiprocket: no webhook token is set (SHIPROCKET_WEBHOOK_TOKEN), so every webhook is refused."
            ]
        if any(len(key) < SHORTEST_TOKEN for key in self._keys):
            return [
                f"Shiprocket: a webhook token has less than {SHORTEST_TOKEN} characters: make a longer one."
            ]
        return []


def _said(body: bytes) -> Mapping[str, Any]:
    bodies.strict(body)
    said: Any = bodies.read(body, _BODY)
    if not isinstance(said, dict):
        raise InvalidInput("the body must be a JSON object, with awb and shipment_status_id")
    return said


def _told(said: Mapping[str, Any]) -> ParcelTold | None:
    """The word about a parcel; None if it names none. Of its two numberings only the shipment's is read."""
    awb, order_id = wire.awb_of(said.get("awb")), wire.ident(said.get("sr_order_id"))
    if not awb and not order_id:
        return None
    scans = wire.scans_of(wire.objects(said.get("scans"))[-wire.MOST_SCANS :])
    return ParcelTold(
        awb=awb,
        number=wire.number(said.get("shipment_status_id")),
        status=wire.text(said.get("shipment_status") or said.get("current_status")),
        told_at=wire.moment(said.get("current_timestamp")),
        order_id=order_id,
        reference=wire.text(said.get("order_id")).partition("_")[0],
        expected=wire.text(said.get("etd")),
        scans=scans,
    )
