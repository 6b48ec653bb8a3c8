"""Which of the money that bears no sign of ours paid a subscription's bill: that is to be an order here, too.

A charge does not say what it was for. Where billing is told, each that we do not hold is asked about; of those that we
hold nothing has to be asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from onpaid.app.proving_ours import Ours
from onpaid.app.proving_sources import Takings
from onpaid.domain.billing import BillingNews
from onpaid.domain.orders import Order
from onpaid.domain.proof_rows import TakenRow
from onpaid.providers.roles_proving import BillingNoted

AT_ONCE: Final = 10
"""So many are asked about at a time: the lane is shared with whatever is under way."""
KEEPS: Final = "keep_renewal"


Known = Callable[[str], Awaitable[Order | None]]
"""Finds an order of ours by one of its names."""


async def with_bills(
    rows: Sequence[TakenRow], takings: Takings, ours: Ours, known: Known, billing: BillingNoted | None
) -> list[TakenRow]:
    """The rows, with those expected that paid a bill. Raises ProviderError: then nothing is known of any."""
    found = {row.charge: row for row in rows}
    unknown = [row for row in rows if row.tells and not (row.expected or row.kept)]
    for at in range(0, len(unknown), AT_ONCE):
        chosen = unknown[at : at + AT_ONCE]
        asks = [takings.bill_of(row.payment.rpartition("/")[2]) for row in chosen]
        told = await asyncio.gather(*asks, return_exceptions=True)
        for row, bill in zip(chosen, told, strict=True):
            if isinstance(bill, BaseException):
                raise bill
            if bill is not None:
                found[row.charge] = await _billed(row, bill, ours, await known(bill), billing)
    return [found[row.charge] for row in rows]


async def _billed(
    row: TakenRow, bill: str, ours: Ours, order: Order | None, billing: BillingNoted | None
) -> TakenRow:
    """The row as one of ours: with the run that keeps its bill, and the event that told of it. Where the bill is an order,
    or its run found it to be its session's, an order stands for the money, though it has no payment of this name: several
    paid the bill, or the session was kept by a release that knew no bills."""
    account = row.payment.rpartition("/")[0]
    news = BillingNews(account, "invoice.paid", bill, row.at, live=account.endswith("/live"))
    noted = None if billing is None else await billing.get(news.id)
    event = "" if noted is None else noted.news.event
    keeper = await ours.told(f"{KEEPS}:{account}/{bill}")
    return msgspec.structs.replace(
        row,
        group=row.group if order is None else order.number,
        expected=True,
        kept=order is not None or (keeper is not None and keeper.state == "done"),
        keeper=keeper,
        event=f"{account}/{event}" if event else "",
    )
