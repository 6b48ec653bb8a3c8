"""The console's page of the reconciliation: runs with their counts, what they found, a chart over time, and a button.

The chart is drawn by the server; its numbers are those of the table beneath it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from onpaid.app.reconciling_shown import NightShown, night_shown
from onpaid.errors import InvalidInput
from onpaid.web.api_reconciling import reconciling
from onpaid.web.charts import Chart, Column, bars
from onpaid.web.console_acts import back_to
from onpaid.web.pages import Pages
from onpaid.web.parameters import CURSOR
from onpaid.web.table import Ask, Door, NotThere, page_door

ROWS = 30
MOST_DIGITS = 7


class ConsoleReconciling:
    """Makes the pages, and does what their button says."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def nights(self, ask: Ask) -> Response:
        """Every run, newest first."""
        found = reconciling(ask)
        after = ask.given["cursor"] or None
        nights, cursor = await found.nights(after, ROWS)
        settings = found.reconciler.settings
        return await self._pages.page(
            ask,
            "reconciliation.html",
            nights=nights,
            first=after is None,
            working=any(night.run.state == "running" for night in nights),
            following=await found.following(),
            schedule=found.nightly.schedule,
            settings=settings,
            seen=_chart(nights, "Sessions and payments that were looked at", ("found",)),
            put_right=_chart(nights, "What was missing and is started, and errors", ("created", "errors")),
            more=f"?{urlencode({'cursor': cursor})}" if cursor else "",
        )

    async def night(self, ask: Ask) -> Response:
        """One run, with what it found and what it could not compare."""
        run = await reconciling(ask).reconciler.records.get(ask.named("id"))
        if run is None:
            raise NotThere("there is no reconciliation of this id")
        return await self._pages.page(ask, "reconciliation_run.html", night=night_shown(run))

    async def start(self, ask: Ask) -> Response:
        """Start a run now."""
        wanted: dict[str, Any] = {"dryRun": ask.form.get("dry_run") == "yes"}
        hours = ask.form.get("lookback_hours", "").strip()
        if hours:
            if not (hours.isascii() and hours.isdigit() and len(hours) <= MOST_DIGITS):
                raise InvalidInput("the hours must be a whole number")
            wanted["lookbackHours"] = int(hours)
        await reconciling(ask).reconciler.start(wanted, by=ask.caller.by)
        return back_to(self._pages, ask, "reconciling")

    def doors(self) -> tuple[Door, ...]:
        """The pages and the button as routes."""
        return (
            page_door(
                "GET",
                "/console/reconciliation",
                self.nights,
                "viewer",
                "Runs of the reconciliation, with a chart of what they found.",
                takes=(CURSOR,),
                statuses=(404,),
            ),
            page_door(
                "GET",
                "/console/reconciliation/{id}",
                self.night,
                "viewer",
                "One run of the reconciliation.",
                statuses=(404,),
            ),
            page_door(
                "POST",
                "/console/reconciliation/start",
                self.start,
                "operator",
                "Start a reconciliation now.",
                statuses=(303, 400, 404, 409),
            ),
        )


def _chart(nights: Sequence[NightShown], words: str, kinds: tuple[str, ...]) -> Chart:
    """The runs of a page as bars, oldest first."""
    columns = [
        Column(
            f"{night.at:%-d %b}",
            tuple(
                (kind, {"found": night.found, "created": night.put_right, "errors": night.errors}[kind])
                for kind in kinds
            ),
        )
        for night in reversed(nights)
    ]
    return bars(columns, f"{words}, by run: the table beneath has the numbers")
