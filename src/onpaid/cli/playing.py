"""`onpaid demo` and `onpaid simulate`: everything without a single account anywhere."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path

import typer

from onpaid.cli import logs
from onpaid.cli.ending import input_ends, signals_set
from onpaid.errors import NotPossible
from onpaid.simulators import Settings, UnknownFault, parse, serve


def demo(
    *,
    orders: int,
    faults: str,
    seed: int | None,
    once: bool,
    as_json: bool,
    database: Path | None,
    factor: float | None,
    port: int,
    parcels: int | None,
    messages: str | None,
    sales: int | None = None,
    target: str = "processes",
) -> int:
    """Play a demo; the exit code."""
    from rich.console import Console

    from onpaid.cli.demo.options import EMULATED_FACTOR, FACTOR, Options
    from onpaid.cli.demo.run import run

    logs.configure("warning", "text")
    if parcels is not None and parcels > orders:
        raise typer.BadParameter(f"{parcels} of {orders} orders cannot be shipped", param_hint="--parcels")
    if sales is not None and sales + (parcels or 0) > orders:
        left = f"{orders} orders" if not parcels else f"{orders - parcels} orders that are not shipped"
        raise typer.BadParameter(f"{sales} of {left} cannot be sold at Stripe", param_hint="--sales")
    emulated = target == "aws-emulator"
    if emulated and database is not None:
        raise typer.BadParameter("the emulated table lies in no file", param_hint="--database")
    options = Options(
        orders=orders,
        faults=_checked(faults, emulated=emulated),
        seed=secrets.randbelow(10_000) if seed is None else seed,
        once=once,
        as_json=as_json,
        database=database,
        factor=factor or (EMULATED_FACTOR if emulated else FACTOR),
        port=port,
        parcels=parcels,
        messages=messages,
        sales=sales,
        target=target,
    )
    try:
        return asyncio.run(run(options, Console(stderr=as_json, highlight=False)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.stderr.write("onpaid: stopped before the proof; everything was cleaned up\n")
        return 130


def simulate(
    *,
    host: str,
    port: int,
    faults: str,
    seed: int,
    target: str | None,
    stripe_params: Path | None,
    products: Path | None,
    prices: Path | None,
    write_settings: Path | None,
    parcels_move: bool,
    as_json: bool,
    until_input_ends: bool,
) -> int:
    """Run the simulators until told to stop; the exit code."""
    from onpaid.cli import reach, simulating

    logs.configure("warning", "text")
    ours = reach.settings()
    settings = Settings(
        target=simulating.target_of(ours, target),
        faults=_checked(faults),
        seed=seed,
        stripe_params=stripe_params,
        parcels_move=parcels_move,
    )
    if products is not None:
        simulating.write_products(products, settings)
    if prices is not None:
        simulating.write_prices(prices)
    with asyncio.Runner() as runner:
        return runner.run(
            _simulate(
                settings,
                host,
                port,
                write=(write_settings, products, prices),
                as_json=as_json,
                until_input_ends=until_input_ends,
            )
        )


async def _simulate(
    settings: Settings,
    host: str,
    port: int,
    *,
    write: tuple[Path | None, Path | None, Path | None],
    as_json: bool,
    until_input_ends: bool,
) -> int:
    from onpaid.cli import simulating

    stopped = asyncio.Event()
    signals_set(stopped)
    watching = asyncio.create_task(input_ends(stopped)) if until_input_ends else None
    try:
        served = await serve(settings, host=host, port=port)
    except OSError as error:
        from onpaid.cli.output import fail

        return fail(f"{host}:{port} cannot be listened on ({error.strerror}): name another with --port")
    written, products, prices = write
    if written is not None:
        try:
            simulating.write_settings(written, served, settings)
        except NotPossible:
            await served.stop()
            raise
    if as_json:
        sys.stdout.write(json.dumps({"base": served.base, **served.bases()}) + "\n")
    else:
        says = simulating.how_to_use(served, settings, written=written, products=products, prices=prices)
        sys.stdout.write(says)
    sys.stdout.flush()
    await stopped.wait()
    if watching is not None:
        watching.cancel()
    await served.stop()
    return 0


def _checked(faults: str, *, emulated: bool = False) -> str:
    """The faults as they were named. Bad usage if one is unknown."""
    try:
        if emulated:
            from onpaid.cli.demo.aws_faults import parse as parse_both

            parse_both(faults)
        else:
            parse(faults)
    except UnknownFault as unknown:
        raise typer.BadParameter(str(unknown), param_hint="--faults") from None
    return faults
