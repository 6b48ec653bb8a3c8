"""An issue tracker and a pager, with books of their own: what is on the board happened.

The tracker's search trails behind its writes, it can be away for hours, and people close its issues.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from onpaid.acts import Absent, Finding, Found, LaneLimit, act
from onpaid.errors import Unavailable
from onpaid.providers.roles import FiledTicket, TicketRef
from tests.flows.world import TIMEOUT, World

SETTLES = timedelta(minutes=3)
LAG = 100.0
"""Seconds until the search shows what is new."""

UNKNOWN = FiledTicket("unknown", "internal", "low", "An issue of another time", {}, "")


@dataclass
class Issue:
    key: str
    ticket: FiledTicket
    visible_at: float
    open: bool = True
    comments: list[tuple[str, str]] = field(default_factory=list)

    @property
    def markers(self) -> list[str]:
        return [marker for marker, _ in self.comments]

    @property
    def counts(self) -> list[int]:
        """Which counts the comments tell."""
        return sorted(int(marker.rstrip("]").rpartition("/")[2]) for marker in self.markers)


class Board:
    """An IssueTracker."""

    present = True
    lane = "board"
    lanes = (LaneLimit(lane, at_once=2, per_second=5),)

    def __init__(self, world: World, *, closing: bool = False) -> None:
        """`closing`: people close the first issue before anybody looks at it again."""
        self._world = world
        self._closing = closing
        self.issues: list[Issue] = []
        self.away_until = 0.0

    def of(self, fingerprint: str) -> list[Issue]:
        return [issue for issue in self.issues if issue.ticket.fingerprint == fingerprint]

    @act(lane="board", timeout=TIMEOUT, settles=SETTLES, look_first=True)
    async def create_issue(self, ticket: FiledTicket) -> TicketRef:
        def effect() -> TicketRef:
            if any(issue.open for issue in self.of(ticket.fingerprint)):
                self._world.faults.append(f"a second open issue of {ticket.fingerprint}")
            key = f"OPS-{len(self.issues) + 1}"
            self.issues.append(Issue(key, ticket, _now() + LAG))
            return TicketRef(key)

        self._there()
        return await self._world.called("create_issue", ticket.fingerprint, effect, _unanswered)

    @act(repeatable=True, lane="board", timeout=TIMEOUT)
    async def find_issue(self, ticket: FiledTicket) -> Finding[TicketRef]:
        def look() -> Finding[TicketRef]:
            found = [one for one in self.of(ticket.fingerprint) if one.open and one.visible_at <= _now()]
            return Found(TicketRef(found[0].key)) if found else Absent()

        self._there()
        return await self._world.called("find_issue", ticket.fingerprint, None, look)

    @act(repeatable=True, lane="board", timeout=TIMEOUT)
    async def issue_is_open(self, reference: str) -> bool:
        def look() -> bool:
            issue = self._issue(reference)
            issue.open = issue.open and not (self._closing and reference == "OPS-1")
            return issue.open

        self._there()
        return await self._world.called("issue_is_open", reference, None, look)

    @act(lane="board", timeout=TIMEOUT)
    async def comment(self, reference: str, marker: str, text: str) -> TicketRef:
        def effect() -> TicketRef:
            issue = self._issue(reference)
            if marker in issue.markers:
                self._world.faults.append(f"{marker} twice on {reference}")
            issue.comments.append((marker, text))
            return TicketRef(f"{reference}#{len(issue.comments)}")

        self._there()
        return await self._world.called("comment", marker, effect, _unanswered)

    @act(repeatable=True, lane="board", timeout=TIMEOUT)
    async def find_comment(self, reference: str, marker: str, text: str) -> Finding[TicketRef]:
        def look() -> Finding[TicketRef]:
            markers = self._issue(reference).markers
            return (
                Found(TicketRef(f"{reference}#{markers.index(marker) + 1}"))
                if marker in markers
                else Absent()
            )

        self._there()
        return await self._world.called("find_comment", marker, None, look)

    def _issue(self, key: str) -> Issue:
        """The issue; one that this board never saw was made before its time."""
        for issue in self.issues:
            if issue.key == key:
                return issue
        self.issues.append(Issue(key, UNKNOWN, 0.0))
        return self.issues[-1]

    def _there(self) -> None:
        if _now() < self.away_until:
            raise Unavailable("the board cannot be reached")


class Pager:
    """An Alerting."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.told: list[FiledTicket] = []

    @act(repeatable=True, lane="pager", timeout=TIMEOUT)
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        def effect() -> TicketRef:
            self.told.append(ticket)
            return TicketRef(f"pager#{ticket.id}")

        return await self._world.called("alert", ticket.id, effect, _unanswered)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _unanswered() -> TicketRef:
    raise AssertionError("an act that is answered has landed")
