"""What a payment must yield, held against what exists: invoices, parcels, messages, billing events. Pure.

Each function looks at one effect of one order and notes what it sees. A refund changes nothing that was made: nothing
mirrors it yet, and an invoice or parcel of money that went back later is as it should be.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from onpaid.clock import Instant
from onpaid.domain.proof_rows import Group, HeldRow, InvoiceRow, Looked, TakenRow
from onpaid.domain.proving_causes import Seen, all_back, by_hand, reconcile

GRACE_MS = 10 * 60 * 1000
"""So long after it was paid, a payment that we do not hold may still have its webhook on the way."""
OUT = frozenset({"logged", "accepted", "sent", "delivered", "read", "undeliverable"})
"""States of a message about which nothing is left to do: that a number is not on WhatsApp is nobody's fault."""


def invoices(group: Group, taken: Mapping[str, TakenRow], seen: Seen) -> None:
    """Each payment that is to be invoiced has one invoice over its amount, and no invoice is without its payment.

    One that was taken back by credit notes is no invoice any more: that is how somebody mends one that is too many.
    """
    claimed: set[int] = set()
    for held in group.held:
        found = invoices_of(group, held)
        claimed.update(each.invoice for each in found)
        _invoices_of(group, held, taken.get(held.payment), found, seen)
    lost = {each.charge for each in group.taken} | {each.payment.rpartition("/")[2] for each in group.taken}
    for invoice in _live(group):
        # One for money whose payment we lack is that payment's: what is missing is the payment, and said already.
        if invoice.invoice not in claimed and not (invoice.ours and invoice.ours in lost):
            what = (
                f"invoice {_name(invoice)} over {invoice.total.format()} exists, and no payment explains it"
            )
            cause = f"it names the payment {invoice.ours}" if invoice.ours else ""
            seen.find("unexplained", "invoice", what, cause, "credit it in the accounts, if it is nobody's")


def invoices_of(group: Group, held: HeldRow) -> list[InvoiceRow]:
    """The invoices of a payment: by our reference or by what its run noted; in accounts that keep no reference of ours, by
    number and amount."""
    live = _live(group)
    found = [each for each in live if is_of(each, held)]
    if found or len(group.held) > 1:
        return found
    return [each for each in live if not each.ours and each.total == held.amount]


def _live(group: Group) -> list[InvoiceRow]:
    return [
        each
        for each in {each.invoice: each for each in group.invoices}.values()
        if not _taken_back(group, each)
    ]


def _invoices_of(
    group: Group, held: HeldRow, taken: TakenRow | None, found: list[InvoiceRow], seen: Seen
) -> None:
    run = held.runs.get("invoice")
    if "invoice" not in held.expects:
        for each in found:
            what = f"invoice {_name(each)} exists, and none is expected for {held.payment}"
            seen.find("unexplained", "invoice", what, "", "credit it in the accounts, if it is nobody's")
        return
    if not found:
        _no_invoice(group, held, taken, seen)
    if len(found) > 1:
        what = f"{len(found)} invoices for {held.payment}: {', '.join(_name(each) for each in found)}"
        ours = next((_name(each) for each in found if each.invoice == held.invoice), "")
        keep = f"; its run made {ours}" if ours else ""
        seen.find("double", "invoice", what, "", f"credit one of them in the accounts{keep}")
    paid = held.amount.minor
    fits = {paid, paid - (0 if taken is None else taken.refunded)}
    for each in found:
        total = each.total.minor
        agrees = each.total.currency == held.amount.currency
        if not agrees or not fits & {total, total - group.credited(each)}:
            what = (
                f"invoice {_name(each)} is over {each.total.format()}, and {held.amount.format()} were paid"
            )
            failed = run is not None and run.state == "failed"
            done = f", and then `onpaid runs cancel {run.id}`" if run is not None and failed else ""
            seen.find(
                "differs",
                "invoice",
                what,
                "",
                f"credit it in the accounts, and {by_hand(held)}{done}",
                "" if run is None else run.ticket,
            )


def _no_invoice(group: Group, held: HeldRow, taken: TakenRow | None, seen: Seen) -> None:
    """There is none, or there was: one that somebody credited since is wanted again only if the money is still here."""
    back = [each for each in group.invoices if is_of(each, held)]
    if not back:
        what = f"no invoice in the accounts for {held.payment}"
        seen.missing(held, taken, "invoice", what, run=held.runs.get("invoice"), made=bool(held.invoice))
    elif not all_back(taken, held):
        names = ", ".join(dict.fromkeys(_name(each) for each in back))
        what = f"no invoice in the accounts for {held.payment}, but for what was credited"
        seen.find("missing", "invoice", what, f"it was made as {names}, and credited since", by_hand(held))


