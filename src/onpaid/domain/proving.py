"""Proving one order: rows of what was paid and what exists in, its line with findings out. Pure.

A finding is something expected and missing, there and unexplained, over another amount, or there twice. What a run
still works at is under way and no finding; what went back is listed as refunded, since nothing mirrors a refund yet.
Nothing is called missing before it was asked for by name (`to_ask`): a list has edges, and may trail behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from onpaid.clock import Instant
from onpaid.domain import proving_effects as effects
from onpaid.domain.money import Money
from onpaid.domain.proof_rows import Group, HeldRow, InvoiceRow, Line, LineState, Looked, TakenRow, ToldRow
from onpaid.domain.proving_causes import Seen, all_back, moves, show, unheard

UNMATCHED = "make its invoice by hand, or give the money back: one of `onpaid tickets list` has its event"
"""What is to be done about money that bears our sign and names no order."""
NOT_TOLD = "waiting"
"""The state of a run that keeps a bill which says that nobody told of its session: it waits for nothing else."""


def payment_ask(payment: str) -> str:
    """The name under which a payment is asked for."""
    return f"payment:{payment}"


def invoice_ask(invoice: int) -> str:
    """The name under which an invoice is asked for."""
    return f"invoice:{invoice}"


def parcel_ask(parcel: str) -> str:
    """The name under which a parcel is asked for."""
    return f"parcel:{parcel}"


def credit_ask(invoice: int, credit: int) -> str:
    """The name under which a credit note is asked for."""
    return f"credit:{invoice}/{credit}"


def number_ask(payment: str) -> str:
    """The name under which a payment's invoice is asked for by its order's number."""
    return f"number:{payment}"


def told_ask(payment: str) -> str:
    """The name under which the payment of a billing event is asked for."""
    return f"told:{payment}"


def to_ask(group: Group, looked: Looked) -> Iterator[tuple[str, HeldRow | InvoiceRow | ToldRow]]:
    """What our records name and the lists did not show: to be asked for before it is called missing. And how much the
    credit notes on an invoice take back of it: lists name them, and say no more."""
    taken = {each.payment for each in group.taken}
    invoices = {each.invoice for each in group.invoices}
    parcels = {each.parcel for each in group.parcels}
    for held in group.held:
        asks = []
        if held.source in looked.sources and held.payment not in taken:
            asks.append(payment_ask(held.payment))
        noted = invoice_ask(held.invoice)
        gone = held.invoice not in {0, *invoices} and noted not in group.asked
        if "invoice" in held.expects and "invoice" in looked.effects and gone:
            asks.append(noted)
        elif "invoice" in held.expects and "invoice" in looked.effects and _may_be_by_hand(group, held):
            asks.append(number_ask(held.payment))
        if "shipment" in held.expects and "shipment" in looked.effects and held.parcel not in {"", *parcels}:
            asks.append(parcel_ask(held.parcel))
        yield from ((ask, held) for ask in asks if ask not in group.asked)
    known = {each.credit for each in group.credits}
    for invoice in group.invoices if "invoice" in looked.effects else ():
        credits = ((credit_ask(invoice.invoice, each), each) for each in invoice.credits if each not in known)
        yield from ((ask, invoice) for ask, _ in credits if ask not in group.asked)
    real = taken | {each.payment for each in group.held} | {each.payment for each in group.told if each.real}
    for told in group.told if "stripe" in looked.sources else ():
        ask = told_ask(told.payment)
        if told.payment and told.payment not in real and ask not in group.asked:
            yield ask, told


def _may_be_by_hand(group: Group, held: HeldRow) -> bool:
    """Whether somebody may have made the invoice by hand, later than the list reaches, since no run makes it any more."""
    if not held.order or moves(held.runs.get("invoice")) or effects.invoices_of(group, held):
        return False
    taken = next((each for each in group.taken if each.payment == held.payment), None)
    return not all_back(taken, held)


def prove_order(group: Group, looked: Looked, now: Instant) -> Line | None:
    """The order's line; None where nothing of it is any business of ours."""
    taken = {each.payment: each for each in group.taken}
    held = {each.payment: each for each in group.held}
    seen = Seen()
    for payment in dict.fromkeys([*taken, *held]):
        _payment(taken.get(payment), held.get(payment), looked, now, seen)
    _paid_twice(group.taken, seen)
    if "invoice" in looked.effects:
        effects.invoices(group, taken, seen)
    if "shipment" in looked.effects:
        effects.parcels(group, taken, seen)
    messages = events = 0
    if "messages" in looked.effects:
        messages = sum(effects.messages(each, taken.get(each.payment), seen) for each in held.values())
    if "billing event" in looked.effects:
        events = effects.billing_events(taken, held, now, seen)
    effects.told(group, taken, looked, seen)
    # Whatever billing tells of is proven to be told, and is not passed over in silence: some of it is no order of ours.
    ours = [each for each in group.taken if each.expected or each.tells or each.payment in held]
    if not (ours or held or seen.findings):
        return None
    unseen = [each for each in held.values() if each.payment not in taken]
    amounts = [each.amount for each in ours] + [each.amount for each in unseen]
    named = [each.charge or each.payment for each in ours] + [each.charge or each.payment for each in unseen]
    refunded = _sums(Money(each.refunded, each.amount.currency) for each in ours if each.refunded)
    state: LineState = "refunded" if refunded else "proven"
    asked = {each.source for each in group.taken} | {
        name for each in group.held for name in (each.source, *each.expects)
    }
    if looked.unread & asked:
        state = "unread"
    if seen.findings or seen.under_way:
        state = "off" if seen.findings else "under way"
    return Line(
        order=group.order,
        state=state,
        paid=_sums(amounts),
        refunded=refunded,
        payments=tuple(dict.fromkeys(named)),
        invoices=tuple(dict.fromkeys(str(each.number or each.invoice) for each in group.invoices)),
        parcels=tuple(dict.fromkeys(each.awb for each in group.parcels)),
        messages=messages,
        events=events,
        under_way=tuple(dict.fromkeys(seen.under_way)),
        findings=tuple(seen.findings),
        key=next((each.order for each in held.values() if each.order), ""),
    )


