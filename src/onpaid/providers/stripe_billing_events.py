"""What Stripe's events mean for billing: what others must learn of payments, refunds, disputes and invoices.

Pure. A subscription's invoice that is paid is also a bill to be kept. Each piece of news is named by what happened: a subject, and a mark that is the same for every event about the
same happening and another for the next one. What is told of payments holds for every PaymentIntent of the account.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from onpaid.clock import Instant, iso
from onpaid.domain.billing import BillingType, Value
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.events import Envelope, Judged
from onpaid.providers import stripe_billing_wire as wire
from onpaid.providers import stripe_session_events as sessions
from onpaid.providers.stripe_reading import news
from onpaid.providers.stripe_wire import linked

TYPES: Final = (
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
    "invoice.paid",
    "invoice.payment_failed",
    *sessions.TYPES,
)
"""What is understood beside the events about payments, where billing events are told."""

_PAYMENT: Final[dict[str, BillingType]] = {
    "payment_intent.succeeded": "payment.successful",
    "payment_intent.payment_failed": "payment.failed",
    "payment_intent.requires_action": "payment.action_required",
}


def judge(envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
    """The facts of billing in an event, or why there are none. Raises a Problem for an amount that cannot be read,
    and msgspec's errors for a shape that is not known."""
    kind, at = envelope.type, envelope.created_at or received_at
    for beginning, judged in _JUDGES:
        if kind.startswith(beginning):
            return judged(envelope, body, at)
    return Judged(ignored=f"nobody must learn of {kind}")


def _payment(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    kind = _PAYMENT.get(envelope.type)
    if kind is None:
        return Judged(ignored=f"nobody must learn of {envelope.type}")
    intent = wire.INTENT.decode(body).data.object
    second, error = at // 1000, intent.last_payment_error or wire.ErrorTold()
    minor, mark, reason = intent.amount, "", None
    if kind == "payment.successful":
        if intent.status != "succeeded" or intent.amount_received <= 0:
            return Judged(ignored="nothing was received")
        minor = intent.amount_received
    elif kind == "payment.failed":
        mark, reason = intent.attempt(second), error.decline_code or error.code
    else:
        mark, reason = str(second), intent.next_action.type if intent.next_action else None
    data: dict[str, Value] = {
        "paymentIntentId": intent.id,
        "chargeId": linked(intent.latest_charge),
        "status": intent.status,
        "reason": reason,
    }
    return news(
        envelope,
        at,
        kind,
        intent.id,
        mark,
        linked(intent.customer),
        intent.metadata,
        minor,
        intent.currency,
        data,
    )


def _refund(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    refund = wire.REFUND.decode(body).data.object
    payment, charge = linked(refund.payment_intent), linked(refund.charge)
    subject = payment or charge
    if subject is None:
        return Judged(ignored="it names neither a charge nor a payment of ours")
    kind: BillingType
    if refund.status == "succeeded" and envelope.type != "refund.failed":
        kind, reason = "payment.refunded", refund.reason
    elif refund.status == "failed" or envelope.type == "refund.failed":
        kind, reason = "payment.refund_failed", refund.failure_reason or refund.reason
    else:
        return Judged(ignored=f"the refund is {refund.status}: it is told once the money went back")
    data: dict[str, Value] = {
        "paymentIntentId": payment,
        "chargeId": charge,
        "refundId": refund.id,
        "status": refund.status,
        "reason": reason,
    }
    customer, metadata = linked(refund.customer), refund.metadata or {}
    return news(
        envelope, at, kind, subject, refund.id, customer, metadata, refund.amount, refund.currency, data
    )


def _dispute(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    dispute = wire.DISPUTE.decode(body).data.object
    payment, charge = linked(dispute.payment_intent), linked(dispute.charge)
    subject = payment or charge
    if subject is None:
        return Judged(ignored="it names neither a charge nor a payment of ours")
    what, evidence = envelope.type.rpartition(".")[2], dispute.evidence_details or wire.EvidenceTold()
    kind: BillingType = "dispute.updated"
    seen = (
        what,
        dispute.status,
        dispute.amount,
        evidence.due_by,
        evidence.submission_count,
        evidence.has_evidence,
    )
    mark = f"{dispute.id}/" + "/".join(map(str, seen))
    if what == "created":
        kind, mark = "dispute.opened", dispute.id
    elif what == "closed":
        kind, mark = "dispute.closed", f"{dispute.id}/{dispute.status}"
    data: dict[str, Value] = {
        "paymentIntentId": payment,
        "chargeId": charge,
        "disputeId": dispute.id,
        "status": dispute.status,
        "reason": dispute.reason,
        "change": what,
        "evidenceDueBy": iso(evidence.due_by * 1000) if evidence.due_by else None,
    }
    metadata = dispute.metadata or {}
    return news(envelope, at, kind, subject, mark, None, metadata, dispute.amount, dispute.currency, data)


def _invoice(envelope: Envelope, body: bytes, at: Instant) -> Judged:
    if envelope.type not in TYPES:
        return Judged(ignored=f"nobody must learn of {envelope.type}")
    invoice = wire.INVOICE.decode(body).data.object
    paid = envelope.type == "invoice.paid"
    kind: BillingType = "invoice.paid" if paid else "invoice.payment_failed"
    data: dict[str, Value] = {
        "invoiceId": invoice.id,
        "number": invoice.number,
        "subscriptionId": invoice.subscription_id,
        "status": invoice.status,
        "reason": invoice.billing_reason,
        "attemptCount": invoice.attempt_count,
        "nextPaymentAttempt": iso(invoice.next_payment_attempt * 1000)
        if invoice.next_payment_attempt
        else None,
    }
    minor, mark = (invoice.amount_paid, "") if paid else (invoice.amount_due, str(invoice.attempt_count))
    customer, metadata = linked(invoice.customer), invoice.all_metadata
    told = news(envelope, at, kind, invoice.id, mark, customer, metadata, minor, invoice.currency, data)
    if not paid or invoice.subscription_id is None:
        return told
    bill = SubscriptionPaid(
        envelope.account, invoice.id, invoice.subscription_id, envelope.live, at, event=envelope.event_id
    )
    return Judged(facts=(*told.facts, bill))


_JUDGES: Final[tuple[tuple[str, Callable[[Envelope, bytes, Instant], Judged]], ...]] = (
    ("payment_intent.", _payment),
    ("refund.", _refund),
    ("charge.refund.", _refund),
    ("charge.dispute.", _dispute),
    ("invoice.", _invoice),
    (sessions.SUBSCRIPTION, sessions.judge_subscription),
    (sessions.SESSION, sessions.judge_session),
)
