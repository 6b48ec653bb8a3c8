"""Plays a shop day: orders are placed at the shop and paid at Stripe, several at once, as a seed decides.

Some buyers are guests, some buy twice within a moment, some cards are authorised first and captured later, some
payments are announced before their order. It goes on while the target is down: webhooks wait and are sent again.
A day of parcels and one of sales at Stripe can go on beside it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import chain, combinations
from typing import Final

from onpaid.simulators import basket
from onpaid.simulators.basket import Buyer
from onpaid.simulators.coming import come
from onpaid.simulators.delivery_day import DeliveryDay
from onpaid.simulators.kit import Dice
from onpaid.simulators.konverzky import Item, Order
from onpaid.simulators.progress import Play, Progress
from onpaid.simulators.sales_day import SalesDay
from onpaid.simulators.sender import Parcel
from onpaid.simulators.stripe import Pay, Payment
from onpaid.simulators.world import Simulators

LOOK_AGAIN: Final = 0.1
NEIGHBOURHOOD: Final = 4
UPSELL_TRIES: Final = 50

OnProgress = Callable[[Progress], None]


async def play(
    simulators: Simulators, wanted: Play | None = None, on_progress: OnProgress | None = None
) -> Progress:
    """Play it to the end: until the last webhook has been acknowledged."""
    wanted = wanted or Play()
    if wanted.target is not None:
        simulators.aim_at(wanted.target)
    seed = simulators.plan.seed if wanted.seed is None else wanted.seed
    progress = Progress(
        orders=wanted.orders,
        parcels=wanted.parcels,
        sessions=wanted.sessions,
        subscriptions=wanted.subscriptions,
        seed=seed,
    )
    simulators.progress = progress
    watch = on_progress or (lambda _progress: None)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(ShopDay(simulators, wanted, progress, watch).run())
            group.create_task(DeliveryDay(simulators, wanted, progress, watch).run())
            group.create_task(SalesDay(simulators, wanted, progress, watch).run())
        progress.state = "delivering"
        await _delivered(simulators, lambda: watch(progress))
    except asyncio.CancelledError:
        progress.state = "stopped"
        raise
    except BaseException as failure:
        progress.state, progress.error = "failed", _first(failure)
        raise
    progress.state = "done"
    watch(progress)
    return progress


async def _delivered(simulators: Simulators, look: Callable[[], None]) -> None:
    """Until the last webhook has been acknowledged."""
    while simulators.sender.waiting:
        look()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_AGAIN):
                await simulators.sender.idle()


def _first(failure: BaseException) -> str:
    """What went wrong, without the groups that it came up through."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return repr(failure)


