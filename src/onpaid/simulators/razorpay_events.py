"""Tells of what happened at Razorpay: each fact is an event with an id of its own, sent as a signed webhook.

A body is a snapshot of its moment and never changes again, whatever comes later, and keeps its id and its
signature through every try. The id is in a header only. A second event may tell the same fact under another
id.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from onpaid.simulators import razorpay_shapes as shape
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan, Mischief
from onpaid.simulators.razorpay_signing import forged_signature, signature, signing_secret
from onpaid.simulators.sender import Parcel, Sender

SIGNATURE: Final = "X-Razorpay-Signature"
EVENT_ID: Final = "x-razorpay-event-id"


@dataclass(frozen=True, slots=True)
class Told:
    """One event: its name is the same in the next run with this seed. `about` is the payment it tells of."""

    ident: str
    name: str
    kind: str
    about: str
    body: bytes


class Teller:
    """Makes events and sends them."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, key_secret: str) -> None:
        self._plan, self._clock, self._sender, self._key_secret = plan, clock, sender, key_secret
        self._url = ""
        self._secrets: tuple[str, ...] = ("",)
        self.forget()

    def aim(self, url: str, secrets: Sequence[str]) -> None:
        self._url, self._secrets = url, tuple(secrets)

    def forget(self) -> None:
        self.events: dict[str, Told] = {}
        self.parcels: dict[str, list[Parcel]] = {}

    def tell(self, name: str, kind: str, entities: Mapping[str, Json], *, after: float = 0.0) -> None:
        """Send an event that holds these entities as they are now; `name` says which fact it is."""
        name = f"{kind} {name}"
        mischief = self._plan.for_webhook("razorpay", name, secrets=len(self._secrets), may_twin=True)
        dice = Dice(self._plan.seed).at("razorpay", name)
        account = shape.ident("acc", Dice(self._plan.seed).at("razorpay"))
        created = int(self._clock.now() + after) + mischief.skew
        body = _encoded(shape.event(account, kind, entities, created=created))
        about = str(entities["payment"]["id"])
        for copy in ("", "twin")[: 1 + mischief.twin]:
            told = Told(shape.ident("", dice.at(copy)), f"{name} {copy}".strip(), kind, about, body)
            self.events[told.ident] = told
            self._send(told, Mischief() if copy else mischief, after)

    def resend(self, event_id: str) -> None:
        """Send an event again, faultlessly and under its own id; KeyError if there is none."""
        self._send(self.events[event_id], Mischief(), 0.0)

    def _send(self, told: Told, mischief: Mischief, after: float) -> None:
        if mischief.forgery is not None:
            self._forge(told, mischief.forgery)
        if mischief.dropped:
            self._sender.dropped += 1
            return
        headers = _headers(told.ident, signature(signing_secret(self._secrets, mischief), told.body))
        parcel = Parcel(
            "razorpay",
            told.name,
            self._url,
            told.body,
            lambda: headers,
            hold=mischief.hold + after,
            copies=mischief.copies,
            together=mischief.together,
        )
        self.parcels.setdefault(told.about, []).append(self._sender.send(parcel))

    def _forge(self, told: Told, forgery: str) -> None:
        """The same fact, over more money, under another event id: it has to be refused."""
        event = json.loads(told.body)
        for each in event["payload"].values():
            each["entity"]["amount"] += 100
        forged = _encoded(event)
        signed = forged_signature(forgery, self._secrets, self._key_secret, told.body, forged)
        ident = shape.ident("", Dice(self._plan.seed).at("razorpay", "forged", told.name))
        headers = _headers(ident, signed)
        name = f"{told.name} ({forgery})"
        self._sender.send(Parcel("razorpay", name, self._url, forged, lambda: headers, forged=True))


def _encoded(event: Json) -> bytes:
    """Compact, with slashes escaped: who decodes it and encodes it again gets other bytes."""
    return json.dumps(event, separators=(",", ":")).replace("/", "\\/").encode()


def _headers(event_id: str, signed: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "Razorpay-Webhook/v1 (simulated)"}
    if signed is not None:
        headers[SIGNATURE] = signed
    return {**headers, EVENT_ID: event_id}
