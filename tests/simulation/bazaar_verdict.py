"""What was bought against what was delivered: the bazaar's books, the customers' and the store, compared."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from onpaid.domain.messages import RANK
from onpaid.domain.tracking import SHIPMENT_NUMBERS
from onpaid.engine.journal import Run, Ticket
from onpaid.repositories.catalogue import MOVEMENTS, SELLERS, STOCK
from onpaid.repositories.messages import MESSAGES
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.store.memory import MemoryStore
from tests.flows.bazaar import ACCOUNT, SHOP, Bazaar
from tests.flows.market import BALLS, LESSON, RACKET
from tests.simulation.bazaar_day import SCARCE, Purchase
from tests.simulation.verdict import Result, all_runs, all_tickets

SELLER_OF = {product.id: product.seller for product in (RACKET, BALLS, LESSON, SCARCE)}


@dataclass
class Delivered(Result):
    """What one day came to. `clicks` are the numbers that pages were given, `statuses` and `journeys` what is true of
    messages and parcels in the end."""

    parcels: int = 0
    told: int = 0
    refunds: int = 0
    clicks: Counter[str] = field(default_factory=Counter)
    statuses: dict[str, str] = field(default_factory=dict)
    journeys: dict[str, int] = field(default_factory=dict)


async def judge(
    result: Delivered,
    purchases: Iterable[Purchase],
    world: Bazaar,
    store: MemoryStore,
    stock: Mapping[str, int],
) -> None:
    """Fill in what is lost, double or stuck."""
    bought = [each for each in purchases if each.opened is not None]
    runs = {run.id: run for run in await all_runs(store)}
    tickets: dict[str, list[Ticket]] = {}
    for ticket in await all_tickets(store):
        tickets.setdefault(ticket.run or "", []).append(ticket)
    result.parcels, result.told = len(world.live()), len(world.messages)
    result.refunds = len(world.refunds)
    for purchase in bought:
        if purchase.paid:
            _judge_purchase(result, purchase, world, runs, tickets)
    _judge_checkouts(result, bought, world)
    _judge_books(result, bought, world)
    await _judge_stock(result, bought, store, stock)
    await _judge_tracking(result, store)
    await _judge_orders(result, bought, store)
    for run in runs.values():
        if run.state in ("failed", "doubtful") and not tickets.get(run.id):
            result.stuck.append(f"{run.id} is {run.state} without a ticket: {run.reason}")
        if run.state in ("ready", "running", "waiting", "sleeping"):
            result.stuck.append(f"{run.id} is {run.state}: {run.reason}")


def _judge_purchase(
    result: Delivered,
    purchase: Purchase,
    world: Bazaar,
    runs: Mapping[str, Run],
    tickets: Mapping[str, list[Ticket]],
) -> None:
    assert purchase.opened is not None
    result.payments += 1
    number, key = purchase.number, f"{SHOP}/{purchase.number}"
    about = f"{ACCOUNT}/{purchase.opened.razorpay_order_id}"
    ours = [run for run in runs.values() if run.flow == "ship_paid_order" and f"order:{key}" in run.about]
    named = [run for run in runs.values() if run.id == f"ship_paid_order:{about}"]
    if not named:
        result.lost.append(f"{number}: acknowledged, and there is no run")
    elif len({run.id for run in (*ours, *named)}) > 1:
        result.double.append(f"{number}: several runs about one payment")
    parcels = [each for each in world.live() if each.order.reference.partition("-")[0] == number]
    confirmed, shipped = (
        sum(each.ref == f"onpaid:{key}:{template}" for each in world.messages)
        for template in ("order_confirmation", "shipment_created")
    )
    ticketed = any(tickets.get(run.id) for run in named)
    if not purchase.good or purchase.decided == "refund":
        if parcels or confirmed or shipped:
            result.double.append(f"{number}: delivered, and should not be ({purchase.fortune})")
        if not purchase.good and not ticketed:
            result.lost.append(f"{number}: the ticket ({purchase.fortune})")
        return
    if purchase.fortune == "paid twice" and not ticketed:
        result.lost.append(f"{number}: the ticket about its second payment")
    wanted = int(purchase.ships)
    if len(parcels) > wanted:
        result.double.append(f"{number}: {len(parcels)} parcels")
    if len(parcels) < wanted:
        result.lost.append(f"{number}: the parcel ({', '.join(run.reason for run in named)})")
    for parcel in parcels:
        if not parcel.awb or parcel.pickups != 1:
            result.lost.append(f"{number}: AWB {parcel.awb!r}, {parcel.pickups} pickups")
    if purchase.reachable:
        for name, count, due in (("confirmation", confirmed, 1), ("shipment", shipped, wanted)):
            if count < due:
                result.lost.append(f"{number}: the {name}'s message")


def _judge_checkouts(result: Delivered, bought: list[Purchase], world: Bazaar) -> None:
    numbers = Counter(each.wanted.number for each in world.asked)
    result.double.extend(f"{number}: {count} checkouts" for number, count in numbers.items() if count > 1)
    known = {each.number for each in bought}
    result.double.extend(
        f"{number}: an order that no page was told of" for number in numbers if number not in known
    )
    result.double.extend(
        f"{number}: one click, several orders" for number in result.clicks if number not in known
    )
    for purchase in bought:
        if purchase.opened is not None and purchase.refused:
            result.double.append(f"{purchase.number}: one click was both answered and refused")


def _judge_books(result: Delivered, bought: list[Purchase], world: Bazaar) -> None:
    result.double.extend(world.faults)
    for ref, count in Counter(each.ref for each in world.messages).items():
        if count > 1:
            result.double.append(f"{ref}: told {count} times")
    given_back = [each for each in bought if each.decided == "refund"]
    most, least = len(given_back), sum(each.fortune != "paid twice" for each in given_back)
    if not least <= len(world.refunds) <= most:
        (result.double if len(world.refunds) > most else result.lost).append(
            f"{len(world.refunds)} refunds, and {most} were decided"
        )
    for ticket, count in Counter(ticket.id for ticket in world.tickets).items():
        if count > 1:
            result.double.append(f"ticket {ticket}: filed {count} times")


async def _judge_stock(
    result: Delivered, bought: list[Purchase], store: MemoryStore, stock: Mapping[str, int]
) -> None:
    sold, anyway, of_seller = Counter[str](), Counter[str](), Counter[str]()
    for purchase in bought:
        if not purchase.good or purchase.decided == "refund":
            continue
        (anyway if purchase.decided else sold).update(purchase.cart)
        for product, units in purchase.cart.items():
            of_seller[SELLER_OF[product]] += units
    for product, there in stock.items():
        held = await STOCK.get(store, product)
        gone = there - (0 if held is None else held.record.left)
        if sold[product] > there:
            result.double.append(f"{product}: {sold[product]} sold, and there were {there}")
        if not sold[product] <= gone <= sold[product] + anyway[product]:
            result.double.append(f"{product}: {gone} are gone, and {sold[product]} were sold")
    for seller, units in of_seller.items():
        kept = await SELLERS.get(store, seller)
        if kept is None or kept.record.units != units:
            result.double.append(f"seller {seller}: {units} sold, counted {kept and kept.record.units}")
    for purchase in bought:
        movement = await MOVEMENTS.get(store, f"{SHOP}/{purchase.number}")
        if movement is not None and not purchase.good:
            result.double.append(f"{purchase.number}: stock was taken ({purchase.fortune})")


async def _judge_tracking(result: Delivered, store: MemoryStore) -> None:
    for awb, number in result.journeys.items():
        found = (await SHIPMENTS.query(store, "id", f"awb:{awb}", limit=2)).items
        states = [each.state for each in found]
        if states != [SHIPMENT_NUMBERS[number]]:
            result.lost.append(f"parcel {awb} is {SHIPMENT_NUMBERS[number]}, kept as {states}")
    for ref, state in result.statuses.items():
        held = await MESSAGES.get(store, ref)
        if held is None or RANK[held.record.state] != RANK[state]:  # type: ignore[index]
            result.lost.append(f"{ref} is {state}, kept as {held and held.record.state}")


async def _judge_orders(result: Delivered, bought: list[Purchase], store: MemoryStore) -> None:
    """What the shop's pages say of the money."""
    for purchase in bought:
        held = await ORDERS.get(store, f"{SHOP}/{purchase.number}")
        fulfilment = None if held is None else held.record.fulfilment
        if fulfilment is None or purchase.fortune == "paid twice":
            continue
        due = {"refund": "refunded"}.get(purchase.decided, "paid") if purchase.good else "pending failed"
        if fulfilment.payment_status not in due.split():
            result.lost.append(f"{purchase.number} is {due}, and is said to be {fulfilment.payment_status}")


def digest_of(store: MemoryStore, world: Bazaar) -> str:
    """One text for all that came to be: every document with its version, and the world's books in order."""
    told = hashlib.sha256()
    for place in sorted(store._documents):
        stored = store._documents[place][0]
        told.update(repr((place, stored.version)).encode())
        told.update(stored.body)
    for books in (world.asked, world.parcels, world.messages, world.tickets):
        for entry in books:
            told.update(repr(entry).encode())
    return told.hexdigest()
