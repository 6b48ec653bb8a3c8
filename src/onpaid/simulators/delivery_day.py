"""Plays a day of parcels: carts are checked out at the target and paid at Razorpay, as a seed decides.

A click that got no answer is repeated under its own key until there is one, whoever is down in between; some
clicks are sent twice at once. Some payments fail first, some are authorised late, and some customers pay twice.
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import aiohttp

from onpaid.simulators import delivery_basket as basket
from onpaid.simulators.coming import come
from onpaid.simulators.delivery_basket import Shopper
from onpaid.simulators.kit import Dice, Json
from onpaid.simulators.progress import Play, Progress
from onpaid.simulators.world import Simulators

PATH: Final = "/payment/create-order"
NEIGHBOURHOOD: Final = 4
TWICE_AT_ONCE: Final = 0.15
FAILS_FIRST: Final = 0.15
LATE: Final = 0.1
PAYS_TWICE: Final = 0.03
NOT_ON_WHATSAPP: Final = 0.05
METHODS: Final = ("upi", "upi", "card", "netbanking", "wallet")
AGAIN: Final = frozenset({408, 425, 429})


class BrokenCheckout(Exception):
    """The target answered a checkout in a way that no shop's page could go on from."""


class DeliveryDay:
    """One day, being played."""

    def __init__(
        self,
        simulators: Simulators,
        wanted: Play,
        progress: Progress,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._all, self._wanted, self.progress, self._on_progress = simulators, wanted, progress, on_progress
        self._dice = Dice(progress.seed).at("delivery")
        # A target that has kept an earlier day of this seed must not take this one's clicks for repeated ones.
        began = f"{simulators.clock.now():.6f}"
        self._keys = self._dice.at("key", began, str(wanted.first_order))
        self._shoppers = self._choose_shoppers()

    def _choose_shoppers(self) -> list[Shopper]:
        unreachable = sorted(self._all.settings.not_on_whatsapp)
        chosen: list[Shopper] = []
        for nth in range(self._wanted.parcels):
            dice = self._dice.at("shopper", str(nth))
            near = chosen[-NEIGHBOURHOOD:]
            if near and dice.chance("returns", self._wanted.returning):
                chosen.append(dice.pick("who", near))
                continue
            without = unreachable and dice.chance("not on WhatsApp", NOT_ON_WHATSAPP)
            phone = unreachable.pop() if without else None
            chosen.append(basket.shopper(dice, self._wanted.first_order + nth, phone))
        return chosen

    async def run(self) -> None:
        """Until every cart has been refused, left or paid."""
        if not self._wanted.parcels:
            return
        wanted, patience = self._wanted, aiohttp.ClientTimeout(total=self._all.settings.times.webhook_timeout)
        async with aiohttp.ClientSession(timeout=patience) as session:
            await come(
                self._wanted.parcels,
                lambda nth: self._buy(nth, session),
                self._all.clock,
                at_once=wanted.at_once,
                pause=wanted.pause,
            )

    async def _buy(self, nth: int, session: aiohttp.ClientSession) -> None:
        """One cart, from the click to the payment."""
        dice, who = self._dice.at("cart", str(nth)), self._shoppers[nth]
        units = basket.cart(dice, self._all.settings.products)
        body = {"items": basket.items(units), "customer": who.customer(dice), "address": dict(who.address)}
        click = Click(self._all, session, self._keys.digest(str(nth)), body)
        opened = await click.made(twice=dice.chance("twice at once", TWICE_AT_ONCE))
        if opened is None:
            self.progress.refused += 1
            self._on_progress(self.progress)
            return
        self._all.carts.note(opened["order_number"], opened["razorpay_order_id"], units, who.phone)
        self.progress.checkouts += 1
        self._on_progress(self.progress)
        if not dice.chance("abandoned", self._wanted.abandoned):
            await self._pay(dice, who, opened["razorpay_order_id"])

    async def _pay(self, dice: Dice, who: Shopper, order: str) -> None:
        razorpay, wait = self._all.razorpay, self._all.settings.times.capture_after
        method = dice.pick("method", METHODS)
        about: dict[str, Any] = {"method": method, "contact": who.phone, "email": who.email}
        if dice.chance("fails first", FAILS_FIRST):
            razorpay.fail(order, **about)
            await self._all.clock.sleep(dice.between("tries again", 0, wait))
        razorpay.pay(order, **about, late=dice.chance("late", LATE))
        self.progress.checkouts_paid += 1
        self._on_progress(self.progress)
        if dice.chance("pays twice", PAYS_TWICE):
            await self._all.clock.sleep(dice.between("pays again", 0, wait))
            razorpay.pay(order, **about)


class Click:
    """One click on "buy", with its key. It is sent until it is answered."""

    def __init__(self, simulators: Simulators, session: aiohttp.ClientSession, key: str, body: Json) -> None:
        self._all, self._session, self._key, self._body = simulators, session, key, body

    async def made(self, *, twice: bool = False) -> Json | None:
        """The open checkout; None if the cart is refused for stock. Raises BrokenCheckout for the rest."""
        answers = await asyncio.gather(*(self._sent(way) for way in (("a", "b") if twice else ("a",))))
        opened = [answer for answer in answers if answer is not None]
        for answer in opened[1:]:
            if answer != opened[0]:
                raise BrokenCheckout(f"one click made two checkouts: {opened[0]} and {answer}")
        return opened[0] if opened else None

    async def _sent(self, way: str) -> Json | None:
        attempt = 0
        while True:
            status, text = await self._post()
            if status in (200, 201):
                return _opened(text)
            if status == 409:
                self._all.carts.refuse(_detail(text))
                return None
            if status is not None and status < 500 and status not in AGAIN:
                raise BrokenCheckout(f"{status} to a cart that is in order: {text[:300]}")
            times = self._all.settings.times
            longest = min(times.resend_longest, times.resend_first * 2 ** min(attempt, 10))
            share = Dice(0).at(self._key, way).between(str(attempt), 0.75, 1.0)
            await self._all.clock.sleep(longest * share)
            attempt += 1

    async def _post(self) -> tuple[int | None, str]:
        """The status and the text of the answer, or None where there was none. The target may have moved."""
        url, headers = self._all.target.base + PATH, {"Idempotency-Key": self._key}
        try:
            async with self._session.post(
                url, json=self._body, headers=headers, allow_redirects=False
            ) as reply:
                return reply.status, await reply.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None, ""


def _opened(text: str) -> Json:
    """The answer, as far as a shop's page needs it."""
    kinds = {"order_number": str, "razorpay_order_id": str, "amount": int, "currency": str, "key_id": str}
    try:
        told = json.loads(text)
        opened = {name: told[name] for name in kinds}
    except (ValueError, TypeError, KeyError) as bad:
        raise BrokenCheckout(f"not an open checkout: {text[:300]}") from bad
    for name, kind in kinds.items():
        if not isinstance(opened[name], kind) or isinstance(opened[name], bool) or not opened[name]:
            raise BrokenCheckout(f"{name} of an open checkout is {opened[name]!r}")
    return opened


def _detail(text: str) -> str:
    try:
        return str(json.loads(text)["detail"])
    except (ValueError, TypeError, KeyError) as bad:
        raise BrokenCheckout(f"a refusal without a detail: {text[:300]}") from bad
