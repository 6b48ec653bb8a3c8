"""What was sold and paid at Stripe as an order: its lines, its payment, and the facts that start what follows.

A session and a bill come to an order in the same way. A payment belongs to one order: where another one has it already,
there is none to be made, whoever told of it first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from onpaid.clock import Instant
from onpaid.domain.bills import NO_PAYMENT
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, Revision, order_key
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.prices import Price
from onpaid.domain.session_orders import LONG, SHORT, Lines, order_lines, order_number
from onpaid.domain.sessions import SessionLine
from onpaid.errors import Problem
from onpaid.repositories.orders import ALIASES, ORDERS, Alias, Orders, order_thing
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.store.port import Store, Write


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What is set for sales. `account` is the one that sessions are opened in (`stripe/default/live`), `shop` the first
    part of their orders' keys, `prefix` how their orders' numbers begin; `invoices`: whether a paid one is invoiced."""

    account: str
    shop: str = "stripe"
    prefix: str = "BC-"
    invoices: bool = False


class SaleStored(msgspec.Struct, frozen=True, omit_defaults=True):
    """What storing a sale came to: its order, and why a person must make the invoice (empty: nobody must)."""

    order: str
    number: str
    why_no_invoice: str = ""


@dataclass(frozen=True, slots=True)
class Sale:
    """What was sold. `paid` is what its payment is over, `invoiced` whether an invoice is due, `unpaid` why there is no
    payment that one could be made for. One of `session` and `bill` is its id."""

    account: str
    event: str
    at: Instant
    paid_at: Instant
    live: bool
    total: Money
    lines: Sequence[SessionLine]
    session: str = ""
    bill: str = ""
    customer_id: str | None = None
    customer: Customer | None = None
    payment_id: str = ""
    paid: Money | None = None
    unpaid: str = ""
    beside: int | None = None
    invoiced: bool = False
    changes: tuple[PaymentChanged, ...] = ()

    @property
    def ident(self) -> str:
        """What the order's number follows from."""
        return self.session or self.bill


@dataclass(slots=True)
class SaleMade:
    """The order of a sale, and what is kept with it in one commit; `payment` is the payment's key. Where another sale had
    the payment first, the order is that one's, and nothing is written."""

    order: str
    number: str
    why_no_invoice: str = ""
    payment: str = ""
    writes: list[Write] = field(default_factory=list)
    wakes: tuple[str, ...] = ()
    facts: tuple[msgspec.Struct, ...] = ()


@dataclass(frozen=True, slots=True)
class PaidOrders:
    """The orders of a store that come from sales at Stripe."""

    store: Store
    orders: Orders
    payments: Payments
    prices: Prices
    rules: SessionRules

    async def made(self, sale: Sale) -> SaleMade:
        """Everything that a sale comes to. The commit is refused if something that was read here has changed since."""
        number = await self._number(sale)
        key, pays = order_key(self.rules.shop, number), bool(sale.payment_id) and sale.total.minor > 0
        first = await self._first(f"{sale.account}/{sale.payment_id}", key) if pays else None
        if first is not None:
            return SaleMade(first.key, first.number, payment=f"{sale.account}/{sale.payment_id}")
        priced = [await self._price(line) for line in sale.lines]
        lines = order_lines(sale.total, sale.lines, priced, beside=sale.beside)
        why = _why(sale, lines, pays=pays) if sale.invoiced else ""
        made, wakes = SaleMade(key, number, why), [order_thing(key)]
        if await self.orders.find(key) is None:
            made.writes.append(ORDERS.insert(self._order(sale, number, lines)))
            alias = order_key(self.rules.shop, sale.ident)
            made.writes.append(ALIASES.put(Alias(alias, key)))
            wakes.append(order_thing(alias))
        if pays:
            money = _payment(sale, key, expects=("invoice",) if sale.invoiced and not why else ())
            writes, woken = await self.payments.receive(money, sale.at, sale.changes)
            made.payment, made.facts = money.key, (money,)
            made.writes += writes
            wakes += woken
        made.wakes = tuple(wakes)
        return made

    async def _first(self, payment: str, key: str) -> Order | None:
        """The order of another sale that has the payment, or None."""
        known = await self.payments.get(payment)
        if known is None or known.fact.order == key:
            return None
        held = await self.orders.find(known.fact.order)
        return held.record if held is not None and held.record.sold else None

    async def _number(self, sale: Sale) -> str:
        """The number of the order: the short one, unless it is another sale's."""
        for length in (SHORT, LONG):
            number = order_number(self.rules.prefix, sale.ident, length)
            held = await ORDERS.get(self.store, order_key(self.rules.shop, number))
            if held is None or held.record.sold == sale.ident:
                return number
        raise Problem(
            f"Both order numbers of {sale.ident} belong to other orders: set ORDER_NUMBER_PREFIX to a prefix that no "
            "shop uses, then retry",
            category="order",
            facts={"sold": sale.ident},
        )

    async def _price(self, line: SessionLine) -> Price | None:
        """Our price of a line: by the name that it bears at Stripe, else by Stripe's id."""
        named = await self.prices.price(line.lookup_key) if line.lookup_key else None
        if named is not None or not line.price_id:
            return named
        ours = await self.prices.of_stripe(line.price_id)
        return None if ours is None else await self.prices.price(ours)

    def _order(self, sale: Sale, number: str, lines: Lines) -> Order:
        revision = Revision(
            number=1,
            digest=hashlib.sha256(sale.ident.encode()).hexdigest(),
            lines=lines.lines,
            received_at=sale.at,
            event=sale.event,
            currency=sale.total.currency,
            prices_include_vat=True,
            total=sale.total.to_decimal(),
            customer=_customer(sale),
        )
        return Order(
            shop=self.rules.shop,
            number=number,
            live=sale.live,
            received_at=sale.at,
            revisions=(revision,),
            aliases=(sale.ident,),
            session=sale.session,
            bill=sale.bill,
        )


def _why(sale: Sale, lines: Lines, *, pays: bool) -> str:
    """Why a person must make the invoice; empty if nobody must."""
    found = [lines.unclear] if lines.unclear else []
    if not pays and sale.total.minor > 0:
        found.append(sale.unpaid or NO_PAYMENT)
    elif sale.paid is not None and sale.paid != sale.total:
        found.append(f"{sale.paid.format()} were paid of {sale.total.format()}")
    return "; ".join(found)


def _customer(sale: Sale) -> Customer | None:
    """Who bought, with the customer's id at Stripe."""
    if sale.customer is None:
        return Customer(id=sale.customer_id) if sale.customer_id else None
    return msgspec.structs.replace(sale.customer, id=sale.customer_id or sale.customer.id)


def _payment(sale: Sale, order: str, *, expects: tuple[str, ...]) -> PaymentSucceeded:
    return PaymentSucceeded(
        account=sale.account,
        payment_id=sale.payment_id,
        order=order,
        amount=sale.paid or sale.total,
        paid_at=sale.paid_at,
        live=sale.live,
        customer_id=sale.customer_id,
        billing=sale.customer,
        event=sale.event,
        expects=expects,
    )
