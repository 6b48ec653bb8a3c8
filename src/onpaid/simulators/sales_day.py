"""Plays a day of sales at Stripe: users buy at the service under test, once or by subscription, as a seed decides.

A click that got no answer is repeated under its own key; some are sent twice at once, and some users come back.
Payments fail first, are late, never come; subscriptions are renewed, fall behind, and end one way or another.
"""

from collections.abc import Callable
from typing import Final

import aiohttp

from onpaid.simulators.coming import come
from onpaid.simulators.kit import Dice
from onpaid.simulators.price_list import Sold
from onpaid.simulators.progress import Play, Progress
from onpaid.simulators.sales_click import BuyClick, Person
from onpaid.simulators.world import Simulators

NEIGHBOURHOOD: Final = 4
TWICE_AT_ONCE: Final = 0.15
FAILS_FIRST: Final = 0.12
ASKS_FIRST: Final = 0.1
DELAYED: Final = 0.12
BOUNCES: Final = 0.25
GOES_AWAY: Final = 0.06
REFUNDED: Final = 0.12
IN_PART: Final = 0.4
REFUND_BOUNCES: Final = 0.25
DISPUTED: Final = 0.04
WON: Final = 0.5
MOST_RENEWALS: Final = 2
FALLS_BEHIND: Final = 0.2
MENDED: Final = 0.5
CANCELED: Final = 0.3
WITH_ITS_PERIOD: Final = 0.3
LOOK_AGAIN: Final = 0.1


