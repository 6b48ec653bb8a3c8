"""Whether there is an issue tracker at all. Without one, tickets end in the ticket log, and nothing else is missing."""

from __future__ import annotations

from typing import NoReturn, Protocol

from onpaid.acts import Finding, LaneLimit, act
from onpaid.errors import Refused
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.roles_delivery import Tracker


class IssueTracker(Tracker, Protocol):
    """A Tracker as flows are handed it. `present` is plain: to ask it is no call."""

    present: bool
    lane: str
    """The lane of its calls: tickets about it are not told to it."""


class NoTracker:
    """An IssueTracker that is not there. Nobody asks it for more than `present`, unless the setting was taken away
    while a report was under way: that run then ends with a ticket."""

    present = False
    lane = ""

    @act(repeatable=True)
    async def create_issue(self, ticket: FiledTicket) -> TicketRef:
        """Refused."""
        self._not_there()

    @act(repeatable=True)
    async def find_issue(self, ticket: FiledTicket) -> Finding[TicketRef]:
        """Refused."""
        self._not_there()

    @act(repeatable=True)
    async def issue_is_open(self, reference: str) -> bool:
        """Refused."""
        self._not_there()

    @act(repeatable=True)
    async def comment(self, reference: str, marker: str, text: str) -> TicketRef:
        """Refused."""
        self._not_there()

    @act(repeatable=True)
    async def find_comment(self, reference: str, marker: str, text: str) -> Finding[TicketRef]:
        """Refused."""
        self._not_there()

    @property
    def lanes(self) -> tuple[LaneLimit, ...]:
        """None."""
        return ()

    async def doctor(self) -> list[str]:
        """Nothing is wrong: the ticket log is enough."""
        return []

    def _not_there(self) -> NoReturn:
        raise Refused("no issue tracker is set up any more: set it up again and retry, or cancel this run")