def _payment(taken: TakenRow | None, held: HeldRow | None, looked: Looked, now: Instant, seen: Seen) -> None:
    """Whether money that was taken is here, over the same amount; and whether what is here was taken."""
    if taken is not None and held is None:
        if taken.expected and not taken.kept:
            what = f"{taken.amount.format()} were taken as {taken.payment}, and we do not hold the payment"
            if now - taken.at < effects.GRACE_MS:
                seen.under_way.append("payment")
            elif taken.trouble:
                seen.find("missing", "payment", what, taken.trouble, UNMATCHED)
            elif taken.keeper is not None and (taken.keeper.lane or taken.keeper.state != NOT_TOLD):
                seen.missing(effects.alone(taken), taken, "payment", what, run=taken.keeper)
            elif taken.event and taken.keeper is None:
                why = "its bill was told of before bills became orders"
                seen.find("missing", "payment", what, why, f"onpaid events replay {taken.event}")
            else:
                seen.find("missing", "payment", what, *unheard(taken, now))
    elif taken is None and held is not None:
        if held.source in looked.sources:
            what = f"we hold the payment {held.payment}, and {held.source} took no such money"
            seen.find(
                "unexplained", "payment", what, "it is of another account, or of the other mode", show(held)
            )
    elif taken is not None and held is not None and taken.amount != held.amount:
        here, there = held.amount.format(), taken.amount.format()
        what = f"the payment {held.payment} is {here} here and {there} at {held.source}"
        seen.find(
            "differs", "payment", what, "it was captured in part, or changed after its event", show(held)
        )


def _paid_twice(rows: Iterable[TakenRow], seen: Seen) -> None:
    """Several takings under one payment, of which more than one was kept."""
    kept: dict[str, set[str]] = {}
    for row in rows:
        if row.expected and row.refunded < row.amount.minor:
            kept.setdefault(row.payment, set()).add(row.charge)
    for payment, charges in kept.items():
        if len(charges) > 1:
            what = f"{payment} was paid {len(charges)} times: {', '.join(sorted(charges))}"
            seen.find("double", "payment", what, "the customer paid again", "give one of them back")


def _sums(amounts: Iterable[Money]) -> tuple[Money, ...]:
    """One sum for each currency."""
    sums: dict[str, int] = {}
    for each in amounts:
        sums[each.currency] = sums.get(each.currency, 0) + each.minor
    return tuple(Money(minor, currency) for currency, minor in sorted(sums.items()))
