"""Orders by number and alias, and the lines that payments have taken.

Taking lines is one conditional write on the order's allocation: two payments at once cannot take the same line.
`look_*` methods answer `Done` or `NotYet` with what was seen, so that waiting cannot miss what is stored meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.allocation import Chosen, Nothing, added_by_revision, choose_lines
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, Order, OrderLine, Revision
from onpaid.domain.payments import PaymentSucceeded
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Entry, Store
from onpaid.store.records import Kind, Records, Versioned


class Alias(msgspec.Struct, frozen=True):
    """Another name of an order."""

    alias: str
    order: str


class TakenLine(msgspec.Struct, frozen=True):
    """A line that a payment pays for, as it was when it was taken."""

    payment: str
    line: OrderLine
    revision: int


class Allocation(msgspec.Struct):
    """Which payment took which lines of an order."""

    order: str
    taken: dict[str, TakenLine] = {}
    amounts: dict[str, Money] = {}


class LinesTaken(msgspec.Struct, frozen=True):
    """The lines that one payment pays for, and what is needed to draw up their invoice."""

    order: str
    number: str
    lines: tuple[OrderLine, ...]
    prices_include_vat: bool | None
    currency: str | None
    revision: int
    whole_order: bool
    customer: Customer | None = None
    order_total: Decimal | None = None


def _entries(order: Order) -> Iterator[Entry]:
    yield Entry("all", "", order.received_at)
    customer = order.latest.customer
    if customer is not None and customer.email:
        yield Entry("email", customer.email.strip().lower(), order.received_at)
    phone = phone_digits(customer.phone) if customer is not None and customer.phone else ""
    if phone:
        yield Entry("phone", phone, order.received_at)


def phone_digits(given: str) -> str:
    """A phone number as it is looked up: its digits with the country's, however it is written; nothing if it is none.

    Ten digits without a country are an Indian mobile number.
    """
    plain = _JOINTS.sub("", given.strip())
    international = plain.startswith(("+", "00"))
    digits = plain.removeprefix("+").removeprefix("00") if international else plain
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        return ""
    return digits if international or len(digits) != 10 else f"91{digits}"


_JOINTS = re.compile(r"[\s().-]+")
ORDERS = Kind("order", Order, key=lambda order: order.key, entries=_entries, squeeze=lambda order: True)
ALIASES = Kind("order-alias", Alias, key=lambda alias: alias.alias)
ALLOCATIONS = Kind("allocation", Allocation, key=lambda allocation: allocation.order)


def order_thing(key: str) -> str:
    """The name under which runs wait for an order."""
    return f"order:{key}"


class Orders:
    """The orders of a store."""

    def __init__(self, store: Store, *, prices_include_vat: bool | None = None) -> None:
        self._store = store
        self._prices_include_vat = prices_include_vat

    async def find(self, key: str) -> Versioned[Order] | None:
        """The order of this key or alias."""
        held = await ORDERS.get(self._store, key)
        if held is not None:
            return held
        alias = await ALIASES.get(self._store, key)
        return None if alias is None else await ORDERS.get(self._store, alias.record.order)

    async def newest(self, *, after: str | None = None, limit: int = 50) -> Records[Order]:
        """Orders, newest first."""
        return await ORDERS.query(self._store, "all", "", after=after, limit=limit)

    async def of_email(self, email: str, *, after: str | None = None, limit: int = 50) -> Records[Order]:
        """The orders of a customer, newest first."""
        return await ORDERS.query(self._store, "email", email.strip().lower(), after=after, limit=limit)

    async def of_phone(self, digits: str, *, after: str | None = None, limit: int = 50) -> Records[Order]:
        """The orders under a phone number, as `phone_digits` reads it, newest first."""
        return await ORDERS.query(self._store, "phone", digits, after=after, limit=limit)

    async def allocation(self, key: str) -> Allocation:
        """Which payments took which lines."""
        held = await ALLOCATIONS.get(self._store, key)
        return Allocation(key) if held is None else held.record

    async def look_order(self, key: str) -> Local[str]:
        """The key of the order that is named so, once it is there."""
        found = await self.find(key)
        if found is not None:
            return Done(found.record.key)
        return NotYet(
            (order_thing(key),),
            (ORDERS.check(key, None), ALIASES.check(key, None)),
            f"order {key} is not here yet",
        )

    async def look_lines(self, paid: PaymentSucceeded) -> Local[bool]:
        """Whether there are lines for this payment to pay for; waits for the order's next revision if not."""
        chosen, _, _, not_yet = await self._choose(paid, paid.amount)
        return Done(True) if isinstance(chosen, Chosen) else not_yet

    async def take_lines(self, paid: PaymentSucceeded, amount: Money) -> Local[LinesTaken]:
        """Take the lines that this payment pays for, for good."""
        chosen, order, held, not_yet = await self._choose(paid, amount)
        if not isinstance(chosen, Chosen):
            return not_yet
        record, latest = order.record, order.record.latest
        allocation = Allocation(record.key) if held is None else held.record
        already = [taken.line for taken in allocation.taken.values() if taken.payment == paid.key]
        lines = tuple(already) or chosen.lines
        value = LinesTaken(
            order=record.key,
            number=record.number,
            lines=lines,
            prices_include_vat=self.prices_include_vat(latest),
            currency=latest.currency,
            revision=latest.number,
            whole_order=len(lines) == len(latest.lines),
            customer=latest.customer,
            order_total=latest.total,
        )
        if already:
            return Done(value)
        for line in lines:
            allocation.taken[line.key] = TakenLine(paid.key, line, latest.number)
        allocation.amounts[paid.key] = amount
        write = (
            ALLOCATIONS.insert(allocation) if held is None else ALLOCATIONS.update(allocation, held.version)
        )
        return Done(value, (write, ORDERS.check(record.key, order.version)))

    @act(local=True)
    async def expire(self, key: str, at: Instant) -> Local[bool]:
        """Mark an order that nobody paid."""
        held = await self.find(key)
        if held is None or held.record.expired_at is not None:
            return Done(False)
        expired = msgspec.structs.replace(held.record, expired_at=at)
        return Done(True, (ORDERS.update(expired, held.version),))

    async def _choose(
        self, paid: PaymentSucceeded, amount: Money
    ) -> tuple[Chosen | Nothing, Versioned[Order], Versioned[Allocation] | None, NotYet]:
        order = await self.find(paid.order)
        if order is None:
            raise AssertionError("lines are chosen once the order is there")
        record = order.record
        held = await ALLOCATIONS.get(self._store, record.key)
        taken = {} if held is None else held.record.taken
        mine = tuple(each.line for each in taken.values() if each.payment == paid.key)
        chosen = Chosen(mine) if mine else self._choose_free(record, frozenset(taken), amount)
        why, kind, facts = "", "", {}
        if isinstance(chosen, Nothing):
            why, kind, facts = chosen.why, chosen.kind, {**chosen.facts, "order": record.key}
        checks = (ORDERS.check(record.key, order.version),)
        not_yet = NotYet((order_thing(record.key),), checks, why, kind=kind, facts=facts)
        return chosen, order, held, not_yet

    def _choose_free(self, order: Order, taken: frozenset[str], amount: Money) -> Chosen | Nothing:
        latest = order.latest
        return choose_lines(
            latest.lines,
            taken,
            amount,
            self.prices_include_vat(latest),
            latest.currency,
            added_together=added_by_revision(order.revisions),
        )

    def prices_include_vat(self, revision: Revision) -> bool | None:
        """What the order says, else what is set for its shop; None: nobody said."""
        return (
            self._prices_include_vat if revision.prices_include_vat is None else revision.prices_include_vat
        )
