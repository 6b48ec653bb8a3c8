"""Bills that no session stands for: each becomes an order with its payment, once, whoever tells of it.

Renewals, mostly; and the first bill of a subscription that was made in another way than by a session. Refunds that were
told before the payment was known are kept with it.
"""

from __future__ import annotations

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.bills import Bill, BillPaid, SubscriptionPaid
from onpaid.domain.customers import merge_customers
from onpaid.domain.orders import Customer, order_key
from onpaid.domain.sessions import SessionLine
from onpaid.repositories.orders import Orders, order_thing
from onpaid.repositories.paid_orders import PaidOrders, Sale, SaleStored, SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.session_refunds import EARLY_REFUNDS
from onpaid.repositories.sessions import SESSIONS
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Store


def bill_thing(invoice_id: str) -> str:
    """The name of a bill in lists of what runs and events are about."""
    return f"bill:{invoice_id}"


MOST_SESSIONS = 50
"""So many sessions of a customer are looked through for the one in which a subscription began."""


class Renewals:
    """The orders that bills become."""

    def __init__(
        self, store: Store, orders: Orders, payments: Payments, prices: Prices, rules: SessionRules
    ) -> None:
        self._store = store
        self._orders = orders
        self._rules = rules
        self._sold = PaidOrders(store, orders, payments, prices, rules)

    async def look_session(self, told: SubscriptionPaid, session_id: str) -> Local[str]:
        """The order of the session in which a subscription began, once it is there. Empty if its payment failed: what
        is paid later after all is told of the bill alone."""
        key = f"{told.account}/{session_id}"
        held = await SESSIONS.get(self._store, key)
        if held is not None and held.record.state in ("paid", "failed"):
            return Done(held.record.order_number)
        return NotYet(
            (order_thing(order_key(self._rules.shop, session_id)),),
            (SESSIONS.check(key, None if held is None else held.version),),
            f"the session {session_id}, in which the subscription began, is not kept yet",
        )

    @act(local=True)
    async def store_paid(
        self, told: SubscriptionPaid, bill: Bill, lines: list[SessionLine], paid: BillPaid, at: Instant
    ) -> Local[SaleStored]:
        """A paid bill becomes an order, once: order, payment and what they start are one commit."""
        payment = f"{told.account}/{paid.payment_id}"
        early = await EARLY_REFUNDS.get(self._store, payment) if paid.payment_id else None
        made = await self._sold.made(
            Sale(
                account=told.account,
                event=told.event,
                at=at,
                paid_at=told.told_at,
                live=bill.live,
                total=bill.total,
                lines=lines,
                bill=bill.invoice_id,
                customer_id=bill.customer_id,
                customer=await self._customer(bill),
                payment_id=paid.payment_id,
                paid=paid.amount,
                unpaid=paid.why,
                beside=bill.beside,
                invoiced=self._rules.invoices,
                changes=() if early is None else early.record.changes,
            )
        )
        stored = SaleStored(made.order, made.number, made.why_no_invoice)
        if not made.payment:
            return Done(stored, tuple(made.writes), made.wakes, made.facts)
        as_read = EARLY_REFUNDS.check(payment, None if early is None else early.version)
        return Done(stored, (*made.writes, as_read), made.wakes, made.facts)

    async def _customer(self, bill: Bill) -> Customer | None:
        """Who pays: as the bill says, and what it does not say as was typed in the session in which all began. A customer
        at Stripe has no address unless somebody gave it one."""
        page = await SESSIONS.query(self._store, "customer", bill.customer_id or "", limit=MOST_SESSIONS)
        began = next((each for each in page.items if each.subscription_id == bill.subscription_id), None)
        order = None if began is None else await self._orders.find(began.order)
        if order is None or order.record.latest.customer is None:
            return bill.customer
        return merge_customers(bill.customer, order.record.latest.customer, None)
