"""How far an order has come: ordered, paid, invoiced, mailed; and how it stands in one sentence.

Everything is counted from the journals, so that "mailed once" means one mail that is known to be out.
"""

from __future__ import annotations

from collections.abc import Sequence

from onpaid.app import words
from onpaid.app.orders_shown import sum_of, total_of
from onpaid.app.shown import Mood
from onpaid.app.shown_orders import InvoiceShown, Milestone
from onpaid.clock import as_datetime
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment

_STANDING = {
    "doubtful": "In doubt",
    "failed": "Stopped",
    "waiting": "Waiting",
    "sleeping": "Waiting",
    "running": "Under way",
    "ready": "Under way",
}
_PLAIN = {
    "unpaid": "Nobody has paid this order yet.",
    "expired": "Nobody paid this order in time, so it expired. A payment that comes now is still invoiced.",
    "cancelled": "A person ended the work on this order.",
    "done": "The work on this order is done.",
    "ready": "The work on this order goes on any moment now.",
    "running": "This order is being worked on this moment.",
}
_LEAD = {
    "doubtful": "A person must look: ",
    "failed": "Stopped: ",
    "waiting": "Waiting: ",
}


def milestones_of(
    order: Order | None, payments: Sequence[Payment], invoices: Sequence[InvoiceShown], state: str
) -> list[Milestone]:
    """Ordered, paid, invoiced, mailed. What is not reached stands as the runs do; what nobody expects is left open."""
    paid = _paid(payments, state)
    if order is not None and order.sold and not any("invoice" in each.fact.expects for each in payments):
        nothing = [Milestone(name, "todo", "Not expected", "") for name in ("Invoiced", "Mailed")]
        return [_ordered(order), paid if payments else _by_subscription(order), *nothing]
    invoiced = _reached("Invoiced", len(invoices), len(payments), paid.mood, state)
    if invoiced.mood == "good":
        numbers = ", ".join(
            f"No. {each.number}" if each.number else f"id {each.invoice_id}" for each in invoices
        )
        invoiced = Milestone(
            "Invoiced", "good", numbers, sum_of([each.total for each in invoices if each.total])
        )
    mails = [each for each in invoices if each.mailed]
    mailed = _reached("Mailed", len(mails), len(payments), invoiced.mood, state)
    if mailed.mood == "good":
        at = max((each.mailed_at for each in mails if each.mailed_at), default=None)
        mailed = Milestone("Mailed", "good", _count(len(mails), "mail"), "", at)
    return [_ordered(order), paid, invoiced, mailed]


def _ordered(order: Order | None) -> Milestone:
    if order is None:
        return Milestone("Ordered", "wait", "Not here yet", "the shop has not sent it")
    lines = _count(len(order.latest.lines), "line")
    return Milestone("Ordered", "good", lines, "", as_datetime(order.received_at))


def _by_subscription(order: Order) -> Milestone:
    """A sale without a payment of its own: its subscription has it, or there was nothing to pay."""
    total = total_of(order.latest, order.latest.prices_include_vat)
    if not order.latest.total or total is None:
        return Milestone("Paid", "good", "Nothing to pay", "")
    return Milestone("Paid", "good", total, "by its subscription", as_datetime(order.received_at))


def _paid(payments: Sequence[Payment], state: str) -> Milestone:
    if not payments:
        return Milestone("Paid", "todo", "Expired" if state == "expired" else "Not yet", "")
    figure = sum_of([payment.fact.amount for payment in payments])
    first = as_datetime(min(payment.fact.paid_at for payment in payments))
    return Milestone(
        "Paid", "good", figure, _count(len(payments), "payment") if len(payments) > 1 else "", first
    )


def _reached(name: str, reached: int, wanted: int, before: Mood, state: str) -> Milestone:
    """A milestone that so many of the payments have reached."""
    if wanted and reached >= wanted:
        return Milestone(name, "good", "", "")
    if before != "good":
        return Milestone(name, "todo", "–", "")
    mood: Mood = words.run_mood(state) if state in _STANDING else "todo"
    return Milestone(
        name, mood, _STANDING.get(state, "Not yet"), f"{reached} of {wanted}" if wanted > 1 else ""
    )


def headline_of(milestones: Sequence[Milestone], payments: int, state: str, why: str) -> str:
    """How the order stands, in one sentence."""
    if state == "done" and all(each.mood == "good" for each in milestones):
        if payments > 1:
            return f"{payments} payments, {payments} invoices, {payments} mails: each exactly once."
        return "Paid once, invoiced once, mailed once."
    told = f"{_LEAD.get(state, '')}{why or state}"
    return _PLAIN.get(state) or told[:1].upper() + told[1:]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
