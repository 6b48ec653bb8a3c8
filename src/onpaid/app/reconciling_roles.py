"""What the reconciliation of sessions works with: who lists them, and who keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from onpaid.clock import Instant
from onpaid.domain.sessions import Session, SessionChanged, SessionDetails
from onpaid.store.port import Write


class SessionLists(Protocol):
    """Lists sessions: what a `Till` can, as far as it matters here."""

    async def fetch_session(self, session_id: str) -> SessionDetails:
        """The session as it is now. A read."""
        ...

    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        """A page of sessions created in this time, newest first, and the next `after`. A read."""
        ...


class SessionRecords(Protocol):
    """The sessions that we keep."""

    async def known(self, keys: Sequence[str]) -> list[Session | None]:
        """These sessions, in the order of their keys."""
        ...

    async def waiting(self, after: str | None = None) -> tuple[list[Session], str | None]:
        """A page of those that are open or unpaid, and the next `after`."""
        ...

    async def receive(self, changed: SessionChanged, now: Instant) -> list[Write]:
        """The writes that note a state; none if it says nothing new."""
        ...
