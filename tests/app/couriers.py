"""Couriers for tests of what people do: one that can be switched from a dry run to real parcels, one that is asked
where parcels are, and a word of theirs about a parcel."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from onpaid.domain.shipments import ParcelTold
from onpaid.errors import ProviderError
from onpaid.providers.dry_run import DryRunShipping
from tests.flows.bazaar import Bazaar, Courier


class Switch:
    """A Shipping that only logs until it is told to go live."""

    def __init__(self) -> None:
        self.now: Any = DryRunShipping()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.now, name)

    def go_live(self, world: Bazaar) -> None:
        self.now = Courier(world)


class Lookout:
    """Says where parcels are, as far as it was told; `error` is raised instead, `meanwhile` happens while it answers."""

    def __init__(self, *told: ParcelTold) -> None:
        self.told = {word.awb: word for word in told}
        self.asked: list[list[str]] = []
        self.error: ProviderError | None = None
        self.meanwhile: Callable[[], Awaitable[Any]] | None = None

    async def track(self, awbs: Sequence[str]) -> list[ParcelTold]:
        self.asked.append(list(awbs))
        if self.error is not None:
            raise self.error
        found = [self.told[awb] for awb in awbs if awb in self.told]
        if self.meanwhile is not None:
            await self.meanwhile()
        return found


NUMBERS = {
    "picked_up": 42,
    "in_transit": 18,
    "out_for_delivery": 17,
    "delivered": 7,
    "returning": 9,
    "returned": 10,
    "lost": 12,
    "cancelled": 8,
}


def word(awb: str, state: str, **more: Any) -> ParcelTold:
    """That a parcel is in this state."""
    return ParcelTold(awb, NUMBERS.get(state), state.replace("_", " ").upper(), **more)
