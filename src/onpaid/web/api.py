"""The JSON API: everything the console shows, for scripts. Viewers may read all of it, with names masked.

Lists have cursors: `cursor` of one answer is the `cursor` parameter of the next request, null at the end.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.order_views import STATES
from onpaid.app.shown import EventList, EventShown, LaneShown, RunList, RunShown, TicketList, TicketShown
from onpaid.app.shown_orders import OrderList, OrderShown
from onpaid.web.answers import json_answer
from onpaid.web.parameters import CURSOR, Parameter, limit
from onpaid.web.table import Ask, Door, NotThere

RUN_STATES = ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled")
VERDICTS = ("ignored", "unrouted")


async def orders(ask: Ask) -> Response:
    given = ask.given
    return json_answer(
        await ask.parts.views.orders(
            q=given["q"],
            state=given["state"],
            after=given["cursor"] or None,
            limit=given["limit"],
            personal=ask.caller.acts,
        )
    )


async def with_link(ask: Ask, shown: OrderShown) -> OrderShown:
    """The order with its customer's link, while it opens something; for operators, since whoever has it is let in."""
    delivery = ask.parts.delivery
    if delivery is None or shown.delivery is None or not ask.caller.acts:
        return shown
    held = await delivery.orders.find(shown.key)
    if held is None:
        return shown
    messages, record = delivery.messages, held.record
    if messages.tracked(messages.track_link(record), ask.parts.clock.now()) is None:
        return shown
    told = msgspec.structs.replace(shown.delivery, track_url=messages.track_url(record))
    return msgspec.structs.replace(shown, delivery=told)


async def order(ask: Ask) -> Response:
    shown = await ask.parts.views.order(ask.named("number"), personal=ask.caller.acts)
    if shown is None:
        raise NotThere("there is no order of this number, and no payment for it")
    return json_answer(await with_link(ask, shown))


async def events(ask: Ask) -> Response:
    given = ask.given
    page = await ask.parts.views.events(
        verdict=given["verdict"] or None, after=given["cursor"] or None, limit=given["limit"]
    )
    return json_answer(page)


async def event(ask: Ask) -> Response:
    shown = await ask.parts.views.event(ask.named("key"))
    if shown is None:
        raise NotThere("there is no event of this key")
    return json_answer(shown)


async def runs(ask: Ask) -> Response:
    given = ask.given
    page = await ask.parts.views.runs(given["state"], after=given["cursor"] or None, limit=given["limit"])
    return json_answer(page)


async def run(ask: Ask) -> Response:
    shown = await ask.parts.views.run(ask.named("id"))
    if shown is None:
        raise NotThere("there is no run of this id")
    return json_answer(shown)


async def tickets(ask: Ask) -> Response:
    given = ask.given
    page = await ask.parts.views.tickets(
        state=given["state"], after=given["cursor"] or None, limit=given["limit"]
    )
    return json_answer(page)


async def ticket(ask: Ask) -> Response:
    shown = await ask.parts.views.ticket(ask.named("id"))
    if shown is None:
        raise NotThere("there is no ticket of this id")
    return json_answer(shown)


async def lanes(ask: Ask) -> Response:
    return json_answer(await ask.parts.views.lanes())


DOORS = (
    Door(
        "GET",
        "/api/orders",
        orders,
        "viewer",
        "Orders, newest first; `without_order` is money that came for orders which are not there.",
        takes=(
            Parameter(
                "q",
                "An order number, e-mail, phone number, payment, AWB, invoice number; or the id of a run or event.",
            ),
            Parameter("state", "Only orders in this state.", STATES),
            CURSOR,
            limit(50),
        ),
        answers=OrderList,
    ),
    Door(
        "GET",
        "/api/orders/{number:path}",
        order,
        "viewer",
        "One order by number, alias or key: payments, invoices, runs with steps and attempts, timeline.",
        answers=OrderShown,
        statuses=(404,),
    ),
    Door(
        "GET",
        "/api/events",
        events,
        "viewer",
        "Events as they arrived, newest first.",
        takes=(Parameter("verdict", "Only events of this verdict.", VERDICTS), CURSOR, limit(50)),
        answers=EventList,
    ),
    Door(
        "GET",
        "/api/events/{key:path}",
        event,
        "viewer",
        "One event with its body, masked.",
        answers=EventShown,
        statuses=(404,),
    ),
    Door(
        "GET",
        "/api/runs",
        runs,
        "viewer",
        "Runs in one state, newest first.",
        takes=(Parameter("state", "The state.", RUN_STATES, default="failed"), CURSOR, limit(50)),
        answers=RunList,
    ),
    Door(
        "GET",
        "/api/runs/{id:path}",
        run,
        "viewer",
        "One run: its steps with attempts, and what may be done to it now.",
        answers=RunShown,
        statuses=(404,),
    ),
    Door(
        "GET",
        "/api/tickets",
        tickets,
        "viewer",
        "What people must look at, newest first.",
        takes=(
            Parameter("state", "Open or closed ones.", ("open", "closed"), default="open"),
            CURSOR,
            limit(50),
        ),
        answers=TicketList,
    ),
    Door("GET", "/api/tickets/{id}", ticket, "viewer", "One ticket.", answers=TicketShown, statuses=(404,)),
    Door("GET", "/api/lanes", lanes, "viewer", "The lanes to the providers.", answers=list[LaneShown]),
)
