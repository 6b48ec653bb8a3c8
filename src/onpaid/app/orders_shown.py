"""One order as a row and as a page: how far it has come, and everything that is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from onpaid.app import words
from onpaid.app.journals import dots_of
from onpaid.app.masking import Mask
from onpaid.app.masks import mask_customer, mask_email, mask_words, private_words, recipient_words
from onpaid.app.shown_orders import (
    ChangeShown,
    InvoiceShown,
    LineShown,
    OrderRow,
    PaymentShown,
    RevisionShown,
)
from onpaid.app.words_delivery import stage_of
from onpaid.clock import as_datetime
from onpaid.domain.amounts import gross_of
from onpaid.domain.decimals import plain
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.invoices import InvoiceRef
from onpaid.domain.money import Money, exponent, known_currency
from onpaid.domain.orders import Customer, Order, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.engine.journal import Run
from onpaid.errors import OnpaidError
from onpaid.repositories.orders import Allocation

WORST_FIRST = ("doubtful", "failed", "waiting", "sleeping", "running", "ready", "done", "cancelled")
_FACT = msgspec.json.Decoder(PaymentSucceeded)
_INVOICE = msgspec.json.Decoder(InvoiceRef)


def paid_fact(run: Run) -> PaymentSucceeded | None:
    """The payment that a run tells of."""
    try:
        return _FACT.decode(run.fact)
    except msgspec.DecodeError:
        return None


def state_of(order: Order | None, runs: Sequence[Run]) -> str:
    """The state of the whole: that of the run which most needs attention, or that nobody has paid yet."""
    states = {run.state for run in runs}
    for state in WORST_FIRST:
        if state in states:
            return state
    if order is not None and order.sold:
        return "done"
    return "expired" if order is not None and order.expired_at is not None else "unpaid"


def telling(runs: Sequence[Run], state: str) -> Run | None:
    """The run that says why an order stands so: of one that waits for another, the other."""
    by_id = {run.id: run for run in runs}
    found = next((run for run in runs if run.state == state), None)
    seen: set[str] = set()
    while found is not None and found.id not in seen:
        seen.add(found.id)
        waited = (thing.removeprefix("run:") for thing in found.wake if thing.startswith("run:"))
        child = next((by_id[name] for name in waited if name in by_id and by_id[name].ended is None), None)
        if child is None:
            return found
        found = child
    return found


def total_of(revision: Revision, prices_include_vat: bool | None) -> str | None:
    """What the order costs: as its shop says, else as its lines come to, where that can be known."""
    currency = revision.currency
    if revision.total is not None:
        return f"{currency or ''} {_price(revision.total, currency)}".strip()
    if currency is None or not known_currency(currency) or prices_include_vat is None:
        return None
    try:
        return gross_of(revision.lines, prices_include_vat, currency).shown()
    except OnpaidError:
        return None


def sum_of(amounts: Sequence[Money]) -> str:
    """Amounts of one currency added up; of several, side by side."""
    if not amounts:
        return ""
    if len({amount.currency for amount in amounts}) > 1:
        return " + ".join(amount.format() for amount in amounts)
    return Money(sum(amount.minor for amount in amounts), amounts[0].currency).format()


def order_row(
    key: str, order: Order | None, runs: Sequence[Run], mask: Mask, *, total: str | None, personal: bool
) -> OrderRow:
    """One order in a list. `runs` are those that count; without an order it is money that waits for one."""
    shop, _, number = key.partition("/")
    state = state_of(order, runs)
    paid = [fact for fact in map(paid_fact, runs) if fact is not None]
    customer = order.latest.customer if order is not None else None
    customer = customer or next((fact.billing for fact in paid if fact.billing), None) or Customer()
    name, email = customer.name or customer.company or "", customer.email or ""
    at = order.received_at if order is not None else min((run.started for run in runs), default=0)
    fulfilment = None if order is None else order.fulfilment
    stage, stage_mood = ("", words.run_mood(state)) if fulfilment is None else stage_of(fulfilment)
    told = telling(runs, state)
    if state != "done":
        why = mask.text("" if told is None else told.reason)
    else:
        why = _invoices_in_short(runs) if fulfilment is None else _parcel_in_short(fulfilment)
    return OrderRow(
        key=order.key if order is not None else key,
        number=order.number if order is not None else number,
        shop=shop,
        known=order is not None,
        state=state,
        mood=words.run_mood(state),
        why=why,
        customer=name if personal or not name else mask_words(name),
        email=email if personal or not email else mask_email(email),
        steps=[dot for run in runs for dot in dots_of(run, outside=fulfilment is not None)],
        total=total,
        paid=[fact.amount for fact in paid],
        paid_sum=sum_of([fact.amount for fact in paid]),
        at=as_datetime(at),
        stage=stage,
        stage_mood=stage_mood,
    )


def private_of(order: Order | None, payments: Sequence[Payment]) -> Iterator[str]:
    """Every word about the customers of an order that other texts must not tell."""
    for revision in order.revisions if order is not None else ():
        yield from private_words(revision.customer)
    if order is not None and order.fulfilment is not None:
        yield from recipient_words(order.fulfilment.recipient)
    for payment in payments:
        yield from private_words(payment.fact.billing)


def customer_of(order: Order | None, payments: Sequence[Payment], *, personal: bool) -> Customer | None:
    """Who bought: as the order says, else as the payment does."""
    told = order.latest.customer if order is not None else None
    customer = told or next((payment.fact.billing for payment in payments if payment.fact.billing), None)
    return customer if customer is None or personal else mask_customer(customer)


def revisions_of(
    order: Order, allocation: Allocation, totals: Sequence[str | None], mask: Mask
) -> list[RevisionShown]:
    """Every state of the order, oldest first."""
    return [
        RevisionShown(
            number=revision.number,
            at=as_datetime(revision.received_at),
            event=revision.event,
            lines=[
                LineShown(
                    key=line.key,
                    name=mask.text(line.name),
                    quantity=plain(line.quantity),
                    unit_price=_price(line.unit_price, revision.currency),
                    vat_percent=plain(Decimal(line.vat_percent)),
                    payment=taken.payment if (taken := allocation.taken.get(line.key)) else None,
                )
                for line in revision.lines
            ],
            currency=revision.currency,
            total=total,
        )
        for revision, total in zip(order.revisions, totals, strict=True)
    ]


def payment_shown(payment: Payment) -> PaymentShown:
    """One payment and what happened to it since."""
    fact = payment.fact
    return PaymentShown(
        key=fact.key,
        payment_id=fact.payment_id,
        charge_id=fact.charge_id,
        order=fact.order,
        amount=fact.amount,
        at=as_datetime(fact.paid_at),
        live=fact.live,
        changes=[
            ChangeShown(change.what, change.amount, as_datetime(change.happened_at))
            for change in payment.changes
        ],
    )


def invoices_of(runs: Sequence[Run]) -> list[InvoiceShown]:
    """The invoices that runs have made, as far as their journals tell."""
    found: list[InvoiceShown] = []
    for run in runs:
        steps = {step.name: step for step in run.steps if step.state == "done" and step.result}
        made = steps.get("read invoice") or steps.get("create invoice")
        if made is None:
            continue
        try:
            invoice = _INVOICE.decode(made.result)
        except msgspec.DecodeError:
            continue
        mail = steps.get("send receipt")
        counted = steps.get("count dispatches")
        mailed = mail is not None or (counted is not None and bytes(counted.result) not in (b"0", b"null"))
        at = mail.attempts[-1].ended if mail is not None and mail.attempts else None
        at_known = None if at is None else as_datetime(at)
        found.append(
            InvoiceShown(run.id, invoice.invoice_id, invoice.number, invoice.total, mailed, at_known)
        )
    return found


def _invoices_in_short(runs: Sequence[Run]) -> str:
    """What a finished order has come to: its invoices' numbers."""
    numbers = [str(invoice.number or invoice.invoice_id) for invoice in invoices_of(runs)]
    return f"invoice {' and '.join(numbers)}" if numbers else ""


def _parcel_in_short(fulfilment: Fulfilment) -> str:
    """What a finished delivery has come to: its parcel's AWB."""
    parcel = fulfilment.parcel
    return f"AWB {parcel.awb}" if parcel is not None and parcel.awb else ""


def _price(amount: Decimal, currency: str | None) -> str:
    """A price of the shop with the decimals of its currency, and no digit of the shop's left out."""
    places = exponent(currency) if currency is not None and known_currency(currency) else 2
    told = int(amount.normalize().as_tuple().exponent)
    return f"{amount:,.{max(places, -told)}f}"
