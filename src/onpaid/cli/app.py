"""The commands, their words and their options. What each does lives in the module that it imports when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onpaid.cli.all_groups import all_groups
from onpaid.cli.groups import SHAPE, Json
from onpaid.cli.groups_delivery import Number
from onpaid.cli.groups_playing import demo
from onpaid.cli.groups_proving import prove

InputEnds = Annotated[bool, typer.Option("--until-input-ends", hidden=True)]

app = typer.Typer(
    help="What happens once a customer has paid: each paid order becomes its invoice or its parcel, exactly once and "
    "provably.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **SHAPE,
)
for _name, _group in all_groups().items():
    app.add_typer(_group, name=_name)
app.command()(prove)


@app.callback()
def settings_file(
    settings: Annotated[
        Path | None,
        typer.Option(
            "--settings",
            metavar="FILE",
            envvar="ONPAID_SETTINGS",
            help="Settings in TOML, under the environment.",
        ),
    ] = None,
) -> None:
    from onpaid.cli import reach

    reach.settings_file = settings


@app.command()
def serve(until_input_ends: InputEnds = False) -> None:
    """Take webhooks, make invoices, ship orders, show the console: until SIGTERM or Ctrl-C."""
    from onpaid.cli import serving

    raise typer.Exit(serving.serve(until_input_ends=until_input_ends))


app.command()(demo)


@app.command()
def simulate(
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8090,
    faults: Annotated[
        str, typer.Option("--faults", help="all, none, or names with commas between.")
    ] = "none",
    seed: Annotated[int, typer.Option("--seed", help="Which calls and webhooks are hit.")] = 0,
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="URL", help="Where webhooks go.", show_default="ONPAID_HOST:ONPAID_PORT"
        ),
    ] = None,
    stripe_params: Annotated[
        Path | None,
        typer.Option(
            "--stripe-params", metavar="FILE", help="JSON Schemas to hold requests to Stripe against."
        ),
    ] = None,
    products: Annotated[
        Path | None,
        typer.Option(
            "--products",
            metavar="FILE",
            help="Write what the Indian shop sells there, for `onpaid products import`.",
        ),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices",
            metavar="FILE",
            help="Write what is sold at Stripe there, for `onpaid catalogue import`.",
        ),
    ] = None,
    write_settings: Annotated[
        Path | None,
        typer.Option(
            "--write-settings", metavar="FILE", help="Write there what a service beside them needs."
        ),
    ] = None,
    parcels_move: Annotated[
        bool, typer.Option("--parcels-move", help="Parcels travel by themselves once their pickup is booked.")
    ] = False,
    as_json: Json = False,
    until_input_ends: InputEnds = False,
) -> None:
    """Run stand-ins for the shops and every service that is called on one port, to try a service against."""
    from onpaid.cli import playing

    raise typer.Exit(
        playing.simulate(
            host=host,
            port=port,
            faults=faults,
            seed=seed,
            target=target,
            stripe_params=stripe_params,
            products=products,
            prices=prices,
            write_settings=write_settings,
            parcels_move=parcels_move,
            as_json=as_json,
            until_input_ends=until_input_ends,
        )
    )


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what is missing or wrong, in sentences. Exit code 1 if the service would not work."""
    from onpaid.cli import keeping

    raise typer.Exit(keeping.doctor(as_json=as_json))


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new file.")], as_json: Json = False
) -> None:
    """Make a consistent copy of the database, while it is used or not."""
    from onpaid.cli import keeping

    keeping.backup(target, as_json=as_json)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="A file that `onpaid backup` made.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace a database that exists; it is kept beside.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in place. Lanes start paused: what was done since the backup is looked up first."""
    from onpaid.cli import keeping

    keeping.restore(source, force=force, as_json=as_json)


@app.command()
def move(
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="DATABASE", help="What is moved.", show_default="ONPAID_DATABASE"),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--to", metavar="DATABASE", help="An empty one: sqlite:///path or dynamodb://table."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take a move back, as long as nobody has worked at its target.")
    ] = False,
    target_gone: Annotated[
        bool,
        typer.Option("--target-gone", help="With --undo: the target is lost, and nobody worked on it."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Move everything into another database, verified. Killed, it goes on where it was when started again."""
    from onpaid.cli import move as moving

    moving.move(source, target, undo=undo, target_gone=target_gone, as_json=as_json)


@app.command()
def settings(as_json: Json = False) -> None:
    """Show every setting with its meaning; secrets stay hidden."""
    from onpaid.cli import keeping

    keeping.settings(as_json=as_json)


@app.command()
def version(as_json: Json = False) -> None:
    """Show the version."""
    from onpaid.cli import keeping

    keeping.version(as_json=as_json)


@app.command("login-link")
def login_link(as_json: Json = False) -> None:
    """Print a link that logs a browser in at the running server's console."""
    from onpaid.cli import keeping

    keeping.login_link(as_json=as_json)


@app.command("track-link")
def track_link(number: Number, as_json: Json = False) -> None:
    """Print the link that shows a customer where an order's parcel is."""
    from onpaid.cli import delivering

    delivering.track_link(number, as_json=as_json)
