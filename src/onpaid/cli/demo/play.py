"""The demo's day: it is played, watched and judged; doubts and decisions go to the operator meanwhile.

Where webhooks are lost, the operator reconciles once the day is at rest. In the end everything is proven.
"""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from onpaid.cli.demo.allowance import MAIL, MESSAGE, Allowance
from onpaid.cli.demo.closing import ROUNDS, Closing
from onpaid.cli.demo.day import Day
from onpaid.cli.demo.house import House, NoAnswer, Talk
from onpaid.cli.demo.operator import Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report
from onpaid.cli.demo.report_proof import Proven
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.staging import Staging
from onpaid.errors import NotPossible
from onpaid.simulators import parse

EVERY = 0.25
GENTLY = 15
"""How much longer than a look to wait until the next: looking must not slow down what is looked at."""
MESSAGES_EACH = 2
INVOICE_PATIENCE = 10.0
"""Seconds. Money that goes back before its invoice is made is for a person to invoice, and hours in life are moments here."""


async def play(stage: Staging, options: Options, show: Show) -> Report:
    """Play the day that was asked for, to its end."""
    headers = {"Authorization": f"Bearer {stage.admin_token}"}
    async with (
        Talk("service", headers) as house,
        Talk("simulators") as simulators,
        stage.reading() as store,
    ):
        house.base, simulators.base = stage.service_url, stage.simulators_url
        asked = {
            "orders": options.shop_orders,
            "parcels": options.carts,
            "sessions": options.sessions,
            "subscriptions": options.subscriptions,
            "target": stage.service_url,
            "upsells": options.upsells,
            "invoice_patience": INVOICE_PATIENCE * options.slowness,
        }
        await simulators.post("/_play", asked)
        acts = {MAIL: options.shop_orders + options.sessions, MESSAGE: options.carts * MESSAGES_EACH}
        allowance = Allowance(acts, parse(stage.simulated))
        operator = Operator(House(house), simulators, allowance, seed=options.seed)
        day = Day(store, simulators, options, stage.counted)
        closing = Closing(house, simulators)
        watch = _Watch(stage, options, show, day, operator, allowance)
        await watch.until_rest()
        if options.loses_webhooks:
            await _made_good(closing, watch)
        proof = await _proven(closing, watch)
        report = await day.judged(operator, proof, closing.reconciled)
        return msgspec.structs.replace(report, aws=stage.figures())


class _Watch:
    """Looks at the day again and again, shows it, and has the operator work."""

    def __init__(
        self,
        stage: Staging,
        options: Options,
        show: Show,
        day: Day,
        operator: Operator,
        allowance: Allowance,
    ) -> None:
        self._stage, self._options, self._show = stage, options, show
        self.day, self._operator, self._allowance = day, operator, allowance
        self._doing = ""

    async def until_rest(self) -> None:
        """Until the day is at rest."""
        day, stage = self.day, self._stage
        while not await day.ended(self._operator):
            stage.check()
            self.tell()
            stage.day_is(paid=day.everybody_paid)
            if day.for_a_person and stage.reachable:
                self._allowance.kills = stage.kills
                with contextlib.suppress(NoAnswer):  # it may be starting again: the next round asks again
                    await self._operator.work()
            await asyncio.sleep(max(EVERY, GENTLY / self._options.slowness * day.took))
        self.tell()

    def tell(self, doing: str | None = None) -> None:
        """Show how far it is, and what is being done."""
        self._doing = self._doing if doing is None else doing
        self.day.now.doing = self._doing
        self._show.tell(self.day.now)


async def _made_good(closing: Closing, watch: _Watch) -> None:
    """Reconcile, and have the shop tell again what nobody lists, until nothing more is found."""
    day = watch.day
    try:
        for nth in range(ROUNDS):
            watch.tell(f"reconciling, {nth + 1}")
            found = await closing.reconcile()
            day.goes_on(lossy=True)
            await watch.until_rest()
            asked = await closing.ask_shop()
            if found.last and not asked:
                break
            day.goes_on(lossy=nth < ROUNDS - 1)
            await watch.until_rest()
    except (NoAnswer, NotPossible) as why:
        day.findings.append(f"it could not be reconciled: {why}")
    if not day.findings:
        day.goes_on(lossy=False)
        await watch.until_rest()


async def _proven(closing: Closing, watch: _Watch) -> Proven | None:
    watch.tell("proving")
    try:
        return await closing.prove()
    except (NoAnswer, NotPossible) as why:
        watch.day.findings.append(f"nothing could be proven: {why}")
        return None
