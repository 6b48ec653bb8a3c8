"""`onpaid reconcile`: start a run at the service that holds the database, watch it, and tell what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from onpaid.cli.output import console, facts, more, print_json, say, table, when
from onpaid.cli.reach import Api, Json, api, database, holder, settings
from onpaid.errors import NotPossible

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LOOK_AGAIN: Final = 0.4
MOODS: Final = {"success": "good", "running": "wait"}
MOST_TOLD: Final = 20


def reconcile(
    *, lookback_hours: int | None, max_sessions: int | None, dry_run: bool | None, as_json: bool
) -> int:
    """Start a run and wait for its end; the exit code: 1 if something went wrong or could not be looked at."""
    if holder(database(settings())) is None:
        raise NotPossible(
            "no service holds this database, and a reconciliation works in one: start it with `onpaid serve`, which "
            "also makes up for a night that was missed"
        )
    wanted: Json = {"lookbackHours": lookback_hours, "maxSessions": max_sessions, "dryRun": dry_run}
    with api() as ask:
        begun = ask.post(
            "reconcile", body={name: value for name, value in wanted.items() if value is not None}
        )
        told = watched(ask, begun)
    if as_json:
        print_json(told)
    else:
        tell(told)
    return 0 if told["status"] == "success" and not told["errors"] else 1


def runs(*, limit: int, after: str | None, as_json: bool) -> None:
    """The runs there were."""
    with api() as ask:
        page = ask.get("reconciliations", limit=limit, cursor=after)
    if as_json:
        print_json(page)
        return
    table(
        ("id", "began", "state", "seen", "created", "skipped", "errors", "events brought", "findings"),
        (
            (
                row["id"],
                when(row["syncStartedAt"]) + (" (dry run)" if row["dryRun"] else ""),
                (row["status"] + (", cut short" if row["left"] else ""), MOODS.get(row["status"], "bad")),
                row["processed"] + row["payments"],
                row["created"] + row["paymentsCreated"],
                row["skipped"],
                (row["errors"], "bad" if row["errors"] else ""),
                row["eventsBrought"],
                len(row["findings"]),
            )
            for row in page["items"]
        ),
        empty="There was no reconciliation yet.",
    )
    more(page["cursor"])


def show(ident: str, *, as_json: bool) -> None:
    """One run."""
    with api() as ask:
        told = ask.get("reconciliations", ident)
    if as_json:
        print_json(told)
    else:
        tell(told)


def watched(ask: Api, told: Json, wait: Callable[[float], object] = time.sleep) -> Json:
    """The run when it is over, with its progress until then."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console(errors=True), transient=True) as progress:
        task = progress.add_task("reconciling", total=told["maxSessions"], counts="")
        while told["status"] == "running":
            _show(progress, task, told)
            wait(LOOK_AGAIN)
            told = ask.get("reconciliations", told["id"])
    return told


def _show(progress: Progress, task: TaskID, told: Json) -> None:
    seen = told["processed"]
    counts = (
        f"{seen} sessions, {told['events']} events, {told['payments']} payments; {_created(told)} created, "
        f"{_errors(told)}"
    )
    progress.update(task, completed=seen, description=told["phase"] or "reconciling", counts=counts)


def _created(told: Json) -> int:
    return int(told["created"] + told["paymentsCreated"])


def _errors(told: Json) -> str:
    return "1 error" if told["errors"] == 1 else f"{told['errors']} errors"


def tell(told: Json) -> None:
    """What a run came to, in sentences."""
    would = "would be " if told["dryRun"] else ""
    well = told["skipped"] + told["payments"] - told["paymentsCreated"]
    say(
        f"{told['processed'] + told['payments']} looked at: {_created(told)} {would}created, {well} as they "
        f"should be, {_errors(told)}; {told['eventsBrought']} of {told['events']} events were not here.",
        "bold",
    )
    window: Any = told["lookbackWindow"]
    facts(
        {
            "run": f"{told['id']}, {told['status']}",
            "window": f"{when(window['from'])} to {when(window['to'])}",
            "orders": told["createdOrders"][:MOST_TOLD],
            "not ended yet": told["remembered"],
            "runs started": told["runsStarted"],
            "left": [each["what"] for each in told["left"]],
            "why": told["why"],
        }
    )
    for finding in told["findings"][:MOST_TOLD]:
        say(f"Finding: {finding['sentence']}", "yellow")
    for failure in told["failures"][:MOST_TOLD]:
        say(f"Not compared: {failure['subject']}: {failure['why']}", "red")
