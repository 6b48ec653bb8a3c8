"""What happened to a payment or a subscription is told to others: once for each happening, in order for each customer.

Whoever tells of the same happening (a webhook, its repeat, the nightly reconciliation) meets the same run. The topic
may be told twice, by a process that died in between, but always under the same id, by which listeners know it.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.billing import BillingEvent, BillingNews
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles_billing import Topic
from onpaid.repositories.billing import Billing, Noted

AS_LONG_AS_IT_TAKES = timedelta(days=3650)
"""An event waits for the one before it while somebody tries to publish that; `look_turn` says when nobody does."""
LOOK_AGAIN = timedelta(minutes=5)


@flow(
    on=BillingNews,
    key=lambda news: news.id,
    about=lambda news: [f"billing:{news.id}", f"subject:{news.subject}"],
    same=lambda one, other: True,
)
async def publish_billing_event(ctx: Context, news: BillingNews, *, billing: Billing, topic: Topic) -> str:
    noted = await ctx.step("note event", billing.note, news)
    if noted.stale:
        return f"not told: {noted.stale}"
    await ctx.wait_at_most("turn", billing.look_turn, news.id, at_most=AS_LONG_AS_IT_TAKES, every=LOOK_AGAIN)
    message = await ctx.step("publish", topic.publish, _event(news, noted))
    return await ctx.step("note published", billing.note_published, news.id, message)


def _event(news: BillingNews, noted: Noted) -> BillingEvent:
    """The event as it was noted."""
    whose = BillingNews(
        account=news.account,
        type=news.type,
        subject=news.subject,
        happened_at=news.happened_at,
        live=news.live,
        mark=news.mark,
        customer_id=noted.customer or news.customer_id,
        user=noted.user,
        event=news.event,
        data=news.data,
    )
    return BillingEvent(whose.id, whose, noted.noted_at, noted.sequence)
