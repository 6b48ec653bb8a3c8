"""A payment becomes one invoice for the lines that it pays for, and one mail with it.

The run is keyed by the payment, so every event about the same money, a replay and a reconciliation meet in it. A
second payment of an order pays for lines not yet invoiced, or is a ticket: the customer may have paid twice.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from onpaid.clock import as_instant
from onpaid.domain.customers import contact_details, merge_customers
from onpaid.domain.dates import due_date, issue_date, time_zone
from onpaid.domain.invoices import ContactDetails, ContactRef, InvoiceDraft, InvoiceRef, Receipt, draw_up
from onpaid.domain.orders import Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.domain.texts import invoice_text, receipt_message
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.flows.rules import Rules
from onpaid.providers.roles import Invoicing, PaymentSource
from onpaid.repositories.orders import LinesTaken, Orders
from onpaid.repositories.references import References
from onpaid.store.local import NotYet

NAMESPACE = UUID("6f1d1f0e-5d0c-5a8e-9a53-0f6f0c6b7a11")
"""From which invoices' uuids are derived; never to be changed."""


def _same(one: PaymentSucceeded, other: PaymentSucceeded) -> bool:
    return one.order == other.order and one.amount == other.amount


@flow(
    on=PaymentSucceeded,
    key=lambda paid: paid.key,
    about=lambda paid: [f"order:{paid.order}"],
    same=_same,
    when=lambda paid: "invoice" in paid.expects,
)
async def invoice_payment(
    ctx: Context,
    paid: PaymentSucceeded,
    *,
    orders: Orders,
    payment_source: PaymentSource,
    invoicing: Invoicing,
    references: References,
    rules: Rules,
) -> InvoiceRef:
    await ctx.wait_for(
        "order",
        orders.look_order,
        paid.order,
        at_most=rules.order_wait,
        every=rules.look_again,
        giving_up=lambda missing: _no_order(paid, missing),
    )
    await ctx.wait_for(
        "lines to pay for",
        orders.look_lines,
        paid,
        at_most=rules.mismatch_wait,
        every=rules.look_again,
        giving_up=lambda misfit: _misfit(paid, misfit),
    )
    payment = await ctx.step("read payment", payment_source.fetch_payment, paid)
    _must_be_untouched(paid, payment)
    lines = await ctx.wait_for(
        "take lines",
        orders.take_lines,
        paid,
        payment.amount,
        at_most=rules.mismatch_wait,
        every=rules.look_again,
        giving_up=lambda misfit: _misfit(paid, misfit),
    )

    known: Customer | None = None
    if payment.customer_id is not None:
        known = await ctx.step("fetch customer", payment_source.fetch_customer, payment.customer_id)
    contact = contact_details(
        merge_customers(known, payment.billing or paid.billing, lines.customer), paid.account
    )
    filed = await ctx.call("file contact", contact, ContactRef)

    draft = _draw_up(ctx, paid, payment, lines, contact, filed, rules)
    invoice = await ctx.step("create invoice", invoicing.create_invoice, draft, find=invoicing.find_invoice)
    booked = await ctx.step("read invoice", invoicing.fetch_invoice, invoice.invoice_id)
    ids = {"invoice": str(invoice.invoice_id)}
    if booked.number is not None:
        ids["invoice-number"] = str(booked.number)
    await ctx.step("note invoice", references.note, lines.order, as_instant(ctx.started), ids)
    _must_be_exact(draft, booked)

    sent_before = await ctx.step("count dispatches", invoicing.count_dispatches, invoice.invoice_id)
    if sent_before == 0:
        receipt = Receipt(
            invoice_id=invoice.invoice_id,
            to_email=contact.email,
            to_name=contact.name,
            message=receipt_message(contact.language, lines.number, contact.customer.name),
        )
        await ctx.step("send receipt", invoicing.send_receipt, receipt, find=invoicing.find_dispatch)
    return booked


def _draw_up(
    ctx: Context,
    paid: PaymentSucceeded,
    payment: PaymentDetails,
    lines: LinesTaken,
    contact: ContactDetails,
    filed: ContactRef,
    rules: Rules,
) -> InvoiceDraft:
    """The invoice. Its uuid is the run's, so the payment's and not the order's: one order may have two invoices."""
    issued = issue_date(as_instant(ctx.started), time_zone(rules.time_zone))
    return InvoiceDraft(
        uuid=str(uuid5(NAMESPACE, f"{ctx.run_id}/create invoice")),
        order_reference=lines.number,
        contact_id=filed.contact_id,
        total=payment.amount,
        lines=draw_up(
            lines.lines,
            vat=rules.vat,
            country=contact.country,
            on=issued,
            prices_include_vat=lines.prices_include_vat,
            captured=payment.amount,
            order_currency=lines.currency,
            order_total=lines.order_total if lines.whole_order else None,
        ),
        issue_date=issued,
        due_date=due_date(issued, cash=rules.cash_invoice, days=rules.due_days),
        cash=rules.cash_invoice,
        text=invoice_text(contact.language, lines.number),
        our_reference=paid.payment_id,
    )


def _must_be_untouched(paid: PaymentSucceeded, payment: PaymentDetails) -> None:
    """Between the event and now the money may have gone back: then there is nothing to invoice without a person."""
    facts = {"payment": paid.payment_id, "order": paid.order, "captured": payment.amount.format()}
    if not payment.captured or payment.amount.minor <= 0:
        raise Problem("The payment is not captured (any more): no invoice", category="payment", facts=facts)
    if payment.refunded.minor:
        facts["refunded"] = payment.refunded.format()
        raise Problem(
            "The payment was refunded before its invoice: make the invoice for what is left by hand, or cancel the run",
            category="payment",
            facts=facts,
        )
    if payment.disputed:
        raise Problem(
            "The payment is disputed: no invoice until a person decides", category="payment", facts=facts
        )


def _must_be_exact(draft: InvoiceDraft, booked: InvoiceRef) -> None:
    """The accounts must hold exactly what was paid, or the customer is not told."""
    if booked.total is not None and booked.total != draft.total:
        raise Problem(
            "The invoice in the accounts does not come to what was paid; it was not mailed. Credit it, make the "
            "right one there by hand, and cancel this run",
            category="invoice",
            severity="critical",
            facts={
                "paid": draft.total.format(),
                "invoice": booked.total.format(),
                "invoice_id": booked.invoice_id,
            },
        )


def _no_order(paid: PaymentSucceeded, missing: NotYet) -> Problem:
    return Problem(
        f"Paid, but no order: {paid.amount.format()} came for order {paid.order}, which the shop never sent",
        category="order",
        severity="high",
        facts={"payment": paid.payment_id, "order": paid.order, "amount": paid.amount.format()},
    )


def _misfit(paid: PaymentSucceeded, misfit: NotYet) -> Problem:
    """Both figures, and the likeliest reason."""
    titles = {
        "none-left": "Paid twice? Every line of the order is invoiced already; refund this payment, or add its lines",
        "ambiguous": "Several sets of lines fit this payment: the shop must say which it pays for",
    }
    return Problem(
        titles.get(misfit.kind, f"The payment does not fit the order: {misfit.why}"),
        category="payment" if misfit.kind == "none-left" else "invoice",
        facts={**misfit.facts, "payment": paid.payment_id, "order": paid.order, "why": misfit.why},
    )
