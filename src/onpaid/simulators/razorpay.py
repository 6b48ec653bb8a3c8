"""Razorpay's account: orders, payments that were tried for them, refunds, and the webhooks that tell of it.

An order is paid by the first payment that is captured, and stays paid when the money goes back. A payment
that failed may still come in, and a second one for a paid order is given back at once. Two orders may have
one receipt.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from onpaid.simulators import razorpay_shapes as shape
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.razorpay_events import Teller
from onpaid.simulators.razorpay_refunds import RefundKeys, Refunds, refundable
from onpaid.simulators.razorpay_rules import Wrong
from onpaid.simulators.razorpay_signing import handler_signature
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.settings import Settings
from onpaid.simulators.switches import Switches

AUTHORISED_IS_TOLD = 0.5
CONTACT = "+919876543210"
EMAIL = "a@example.org"


class Razorpay(Switches):
    """The state of one account."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, settings: Settings) -> None:
        self._plan, self._clock, self._settings = plan, clock, settings
        self.teller = Teller(plan, clock, sender, settings.razorpay_key_secret)
        self.keys = RefundKeys()
        self.given_back = Refunds(clock, settings.times.status_after, self.teller)
        self.forget()

    def aim(self, url: str, secrets: Sequence[str]) -> None:
        """Send webhooks there, signed with the first of these secrets, or an older one."""
        self.teller.aim(url, secrets)

    def forget(self) -> None:
        self.teller.forget()
        self.keys.forget()
        self.orders: dict[str, Json] = {}
        self.payments: dict[str, Json] = {}
        self.given_back.forget()
        self._names: dict[str, str] = {}
        self._in_parts: set[str] = set()
        self._counted: Counter[str] = Counter()

    @property
    def refunds(self) -> dict[str, Json]:
        """All refunds as they are now."""
        return self.given_back.now()

    def _named(self, prefix: str, about: str) -> tuple[str, Dice]:
        """An id for one more thing about this, and its dice; the next run with this seed has the same."""
        self._counted[f"{prefix} {about}"] += 1
        name = f"{about} {prefix}#{self._counted[f'{prefix} {about}']}"
        dice = Dice(self._plan.seed).at("razorpay", name)
        ident = shape.ident(prefix, dice)
        self._names[ident] = name
        return ident, dice

    def create_order(self, given: Mapping[str, Any]) -> Json:
        """A new order. The same receipt again is another order: nobody looks."""
        ident, _dice = self._named("order", str(given.get("receipt")))
        self.orders[ident] = shape.order(ident, given, created=int(self._clock.now()))
        if given.get("partial_payment"):
            self._in_parts.add(ident)
        return self.orders[ident]

    def payments_of(self, order_id: str) -> list[Json]:
        """What was tried for an order, the first one first."""
        return [each for each in self.payments.values() if each["order_id"] == order_id]

    def pay(
        self,
        order_id: str | None,
        *,
        method: str = "upi",
        contact: str = CONTACT,
        email: str = EMAIL,
        late: bool = False,
        amount: int | None = None,
        currency: str = "INR",
        capture: bool = True,
    ) -> Json:
        """Pay for an order, or without one; KeyError if there is no such order, ValueError for a wrong wish.

        With `late` the payment fails first and comes in afterwards; without `capture` it is only authorised.
        """
        payment = self._begin(order_id, method, contact, email, amount, currency)
        if late:
            self._fail(payment, "payment_timed_out")
        return self._succeed(payment, capture=capture)

    def fail(
        self,
        order_id: str | None,
        *,
        method: str = "upi",
        contact: str = CONTACT,
        email: str = EMAIL,
        reason: str = "payment_failed",
        amount: int | None = None,
        currency: str = "INR",
    ) -> Json:
        """A payment that fails, or is cancelled (`payment_cancelled`). Its order can still be paid."""
        if reason not in shape.FAILURES:
            raise Wrong(f"The reason must be one of {', '.join(shape.FAILURES)}", "reason")
        return self._fail(self._begin(order_id, method, contact, email, amount, currency), reason)

    def recover(self, payment_id: str, *, capture: bool = True) -> Json:
        """The bank says, late, that a failed payment succeeded after all."""
        payment = self.payments[payment_id]
        if payment["status"] != "failed":
            raise Wrong(f"The payment is {payment['status']} and has not failed", "payment_id")
        return self._succeed(payment, capture=capture)

    def _begin(
        self,
        order_id: str | None,
        method: str,
        contact: str,
        email: str,
        amount: int | None,
        currency: str,
    ) -> Json:
        if method not in shape.METHODS:
            raise Wrong(f"The method must be one of {', '.join(shape.METHODS)}", "method")
        order = None if order_id is None else self.orders[order_id]
        if order is not None:
            due = order["amount_due"] or order["amount"]
            amount, currency = due if amount is None else amount, order["currency"]
            if amount != due and (order["id"] not in self._in_parts or amount > due):
                raise Wrong("The amount is different from what is due for the order", "amount")
        if not isinstance(amount, int) or isinstance(amount, bool) or amount < 1:
            raise Wrong("The amount must be an integer", "amount")
        ident, dice = self._named("pay", "no order" if order is None else self._names[order["id"]])
        now = int(self._clock.now())
        who = {"method": method, "contact": contact, "email": email}
        self.payments[ident] = shape.payment(
            ident, order, dice, amount=amount, currency=currency, created=now, **who
        )
        if order is not None:
            order["attempts"] += 1
            order["status"] = "paid" if order["status"] == "paid" else "attempted"
        return self.payments[ident]

    def _fail(self, payment: Json, reason: str) -> Json:
        payment.update(shape.failure(reason), status="failed")
        # Razorpay's own sample of a failed card payment says that it was captured: its status is what counts.
        odd = payment["method"] == "card" and self._dice(payment).chance("failed and captured", 0.3)
        entities = {"payment": {**payment, "captured": odd}}
        self.teller.tell(self._names[payment["id"]], "payment.failed", entities)
        return payment

    def _succeed(self, payment: Json, *, capture: bool) -> Json:
        order = self.orders.get(payment["order_id"] or "")
        payment.update(shape.no_error(), status="authorized")
        if order is not None and order["status"] == "paid":
            self._announce(payment, payment)
            self._give_back(payment, payment["amount"], {})
            return payment
        authorised = dict(payment)
        if capture:
            self._capture(payment)
        tell = not capture or self._dice(payment).chance("told when authorised", AUTHORISED_IS_TOLD)
        self._announce(payment, authorised if tell else None)
        return payment

    def capture(self, payment_id: str, amount: int, currency: str) -> Json:
        """Take the money of a payment that was only authorised."""
        payment = self.payments[payment_id]
        order = self.orders.get(payment["order_id"] or "")
        if order is not None and order["status"] == "paid":
            raise Wrong("The capture was declined as the order is already paid")
        if payment["captured"]:
            raise Wrong("This payment has already been captured")
        if payment["status"] != "authorized":
            raise Wrong("Only payments which have been authorized and not yet captured can be captured")
        if amount != payment["amount"]:
            raise Wrong("Capture amount must be equal to the amount authorized", "amount")
        if currency != payment["currency"]:
            raise Wrong("The currency must be that of the payment", "currency")
        self._capture(payment)
        self._announce(payment, None)
        return payment

    def _capture(self, payment: Json) -> None:
        payment.update(status="captured", captured=True, **shape.fees(payment["amount"]))
        order = self.orders.get(payment["order_id"] or "")
        if order is not None:
            order["amount_paid"] += payment["amount"]
            order["amount_due"] -= payment["amount"]
            order["status"] = "attempted" if order["amount_due"] else "paid"

    def refund(
        self, payment_id: str, amount: int | None = None, *, fails: bool = False, **given: Any
    ) -> Json:
        """Give money back, wholly or in part; `given` may name speed, notes and receipt."""
        payment = self.payments[payment_id]
        return self._give_back(payment, refundable(payment, amount), given, fails=fails)

    def _give_back(self, payment: Json, back: int, given: Mapping[str, Any], *, fails: bool = False) -> Json:
        ident, dice = self._named("rfnd", self._names[payment["id"]])
        return self.given_back.add(ident, dice, payment, back, given, fails=fails, name=self._names[ident])

    def handler(self, payment: Json) -> Json:
        """What checkout hands to the browser, once a payment for an order succeeded."""
        order_id, secret = payment["order_id"], self._settings.razorpay_key_secret
        return {
            "razorpay_payment_id": payment["id"],
            "razorpay_order_id": order_id,
            "razorpay_signature": handler_signature(secret, order_id, payment["id"]),
        }

    def parcels_of(self, payment_id: str) -> list[Parcel]:
        """The webhooks that were sent about a payment and its refunds."""
        return self.teller.parcels.get(payment_id, [])

    def rows(self) -> Json:
        """What happened, for the ledger: every order, payment and refund as it is now."""
        tables = {"orders": self.orders, "payments": self.payments, "refunds": self.refunds}
        return {name: [dict(each) for each in table.values()] for name, table in tables.items()}

    def _announce(self, payment: Json, authorised: Json | None) -> None:
        """Tell of a success. Each fact is an event of its own, and they come in any order."""
        facts: dict[str, Json] = {}
        if authorised is not None:
            facts["payment.authorized"] = {"payment": authorised}
        if payment["captured"]:
            facts["payment.captured"] = {"payment": payment}
            order = self.orders.get(payment["order_id"] or "")
            if order is not None and order["status"] == "paid":
                facts["order.paid"] = {"payment": payment, "order": order}
        name, dice = self._names[payment["id"]], self._dice(payment)
        for kind in sorted(facts, key=lambda kind: dice.unit(f"{kind} is told")):
            self.teller.tell(name, kind, facts[kind])

    def _dice(self, payment: Json) -> Dice:
        return Dice(self._plan.seed).at("razorpay", self._names[payment["id"]])
