"""The commands of billing events and their subscribers. Each goes through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from onpaid.cli.groups import SHAPE, After, Json, Limit, events

Id = Annotated[str, typer.Argument(metavar="ID", help="A subscriber's id, such as sbr_...")]
OneType = Annotated[str | None, typer.Option("--type", help="Only this type, such as payment.refunded.")]

subscribers = typer.Typer(help="Who gets billing events as signed webhooks.", **SHAPE)
GROUPS = {"subscribers": subscribers}


@events.command("tail")
def events_tail(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    only: OneType = None,
    limit: Limit = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One event a line, as others get it.")] = False,
) -> None:
    """Show the latest billing events that were published, and those to come."""
    from onpaid.cli import billing

    billing.tail(follow=follow, only=only, limit=limit, as_json=as_json)


@subscribers.command("add")
def subscribers_add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted to.")],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type; may be repeated. All without it.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option("--secret-file", help="A file with a whsec_ secret, - for standard input. Else made."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a subscriber. Its secret is shown this once."""
    from onpaid.cli import billing

    billing.add(url, types or [], secret_file, as_json=as_json)


@subscribers.command("list")
def subscribers_list(as_json: Json = False) -> None:
    """List subscribers, and how each is doing."""
    from onpaid.cli import billing

    billing.subscribers(as_json=as_json)


@subscribers.command("show")
def subscribers_show(ident: Id, limit: Limit = 20, after: After = None, as_json: Json = False) -> None:
    """Show one subscriber, and its latest deliveries."""
    from onpaid.cli import billing

    billing.show(ident, limit=limit, after=after, as_json=as_json)


@subscribers.command("pause")
def subscribers_pause(ident: Id, as_json: Json = False) -> None:
    """Deliver nothing more there; what comes meanwhile is held back."""
    from onpaid.cli import billing

    billing.act(ident, "pause", as_json=as_json)


@subscribers.command("resume")
def subscribers_resume(ident: Id, as_json: Json = False) -> None:
    """Deliver there again, beginning with what was held back."""
    from onpaid.cli import billing

    billing.act(ident, "resume", as_json=as_json)


@subscribers.command("remove")
def subscribers_remove(
    ident: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before.")] = False,
    as_json: Json = False,
) -> None:
    """Deliver nothing more there, for good, and forget its secret."""
    from onpaid.cli import billing

    billing.remove(ident, yes=yes, as_json=as_json)


@subscribers.command("test")
def subscribers_test(ident: Id, as_json: Json = False) -> None:
    """Deliver the newest event that it wants once more, and tell what came of it."""
    from onpaid.cli import billing

    billing.try_out(ident, as_json=as_json)


@subscribers.command("replay")
def subscribers_replay(
    ident: Id,
    since: Annotated[str, typer.Option("--since", help="From when, such as 2026-11-21T12:00:00Z.")],
    until: Annotated[str | None, typer.Option("--until", help="Until when; until now without it.")] = None,
    only: OneType = None,
    as_json: Json = False,
) -> None:
    """Deliver the events that were published in a time once more, oldest first."""
    from onpaid.cli import billing

    billing.replay(ident, since=since, until=until, only=only, as_json=as_json)
