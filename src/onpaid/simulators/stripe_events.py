"""Stripe's events: each kept for thirty days, and sent for three to the account's webhook endpoint if that hears of it.

The endpoint is switched from outside, as in Stripe's dashboard: disabled, deaf to some types, at another address, or
in another API version. What happens while it does not listen is listed, and never sent afterwards.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from onpaid.simulators import stripe_objects as shape
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan, Mischief
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.signing import forged_header, secrets_in_use, signed_header

TRIED_FOR: Final = 3 * 24 * 3600
KEPT_FOR: Final = 30 * 24 * 3600


@dataclass(slots=True)
class Endpoint:
    """The webhook endpoint. Without a `url` it is where the target is; without a version it has the account's."""

    status: str = "enabled"
    enabled_events: tuple[str, ...] = ("*",)
    api_version: str | None = shape.API_VERSION
    url: str | None = None

    def hears(self, kind: str) -> bool:
        """Whether an event of this type is sent to it now."""
        return self.status == "enabled" and ("*" in self.enabled_events or kind in self.enabled_events)

    def change(self, given: Mapping[str, Any]) -> None:
        """Set what is named, all or nothing; ValueError for what an endpoint does not have."""
        unknown = given.keys() - {"status", "enabled_events", "api_version", "url"}
        if unknown:
            raise ValueError(f"an endpoint has no {', '.join(sorted(unknown))}")
        if given.get("status", self.status) not in ("enabled", "disabled"):
            raise ValueError("status must be enabled or disabled")
        events = given.get("enabled_events", list(self.enabled_events))
        if not isinstance(events, list) or not events or not all(isinstance(each, str) for each in events):
            raise ValueError("enabled_events must be a list of names, or of *")
        for name in ("api_version", "url"):
            if not isinstance(given.get(name), str | None):
                raise ValueError(f"{name} must be text or null")
        self.status = given.get("status", self.status)
        self.enabled_events = tuple(events)
        self.api_version = given.get("api_version", self.api_version)
        self.url = given.get("url", self.url)


class Events:
    """The events of one account."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, *, livemode: bool) -> None:
        self._plan, self._clock, self._sender, self._livemode = plan, clock, sender, livemode
        self._target = ""
        self._secrets: tuple[str, ...] = ("",)
        self.endpoint = Endpoint()
        self.all: dict[str, Json] = {}

    def aim(self, url: str, secrets: Sequence[str]) -> None:
        self._target, self._secrets = url, tuple(secrets)

    @property
    def url(self) -> str:
        """Where webhooks go at this moment."""
        return self.endpoint.url or self._target

    def listed(self) -> dict[str, Json]:
        """Those that Stripe still knows."""
        oldest = self._clock.now() - KEPT_FOR
        return {ident: event for ident, event in self.all.items() if event["created"] >= oldest}

    def tell(
        self, name: str, kind: str, about: Json, *, created: int, previous: Json | None = None
    ) -> list[Parcel]:
        """Note an event, and send it if the endpoint hears of it. `name` is one that the next run uses too."""
        heard = self.endpoint.hears(kind)
        mischief = Mischief()
        if heard:
            mischief = self._plan.for_webhook("stripe", name, secrets=len(self._secrets), may_twin=True)
        parcels = []
        for copy in ("", "twin")[: 1 + mischief.twin]:
            ident = f"evt_3{Dice(self._plan.seed).at('stripe', name, copy).digest('evt')[:23]}"
            made = shape.event(
                ident, kind, about, created=created, livemode=self._livemode, previous=previous
            )
            made["pending_webhooks"] = int(heard)
            self.all[ident] = made
            parcel = self._post(made, Mischief() if copy else mischief) if heard else None
            parcels += [parcel] if parcel is not None else []
        return parcels

    def resend(self, event_id: str) -> None:
        """Send an event's webhook again, faultlessly; KeyError if there is no such event."""
        self._post(self.all[event_id], Mischief())

    def _post(self, event: Json, mischief: Mischief) -> Parcel | None:
        version = self.endpoint.api_version or shape.API_VERSION
        sent = {**event, "api_version": version, "pending_webhooks": 1}
        body = json.dumps(sent, indent=2, ensure_ascii=False).encode()
        if mischief.forgery is not None:
            self._forge(event, body, mischief.forgery)
        if mischief.dropped:
            self._sender.dropped += 1
            return None

        def headers() -> dict[str, str]:
            at = int(self._clock.now()) + mischief.skew
            return _headers(signed_header(secrets_in_use(self._secrets, mischief), body, at))

        since = self._clock.now()

        def wanted() -> bool:
            return self.endpoint.status == "enabled" and self._clock.now() - since < TRIED_FOR

        return self._sender.send(
            Parcel(
                "stripe",
                event["id"],
                lambda: self.url,
                body,
                headers,
                hold=mischief.hold,
                copies=mischief.copies,
                together=mischief.together,
                on_delivered=lambda: event.update(pending_webhooks=0),
                wanted=wanted,
            )
        )

    def _forge(self, event: Json, genuine: bytes, forgery: str) -> None:
        ident = event["id"] + "forged"
        about = {**event["data"]["object"], "amount": 1, "amount_captured": 1}
        forged = json.dumps({**event, "id": ident, "data": {"object": about}}).encode()

        def headers() -> dict[str, str]:
            return _headers(forged_header(forgery, self._secrets, genuine, forged, int(self._clock.now())))

        self._sender.send(
            Parcel("stripe", f"{ident} ({forgery})", lambda: self.url, forged, headers, forged=True)
        )


def _headers(signature: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (simulated)"}
    return headers if signature is None else {**headers, "Stripe-Signature": signature}
