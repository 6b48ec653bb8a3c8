"""A customer is told something, at most once.

A message service takes no key and finds nothing again: when an answer is lost, a status that bears our reference
settles it, or the service's list; only then a person. So nobody is told twice, and nobody is forgotten in silence.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.messages import MessageWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.flows.rules import Rules
from onpaid.providers.roles_delivery import Messaging
from onpaid.repositories.messages import Messages


@flow(
    on=MessageWanted,
    key=lambda wanted: f"{wanted.order}/{wanted.template}" + ("" if wanted.nth == 1 else f"#{wanted.nth}"),
    about=lambda wanted: [f"order:{wanted.order}"],
    same=lambda one, other: True,
    category="message",
)
async def send_message(
    ctx: Context, wanted: MessageWanted, *, messages: Messages, messaging: Messaging, rules: Rules
) -> str:
    if wanted.after:
        await ctx.wait_at_most(
            "earlier message",
            messages.look_out,
            wanted.order,
            wanted.after,
            at_most=rules.message_order_wait,
            every=rules.look_again,
        )
    prepared = await ctx.step("prepare message", messages.prepare, wanted)
    if prepared.wait_ms:
        await ctx.sleep("its turn", timedelta(milliseconds=prepared.wait_ms))
    sent = await ctx.step(
        "send message", messaging.send_message, prepared.message, find=messaging.find_message
    )
    return await ctx.step("note message", messages.note_sent, prepared.message.ref, sent)
