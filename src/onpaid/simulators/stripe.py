"""Stripe's account: customers, payments, refunds and the events that tell of them, each sent as a signed webhook.

A payment is a PaymentIntent with one charge. Ids come from the seed and the order number, so that two runs with one
seed are alike. Every event is kept and can be listed, also one whose webhook was dropped.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onpaid.simulators import stripe_objects as shape
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan, Mischief
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.signing import forged_header, secrets_in_use, signed_header
from onpaid.simulators.stripe_keys import IdempotencyKeys

EVENTS_BEGIN_BEFORE = 10


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment to make. Without `captured` the card is only authorised; without `order_number` no metadata names one."""

    amount: int
    currency: str
    order_number: str | None = None
    customer: str | None = None
    billing: Mapping[str, Any] | None = None
    captured: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)
    announce: bool = True
    chatter: bool = False


@dataclass(slots=True)
class Payment:
    """One payment, with what was told about it."""

    key: str
    order_number: str | None
    intent: Json
    charge: Json
    first_second: int
    same_second: bool
    told: int = 0
    parcels: list[Parcel] = field(default_factory=list)


class Stripe:
    """The state of one account."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, *, livemode: bool) -> None:
        self._plan, self._clock, self._sender = plan, clock, sender
        self.livemode = livemode
        self._url = ""
        self._secrets: tuple[str, ...] = ("",)
        self.keys = IdempotencyKeys(clock)
        self.forget()

    def aim(self, url: str, secrets: Sequence[str]) -> None:
        self._url, self._secrets = url, tuple(secrets)

    def forget(self) -> None:
        self.keys.forget()
        self.customers: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.events: dict[str, Json] = {}
        self.payments: list[Payment] = []
        self._by_id: dict[str, Payment] = {}
        self._counted: Counter[str] = Counter()

    def _ident(self, prefix: str, *names: str) -> str:
        dice = Dice(self._plan.seed).at("stripe", *names)
        return f"{prefix}_3{dice.digest(prefix)[:23]}"

    def _numbered(self, name: str) -> str:
        """The same name again gets the next number, whatever else has happened."""
        self._counted[name] += 1
        return f"{name}#{self._counted[name]}"

    def add_customer(self, given: Mapping[str, Any]) -> Json:
        """A customer; the same e-mail twice is two customers, as with the real one."""
        ident = self._ident("cus", self._numbered(f"customer {given.get('email')}"))
        created = int(self._clock.now())
        self.customers[ident] = shape.customer(ident, given, created=created, livemode=self.livemode)
        return self.customers[ident]

    def pay(self, pay: Pay) -> Payment:
        """Make the payment and send the webhooks that tell of it."""
        key = self._numbered(pay.order_number or "no order")
        charge_id, intent_id = self._ident("ch", key), self._ident("pi", key)
        now = int(self._clock.now())
        metadata = dict(pay.metadata)
        if pay.order_number is not None:
            metadata["order_number"] = pay.order_number
        billing = pay.billing or self.customers.get(pay.customer or "") or {}
        about: Json = {
            "amount": pay.amount,
            "currency": pay.currency.lower(),
            "created": now,
            "livemode": self.livemode,
            "customer": pay.customer,
            "metadata": metadata,
            "receipt_email": billing.get("email"),
        }
        charge = shape.charge(charge_id, intent_id, billing=billing, **about)
        method = "automatic_async" if pay.captured else "manual"
        intent = shape.payment_intent(intent_id, latest_charge=charge_id, capture_method=method, **about)
        self.charges[charge_id], self.intents[intent_id] = charge, intent
        payment = Payment(
            key,
            pay.order_number,
            intent,
            charge,
            now - EVENTS_BEGIN_BEFORE,
            pay.announce and self._plan.same_second(key),
        )
        self.payments.append(payment)
        self._by_id[charge_id] = self._by_id[intent_id] = payment
        if pay.chatter and pay.announce:
            self._tell(payment, "payment_intent.created", {**intent, "status": "requires_payment_method"})
        if pay.captured:
            self._capture(payment, pay.amount)
        if pay.announce:
            self._tell(payment, "charge.succeeded", charge)
            kind = "payment_intent.succeeded" if pay.captured else "payment_intent.amount_capturable_updated"
            self._tell(payment, kind, intent)
        if pay.chatter and pay.announce and pay.captured:
            charge["balance_transaction"] = self._ident("txn", key)
            self._tell(payment, "charge.updated", charge, {"balance_transaction": None})
        return payment

    def capture(self, charge_id: str, amount: int | None = None) -> Payment:
        """Take the money of a payment that was only authorised, or a part of it."""
        payment = self.payment_of(charge_id)
        self._capture(payment, payment.charge["amount"] if amount is None else amount)
        self._tell(payment, "charge.captured", payment.charge)
        self._tell(payment, "payment_intent.succeeded", payment.intent)
        return payment

    def _capture(self, payment: Payment, amount: int) -> None:
        payment.charge.update(captured=True, amount_captured=amount)
        payment.intent.update(status="succeeded", amount_received=amount, amount_capturable=0)

    def payment_of(self, charge_id: str) -> Payment:
        """The payment of a charge or of a PaymentIntent; KeyError if there is none."""
        return self._by_id[charge_id]

    def refund(self, charge_id: str, amount: int | None = None, reason: str | None = None) -> Json:
        """Give money back; ValueError if there is not as much."""
        payment = self.payment_of(charge_id)
        charge = payment.charge
        left = charge["amount_captured"] - charge["amount_refunded"]
        back = left if amount is None else amount
        if not 0 < back <= left:
            raise ValueError(f"Refund amount ({back}) is greater than unrefunded amount on charge ({left})")
        ident = self._ident("re", payment.key, str(len(self.refunds)))
        refund = shape.refund(ident, charge, amount=back, created=int(self._clock.now()), reason=reason)
        self.refunds[ident] = refund
        charge["amount_refunded"] += back
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._tell(payment, "refund.created", refund)
        self._tell(payment, "charge.refunded", charge)
        return refund

    def _tell(self, payment: Payment, kind: str, about: Json, previous: Json | None = None) -> None:
        created = payment.first_second + (0 if payment.same_second else payment.told)
        payment.told += 1
        name = f"{kind} {payment.key} {payment.told}"
        mischief = self._plan.for_webhook("stripe", name, secrets=len(self._secrets), may_twin=True)
        for copy in ("", "twin")[: 1 + mischief.twin]:
            ident = self._ident("evt", name, copy)
            made = shape.event(ident, kind, about, created=created, livemode=self.livemode, previous=previous)
            self.events[ident] = made
            parcel = self._post(made, Mischief() if copy else mischief)
            if parcel is not None:
                payment.parcels.append(parcel)

    def resend(self, event_id: str) -> None:
        """Send an event's webhook again, faultlessly; KeyError if there is no such event."""
        self._post(self.events[event_id], Mischief())

    def _post(self, event: Json, mischief: Mischief) -> Parcel | None:
        body = json.dumps(event, indent=2, ensure_ascii=False).encode()
        if mischief.forgery is not None:
            self._forge(event, body, mischief.forgery)
        if mischief.dropped:
            self._sender.dropped += 1
            return None

        def headers() -> dict[str, str]:
            at = int(self._clock.now()) + mischief.skew
            return _headers(signed_header(secrets_in_use(self._secrets, mischief), body, at))

        return self._sender.send(
            Parcel(
                "stripe",
                event["id"],
                self._url,
                body,
                headers,
                hold=mischief.hold,
                copies=mischief.copies,
                together=mischief.together,
                on_delivered=lambda: event.update(pending_webhooks=0),
            )
        )

    def _forge(self, event: Json, genuine: bytes, forgery: str) -> None:
        ident = event["id"] + "forged"
        about = {**event["data"]["object"], "amount": 1, "amount_captured": 1}
        forged = json.dumps({**event, "id": ident, "data": {"object": about}}).encode()

        def headers() -> dict[str, str]:
            return _headers(forged_header(forgery, self._secrets, genuine, forged, int(self._clock.now())))

        self._sender.send(Parcel("stripe", f"{ident} ({forgery})", self._url, forged, headers, forged=True))


def _headers(signature: str | None) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0 (simulated)"}
    return headers if signature is None else {**headers, "Stripe-Signature": signature}
