"""What faces read at the till themselves, without a run: how far a session has come, and which prices are sold there.

Each reading takes its place on the till's lane: a paused lane lets none out, and users who ask again and again never
take what the runs may do there.
"""

from __future__ import annotations

from typing import Protocol

from onpaid.domain.prices import Price, PriceRef
from onpaid.domain.sessions import SessionDetails
from onpaid.engine.visits import Visits
from onpaid.providers.roles_billing import Till


class TillReadings(Protocol):
    """The readings, by whatever way."""

    async def fetch_session(self, session_id: str) -> SessionDetails:
        """The session as it is now. Raises ProviderError."""
        ...

    async def prices_of(self, price: Price) -> list[PriceRef]:
        """Every active price there that bears, or bore, this price's name. Raises ProviderError."""
        ...


class TillVisits:
    """The readings as visits on the till's lane."""

    def __init__(self, visits: Visits, till: Till) -> None:
        self._visits = visits
        self._till = till

    async def fetch_session(self, session_id: str) -> SessionDetails:
        """As in TillReadings; LanePaused and Unavailable also where the lane has no place."""
        return await self._visits.call(self._till.fetch_session, session_id)

    async def prices_of(self, price: Price) -> list[PriceRef]:
        """As in TillReadings; LanePaused and Unavailable also where the lane has no place."""
        return await self._visits.call(self._till.prices_of, price)
