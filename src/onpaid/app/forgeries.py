"""Webhooks whose signature is wrong: one ticket for each source and day, however many thousands there were.

They are counted in memory and written at the 1st, 2nd, 4th, 8th ..., aside from the refusal: a forged request costs no
write of its own, and its refusal waits for nothing and never fails because of this. Several processes add to one ticket;
what two of them add in the same instant may be counted once.
"""

from __future__ import annotations

import asyncio

import structlog

from onpaid.clock import Clock, iso
from onpaid.engine.journal import TICKETS, Ticket
from onpaid.engine.recorder import Recorder
from onpaid.engine.tickets import new_ticket, ticket_id
from onpaid.errors import StoreError

log = structlog.get_logger("onpaid.forgeries")

CAUSE = "webhook signature invalid"
MOST_SOURCES = 200
"""Sources that are counted apart; there are a handful."""


class Forgeries:
    """Counts refused signatures, and sees to the ticket."""

    def __init__(self, recorder: Recorder, clock: Clock) -> None:
        self._recorder = recorder
        self._clock = clock
        self._day = ""
        self._counts: dict[str, int] = {}
        self._told: dict[str, int] = {}
        """How many of these the ticket has heard of; others add to it as well."""
        self._writing: dict[str, asyncio.Task[None]] = {}

    async def note(self, source: str) -> None:
        """One more from this source. Returns at once, and never raises."""
        day = iso(self._clock.now())[:10]
        if day != self._day:
            self._day, self._counts, self._told = day, {}, {}
        if source not in self._counts and len(self._counts) >= MOST_SOURCES:
            return
        count = self._counts[source] = self._counts.get(source, 0) + 1
        if count & (count - 1) == 0 and source not in self._writing:
            task = asyncio.get_running_loop().create_task(self._write(source))
            self._writing[source] = task
            task.add_done_callback(lambda _done: self._writing.pop(source, None))

    async def close(self) -> None:
        """Finish what is being written."""
        await asyncio.gather(*self._writing.values(), return_exceptions=True)

    async def _write(self, source: str) -> None:
        """Write the count, and again if it has doubled meanwhile, or another day has begun."""
        written = ("", 0)
        try:
            while (self._day, self._counts.get(source, 0).bit_length()) != written:
                day, count, told = self._day, self._counts.get(source, 0), self._told
                written = (day, count.bit_length())
                if count == 0:
                    return
                new = count - told.get(source, 0)
                before = await self._counted_before(source, day)
                await self._recorder.record(tickets=[self._ticket(source, day, before + new)])
                told[source] = count
        except StoreError as error:
            log.warning("forged webhooks not noted", source=source, why=str(error))
        except Exception:
            log.exception("forged webhooks not noted", source=source)

    async def _counted_before(self, source: str, day: str) -> int:
        held = await TICKETS.get(self._recorder.store, ticket_id(_subject(source, day), CAUSE))
        told = held.record.facts.get("requests", "") if held is not None else ""
        return int(told) if told.isdecimal() else 0

    def _ticket(self, source: str, day: str, count: int) -> Ticket:
        return new_ticket(
            None,
            subject=_subject(source, day),
            cause=CAUSE,
            title="Webhook signature invalid: somebody forges webhooks, or our secret is not the sender's. Nothing "
            "was taken in; if real events are missing, compare the secrets, then have them sent again",
            category="payment",
            severity="medium",
            now=self._clock.now(),
            facts={"source": source, "day": day, "requests": count},
        )


def _subject(source: str, day: str) -> str:
    return f"forged:{source}:{day}"
