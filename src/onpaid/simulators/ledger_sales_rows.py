"""The rows of the ledger's part about sales: sessions, subscriptions, their bills, and what each listener heard.

Who listens is each topic that was ever asked for, and each sink that was ever named.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from onpaid.simulators.kit import Json
from onpaid.simulators.world import Simulators

NAMES: Final = re.compile(r"\b(?:pi|sub|cs_test|cs_live|re|dp|in|ch|cus)_[A-Za-z0-9]+")


def session_rows(simulators: Simulators) -> list[Json]:
    """One row a session."""
    found = []
    for ident, session in simulators.sales.sessions.all.items():
        paid = session["status"] == "complete" and session["payment_status"] != "unpaid"
        intent = simulators.stripe.intents.get(session["payment_intent"] or "")
        charge = simulators.stripe.charges.get(intent["latest_charge"] or "") if intent else None
        found.append(
            {
                **{name: session[name] for name in ("id", "mode", "status", "payment_status", "customer")},
                "paid": paid,
                "user": session["metadata"].get("userId"),
                "reference": session["client_reference_id"],
                "prices": [line["price"]["lookup_key"] for line in simulators.sales.sessions.lines[ident]],
                "amount": session["amount_total"],
                "currency": (session["currency"] or "").upper(),
                "payment_intent": session["payment_intent"],
                "subscription": session["subscription"],
                "refunded": charge["amount_refunded"] if charge is not None else 0,
                "order_number": simulators.sales.sessions.number(ident),
                "created": session["created"],
            }
        )
    return found


def subscription_rows(simulators: Simulators) -> list[Json]:
    """One row a subscription, as it is now."""
    return [
        {
            **{name: each[name] for name in ("id", "status", "customer", "cancel_at_period_end", "ended_at")},
            "user": each["metadata"].get("userId"),
            "reason": each["cancellation_details"]["reason"],
            "prices": [item["price"]["lookup_key"] for item in each["items"]["data"]],
            "period_end": max(item["current_period_end"] for item in each["items"]["data"]),
        }
        for each in simulators.sales.subscriptions.all.values()
    ]


def bill_rows(simulators: Simulators) -> list[Json]:
    """One row for each invoice of a subscription at Stripe; `order_number` is that of the order which it is paid for."""
    invoices, between = simulators.sales.invoices, simulators.sales.invoices.payments.values()
    intents = {each["invoice"]: each["payment"]["payment_intent"] for each in between}
    return [
        {
            **{name: each[name] for name in ("id", "status", "billing_reason", "customer")},
            "paid": each["status"] == "paid" and each["amount_paid"] > 0,
            "amount": each["total"],
            "currency": each["currency"].upper(),
            "payment_intent": intents.get(ident),
            "subscription": each["parent"]["subscription_details"]["subscription"],
            "order_number": invoices.number(ident),
        }
        for ident, each in invoices.all.items()
    ]


def listeners(simulators: Simulators) -> dict[str, list[Json]]:
    """What each listener heard, in the order of first arrival, and how often each came."""
    found: dict[str, list[Json]] = {}
    for arn, rows in simulators.sns.rows().items():
        seen: dict[str, Json] = {}
        for row in rows:
            body = row["body"] if isinstance(row["body"], dict) else {}
            heard = seen.setdefault(str(body.get("id")), _heard(body))
            heard["times"] += 1
        found[arn] = list(seen.values())
    for name, book in simulators.sinks.rows().items():
        found[f"sink {name}"] = [{**_heard(row["body"]), "times": row["times"]} for row in book["events"]]
    return found


def _heard(body: Mapping[str, Any]) -> Json:
    return {
        "id": body.get("id"),
        "type": body.get("type"),
        "subject": body.get("subject"),
        "customer": body.get("customerId") or body.get("subject"),
        "sequence": body.get("sequence"),
        "about": sorted(set(NAMES.findall(json.dumps(body)))),
        "times": 0,
    }
