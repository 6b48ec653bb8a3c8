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
FAILED = replace(
    TICKET,
    category="delivery",
    title="Shipment creation failed for order 2045861230417",
    facts={
        "error": "Shiprocket API timeout for Kari@example.org, +91 98765 43210",
        "customerEmail": "customer@example.com",
        "customerPhone": "9999999999",
        "customer_name": "Kari Lie",
        "customer": "Kari Lie",
        "customerId": "cst_123",
        "shippingAddress": "Storgata 1, Oslo",
        "paymentId": "pay_abc1",
        "awb": "19041211125783",
        "amount": "INR 12345678.00",
        "deliveryStage": "shipment_creation",
        "note": "call 0091-9876-543210 or mail ola@example.org",
    },
    order="shop/2045861230417",
    environment="production",
    fingerprint="3f9ac1d2e4b5",
)
OLD_LINE = (
    b'{"id":"t-7","category":"payment","severity":"high","title":"Paid twice?","facts":{"payment":"pi_1"},'
    b'"opened_at":"2026-11-25T10:00:00.000Z","run":null,"order":"konverzky/1001"}\n'
)
"""As the first version wrote it."""


async def test_a_ticket_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    log = TicketLog(Settings(path))
    assert await log.find_ticket(TICKET) == Absent()
    assert await log.file_ticket(TICKET) == TicketRef("tickets.jsonl#t-1")
    assert await log.find_ticket(TICKET) == Found(TicketRef("tickets.jsonl#t-1"))
    assert await log.find_ticket(replace(TICKET, id="t")) == Absent()
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line) == {
        "id": "t-1",
        "orderId": None,
        "category": "invoice",
        "severity": "high",
        "issue": 'The invoice is "off" by one',
        "errorMessage": 'The invoice is "off" by one',
        "context": TICKET.facts,
        "createdAt": "2026-11-25T10:00:00.000Z",
        "environment": "",
        "run": "invoice_payment:pi_1",
        "fingerprint": "",
    }
    assert path.stat().st_mode & 0o077 == 0


async def test_a_line_has_the_words_that_its_readers_know_and_nothing_personal(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    await TicketLog(Settings(path)).file_ticket(FAILED)
    line = json.loads(path.read_text(encoding="utf-8"))
    assert (line["orderId"], line["environment"]) == ("2045861230417", "production")
    assert line["issue"] == FAILED.title
    assert line["errorMessage"] == "Shiprocket API timeout for ***, ***"
    assert line["fingerprint"] == "3f9ac1d2e4b5"
    assert "errorStack" not in line, "there is none"
    assert line["context"] == {
        "error": "Shiprocket API timeout for ***, ***",
        "customerEmail": "***",
        "customerPhone": "***",
        "customer_name": "***",
        "customer": "***",
        "customerId": "cst_123",
        "shippingAddress": "***",
        "paymentId": "pay_abc1",
        "awb": "19041211125783",
        "amount": "INR 12345678.00",
        "deliveryStage": "shipment_creation",
        "note": "call *** or mail ***",
        "order": "shop/2045861230417",
    }


async def test_lines_of_the_first_version_are_found(tmp_path: Path) -> None:
    path = tmp_path / "tickets.jsonl"
    path.write_bytes(OLD_LINE)
    log = TicketLog(Settings(path))
    old = replace(TICKET, id="t-7")
    assert await log.find_ticket(old) == Found(TicketRef("tickets.jsonl#t-7"))
    await log.file_ticket(TICKET)
    assert await log.find_ticket(old) == Found(TicketRef("tickets.jsonl#t-7"))
    assert await log.find_ticket(TICKET) == Found(TicketRef("tickets.jsonl#t-1"))


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
