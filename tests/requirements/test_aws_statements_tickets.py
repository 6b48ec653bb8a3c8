"""Where no disk outlives the process, a ticket is a line of the log, and the documented words are still found in it."""

from __future__ import annotations

from structlog.testing import capture_logs

from onpaid.acts import Absent
from onpaid.providers.ticket_log import TicketLines
from tests.providers.test_ticket_log import FAILED

DOCUMENTED = {
    "orderId",
    "category",
    "severity",
    "issue",
    "errorMessage",
    "context",
    "createdAt",
    "environment",
}


async def test_a_ticket_is_a_line_of_the_functions_log() -> None:
    with capture_logs() as said:
        filed = await TicketLines().file_ticket(FAILED)
    (line,) = said
    assert line["event"] == "ticket"
    assert line["ticket"] == FAILED.id
    assert filed.reference == f"log#{FAILED.id}"
    assert set(line) >= DOCUMENTED
    assert (line["category"], line["severity"], line["environment"]) == ("delivery", "high", "production")


async def test_nothing_personal_is_in_it() -> None:
    with capture_logs() as said:
        await TicketLines().file_ticket(FAILED)
    assert not [each for each in ("Kari", "98765", "example", "Storgata") if each in repr(said)]


async def test_a_line_is_never_taken_for_there() -> None:
    assert await TicketLines().find_ticket(FAILED) == Absent()
