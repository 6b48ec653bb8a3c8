"""The commands, their words and their options. What each does lives in the module that it imports when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, for scripts.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="How many to show.")]
After = Annotated[Optional[str], typer.Option("--after", help="Go on behind this place.")]  # noqa: UP045
By = Annotated[str, typer.Option("--by", help="Who says so; kept in the journal.", envvar="USER", show_envvar=False)]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, such as invoice_payment:stripe/...")]
InputEnds = Annotated[bool, typer.Option("--until-input-ends", hidden=True)]

_SHAPE: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None}

app = typer.Typer(
    help="What happens once a customer has paid: each paid order becomes its invoice, exactly once and provably.",
    add_completion=False,
    pretty_exceptions_enable=False,
    **_SHAPE,
)
events = typer.Typer(help="What arrived from outside, kept once with its raw bytes.", **_SHAPE)
orders = typer.Typer(help="Orders, with their payments, invoices and everything that happened.", **_SHAPE)
runs = typer.Typer(help="Tellings of flows: look at them, try again, settle doubts, cancel.", **_SHAPE)
tickets = typer.Typer(help="What a person must look at.", **_SHAPE)
lanes = typer.Typer(help="The ways to the providers: how busy, and whether paused.", **_SHAPE)
for _name, _group in (("events", events), ("orders", orders), ("runs", runs), ("tickets", tickets), ("lanes", lanes)):
    app.add_typer(_group, name=_name)


@app.callback()
def settings_file(
    settings: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--settings", metavar="FILE", envvar="ONPAID_SETTINGS", help="Settings in TOML, under the environment."),
    ] = None,
) -> None:
    from onpaid.cli import reach

    reach.settings_file = settings


@app.command()
def serve(until_input_ends: InputEnds = False) -> None:
    """Take webhooks, make invoices, show the console: until SIGTERM or Ctrl-C."""
    from onpaid.cli import serving

    raise typer.Exit(serving.serve(until_input_ends=until_input_ends))


@app.command()
def demo(
    orders: Annotated[int, typer.Option("--orders", min=1, max=100_000, help="How many orders are placed and paid.")] = 60,
    faults: Annotated[str, typer.Option("--faults", help="all, none, or names with commas between.")] = "all",
    seed: Annotated[Optional[int], typer.Option("--seed", help="The same faults again.", show_default="random")] = None,  # noqa: UP045
    once: Annotated[bool, typer.Option("--once", help="End after the proof, with exit code 0 only if it holds.")] = False,
    as_json: Json = False,
    database: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--database", metavar="FILE", help="Keep the database in this new file.", show_default="temporary"),
    ] = None,
    factor: Annotated[float, typer.Option("--factor", min=1, max=200, help="How many times as fast as life.")] = 40.0,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The console's port; 0 takes a free one.")] = 0,
) -> None:
    """Orders are placed and paid at a shop and a Stripe that misbehave: watch each become one invoice."""
    from onpaid.cli import playing

    raise typer.Exit(
        playing.demo(
            orders=orders, faults=faults, seed=seed, once=once, as_json=as_json, database=database, factor=factor, port=port
        )
    )


@app.command()
def simulate(
    host: Annotated[str, typer.Option("--host")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8090,
    faults: Annotated[str, typer.Option("--faults", help="all, none, or names with commas between.")] = "none",
    seed: Annotated[int, typer.Option("--seed", help="Which calls and webhooks are hit.")] = 0,
    target: Annotated[Optional[str], typer.Option("--target", metavar="URL", help="Where webhooks go.", show_default="ONPAID_HOST:ONPAID_PORT")] = None,  # noqa: UP045
    stripe_params: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--stripe-params", metavar="FILE", help="JSON Schemas to hold requests to Stripe against."),
    ] = None,
    as_json: Json = False,
    until_input_ends: InputEnds = False,
) -> None:
    """Run stand-ins for the shop, Stripe and Fiken on one port, to try a service against."""
    from onpaid.cli import playing

    raise typer.Exit(
        playing.simulate(
            host=host, port=port, faults=faults, seed=seed, target=target, stripe_params=stripe_params,
            as_json=as_json, until_input_ends=until_input_ends,
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
    force: Annotated[bool, typer.Option("--force", help="Replace a database that exists; it is kept beside.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in place. Lanes start paused: what was done since the backup is looked up first."""
    from onpaid.cli import keeping

    keeping.restore(source, force=force, as_json=as_json)


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


