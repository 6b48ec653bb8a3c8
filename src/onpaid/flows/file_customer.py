"""A user becomes one customer at Stripe, however many sessions they ask for at once.

It is a run of its own, keyed by the user and the customer's generation: the sessions wait for it. A customer that was
deleted there is followed by the next generation, which is another run.
"""

from __future__ import annotations

from onpaid.clock import as_instant
from onpaid.domain.sessions import CustomerRef, CustomerWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles_billing import Till
from onpaid.repositories.user_customers import UserCustomers


@flow(
    on=CustomerWanted,
    key=lambda wanted: f"{wanted.user.id}#{wanted.generation}",
    about=lambda wanted: [f"user:{wanted.user.id}"],
    same=lambda one, other: True,
    category="payment",
)
async def file_customer(
    ctx: Context, wanted: CustomerWanted, *, till: Till, user_customers: UserCustomers
) -> CustomerRef:
    made = await ctx.step("create customer", till.create_customer, wanted, find=till.find_customer)
    await ctx.step("note customer", user_customers.note_customer, wanted, made, as_instant(ctx.started))
    return made
