"""Several ways to wake somebody, as one; or none.

It counts as told once one way has worked: a wrong password for one of them must not silence the others. What failed
beside it is logged, and `onpaid doctor` says what is wrong with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog

from onpaid.acts import LaneLimit, act
from onpaid.errors import Doubtful, ProviderError, Unavailable
from onpaid.providers.alert_words import LANE, LIMIT
from onpaid.providers.roles import FiledTicket, TicketRef
from onpaid.providers.roles_delivery import Alerting

log = structlog.get_logger("onpaid.alerts")


class NoAlerts:
    """An Alerting that tells nobody."""

    @act(repeatable=True)
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Nothing happens, and the journal says so."""
        return TicketRef("nobody: no alerts are set up")

    @property
    def lanes(self) -> tuple[LaneLimit, ...]:
        """None."""
        return ()

    async def doctor(self) -> list[str]:
        """Nothing is wrong: whoever wants no alerts need not have any."""
        return []


class Alerts:
    """An Alerting that tells by every way."""

    def __init__(self, ways: Sequence[Alerting]) -> None:
        self._ways = tuple(ways)

    @property
    def lanes(self) -> tuple[LaneLimit, ...]:
        """One for all ways."""
        return (LIMIT,)

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=50))
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Tell by every way at once. If none works: the mildest of their errors, so that it is tried again if it may
        help."""
        ended = await asyncio.gather(
            *(self._told(way, ticket) for way in self._ways),
        )
        told = [each for each in ended if isinstance(each, TicketRef)]
        failed = [each for each in ended if isinstance(each, ProviderError)]
        if not told:
            raise min(failed, key=_how_final)
        return TicketRef(", ".join(each.reference for each in told))

    async def doctor(self) -> list[str]:
        """What is wrong with any of the ways, in sentences."""
        found: list[str] = []
        for way in self._ways:
            found += await _each(way, "doctor") or []
        return found

    async def close(self) -> None:
        """Let go of all connections."""
        for way in self._ways:
            await _each(way, "close")

    async def _told(self, way: Alerting, ticket: FiledTicket) -> TicketRef | ProviderError:
        try:
            return await way.alert(ticket)
        except ProviderError as error:
            log.warning("alert failed", way=type(way).__name__, ticket=ticket.id, why=str(error))
            return error


def _how_final(error: ProviderError) -> int:
    return 0 if isinstance(error, Unavailable) else 1 if isinstance(error, Doubtful) else 2


async def _each(way: Any, method: str) -> Any:
    called = getattr(way, method, None)
    return None if called is None else await called()