@events.command("list")
def events_list(
    verdict: Annotated[Optional[str], typer.Option("--verdict", help="ignored or unrouted.")] = None,  # noqa: UP045
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List events, newest first."""
    from onpaid.cli import looking

    looking.events(verdict=verdict, limit=limit, after=after, as_json=as_json)


@events.command("show")
def events_show(key: Annotated[str, typer.Argument(metavar="EVENT")], as_json: Json = False) -> None:
    """Show one event with its body, personal data masked."""
    from onpaid.cli import looking

    looking.event(key, as_json=as_json)


@events.command("replay")
def events_replay(key: Annotated[str, typer.Argument(metavar="EVENT")], as_json: Json = False) -> None:
    """Judge a kept event again: it starts what it should have started, and nothing twice."""
    from onpaid.cli import acting

    acting.replay(key, as_json=as_json)


@orders.command("list")
def orders_list(
    search: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--search", help="An order number, e-mail address, charge id or invoice number."),
    ] = None,
    state: Annotated[Optional[str], typer.Option("--state", help="done, underway, waiting, doubtful, failed, unpaid.")] = None,  # noqa: UP045
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List orders, newest first."""
    from onpaid.cli import looking

    looking.orders(search=search, state=state, limit=limit, after=after, as_json=as_json)


@orders.command("show")
def orders_show(number: Annotated[str, typer.Argument(metavar="ORDER")], as_json: Json = False) -> None:
    """Show one order: payments, invoices, and what happened when."""
    from onpaid.cli import looking

    looking.order(number, as_json=as_json)


@runs.command("list")
def runs_list(
    state: Annotated[Optional[str], typer.Option("--state", help="One of the eight states of a run.")] = None,  # noqa: UP045
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List runs, newest first."""
    from onpaid.cli import looking

    looking.runs(state=state, limit=limit, after=after, as_json=as_json)


@runs.command("show")
def runs_show(run: RunId, as_json: Json = False) -> None:
    """Show one run: its steps, every attempt, and what can be done now."""
    from onpaid.cli import looking

    looking.run(run, as_json=as_json)


@runs.command("retry")
def runs_retry(run: RunId, by: By = "operator", as_json: Json = False) -> None:
    """Try a failed, waiting or sleeping run again now."""
    from onpaid.cli import acting

    acting.retry(run, by=by, as_json=as_json)


@runs.command("settle")
def runs_settle(
    run: RunId,
    step: Annotated[str, typer.Option("--step", help="The step that is in doubt.")],
    attempt: Annotated[int, typer.Option("--attempt", min=0, help="How many tries you saw: `runs show` tells.")],
    done: Annotated[bool, typer.Option("--done/--not-done", help="It happened, or it surely did not.")],
    result: Annotated[Optional[str], typer.Option("--result", metavar="JSON", help="What the step yields, if done.")] = None,  # noqa: UP045
    by: By = "operator",
    as_json: Json = False,
) -> None:
    """Say what became of a step in doubt, after you have looked at the provider."""
    from onpaid.cli import acting

    acting.settle(run, step=step, attempt=attempt, done=done, result=result, by=by, as_json=as_json)


@runs.command("cancel")
def runs_cancel(
    run: RunId,
    why: Annotated[str, typer.Option("--why", help="Kept in the journal.")] = "",
    by: By = "operator",
    as_json: Json = False,
) -> None:
    """End a run without finishing it."""
    from onpaid.cli import acting

    acting.cancel(run, why=why, by=by, as_json=as_json)


@tickets.command("list")
def tickets_list(
    state: Annotated[str, typer.Option("--state", help="open or closed.")] = "open",
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List tickets, newest first."""
    from onpaid.cli import looking

    looking.tickets(state=state, limit=limit, after=after, as_json=as_json)


@tickets.command("show")
def tickets_show(ticket: Annotated[str, typer.Argument(metavar="TICKET")], as_json: Json = False) -> None:
    """Show one ticket, with its facts and what to do."""
    from onpaid.cli import looking

    looking.ticket(ticket, as_json=as_json)


@tickets.command("close")
def tickets_close(
    ticket: Annotated[str, typer.Argument(metavar="TICKET")], by: By = "operator", as_json: Json = False
) -> None:
    """Put a ticket away that no run will close."""
    from onpaid.cli import acting

    acting.close_ticket(ticket, by=by, as_json=as_json)


@lanes.command("list")
def lanes_list(as_json: Json = False) -> None:
    """List lanes."""
    from onpaid.cli import looking

    looking.lanes(as_json=as_json)


@lanes.command("pause")
def lanes_pause(
    lane: str, why: Annotated[str, typer.Option("--why")] = "paused by an operator", as_json: Json = False
) -> None:
    """Let no call onto a lane until it is resumed. Calls under way finish."""
    from onpaid.cli import acting

    acting.pause(lane, why=why, as_json=as_json)


@lanes.command("resume")
def lanes_resume(lane: str, by: By = "operator", as_json: Json = False) -> None:
    """Open a lane again, and wake the runs that wait for it."""
    from onpaid.cli import acting

    acting.resume(lane, by=by, as_json=as_json)
