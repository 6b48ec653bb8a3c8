"""Tickets and events as people see them."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from onpaid.app import words
from onpaid.app.journals import order_of
from onpaid.app.masking import Mask
from onpaid.app.shown import EventRow, EventShown, Mood, TicketShown
from onpaid.clock import as_datetime
from onpaid.engine.journal import Run, Ticket
from onpaid.repositories.events import EventRecord

LARGEST_BODY = 128_000
MOST_FIELDS = 200
_MOODS: dict[str, Mood] = {"routed": "good", "ignored": "todo", "unrouted": "bad"}


def ticket_shown(ticket: Ticket, run: Run | None, mask: Mask) -> TicketShown:
    """A ticket with what to do about it."""
    return TicketShown(
        id=ticket.id,
        title=mask.text(ticket.title),
        category=ticket.category,
        severity=ticket.severity,
        state=ticket.state,
        times=ticket.times,
        opened=as_datetime(ticket.opened_at),
        closed=None if ticket.closed_at is None else as_datetime(ticket.closed_at),
        closed_by=mask.text(ticket.closed_by),
        run=ticket.run,
        order=_order_of(ticket),
        event=ticket.facts.get("event") if ticket.run is None else None,
        lane=ticket.facts.get("lane") if ticket.run is None else None,
        facts={name: mask.text(value) for name, value in ticket.facts.items()},
        advice=words.advice_for(ticket, run),
        run_state=None if run is None else run.state,
    )


def _order_of(ticket: Ticket) -> str | None:
    """The order that a ticket is about, by the name that its facts give it: people know that one."""
    told = ticket.facts.get("order", "")
    about = order_of(ticket.about)
    return told if about is not None and told.partition("/")[0] == about.partition("/")[0] else about


def event_row(event: EventRecord, mask: Mask) -> EventRow:
    """An event in a list."""
    return EventRow(
        key=event.key,
        source=event.envelope.source,
        type=event.envelope.type,
        live=event.envelope.live,
        at=as_datetime(event.received_at),
        verdict=event.verdict,
        mood=_MOODS[event.verdict],
        reason=mask.text(event.reason),
        order=order_of(event.about),
    )


def event_shown(event: EventRecord) -> EventShown:
    """One event with its body, masked."""
    mask, raw = Mask(), event.raw()
    created = event.envelope.created_at
    return EventShown(
        row=event_row(event, mask),
        event_id=event.envelope.event_id,
        account=event.envelope.account,
        api_version=event.envelope.api_version,
        created=None if created is None else as_datetime(created),
        runs=event.runs,
        size=len(raw),
        body=_body(raw, mask),
    )


def _body(raw: bytes, mask: Mask) -> object:
    if len(raw) > LARGEST_BODY:
        return None
    try:
        return mask.tree(msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _form(raw, mask)


def _form(raw: bytes, mask: Mask) -> object:
    """A body that is a form, as some services send it."""
    try:
        return mask.tree(dict(parse_qsl(raw.decode(), strict_parsing=True, max_num_fields=MOST_FIELDS)))
    except (UnicodeError, ValueError):
        return None
