"""What an alert says: enough to know how bad it is and where to look, and no facts, so nothing personal.

An alert is read on a telephone at night, passes through services that we do not choose, and stays in their logs.
"""

from __future__ import annotations

import msgspec

from onpaid.acts import LaneLimit
from onpaid.providers.roles import FiledTicket
from onpaid.providers.ticket_texts import order_number, title_of

LANE = "alerts"
LIMIT = LaneLimit(LANE, at_once=4, per_second=5)


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    """An alert, as a program reads it. `text` is the whole of it in one line, which chat services show."""

    id: str
    severity: str
    category: str
    title: str
    text: str
    environment: str
    order_id: str | None
    run: str | None
    fingerprint: str
    times: int
    opened_at: str


def alert_of(ticket: FiledTicket) -> Alert:
    """The alert of a ticket."""
    title = title_of(ticket)
    return Alert(
        id=ticket.id,
        severity=ticket.severity,
        category=ticket.category,
        title=title,
        text=f"{subject(ticket)} ({ticket.id}{_times(ticket)})",
        environment=ticket.environment,
        order_id=order_number(ticket),
        run=ticket.run,
        fingerprint=ticket.fingerprint,
        times=ticket.times,
        opened_at=ticket.opened_at,
    )


def subject(ticket: FiledTicket, longest: int = 300) -> str:
    """One line: `onpaid production critical delivery: Shipment creation failed`."""
    where = " ".join(f"onpaid {ticket.environment} {ticket.severity} {ticket.category}".split())
    line = f"{where}: {title_of(ticket)}"
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def body(ticket: FiledTicket) -> str:
    """A few lines of text."""
    told = [
        title_of(ticket),
        "",
        f"Ticket: {ticket.id}{_times(ticket)}",
        f"Severity: {ticket.severity}; category: {ticket.category}; environment: {ticket.environment or 'not said'}",
        f"Opened: {ticket.opened_at}",
    ]
    if ticket.order:
        told.append(f"Order: {order_number(ticket)}")
    if ticket.run:
        told.append(f"Run: {ticket.run}")
    told.append("What to do about it stands in the console, under Tickets.")
    return "\n".join(told) + "\n"


def mark(ticket: FiledTicket) -> str:
    """The same for every repeat of one alert, so that who gets it twice can tell."""
    return f"{ticket.id}.{ticket.times}"


def _times(ticket: FiledTicket) -> str:
    return f", {ticket.times} tickets of this problem so far" if ticket.times > 1 else ""
