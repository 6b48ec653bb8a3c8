"""A ticket is put where people see it, once; then it is counted under its problem.

The log comes first and depends on nothing outside. Of a problem's tickets the 1st, 2nd, 4th, 8th ... are worth telling
of: an issue tracker hears of those through a run of its own, and if they are critical somebody is woken. Tickets about
the tracker itself are not told to it.
"""

from __future__ import annotations

import msgspec

from onpaid.clock import as_instant, iso
from onpaid.domain.problems import REPORTING, ProblemSeen, fingerprint
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Ticket
from onpaid.providers.roles import FiledTicket, Ticketing, TicketRef
from onpaid.providers.roles_delivery import Alerting
from onpaid.providers.ticket_texts import title_of, told_facts
from onpaid.providers.trackers import IssueTracker
from onpaid.repositories.problems import Problems


def _key(ticket: Ticket) -> str:
    """A ticket that was closed and opens again is filed again."""
    return ticket.id if ticket.times == 1 else f"{ticket.id}.{ticket.times}"


@flow(on=Ticket, key=_key, about=lambda ticket: ticket.about, same=lambda one, other: True)
async def file_ticket(
    ctx: Context,
    ticket: Ticket,
    *,
    ticketing: Ticketing,
    problems: Problems,
    tracker: IssueTracker,
    alerting: Alerting,
) -> TicketRef:
    filed = _as_told(ticket, problems.environment)
    reference = await ctx.step("file ticket", ticketing.file_ticket, filed, find=ticketing.find_ticket)
    counted = await ctx.step(
        "count ticket", problems.count, _seen(filed), as_instant(ctx.started), _is_for(tracker, ticket)
    )
    if counted.telling and ticket.severity == "critical":
        await ctx.step("alert", alerting.alert, msgspec.structs.replace(filed, times=counted.count))
    return reference


def _as_told(ticket: Ticket, environment: str) -> FiledTicket:
    """The ticket without personal data."""
    order = next((thing.removeprefix("order:") for thing in ticket.about if thing.startswith("order:")), None)
    filed = FiledTicket(
        id=_key(ticket),
        category=ticket.category,
        severity=ticket.severity,
        title=ticket.title,
        facts=ticket.facts,
        opened_at=iso(ticket.opened_at),
        run=ticket.run,
        order=order,
        environment=environment,
        fingerprint=fingerprint(environment, ticket.category, ticket.title, ticket.facts),
    )
    return msgspec.structs.replace(filed, title=title_of(filed), facts=told_facts(ticket.facts))


def _seen(filed: FiledTicket) -> ProblemSeen:
    return ProblemSeen(
        fingerprint=filed.fingerprint,
        count=0,
        ticket=filed.id,
        category=filed.category,
        severity=filed.severity,
        title=filed.title,
        opened_at=filed.opened_at,
        environment=filed.environment,
        facts=filed.facts,
        run=filed.run,
        order=filed.order,
    )


def _is_for(tracker: IssueTracker, ticket: Ticket) -> bool:
    """Whether the tracker may hear of it: what is wrong with the tracker is told elsewhere."""
    about_it = ticket.facts.get("lane") == tracker.lane or (ticket.run or "").startswith(REPORTING)
    return tracker.present and not about_it
