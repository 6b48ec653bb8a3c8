"""A billing event goes to one subscriber: one run is one try, and a try that failed starts the next one.

Every try bears the event's own id, so a subscriber knows one that it has. The one try after which its subscriber is
paused waits here, with the ticket that says so, until somebody resumes it; whatever else was on its way is held back
without a ticket, and goes out then.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.billing import DeliveryWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.providers.roles_billing import SubscriberDoors
from onpaid.repositories.subscribers import Subscribers
from onpaid.store.local import NotYet

AS_LONG_AS_IT_TAKES = timedelta(days=3650)
LOOK_AGAIN = timedelta(hours=1)
AT_ONCE = timedelta(seconds=1)


@flow(
    on=DeliveryWanted,
    key=lambda wanted: f"{wanted.delivery}/{wanted.attempt}",
    about=lambda wanted: [f"billing:{wanted.event}", f"subscriber:{wanted.subscriber}"],
    same=lambda one, other: True,
)
async def deliver_billing_event(
    ctx: Context, wanted: DeliveryWanted, *, subscribers: Subscribers, subscriber_doors: SubscriberDoors
) -> str:
    if wanted.wait_s:
        await ctx.sleep("until the next try", timedelta(seconds=wanted.wait_s))
    turn = await ctx.wait_for(
        "turn", subscribers.look_turn, wanted, at_most=AS_LONG_AS_IT_TAKES, every=LOOK_AGAIN
    )
    if turn != "go":
        return turn
    answered = await ctx.step("deliver", subscriber_doors.deliver, wanted.subscriber, wanted.event)
    said = await ctx.step("note delivery", subscribers.note_tried, wanted, answered)
    if said == "paused":
        said = await ctx.wait_for(
            "resumed",
            subscribers.look_resumed,
            wanted,
            at_most=AT_ONCE,
            every=LOOK_AGAIN,
            giving_up=_paused,
        )
    return said


def _paused(found: NotYet) -> Problem:
    """The one ticket of a subscriber that is paused."""
    subscriber = found.facts["subscriber"]
    return Problem(
        f"The subscriber {subscriber} is paused, since it does not take billing events. Mend it, then "
        f"`onpaid subscribers resume {subscriber}`: what was held back goes out then",
        category="provider",
        facts=found.facts,
    )
