"""What goes another way than "paid" at Stripe: tries that fail or need the customer, disputes, refunds that bounce.

Everything keeps to the PaymentIntent of its key, so that a later try of the same payment succeeds on the same one.
"""

from typing import Any

from onpaid.simulators import stripe_billing_shapes as shapes
from onpaid.simulators import stripe_objects as shape
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe import Pay, Stripe

DECLINED = "Your card was declined."
ACTION = {
    "type": "redirect_to_url",
    "redirect_to_url": {"return_url": None, "url": "https://hooks.stripe.example/3ds"},
}
AT_WORK = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


class Troubles:
    """The unhappy ends of one account's payments."""

    def __init__(self, stripe: Stripe, clock: Clock) -> None:
        self._stripe, self._clock = stripe, clock
        self.forget()

    def forget(self) -> None:
        self.disputes: dict[str, Json] = {}

    def fail(self, pay: Pay, code: str = "card_declined") -> Json:
        """A try that the bank refuses: a failed charge, and a PaymentIntent that waits for another card."""
        intent, key = self._intent(pay), str(pay.key)
        charge_id = self._stripe.charge_id(key)
        charge = shape.charge(charge_id, intent["id"], billing=pay.billing, **self._about(pay))
        charge.update(paid=False, status="failed", failure_code=code, failure_message=DECLINED)
        charge["outcome"] = {
            **charge["outcome"],
            "network_status": "declined_by_network",
            "reason": "generic_decline",
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        }
        self._stripe.charges[charge_id] = charge
        told = {
            "charge": charge_id,
            "code": code,
            "decline_code": "generic_decline",
            "message": DECLINED,
            "type": "card_error",
        }
        intent.update(
            status="requires_payment_method",
            latest_charge=charge_id,
            last_payment_error=told,
            next_action=None,
        )
        self._stripe.tell(key, "charge.failed", charge)
        self._stripe.tell(key, "payment_intent.payment_failed", intent)
        return intent

    def require_action(self, pay: Pay) -> Json:
        """A try that waits until the customer has shown who they are."""
        intent = self._intent(pay)
        intent.update(status="requires_action", next_action=ACTION)
        self._stripe.tell(str(pay.key), "payment_intent.requires_action", intent)
        return intent

    def process(self, pay: Pay) -> Json:
        """A bank debit that is on its way, for days."""
        intent = self._intent(pay)
        intent.update(status="processing", payment_method_types=["sepa_debit"])
        self._stripe.tell(str(pay.key), "payment_intent.processing", intent)
        return intent

    def _intent(self, pay: Pay) -> Json:
        """The PaymentIntent of the key, made if this is the first try."""
        ident = self._stripe.ident("pi", str(pay.key))
        if ident not in self._stripe.intents:
            made = shape.payment_intent(ident, **self._about(pay))
            made.update(status="requires_payment_method", amount_capturable=0)
            self._stripe.intents[ident] = made
        return self._stripe.intents[ident]

    def _about(self, pay: Pay) -> Json:
        return {
            "amount": pay.amount,
            "currency": pay.currency.lower(),
            "created": int(self._clock.now()),
            "livemode": self._stripe.livemode,
            "customer": pay.customer,
            "metadata": dict(pay.metadata),
            "receipt_email": (pay.billing or {}).get("email"),
        }

    def settle_refund(self, refund_id: str, *, ok: bool) -> Json:
        """A refund comes through, or bounces: the money is the shop's again. KeyError if there is none."""
        refund = self._stripe.refunds[refund_id]
        if refund["status"] in ("failed", "canceled"):
            raise ValueError(f"the refund is {refund['status']} already")
        payment = self._stripe.payment_of(refund["charge"])
        before = refund["status"]
        refund["status"] = "succeeded" if ok else "failed"
        if not ok:
            refund["failure_reason"] = "lost_or_stolen_card"
            payment.charge["amount_refunded"] -= refund["amount"]
            payment.charge["refunded"] = False
        self._stripe.tell(refund_id, "refund.updated", refund, {"status": before})
        if not ok:
            self._stripe.tell(refund_id, "refund.failed", refund)
        return refund

    def dispute(self, charge_id: str, amount: int | None = None, reason: str = "fraudulent") -> Json:
        """The buyer's bank takes money back. KeyError if there is no such payment."""
        charge = self._stripe.payment_of(charge_id).charge
        if charge["disputed"]:
            raise ValueError("This charge has already been disputed")
        most = charge["amount_captured"]
        taken = most if amount is None else amount
        if not 0 < taken <= most:
            raise ValueError(f"a dispute may be over 1 to {most}")
        now, ident = int(self._clock.now()), self._stripe.ident("dp", charge["id"])
        made = shapes.dispute(
            ident, charge, amount=taken, created=now, reason=reason, livemode=self._stripe.livemode
        )
        self.disputes[ident] = made
        charge["disputed"] = True
        self._stripe.tell(ident, "charge.dispute.created", made)
        self._stripe.tell(ident, "charge.dispute.funds_withdrawn", made)
        return made

    def answer_dispute(self, ident: str) -> Json:
        """The shop hands in its evidence: the bank looks at it."""
        return self._move(ident, "under_review", "charge.dispute.updated")

    def close_dispute(self, ident: str, *, won: bool) -> Json:
        """The bank decides."""
        made = self._move(ident, "won" if won else "lost", "charge.dispute.closed")
        if won:
            self._stripe.tell(ident, "charge.dispute.funds_reinstated", made)
        return made

    def _move(self, ident: str, status: str, kind: str) -> Json:
        made = self.disputes[ident]
        before: dict[str, Any] = {"status": made["status"]}
        if made["status"] not in AT_WORK:
            raise ValueError(f"the dispute is {made['status']} already")
        made["status"] = status
        self._stripe.tell(ident, kind, made, before if kind.endswith("updated") else None)
        return made
