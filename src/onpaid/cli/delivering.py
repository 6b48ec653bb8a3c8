"""The commands of the story of delivery: decide, ship, cancel, look after a parcel; products and sellers.

As everywhere, each goes through the API: it counts the same with a running server or without. Without one, what was
started goes on at the next `onpaid serve`.
"""

from __future__ import annotations

import sys
from typing import Any

import typer

from onpaid.cli.output import console, facts, money, more, print_json, say, table, when
from onpaid.cli.reach import Api, Json, api
from onpaid.errors import NotPossible

PAGE = 100


def decide(number: str, *, ship: bool, as_json: bool) -> None:
    """Decide about an order that is held."""
    with api() as ask:
        told = ask.post("orders", number, "decide", body={"choice": "ship" if ship else "refund"})
    what = "it is shipped with what there is" if ship else "its money goes back, wholly"
    _tell(
        told,
        f"Order {number} is decided: {what}. `onpaid orders show {number}` shows how it goes on.",
        as_json=as_json,
    )


def ship(number: str, *, as_json: bool) -> None:
    """Book a further parcel."""
    with api() as ask:
        told = ask.post("orders", number, "ship")
    _tell(told, f"A parcel is being booked for order {number}, by the run {told['run']}.", as_json=as_json)


def ship_dry_run_ones(*, yes: bool, as_json: bool) -> None:
    """Book real parcels for the orders whose parcels were only logged, after a question."""
    from rich.progress import Progress

    shipped: list[str] = []
    refused: dict[str, str] = {}
    with api() as ask:
        numbers = _dry_run_ones(ask)
        if numbers and not yes:
            _ask_whether(numbers)
        with Progress(console=console(errors=True), transient=True) as progress:
            for number in progress.track(numbers, description="booking"):
                try:
                    ask.post("orders", number, "ship")
                    shipped.append(number)
                except NotPossible as error:
                    refused[number] = str(error)
    if as_json:
        print_json({"shipped": shipped, "refused": refused})
        return
    for number, why in refused.items():
        say(f"Order {number} is left out: {why}", "yellow")
    if not numbers:
        say("No parcel was only logged: there is nothing to book.")
    else:
        say(f"{_parcels(len(shipped))} being booked. `onpaid runs list` shows what is still under way.")


def _dry_run_ones(ask: Api) -> list[str]:
    """The numbers of the orders whose present parcel was only logged."""
    numbers: list[str] = []
    cursor: str | None = None
    while True:
        page = ask.get("shipments", dry_run="yes", limit=PAGE, cursor=cursor)
        numbers += [each["number"] for each in page["items"] if each["current"]]
        cursor = page["cursor"]
        if cursor is None:
            return list(dict.fromkeys(numbers))


def _ask_whether(numbers: list[str]) -> None:
    """Have a person agree: each costs money. Raises NotPossible where nobody can be asked."""
    shown = ", ".join(numbers[:5]) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    if not sys.stdin.isatty():
        raise NotPossible(f"this would book {len(numbers)} parcels ({shown}): say --yes if that is meant")
    typer.confirm(f"Book {len(numbers)} parcels ({shown})? Each costs its freight", abort=True, err=True)


def cancel_shipment(number: str, *, as_json: bool) -> None:
    """Cancel an order's parcel."""
    with api() as ask:
        told = ask.post("orders", number, "cancel-shipment")
    said = f"The parcel of order {number} is being cancelled, by the run {told['run']}. The order stays paid: give the"
    said += f" money back at Razorpay, or book another parcel later with `onpaid orders ship {number}`."
    _tell(told, said, as_json=as_json)


def tracking(number: str, *, as_json: bool) -> None:
    """Where an order's parcel is."""
    with api() as ask:
        told = ask.get("orders", number, "tracking")
    if as_json:
        print_json(told)
        return
    say(f"Order {told['order']}: {told['title']}", "bold")
    say(told["sentence"])
    facts(
        {
            "AWB": told["awb"],
            "courier": told["courier"],
            "pickup": when(told["pickup"]),
            "expected": when(told["expected"]),
            "courier's page": told["courier_url"],
            "dry run": "this parcel was only logged" if told["dry_run"] else "",
        }
    )
    console().print()
    table(
        ("when", "what happened", "where"),
        ((when(each["at"]) or each["told"], each["what"], each["place"]) for each in told["scans"]),
        empty="The courier has told nothing yet.",
    )


def track_link(number: str, *, as_json: bool) -> None:
    """The customer's link."""
    with api() as ask:
        told = ask.get("orders", number)
    link = (told.get("delivery") or {}).get("track_url")
    if not link:
        raise NotPossible(
            f"order {number} has no tracking page that you may hand out: it came from a shop that ships by itself, or "
            "you only have ONPAID_VIEWER_TOKEN"
        )
    if as_json:
        print_json({"link": link})
    else:
        print(link)


def delivery_facts(delivery: Json | None) -> dict[str, Any]:
    """What `onpaid orders show` says of an order's delivery; nothing of an order that a shop ships by itself."""
    if not delivery:
        return {}
    parcels = [
        f"{each['awb'] or each['reference']} ({each['state'].replace('_', ' ')}"
        f"{', dry run' if each['dry_run'] else ''})"
        for each in delivery["parcels"]
    ]
    missing = ", ".join(f"{count} of {product}" for product, count in delivery["missing"].items())
    decision = delivery["decision"]
    return {
        "delivery": f"{delivery['status']}, {delivery['payment_status']}",
        "held": f"{delivery['held']}: {missing}" if missing else delivery["held"],
        "decided": "" if decision is None else f"{decision['choice']}, by {decision['by']}",
        "parcels": parcels,
        "messages": [f"{each['template']} ({each['state']})" for each in delivery["messages"]],
    }


def products(*, limit: int, after: str | None, as_json: bool) -> None:
    """Products with their stock."""
    with api() as ask:
        page = ask.get("products", limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("id", "name", "price", "left", "seller", "size and weight"),
        (
            (
                row["id"],
                row["name"] if row["active"] else (f"{row['name']} (off sale)", "todo"),
                money(row["price"]),
                (row["left"], "" if row["left"] else "bad"),
                row["seller"],
                _box(row),
            )
            for row in page["items"]
        ),
        empty="No products: `onpaid products import FILE` brings them in.",
    )
    more(page["cursor"])


def _box(product: Json) -> str | tuple[str, str]:
    packed = product["packed"]
    if packed is None:
        return ("digital", "todo") if product["digital"] else ("not told", "wait")
    return f"{packed['length']}x{packed['breadth']}x{packed['height']} cm, {packed['weight']} kg"


def set_stock(product: str, left: int, *, as_json: bool) -> None:
    """Say how many units are left."""
    with api() as ask:
        told = ask.post("products", product, "stock", body={"left": left})
    _tell(told, f"{product}: {left} left.", as_json=as_json)


def sellers(*, limit: int, after: str | None, as_json: bool) -> None:
    """Sellers with their sales."""
    with api() as ask:
        page = ask.get("sellers", limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("seller", "name", "units", "sales"),
        (
            (row["id"], row["name"], row["units"], ", ".join(money(each) for each in row["sales"]))
            for row in page["items"]
        ),
        empty="Nothing was sold yet that has a seller.",
    )
    more(page["cursor"])


def _tell(told: Json, said: str, *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        say(said)


def _parcels(count: int) -> str:
    return "1 parcel is" if count == 1 else f"{count} parcels are"
