"""The same event many times: at once, from several processes, over more than a year.

await at_once(counter, 100)     {"runs": 1, "invoices": 1, ...}
"""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from datetime import timedelta
from typing import Any

from tests.app.counter import Counter
from tests.app.post import charge, stripe_event


async def at_once(counter: Counter, copies: int) -> dict[str, Any]:
    """One event, `copies` times at once, then its order `copies` times at once."""
    counter.exists("pi_1", 19_900, "1001")
    body = stripe_event("charge.succeeded", charge("pi_1", 19_900, "1001"), "evt_1")
    receipts = await asyncio.gather(*(counter.post("stripe", body) for _ in range(copies)))
    await asyncio.gather(*(counter.told_order("1001", webhook=f"w{nth % 3}") for nth in range(copies)))
    return {"receipts": dict(Count(receipt.verdict for receipt in receipts)), **await effects(counter)}


async def over_days(counter: Counter, copies: int, days: int) -> dict[str, Any]:
    """One event again and again over so many days."""
    await counter.told_order("1001")
    for _ in range(copies):
        await counter.told_paid("1001", 19_900)
        await counter.wait(timedelta(days=days / copies))
    return await effects(counter)


async def effects(counter: Counter) -> dict[str, Any]:
    """How often each step's effect is there, once all is at rest."""
    await counter.rest()
    runs = await counter.runs("invoice_payment")
    return {
        "runs": len(runs),
        "contacts": len(counter.world.contacts),
        "invoices": len(counter.world.invoices),
        "mails": counter.world.mails,
        "tickets": len(await counter.tickets()),
        "orders": len((await counter.guests["orders"].newest()).items),
    }


ONE_OF_EACH = {"runs": 1, "contacts": 1, "invoices": 1, "mails": 1, "tickets": 0, "orders": 1}
