"""Tickets as lines of a file."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Found
from onpaid.errors import SettingsError, Unavailable
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.ticket_log import Settings, TicketLog

TICKET = FiledTicket(
    id="t-1",
    category="invoice",
    severity="high",
    title='The invoice is "off"\nby one',
    facts={"paid": "NOK 498.00", "invoiced": "NOK 498.01"},
    opened_at="2026-11-25T10:00:00.000Z",
    run="invoice_payment:pi_1",
)


async def test_a_ticket_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    log = TicketLog(Settings(path))
    assert await log.find_ticket(TICKET) == Absent()
    assert await log.file_ticket(TICKET) == TicketRef("tickets.jsonl#t-1")
    assert await log.find_ticket(TICKET) == Found(TicketRef("tickets.jsonl#t-1"))
    assert await log.find_ticket(replace(TICKET, id="t")) == Absent()
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["facts"] == TICKET.facts
    assert path.stat().st_mode & 0o077 == 0


async def test_a_line_that_a_crash_cut_short_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    log = TicketLog(Settings(path))
    await log.file_ticket(TICKET)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert await log.find_ticket(TICKET) == Absent()
    path.write_bytes(whole + whole[:20])
    await log.file_ticket(replace(TICKET, id="t-2"))
    assert await log.find_ticket(TICKET) == Found(TicketRef("tickets.jsonl#t-1"))
    assert await log.find_ticket(replace(TICKET, id="t-2")) == Found(TicketRef("tickets.jsonl#t-2"))


async def test_another_tickets_words_are_not_its_id(tmp_path: Path) -> None:
    log = TicketLog(Settings(tmp_path / "tickets.jsonl"))
    await log.file_ticket(replace(TICKET, facts={"see": "t-9"}))
    assert await log.find_ticket(replace(TICKET, id="t-9")) == Absent()


async def test_many_at_once_are_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    log = TicketLog(Settings(path))
    await asyncio.gather(*(log.file_ticket(replace(TICKET, id=f"t-{n}")) for n in range(50)))
    assert (
        len({json.loads(line)["id"] for line in path.read_text(encoding="utf-8").splitlines() if line}) == 50
    )


async def test_a_file_that_cannot_be(tmp_path: Path) -> None:
    log = TicketLog(Settings(tmp_path / "missing" / "tickets.jsonl"))
    with pytest.raises(Unavailable, match="cannot be opened"):
        await log.file_ticket(TICKET)
    assert "missing" in (await log.doctor())[0]
    with pytest.raises(Unavailable, match="cannot be read"):
        await TicketLog(Settings(tmp_path)).find_ticket(TICKET)
    assert await TicketLog(Settings(tmp_path / "x")).doctor() == []
    with pytest.raises(SettingsError):
        Settings(Path())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
async def test_a_full_disk_is_no_ticket() -> None:
    from onpaid.errors import Doubtful

    with pytest.raises(Doubtful):
        await TicketLog(Settings(Path("/dev/full"))).file_ticket(TICKET)
