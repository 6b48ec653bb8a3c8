"""The commands of the catalogue: prices that are sold at Stripe. Each goes through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onpaid.cli.groups import SHAPE, After, Json, Limit

catalogue = typer.Typer(
    help="What is sold at Stripe: prices of ours, and what they are called there.", **SHAPE
)
GROUPS = {"catalogue": catalogue}


@catalogue.command("import")
def catalogue_import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header, or a JSON list.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read the file, and keep nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Keep the prices of a file, or none of them if a row is wrong. Those that are there are replaced."""
    from onpaid.cli import cataloguing

    cataloguing.import_prices(file, dry_run=dry_run, as_json=as_json)


@catalogue.command("list")
def catalogue_list(limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """List prices with what they are called at Stripe, by id."""
    from onpaid.cli import cataloguing

    cataloguing.prices(limit=limit, after=after, as_json=as_json)


@catalogue.command("sync")
def catalogue_sync(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done at Stripe, price by price.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the catalogue with Stripe, and start what brings Stripe to what it says."""
    from onpaid.cli import cataloguing

    cataloguing.sync(dry_run=dry_run, as_json=as_json)
