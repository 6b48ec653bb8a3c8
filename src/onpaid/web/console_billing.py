"""The console's page of billing events: what others were told, in which order, and how subscribers are doing.

Pausing and resuming are buttons; adding one, which shows its secret, and replays are commands.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from onpaid.app.billing_shown import delivery_list, delivery_shown, event_list, event_shown, subscriber_shown
from onpaid.web.api_billing import CUSTOMER, STATE, TYPE, TYPES, wanted_of
from onpaid.web.api_subscribers import desk_of
from onpaid.web.console_acts import back_to, field_of
from onpaid.web.pages import Pages
from onpaid.web.parameters import CURSOR
from onpaid.web.table import Ask, Door, NotThere, page_door

ROWS = 50
FEW = 20


class ConsoleBilling:
    """Makes the pages, and does what their buttons say."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def events(self, ask: Ask) -> Response:
        """Billing events, and who gets them."""
        given, selling = ask.given, ask.parts.selling
        after = given["cursor"] or None
        page = await selling.billing.page(wanted_of(given), after=after, limit=ROWS)
        chosen = {name: given[name] for name in ("type", "customer", "state") if given[name]}
        return await self._pages.page(
            ask,
            "billing.html",
            found=event_list(page),
            listeners=[subscriber_shown(each) for each in await desk_of(ask).all()],
            types=TYPES,
            chosen=chosen,
            first=after is None,
            back=f"?{urlencode(chosen)}" if chosen else "",
            more=f"?{urlencode({**chosen, 'cursor': page.cursor})}" if page.cursor else "",
        )

    async def event(self, ask: Ask) -> Response:
        """One event: what others get, and how far it came on its way to each subscriber."""
        found = await ask.parts.selling.billing.get(ask.named("id"))
        if found is None:
            raise NotThere("there is no billing event of this id")
        ways = await desk_of(ask).records.deliveries_of(found.id)
        return await self._pages.page(
            ask,
            "billing_event.html",
            event=event_shown(found),
            ways=[delivery_shown(each) for each in ways],
            subscriber=None,
        )

    async def subscriber(self, ask: Ask) -> Response:
        """One subscriber, and its latest deliveries."""
        listener = await desk_of(ask).get(ask.named("id"))
        if listener is None:
            raise NotThere("there is no subscriber of this id")
        page = await desk_of(ask).deliveries(listener.id, limit=FEW)
        return await self._pages.page(
            ask,
            "billing_event.html",
            event=None,
            ways=delivery_list(page).items,
            subscriber=subscriber_shown(listener),
        )

    async def pause(self, ask: Ask) -> Response:
        await desk_of(ask).pause(field_of(ask, "subscriber"), by=ask.caller.by)
        return back_to(self._pages, ask, "silenced")

    async def resume(self, ask: Ask) -> Response:
        await desk_of(ask).resume(field_of(ask, "subscriber"))
        return back_to(self._pages, ask, "delivering")

    def doors(self) -> tuple[Door, ...]:
        """The pages and buttons as routes."""
        return (
            page_door(
                "GET",
                "/console/billing",
                self.events,
                "viewer",
                "Billing events and their subscribers.",
                takes=(TYPE, CUSTOMER, STATE, CURSOR),
                statuses=(404,),
            ),
            page_door(
                "GET",
                "/console/billing/events/{id}",
                self.event,
                "viewer",
                "One billing event, as others get it, and its deliveries.",
                statuses=(404,),
            ),
            page_door(
                "GET",
                "/console/billing/subscribers/{id}",
                self.subscriber,
                "viewer",
                "One subscriber, and its latest deliveries.",
                statuses=(404,),
            ),
            page_door(
                "POST",
                "/console/billing/pause",
                self.pause,
                "operator",
                "Hold back what is for a subscriber.",
                statuses=(303, 400, 404, 409),
            ),
            page_door(
                "POST",
                "/console/billing/resume",
                self.resume,
                "operator",
                "Deliver to a subscriber again.",
                statuses=(303, 400, 404, 409),
            ),
        )
