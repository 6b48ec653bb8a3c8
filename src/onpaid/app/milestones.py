"""How far an order has come: ordered, paid, invoiced, mailed; and how it stands in one sentence.

Everything is counted from the journals, so that "mailed once" means one mail that is known to be out.
"""

from __future__ import annotations

from collections.abc import Sequence

from onpaid.app import words
from onpaid.app.shown import InvoiceShown, Milestone, Mood
from onpaid.clock import as_datetime
from onpaid.domain.money import Money
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment


def milestones_of(
    order: Order | None,
    payments: Sequence[Payment],
    invoices: Sequence[InvoiceShown],
    state: str,
) -> list[Milestone]:
    """Ordered, paid, invoiced, mailed. What is not reached stands as the runs do."""
    mood: Mood = "todo" if state in ("unpaid", "expired", "cancelled", "done") else words.run_mood(state)
    ordered = (
        Milestone("Ordered", "good", order.number, _count(len(order.latest.lines), "line"), as_datetime(order.received_at))
        if order is not None
        else Milestone("Ordered", "wait", "Not here yet", "the shop has not sent this order")
    )
    if payments:
        figure = " + ".join(payment.fact.amount.format() for payment in payments[:3])
        at = as_datetime(min(payment.fact.paid_at for payment in payments))
        paid = Milestone("Paid", "good", figure, _count(len(payments), "payment"), at)
    else:
        paid = Milestone("Paid", "todo", "Expired" if state == "expired" else "Not yet", "")
    numbers = ", ".join(f"No. {each.number}" if each.number else f"id {each.invoice_id}" for each in invoices)
    wanted = max(len(payments), 1)
    rest = _standing(state)
    mailed = [each for each in invoices if each.mailed]
    steps = [paid]
    for name, reached, shown in (("Invoiced", len(invoices), numbers), ("Mailed", len(mailed), "")):
        before = steps[-1].mood
        if reached >= wanted:
            at = max((each.mailed_at for each in mailed if each.mailed_at), default=None)
            note = _sum(invoices) if name == "Invoiced" else ""
            step = Milestone(name, "good", shown or "Sent", note, at if name == "Mailed" else None)
        else:
            missing = f"{reached} of {wanted}" if reached else rest
            step = Milestone(name, mood if before == "good" else "todo", missing if before == "good" else "–", shown)
        steps.append(step)
    return [ordered, *steps]


def headline_of(milestones: Sequence[Milestone], payments: int, state: str, why: str) -> str:
    """How the order stands, in one sentence."""
    if state == "done" and all(each.mood == "good" for each in milestones):
        times = {1: "once", 2: "twice"}.get(payments, f"{payments} times")
        return f"Paid {times}, invoiced {times}, mailed {times}."
    plain_states = {
        "unpaid": "Nobody has paid this order yet.",
        "expired": "Nobody paid this order in time, so it expired. A payment that comes now is still invoiced.",
        "cancelled": "A person ended the work on this order.",
        "done": "The work on this order is done.",
        "ready": "The work on this order goes on any moment now.",
        "running": "This order is being worked on this moment.",
    }
    lead = {
        "doubtful": "A person must look: ",
        "failed": "Stopped: ",
        "waiting": "Waiting: ",
        "sleeping": "Waiting: ",
    }
    return plain_states.get(state) or f"{lead.get(state, '')}{why or state}"


def _standing(state: str) -> str:
    return {
        "doubtful": "In doubt",
        "failed": "Stopped",
        "waiting": "Waiting",
        "sleeping": "Waiting",
        "running": "Under way",
        "ready": "Under way",
    }.get(state, "Not yet")


def _sum(invoices: Sequence[InvoiceShown]) -> str:
    totals = [each.total for each in invoices if each.total is not None]
    if not totals or len({total.currency for total in totals}) > 1:
        return ""
    return Money(sum(total.minor for total in totals), totals[0].currency).format()


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
