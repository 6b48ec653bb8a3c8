"""Where an order is, for whoever holds its customer's link, and for whoever asks the API with a token.

A link opens one order and nothing else. One that is wrong, altered, over or missing gets the same answer to the last
byte, whatever is wrong with it: the page says so kindly, and nobody learns from it whether an order exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from starlette.responses import Response

from onpaid.app.shown_tracking import Tracked, TrackedScan
from onpaid.app.tracked import INDIA, track
from onpaid.app.tracked_words import SETTLED
from onpaid.clock import as_datetime
from onpaid.domain.orders import order_key
from onpaid.web.answers import json_answer, problem
from onpaid.web.pages import Pages, tagged
from onpaid.web.parameters import Parameter
from onpaid.web.table import Ask, Door, NotLoggedIn, NotThere

NOBODYS: Final = {"x-robots-tag": "noindex, nofollow, noarchive"}
"""On every answer: search engines keep nothing of it. That nothing is referred or stored is said to every browser."""
CLOSED: Final = "This link opens nothing (any more): ask the shop for a new one."
API_PATH: Final = re.compile(r"/api/orders/.+/tracking")
"""What a shop's own page may ask from a customer's browser, with the customer's link."""
OFTEN, SELDOM = 15, 120
"""Seconds between two looks of an open page: while something may happen, and once all is over."""


@dataclass(frozen=True, slots=True)
class LinkParameter(Parameter):
    """A text that is never refused for its looks: what is no link opens nothing, and is told like every other."""

    def read(self, text: str) -> Any:
        """The text as it is."""
        return text

    @property
    def schema(self) -> dict[str, Any]:
        """Any text."""
        return {"type": "string"}


LINK: Final = LinkParameter("link", "A customer's link, instead of a token.", default=None)


class Tracking:
    """The customer's page, and the same for programs."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._closed = pages.render("track_closed.html", status=404)

    async def page(self, ask: Ask) -> Response:
        """The customer's page."""
        delivery = ask.parts.delivery
        link = str(ask.request.path_params.get("link", ""))
        key = None if delivery is None else delivery.messages.tracked(link, ask.parts.clock.now())
        if delivery is None or key is None:
            return self._nothing()
        found = await track(delivery.orders, delivery.shipments, key)
        if found is None:
            return self._nothing()
        now = as_datetime(ask.parts.clock.now(), INDIA)
        content = self._pages.render(
            "track.html",
            order=found,
            days=list(_days(found.scans)),
            today=now.date(),
            every=SELDOM if found.standing in SETTLED else OFTEN,
        )
        answer = tagged(ask, content, 200)
        answer.headers.update(NOBODYS)
        return answer

    async def api(self, ask: Ask) -> Response:
        """The same as JSON: for a token, or for the link of exactly this order."""
        link = ask.given["link"]
        if link is None and ask.caller.role is None:
            raise NotLoggedIn("Send a customer's link as ?link=, or Authorization: Bearer with a token")
        found = await (self._by_link(ask, link) if link is not None else self._by_name(ask))
        if found is None:
            return problem(404, CLOSED, dict(NOBODYS))
        return Response(json_answer(found).body, headers=NOBODYS, media_type="application/json")

    async def trouble(self, ask: Ask, status: int, detail: str) -> Response:
        """An error as a customer is told it: what to do, and nothing of what is inside."""
        content = self._pages.render("track_closed.html", status=status)
        headers = {**NOBODYS, **({"retry-after": "5"} if status == 503 else {})}
        return Response(content, status, headers, media_type="text/html; charset=utf-8")

    def _nothing(self) -> Response:
        return Response(self._closed, 404, NOBODYS, media_type="text/html; charset=utf-8")

    async def _by_link(self, ask: Ask, link: str) -> Tracked | None:
        delivery = ask.parts.delivery
        key = None if delivery is None else delivery.messages.tracked(link, ask.parts.clock.now())
        if delivery is None or key is None:
            return None
        found = await track(delivery.orders, delivery.shipments, key)
        fits = found is not None and ask.named("number") in (found.order, key)
        return found if fits else None

    async def _by_name(self, ask: Ask) -> Tracked:
        delivery, name = ask.parts.deliveries, ask.named("number")
        for key in (name, order_key(delivery.desk.shop.name, name)):
            found = await track(delivery.orders, delivery.shipments, key)
            if found is not None:
                return found
            if await delivery.orders.find(key) is not None:
                raise NotThere("this order came from a shop that ships by itself: onpaid only invoices it")
        raise NotThere("there is no order of this number")

    def doors(self) -> tuple[Door, ...]:
        """The doors as routes."""
        says = "The customer's page of one order. A link that opens nothing is answered alike, whatever is wrong with it."
        return (
            Door(
                "GET",
                "/api/orders/{number:path}/tracking",
                self.api,
                None,
                "Where an order is: with a token, or with its customer's link.",
                takes=(LINK,),
                answers=Tracked,
                statuses=(401, 404),
            ),
            _guest("/track/{link:path}", self.page, says),
            _guest("/track", self.page, "A customer's page without its link: nothing."),
        )


def _guest(path: str, handler: Any, says: str) -> Door:
    return Door("GET", path, handler, None, says, face="guest", media="text/html", statuses=(304, 404))


def _days(scans: list[TrackedScan]) -> Iterator[tuple[Any, list[TrackedScan]]]:
    """Scans by the day on which they were made, in India; those without a readable time stand under None."""
    for day, found in groupby(
        scans, lambda scan: None if scan.at is None else scan.at.astimezone(INDIA).date()
    ):
        yield day, list(found)
