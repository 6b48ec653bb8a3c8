"""No message service: what a customer would have been told is noted in our log, and nobody is told anything.

What it is: a Messaging for trying things out, and for shops that tell their customers in another way.
How a thing is found again: it need not be: noting it again harms nobody.
Its limits: template and reference are logged, never the number, nor what the message says.
How it signs: it sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from onpaid.acts import Absent, Finding, LaneLimit, act
from onpaid.domain.messages import OutMessage, Sent

log = structlog.get_logger("onpaid.messages")


@dataclass(frozen=True)
class Settings:
    """There is nothing to set."""


class MessageLog:
    """A Messaging."""

    name = "log"
    lanes: tuple[LaneLimit, ...] = ()

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    @act(settles=timedelta(0))
    async def send_message(self, message: OutMessage) -> Sent:
        """Note it. Noted again after a crash, it is a second line in the log and no second message."""
        log.info("message not sent: no service is set up", template=message.template, ref=message.ref)
        return Sent(self.name, message.ref, "logged")

    @act(repeatable=True)
    async def find_message(self, message: OutMessage) -> Finding[Sent]:
        """Nothing is ever out."""
        return Absent()

    async def doctor(self) -> list[str]:
        """Nothing can be wrong with it."""
        return []

    def warm(self) -> None:
        """Nothing to import."""

    async def close(self) -> None:
        """Nothing is kept open."""
