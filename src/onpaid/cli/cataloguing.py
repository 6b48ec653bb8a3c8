"""`onpaid catalogue`: import prices, list them, and bring Stripe to what they say.

As everywhere, each goes through the API: it counts the same with a running server or without. Without one, what was
started goes on at the next `onpaid serve`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from onpaid.app.catalogue_sync import MOST_AT_ONCE
from onpaid.app.prices_file import read_prices
from onpaid.cli.output import console, facts, money, more, print_json, say, table
from onpaid.cli.reach import Json, api
from onpaid.cli.told_files import read_rows
from onpaid.domain.prices import Price
from onpaid.errors import NotPossible, OnpaidError

MOST_BYTES = 32_000
"""Of one request: the API takes 64 KiB."""
PAGE = 10
COLOURS = {
    "create": "good",
    "adopt": "good",
    "replace": "wait",
    "archive": "wait",
    "unknown": "bad",
    "wait": "todo",
}
SAID = {"unknown": "not compared, since Stripe could not be asked", "wait": "waiting for their run"}
"""What is no verb of ours."""


def import_prices(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Read the file, and keep its prices unless it is a dry run. Raises InvalidInput, naming each wrong row."""
    told = read_rows(file, read_prices)
    if dry_run:
        found = {
            "prices": len(told),
            "products": len({price.product for price in told}),
            "recurring": sum(price.recurring is not None for price in told),
            "off_sale": sum(not price.active for price in told),
            "without_tax_percent": sum(price.tax_percent is None for price in told),
            "tax_not_collected": len(_untaxed(told)),
        }
        if as_json:
            print_json(found | {"dry_run": True})
            return
        facts({name.replace("_", " "): count for name, count in found.items()})
        _warn(told)
        say(f"{file} can be imported. Nothing was kept.")
        return
    kept = _send(told)
    if as_json:
        print_json({**kept, "dry_run": False})
        return
    _warn(told)
    say(
        f"{_prices(kept['prices'])} kept: {kept['new']} new, {kept['changed']} changed, {kept['unchanged']} as they were. "
        "`onpaid catalogue sync --dry-run` shows what that means at Stripe."
    )


def _untaxed(told: Sequence[Price]) -> list[Price]:
    """Those on sale whose tax comes on top: a session asks for the amount alone, so nobody pays it."""
    return [price for price in told if price.active and price.tax_percent and not price.tax_included]


def _warn(told: Sequence[Price]) -> None:
    untaxed = _untaxed(told)
    if untaxed:
        names = ", ".join(price.id for price in untaxed[:5]) + (", ..." if len(untaxed) > 5 else "")
        say(
            f"Their tax is not in the amount, and our sessions ask for the amount alone: {names}. What is paid for them "
            "gets a ticket in place of its invoice. Put the tax into the amount, with tax_included yes."
        )


def _send(told: Sequence[Price]) -> dict[str, int]:
    """Hand the prices over; what became of them."""
    from rich.progress import Progress

    kept: Counter[str] = Counter(prices=0, new=0, changed=0, unchanged=0)
    with api() as ask, Progress(console=console(errors=True), transient=True) as progress:
        bar = progress.add_task("importing", total=len(told))
        for text in in_bits(told):
            try:
                answer = ask.post("prices", "import", body={"text": text})
            except OnpaidError as error:
                if not kept["prices"]:
                    raise
                raise NotPossible(
                    f"{error} {kept['prices']} of {len(told)} prices are kept: import the file again, which is safe"
                ) from None
            kept.update({name: answer[name] for name in kept})
            progress.update(bar, completed=kept["prices"])
    return dict(kept)


def in_bits(told: Sequence[Price], most: int = MOST_BYTES) -> Iterator[str]:
    """The prices as JSON, each part small enough for one request and one commit."""
    part: list[bytes] = []
    size = 2
    for price in told:
        row = msgspec.json.encode(_row(price))
        # A request quotes the text once more: each quotation mark takes another byte.
        length = len(msgspec.json.encode(row.decode())) + 1
        if part and (len(part) == MOST_AT_ONCE or size + length > most):
            yield _text(part)
            part, size = [], 2
        part.append(row)
        size += length
    if part:
        yield _text(part)


