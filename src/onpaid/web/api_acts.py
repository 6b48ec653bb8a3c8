"""What an operator may do through the API: retry, settle and cancel runs, close tickets, replay events, hold lanes.

Each answers with the thing as it stands afterwards; what its state does not allow is a 409 that says what does.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.responses import Response

from onpaid.app.shown import LaneShown, RunShown, TicketShown
from onpaid.errors import InvalidInput
from onpaid.web.answers import json_answer
from onpaid.web.table import Ask, Door, NotThere
from onpaid.web.webhooks import Acknowledged

T = TypeVar("T")


class Settlement(msgspec.Struct, forbid_unknown_fields=True):
    """How a doubt was settled: the step, the attempt that was seen, and whether it was done (then its result)."""

    step: str
    attempt: int
    done: bool
    result: Any = None


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why, for those who read it later."""

    why: str = ""


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No body is needed."""


class Resumed(msgspec.Struct, frozen=True):
    """How many runs went on."""

    lane: str
    woken: int


def body_of(ask: Ask, type_: type[T]) -> T:
    """The request's body. Raises InvalidInput, naming what does not fit."""
    try:
        return msgspec.json.decode(ask.raw or b"{}", type=type_)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as bad:
        raise InvalidInput(f"the body does not fit: {bad}"[:200]) from None


async def _run(ask: Ask, run_id: str) -> Response:
    return json_answer(await ask.parts.views.run(run_id))


async def _known(ask: Ask) -> str:
    run_id = ask.named("id")
    if await ask.parts.views.run(run_id) is None:
        raise NotThere("there is no run of this id")
    return run_id


async def retry(ask: Ask) -> Response:
    body_of(ask, Nothing)
    run_id = await _known(ask)
    await ask.parts.operations.retry(run_id, by=ask.caller.by)
    return await _run(ask, run_id)


async def settle(ask: Ask) -> Response:
    given = body_of(ask, Settlement)
    run_id = await _known(ask)
    await ask.parts.operations.settle(
        run_id, step=given.step, attempt=given.attempt, done=given.done, result=given.result, by=ask.caller.by
    )
    return await _run(ask, run_id)


async def cancel(ask: Ask) -> Response:
    given = body_of(ask, Reason)
    run_id = await _known(ask)
    await ask.parts.operations.cancel(run_id, by=ask.caller.by, why=given.why)
    return await _run(ask, run_id)


async def close_ticket(ask: Ask) -> Response:
    body_of(ask, Nothing)
    ticket_id = ask.named("id")
    if await ask.parts.views.ticket(ticket_id) is None:
        raise NotThere("there is no ticket of this id")
    await ask.parts.operations.close_ticket(ticket_id, by=ask.caller.by)
    return json_answer(await ask.parts.views.ticket(ticket_id))


async def replay(ask: Ask) -> Response:
    body_of(ask, Nothing)
    key = ask.named("key")
    if await ask.parts.views.event(key) is None:
        raise NotThere("there is no event of this key")
    receipt = await ask.parts.inbox.judge_again(key)
    return json_answer(
        Acknowledged(receipt.event, receipt.verdict, receipt.verdict == "ignored", receipt.reason)
    )


async def _lane(ask: Ask) -> LaneShown:
    name = ask.named("name")
    shown = next((lane for lane in await ask.parts.views.lanes() if lane.name == name), None)
    if shown is None:
        raise NotThere("there is no lane of this name")
    return shown


async def pause(ask: Ask) -> Response:
    given = body_of(ask, Reason)
    lane = await _lane(ask)
    await ask.parts.operations.pause(lane.name, given.why or f"paused by {ask.caller.by}")
    return json_answer(await _lane(ask))


async def resume(ask: Ask) -> Response:
    body_of(ask, Nothing)
    lane = await _lane(ask)
    return json_answer(Resumed(lane.name, await ask.parts.operations.resume(lane.name, by=ask.caller.by)))


NO_SUCH = (404,)
NOT_NOW = (404, 409)

DOORS = (
    Door(
        "POST",
        "/api/runs/{id:path}/retry",
        retry,
        "operator",
        "Try a stopped or waiting run again now: steps that already have an effect are skipped.",
        body=Nothing,
        answers=RunShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/runs/{id:path}/settle",
        settle,
        "operator",
        "Settle a doubt: the step was done, with this result, or was not done and may be repeated.",
        body=Settlement,
        answers=RunShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/runs/{id:path}/cancel",
        cancel,
        "operator",
        "End a run without finishing it. What it did stays done.",
        body=Reason,
        answers=RunShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/tickets/{id}/close",
        close_ticket,
        "operator",
        "Put a ticket away that no run will close.",
        body=Nothing,
        answers=TicketShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/events/{key:path}/replay",
        replay,
        "operator",
        "Judge a kept event anew. What it started already is met again, not done again.",
        body=Nothing,
        answers=Acknowledged,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/lanes/{name}/pause",
        pause,
        "operator",
        "Let no call onto this lane until it is resumed. Calls under way finish.",
        body=Reason,
        answers=LaneShown,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/lanes/{name}/resume",
        resume,
        "operator",
        "Open a lane again, and wake every run that waits for it.",
        body=Nothing,
        answers=Resumed,
        statuses=NO_SUCH,
    ),
)
