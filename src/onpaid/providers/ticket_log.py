"""Tickets as lines of JSON in a file: the smallest provider, and the one to copy.

What it is: a ticketing for one machine; a person, a log shipper or a script reads the file, for example
`jq 'select(.category == "delivery")'`. Where no disk outlives the process it is our own log instead. A line has no stack: what stops a run is an answer or a rule and comes from no
stack, and a fault's stack may quote anything, so it stays in the service's own log, under the run that the line names.
How a thing is found again: by scanning the file for the ticket's id, before each filing as well.
Its limits: the disk. A line that a crash cut short is closed off by the next one and counts as not there.
How it signs: it sends nothing.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
import structlog

from onpaid.acts import Absent, Finding, Found, LaneLimit, act
from onpaid.errors import Doubtful, SettingsError, Unavailable
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.ticket_texts import ids_in, order_names, order_number, title_of, told_facts, told_text

log = structlog.get_logger("onpaid.tickets")


@dataclass(frozen=True)
class Settings:
    """`path` is the file; its folder must exist."""

    path: Path = Path("tickets.jsonl")

    def __post_init__(self) -> None:
        if not self.path.name:
            raise SettingsError("ticket_log: the path must name a file, such as tickets.jsonl")


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """A ticket as it stands in the file, in the words that its readers know."""

    id: str
    order_id: str | None
    category: str
    severity: str
    issue: str
    error_message: str
    context: dict[str, str]
    created_at: str
    environment: str
    run: str | None
    fingerprint: str


class _Id(msgspec.Struct):
    """What every line has, whichever version wrote it."""

    id: str


def line_of(ticket: FiledTicket) -> Line:
    """The ticket's line. Personal values are masked here once more, whoever made the ticket."""
    error = ticket.facts.get("error") or ticket.facts.get("why") or ticket.title
    context = told_facts(ticket.facts)
    if ticket.order:
        context.setdefault("order", ticket.order)
    return Line(
        id=ticket.id,
        order_id=order_number(ticket),
        category=ticket.category,
        severity=ticket.severity,
        issue=title_of(ticket),
        error_message=told_text(error, {*ids_in(ticket.facts), *order_names(ticket)}),
        context=context,
        created_at=ticket.opened_at,
        environment=ticket.environment,
        run=ticket.run,
        fingerprint=ticket.fingerprint,
    )


class TicketLog:
    """A Ticketing."""

    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @act(look_first=True, settles=timedelta(0))
    async def file_ticket(self, ticket: FiledTicket) -> TicketRef:
        """Append the ticket, in one write that is on disk when this returns."""
        await asyncio.to_thread(self._append, msgspec.json.encode(line_of(ticket)) + b"\n")
        return TicketRef(f"{self.settings.path.name}#{ticket.id}")

    @act(repeatable=True)
    async def find_ticket(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """Whether a whole line of the file is this ticket."""
        there = await asyncio.to_thread(self._holds, ticket.id)
        return Found(TicketRef(f"{self.settings.path.name}#{ticket.id}")) if there else Absent()

    async def doctor(self) -> list[str]:
        """What is wrong with the file, in sentences."""
        folder = self.settings.path.resolve().parent
        return (
            [] if os.access(folder, os.W_OK) else [f"Tickets: {folder} is missing, or not ours to write in."]
        )

    async def close(self) -> None:
        """Nothing is kept open."""

    def _append(self, line: bytes) -> None:
        try:
            file = os.open(self.settings.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as bad:
            raise Unavailable(f"tickets: {self.settings.path} cannot be opened: {bad.strerror}") from None
        try:
            size = os.fstat(file).st_size
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            line = b"\n" + line if torn else line
            if os.write(file, line) != len(line):
                raise Doubtful(f"tickets: the disk under {self.settings.path} is full")
            os.fsync(file)
        except OSError as bad:
            raise Doubtful(f"tickets: {self.settings.path} cannot be written: {bad.strerror}") from None
        finally:
            os.close(file)

    def _holds(self, ticket_id: str) -> bool:
        sign = msgspec.json.encode(ticket_id)
        try:
            with self.settings.path.open("rb") as lines:
                return any(
                    sign in line and _id_of(line) == ticket_id for line in lines if line.endswith(b"\n")
                )
        except FileNotFoundError:
            return False
        except OSError as bad:
            raise Unavailable(f"tickets: {self.settings.path} cannot be read: {bad.strerror}") from None


class TicketLines:
    """A Ticketing in our own log, for Lambda: each ticket is a line whose event is `ticket`.

    A log is not asked whether a line is there, so one that a crash repeats is one ticket told twice.
    """

    lanes: tuple[LaneLimit, ...] = ()

    @act(settles=timedelta(0))
    async def file_ticket(self, ticket: FiledTicket) -> TicketRef:
        """Write the line."""
        line = msgspec.to_builtins(line_of(ticket))
        log.warning("ticket", ticket=line.pop("id"), **line)
        return TicketRef(f"log#{ticket.id}")

    @act(repeatable=True)
    async def find_ticket(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """Never there, as far as we can tell."""
        return Absent()

    async def doctor(self) -> list[str]:
        """Nothing can be wrong with it."""
        return []

    async def close(self) -> None:
        """Nothing is kept open."""


def _id_of(line: bytes) -> str | None:
    try:
        return msgspec.json.decode(line, type=_Id).id
    except msgspec.MsgspecError:
        return None
