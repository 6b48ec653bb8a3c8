"""Our deliveries held against somebody else's ledger: the part `delivery` of a simulator's, later providers' lists.

Every difference is a sentence, whichever side has what the other has not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from onpaid.app.proof_delivery import CONFIRMED, OUT, SHIPPED, Row
from onpaid.domain.money import Money

Ledger = Mapping[str, Any]


def compare(ours: Iterable[Row], ledger: Ledger) -> list[str]:
    """Every difference between our rows and the ledger's part about deliveries, in sentences; none if they agree."""
    told: list[str] = []
    money = {each["id"]: each for each in ledger["razorpay"]["payments"]}
    receipts = {
        each["id"]: str(each["receipt"])
        for each in ledger["razorpay"]["orders"]
        if "onpaid_order" in (each["notes"] or {})
    }
    parcels = {str(each["shipment_id"]): each for each in ledger["shipments"] if each["live"]}
    carts = {each["order_number"]: each["units"] for each in ledger["carts"]}
    sent: Counter[tuple[str, str]] = Counter(
        (str(each["params"].get("orderNumber", "")), each["template"])
        for each in ledger["messages"]
        if each["status"] != "failed"
    )
    known: set[str] = set()
    claimed: Counter[str] = Counter()
    for row in ours:
        known.add(row.checkout)
        told += _of_money(row, money.get(row.payment_id), receipts)
        if row.shipment:
            claimed[row.shipment] += 1
        told += _of_parcel(row, parcels.get(row.shipment))
        told += _of_messages(row, sent)
        cart = carts.get(row.number)
        if row.took and cart is not None and row.took != cart:
            told.append(f"order {row.number} took {row.took} from stock here, and {cart} was bought")
        if row.money == "paid" and row.state == "done" and not row.took:
            told.append(f"order {row.number} took nothing from stock here, and is paid")
    taken = {each["order_id"]: each for each in money.values() if each["captured"]}
    told += [
        f"the payment {each['id']} of order {receipts[order]} was taken, and we do not hold it"
        for order, each in taken.items()
        if order in receipts and order not in known
    ]
    told += [
        f"the parcel {ident} of order {each['channel_order_id']} is live, and no order of ours has it"
        for ident, each in parcels.items()
        if not claimed[ident]
    ]
    return told + [
        f"the parcel {ident} belongs to {count} orders" for ident, count in claimed.items() if count > 1
    ]


def _of_money(row: Row, theirs: Ledger | None, receipts: Mapping[str, str]) -> list[str]:
    if theirs is None or not theirs["captured"]:
        return [f"we hold the payment {row.payment_id}, and the payment provider took no such money"]
    told = []
    if (theirs["amount"], theirs["currency"]) != (row.amount.minor, row.amount.currency):
        there = Money(theirs["amount"], theirs["currency"])
        told.append(f"the payment {row.payment_id} is {row.amount} here and {there} there")
    if row.order and receipts.get(row.checkout) != row.number:
        told.append(f"{row.checkout} is order {row.number} here, and {receipts.get(row.checkout)} there")
    back = theirs["amount_refunded"] >= theirs["amount"]
    if row.order and back != (row.money == "refunded"):
        told.append(
            f"the payment {row.payment_id} is {row.money} here, and {'' if back else 'not '}given back there"
        )
    return told


def _of_parcel(row: Row, theirs: Ledger | None) -> list[str]:
    if not row.shipment:
        return [f"order {row.number} has no parcel here ({row.state}), and one is due"] if row.due else []
    if theirs is None:
        return [
            f"we hold the parcel {row.shipment} of order {row.number}, and the courier service has no live one"
        ]
    told = []
    if theirs["awb"] != row.awb:
        told.append(f"the parcel of order {row.number} has AWB {row.awb} here and {theirs['awb']} there")
    if str(theirs["channel_order_id"]) != row.reference or row.reference.partition("-")[0] != row.number:
        there = theirs["channel_order_id"]
        told.append(f"the parcel of order {row.number} is {row.reference} here and {there} there")
    if not theirs["pickup"]:
        told.append(f"nobody fetches the parcel of order {row.number}: it has no pickup there")
    return told


def _of_messages(row: Row, sent: Mapping[tuple[str, str], int]) -> list[str]:
    told = []
    for template in (CONFIRMED, SHIPPED):
        here, there = row.told.get(template, "not wanted"), sent.get((row.number, template), 0)
        if (here in OUT) != (there == 1):
            told.append(f"{template} of order {row.number} is {here} here, and was sent {there} times there")
    return told


def compare_stock(
    start: Mapping[str, int], left: Mapping[str, int], ours: Sequence[Row], ledger: Ledger
) -> list[str]:
    """Whether stock is what it was less what was sold, by our own movements and by the ledger's `sold`."""
    took: Counter[str] = Counter()
    short: Counter[str] = Counter()
    for row in ours:
        took.update(row.took)
        short.update(row.short)
    sold = Counter(ledger["verdict"]["sold"])
    untouched = {row.number for row in ours if row.money == "refunded" and not row.took}
    for cart in ledger["carts"]:
        if cart["order_number"] in untouched:  # a person gave the money back instead: nothing left the shelf
            sold.subtract(cart["units"])
    told = []
    for product in sorted(start.keys() | left.keys() | took.keys() | sold.keys()):
        began, rest = start.get(product, 0), left.get(product, 0)
        if rest != began - took[product] + short[product]:
            told.append(
                f"of {product} there were {began} and are {rest}, and orders took {took[product]}, "
                f"{short[product]} of them from elsewhere"
            )
        if took[product] != sold[product]:
            told.append(f"of {product} orders took {took[product]} here, and {sold[product]} were sold there")
    return told
