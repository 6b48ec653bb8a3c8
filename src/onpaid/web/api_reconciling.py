"""The reconciliation through the API: start a run, list the runs, look at one while it works.

A run goes on after the answer; who started it looks at it by its id. The body is the one that was agreed for AWS.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.reconciling_answer import SyncBody, SyncList, body_of
from onpaid.app.reconciling_shown import Reconciling
from onpaid.clock import as_instant
from onpaid.repositories.documented_sync import whole_seconds
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import body_of as asked_of
from onpaid.web.parameters import CURSOR, limit
from onpaid.web.table import Ask, Door, NotThere


class SyncWanted(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What this run does otherwise than is set."""

    lookback_hours: int | None = None
    max_sessions: int | None = None
    dry_run: bool | None = None


def reconciling(ask: Ask) -> Reconciling:
    """The reconciliation. Raises NotThere where nothing can be reconciled."""
    found = ask.parts.reconciler
    if found is None:
        raise NotThere("nothing is reconciled here: no provider that is set up lists what it took")
    return found


async def start(ask: Ask) -> Response:
    wanted = asked_of(ask, SyncWanted)
    run = await reconciling(ask).reconciler.start(msgspec.to_builtins(wanted), by=ask.caller.by)
    return json_answer(body_of(run), 202)


async def runs(ask: Ask) -> Response:
    found = reconciling(ask)
    page = await found.reconciler.records.newest(after=ask.given["cursor"] or None, limit=ask.given["limit"])
    following = await found.following()
    told = None if following is None else whole_seconds(as_instant(following))
    return json_answer(SyncList([body_of(run) for run in page.items], page.cursor, told))


async def run(ask: Ask) -> Response:
    found = await reconciling(ask).reconciler.records.get(ask.named("id"))
    if found is None:
        raise NotThere("there is no reconciliation of this id")
    return json_answer(body_of(found))


DOORS = (
    Door(
        "POST",
        "/api/reconcile",
        start,
        "operator",
        "Start a reconciliation; it goes on by itself. 409 if one is at work.",
        body=SyncWanted,
        answers=SyncBody,
        statuses=(404, 409),
        status=202,
    ),
    Door(
        "GET",
        "/api/reconciliations",
        runs,
        "viewer",
        "Runs of the reconciliation, newest first.",
        takes=(CURSOR, limit(50)),
        answers=SyncList,
        statuses=(404,),
    ),
    Door(
        "GET",
        "/api/reconciliations/{id}",
        run,
        "viewer",
        "One run of the reconciliation, with how far it has come.",
        answers=SyncBody,
        statuses=(404,),
    ),
)
