"""Whom a proof asks: who takes money, who keeps the accounts, who ships, and which billing events are noted.

However a provider pages its list, a proof sees pages with a cursor; each call takes its place on the provider's lane.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from onpaid.clock import Instant
from onpaid.domain.takings import Taking
from onpaid.engine.visits import Visits
from onpaid.providers.roles_proving import Accounts, BillingNoted, Courier, FollowedTakings, PagedTakings

MOST_ASKED: Final = 5000
"""Things asked for by name in one proof. Where there are more, nothing is known of them, and so nothing is proven."""
PAGE: Final = 100
"""A page of takings that is shorter is the last."""


class Takings(Protocol):
    """A provider's payments."""

    async def page(self, since: Instant, until: Instant, cursor: str) -> tuple[list[Taking], str]:
        """A page, and the cursor of the next; empty at the end."""
        ...

    async def named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment, or None."""
        ...

    async def bill_of(self, payment_id: str) -> str | None:
        """The subscription's bill that a payment paid, or None."""
        ...


@dataclass(frozen=True, slots=True)
class Followed:
    """Takings that are listed one page after the other."""

    visits: Visits
    source: FollowedTakings

    async def page(self, since: Instant, until: Instant, cursor: str) -> tuple[list[Taking], str]:
        """As Takings."""
        found, after = await self.visits.call(self.source.charges_created, since, until, after=cursor or None)
        return found, after or ""

    async def named(self, payment_id: str, charge_id: str) -> Taking | None:
        """As Takings."""
        return await self.visits.call(self.source.taking_named, payment_id, charge_id)

    async def bill_of(self, payment_id: str) -> str | None:
        """As Takings."""
        return await self.visits.call(self.source.bill_of, payment_id)


@dataclass(frozen=True, slots=True)
class Paged:
    """Takings that are listed by position."""

    visits: Visits
    source: PagedTakings

    async def page(self, since: Instant, until: Instant, cursor: str) -> tuple[list[Taking], str]:
        """As Takings."""
        skip = int(cursor or 0)
        found = await self.visits.call(self.source.payments_between, since, until, skip)
        return found, str(skip + len(found)) if len(found) >= PAGE else ""

    async def named(self, payment_id: str, charge_id: str) -> Taking | None:
        """As Takings."""
        return await self.visits.call(self.source.taking_named, payment_id, charge_id)

    async def bill_of(self, payment_id: str) -> str | None:
        """As Takings: here is nothing but orders."""
        return None


@dataclass(frozen=True)
class Outside:
    """Whom a proof asks. What is None is not looked at; `left_out` says so in sentences."""

    takings: Mapping[str, Takings] = field(default_factory=dict)
    accounts: Accounts | None = None
    courier: Courier | None = None
    billing: BillingNoted | None = None
    messages: bool = False
    shops: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    most_asked: int = MOST_ASKED
