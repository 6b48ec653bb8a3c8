"""The commands in groups: events, orders, runs, tickets, lanes. Each looks or acts through the API."""

from __future__ import annotations

from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON value on standard output, for scripts.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100, help="How many to show.")]
After = Annotated[str | None, typer.Option("--after", help="Go on behind this place.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, such as invoice_payment:stripe/...")]

SHAPE: dict[str, Any] = {"no_args_is_help": True, "rich_markup_mode": None}

events = typer.Typer(help="What arrived from outside, kept once with its raw bytes.", **SHAPE)
orders = typer.Typer(help="Orders, with their payments, invoices and everything that happened.", **SHAPE)
runs = typer.Typer(help="Tellings of flows: look at them, try again, settle doubts, cancel.", **SHAPE)
tickets = typer.Typer(help="What a person must look at.", **SHAPE)
lanes = typer.Typer(help="The ways to the providers: how busy, and whether paused.", **SHAPE)
GROUPS = {"events": events, "orders": orders, "runs": runs, "tickets": tickets, "lanes": lanes}


@events.command("list")
def events_list(
    verdict: Annotated[str | None, typer.Option("--verdict", help="ignored or unrouted.")] = None,
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
        str | None,
        typer.Option("--search", help="An order number, e-mail address, charge id or invoice number."),
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", help="done, underway, waiting, doubtful, failed, unpaid.")
    ] = None,
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
    state: Annotated[
        str | None,
        typer.Option(
            "--state", help="ready, running, waiting, sleeping, doubtful, failed, done or cancelled."
        ),
    ] = None,
    limit: Limit = 50,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List runs of a state; without one, all that have not ended."""
    from onpaid.cli import looking

    looking.runs(state=state, limit=limit, after=after, as_json=as_json)


@runs.command("show")
def runs_show(run: RunId, as_json: Json = False) -> None:
    """Show one run: its steps, every attempt, and what can be done now."""
    from onpaid.cli import looking

    looking.run(run, as_json=as_json)


@runs.command("retry")
def runs_retry(run: RunId, as_json: Json = False) -> None:
    """Try a failed, waiting or sleeping run again now."""
    from onpaid.cli import acting

    acting.retry(run, as_json=as_json)


@runs.command("settle")
def runs_settle(
    run: RunId,
    step: Annotated[str, typer.Option("--step", help="The step that is in doubt.")],
    attempt: Annotated[
        int, typer.Option("--attempt", min=0, help="How many tries you saw: `runs show` tells.")
    ],
    done: Annotated[bool, typer.Option("--done/--not-done", help="It happened, or it surely did not.")],
    result: Annotated[
        str | None, typer.Option("--result", metavar="JSON", help="What the step yields, if done.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say what became of a step in doubt, after you have looked at the provider."""
    from onpaid.cli import acting

    acting.settle(run, step=step, attempt=attempt, done=done, result=result, as_json=as_json)


@runs.command("cancel")
def runs_cancel(
    run: RunId,
    why: Annotated[str, typer.Option("--why", help="Kept in the journal.")] = "",
    as_json: Json = False,
) -> None:
    """End a run without finishing it."""
    from onpaid.cli import acting

    acting.cancel(run, why=why, as_json=as_json)


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
def tickets_close(ticket: Annotated[str, typer.Argument(metavar="TICKET")], as_json: Json = False) -> None:
    """Put a ticket away that no run will close."""
    from onpaid.cli import acting

    acting.close_ticket(ticket, as_json=as_json)


@lanes.command("list")
def lanes_list(as_json: Json = False) -> None:
    """List lanes."""
    from onpaid.cli import looking

    looking.lanes(as_json=as_json)


@lanes.command("pause")
def lanes_pause(
    lane: str,
    why: Annotated[str, typer.Option("--why", help="Shown beside the lane.")] = "",
    as_json: Json = False,
) -> None:
    """Let no call onto a lane until it is resumed. Calls under way finish."""
    from onpaid.cli import acting

    acting.pause(lane, why=why, as_json=as_json)


@lanes.command("resume")
def lanes_resume(lane: str, as_json: Json = False) -> None:
    """Open a lane again, and wake the runs that wait for it."""
    from onpaid.cli import acting

    acting.resume(lane, as_json=as_json)
