"""The demo's day: it is played, watched and judged; doubts and decisions go to the operator meanwhile."""

from __future__ import annotations

import asyncio
import contextlib

import msgspec

from onpaid.cli.demo.allowance import MAIL, MESSAGE, Allowance
from onpaid.cli.demo.day import Day
from onpaid.cli.demo.house import House, NoAnswer, Talk
from onpaid.cli.demo.operator import Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.staging import Staging
from onpaid.simulators import parse

EVERY = 0.25
GENTLY = 15
"""How much longer than a look to wait until the next: looking must not slow down what is looked at."""
MESSAGES_EACH = 2


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
            "target": stage.service_url,
            "upsells": options.upsells,
        }
        await simulators.post("/_play", asked)
        acts = {MAIL: options.shop_orders, MESSAGE: options.carts * MESSAGES_EACH}
        allowance = Allowance(acts, parse(stage.simulated))
        operator = Operator(House(house), simulators, allowance, seed=options.seed)
        day = Day(store, simulators, options, stage.counted)
        while not await day.ended(operator):
            stage.check()
            show.tell(day.now)
            stage.day_is(paid=day.everybody_paid)
            if day.for_a_person and stage.reachable:
                allowance.kills = stage.kills
                with contextlib.suppress(NoAnswer):  # it may be starting again: the next round asks again
                    await operator.work()
            await asyncio.sleep(max(EVERY, GENTLY / options.slowness * day.took))
        show.tell(day.now)
        return msgspec.structs.replace(await day.judged(operator), aws=stage.figures())
