"""The ledger's part about sales at Stripe: sessions, subscriptions, bills, refunds, and who of those that listen was told.

Who listens is each topic that was ever asked for, and each sink that was ever named. What they have to hear follows
from what happened at Stripe; an event is known by its type and by the id of what it is about, wherever that stands.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from onpaid.simulators.kit import Json
from onpaid.simulators.ledger_sales_rows import bill_rows, listeners, session_rows, subscription_rows
from onpaid.simulators.world import Simulators

ENDS: Final = ("subscription.canceled", "subscription.expired")
ONCE: Final = (
    "payment.successful",
    "checkout.completed",
    "checkout.payment_succeeded",
    "checkout.payment_failed",
    "subscription.created",
    "dispute.opened",
    "dispute.closed",
    "invoice.paid",
    *ENDS,
)
FINDINGS: Final = {
    "untold": "something happened, and a listener never heard of it",
    "told_twice": "a listener heard the same of the same under two ids",
    "untrue": "a listener heard of a payment, a session or a subscription that was never made",
    "resurrected": "a listener heard of a subscription after its end",
    "gaps": "a number is missing among what a listener heard of one customer",
    "misordered": "a FIFO topic or a sink heard of one customer in another order than their numbers say",
    "double_customers": "a user has more than one living customer",
    "double_prices": "a product has two active prices over the same amount, due as often",
    "double_sessions": "one reference has more than one session",
    "nameless": "a paid session's payment or subscription does not bear the user's id",
    "mispriced": "a session was paid over another amount than the price list says",
}
"""The lists of the verdict, and what stands in each."""


def sales(simulators: Simulators) -> Json:
    """Everything about sales, as it stands in the ledger."""
    heard = listeners(simulators)
    sessions, subscriptions = session_rows(simulators), subscription_rows(simulators)
    bills = bill_rows(simulators)
    stripe = simulators.stripe
    refunds = [
        {name: refund[name] for name in ("id", "charge", "payment_intent", "amount", "currency", "status")}
        for refund in stripe.refunds.values()
    ]
    troubles = simulators.sales.troubles
    disputes = [
        {name: each[name] for name in ("id", "payment_intent", "amount", "status")}
        for each in troubles.disputes.values()
    ]
    return {
        "counts": {
            "sessions": len(sessions),
            "paid": sum(row["paid"] for row in sessions),
            "bills": sum(row["paid"] for row in bills),
            "subscriptions": dict(Counter(row["status"] for row in subscriptions)),
            "refunds": len(refunds),
            "disputes": len(disputes),
            "customers": sum(not each.get("deleted") for each in stripe.customers.values()),
            "products": len(simulators.sales.catalogue.products),
            "active_prices": sum(each["active"] for each in simulators.sales.catalogue.prices.values()),
            "heard": {name: len(rows) for name, rows in heard.items()},
            "repeats": {name: sum(row["times"] - 1 for row in rows) for name, rows in heard.items()},
        },
        "verdict": verdict(simulators, sessions, heard),
        "sessions": sessions,
        "subscriptions": subscriptions,
        "bills": bills,
        "refunds": refunds,
        "disputes": disputes,
        "heard": heard,
        "sinks": {
            name: {what: count for what, count in row.items() if what != "events"}
            for name, row in simulators.sinks.rows().items()
        },
    }


def due(simulators: Simulators, sessions: list[Json]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What has to be told: the types that will do, and the id of what it is about."""
    for payment in simulators.stripe.payments:
        if payment.charge["captured"]:
            yield ("payment.successful",), payment.intent["id"]
    for row in sessions:
        if row["paid"]:
            yield ("checkout.completed",), row["id"]
        settled = simulators.sales.sessions.settled(row["id"])
        if settled is not None:
            yield (f"checkout.payment_{'succeeded' if settled else 'failed'}",), row["id"]
    for ident, invoice in simulators.sales.invoices.all.items():
        if invoice["status"] == "paid":
            yield ("invoice.paid",), ident
    for ident, each in simulators.sales.subscriptions.all.items():
        ended = each["status"] in ("canceled", "incomplete_expired")
        yield (ENDS if ended else ("subscription.created",)), ident
    went_back = {
        event["data"]["object"]["id"]
        for event in simulators.stripe.events.values()
        if event["type"].startswith("refund.") and event["data"]["object"]["status"] == "succeeded"
    }
    for refund in simulators.stripe.refunds.values():
        if refund["status"] == "failed":  # that it had gone back may come too late to be told
            yield ("payment.refund_failed",), refund["id"]
        elif refund["id"] in went_back:
            yield ("payment.refunded",), refund["id"]
    for ident, dispute in simulators.sales.troubles.disputes.items():
        over = dispute["status"] in ("won", "lost")  # then that it was opened may come too late to be told
        yield ("dispute.closed" if over else "dispute.opened",), ident


