"""The console's pages: orders, one order, problems, events, lanes. They read without JavaScript.

Viewers see everything but names, and no buttons.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from onpaid.app.order_views import STATES
from onpaid.clock import as_datetime
from onpaid.web.api import VERDICTS, with_link
from onpaid.web.pages import Pages
from onpaid.web.parameters import CURSOR, Parameter
from onpaid.web.table import Ask, Door, Handler, NotThere, page_door

ROWS = 25
KEY = Parameter("key", "The key, where it cannot stand in the path.", longest=600)


class Console:
    """Makes the pages."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def start(self, ask: Ask) -> Response:
        return self._pages.to("/console")

    async def orders(self, ask: Ask) -> Response:
        given, views = ask.given, ask.parts.views
        q, state = given["q"].strip(), given["state"]
        found = await views.orders(
            q=q, state=state, after=given["cursor"] or None, limit=ROWS, personal=ask.caller.acts
        )
        more = {"q": q, "state": state, "cursor": found.cursor}
        return await self._pages.page(
            ask,
            "orders.html",
            found=found,
            now=as_datetime(ask.parts.clock.now()),
            q=q,
            state=state,
            cards=await views.counts(),
            first=not given["cursor"],
            more=_query(more) if found.cursor else "",
            back=_query({"q": q, "state": state}),
        )

    async def order(self, ask: Ask) -> Response:
        shown = await ask.parts.views.order(_key(ask), personal=ask.caller.acts)
        if shown is None:
            raise NotThere("there is no order of this number, and no payment for it")
        return await self._pages.page(ask, "order.html", order=await with_link(ask, shown))

    async def run(self, ask: Ask) -> Response:
        shown = await ask.parts.views.run(_key(ask))
        if shown is None:
            raise NotThere("there is no run of this id")
        tickets = [await ask.parts.views.ticket(ticket) for ticket in shown.tickets[:20]]
        return await self._pages.page(
            ask, "run.html", run=shown, tickets=[ticket for ticket in tickets if ticket is not None]
        )

    async def problems(self, ask: Ask) -> Response:
        views = ask.parts.views
        found = await views.tickets(after=ask.given["cursor"] or None, limit=ROWS)
        stopped = await views.stopped() if not ask.given["cursor"] else None
        return await self._pages.page(
            ask,
            "problems.html",
            found=found,
            stopped=stopped.items if stopped else [],
            more=_query({"cursor": found.cursor}) if found.cursor else "",
            first=not ask.given["cursor"],
        )

    async def events(self, ask: Ask) -> Response:
        verdict = ask.given["verdict"]
        found = await ask.parts.views.events(
            verdict=verdict or None, after=ask.given["cursor"] or None, limit=2 * ROWS
        )
        return await self._pages.page(
            ask,
            "events.html",
            found=found,
            verdict=verdict,
            more=_query({"verdict": verdict, "cursor": found.cursor}) if found.cursor else "",
            first=not ask.given["cursor"],
            back=_query({"verdict": verdict}),
        )

    async def event(self, ask: Ask) -> Response:
        shown = await ask.parts.views.event(_key(ask))
        if shown is None:
            raise NotThere("there is no event of this key")
        return await self._pages.page(ask, "event.html", event=shown)

    async def lanes(self, ask: Ask) -> Response:
        return await self._pages.page(ask, "lanes.html", lanes=await ask.parts.views.lanes())

    def doors(self) -> tuple[Door, ...]:
        """The pages as routes."""
        state = Parameter("state", "Only orders in this state.", STATES)
        verdict = Parameter("verdict", "Only events of this verdict.", VERDICTS)
        q = Parameter("q", "What to search for.")
        return (
            page_door("GET", "/", self.start, None, "On to the console.", statuses=(303,)),
            _page("/console", self.orders, "Orders, newest first.", q, state, CURSOR),
            _page("/console/orders/{key:path}", self.order, "One order: what happened when.", KEY),
            _page("/console/problems", self.problems, "Open tickets, and what to do about each.", CURSOR),
            _page("/console/events", self.events, "Events as they arrived.", verdict, CURSOR),
            _page("/console/events/{key:path}", self.event, "One event with its body, masked.", KEY),
            _page("/console/runs/{key:path}", self.run, "One run: steps and attempts.", KEY),
            _page("/console/lanes", self.lanes, "The lanes to the providers."),
        )


def _page(path: str, handler: Handler, says: str, *takes: Parameter) -> Door:
    statuses = (404,) if "{" in path else ()
    return page_door("GET", path, handler, "viewer", says, takes=takes, statuses=statuses)


def _key(ask: Ask) -> str:
    return ask.named("key") or str(ask.given["key"])


def _query(values: dict[str, str | None]) -> str:
    told = urlencode({name: value for name, value in values.items() if value})
    return f"?{told}" if told else ""
