"""The commands of the reconciliation: `onpaid reconcile` starts one, `list` and `show` tell of those there were."""

from __future__ import annotations

from typing import Annotated

import typer

from onpaid.cli.groups import SHAPE, After, Json, Limit

_ALONE = {name: value for name, value in SHAPE.items() if name != "no_args_is_help"}

reconcile = typer.Typer(
    help="Compare what providers list with what is here, and start whatever was missed.",
    invoke_without_command=True,
    **_ALONE,
)
GROUPS = {"reconcile": reconcile}


@reconcile.callback()
def reconcile_now(
    context: typer.Context,
    lookback_hours: Annotated[
        int | None,
        typer.Option(
            "--lookback-hours", min=1, help="How far back to look.", show_default="SYNC_LOOKBACK_HOURS"
        ),
    ] = None,
    max_sessions: Annotated[
        int | None,
        typer.Option(
            "--max-sessions", min=1, help="How many sessions to look at.", show_default="SYNC_MAX_SESSIONS"
        ),
    ] = None,
    dry_run: Annotated[
        bool | None,
        typer.Option(
            "--dry-run/--no-dry-run", help="Only tell what would be done.", show_default="SYNC_DRY_RUN"
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare what providers list with what is here, and start whatever was missed. Exit code 1 if not all is well."""
    if context.invoked_subcommand is not None:
        return
    from onpaid.cli import reconciling

    raise typer.Exit(
        reconciling.reconcile(
            lookback_hours=lookback_hours, max_sessions=max_sessions, dry_run=dry_run, as_json=as_json
        )
    )


@reconcile.command("list")
def reconcile_list(limit: Limit = 50, after: After = None, as_json: Json = False) -> None:
    """List the runs there were, newest first."""
    from onpaid.cli import reconciling

    reconciling.runs(limit=limit, after=after, as_json=as_json)


@reconcile.command("show")
def reconcile_show(
    ident: Annotated[str, typer.Argument(metavar="ID", help="A run's id.")], as_json: Json = False
) -> None:
    """Show one run: its counts, what it found, what it left."""
    from onpaid.cli import reconciling

    reconciling.show(ident, as_json=as_json)
