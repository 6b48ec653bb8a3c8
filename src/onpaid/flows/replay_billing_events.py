"""A subscriber gets the events of a time once more, or those that were held back from it: one run is one page.

A page starts its deliveries, and the run of the next page, in one commit.
"""

from __future__ import annotations

from onpaid.domain.billing import ReplayWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.repositories.replays import Replays


@flow(
    on=ReplayWanted,
    key=lambda wanted: f"{wanted.subscriber}/{wanted.round}/{wanted.page}",
    about=lambda wanted: [f"subscriber:{wanted.subscriber}"],
    same=lambda one, other: True,
)
async def replay_billing_events(ctx: Context, wanted: ReplayWanted, *, replays: Replays) -> int:
    return await ctx.step("take page", replays.take_page, wanted)
