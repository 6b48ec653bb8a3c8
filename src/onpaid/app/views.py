"""Everything that can be looked at: orders, and beside them runs, events, tickets and lanes.

Reads only, each by key or by index, never a scan.
"""

from __future__ import annotations

from onpaid.app import journals, tickets_shown
from onpaid.app.about import names_of
from onpaid.app.masking import Mask
from onpaid.app.order_views import OrderViews
from onpaid.app.orders_shown import private_of
from onpaid.app.shown import EventList, EventShown, LaneShown, RunList, RunShown, TicketList, TicketShown
from onpaid.clock import as_datetime
from onpaid.engine.journal import LANES, RUNS, TICKETS, Run, RunState
from onpaid.repositories.events import Verdict


class Views(OrderViews):
    """What the console and the API show."""

    async def runs(self, state: RunState, *, after: str | None = None, limit: int = 50) -> RunList:
        """Runs in a state, newest first."""
        page = await RUNS.query(self._store, "state", state, after=after, limit=limit)
        now, mask = self._clock.now(), Mask()
        return RunList([journals.run_row(run, now, mask) for run in page.items], page.cursor)

    async def run(self, run_id: str) -> RunShown | None:
        """One run with its steps and attempts."""
        held = await RUNS.get(self._store, run_id)
        if held is None:
            return None
        return journals.run_shown(held.record, self._clock.now(), await self._mask_for(held.record))

    async def stopped(self) -> RunList:
        """The newest runs that need a person: in doubt, or failed. Those with an open ticket are told by it."""
        runs: list[Run] = []
        for state in ("doubtful", "failed"):
            runs.extend((await RUNS.query(self._store, "state", state, limit=50)).items)
        ids = [ticket for run in runs for ticket in run.tickets]
        tickets = await TICKETS.get_many(self._store, ids) if ids else []
        told = {ticket.id for ticket in tickets if ticket is not None and ticket.state == "open"}
        untold = [run for run in runs if told.isdisjoint(run.tickets)]
        now, mask = self._clock.now(), Mask()
        return RunList([journals.run_row(run, now, mask) for run in untold], None)

    async def tickets(self, *, state: str = "open", after: str | None = None, limit: int = 50) -> TicketList:
        """Tickets, newest first, with what to do about each."""
        page = await TICKETS.query(self._store, "state", state, after=after, limit=limit)
        ids = list(dict.fromkeys(ticket.run for ticket in page.items if ticket.run))
        runs = dict(zip(ids, await RUNS.get_many(self._store, ids), strict=True)) if ids else {}
        mask = Mask()
        shown = [
            tickets_shown.ticket_shown(ticket, runs.get(ticket.run or ""), mask) for ticket in page.items
        ]
        return TicketList(shown, page.cursor)

    async def ticket(self, ticket_id: str) -> TicketShown | None:
        """One ticket."""
        held = await TICKETS.get(self._store, ticket_id)
        if held is None:
            return None
        run = await RUNS.get(self._store, held.record.run) if held.record.run else None
        return tickets_shown.ticket_shown(held.record, run.record if run else None, Mask())

    async def events(
        self, *, verdict: Verdict | None = None, after: str | None = None, limit: int = 50
    ) -> EventList:
        """Events, newest first; of one verdict if given."""
        page = await self._events.newest(verdict=verdict, after=after, limit=limit)
        mask = Mask()
        return EventList([tickets_shown.event_row(event, mask) for event in page.items], page.cursor)

    async def event(self, key: str) -> EventShown | None:
        """One event with its body, masked."""
        held = await self._events.get(key)
        return None if held is None else tickets_shown.event_shown(held.record)

    async def lanes(self) -> list[LaneShown]:
        """Every lane, paused or not."""
        lanes = self._engine.workshop.lanes
        names = lanes.names()
        kept = dict(zip(names, await LANES.get_many(self._store, names), strict=True)) if names else {}
        shown: list[LaneShown] = []
        for name in names:
            state, why = kept[name], lanes.paused(name)
            since = as_datetime(state.since) if state and state.paused and state.since else None
            shown.append(
                LaneShown(
                    name=name,
                    paused=why is not None,
                    reason=Mask().text(why or ""),
                    since=since,
                    waiting=lanes.waiting(name),
                    strict=lanes.strict(name),
                )
            )
        return shown

    async def _mask_for(self, run: Run) -> Mask:
        """A mask that knows the customers of the run's order."""
        key = journals.order_of(run.about)
        held = None if key is None else await self._orders.find(key)
        order = None if held is None else held.record
        payments = [] if key is None else await self._about.payments(names_of(key, order))
        return Mask(private_of(order, payments))
