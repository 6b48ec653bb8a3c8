"""A ticket is put where people see it, once."""

from __future__ import annotations

from onpaid.clock import iso
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.engine.journal import Ticket
from onpaid.providers.roles import FiledTicket, Ticketing, TicketRef


def _key(ticket: Ticket) -> str:
    """A ticket that was closed and opens again is filed again."""
    return ticket.id if ticket.times == 1 else f"{ticket.id}.{ticket.times}"


@flow(on=Ticket, key=_key, about=lambda ticket: ticket.about, same=lambda one, other: True)
async def file_ticket(ctx: Context, ticket: Ticket, *, ticketing: Ticketing) -> TicketRef:
    filed = FiledTicket(
        id=_key(ticket),
        category=ticket.category,
        severity=ticket.severity,
        title=ticket.title,
        facts=ticket.facts,
        opened_at=iso(ticket.opened_at),
        run=ticket.run,
        order=next(
            (thing.removeprefix("order:") for thing in ticket.about if thing.startswith("order:")), None
        ),
    )
    return await ctx.step("file ticket", ticketing.file_ticket, filed, find=ticketing.find_ticket)
