"""Prices of ours, what each is called at Stripe, and which of a price's versions is the one that counts.

A price that changes is another price at Stripe. Each state that is to be filed there gets a version, reserved by one
conditional write: a hundred who ask at once for the same state get the same version, and so meet in one run; two
states never share one. Versions of one price take turns, and what was filed is never replaced by an earlier version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.prices import Price, PriceFiled, PriceRef, PriceUnwanted, PriceWanted, ProductRef
from onpaid.errors import Problem
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records, Versioned


class StripePrice(msgspec.Struct, frozen=True):
    """Which price of ours a price at Stripe was filed for."""

    stripe_price: str
    price: str


class PriceVersions(msgspec.Struct, frozen=True):
    """How many versions of a price there are, the state of the latest, and which one is being filed (0: none)."""

    latest: PriceWanted
    filing: int = 0

    @property
    def price(self) -> str:
        """The price's id."""
        return self.latest.price.id


PRICES = Kind(
    "price",
    Price,
    key=lambda each: each.id,
    entries=lambda each: [Entry("all", "", 0), Entry("product", each.product, 0)],
)
FILED = Kind("price-filed", PriceFiled, key=lambda each: each.price)
VERSIONS = Kind("price-versions", PriceVersions, key=lambda each: each.price)
STRIPE_PRICES = Kind("stripe-price", StripePrice, key=lambda each: each.stripe_price)


def price_thing(price: str) -> str:
    """The name under which runs wait for a price to be filed."""
    return f"price-filed:{price}"


def turn_thing(price: str, version: int) -> str:
    """The name under which later versions of a price wait until this one is filed. It is not the one above: a run
    cannot wake what it may still be listed to wait for."""
    return f"price-turn:{price}#{version}"


