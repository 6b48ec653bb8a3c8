"""What a payment must yield, held against what exists: invoices, parcels, messages, billing events. Pure.

Each function looks at one effect of one order and notes what it sees. A refund changes nothing that was made: nothing
mirrors it yet, and an invoice or parcel of money that went back later is as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping

from onpaid.clock import Instant
from onpaid.domain.proof_rows import Group, HeldRow, InvoiceRow, TakenRow
from onpaid.domain.proving_causes import Seen, reconcile, show

GRACE_MS = 10 * 60 * 1000
"""So long after it was paid, a payment that we do not hold may still have its webhook on the way."""
OUT = frozenset({"logged", "accepted", "sent", "delivered", "read", "undeliverable"})
"""States of a message about which nothing is left to do: that a number is not on WhatsApp is nobody's fault."""


def invoices(group: Group, taken: Mapping[str, TakenRow], seen: Seen) -> None:
    """Each payment that is to be invoiced has one invoice over its amount, and no invoice is without its payment."""
    there = {each.invoice: each for each in group.invoices}
    claimed: set[int] = set()
    for held in group.held:
        found = [each for each in there.values() if _is_of(each, held)]
        if (
            not found and len(group.held) == 1
        ):  # accounts that keep no reference of ours: by number and amount
            found = [each for each in there.values() if not each.ours and each.total == held.amount]
        claimed.update(each.invoice for each in found)
        _invoices_of(held, taken.get(held.payment), found, seen)
    lost = {each.charge for each in group.taken} | {each.payment.rpartition("/")[2] for each in group.taken}
    for invoice in there.values():
        # One for money whose payment we lack is that payment's: what is missing is the payment, and said already.
        if invoice.invoice not in claimed and not (invoice.ours and invoice.ours in lost):
            what = (
                f"invoice {_name(invoice)} over {invoice.total.format()} exists, and no payment explains it"
            )
            cause = f"it names the payment {invoice.ours}" if invoice.ours else ""
            seen.find("unexplained", "invoice", what, cause, "credit it in the accounts, if it is nobody's")


def _invoices_of(held: HeldRow, taken: TakenRow | None, found: list[InvoiceRow], seen: Seen) -> None:
    run = held.runs.get("invoice")
    if "invoice" not in held.expects:
        for each in found:
            what = f"invoice {_name(each)} exists, and none is expected for {held.payment}"
            seen.find("unexplained", "invoice", what, "", show(held))
        return
    if not found:
        what = f"no invoice in the accounts for {held.payment}"
        seen.missing(held, taken, "invoice", what, run=run, made=bool(held.invoice))
    if len(found) > 1:
        what = f"{len(found)} invoices for {held.payment}: {', '.join(_name(each) for each in found)}"
        seen.find("double", "invoice", what, "", "credit one of them in the accounts")
    for each in found:
        if each.total != held.amount:
            what = (
                f"invoice {_name(each)} is over {each.total.format()}, and {held.amount.format()} were paid"
            )
            retry = f"onpaid runs retry {run.id}" if run is not None else show(held)
            seen.find("differs", "invoice", what, "", f"credit it in the accounts, then {retry}")


def _is_of(invoice: InvoiceRow, held: HeldRow) -> bool:
    named = bool(invoice.ours) and invoice.ours in (held.payment_id, held.charge)
    return named or (bool(held.invoice) and invoice.invoice == held.invoice)


def _name(invoice: InvoiceRow) -> str:
    return str(invoice.number or invoice.invoice)


def parcels(group: Group, taken: Mapping[str, TakenRow], seen: Seen) -> None:
    """An order of which something is to be shipped has one live parcel, and no other order has any."""
    live = {each.parcel: each for each in group.parcels}
    due = [each for each in group.held if "shipment" in each.expects]
    if len(live) > 1:
        awbs = ", ".join(each.awb for each in live.values())
        ours = f"; ours is {due[0].awb}" if due and due[0].awb else ""
        command = f"cancel one of them at the courier service{ours}"
        seen.find("double", "shipment", f"{len(live)} live parcels for one order: {awbs}", "", command)
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
            seen.missing(held.get(row.payment) or _alone(row), row, "billing event", what, run=row.run)
        else:
            seen.find("missing", "billing event", what, "no webhook came", reconcile(row.at, now))
    return sum(each.billing == "published" for each in taken.values())


def _alone(row: TakenRow) -> HeldRow:
    """A payment of which we hold nothing but its billing event."""
    ident = row.payment.rpartition("/")[2]
    return HeldRow(row.group, row.source, row.payment, ident, row.charge, "", row.amount, row.at)
