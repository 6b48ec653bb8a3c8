"""The catalogue kept and compared: prices are imported, and Stripe is brought to what they say.

What is compared is what Stripe has this moment; what is done is done by runs, the same that a first sale starts, so
that a sync, a sale and another sync at once make nothing twice. A price that cannot be read just now is told of and
stops no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from onpaid.app.till_visits import TillReadings
from onpaid.clock import Clock
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, PriceFiled, PriceRef, PriceUnwanted, PriceWanted
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, InvalidInput, NotPossible, ProviderError
from onpaid.repositories.prices import PRICES, Prices
from onpaid.store.port import Write

MOST_AT_ONCE: Final = 50
"""Prices of one import, so that it is one commit."""
AT_ONCE: Final = 4
TRIES: Final = 20
FILING: Final = "file_price"

Action = Literal["create", "adopt", "replace", "archive", "nothing", "wait", "unknown"]


class PricesImported(msgspec.Struct, frozen=True):
    """What an import came to: how many were new, changed, or as they were."""

    prices: int
    new: int
    changed: int
    unchanged: int


class PlanLine(msgspec.Struct, frozen=True):
    """What is to be done about one price at Stripe, and why. `runs` were started, or are at it already.

    `adopt`: Stripe has it and our records do not know it. `wait`: a run is at it, or has stopped and needs a person.
    `unknown`: Stripe could not be asked.
    """

    price: str
    product: str
    amount: Money
    action: Action
    why: str
    runs: list[str] = []


class Plan(msgspec.Struct, frozen=True):
    """One page of the plan. `done` says that it was carried out, and not only drawn up."""

    items: list[PlanLine]
    cursor: str | None
    done: bool


class CatalogueSync:
    """The operator's hands on the catalogue."""

    def __init__(self, recorder: Recorder, prices: Prices, till: TillReadings, clock: Clock) -> None:
        self._recorder = recorder
        self._prices = prices
        self._till = till
        self._clock = clock

    async def import_prices(self, told: Sequence[Price]) -> PricesImported:
        """Keep these prices, all in one commit or none. Raises InvalidInput if there are too many."""
        if not 0 < len(told) <= MOST_AT_ONCE:
            raise InvalidInput(f"from 1 to {MOST_AT_ONCE} prices are imported at once")
        before = await PRICES.get_many(self._recorder.store, [price.id for price in told])
        await self._recorder.record(self._prices.import_writes(told))
        new = sum(each is None for each in before)
        unchanged = sum(each == price for each, price in zip(before, told, strict=True))
        return PricesImported(len(told), new, len(told) - new - unchanged, unchanged)

    async def sync(self, *, dry_run: bool, after: str | None = None, limit: int = 20) -> Plan:
        """Compare a page of prices with Stripe, and start what is to be done unless it is a dry run."""
        page = await self._prices.listed(after=after, limit=limit)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(price: Price) -> PlanLine:
            async with gate:
                return await self._line(price, dry_run=dry_run)

        return Plan(list(await asyncio.gather(*map(one, page.items))), page.cursor, not dry_run)

    async def _line(self, price: Price, *, dry_run: bool) -> PlanLine:
        for _ in range(TRIES):
            held = await self._prices.held(price.id)
            if held is None:
                break
            try:
                return await self._once(held.record, PRICES.check(price.id, held.version), dry_run=dry_run)
            except Conflict:
                continue
        raise NotPossible(f"{price.id} is being changed too fast: sync it again")

    async def _once(self, price: Price, unchanged: Write, *, dry_run: bool) -> PlanLine:
        """The run is looked at before Stripe is: what Stripe lacks after a run has ended, it does lack. Nothing is
        started unless the price is `unchanged` by then."""
        version, writes = await self._prices.reserve(price)
        run = None if writes else await self._run(price, version)
        if run is not None and run.state not in ("done", "cancelled"):
            stuck = run.state in ("failed", "doubtful")
            said = f"its run needs a person: `onpaid runs show {run.id}`" if stuck else "its run is at it"
            return _told(price, "wait", said, [run.id])
        filed = await self._prices.filed(price.id)
        try:
            there = await self._till.prices_of(price)
        except ProviderError as error:
            return _told(price, "unknown", f"Stripe could not be asked: {error}"[:300])
        action, why, strays = compared(price, filed, there)
        if dry_run or action == "nothing":
            return _told(price, action, why)
        if strays:
            now = self._clock.now()
            gone = [PriceUnwanted(each.price_id, price.id, now) for each in strays]
            return _told(price, action, why, await self._recorder.record([unchanged], facts=gone))
        if run is not None:
            # It was filed, or given up, and Stripe has it otherwise: this is another version.
            version, writes = await self._prices.reserve(price, after=version)
        wanted = [PriceWanted(price, version)]
        return _told(price, action, why, await self._recorder.record([unchanged, *writes], facts=wanted))

    async def _run(self, price: Price, version: int) -> Run | None:
        held = await RUNS.get(self._recorder.store, f"{FILING}:{price.id}#{version}")
        return None if held is None else held.record


def _told(price: Price, action: Action, why: str, runs: Sequence[str] = ()) -> PlanLine:
    return PlanLine(price.id, price.product, price.amount, action, why, list(runs))


def compared(
    price: Price, filed: PriceFiled | None, there: Sequence[PriceRef]
) -> tuple[Action, str, list[PriceRef]]:
    """What is to be done about a price, why, and which of Stripe's prices are to go though the price stays."""
    if not price.active:
        if there:
            return "archive", "it is sold no more, and Stripe still sells it", []
        if filed is not None and filed.active:
            return "archive", "it is sold no more, and our records say that Stripe still sells it", []
        return "nothing", "it is sold no more", []
    fitting = [each for each in there if each.sells(price)]
    kept = None if filed is None or not filed.fits(price) else filed.stripe_price
    strays = [each for each in there if each not in fitting]
    if fitting and kept == fitting[0].price_id:
        if strays:
            names = ", ".join(each.price_id for each in strays)
            return "archive", f"Stripe still sells {names} under its name", strays
        return "nothing", "Stripe has it", []
    if fitting:
        return "adopt", f"Stripe has it as {fitting[0].price_id}, which our records do not know", []
    if filed is None and not there:
        return "create", "Stripe does not have it", []
    was = there[0].amount if there else None
    if was is not None and was != price.amount:
        return "replace", f"it is {price.amount.format()} here and {was.format()} at Stripe", []
    return "replace", "Stripe has it otherwise" if there else "Stripe does not sell it any more", []
