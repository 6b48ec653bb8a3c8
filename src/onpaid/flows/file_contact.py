"""A customer becomes one accounting contact, however many orders of theirs are paid at once.

It is a run of its own, keyed by our reference for the customer: the invoices wait for it.
"""

from __future__ import annotations

from onpaid.domain.invoices import ContactDetails, ContactRef
from onpaid.engine.context import Context
from onpaid.engine.flow import flow
from onpaid.providers.roles import Invoicing


@flow(on=ContactDetails, key=lambda contact: contact.reference, same=lambda one, other: True)
async def file_contact(ctx: Context, contact: ContactDetails, *, invoicing: Invoicing) -> ContactRef:
    return await ctx.step("create contact", invoicing.create_contact, contact, find=invoicing.find_contact)
