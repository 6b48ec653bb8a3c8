"""Stripe's account: customers, payments, refunds and the events that tell of them, each sent as a signed webhook.

A payment is a PaymentIntent with one charge that succeeded. Ids come from the seed and the order number, so that two runs with one
seed are alike. Every event is kept and can be listed, also one whose webhook was dropped.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from onpaid.simulators import stripe_objects as shape
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.stripe_events import Events
from onpaid.simulators.stripe_keys import IdempotencyKeys

EVENTS_BEGIN_BEFORE = 10


@dataclass(frozen=True, slots=True)
class Pay:
    """A payment to make. Without `captured` the card is only authorised; without `order_number` no metadata names one.

    `key` names the PaymentIntent: a second payment with it is another try of the same one. `number` is that of the
    order that the payment makes, where no metadata tells it.
    """

    amount: int
    currency: str
    order_number: str | None = None
    customer: str | None = None
    billing: Mapping[str, Any] | None = None
    captured: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)
    announce: bool = True
    chatter: bool = False
    key: str | None = None
    number: str | None = None


@dataclass(slots=True)
class Payment:
    """One payment, with what was told about it."""

    key: str
    order_number: str | None
    intent: Json
    charge: Json
    first_second: int
    same_second: bool
    on_time: bool = False
    told: int = 0
    parcels: list[Parcel] = field(default_factory=list)


class Stripe:
    """The state of one account."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, *, livemode: bool) -> None:
        self._plan, self._clock = plan, clock
        self.livemode = livemode
        self.told = Events(plan, clock, sender, livemode=livemode)
        self.keys = IdempotencyKeys(clock)
        self.forget()

    def aim(self, url: str, secrets: Sequence[str]) -> None:
        self.told.aim(url, secrets)

    @property
    def events(self) -> dict[str, Json]:
        """Every event, also one whose webhook was dropped."""
        return self.told.all

    @property
    def seed(self) -> int:
        """What every choice follows from."""
        return self._plan.seed

    def forget(self) -> None:
        """Forget what happened; the webhook endpoint stays as it is switched."""
        self.keys.forget()
        self.told.all = {}
        self.customers: dict[str, Json] = {}
        self.charges: dict[str, Json] = {}
        self.intents: dict[str, Json] = {}
        self.refunds: dict[str, Json] = {}
        self.payments: list[Payment] = []
        self._by_id: dict[str, Payment] = {}
        self._counted: Counter[str] = Counter()

    def ident(self, prefix: str, *names: str) -> str:
        """An id that the next run with this seed gives too."""
        dice = Dice(self._plan.seed).at("stripe", *names)
        return f"{prefix}_3{dice.digest(prefix)[:23]}"

    def numbered(self, name: str) -> str:
        """The same name again gets the next number, whatever else has happened."""
        self._counted[name] += 1
        return f"{name}#{self._counted[name]}"

    def charge_id(self, key: str) -> str:
        """The next charge's id of the PaymentIntent that `key` names."""
        nth = self.numbered(f"charge {key}")
        return self.ident("ch", key) if nth.endswith("#1") else self.ident("ch", nth)

    def tell(self, key: str, kind: str, about: Json, previous: Json | None = None) -> list[Parcel]:
        """Tell of something that just happened. `key` names what it happened to, in every run."""
        name = f"{kind} {self.numbered(f'told {key}')}"
        return self.told.tell(name, kind, about, created=int(self._clock.now()), previous=previous)

    def add_customer(self, given: Mapping[str, Any]) -> Json:
        """A customer; the same e-mail twice is two customers, as with the real one."""
        ident = self.ident("cus", self.numbered(f"customer {given.get('email')}"))
        created = int(self._clock.now())
        self.customers[ident] = shape.customer(ident, given, created=created, livemode=self.livemode)
        return self.customers[ident]

    def pay(self, pay: Pay) -> Payment:
        """Make the payment and send the webhooks that tell of it."""
        key = pay.key or self.numbered(pay.order_number or "no order")
        charge_id, intent_id = self.charge_id(key), self.ident("pi", key)
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
        if intent_id in self.intents:
            intent["created"] = self.intents[intent_id]["created"]
        self.charges[charge_id], self.intents[intent_id] = charge, intent
        payment = Payment(
            key,
            pay.order_number or pay.number,
            intent,
            charge,
            now - EVENTS_BEGIN_BEFORE,
            pay.announce and self._plan.same_second(key),
            on_time=pay.key is not None,
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
            charge["balance_transaction"] = self.ident("txn", key)
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

    def refund(
        self,
        charge_id: str,
        amount: int | None = None,
        reason: str | None = None,
        *,
        status: str = "succeeded",
        metadata: Mapping[str, str] | None = None,
    ) -> Json:
        """Give money back; ValueError if there is not as much."""
        payment = self.payment_of(charge_id)
        charge = payment.charge
        left = charge["amount_captured"] - charge["amount_refunded"]
        back = left if amount is None else amount
        if not 0 < back <= left:
            raise ValueError(f"Refund amount ({back}) is greater than unrefunded amount on charge ({left})")
        ident = self.ident("re", self.numbered(f"refund {payment.key}"))
        refund = shape.refund(ident, charge, amount=back, created=int(self._clock.now()), reason=reason)
        refund.update(status=status, metadata=dict(metadata or {}))
        self.refunds[ident] = refund
        charge["amount_refunded"] += back
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self._tell(payment, "refund.created", refund)
        self._tell(payment, "charge.refunded", charge)
        return refund

    def _tell(self, payment: Payment, kind: str, about: Json, previous: Json | None = None) -> None:
        now, created = int(self._clock.now()), payment.first_second
        if payment.on_time or now - created > 2 * EVENTS_BEGIN_BEFORE:
            created = now
        elif not payment.same_second:
            created += payment.told
        payment.told += 1
        name = f"{kind} {payment.key} {payment.told}"
        payment.parcels += self.told.tell(name, kind, about, created=created, previous=previous)