def verdict(simulators: Simulators, sessions: list[Json], heard: Mapping[str, list[Json]]) -> Json:
    """What is missing, double, untrue or out of order. Every list that is not empty is a finding."""
    found: dict[str, list[str]] = {name: [] for name in FINDINGS}
    wanted = list(due(simulators, sessions))
    for listener, rows in heard.items():
        told: dict[str, set[str]] = defaultdict(set)
        for row in rows:
            for ident in row["about"]:
                told[ident].add(str(row["type"]))
        found["untold"] += [
            f"{listener}: {types[0]} {ident}" for types, ident in wanted if not told[ident] & set(types)
        ]
        for name, what in _of_listener(
            simulators, rows, ordered=listener.endswith(".fifo") or "sink " in listener
        ):
            found[name].append(f"{listener}: {what}")
    for name, what in _of_catalogue(simulators, sessions):
        found[name].append(what)
    return {name: sorted(each) for name, each in found.items()}


def _of_listener(simulators: Simulators, rows: list[Json], *, ordered: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with what one listener heard."""
    once = Counter((row["type"], row["subject"]) for row in rows if row["type"] in ONCE)
    for (kind, subject), count in once.items():
        if count > 1:
            yield "told_twice", f"{kind} {subject}"
    stripe, made = simulators.stripe, simulators.sales
    paid = {payment.intent["id"] for payment in stripe.payments if payment.charge["captured"]}
    known = {
        "payment.successful": paid,
        "checkout.completed": made.sessions.all,
        **dict.fromkeys(("subscription.created", "subscription.updated", *ENDS), made.subscriptions.all),
    }
    ended: set[str] = set()
    numbers: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        kind, subject = str(row["type"]), str(row["subject"])
        if kind in known and subject not in known[kind]:
            yield "untrue", f"{kind} {subject}"
        if subject in ended:
            yield "resurrected", f"{kind} {subject}"
        if kind in ENDS:
            ended.add(subject)
        if isinstance(row["sequence"], int):
            numbers[str(row["customer"])].append(row["sequence"])
    for customer, each in numbers.items():
        if set(each) != set(range(min(each), max(each) + 1)):
            yield "gaps", customer
        if ordered and each != sorted(each):
            yield "misordered", customer


def _of_catalogue(simulators: Simulators, sessions: list[Json]) -> Iterator[tuple[str, str]]:
    """What is wrong with what was filed at Stripe."""
    stripe, made = simulators.stripe, simulators.sales
    users = Counter(
        each["metadata"]["userId"]
        for each in stripe.customers.values()
        if not each.get("deleted") and "userId" in each["metadata"]
    )
    prices = Counter(
        (each["product"], each["currency"], each["unit_amount_decimal"], str(each["recurring"]))
        for each in made.catalogue.prices.values()
        if each["active"]
    )
    references = Counter(row["reference"] for row in sessions if row["reference"])
    doubled = {
        "double_customers": users,
        "double_prices": Counter({" ".join(each): count for each, count in prices.items()}),
        "double_sessions": references,
    }
    for name, counted in doubled.items():
        yield from ((name, str(each)) for each, count in counted.items() if count > 1)
    amounts = {each.ident: (each.amount, each.currency) for each in simulators.settings.prices}
    for row in sessions:
        if not row["paid"] or row["user"] is None:
            continue
        bearer = stripe.intents.get(row["payment_intent"] or "") or made.subscriptions.all.get(
            row["subscription"] or ""
        )
        if bearer is not None and bearer["metadata"].get("userId") != row["user"]:
            yield "nameless", row["id"]
        wanted = amounts.get(row["prices"][0]) if len(row["prices"]) == 1 else None
        if wanted is not None and wanted != (row["amount"], row["currency"]):
            yield "mispriced", row["id"]
