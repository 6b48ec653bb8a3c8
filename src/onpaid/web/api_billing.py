"""Billing events through the API: look at them, page by page or one, and follow them as they are published.

Who follows asks for those since the last one that it saw, a little overlapping, and passes over what it knows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

from starlette.responses import Response

from onpaid.app.billing_shown import BillingEventList, BillingEventShown, event_list, event_shown
from onpaid.clock import Instant, as_instant
from onpaid.domain.billing import BillingType
from onpaid.errors import InvalidInput
from onpaid.repositories.billing_pages import EventState, Wanted
from onpaid.web.answers import json_answer
from onpaid.web.api_acts import NO_SUCH
from onpaid.web.parameters import CURSOR, Parameter, limit
from onpaid.web.table import Ask, Door, NotThere

TYPES: tuple[str, ...] = get_args(BillingType)
STATES: tuple[str, ...] = get_args(EventState)


def instant_of(text: str, name: str) -> Instant:
    """A date or a time of ISO 8601, in UTC unless it says otherwise. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text)
        return as_instant(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{name} must be a day such as 2026-11-21, or a time such as 2026-11-21T12:00:00Z"
        ) from None


def wanted_of(given: dict[str, Any]) -> Wanted:
    """Which events a query asks for. Raises InvalidInput."""
    since, until = given.get("since", ""), given.get("until", "")
    return Wanted(
        type=given["type"],
        customer=given.get("customer", ""),
        state=given.get("state", ""),
        since=instant_of(since, "since") if since else None,
        until=instant_of(until, "until") if until else None,
        oldest_first=given.get("order") == "oldest",
    )


async def events(ask: Ask) -> Response:
    given = ask.given
    page = await ask.parts.selling.billing.page(
        wanted_of(given), after=given["cursor"] or None, limit=given["limit"]
    )
    return json_answer(event_list(page))


async def event(ask: Ask) -> Response:
    found = await ask.parts.selling.billing.get(ask.named("id"))
    if found is None:
        raise NotThere("there is no billing event of this id")
    return json_answer(event_shown(found))


TYPE = Parameter("type", "Only events of this type.", TYPES)
SINCE = Parameter("since", "Not before this time, as ISO 8601; both ends count.", longest=40)
UNTIL = Parameter("until", "Not after this time.", longest=40)
STATE = Parameter("state", "Only events that have come so far; then times are those of publishing.", STATES)
ORDER = Parameter("order", "newest first, unless this says oldest.", ("newest", "oldest"))
CUSTOMER = Parameter("customer", "Only events of this customer at Stripe.", longest=255)
DOORS = (
    Door(
        "GET",
        "/api/billing-events",
        events,
        "viewer",
        "Billing events, newest first.",
        takes=(TYPE, CUSTOMER, STATE, SINCE, UNTIL, ORDER, CURSOR, limit(50)),
        answers=BillingEventList,
        statuses=NO_SUCH,
    ),
    Door(
        "GET",
        "/api/billing-events/{id}",
        event,
        "viewer",
        "One billing event, with what others get.",
        answers=BillingEventShown,
        statuses=NO_SUCH,
    ),
)