class ShopDay:
    """One scenario, being played."""

    def __init__(
        self, simulators: Simulators, wanted: Play, progress: Progress, on_progress: OnProgress
    ) -> None:
        self._all, self._wanted, self._on_progress = simulators, wanted, on_progress
        self.progress = progress
        self._dice = Dice(progress.seed).at("scenario")
        progress.expected = wanted.orders + sum(self._upsold(nth) for nth in range(wanted.orders))
        self._customers: dict[str, str] = {}
        self._buyers = self._choose_buyers()

    def _choose_buyers(self) -> list[Buyer]:
        buyers: list[Buyer] = []
        for nth in range(self._wanted.orders):
            dice = self._dice.at("buyer", str(nth))
            near = [each for each in buyers[-NEIGHBOURHOOD:] if not each.guest]
            if near and dice.chance("returns", self._wanted.returning):
                buyers.append(dice.pick("who", near))
            else:
                guest = dice.chance("guest", self._wanted.guests)
                buyers.append(basket.buyer(dice, self._wanted.first_order + nth, guest=guest))
        return buyers

    async def run(self) -> None:
        wanted = self._wanted
        await come(wanted.orders, self._sell, self._all.clock, at_once=wanted.at_once, pause=wanted.pause)

    def _at(self, nth: int) -> Dice:
        return self._dice.at("order", str(nth))

    def _upsold(self, nth: int) -> bool:
        return self._at(nth).chance("upsell", self._wanted.upsells)

    async def _sell(self, nth: int) -> None:
        """One order, from the basket to the last webhook's first try."""
        dice, who, times = self._at(nth), self._buyers[nth], self._all.settings.times
        shop, number = self._all.konverzky, str(self._wanted.first_order + nth)
        upsold = self._upsold(nth)
        goods, more = self._goods(dice, who, upsold)
        order = shop.place(number, who.currency, goods, who.at_shop())
        kind = "product_paid" if dice.chance("product_paid", 0.1) else "order_paid"
        if dice.chance("payment first", self._wanted.payment_first):
            payment = await self._pay(dice, who, order, goods)
            await self._all.clock.sleep(dice.between("order late", 0, times.order_late))
            await self._tell(order, kind)
        else:
            await self._tell(order, kind)
            payment = await self._pay(dice, who, order, goods)
        if not payment.charge["captured"]:
            await self._all.clock.sleep(dice.between("captured", 0, times.capture_after))
            await _tried(self._all.stripe.capture(payment.charge["id"]).parcels)
            self._count_paid()
        if upsold:
            await self._all.clock.sleep(dice.between("upsell", 0, times.upsell_after))
            shop.add(number, more)
            await self._tell(order, "upsell_paid")
            await self._pay(dice.at("upsell"), who, order, more)

    def _goods(self, dice: Dice, who: Buyer, upsold: bool) -> tuple[list[Item], list[Item]]:
        """The basket and the upsell. Their sums tell them apart: no other choice of lines makes either amount."""
        vat_in = self._all.konverzky.prices_include_vat
        if not upsold:
            return basket.items(dice, who, prices_include_vat=vat_in), []
        for attempt in range(UPSELL_TRIES):
            throw = dice.at("try", str(attempt))
            goods = basket.items(throw.at("first"), who, prices_include_vat=vat_in, most=2)
            more = basket.items(throw.at("more"), who, prices_include_vat=vat_in, first=9, most=1)
            order = Order("", who.currency, [*goods, *more], None, vat_in)
            sums = [order.minor_units(some) for some in _choices(order.items)]
            if sums.count(order.minor_units(goods)) == sums.count(order.minor_units(more)) == 1:
                return goods, more
        raise ValueError("no upsell found whose amounts are told apart")

    async def _tell(self, order: Order, kind: str) -> None:
        parcel = self._all.konverzky.tell(order, kind)
        if len(order.told) == 1:
            self.progress.placed += 1
            self._on_progress(self.progress)
        await _tried([parcel] if parcel is not None else [])

    async def _pay(self, dice: Dice, who: Buyer, order: Order, goods: list[Item]) -> Payment:
        authorised_only = dice.chance("authorised", self._wanted.authorised) and len(order.told) < 2
        payment = self._all.stripe.pay(
            Pay(
                order.minor_units(goods),
                order.currency,
                order.number,
                customer=None if who.guest else self._customer(who),
                billing=who.at_stripe(),
                captured=not authorised_only,
                chatter=dice.chance("chatter", self._wanted.chatter),
            )
        )
        if not authorised_only:
            self._count_paid()
        await _tried(payment.parcels)
        return payment

    def _customer(self, who: Buyer) -> str:
        if who.email not in self._customers:
            self._customers[who.email] = self._all.stripe.add_customer(who.at_stripe())["id"]
        return self._customers[who.email]

    def _count_paid(self) -> None:
        self.progress.paid += 1
        self._on_progress(self.progress)


def _choices(items: list[Item]) -> list[tuple[Item, ...]]:
    return list(chain.from_iterable(combinations(items, size) for size in range(1, len(items) + 1)))


async def _tried(parcels: list[Parcel]) -> None:
    """Until each has been tried once, whatever was answered; one that is held back is not waited for."""
    for parcel in list(parcels):
        if parcel.hold == 0:
            await parcel.tried.wait()
