"""The command that plays a day of everything against simulators, and proves what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from onpaid.cli.groups import Json


def demo(
    orders: Annotated[
        int, typer.Option("--orders", min=1, max=100_000, help="How many orders are paid, in all.")
    ] = 60,
    parcels: Annotated[
        int | None,
        typer.Option(
            "--parcels",
            min=0,
            help="How many of them are to be shipped.",
            show_default="half of those not sold at Stripe",
        ),
    ] = None,
    sales: Annotated[
        int | None,
        typer.Option(
            "--sales",
            min=0,
            help="How many of them are sold at Stripe's checkout, a third of these as subscriptions.",
            show_default="a sixth, or none with --parcels",
        ),
    ] = None,
    messages: Annotated[
        Literal["meta", "twilio", "msg91", "wati"] | None,
        typer.Option("--messages", help="Who sends the messages.", show_default="by seed"),
    ] = None,
    faults: Annotated[str, typer.Option("--faults", help="all, none, or names with commas between.")] = "all",
    seed: Annotated[
        int | None, typer.Option("--seed", help="The same faults again.", show_default="random")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End after the proof, with exit code 0 only if it holds.")
    ] = False,
    as_json: Json = False,
    database: Annotated[
        Path | None,
        typer.Option(
            "--database", metavar="FILE", help="Keep the database in this new file.", show_default="temporary"
        ),
    ] = None,
    factor: Annotated[
        float | None,
        typer.Option("--factor", min=1, max=200, help="How many times as fast as life: 40, on AWS 20."),
    ] = None,
    target: Annotated[
        Literal["processes", "aws-emulator"], typer.Option("--target", help="What the service runs on.")
    ] = "processes",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="The console's port; 0 takes a free one.")
    ] = 0,
) -> None:
    """Orders are paid at two shops, and everybody misbehaves: watch each become one invoice, or one parcel."""
    from onpaid.cli import playing

    raise typer.Exit(
        playing.demo(
            orders=orders,
            faults=faults,
            seed=seed,
            once=once,
            as_json=as_json,
            database=database,
            factor=factor,
            port=port,
            parcels=parcels,
            messages=messages,
            sales=sales,
            target=target,
        )
    )
