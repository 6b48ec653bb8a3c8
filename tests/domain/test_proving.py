"""Proving an order: any one defect that is planted in a period that agrees is found, and none is invented."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.money import Money
from onpaid.domain.proof_rows import (
    Finding,
    Group,
    HeldRow,
    InvoiceRow,
    Line,
    Looked,
    ParcelRow,
    RunTold,
    TakenRow,
)
from onpaid.domain.proving import invoice_ask, number_ask, prove_order, to_ask

NOW = 1_795_262_400_000
HOUR = 3_600_000
ALL = Looked(
    frozenset({"stripe", "razorpay"}),
    frozenset({"payment", "invoice", "shipment", "messages", "billing event"}),
)
change = msgspec.structs.replace


def sold(nth: int, amount: int = 19900, refunded: int = 0, **more: Any) -> Group:
    """An order that was paid at the shop, and invoiced."""
    order, payment = f"10{nth:02}", f"stripe/default/test/pi_{nth}"
    paid = Money(amount, "NOK")
    held = HeldRow(
        order,
        "stripe",
        payment,
        f"pi_{nth}",
        f"ch_{nth}",
        f"konverzky/{order}",
        paid,
        NOW - HOUR,
        ("invoice",),
        {"invoice": RunTold(f"invoice_payment:{payment}", "done")},
        invoice=1000 + nth,
    )
    taken = TakenRow(
        order,
        "stripe",
        payment,
        f"ch_{nth}",
        paid,
        refunded,
        NOW - HOUR,
        tells=True,
        billing="published",
    )
    return Group(
        order, [taken], [change(held, **more)], [InvoiceRow(order, 1000 + nth, paid, nth, f"pi_{nth}")]
    )


def shipped(nth: int, amount: int = 50000, refunded: int = 0, **more: Any) -> Group:
    """An order that was paid at our own checkout, and shipped."""
    order, payment = f"29{nth:02}", f"razorpay/default/test/order_{nth}"
    paid = Money(amount, "INR")
    ship = RunTold(f"ship_paid_order:{payment}", "done")
    held = HeldRow(
        order,
        "razorpay",
        payment,
        f"order_{nth}",
        f"pay_{nth}",
        f"shop/{order}",
        paid,
        NOW - HOUR,
        ("shipment", "messages"),
        {"shipment": ship},
        parcel=f"77{nth}",
        awb=f"awb{nth}",
        told={"order_confirmation": "read", "shipment_created": "delivered"},
    )
    taken = TakenRow(order, "razorpay", payment, f"pay_{nth}", paid, refunded, NOW - HOUR)
    parcels = [ParcelRow(order, f"77{nth}", f"awb{nth}")]
    return Group(order, [taken], [change(held, **more)], parcels=parcels)


def proved(group: Group, looked: Looked = ALL) -> Line:
    line = prove_order(group, looked, NOW)
    assert line is not None
    return line


def kinds(line: Line) -> list[tuple[str, str]]:
    return [(each.kind, each.effect) for each in line.findings]


def only(group: Group, looked: Looked = ALL) -> Finding:
    (finding,) = proved(group, looked).findings
    return finding


# -- planting ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """What is planted into an order, and what must be found."""

    of: Callable[..., Group]
    plant: Callable[[Group], object]
    kind: str
    effect: str


def _late(group: Group) -> None:
    group.invoices.append(InvoiceRow(group.order, 9999, Money(100, "NOK"), 9, "pi_of_nobody"))


def _dearer(rows: list[Any], name: str) -> None:
    amount = getattr(rows[0], name)
    rows[0] = change(rows[0], **{name: Money(amount.minor + 1, amount.currency)})


DEFECTS = {
    "no webhook": Defect(sold, lambda g: (g.held.clear(), g.invoices.clear()), "missing", "payment"),
    "nobody paid": Defect(sold, lambda g: g.taken.clear(), "unexplained", "payment"),
    "other amount taken": Defect(sold, lambda g: _dearer(g.taken, "amount"), "differs", "payment"),
    "paid twice": Defect(
        shipped, lambda g: g.taken.append(change(g.taken[0], charge="pay_again")), "double", "payment"
    ),
    "invoice gone": Defect(sold, lambda g: g.invoices.clear(), "missing", "invoice"),
    "invoice twice": Defect(
        sold, lambda g: g.invoices.append(change(g.invoices[0], invoice=1, number=1)), "double", "invoice"
    ),
    "invoice dearer": Defect(sold, lambda g: _dearer(g.invoices, "total"), "differs", "invoice"),
    "strange invoice": Defect(sold, _late, "unexplained", "invoice"),
    "parcel gone": Defect(shipped, lambda g: g.parcels.clear(), "missing", "shipment"),
    "two parcels": Defect(
        shipped, lambda g: g.parcels.append(ParcelRow(g.order, "1", "another")), "double", "shipment"
    ),
    "strange parcel": Defect(shipped, lambda g: (g.taken.clear(), g.held.clear()), "unexplained", "shipment"),
    "message lost": Defect(
        shipped,
        lambda g: g.held.__setitem__(0, change(g.held[0], told={**g.held[0].told, "shipment_created": ""})),
        "missing",
        "messages",
    ),
    "message given up": Defect(
        shipped,
        lambda g: g.held.__setitem__(
            0, change(g.held[0], told={**g.held[0].told, "order_confirmation": "failed"})
        ),
        "missing",
        "messages",
    ),
    "event not told": Defect(
        sold, lambda g: g.taken.__setitem__(0, change(g.taken[0], billing="")), "missing", "billing event"
    ),
}
groups = st.builds(
    lambda made, nth, amount, back: made(nth, amount, amount * back // 4),
    st.sampled_from([sold, shipped]),
    st.integers(0, 99),
    st.integers(1, 10_000_000),
    st.integers(0, 3),
)


@given(st.lists(groups, max_size=12))
def test_where_everything_agrees_nothing_is_found(orders: list[Group]) -> None:
    for group in orders:
        line = proved(group)
        back = any(each.refunded for each in group.taken)
        assert (line.findings, line.state) == ((), "refunded" if back else "proven")
        assert not list(to_ask(group, ALL))


@given(
    st.lists(groups, max_size=8),
    st.sampled_from(sorted(DEFECTS)),
    st.integers(100, 999),
    st.integers(1, 10_000_000),
    st.integers(0, 3),
)
def test_any_planted_defect_is_found_and_no_other_is_invented(
    others: list[Group], name: str, nth: int, amount: int, back: int
) -> None:
    defect = DEFECTS[name]
    # What went back cannot be paid twice, and what went back wholly needs nothing: parts go back here.
    group = defect.of(nth, amount, amount * back // 4)
    defect.plant(group)
    found = [(group.order, pair) for group in [*others, group] for pair in kinds(proved(group))]
    assert found == [(group.order, (defect.kind, defect.effect))]


def test_money_whose_webhook_never_came_is_brought_in_by_looking_back_far_enough() -> None:
    group = sold(1)
    DEFECTS["no webhook"].plant(group)
    assert only(group).command == "onpaid reconcile --lookback-hours 3"


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_each_finding_says_what_and_what_to_do(name: str) -> None:
    group = DEFECTS[name].of(7)
    DEFECTS[name].plant(group)
    finding = only(group)
    assert finding.what
    assert finding.command


# -- what is no fault --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["ready", "running", "waiting", "sleeping"])
def test_what_a_run_works_at_is_under_way(state: str) -> None:
    group = sold(1, invoice=0, runs={"invoice": RunTold("invoice_payment:x", state)})
    group.invoices.clear()
    line = proved(group)
    assert (line.state, line.under_way, line.findings) == ("under way", ("invoice",), ())


def test_money_of_the_last_minutes_may_have_its_webhook_on_the_way() -> None:
    group = sold(1)
    group.held.clear()
    group.invoices.clear()
    group.taken[0] = change(group.taken[0], at=NOW - 60_000, billing="")
    assert proved(group).under_way == ("payment", "billing event")


def test_money_of_somebody_else_is_no_business_of_ours() -> None:
    taken = change(sold(1).taken[0], expected=False, tells=False)
    assert prove_order(Group("pi_1", [taken]), ALL, NOW) is None


def test_money_that_went_back_before_its_invoice_needs_none() -> None:
    group = sold(1, 100, 100, invoice=0, runs={"invoice": RunTold("r", "failed", "refunded")})
    group.invoices.clear()
    assert (proved(group).state, proved(group).findings) == ("refunded", ())


def test_an_invoice_that_was_made_and_is_gone_is_missing_even_if_the_money_went_back() -> None:
    group = sold(1, 100, 100)
    group.invoices.clear()
    assert kinds(proved(group)) == [("missing", "invoice")]


def test_an_invoice_of_money_whose_webhook_never_came_is_said_once() -> None:
    group = sold(1)
    group.held.clear()
    assert kinds(proved(group)) == [("missing", "payment")]


def test_an_order_of_a_session_without_an_invoice_keeps_no_payment() -> None:
    group = sold(1)
    group.held.clear()
    group.invoices.clear()
    group.taken[0] = change(group.taken[0], kept=True)
    assert proved(group).state == "proven"


def test_two_payments_of_one_order_have_two_invoices() -> None:
    one, other = sold(1), sold(2, 5000)
    both = Group("1001", one.taken + other.taken, one.held + other.held, one.invoices + other.invoices)
    line = proved(both)
    assert (line.state, line.paid, len(line.invoices)) == ("proven", (Money(24900, "NOK"),), 2)


def test_accounts_that_keep_no_reference_are_matched_by_number_and_amount() -> None:
    group = sold(1, invoice=0)
    group.invoices[0] = change(group.invoices[0], ours="")
    assert proved(group).state == "proven"


# -- what was not read -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_nothing_is_said_of_what_was_not_read(name: str) -> None:
    """A source that could not be read makes nothing missing and nothing unexplained."""
    defect, effects = DEFECTS[name], set(ALL.effects)
    group = defect.of(3)
    defect.plant(group)
    if defect.effect == "payment":
        if defect.kind != "unexplained":
            return  # what was read shows it
        looked = Looked(frozenset(), ALL.effects)
    else:
        looked = Looked(ALL.sources, frozenset(effects - {defect.effect}))
    line = prove_order(group, looked, NOW)
    assert line is None or not line.findings


def test_what_our_records_name_is_asked_for_before_it_is_missing() -> None:
    group = sold(1)
    group.invoices.clear()
    assert [ask for ask, _ in to_ask(group, ALL)] == [invoice_ask(1001)]
    group.asked.add(invoice_ask(1001))
    assert [ask for ask, _ in to_ask(group, ALL)] == [number_ask("stripe/default/test/pi_1")]
    group.asked.add(number_ask("stripe/default/test/pi_1"))
    assert not list(to_ask(group, ALL))


# -- causes ------------------------------------------------------------------------------------------------------

CAUSES = [
    (
        RunTold("r:1", "failed", "no VAT rule", ticket="tkt_1"),
        "the run failed: no VAT rule",
        "do what `onpaid tickets show tkt_1` asks, then `onpaid runs retry r:1`",
    ),
    (RunTold("r:1", "doubtful", "no answer"), "the run is in doubt: no answer", "onpaid runs show r:1"),
    (
        RunTold("r:1", "cancelled"),
        "a person cancelled the run",
        "make one in the accounts by hand, with the order reference 1001 and our reference pi_1",
    ),
    (RunTold("r:1", "waiting", lane="fiken"), "the lane fiken is paused", "onpaid lanes resume fiken"),
    (None, "the payment is here, and its run was never started", "onpaid reconcile"),
]


@pytest.mark.parametrize(("run", "cause", "command"), CAUSES)
def test_a_missing_invoice_tells_why_and_what_mends_it(run: RunTold | None, cause: str, command: str) -> None:
    group = sold(1, invoice=0, runs={} if run is None else {"invoice": run})
    group.invoices.clear()
    finding = only(group)
    assert (finding.cause, finding.command) == (cause, command)
    assert finding.ticket == ("" if run is None else run.ticket)
    assert proved(group).waiting is bool(finding.ticket)


def test_a_parcel_of_a_dry_run_is_missing_and_says_so() -> None:
    group = shipped(1, parcel="", awb="", dry_run=True, told={"order_confirmation": "logged"})
    group.parcels.clear()
    finding = only(group)
    assert (finding.cause, finding.command) == ("it was only logged, in a dry run", "onpaid orders ship 2901")


# -- billing events, and what is not expected --------------------------------------------------------------------


def test_a_billing_event_that_is_noted_and_not_published_is_as_far_as_its_run() -> None:
    group = sold(1)
    for run, state in (
        (RunTold("publish:1", "waiting"), "under way"),
        (RunTold("publish:1", "failed"), "off"),
    ):
        group.taken[0] = change(group.taken[0], billing="noted", run=run)
        line = proved(group)
        assert line.state == state
    assert line.findings[0].command == "onpaid runs retry publish:1"


def test_a_billing_event_of_money_that_is_not_kept_has_its_run_too() -> None:
    group = sold(1)
    group.held.clear()
    group.invoices.clear()
    run = RunTold("publish:1", "failed", "no topic", "tkt_9")
    group.taken[0] = change(group.taken[0], kept=True, billing="noted", run=run)
    finding = only(group)
    assert (finding.effect, finding.ticket) == ("billing event", "tkt_9")


def test_an_invoice_for_money_that_is_not_to_be_invoiced_is_unexplained() -> None:
    group = shipped(1)
    group.invoices.append(InvoiceRow(group.order, 1, Money(50000, "INR"), 1, "order_1"))
    assert kinds(proved(group)) == [("unexplained", "invoice")]


def test_a_message_of_a_run_that_ended_without_it_says_so() -> None:
    group = shipped(1, told={"order_confirmation": "", "shipment_created": "read"})
    assert only(group).cause == "the run ended without it"


def test_a_renewal_that_names_no_order_is_proven_to_be_told() -> None:
    renewal = change(sold(1).taken[0], group="pi_1", expected=False)
    line = prove_order(Group("pi_1", [renewal]), ALL, NOW)
    assert line is not None
    assert (line.state, line.events, len(line.paid)) == ("proven", 1, 1)
    untold = prove_order(Group("pi_1", [change(renewal, billing="")]), ALL, NOW)
    assert untold is not None
    assert [(each.kind, each.effect) for each in untold.findings] == [("missing", "billing event")]
