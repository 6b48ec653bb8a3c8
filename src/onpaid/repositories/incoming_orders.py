"""How a shop's word about an order becomes a revision of it.

The same meaning twice changes nothing. Another meaning is a new revision: what was invoiced before is not
rewritten, and where the two contradict each other a person is told what differs. A word that was overtaken on its
way, by the shop's own time, is kept in its place among the revisions and never becomes the latest.
"""

from __future__ import annotations

import msgspec

from onpaid.clock import Instant
from onpaid.domain.differences import compare
from onpaid.domain.events import OrderReceived
from onpaid.domain.orders import Order, Revision, order_key
from onpaid.errors import Problem
from onpaid.repositories.orders import ALIASES, ORDERS, Alias, Orders, order_thing
from onpaid.store.port import Store, Write

MOST_REVISIONS = 200


class Incoming(msgspec.Struct):
    """What receiving an order comes to."""

    order: str
    writes: list[Write]
    wakes: list[str]
    problems: list[Problem]


async def receive_order(store: Store, orders: Orders, fact: OrderReceived, now: Instant) -> Incoming:
    """The writes that keep this word of the shop, whom they wake, and what a person must know."""
    key = order_key(fact.shop, fact.number)
    held = await orders.find(key)
    if held is None:
        order = Order(
            fact.shop,
            fact.number,
            fact.live,
            now,
            (_revision(fact, 1),),
            fact.aliases,
            fulfilment=fact.fulfilment,
        )
        incoming = Incoming(key, [ORDERS.insert(order)], [order_thing(key)], [])
        await _add_aliases(store, fact, key, incoming)
        return incoming
    order = held.record
    incoming = Incoming(order.key, [], [], [])
    if any(revision.digest == fact.digest for revision in order.revisions):
        return incoming
    if len(order.revisions) >= MOST_REVISIONS:
        incoming.problems.append(
            Problem(
                f"Order {order.number} changed {MOST_REVISIONS} times; further changes are kept as events only",
                category="order",
                facts={"order": order.key},
            )
        )
        return incoming
    revisions = list(order.revisions)
    place = len(revisions)
    while place and _overtook(revisions[place - 1], fact):
        place -= 1
    revisions.insert(place, _revision(fact, len(revisions) + 1))
    aliases = tuple(dict.fromkeys((*order.aliases, *fact.aliases)))
    renewed = msgspec.structs.replace(order, revisions=tuple(revisions), aliases=aliases, expired_at=None)
    incoming.writes.append(ORDERS.update(renewed, held.version))
    incoming.wakes.append(order_thing(order.key))
    await _add_aliases(store, fact, order.key, incoming)
    if place == len(order.revisions):
        await _compare_with_invoiced(orders, renewed, incoming)
    return incoming


def _overtook(revision: Revision, fact: OrderReceived) -> bool:
    """Whether the shop told of this revision after it told of the fact. Without both times the last word counts.

    Of two words of the same second the one that only adds lines to the other is the later: an upsell.
    """
    if revision.told_at is None or fact.told_at is None:
        return False
    if fact.told_at != revision.told_at:
        return fact.told_at < revision.told_at
    return {line.key for line in fact.lines} < {line.key for line in revision.lines}


def _revision(fact: OrderReceived, number: int) -> Revision:
    return Revision(
        number=number,
        digest=fact.digest,
        lines=fact.lines,
        received_at=fact.received_at,
        event=fact.event,
        currency=fact.currency,
        prices_include_vat=fact.prices_include_vat,
        total=fact.total,
        customer=fact.customer,
        told_at=fact.told_at,
    )


async def _add_aliases(store: Store, fact: OrderReceived, key: str, incoming: Incoming) -> None:
    for name in fact.aliases:
        alias = order_key(fact.shop, name)
        if alias == key:
            continue
        held = await ALIASES.get(store, alias)
        if held is None and await ORDERS.get(store, alias) is None:
            incoming.writes.append(ALIASES.insert(Alias(alias, key)))
            incoming.wakes.append(order_thing(alias))
        elif held is None or held.record.order != key:
            other = alias if held is None else held.record.order
            incoming.problems.append(
                Problem(
                    f"Two orders share the name {name}: {key} and {other}. Payments that name it go to the latter",
                    category="order",
                    facts={"name": name, "orders": f"{key}, {other}"},
                )
            )


async def _compare_with_invoiced(orders: Orders, order: Order, incoming: Incoming) -> None:
    """Added lines wait for their payment; a changed or missing one was invoiced otherwise."""
    taken = (await orders.allocation(order.key)).taken
    differences = compare([each.line for each in taken.values()], order.latest.lines)
    if taken and differences.need_a_person:
        incoming.problems.append(differences.as_problem(order.key))
