"""Stripe's invoices of subscriptions, which we call bills: as they are, line by line, and what paid them.

Only read. A bill knows neither its charge nor its PaymentIntent: an invoice payment stands between them. Which session a
subscription began in is asked of the sessions.
"""

from __future__ import annotations

from typing import Any

from onpaid.acts import act
from onpaid.domain.bills import Bill, BillPaid
from onpaid.domain.sessions import SessionLine
from onpaid.errors import Refused
from onpaid.providers import stripe_bills_wire as wire
from onpaid.providers.stripe_catalogue import StripeCatalogue
from onpaid.providers.stripe_sdk import TIMEOUT, checked
from onpaid.providers.stripe_till_wire import SessionWire


class StripeBills(StripeCatalogue):
    """The part of the till that knows bills."""

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_bill(self, invoice_id: str) -> Bill:
        """The bill as it is now."""
        asked = self.sdk.v1.invoices.retrieve_async(checked(invoice_id))
        return (await self.sdk.ask(asked, wire.BillTold)).bill()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_bill_lines(self, invoice_id: str) -> list[SessionLine]:
        """Every line of the bill. Refused if there are more than can be listed, rather than some left out."""
        bill = checked(invoice_id)
        lines = self.sdk.v1.invoices.line_items

        async def listing(params: Any) -> Any:
            return await lines.list_async(bill, params)

        there, whole = await self.sdk.listed(listing, {}, wire.BillLineTold)
        if not whole:
            raise Refused(f"Stripe: the invoice {bill} has more lines than can be listed")
        return [each.line() for each in there]

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_bill_payment(self, invoice_id: str) -> BillPaid:
        """The one payment that paid the bill, or why there is none."""
        params = {"invoice": checked(invoice_id), "status": "paid"}
        listing = self.sdk.v1.invoice_payments.list_async
        there, whole = await self.sdk.listed(listing, params, wire.InvoicePaymentTold)
        if not whole:
            raise Refused(f"Stripe: the invoice {invoice_id} has more payments than can be listed")
        return wire.paid_by(there)

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_session_of(self, subscription_id: str) -> str | None:
        """The id of the session in which the subscription began, if it began in one."""
        params = {"subscription": checked(subscription_id)}
        found, _ = await self.sdk.page(self.sdk.v1.checkout.sessions.list_async, params, SessionWire)
        return found[0].id if found else None
