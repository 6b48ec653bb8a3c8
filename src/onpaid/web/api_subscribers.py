"""The subscribers of billing events through the API: add, pause, resume, remove, test, replay.

Viewers may look; operators act. A subscriber's secret is answered once, to whoever added it.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from onpaid.app.billing_shown import (
    DeliveryList,
    ReplayStarted,
    SubscriberAdded,
    SubscriberList,
    SubscriberShown,
    TestStarted,
    delivery_list,
    subscriber_shown,
)
from onpaid.app.subscribing import SubscriberDesk
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import NO_SUCH, NOT_NOW, Nothing, body_of
from onpaid.web.api_billing import instant_of
from onpaid.web.parameters import CURSOR, Parameter, limit
from onpaid.web.table import Ask, Door, NotThere


class SubscriberWanted(msgspec.Struct, forbid_unknown_fields=True):
    """Where events are to go: all types, or those named. Without a secret one is made."""

    url: str
    types: list[str] = []
    secret: str = ""


class ReplayAsked(msgspec.Struct, forbid_unknown_fields=True):
    """The time whose events are to be delivered once more, as ISO 8601; of one type, or of all."""

    since: str
    until: str = ""
    type: str = ""


def desk_of(ask: Ask) -> SubscriberDesk:
    """Who handles subscribers. Raises NotThere where the story of billing is not set up."""
    desk: SubscriberDesk = ask.parts.selling.subscribers
    return desk


async def shown(ask: Ask, subscriber: str) -> SubscriberShown:
    """A subscriber. Raises NotThere."""
    found = await desk_of(ask).get(subscriber)
    if found is None:
        raise NotThere("there is no subscriber of this id")
    return subscriber_shown(found)


async def subscribers(ask: Ask) -> Response:
    return json_answer(SubscriberList([subscriber_shown(each) for each in await desk_of(ask).all()]))


async def subscriber(ask: Ask) -> Response:
    return json_answer(await shown(ask, ask.named("id")))


async def deliveries(ask: Ask) -> Response:
    given, ident = ask.given, ask.named("id")
    await shown(ask, ident)
    page = await desk_of(ask).deliveries(
        ident, state=given["state"], after=given["cursor"] or None, limit=given["limit"]
    )
    return json_answer(delivery_list(page))


async def add(ask: Ask) -> Response:
    given = body_of(ask, SubscriberWanted)
    made = await desk_of(ask).add(given.url, given.types, given.secret)
    return json_answer(SubscriberAdded(subscriber_shown(made), made.secret))


async def pause(ask: Ask) -> Response:
    body_of(ask, Nothing)
    ident = (await shown(ask, ask.named("id"))).id
    await desk_of(ask).pause(ident, by=ask.caller.by)
    return json_answer(await shown(ask, ident))


async def resume(ask: Ask) -> Response:
    body_of(ask, Nothing)
    ident = (await shown(ask, ask.named("id"))).id
    await desk_of(ask).resume(ident)
    return json_answer(await shown(ask, ident))


async def remove(ask: Ask) -> Response:
    body_of(ask, Nothing)
    gone = await shown(ask, ask.named("id"))
    await desk_of(ask).remove(gone.id)
    return json_answer(gone)


async def test(ask: Ask) -> Response:
    body_of(ask, Nothing)
    ident = (await shown(ask, ask.named("id"))).id
    return json_answer(TestStarted(ident, await desk_of(ask).test(ident)))


async def replay(ask: Ask) -> Response:
    given = body_of(ask, ReplayAsked)
    ident = (await shown(ask, ask.named("id"))).id
    until = instant_of(given.until, "until") if given.until else ask.parts.clock.now()
    run = await desk_of(ask).replay(ident, instant_of(given.since, "since"), until, given.type)
    return json_answer(ReplayStarted(ident, run))


DELIVERED = Parameter("state", "Only deliveries in this state.", ("wanted", "retrying", "held", "stopped"))

DOORS = (
    Door(
        "GET",
        "/api/subscribers",
        subscribers,
        "viewer",
        "Who gets billing events by webhook.",
        answers=SubscriberList,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/subscribers",
        add,
        "operator",
        "Add a subscriber. Its secret is answered this once.",
        body=SubscriberWanted,
        answers=SubscriberAdded,
        statuses=NOT_NOW,
    ),
    Door(
        "GET",
        "/api/subscribers/{id}",
        subscriber,
        "viewer",
        "One subscriber.",
        answers=SubscriberShown,
        statuses=NO_SUCH,
    ),
    Door(
        "GET",
        "/api/subscribers/{id}/deliveries",
        deliveries,
        "viewer",
        "Deliveries to it, newest first.",
        takes=(DELIVERED, CURSOR, limit(50)),
        answers=DeliveryList,
        statuses=NO_SUCH,
    ),
    Door(
        "POST",
        "/api/subscribers/{id}/pause",
        pause,
        "operator",
        "Hold back what is for it until it is resumed.",
        body=Nothing,
        answers=SubscriberShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/subscribers/{id}/resume",
        resume,
        "operator",
        "Deliver again, what was held back first.",
        body=Nothing,
        answers=SubscriberShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/subscribers/{id}/remove",
        remove,
        "operator",
        "Deliver nothing more, and forget its secret.",
        body=Nothing,
        answers=SubscriberShown,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/subscribers/{id}/test",
        test,
        "operator",
        "Deliver the newest event once more.",
        body=Nothing,
        answers=TestStarted,
        statuses=NOT_NOW,
    ),
    Door(
        "POST",
        "/api/subscribers/{id}/replay",
        replay,
        "operator",
        "Deliver the events of a time once more.",
        body=ReplayAsked,
        answers=ReplayStarted,
        statuses=NOT_NOW,
    ),
)