class Prices:
    """The prices of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def price(self, ident: str) -> Price | None:
        """One price, or None."""
        held = await self.held(ident)
        return None if held is None else held.record

    async def held(self, ident: str) -> Versioned[Price] | None:
        """One price with its version in the store, for who writes only while it stays as it is; or None."""
        return await PRICES.get(self._store, ident)

    async def filed(self, ident: str) -> PriceFiled | None:
        """What is filed at Stripe under a price's name, or None."""
        held = await FILED.get(self._store, ident)
        return None if held is None else held.record

    async def filed_many(self, idents: Sequence[str]) -> list[PriceFiled | None]:
        """What is filed under several names, in that order."""
        return await FILED.get_many(self._store, idents)

    async def of_stripe(self, stripe_price: str) -> str | None:
        """The id of the price of ours that a price at Stripe was filed for, or None."""
        held = await STRIPE_PRICES.get(self._store, stripe_price)
        return None if held is None else held.record.price

    async def listed(self, *, after: str | None = None, limit: int = 100) -> Records[Price]:
        """Prices, by id."""
        return await PRICES.query(self._store, "all", "", after=after, limit=limit, newest_first=False)

    def import_writes(self, prices: Iterable[Price]) -> list[Write]:
        """The writes that keep these prices as told."""
        return [PRICES.put(price) for price in prices]

    @act(local=True)
    async def look_price(self, ident: str) -> Local[Price]:
        """The price under this id of ours, or under Stripe's. Raises Problem if it is not there, or sold no more."""
        price = await self.price(ident) or await self.price(await self.of_stripe(ident) or "")
        if price is None:
            raise Problem(
                f"There is no price {ident}: import it with `onpaid catalogue import`, or correct who asks for it",
                category="payment",
                facts={"price": ident},
            )
        if not price.active:
            raise Problem(
                f"The price {price.id} is sold no more: make it active and import it, or ask for another",
                category="payment",
                facts={"price": price.id},
            )
        return Done(price)

    @act(local=True)
    async def next_version(self, price: Price) -> Local[int]:
        """The version under which this state of the price is filed, or is to be filed.

        Raises Problem if the price has changed since it was read: what it was must not come back.
        """
        held = await self.held(price.id)
        if held is None or not held.record.sold_alike(price):
            raise Problem(
                f"The price {price.id} was changed while a user was paying: they have to ask again",
                category="payment",
                severity="low",
                facts={"price": price.id},
            )
        version, writes = await self.reserve(price)
        return Done(version, (*writes, PRICES.check(price.id, held.version)) if writes else ())

    async def reserve(self, price: Price, *, after: int = 0) -> tuple[int, list[Write]]:
        """As `next_version`, with the writes that reserve it; a later one than `after`, though nothing changed."""
        held = await VERSIONS.get(self._store, price.id)
        if held is None:
            return 1, [VERSIONS.insert(PriceVersions(PriceWanted(price, 1)))]
        latest = held.record.latest
        if latest.price.sold_alike(price) and latest.version > after:
            return latest.version, []
        wanted = PriceWanted(price, latest.version + 1)
        return wanted.version, [
            VERSIONS.update(msgspec.structs.replace(held.record, latest=wanted), held.version)
        ]

    async def take_turn(self, wanted: PriceWanted) -> Local[bool]:
        """Whether this version is to be filed, once no other of its price is being filed; False: a later one is."""
        held = await self._versions(wanted)
        versions = held.record
        if versions.latest.version > wanted.version:
            return Done(False)
        if versions.filing not in (0, wanted.version):
            return NotYet(
                (turn_thing(wanted.price.id, versions.filing),),
                (VERSIONS.check(wanted.price.id, held.version),),
                f"version {versions.filing} of the price {wanted.price.id} is being filed",
            )
        taken = msgspec.structs.replace(versions, filing=wanted.version)
        return Done(True, () if taken == versions else (VERSIONS.update(taken, held.version),))

    async def look_newer(self, wanted: PriceWanted) -> Local[PriceFiled]:
        """What is filed under the price's name, once that is a later version."""
        held = await FILED.get(self._store, wanted.price.id)
        if held is not None and held.record.version > wanted.version:
            return Done(held.record)
        return NotYet(
            (price_thing(wanted.price.id),),
            (FILED.check(wanted.price.id, None if held is None else held.version),),
            f"the price {wanted.price.id} was changed since, and its later version is not filed yet",
        )

    @act(local=True)
    async def note_filed(
        self, wanted: PriceWanted, product: ProductRef, made: PriceRef, there: list[PriceRef], at: Instant
    ) -> Local[PriceFiled]:
        """Keep what was filed under the price's name, and have archived what is `there` besides."""
        price = wanted.price
        others = [each.price_id for each in there if each.price_id != made.price_id]
        filed = PriceFiled(
            price=price.id,
            amount=price.amount,
            stripe_price=made.price_id,
            stripe_product=product.product_id,
            recurring=price.recurring,
            tax_included=price.tax_included,
            product_name=price.product_name,
            version=wanted.version,
        )
        return await self._note(wanted, filed, others, at)

    @act(local=True)
    async def note_withdrawn(
        self, wanted: PriceWanted, there: list[PriceRef], at: Instant
    ) -> Local[PriceFiled]:
        """Keep that nothing is sold under the price's name any more, and have archived what is `there`."""
        price = wanted.price
        filed = PriceFiled(
            price=price.id,
            amount=price.amount,
            stripe_price="",
            stripe_product=price.product,
            recurring=price.recurring,
            tax_included=price.tax_included,
            product_name=price.product_name,
            version=wanted.version,
            active=False,
        )
        return await self._note(wanted, filed, [each.price_id for each in there], at)

    async def _note(
        self, wanted: PriceWanted, filed: PriceFiled, others: list[str], at: Instant
    ) -> Local[PriceFiled]:
        """One commit: the record, who asks for Stripe's id, whose turn it is, and what is to be archived."""
        held = await FILED.get(self._store, filed.price)
        turns = await self._versions(wanted)
        writes: list[Write] = []
        if 0 < turns.record.filing <= filed.version:
            writes.append(VERSIONS.update(msgspec.structs.replace(turns.record, filing=0), turns.version))
        if filed.stripe_price:
            writes.append(STRIPE_PRICES.put(StripePrice(filed.stripe_price, filed.price)))
        if held is not None and held.record.version > filed.version:
            # A later version was filed while this one was stuck: it stays, and what was made here goes.
            writes.append(FILED.check(filed.price, held.version))
            kept, unwanted = held.record, [filed.stripe_price] if filed.stripe_price else []
        else:
            before = () if held is None else (*held.record.archived, held.record.stripe_price)
            past = [each for each in (*before, *others) if each and each != filed.stripe_price]
            kept = msgspec.structs.replace(filed, archived=tuple(dict.fromkeys(past)))
            writes.append(FILED.insert(kept) if held is None else FILED.update(kept, held.version))
            unwanted = others
        facts = tuple(PriceUnwanted(each, filed.price, at) for each in dict.fromkeys(unwanted))
        wakes = (price_thing(filed.price), turn_thing(filed.price, filed.version))
        return Done(kept, tuple(writes), wakes, facts)

    async def _versions(self, wanted: PriceWanted) -> Versioned[PriceVersions]:
        held = await VERSIONS.get(self._store, wanted.price.id)
        if held is None:
            raise Problem(
                f"The price {wanted.price.id} was to be filed without a version: retry by `onpaid catalogue sync`",
                category="internal",
                facts={"price": wanted.price.id},
            )
        return held
