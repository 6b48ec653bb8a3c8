"""Razorpay's events: signed raw bytes in, facts out.

`payment.captured` and `order.paid` tell of the same money under different event ids, so both name the payment by the
order that it is for: they meet in one run. The event's id is in a header and not in the signed body; a replay under
another id is therefore a new event that says nothing new.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from onpaid.clock import Instant
from onpaid.domain.checkouts import PaymentFailed
from onpaid.domain.events import Envelope, Judged
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.takings import Taking
from onpaid.errors import BadSignature, InvalidInput, Problem
from onpaid.providers import bodies
from onpaid.providers import razorpay_wire as wire
from onpaid.providers.signatures import as_keys, matches

EXPECTS = ("shipment", "messages")
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,80}", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)
_AUTHORISED = "only authorised: it counts once it is captured (set Razorpay to capture automatically)"


class RazorpayWebhooks:
    """A WebhookSource."""

    name = "razorpay"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = "x-razorpay-event-id"

    def __init__(self, secrets: Iterable[str], *, live: bool, shop: str) -> None:
        self._keys = as_keys(secrets)
        self._live = live
        self._shop = shop
        self._account = f"razorpay/default/{'live' if live else 'test'}"

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        """Raise BadSignature unless one of our secrets signed exactly these bytes. There is no time in it."""
        if not self._keys:
            raise BadSignature("no secret is configured, so this endpoint is closed")
        given = headers.get("x-razorpay-signature", "")
        if not _HEX.fullmatch(given):
            raise BadSignature(
                "the signature header is missing or malformed: it should be 64 hexadecimal digits"
            )
        if not matches(given, [hmac.digest(key, body, "sha256").hex().encode() for key in self._keys]):
            raise BadSignature(
                "the signature matches none of our secrets: check the webhook's secret, and send the body unaltered"
            )

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        """The envelope; its id is of the body, until the header's takes its place."""
        bodies.strict(body)
        head = bodies.read(body, wire.HEAD)
        if head.entity != "event" or not 0 <= head.created_at < 10**11:
            raise InvalidInput(
                "this is not an event: `entity` must be event, `created_at` seconds since 1970"
            )
        if not _NAME.fullmatch(head.event):
            raise InvalidInput("the event's name is empty, too long or holds odd characters")
        ident = hashlib.blake2b(body, digest_size=16).hexdigest()
        return Envelope(self.name, self._account, ident, head.event, self._live, head.created_at * 1000)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        """The payment, failure or refund that the event tells of, or why it is nothing to us."""
        kind = envelope.type
        if kind == "payment.authorized":
            return Judged(ignored=_AUTHORISED)
        if kind not in ("payment.captured", "order.paid", "payment.failed") and not kind.startswith(
            "refund."
        ):
            return Judged(ignored=f"nothing follows from events of type {kind}")
        try:
            event = wire.EVENT.decode(body)
        except msgspec.ValidationError as bad:
            raise self._problem(f"A Razorpay event has another shape than we know: {bad}", envelope) from None
        payment = None if event.payload.payment is None else event.payload.payment.entity
        if payment is None:
            raise self._problem("A Razorpay event names no payment", envelope)
        refund = None if event.payload.refund is None else event.payload.refund.entity
        ids = (payment.id, payment.order_id or "none", "none" if refund is None else refund.id)
        if not all(_ID.fullmatch(ident) for ident in ids):
            raise self._problem("A Razorpay event holds an id with odd characters", envelope)
        if not payment.order_id:
            return Judged(ignored="a payment without an order (a link, a page): not made by our checkout")
        try:
            if kind.startswith("refund."):
                return self._refund(envelope, payment, refund, payment.order_id)
            return self._payment(envelope, event, payment, payment.order_id)
        except InvalidInput as bad:
            raise self._problem(f"An amount of Razorpay's cannot be read: {bad}", envelope) from None

    def _payment(
        self, envelope: Envelope, event: wire.Event, payment: wire.PaymentWire, order_id: str
    ) -> Judged:
        order, at = f"{self._shop}/{order_id}", event.created_at * 1000
        if envelope.type == "payment.failed":
            reason = (payment.error_reason or payment.error_description or "")[:200]
            failed = PaymentFailed(self._account, order_id, payment.id, order, reason, envelope.event_id, at)
            return Judged((failed,))
        if not payment.taken:
            return Judged(ignored=f"the payment is {payment.status}, and not captured")
        paid = PaymentSucceeded(
            account=self._account,
            payment_id=order_id,
            order=order,
            amount=wire.money(payment.amount, payment.currency),
            paid_at=at,
            live=self._live,
            charge_id=payment.id,
            event=envelope.event_id,
            expects=EXPECTS,
        )
        return Judged((paid,))

    def _refund(
        self,
        envelope: Envelope,
        payment: wire.PaymentWire,
        refund: wire.RefundWire | None,
        order_id: str,
    ) -> Judged:
        if refund is None:
            raise self._problem("A Razorpay refund event names no refund", envelope)
        facts = {"payment": payment.id, "refund": refund.id}
        if envelope.type == "refund.failed":
            raise self._problem(
                "A refund failed at Razorpay: the customer still has no money back", envelope, facts
            )
        if envelope.type != "refund.processed":
            return Judged(ignored="a refund on its way: it counts once it is processed")
        if not payment.captured:
            return Judged(ignored="an uncaptured payment went back by itself: nobody counted it as paid")
        gone = payment.amount_refunded or 0
        whole = payment.refund_status == "full" or gone >= payment.amount
        change = PaymentChanged(
            account=self._account,
            payment_id=order_id,
            what=f"refund.processed {'whole' if whole else 'part'}",
            # Parts that add up to the whole are told of as the whole.
            amount=wire.money(max(gone, refund.amount) if whole else refund.amount, refund.currency),
            event=refund.id,
            happened_at=(envelope.created_at or 0),
            order=f"{self._shop}/{order_id}",
            expects=EXPECTS,
        )
        return Judged((change,))

    def told_by(self, taking: Taking) -> PaymentSucceeded:
        """What the webhook of a payment in Razorpay's list would have told, but for the event."""
        return PaymentSucceeded(
            account=self._account,
            payment_id=taking.payment_id,
            order=f"{self._shop}/{taking.payment_id}",
            amount=taking.amount,
            paid_at=taking.taken_at,
            live=self._live,
            charge_id=taking.charge_id,
            expects=EXPECTS,
        )

    def refunds_told(self, taking: Taking, refunds: Sequence[wire.RefundWire]) -> list[PaymentChanged]:
        """What the webhooks of these refunds would have told: the last of those that come to the whole says so."""
        done = sorted(
            (each for each in refunds if each.status == "processed"), key=lambda each: each.created_at
        )
        changes, gone = [], 0
        for refund in done:
            gone += refund.amount
            whole = gone >= taking.amount.minor
            changes.append(
                PaymentChanged(
                    account=self._account,
                    payment_id=taking.payment_id,
                    what=f"refund.processed {'whole' if whole else 'part'}",
                    amount=wire.money(gone if whole else refund.amount, refund.currency),
                    event=refund.id,
                    happened_at=refund.created_at * 1000,
                    order=f"{self._shop}/{taking.payment_id}",
                    expects=EXPECTS,
                )
            )
        return changes

    def _problem(self, title: str, envelope: Envelope, facts: Mapping[str, str] | None = None) -> Problem:
        return Problem(
            title,
            category="payment",
            facts={"event": envelope.event_id, "type": envelope.type, **(facts or {})},
        )
