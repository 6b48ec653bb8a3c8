"""A user wants to pay: a page for it is opened at Stripe, once for each request.

The price is ours and is filed there first if it is not yet; the user's customer is made if there is none. A customer
that was deleted there is replaced by the next generation, and so is one that Stripe refused and a person gave up: else its
user could never pay. The customer is read after the price is filed, since filing may take a while: so the session is
made for a customer that was there a moment ago.
"""

from __future__ import annotations

from typing import Final

import msgspec

from onpaid.clock import as_instant
from onpaid.domain.prices import PriceFiled, PriceWanted
from onpaid.domain.sessions import CustomerRef, CustomerWanted, SessionDraft, SessionRef, SessionWanted
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.errors import Problem
from onpaid.providers.roles_billing import Till
from onpaid.repositories.prices import Prices
from onpaid.repositories.sessions import Sessions
from onpaid.repositories.user_customers import UserCustomers

DELETED: Final = "it was deleted at Stripe"


@flow(
    on=SessionWanted,
    key=lambda wanted: wanted.reference,
    about=lambda wanted: [f"user:{wanted.user.id}", f"price:{wanted.price}"],
    category="payment",
)
async def open_session(
    ctx: Context,
    wanted: SessionWanted,
    *,
    till: Till,
    prices: Prices,
    sessions: Sessions,
    user_customers: UserCustomers,
) -> SessionRef:
    user, at = wanted.user, as_instant(ctx.started)
    price = await ctx.step("read price", prices.look_price, wanted.price)
    version = await ctx.step("take version", prices.next_version, price)
    filed = await ctx.call("file price", PriceWanted(price, version), PriceFiled)
    if not filed.stripe_price:
        raise Problem(
            f"The price {price.id} was taken off sale while a user was paying: they have to choose another",
            category="payment",
            severity="low",
            facts={"price": price.id, "user": user.id},
        )
    known = await ctx.step("look customer", user_customers.look_customer, user, at)
    customer = known.customer_id
    if customer:
        read = await ctx.step("read customer", till.fetch_customer_ref, customer)
        if read.deleted:
            await ctx.step("note replaced", user_customers.note_replaced, user.id, customer, DELETED, at)
            customer = ""
    if not customer:
        customer = await _new_customer(ctx, CustomerWanted(user, known.generation + 1, at))
    draft = SessionDraft(
        reference=wanted.reference,
        customer_id=customer,
        user=user,
        price_id=filed.stripe_price,
        recurring=filed.recurring is not None,
        success_url=wanted.success_url,
        cancel_url=wanted.cancel_url,
        quantity=wanted.quantity,
    )
    opened = await ctx.step("create session", till.create_session, draft, find=till.find_session)
    await ctx.step("note session", sessions.note_opened, opened, wanted, at)
    return opened


async def _new_customer(ctx: Context, wanted: CustomerWanted) -> str:
    """The id of the customer that is made. Raises Problem if two runs of it were cancelled."""
    try:
        return (await ctx.call("file customer", wanted, CustomerRef)).customer_id
    except Problem:  # a person cancelled its run, which may have been refused for what it asked
        later = msgspec.structs.replace(wanted, generation=wanted.generation + 1)
        return (await ctx.call("file next customer", later, CustomerRef)).customer_id
