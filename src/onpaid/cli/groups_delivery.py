"""The commands of the story of delivery: orders that are shipped, products, sellers. Each goes through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onpaid.cli.groups import SHAPE, After, Json, Limit, orders

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="An order's number.")]

products = typer.Typer(help="What is sold: prices that count, and how many are left.", **SHAPE)
sellers = typer.Typer(help="Who sells, and what of theirs was sold.", **SHAPE)
GROUPS = {"products": products, "sellers": sellers}


@orders.command("decide")
def orders_decide(
    number: Number,
    ship: Annotated[
        bool,
        typer.Option(
            "--ship-anyway/--refund", help="Ship what is missing from elsewhere, or give the money back."
        ),
    ],
    as_json: Json = False,
) -> None:
    """Decide about an order that is paid and held because something is missing. Decided once."""
    from onpaid.cli import delivering

    delivering.decide(number, ship=ship, as_json=as_json)


@orders.command("ship")
def orders_ship(
    number: Annotated[
        str | None, typer.Argument(metavar="NUMBER", help="An order's number.", show_default=False)
    ] = None,
    dry_run_ones: Annotated[
        bool, typer.Option("--dry-run-ones", help="All whose parcels were only logged, instead of one order.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before many are booked.")] = False,
    as_json: Json = False,
) -> None:
    """Book a parcel again: one that was cancelled or came back, or those that were only logged in a dry run."""
    from onpaid.cli import delivering

    if (number is None) != dry_run_ones:
        raise typer.BadParameter("name one order, or say --dry-run-ones", param_hint="NUMBER")
    if number is not None:
        delivering.ship(number, as_json=as_json)
    else:
        delivering.ship_dry_run_ones(yes=yes, as_json=as_json)


@orders.command("cancel-shipment")
def orders_cancel_shipment(number: Number, as_json: Json = False) -> None:
    """Cancel an order's parcel, until the courier has fetched it. The order stays paid."""
    from onpaid.cli import delivering

    delivering.cancel_shipment(number, as_json=as_json)


@orders.command("tracking")
def orders_tracking(number: Number, as_json: Json = False) -> None:
    """Show where an order's parcel is, and where it has been."""
    from onpaid.cli import delivering

    delivering.tracking(number, as_json=as_json)


@products.command("import")
def products_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, or a JSON list.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file, and keep nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the products of a file. Those that are there are replaced; stock is set where the file tells it."""
    from onpaid.cli import importing

    importing.import_products(file, dry_run=dry_run, as_json=as_json)


@products.command("list")
def products_list(limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """List products with how many are left, by id."""
    from onpaid.cli import delivering

    delivering.products(limit=limit, after=after, as_json=as_json)


@products.command("set-stock")
def products_set_stock(
    product: Annotated[str, typer.Argument(metavar="ID", help="A product's id.")],
    left: Annotated[int, typer.Argument(metavar="N", min=0, help="How many units are left.")],
    as_json: Json = False,
) -> None:
    """Say how many units of a product are left."""
    from onpaid.cli import delivering

    delivering.set_stock(product, left, as_json=as_json)


@sellers.command("list")
def sellers_list(limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """List sellers with what was sold and paid, each order counted once."""
    from onpaid.cli import delivering

    delivering.sellers(limit=limit, after=after, as_json=as_json)
