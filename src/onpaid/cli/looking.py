"""The commands that look: lists and single things, as the API tells them, drawn for a terminal or printed as JSON."""

from __future__ import annotations

from typing import Any

from onpaid.cli.delivering import delivery_facts
from onpaid.cli.output import console, facts, money, more, print_json, say, table, when
from onpaid.cli.reach import Json, api

NOT_ENDED = ("doubtful", "failed", "running", "ready", "sleeping", "waiting")


def orders(*, search: str | None, state: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """Orders, newest first."""
    with api() as ask:
        page = ask.get("orders", q=search, state=state, limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("order", "state", "placed", "customer", "amount", "why"),
        (
            (
                row["number"],
                (row["state"], row["mood"]),
                when(row["at"]),
                row["customer"],
                ", ".join(money(amount) for amount in row["paid"]) or row["total"],
                (row["why"], row["mood"]),
            )
            for row in [*page.get("without_order", []), *page["items"]]
        ),
        empty="No orders.",
    )
    for hit in page.get("hits", []):
        say(f"Found too: {hit['kind']} {hit['id']}")
    more(page["cursor"])


def order(number: str, *, as_json: bool) -> None:
    """One order and everything that happened."""
    with api() as ask:
        told = ask.get("orders", number)
    if as_json:
        print_json(told)
        return
    say(f"Order {told['number']}: {told['headline']}", "bold")
    facts(
        {
            "shop": told["shop"],
            "placed": when(told["at"]),
            "payments": [f"{each['payment_id']} {money(each['amount'])}" for each in told["payments"]],
            "invoices": [_invoice(each) for each in told["invoices"]],
            "runs": [f"{each['id']} ({each['state']})" for each in told["runs"]],
            "tickets": [f"{each['id']} ({each['state']})" for each in told["tickets"]],
            **delivery_facts(told.get("delivery")),
        }
    )
    console().print()
    table(
        ("when", "what happened", "note"),
        ((when(each["at"]), (each["sentence"], each["mood"]), each["note"]) for each in told["timeline"]),
        empty="Nothing has happened yet.",
    )


def _invoice(invoice: Json) -> str:
    number = invoice["number"] or f"id {invoice['invoice_id']}"
    return f"{number}{', mailed' if invoice['mailed'] else ''}"


def runs(*, state: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """Runs in a state, newest first; without one, every run that has not ended, those that need a person first."""
    with api() as ask:
        if state is not None:
            page = ask.get("runs", state=state, limit=limit, cursor=after)
        else:
            items = [row for each in NOT_ENDED for row in ask.get("runs", state=each, limit=limit)["items"]]
            page = {"items": items[:limit], "cursor": None}
    if as_json:
        print_json(page)
        return
    table(
        ("run", "state", "started", "due", "why"),
        (
            (row["id"], (row["state"], row["mood"]), when(row["started"]), when(row["due_at"]), row["reason"])
            for row in page["items"]
        ),
        empty="No runs." if state else "Every run has ended.",
    )
    more(page["cursor"])


def run(ident: str, *, as_json: bool) -> None:
    """One run, with every attempt of its steps."""
    with api() as ask:
        told = ask.get("runs", ident)
    if as_json:
        print_json(told)
        return
    say(f"{told['id']}: {told['state']}", "bold")
    facts(
        {
            "what": told["title"],
            "why": told["reason"],
            "started": when(told["started"]),
            "due": when(told["due_at"]),
            "ended": when(told["ended"]),
            "about": told["about"],
            "tickets": told["tickets"],
            "result": told["result"],
        }
    )
    console().print()
    table(
        ("step", "kind", "state", "tries", "last attempts"),
        (_step(step) for step in told["steps"]),
        empty="No steps yet.",
    )
    if told.get("settling"):
        doubt = told["settling"]
        say(
            f"\nLook at the provider, then: onpaid runs settle {told['id']} --step '{doubt['step']}' "
            f"--attempt {doubt['attempt']} --done --result '...'   (or --not-done)"
        )
        if doubt.get("hint"):
            say(doubt["hint"], "dim")


def _step(step: Json) -> tuple[Any, ...]:
    attempts = [f"{each['what']}: {each['outcome']}" for each in step["attempts"][-3:]]
    return step["name"], step["kind"], (step["state"], step["mood"]), step["tries"] or "", "; ".join(attempts)


def events(*, verdict: str | None, limit: int, after: str | None, as_json: bool) -> None:
    """Events, newest first."""
    with api() as ask:
        page = ask.get("events", verdict=verdict, limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("event", "type", "received", "verdict", "order", "why"),
        (
            (
                row["key"],
                row["type"],
                when(row["at"]),
                (row["verdict"], row["mood"]),
                row["order"],
                row["reason"],
            )
            for row in page["items"]
        ),
        empty="No events.",
    )
    more(page["cursor"])


def event(key: str, *, as_json: bool) -> None:
    """One event with its body."""
    with api() as ask:
        told = ask.get("events", key)
    if as_json:
        print_json(told)
        return
    row = told["row"]
    say(f"{row['key']}: {row['verdict']}", "bold")
    facts(
        {
            "type": row["type"],
            "why": row["reason"],
            "received": when(row["at"]),
            "created": when(told["created"]),
            "order": row["order"],
            "runs": told["runs"],
            "version": told["api_version"],
            "bytes": told["size"],
        }
    )
    console().print()
    print_json(told["body"])


def tickets(*, state: str, limit: int, after: str | None, as_json: bool) -> None:
    """Tickets, newest first."""
    with api() as ask:
        page = ask.get("tickets", state=state, limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("ticket", "severity", "category", "opened", "times", "what"),
        (
            (row["id"], row["severity"], row["category"], when(row["opened"]), row["times"], row["title"])
            for row in page["items"]
        ),
        empty="No open tickets: nobody has to do anything." if state == "open" else "No tickets.",
    )
    more(page["cursor"])


def ticket(ident: str, *, as_json: bool) -> None:
    """One ticket."""
    with api() as ask:
        told = ask.get("tickets", ident)
    if as_json:
        print_json(told)
        return
    say(told["title"], "bold")
    facts(
        {
            "state": told["state"],
            "severity": told["severity"],
            "category": told["category"],
            "opened": when(told["opened"]),
            "times": told["times"],
            "run": told["run"],
            "order": told["order"],
            "event": told["event"],
            "lane": told["lane"],
            **told["facts"],
            "closed": when(told["closed"]),
            "closed by": told["closed_by"],
        }
    )
    if told["advice"]:
        say(f"\n{told['advice']}")


def lanes(*, as_json: bool) -> None:
    """Every lane."""
    with api() as ask:
        page = ask.get("lanes")
    if as_json:
        print_json(page)
        return
    table(
        ("lane", "state", "waiting", "since", "why"),
        (
            (
                row["name"],
                ("paused", "bad") if row["paused"] else ("open", "good"),
                row["waiting"],
                when(row["since"]),
                row["reason"],
            )
            for row in page["items"]
        ),
        empty="No lanes.",
    )
