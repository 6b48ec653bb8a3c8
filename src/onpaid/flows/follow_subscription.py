"""An event told of a subscription: it is read as it is now, and noted unless more is known already.

What events say of a subscription is never believed: they come late, twice, in any order and within one second. Each
run takes a number, reads, and notes under that number; a later number counts more, and an end is for good. So a late
`updated` changes nothing, and never brings back what was deleted.
"""

from __future__ import annotations

from onpaid.domain.billing import SubscriptionTold
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles_billing import Subscriptions
from onpaid.repositories.billing import Billing, subscription_key


@flow(
    on=SubscriptionTold,
    key=lambda told: f"{subscription_key(told)}/{told.event}",
    about=lambda told: [f"subject:{told.subscription_id}"],
    same=lambda one, other: True,
)
async def follow_subscription(
    ctx: Context, told: SubscriptionTold, *, billing: Billing, subscriptions_source: Subscriptions
) -> str:
    reading = await ctx.step("take reading", billing.take_reading, subscription_key(told))
    details = await ctx.step(
        "read subscription", subscriptions_source.fetch_subscription, told.subscription_id
    )
    return await ctx.step("note subscription", billing.note_subscription, told, reading, details)
