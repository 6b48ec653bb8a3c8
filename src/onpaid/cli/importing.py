"""`onpaid products import`: the whole file is read before anything is kept, then it goes through the API bit by bit.

Importing again is always safe, so an import that was cut short is simply repeated.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from onpaid.app.products_file import NAMES, read_products
from onpaid.cli.output import console, facts, print_json, say
from onpaid.cli.reach import api
from onpaid.cli.told_files import read_rows
from onpaid.domain.products import Product
from onpaid.errors import NotPossible, OnpaidError

MOST_BYTES = 32_000
"""Of one request: the API takes 64 KiB, and a bar that moves says more than one that does not."""

Told = tuple[Product, int | None]


def import_products(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Read the file, and keep its products unless it is a dry run. Raises InvalidInput, naming the first wrong line."""
    told = read_rows(file, read_products)
    if dry_run:
        _tell_dry_run(file, told, as_json=as_json)
        return
    products, stocked = _send(told)
    if as_json:
        print_json({"products": products, "stocked": stocked, "dry_run": False})
    else:
        stock = f"stock was set for {stocked}" if stocked else "stock stays as it was"
        say(f"{_counted(products)} kept; {stock}. `onpaid products list` shows them.")


def _tell_dry_run(file: Path, told: Sequence[Told], *, as_json: bool) -> None:
    products = [product for product, _ in told]
    found = {
        "products": len(told),
        "with stock": sum(stock is not None for _, stock in told),
        "digital": sum(product.digital for product in products),
        "off sale": sum(not product.active for product in products),
        "without size and weight": sum(not each.digital and each.packed is None for each in products),
    }
    if as_json:
        print_json({name.replace(" ", "_"): count for name, count in found.items()} | {"dry_run": True})
        return
    facts(found)
    if found["without size and weight"]:
        say("Products without size and weight are packed as PARCEL_DEFAULT says; without it they wait.")
    say(f"{file} can be imported. Nothing was kept.")


def _send(told: Sequence[Told]) -> tuple[int, int]:
    """Hand the products over; how many were kept, and of how many the stock was set."""
    from rich.progress import Progress

    kept = stocked = 0
    with api() as ask, Progress(console=console(errors=True), transient=True) as progress:
        bar = progress.add_task("importing", total=len(told))
        for text in in_bits(told):
            try:
                answer = ask.post("products", "import", body={"text": text})
            except OnpaidError as error:
                if not kept:
                    raise
                raise NotPossible(
                    f"{error} {kept} of {len(told)} products are kept: import the file again, which is safe"
                ) from None
            kept += answer["products"]
            stocked += answer["stocked"]
            progress.update(bar, completed=kept)
    return kept, stocked


def in_bits(told: Sequence[Told], most: int = MOST_BYTES) -> Iterator[str]:
    """The products as tables of CSV, each small enough for one request."""
    head = _line(NAMES)
    lines: list[str] = []
    size = len(head)
    for product, stock in told:
        line = _line(_row(product, stock))
        length = len(msgspec.json.encode(line))
        if lines and size + length > most:
            yield head + "".join(lines)
            lines, size = [], len(head)
        lines.append(line)
        size += length
    if lines:
        yield head + "".join(lines)


def _row(product: Product, stock: int | None) -> Sequence[str]:
    packed = product.packed
    sizes = () if packed is None else (packed.length, packed.breadth, packed.height, packed.weight)
    return (
        product.id,
        product.name,
        f"{product.price.to_decimal():f}",
        product.price.currency,
        f"{product.tax_percent:f}",
        product.sku,
        product.hsn,
        product.seller,
        "yes" if product.digital else "no",
        "yes" if product.active else "no",
        *((f"{size:f}" for size in sizes) if sizes else ("", "", "", "")),
        "" if stock is None else str(stock),
    )


def _line(cells: Sequence[str]) -> str:
    written = io.StringIO(newline="")
    csv.writer(written).writerow(cells)
    return written.getvalue()


def _counted(products: int) -> str:
    return "1 product is" if products == 1 else f"{products} products are"
