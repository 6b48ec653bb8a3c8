"""The ledger: what really happened at the shop, at Stripe and at Fiken, and whether it fits together.

This is the oracle of every end-to-end test. The verdict compares both ways, order by order: each captured payment
needs one invoice over its amount, each invoice needs its payment, and each invoice one mail. What was paid at
Razorpay has a part of its own, `delivery`, and so has what was sold by sessions at Stripe, `sales`.
"""

from collections import Counter, defaultdict
from typing import Any

from onpaid.simulators.fiken_books import FikenBooks
from onpaid.simulators.kit import Json
from onpaid.simulators.ledger_delivery import delivery
from onpaid.simulators.ledger_sales import sales
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.world import Simulators

Money = tuple[int, str]


def ledger(simulators: Simulators) -> Json:
    """Everything, as `GET /_ledger` gives it."""
    stripe, fiken, shop = simulators.stripe, simulators.fiken, simulators.konverzky
    payments, invoices = payment_rows(stripe), invoice_rows(fiken)
    orders = [
        {
            "order_number": order.number,
            "total": order.minor_units(),
            "currency": order.currency,
            "email": (order.customer or {}).get("email"),
            "webhooks": list(order.told),
        }
        for order in shop.orders.values()
    ]
    contacts = [
        {
            "contact_id": ident,
            "name": contact["name"],
            "email": contact.get("email"),
            "member_number": contact.get("memberNumberString"),
            "inactive": contact["inactive"],
        }
        for ident, contact in fiken.contacts.items()
    ]
    return {
        "seed": simulators.plan.seed,
        "faults": sorted(simulators.plan.active),
        "faults_injected": dict(sorted(simulators.plan.injected.items())),
        "counts": {
            "orders": len(orders),
            "payments": sum(row["captured"] for row in payments),
            "refunds": len(stripe.refunds),
            "customers": len(stripe.customers),
            "contacts": len(contacts),
            "invoices": len(invoices),
            "drafts": len(fiken.drafts),
            "mails": len(fiken.mails),
            "concurrent_calls": fiken.concurrent_calls,
            "busiest_second": fiken.busiest_second,
            "landing": len(simulators.landing),
        },
        "verdict": verdict(payments, invoices, contacts),
        "delivery": delivery(simulators),
        "sales": sales(simulators),
        "by_order": by_order(list(shop.orders), payments, invoices),
        "orders": orders,
        "payments": payments,
        "contacts": contacts,
        "invoices": invoices,
        "mails": list(fiken.mails),
        "fiken_calls": dict(sorted(fiken.calls.items())),
        "webhooks": simulators.sender.counts(),
        "forged": {**simulators.sender.forged, "accepted_names": list(simulators.sender.forgeries_accepted)},
    }


def payment_rows(stripe: Stripe) -> list[Json]:
    """One row a payment; `amount` is what was captured, 0 for a mere authorisation."""
    return [
        {
            "payment_intent": payment.intent["id"],
            "charge": payment.charge["id"],
            "order_number": payment.order_number,
            "amount": payment.charge["amount_captured"],
            "currency": payment.charge["currency"].upper(),
            "captured": payment.charge["captured"],
            "authorised": payment.charge["amount"],
            "refunded": payment.charge["amount_refunded"],
            "customer": payment.charge["customer"],
            "email": payment.charge["billing_details"]["email"],
        }
        for payment in stripe.payments
    ]


def invoice_rows(fiken: FikenBooks) -> list[Json]:
    """One row an invoice, with the number of mails that took it."""
    mails = Counter(mail["invoice_id"] for mail in fiken.mails)
    return [
        {
            "invoice_id": invoice.ident,
            "invoice_number": invoice.number,
            "uuid": invoice.uuid,
            "order_reference": invoice.asked.get("orderReference"),
            "gross": invoice.gross,
            "currency": invoice.currency,
            "customer_id": invoice.asked["customerId"],
            "cash": invoice.asked["cash"],
            "mails": mails[invoice.ident],
        }
        for invoice in fiken.invoices.values()
    ]


def by_order(numbers: list[str], payments: list[Json], invoices: list[Json]) -> Json:
    """The ids that belong to each order number, an unknown number of an invoice included."""
    found: dict[str, Json] = {}

    def row(number: str | None) -> Json:
        fresh: Json = {"ordered": False, "payments": [], "contacts": [], "invoices": [], "mails": 0}
        return found.setdefault(str(number), fresh)

    for number in numbers:
        row(number)["ordered"] = True
    for payment in payments:
        row(payment["order_number"])["payments"].append(payment["payment_intent"])
    for invoice in invoices:
        mine = row(invoice["order_reference"])
        mine["invoices"].append(invoice["invoice_id"])
        mine["mails"] += invoice["mails"]
        if invoice["customer_id"] not in mine["contacts"]:
            mine["contacts"].append(invoice["customer_id"])
    return found


def verdict(payments: list[Json], invoices: list[Json], contacts: list[Json]) -> Json:
    """What is missing, double or unexplained; counts and names."""
    due: dict[str, list[Json]] = defaultdict(list)
    for payment in payments:
        if payment["captured"] and payment["amount"] > 0 and payment["order_number"] is not None:
            due[payment["order_number"]].append(payment)
    missing: list[str] = []
    double: list[int] = []
    unexplained: list[int] = []
    matched: list[Json] = []
    have: dict[str, list[Json]] = defaultdict(list)
    for invoice in invoices:
        have[str(invoice["order_reference"])].append(invoice)
    for number in due.keys() | have.keys():
        owed: dict[Money, list[Json]] = defaultdict(list)
        for payment in due.get(number, ()):
            owed[payment["amount"], payment["currency"]].append(payment)
        known = set(owed)
        for invoice in have.get(number, ()):
            money = invoice["gross"], invoice["currency"]
            if owed[money]:
                owed[money].pop()
                matched.append(invoice)
            else:
                (double if money in known else unexplained).append(invoice["invoice_id"])
        missing += [payment["payment_intent"] for rest in owed.values() for payment in rest]
    emails: Counter[Any] = Counter(contact["email"] for contact in contacts if not contact["inactive"])
    return {
        "paid": sum(len(rows) for rows in due.values()),
        "invoiced": len(matched),
        "mailed": sum(invoice["mails"] > 0 for invoice in matched),
        "missing": sorted(missing),
        "double": sorted(double),
        "unexplained": sorted(unexplained),
        "unmailed": sorted(invoice["invoice_id"] for invoice in invoices if invoice["mails"] == 0),
        "mailed_twice": sorted(invoice["invoice_id"] for invoice in invoices if invoice["mails"] > 1),
        "doubled_contacts": sorted(str(email) for email, count in emails.items() if email and count > 1),
    }
