"""Stripe's webhooks: who sent one, which it is, and what it means. Pure: bytes in, facts or reasons out.

An event is judged only after it was recorded, so what cannot be judged is a Problem and no refusal: a version or a
shape that we do not know, a currency without a known minor unit, money of the shop without an order number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from onpaid.clock import Instant
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.errors import InvalidInput
from onpaid.providers import bodies, stripe_billing_events
from onpaid.providers import stripe_wire as wire
from onpaid.providers.signatures import Signer
from onpaid.providers.stripe_reading import Shop, money, problem

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
"""What is understood of payments, and listed when webhooks were missed."""


class StripeWebhooks:
    """A WebhookSource. `marks` are signs in metadata that a payment is the shop's: `key=value`, `key` or `prefix*`.

    With `billing` it also tells what other systems must learn, and of sessions and subscriptions.
    """

    name = "stripe"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(
        self,
        secrets: Iterable[str],
        *,
        live: bool,
        shop: str,
        order_number_key: str,
        marks: Sequence[str],
        billing: bool = False,
    ) -> None:
        self._signer = Signer(secrets)
        self.shop = Shop(shop, order_number_key, tuple(marks))
        self._live, self._billing = live, billing
        self.types: tuple[str, ...] = (*TYPES, *stripe_billing_events.TYPES) if billing else TYPES

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
        """What the event tells of a payment, and what others must learn of it; or why it is nothing to us."""
        kind = envelope.type
        if kind not in self.types and not kind.startswith(_CHANGES):
            return Judged(ignored=f"nothing follows from events of type {kind}")
        if envelope.live != self._live:
            sent, ours = ("live", "test") if envelope.live else ("test", "live")
            return Judged(ignored=f"a {sent}-mode event, and we work in {ours} mode")
        if not envelope.account.startswith("stripe/default/"):
            return Judged(ignored="an event of a connected account, whose books we do not keep")
        if not wire.known_version(envelope.api_version):
            raise problem(
                f"Stripe sent an event of API version {envelope.api_version}, which we do not know",
                envelope,
                next_step="set the webhook endpoint's API version to one that onpaid knows, then replay the event",
            )
        try:
            told = self._payment(envelope, body, received_at)
            if not self._billing:
                return told
            more = stripe_billing_events.judge(envelope, body, received_at)
        except msgspec.MsgspecError as bad:
            raise problem(
                f"Stripe sent a {kind} in a shape that we do not know: {bad}",
                envelope,
                next_step="compare API versions",
            ) from None
        facts = (*told.facts, *more.facts)
        return Judged(facts=facts) if facts else Judged(ignored=more.ignored or told.ignored)

    def _payment(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The payment that the event tells of, or the change of one."""
        kind = envelope.type
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
        if kind.startswith(_CHANGES):
            change = wire.CHANGE.decode(body).data.object
            payment = wire.linked(change.payment_intent) or wire.linked(change.charge)
            refund = "" if ".dispute." in kind else change.id
            failed = bool(refund) and (kind == "refund.failed" or change.status in ("failed", "canceled"))
            metadata = change.metadata or {}
            return self._changed(
                envelope,
                payment,
                change.amount,
                change.currency,
                metadata,
                received_at,
                refund=refund,
                failed=failed,
            )
        return Judged(ignored=f"events of type {kind} tell of no payment")

    def _charge(self, envelope: Envelope, charge: wire.Charge, received_at: Instant) -> Judged:
        if charge.status != "succeeded":
            return Judged(ignored=f"the charge is {charge.status}")
        if not charge.captured:
            return Judged(ignored="authorised, not captured")
        order = self.shop.order(envelope, charge.payment, charge.metadata)
        if order is None:
            return Judged(
                ignored=f"the charge's metadata has no {self.shop.number_key}, so it is not the shop's"
            )
        if charge.amount_captured <= 0:
            return Judged(ignored="nothing was captured")
        paid = PaymentSucceeded(
            account=envelope.account,
            payment_id=charge.payment,
            order=order,
            amount=money(envelope, charge.payment, charge.amount_captured, charge.currency),
            paid_at=envelope.created_at or received_at,
            live=envelope.live,
            charge_id=charge.id,
            customer_id=wire.linked(charge.customer),
            billing=charge.billing(),
            event=envelope.event_id,
        )
        return Judged(facts=(paid,))

    def _intent(self, envelope: Envelope, intent: wire.Intent, received_at: Instant) -> Judged:
        order = self.shop.order(envelope, intent.id, intent.metadata)
        if order is None:
            return Judged(
                ignored=f"the payment's metadata has no {self.shop.number_key}, so it is not the shop's"
            )
        if intent.status != "succeeded" or intent.amount_received <= 0:
            return Judged(ignored="nothing was received")
        paid = PaymentSucceeded(
            account=envelope.account,
            payment_id=intent.id,
            order=order,
            amount=money(envelope, intent.id, intent.amount_received, intent.currency),
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
        *,
        refund: str = "",
        failed: bool = False,
    ) -> Judged:
        if payment is None:
            return Judged(ignored="it names neither a charge nor a payment of ours")
        number = metadata.get(self.shop.number_key, "").strip()
        changed = PaymentChanged(
            account=envelope.account,
            payment_id=payment,
            what=envelope.type,
            amount=money(envelope, payment, amount, currency),
            event=envelope.event_id,
            happened_at=envelope.created_at or received_at,
            order=self.shop.order(envelope, payment, metadata) if number else None,
            refund=refund,
            failed=failed,
        )
        return Judged(facts=(changed,))
