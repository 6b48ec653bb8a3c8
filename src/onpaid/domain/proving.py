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
from onpaid.domain.proof_rows import Group, HeldRow, Line, LineState, Looked, TakenRow
from onpaid.domain.proving_causes import Seen, reconcile, show


def payment_ask(payment: str) -> str:
    """The name under which a payment is asked for."""
    return f"payment:{payment}"


def invoice_ask(invoice: int) -> str:
    """The name under which an invoice is asked for."""
    return f"invoice:{invoice}"


def parcel_ask(parcel: str) -> str:
    """The name under which a parcel is asked for."""
    return f"parcel:{parcel}"


def to_ask(group: Group, looked: Looked) -> Iterator[tuple[str, HeldRow]]:
    """What our records name and the lists did not show: to be asked for before it is called missing."""
    taken = {each.payment for each in group.taken}
    invoices = {each.invoice for each in group.invoices}
    parcels = {each.parcel for each in group.parcels}
    for held in group.held:
        asks = []
        if held.source in looked.sources and held.payment not in taken:
            asks.append(payment_ask(held.payment))
        if "invoice" in held.expects and "invoice" in looked.effects and held.invoice not in {0, *invoices}:
            asks.append(invoice_ask(held.invoice))
        if "shipment" in held.expects and "shipment" in looked.effects and held.parcel not in {"", *parcels}:
            asks.append(parcel_ask(held.parcel))
        yield from ((ask, held) for ask in asks if ask not in group.asked)


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
    # Whatever billing tells of is proven to be told, and is not passed over in silence: renewals name no order.
    ours = [each for each in group.taken if each.expected or each.tells or each.payment in held]
    if not (ours or held or seen.findings):
        return None
    unseen = [each for each in held.values() if each.payment not in taken]
    amounts = [each.amount for each in ours] + [each.amount for each in unseen]
    named = [each.charge or each.payment for each in ours] + [each.charge or each.payment for each in unseen]
    refunded = _sums(Money(each.refunded, each.amount.currency) for each in ours if each.refunded)
    state: LineState = "refunded" if refunded else "proven"
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
            else:
                seen.find("missing", "payment", what, "no webhook came", reconcile(taken.at, now))
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
        if row.refunded < row.amount.minor:
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
