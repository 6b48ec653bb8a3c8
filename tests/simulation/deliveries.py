"""A delivering service's whole day in virtual time, from clicks to parcels at the door, while everything goes wrong.

    deliveries(7, orders=10, fault_share=0.5)      Delivered(lost=[], double=[], stuck=[], ...)

The sibling of `simulate`, for the other story: the same lives, the same weather, another world.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

from onpaid.app.checkout import CheckoutDesk, Opened, Shop
from onpaid.domain.events import Fact
from onpaid.domain.messages import MessageState, MessageTold, OutMessage
from onpaid.domain.products import Stock
from onpaid.domain.shipments import ParcelTold
from onpaid.engine.testing import Died, VirtualClock, run_virtually
from onpaid.errors import BadSignature, NotPossible, StoreError, Unavailable
from onpaid.repositories.catalogue import PRODUCTS as KEPT
from onpaid.repositories.catalogue import STOCK
from onpaid.store.memory import MemoryStore
from tests.app import post_razorpay
from tests.flows.bazaar import SHOP, Parcel
from tests.flows.fates import Fates
from tests.flows.market import cart_of
from tests.flows.stage import body_of
from tests.simulation import bazaar_day as day
from tests.simulation.bazaar_day import Manners, Purchase
from tests.simulation.bazaar_people import People
from tests.simulation.bazaar_verdict import Delivered, digest_of, judge
from tests.simulation.bazaar_world import PARCELS, Streets
from tests.simulation.day import Letter
from tests.simulation.lives import Life, Parts, Service, Weather
from tests.simulation.simulate import LONGEST_REST, LOOK, MOST_PASSES, NEVER_MOVES, quiet
from tests.simulation.verdict import all_tickets


def deliveries(
    seed: int,
    orders: int = 5,
    fault_share: float = 0.4,
    *,
    parts: Parts | None = None,
    weather: Weather | None = None,
    manners: Manners | None = None,
    desk: type[CheckoutDesk] = CheckoutDesk,
    longest: timedelta = LONGEST_REST,
    service: type[Service] = Service,
) -> Delivered:
    """Tell one day, and judge it. `weather` and `manners` follow from the share of faults unless they are given."""
    share = fault_share
    weather = weather or Weather(
        calls=share,
        rings_lost=share / 2,
        commits=share / 4,
        between_crashes=round(12 / share) if share else 0,
    )
    manners = manners or Manners(trouble=share)
    with quiet():
        return run_virtually(
            lambda: _Day(seed, orders, parts or Parts(), weather, manners, desk, longest, service).tell()
        )


class _Day(People):
    def __init__(
        self,
        seed: int,
        orders: int,
        parts: Parts,
        weather: Weather,
        manners: Manners,
        desk: type[CheckoutDesk],
        longest: timedelta,
        service: type[Service],
    ) -> None:
        self._seed, self._manners, self._desk = seed, manners, desk
        self._longest = longest.total_seconds()
        self._purchases = day.made_up(seed, orders, manners)
        self._memory, self._clock = MemoryStore(), VirtualClock()
        self._world = Streets(Fates(seed=seed, share=weather.calls))
        self._world.unreachable = frozenset(each.phone for each in self._purchases if not each.reachable)
        self._world.landed = self._look_around
        self._service = service(self._memory, self._world, self._clock, parts, weather, seed, PARCELS)
        self._desks: dict[str, CheckoutDesk] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._seen_messages, self._moving = 0, set[str]()
        self._told = 0
        self._result = Delivered(seed)

    async def tell(self) -> Delivered:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        await self._stock()
        service, result = self._service, self._result
        lives = [asyncio.create_task(each) for each in (service.live(), service.moods(), service.steps())]
        await asyncio.gather(*(self._shops(each) for each in self._purchases))
        await self._rest()
        service.calm = True
        service.store.mood, service.store.moods = "well", []
        for ticket in await all_tickets(self._memory):
            result.tickets_by_class[ticket.category] += 1
        for _ in range(MOST_PASSES):
            settled = await self._settle()
            result.settled += settled
            await self._rest()
            if not settled:
                break
        await self._follow()
        result.crashes, result.faults = service.crashes, self._world.fates.drawn.total()
        await judge(result, self._purchases, self._world, self._memory, self._left)
        result.digest = digest_of(self._memory, self._world)
        for life in lives:
            life.cancel()
        return result

    async def _stock(self) -> None:
        """What is for sale. Of the scarce product there is less than is wanted."""
        wanted = sum(each.cart.get(day.SCARCE.id, 0) for each in self._purchases)
        self._left = {product.id: 2 * len(self._purchases) + 10 for product in day.PRODUCTS}
        self._left[day.SCARCE.id] = round(wanted * self._manners.scarce)
        stocks = [STOCK.insert(Stock(name, left)) for name, left in self._left.items()]
        await self._memory.commit([*(KEPT.insert(product) for product in day.PRODUCTS), *stocks])

    async def _shops(self, purchase: Purchase) -> None:
        """One customer, from the click to the last webhook about the payment."""
        await self._clock.sleep(purchase.at)
        clicks = 2 if purchase.dice.random() < self._manners.double_clicks else 1
        opened = await asyncio.gather(*(self._click(purchase) for _ in range(clicks)))
        if None in opened:
            purchase.refused = True
        purchase.opened = next((each for each in opened if each is not None), None)
        self._result.clicks.update(each.order_number for each in opened if each is not None)
        if purchase.opened is None or not purchase.paid:
            return
        number, dice, world = purchase.number, purchase.dice, self._world
        if dice.random() < self._manners.dead:
            world.dead.add(number)
        if dice.random() < self._manners.eager:
            world.eager.add(number)
        for paid in day.payments_of(purchase, self._clock.now()):
            gone = {"refunded": paid.amount} if purchase.fortune == "given back before" else {}
            world.capture(paid, receipt=number, **gone)
        letters = day.letters_about(purchase, self._manners)
        await asyncio.gather(*(self._deliver(f"{number} {nth}", each) for nth, each in enumerate(letters)))

    async def _click(self, purchase: Purchase) -> Opened | None:
        """As a shop's page does: again under its own key until it is answered. None: sold out."""
        body, wait = cart_of(*purchase.cart.items(), phone=purchase.phone), 1.0
        while True:
            life = self._service.life
            if life is not None:
                with contextlib.suppress(Unavailable, StoreError, Died):
                    try:
                        return await self._desk_of(life).create(body, purchase.key)
                    except NotPossible:
                        return None
            await self._clock.sleep(wait)
            wait = min(wait * 2, 60.0)

    def _desk_of(self, life: Life) -> CheckoutDesk:
        given, name = life.given, life.engine.owner
        if name not in self._desks:
            self._desks[name] = self._desk(
                life.engine.recorder,
                given["orders"],
                given["checkout_records"],
                given["catalogue"],
                given["messages"],
                life.clock,
                Random(f"{self._seed} desk {len(self._desks)}"),
                Shop(SHOP, live=False, key_id="rzp_test_1"),
                lambda checkout, payment, signature: False,
            )
        return self._desks[name]

    async def _deliver(self, name: str, letter: Letter) -> None:
        """As senders do: again until it is acknowledged, and some things more often than that."""
        dice = Random(f"{self._seed} {name}")
        await self._clock.sleep(letter.at)
        for copy in range(letter.copies):
            wait = 1.0
            while not await self._sent(letter):
                wait = min(wait * 2, 300.0)
                await self._clock.sleep(dice.uniform(wait / 2, wait))
            if copy + 1 < letter.copies:
                await self._clock.sleep(dice.choice((0.0, dice.uniform(0, 5), dice.uniform(0, 900))))

    async def _sent(self, letter: Letter) -> bool:
        headers = post_razorpay.signed(letter.body) if letter.source == "razorpay" else {}
        try:
            if headers:
                with contextlib.suppress(BadSignature):
                    if await self._service.receive(letter.source, headers, letter.body + b" "):
                        raise AssertionError("a forged webhook was acknowledged")
            return await self._service.receive(letter.source, headers, letter.body)
        except StoreError:
            return False

    def _look_around(self) -> None:
        """Something landed outside: new messages are told of, new parcels set out."""
        for message in self._world.messages[self._seen_messages :]:
            self._errand(self._tell_of_message(message))
        self._seen_messages = len(self._world.messages)
        for parcel in self._world.live():
            if parcel.pickups and parcel.awb and parcel.awb not in self._moving:
                self._moving.add(parcel.awb)
                self._errand(self._travel(parcel))

    def _errand(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def _tell_of_message(self, message: OutMessage) -> None:
        dice = Random(f"{self._seed} {message.ref}")
        if dice.random() < self._manners.silent:
            return
        states: Sequence[MessageState] = dice.choice(day.STATUSES)  # type: ignore[assignment]
        self._result.statuses[message.ref] = states[-1]
        told = [MessageTold("messenger", state, ref=message.ref) for state in states]
        await self._tell_all(dice, told, apart=4)

    async def _travel(self, parcel: Parcel) -> None:
        dice = Random(f"{self._seed} {parcel.order.reference} on its way")
        path = dice.choice(day.JOURNEYS)
        self._result.journeys[parcel.awb] = path[-1][0]
        self._world.where[parcel.awb] = path[-1]
        await self._tell_all(dice, [ParcelTold(parcel.awb, *each) for each in path], apart=600)

    async def _tell_all(self, dice: Random, facts: Sequence[Fact], *, apart: float) -> None:
        """Late, twice and out of order, as trouble has it."""
        letters = []
        for nth, fact in enumerate(facts):
            self._told += 1
            late = dice.uniform(0, 3 * apart) if dice.random() < self._manners.trouble else 0.0
            copies = 1 + (dice.random() < self._manners.trouble)
            body = body_of(fact, f"told_{self._told}")
            letters.append(Letter(apart * (nth + 1) + late, "herald", body, copies))
        names = [f"{dice.random()}" for _ in letters]
        await asyncio.gather(*(self._deliver(*each) for each in zip(names, letters, strict=True)))

    async def _rest(self) -> None:
        """Until nothing moves any more."""
        end = self._clock.monotonic() + self._longest
        await self._clock.sleep(1)
        while self._clock.monotonic() < end:
            if not self._world.landing and not self._errands and not await self._moves():
                return
            await self._clock.sleep(LOOK)

    async def _moves(self) -> bool:
        for state in NEVER_MOVES:
            if await self._memory.count("run", "state", state, at_most=1):
                return True
        return False