class SalesDay:
    """One day, being played."""

    def __init__(
        self,
        simulators: Simulators,
        wanted: Play,
        progress: Progress,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._all, self._wanted, self.progress, self._on_progress = simulators, wanted, progress, on_progress
        self._sales = simulators.sales
        self._dice = Dice(progress.seed).at("sales")
        # A target that has kept an earlier day of this seed must not take this one's clicks for repeated ones.
        began = f"{simulators.clock.now():.6f}"
        self._keys = self._dice.at("key", began, str(wanted.first_order))
        self._count = wanted.sessions + wanted.subscriptions
        self._people = self._choose_people()
        self._once = [each for each in simulators.settings.prices if not each.interval]
        self._recurring = [each for each in simulators.settings.prices if each.interval]

    def _choose_people(self) -> list[Person]:
        chosen: list[Person] = []
        for nth in range(self._count):
            dice, near = self._dice.at("person", str(nth)), chosen[-NEIGHBOURHOOD:]
            if near and dice.chance("returns", self._wanted.returning):
                chosen.append(dice.pick("who", near))
                continue
            number = self._wanted.first_order + nth
            role = dice.pick("role", ("student", "teacher"))
            chosen.append(Person(f"user-{number}", f"user-{number}@example.org", role))
        return chosen

    async def run(self) -> None:
        """Until every user has paid, failed or gone away, and what follows has followed."""
        if not self._count:
            return
        wanted, patience = self._wanted, aiohttp.ClientTimeout(total=self._all.settings.times.webhook_timeout)
        async with aiohttp.ClientSession(timeout=patience) as session:
            await come(
                self._count,
                lambda nth: self._buy(nth, session),
                self._all.clock,
                at_once=wanted.at_once,
                pause=wanted.pause,
            )

    async def _buy(self, nth: int, session: aiohttp.ClientSession) -> None:
        """One purchase, from the click to whatever becomes of it."""
        dice, person = self._dice.at("purchase", str(nth)), self._people[nth]
        sold = self._sold(dice, recurring=nth >= self._wanted.sessions)
        click = BuyClick(self._all, session, person, sold.ident, self._keys.digest(str(nth)))
        opened = await click.made(twice=dice.chance("twice at once", TWICE_AT_ONCE))
        self.progress.sessions_opened += 1
        self._on_progress(self.progress)
        if dice.chance("abandoned", self._wanted.abandoned):
            return
        if dice.chance("goes away", GOES_AWAY):
            self._sales.sessions.expire(opened.session)
            return
        if not await self._pay(dice, opened.session, person):
            return
        self.progress.sessions_paid += 1
        self._on_progress(self.progress)
        paid = self._sales.sessions.all[opened.session]
        if sold.interval:
            await self._live(dice, str(paid["subscription"]))
        else:
            await self._regret(dice, opened.session, str(paid["payment_intent"]))

    def _sold(self, dice: Dice, *, recurring: bool) -> Sold:
        return dice.pick("price", self._recurring if recurring else self._once)

    async def _pay(self, dice: Dice, session: str, person: Person) -> bool:
        """Whether it is paid in the end."""
        who = person.typed
        if dice.chance("fails first", FAILS_FIRST):
            self._sales.complete_session(session, "failed", who)
            await self._wait(dice, "tries again")
        if dice.chance("asked first", ASKS_FIRST):
            self._sales.complete_session(session, "action", who)
            await self._wait(dice, "answers")
        if not dice.chance("delayed", DELAYED):
            self._sales.complete_session(session, who=who)
            return True
        self._sales.complete_session(session, "delayed", who)
        await self._wait(dice, "arrives")
        ok = not dice.chance("bounces", BOUNCES)
        self._sales.settle_delayed(session, ok)
        return ok

    async def _regret(self, dice: Dice, session: str, intent: str) -> None:
        """Some of what was paid once goes back."""
        stripe, troubles = self._all.stripe, self._sales.troubles
        await self._wait(dice, "regrets")
        disputed = dice.chance("disputed", DISPUTED)
        if not (disputed or dice.chance("refunded", REFUNDED)) or not await self._invoiced(session):
            return
        if disputed:
            made = troubles.dispute(intent)
            await self._wait(dice, "decides")
            troubles.close_dispute(made["id"], won=dice.chance("won", WON))
            return
        amount = stripe.payment_of(intent).charge["amount"]
        part = max(1, amount // 3) if dice.chance("in part", IN_PART) else None
        bounces = dice.chance("refund bounces", REFUND_BOUNCES)
        refund = stripe.refund(
            intent, part, "requested_by_customer", status="pending" if bounces else "succeeded"
        )
        self.progress.refunds += 1
        if bounces:
            await self._wait(dice, "bounces")
            troubles.settle_refund(refund["id"], ok=False)

    async def _invoiced(self, session: str) -> bool:
        """Whether it has its invoice before whoever bought loses patience, if there is any."""
        clock, number = self._all.clock, self._sales.sessions.number(session)
        given_up = clock.now() + self._wanted.invoice_patience
        while self._wanted.invoice_patience > 0:
            if any(each.asked.get("orderReference") == number for each in self._all.fiken.invoices.values()):
                return True
            if clock.now() >= given_up:
                return False
            await clock.sleep(LOOK_AGAIN)
        return True

    async def _live(self, dice: Dice, subscription: str) -> None:
        """A subscription's next months, in a moment."""
        for month in range(dice.whole("renewals", 0, MOST_RENEWALS)):
            then = dice.at("month", str(month))
            await self._wait(then, "renews")
            if not then.chance("falls behind", FALLS_BEHIND):
                self._sales.renew(subscription)
                continue
            self._sales.fail(subscription)
            await self._wait(then, "mended")
            if not then.chance("mended", MENDED):
                self._sales.cancel(subscription, "payment_failed")
                return
            self._sales.recover(subscription)
        if dice.chance("canceled", CANCELED):
            await self._wait(dice, "cancels")
            at_end = dice.chance("with its period", WITH_ITS_PERIOD)
            self._sales.cancel(subscription, at_period_end=at_end)

    async def _wait(self, dice: Dice, name: str) -> None:
        await self._all.clock.sleep(dice.between(name, 0, self._all.settings.times.capture_after))