def _text(rows: Sequence[bytes]) -> str:
    return f"[{b','.join(rows).decode()}]"


def _row(price: Price) -> Json:
    return {
        "id": price.id,
        "product": price.product,
        "product_name": price.product_name,
        "amount": f"{price.amount.to_decimal():f}",
        "currency": price.amount.currency,
        "interval": "" if price.recurring is None else price.recurring.interval,
        "interval_count": "" if price.recurring is None else str(price.recurring.count),
        "tax_percent": "" if price.tax_percent is None else f"{price.tax_percent:f}",
        "tax_included": "yes" if price.tax_included else "no",
        "active": "yes" if price.active else "no",
    }


def prices(*, limit: int, after: str | None, as_json: bool) -> None:
    """Prices with what they are called at Stripe."""
    with api() as ask:
        page = ask.get("prices", limit=limit, cursor=after)
    if as_json:
        print_json(page)
    else:
        tell_prices(page)


def tell_prices(page: Json) -> None:
    """One page of prices."""
    table(
        ("id", "product", "amount", "every", "VAT", "at Stripe"),
        (
            (
                row["id"] if row["active"] else (f"{row['id']} (off sale)", "todo"),
                row["product_name"],
                money(row["amount"]),
                row["every"] or "once",
                "not told" if row["tax_percent"] is None else f"{row['tax_percent']} %",
                _at_stripe(row["stripe"]),
            )
            for row in page["items"]
        ),
        empty="No prices: `onpaid catalogue import FILE` brings them in.",
    )
    more(page["cursor"])


def _at_stripe(filed: Json | None) -> str | tuple[str, str]:
    if filed is None:
        return ("not yet", "todo")
    if not filed["fits"]:
        return (f"{filed['price'] or 'nothing'}, otherwise", "wait")
    return filed["price"] or "nothing"


def sync(*, dry_run: bool, as_json: bool) -> None:
    """Compare with Stripe, page by page, and start what is to be done."""
    lines, served = _compare(dry_run=dry_run)
    counts = Counter(line["action"] for line in lines)
    if as_json:
        print_json({"items": lines, "counts": dict(sorted(counts.items())), "dry_run": dry_run})
    else:
        tell_plan(lines, dry_run=dry_run, served=served)


def tell_plan(lines: Sequence[Json], *, dry_run: bool, served: bool = True) -> None:
    """What is to be done price by price, and how much that is. What is as it should be is only counted.

    `served` says that a service works on it meanwhile.
    """
    counts = Counter(line["action"] for line in lines)
    table(
        ("price", "amount", "action", "why", "run"),
        (
            (
                line["price"],
                money(line["amount"]),
                (line["action"], COLOURS.get(line["action"], "")),
                line["why"],
                ", ".join(line["runs"]),
            )
            for line in lines
            if line["action"] != "nothing"
        ),
        empty="Stripe has every price as it is here."
        if lines
        else "No prices: `onpaid catalogue import FILE` first.",
    )
    if not lines:
        return
    told = ", ".join(
        f"{count} {SAID.get(action, f'to {action}')}"
        for action, count in sorted(counts.items())
        if action != "nothing"
    )
    if dry_run:
        done = "Nothing was done: this is a dry run."
    elif served:
        done = "`onpaid runs list` shows what is still under way."
    else:
        done = "No service is running: it is done when `onpaid serve` is."
    say(f"{_prices(len(lines))} compared" + (f": {told}. {done}" if told else "."))


def _compare(*, dry_run: bool) -> tuple[list[Json], bool]:
    """The plan, whole, and whether a service is running that works on it."""
    from rich.progress import Progress

    lines: list[Json] = []
    cursor: str | None = None
    with api(whole=True) as ask, Progress(console=console(errors=True), transient=True) as progress:
        bar = progress.add_task("comparing with Stripe", total=None)
        while True:
            body = {"dry_run": dry_run, "cursor": cursor, "limit": PAGE}
            page = ask.post("catalogue", "sync", body=body)
            lines += page["items"]
            progress.update(
                bar, completed=len(lines), description=f"comparing with Stripe: {len(lines)} prices"
            )
            cursor = page["cursor"]
            if cursor is None:
                return lines, ask.served


def _prices(count: int) -> str:
    return "1 price" if count == 1 else f"{count} prices"