def _taken_back(group: Group, invoice: InvoiceRow) -> bool:
    return 0 < invoice.total.minor <= group.credited(invoice)


def is_of(invoice: InvoiceRow, held: HeldRow) -> bool:
    """Whether an invoice names this payment, or is the one that its run noted."""
    named = bool(invoice.ours) and invoice.ours in (held.payment_id, held.charge)
    return named or (bool(held.invoice) and invoice.invoice == held.invoice)


def _name(invoice: InvoiceRow) -> str:
    return str(invoice.number or invoice.invoice)


def parcels(group: Group, taken: Mapping[str, TakenRow], seen: Seen) -> None:
    """An order of which something is to be shipped has one live parcel, and no other order has any."""
    live = {each.parcel: each for each in group.parcels}
    due = [each for each in group.held if "shipment" in each.expects]
    under_way = [each for each in live.values() if not each.back]
    if len(under_way) > 1:
        awbs = ", ".join(each.awb for each in under_way)
        ours = f"; ours is {due[0].awb}" if due and due[0].awb else ""
        command = f"cancel one of them at the courier service{ours}"
        seen.find("double", "shipment", f"{len(under_way)} live parcels for one order: {awbs}", "", command)
    if due and not live:
        held = due[0]
        what = f"no live parcel at the courier service for {held.payment}"
        run = held.runs.get("shipment")
        seen.missing(
            held, taken.get(held.payment), "shipment", what, run=run, made=bool(held.awb) and not held.dry_run
        )
    explained = any("shipment" in each.expects or each.gone or each.parcel for each in group.held)
    if not explained and not any(each.expected for each in taken.values()):
        for parcel in live.values():
            what = f"the parcel {parcel.awb} is live, and no paid order explains it"
            seen.find(
                "unexplained", "shipment", what, "", "cancel it at the courier service, if it is nobody's"
            )


def messages(held: HeldRow, taken: TakenRow | None, seen: Seen) -> int:
    """The messages that are due went out. Answers how many did."""
    if "messages" not in held.expects:
        return 0
    for template, state in held.told.items():
        if state not in OUT:
            run = held.runs.get(template) or held.runs.get("shipment")
            what = f"the message {template} {'was given up' if state else 'was never sent'} ({held.payment})"
            seen.missing(held, taken, "messages", what, run=run)
    return sum(state in OUT for state in held.told.values())


def billing_events(
    taken: Mapping[str, TakenRow], held: Mapping[str, HeldRow], now: Instant, seen: Seen
) -> int:
    """Each payment that is to be told of has its `payment.successful`. Answers how many have."""
    for row in taken.values():
        if not row.tells or row.billing == "published":
            continue
        if now - row.at < GRACE_MS:
            seen.under_way.append("billing event")
            continue
        what = f"payment.successful of {row.payment} is not published"
        if row.run is not None:
            seen.missing(held.get(row.payment) or alone(row), row, "billing event", what, run=row.run)
        else:
            seen.find("missing", "billing event", what, "no webhook came", reconcile(row.at, now))
    return sum(each.billing == "published" for each in taken.values())


def told(group: Group, taken: Mapping[str, TakenRow], looked: Looked, seen: Seen) -> None:
    """What we told others has its payment: they have acted on it, and nobody can take a word back."""
    real = {*taken, *(each.payment for each in group.told if each.real)}
    for each in {(each.effect, each.name, each.payment): each for each in group.told}.values():
        if each.effect == "messages":
            what = f"the message {each.name} went out, and no payment of its order explains it"
            seen.find("unexplained", "messages", what, "", f"onpaid orders show {shlex.quote(each.group)}")
        elif each.payment not in real and "stripe" in looked.sources:
            what = f"payment.successful of {each.payment} was told, and Stripe took no such money"
            cause = (
                "it is of another account, or of the other mode, or its webhook was no webhook of Stripe's"
            )
            seen.find(
                "unexplained", "billing event", what, cause, f"tell whoever listens that {each.name} is void"
            )


def alone(row: TakenRow) -> HeldRow:
    """A payment of which we hold nothing but its billing event."""
    ident = row.payment.rpartition("/")[2]
    return HeldRow(row.group, row.source, row.payment, ident, row.charge, "", row.amount, row.at)
