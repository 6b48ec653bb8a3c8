"""Stripe's webhooks: who sent one, which it is, and what it means. Pure: bytes in, facts or reasons out.

An event is judged only after it was recorded, so what cannot be judged is a Problem and no refusal: a version or a
shape that we do not know, a currency without a known minor unit, money of the shop without an order number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.money import Money
from onpaid.domain.orders import order_key
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.errors import InvalidInput, Problem
from onpaid.providers import bodies
from onpaid.providers import stripe_wire as wire
from onpaid.providers.signatures import Signer

T = TypeVar("T")

_CHANGES = ("refund.", "charge.refund.", "charge.dispute.")
TYPES = (
    "charge.succeeded",
    "charge.captured",
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.refund.updated",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
"""What a webhook endpoint should subscribe to, and what is listed when webhooks were missed (20 types at most)."""


class StripeWebhooks:
    """A WebhookSource. `marks` are signs in metadata that a payment is the shop's: `key=value`, `key` or `prefix*`."""

    name = "stripe"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(
        self, secrets: Iterable[str], *, live: bool, shop: str, order_number_key: str, marks: Sequence[str]
    ) -> None:
        self._signer = Signer(secrets)
        self._live, self._shop, self._number_key, self._marks = live, shop, order_number_key, tuple(marks)

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless one of our secrets signed the body in the last minutes."""
        self._signer.verify(headers.get("stripe-signature"), body, now)

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope of a snapshot event."""
        bodies.strict(body)
        head = bodies.read(body, wire.HEAD)
        if head.object == "v2.core.event":
            raise InvalidInput(
                "this is a thin event, which names an object without showing it: set the endpoint's payload style "
                "to snapshot"
            )
        if head.object != "event" or not isinstance(head.created, int) or not 0 <= head.created < 10**11:
            raise InvalidInput("this is not an event: `object` must be event, `created` seconds since 1970")
        for name, value in (("id", head.id), ("type", head.type), ("account", head.account or "default")):
            if (
                not value
                or len(value) > 255
                or not value.isprintable()
                or not value.isascii()
                or "/" in value
            ):
                raise InvalidInput(f"the event's `{name}` is empty, too long or holds odd characters")
        account = f"stripe/{head.account or 'default'}/{'live' if head.livemode else 'test'}"
        return Envelope(
            self.name, account, head.id, head.type, head.livemode, head.created * 1000, head.api_version
        )

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The payment that the event tells of, or the change of one, or why it is nothing to us."""
        kind = envelope.type
        if kind not in TYPES and not kind.startswith(_CHANGES):
            return Judged(ignored=f"nothing follows from events of type {kind}")
        if envelope.live != self._live:
            sent, ours = ("live", "test") if envelope.live else ("test", "live")
            return Judged(ignored=f"a {sent}-mode event, and we work in {ours} mode")
        if not envelope.account.startswith("stripe/default/"):
            return Judged(ignored="an event of a connected account, whose books we do not keep")
        if not wire.known_version(envelope.api_version):
            raise self._problem(
                f"Stripe sent an event of API version {envelope.api_version}, which we do not know",
                envelope,
                next_step="set the webhook endpoint's API version to one that onpaid knows, then replay the event",
            )
        try:
            if kind == "payment_intent.succeeded":
                return self._intent(envelope, wire.INTENT.decode(body).data.object, received_at)
            if kind in ("charge.succeeded", "charge.captured"):
                return self._charge(envelope, wire.CHARGE.decode(body).data.object, received_at)
            if kind == "charge.refunded":
                charge = wire.CHARGE.decode(body).data.object
                return self._changed(
                    envelope,
                    charge.payment,
                    charge.amount_refunded,
                    charge.currency,
                    charge.metadata,
                    received_at,
                )
            change = wire.CHANGE.decode(body).data.object
            payment = wire.linked(change.payment_intent) or wire.linked(change.charge)
            return self._changed(
                envelope, payment, change.amount, change.currency, change.metadata or {}, received_at
            )
        except msgspec.MsgspecError as bad:
            raise self._problem(
                f"Stripe sent a {kind} in a shape that we do not know: {bad}",
                envelope,
                next_step="compare API versions",
            ) from None

    def _charge(self, envelope: Envelope, charge: wire.Charge, received_at: Instant) -> Judged:
        if charge.status != "succeeded":
            return Judged(ignored=f"the charge is {charge.status}")
        if not charge.captured:
            return Judged(ignored="authorised, not captured")
        order = self._order(envelope, charge.payment, charge.metadata)
        if order is None:
            return Judged(ignored=f"the charge's metadata has no {self._number_key}, so it is not the shop's")
        if charge.amount_captured <= 0:
            return Judged(ignored="nothing was captured")
        paid = PaymentSucceeded(
            account=envelope.account,
            payment_id=charge.payment,
            order=order,
            amount=self._money(envelope, charge.payment, charge.amount_captured, charge.currency),
            paid_at=envelope.created_at or received_at,
            live=envelope.live,
            charge_id=charge.id,
            customer_id=wire.linked(charge.customer),
            billing=charge.billing(),
            event=envelope.event_id,
        )
        return Judged(facts=(paid,))

    def _intent(self, envelope: Envelope, intent: wire.Intent, received_at: Instant) -> Judged:
        order = self._order(envelope, intent.id, intent.metadata)
        if order is None:
            return Judged(
                ignored=f"the payment's metadata has no {self._number_key}, so it is not the shop's"
            )
        if intent.status != "succeeded" or intent.amount_received <= 0:
            return Judged(ignored="nothing was received")
        paid = PaymentSucceeded(
            account=envelope.account,
            payment_id=intent.id,
            order=order,
            amount=self._money(envelope, intent.id, intent.amount_received, intent.currency),
            paid_at=envelope.created_at or received_at,
            live=envelope.live,
            charge_id=wire.linked(intent.latest_charge),
            customer_id=wire.linked(intent.customer),
            event=envelope.event_id,
        )
        return Judged(facts=(paid,))

    def _changed(
        self,
        envelope: Envelope,
        payment: str | None,
        amount: int,
        currency: str,
        metadata: Mapping[str, str],
        received_at: Instant,
    ) -> Judged:
        if payment is None:
            return Judged(ignored="it names neither a charge nor a payment of ours")
        number = metadata.get(self._number_key, "").strip()
        changed = PaymentChanged(
            account=envelope.account,
            payment_id=payment,
            what=envelope.type,
            amount=self._money(envelope, payment, amount, currency),
            event=envelope.event_id,
            happened_at=envelope.created_at or received_at,
            order=self._order(envelope, payment, metadata) if number else None,
        )
        return Judged(facts=(changed,))

    def _order(self, envelope: Envelope, payment: str, metadata: Mapping[str, str]) -> str | None:
        """The key of the order that was paid; None if the payment is somebody else's business."""
        given = metadata.get(self._number_key, "")
        if given.strip():
            try:
                return order_key(self._shop, bodies.order_number(given))
            except InvalidInput as bad:
                raise self._problem(
                    f"A payment cannot be matched to an order: {bad}", envelope, payment
                ) from None
        if any(_bears(metadata, mark) for mark in self._marks):
            raise self._problem(
                f"A payment is marked as the shop's and names no order: its metadata has no {self._number_key}",
                envelope,
                payment,
            )
        return None

    def _money(self, envelope: Envelope, payment: str, minor: int, currency: str) -> Money:
        try:
            money = Money.from_wire(minor, currency)
        except InvalidInput as bad:
            raise self._problem(f"A payment's amount cannot be read: {bad}", envelope, payment) from None
        if minor < 0:
            raise self._problem("A payment's amount is negative", envelope, payment)
        return money

    def _problem(
        self, title: str, envelope: Envelope, payment: str | None = None, next_step: str | None = None
    ) -> Problem:
        facts: dict[str, Any] = {
            "event": envelope.event_id,
            "type": envelope.type,
            "account": envelope.account,
        }
        if payment:
            facts["payment"] = payment
        if next_step:
            facts["next step"] = next_step
        return Problem(title, category="payment", facts=facts)


def _bears(metadata: Mapping[str, str], mark: str) -> bool:
    key, equals, value = mark.partition("=")
    if equals:
        return metadata.get(key, "").strip().lower() == value.strip().lower()
    if key.endswith("*"):
        return any(name.startswith(key[:-1]) for name in metadata)
    return key in metadata
