"""What a paid session comes to: its order, its payment, its snapshot, and the facts that start what follows.

Everything is made from the session as Stripe tells it and from what was kept first, so that webhook and nightly
reconciliation come to the same. Who commits it demands that the session is still as it was read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import msgspec

from onpaid.clock import Instant
from onpaid.domain.billing import BillingNews
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, Revision, order_key
from onpaid.domain.payments import PaymentSucceeded
from onpaid.domain.prices import Price
from onpaid.domain.session_orders import LONG, SHORT, Lines, order_lines, order_number, owner_of
from onpaid.domain.sessions import Session, SessionDetails, SessionLine, SessionTold
from onpaid.errors import Problem
from onpaid.repositories.orders import ALIASES, ORDERS, Alias, Orders, order_thing
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.store.port import Store, Write

SETUP = "setup"
"""The mode of a session that only keeps a card: nothing is sold in it."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What is set for sessions. `account` is the one that they are opened in (`stripe/default/live`), `shop` the first
    part of their orders' keys, `prefix` how their orders' numbers begin; `invoices`: whether a paid one is invoiced."""

    account: str
    shop: str = "stripe"
    prefix: str = "BC-"
    invoices: bool = False


class SessionPayment(msgspec.Struct, frozen=True):
    """In which session a payment was made. Both are keys."""

    payment: str
    session: str


class SessionStored(msgspec.Struct, frozen=True, omit_defaults=True):
    """What storing a paid session came to: its order, and why a person must make the invoice (empty: nobody must)."""

    order: str
    number: str
    why_no_invoice: str = ""


@dataclass(frozen=True, slots=True)
class PaidSession:
    """A paid session as it was read, and what was kept of it before."""

    told: SessionTold
    details: SessionDetails
    lines: list[SessionLine]
    before: Session | None
    at: Instant


@dataclass(slots=True)
class Composed:
    """The session to be kept, and what is kept with it in one commit."""

    session: Session
    payment: str = ""
    writes: list[Write] = field(default_factory=list)
    wakes: tuple[str, ...] = ()
    facts: tuple[msgspec.Struct, ...] = ()


async def compose(
    paid: PaidSession, store: Store, orders: Orders, payments: Payments, prices: Prices, rules: SessionRules
) -> Composed:
    """Everything that a paid session comes to. A set-up session is kept, and sells nothing."""
    details, told = paid.details, paid.told
    if details.mode == SETUP:
        return Composed(_session(paid, "", "", ""))
    number = await _number(store, rules, details.session_id)
    key = order_key(rules.shop, number)
    lines = order_lines(details, paid.lines, [await _price(prices, line) for line in paid.lines])
    expected = rules.invoices and details.mode == "payment" and _total(details).minor > 0
    session = _session(paid, key, number, lines.unclear if expected else "")
    made = Composed(session, facts=(_news(session, told, details),))
    wakes = [order_thing(key)]
    if await orders.find(key) is None:
        made.writes.append(ORDERS.insert(_order(paid, rules, number, lines)))
        alias = order_key(rules.shop, details.session_id)
        made.writes.append(ALIASES.put(Alias(alias, key)))
        wakes.append(order_thing(alias))
    if details.payment_id and _total(details).minor > 0:
        money = _payment(paid, key, expects=("invoice",) if expected and not lines.unclear else ())
        writes, woken = await payments.receive(money, paid.at)
        made.payment = money.key
        made.writes += writes
        wakes += woken
        made.facts = (money, *made.facts)
    made.wakes = tuple(wakes)
    return made


async def _number(store: Store, rules: SessionRules, session_id: str) -> str:
    """The number of the session's order: the short one, unless it is another session's."""
    for length in (SHORT, LONG):
        number = order_number(rules.prefix, session_id, length)
        held = await ORDERS.get(store, order_key(rules.shop, number))
        if held is None or held.record.session == session_id:
            return number
    raise Problem(
        f"Both order numbers of the session {session_id} belong to other orders: set ORDER_NUMBER_PREFIX to a prefix "
        "that no shop uses, then retry",
        category="order",
        facts={"session": session_id},
    )


async def _price(prices: Prices, line: SessionLine) -> Price | None:
    """Our price of a line: by the name that it bears at Stripe, else by Stripe's id."""
    named = await prices.price(line.lookup_key) if line.lookup_key else None
    if named is not None or not line.price_id:
        return named
    ours = await prices.of_stripe(line.price_id)
    return None if ours is None else await prices.price(ours)


def _total(details: SessionDetails) -> Money:
    if details.total is None:
        raise Problem(
            f"The session {details.session_id} is paid and names no amount: look at it at Stripe, then retry",
            category="payment",
            facts={"session": details.session_id},
        )
    return details.total


def _order(paid: PaidSession, rules: SessionRules, number: str, lines: Lines) -> Order:
    details, total = paid.details, _total(paid.details)
    revision = Revision(
        number=1,
        digest=hashlib.sha256(details.session_id.encode()).hexdigest(),
        lines=lines.lines,
        received_at=paid.at,
        event=paid.told.event,
        currency=total.currency,
        prices_include_vat=True,
        total=total.to_decimal(),
        customer=_customer(details),
    )
    return Order(
        shop=rules.shop,
        number=number,
        live=details.live,
        received_at=paid.at,
        revisions=(revision,),
        aliases=(details.session_id,),
        session=details.session_id,
    )


def _customer(details: SessionDetails) -> Customer | None:
    """Who bought, with the customer's id at Stripe."""
    if details.customer is None:
        return Customer(id=details.customer_id) if details.customer_id else None
    return msgspec.structs.replace(details.customer, id=details.customer_id or details.customer.id)


def _payment(paid: PaidSession, order: str, *, expects: tuple[str, ...]) -> PaymentSucceeded:
    details = paid.details
    return PaymentSucceeded(
        account=paid.told.account,
        payment_id=details.payment_id or "",
        order=order,
        amount=_total(details),
        paid_at=paid.told.told_at,
        live=details.live,
        customer_id=details.customer_id,
        billing=details.customer,
        event=paid.told.event,
        expects=expects,
    )


def _session(paid: PaidSession, order: str, number: str, why_no_invoice: str) -> Session:
    details, before = paid.details, paid.before
    user = details.user or ("" if before is None else before.user)
    return Session(
        key=paid.told.key,
        session_id=details.session_id,
        state="paid",
        created_at=details.created_at,
        seen_at=paid.at,
        user=user,
        customer_id=details.customer_id or "",
        mode=details.mode,
        order=order,
        order_number=number,
        payment_id=details.payment_id or "",
        subscription_id=details.subscription_id or "",
        total=details.total,
        origin=paid.told.origin,
        synced_at=paid.at,
        paid_at=paid.told.told_at,
        lines=tuple(paid.lines),
        owner=owner_of(details, user),
        why_no_invoice=why_no_invoice,
    )


def _news(session: Session, told: SessionTold, details: SessionDetails) -> BillingNews:
    """What others are told: the same event, whoever heard of the session first."""
    total = _total(details)
    return BillingNews(
        account=told.account,
        type="checkout.completed",
        subject=details.session_id,
        happened_at=told.told_at,
        live=details.live,
        customer_id=session.customer_id,
        user=session.user,
        event=told.event,
        data={
            "mode": details.mode,
            "paymentStatus": details.payment_status,
            "amount": total.minor,
            "currency": total.currency,
            "orderNumber": session.order_number,
            "paymentIntentId": details.payment_id,
            "subscriptionId": details.subscription_id,
        },
    )
