"""The proof of deliveries from our own records, and the comparison with somebody else's ledger."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec
import pytest

from onpaid.app import proof as of_invoices
from onpaid.app.proof_delivery import Proof, Row, proof, rows, shelves
from onpaid.app.proof_delivery_ledger import compare, compare_stock
from onpaid.domain.money import Money
from tests.flows.market import BALLS, LESSON, RACKET, Market, paid_by, trade

TOLD = {"order_confirmation": "accepted", "shipment_created": "accepted"}


async def told(market: Market) -> list[Row]:
    return [row async for row in rows(market.store)]


def test_a_day_that_went_well_holds() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, BALLS, LESSON)
        both = await market.buy("racket", ("balls", 2))
        await market.pay(both)
        await market.rest()
        lesson = await market.buy("lesson", phone="+919876500001")
        await market.pay(lesson, payment="pay_2")
        await market.rest()
        digital, physical = await told(market)
        (parcel,) = market.world.live()
        assert (physical.number, physical.checkout, physical.payment_id) == (
            both.order_number,
            both.razorpay_order_id,
            "pay_1",
        )
        assert (physical.shipment, physical.reference, physical.awb) == (
            parcel.ref.shipment_id,
            both.order_number,
            parcel.awb,
        )
        assert (physical.state, physical.money, physical.due, physical.told) == ("done", "paid", True, TOLD)
        assert (physical.took, physical.short) == ({"racket": 1, "balls": 2}, {})
        assert (digital.due, digital.shipment, digital.took) == (False, "", {"lesson": 1})
        held = await proof(market.store)
        assert held == Proof(2, 1, 1, 2, 1, 0, 0, 0, 0, [], [])
        assert held.holds
        assert await shelves(market.store) == {"balls": 8, "lesson": 9, "racket": 9}
        # What is shipped is not invoiced by us: the other proof has nothing to miss.
        assert await of_invoices.proof(market.store) == of_invoices.Proof(0, 0, 0, 0, 0, 0, 0, [], [], [])

    trade(story)


def test_money_that_was_for_something_else_is_left_out() -> None:
    async def story(market: Market) -> None:
        market.world.foreign = True
        paid = paid_by("order_of_another", Money(1_000, "INR"))
        market.world.capture(paid)
        await market.hear(paid)
        await market.rest()
        assert await told(market) == []

    trade(story)


@pytest.mark.parametrize(("choice", "back"), [("ship", 0), ("refund", 1)])
def test_what_is_oversold_waits_for_a_person_and_is_counted_as_decided(choice: Any, back: int) -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET, left=1)
        first = await market.buy("racket")
        second = await market.buy("racket", phone="+919876500001")
        await market.pay(first)
        await market.rest()
        await market.pay(second, payment="pay_2")
        await market.rest()
        held = await proof(market.store)
        assert (held.paid, held.due, held.shipped, held.waiting_for_person) == (2, 2, 1, 1)
        assert not held.holds
        await market.hands.decide(second.order_number, choice, by="ann")
        await market.rest()
        held = await proof(market.store)
        assert (held.paid, held.due, held.shipped, held.given_back) == (2 - back, 2 - back, 2 - back, back)
        assert held.holds
        (row, _) = await told(market)
        assert (row.took, row.short) == (({}, {}) if back else ({"racket": 1}, {"racket": 1}))
        ledger = {
            "verdict": {"sold": {"racket": 2}},
            "carts": [
                {"order_number": each.order_number, "units": {"racket": 1}} for each in (first, second)
            ],
        }
        left = await shelves(market.store)
        assert compare_stock({"racket": 1}, left, await told(market), ledger) == []

    trade(story)


def test_a_number_without_whatsapp_is_final_and_still_holds() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        await market.pay(await market.buy("racket"))
        await market.rest()
        held = await proof(market.store)
        assert (held.confirmed, held.told_shipped, held.unreachable, held.untold) == (0, 0, 2, [])
        assert held.holds

    trade(story, world={"unreachable": frozenset({"+919876543210"})})


def test_a_parcel_that_was_cancelled_is_missing_until_it_is_shipped_again() -> None:
    async def story(market: Market) -> None:
        await market.stocked(RACKET)
        opened = await market.buy("racket")
        await market.pay(opened)
        await market.rest()
        await market.hands.cancel_shipment(opened.order_number, by="ann")
        await market.rest()
        held = await proof(market.store)
        (row,) = await told(market)
        assert (held.shipped, held.missing, held.holds) == (0, [row.payment], False)

    trade(story)


ROW = Row(
    payment="razorpay/default/test/order_1",
    checkout="order_1",
    payment_id="pay_1",
    order="shop/2045",
    amount=Money(150_000, "INR"),
    state="done",
    money="paid",
    ships=True,
    shipment="77",
    reference="2045",
    awb="004711",
    told=TOLD,
    took={"racket": 1},
)
LEDGER: dict[str, Any] = {
    "razorpay": {
        "orders": [{"id": "order_1", "receipt": "2045", "notes": {"onpaid_order": "2045"}}],
        "payments": [
            {
                "id": "pay_1",
                "order_id": "order_1",
                "captured": True,
                "amount": 150_000,
                "amount_refunded": 0,
                "currency": "INR",
            }
        ],
    },
    "carts": [{"order_number": "2045", "units": {"racket": 1}}],
    "shipments": [
        {
            "shipment_id": 77,
            "channel_order_id": "2045",
            "awb": "004711",
            "pickup": "2026-11-22 12:00:00",
            "live": True,
        }
    ],
    "messages": [
        {"template": name, "params": {"orderNumber": "2045"}, "status": "read"} for name in sorted(TOLD)
    ],
    "verdict": {"sold": {"racket": 1}},
}


def altered(place: str, **changes: Any) -> dict[str, Any]:
    ledger = deepcopy(LEDGER)
    (ledger[place] if place in ledger else ledger["razorpay"][place])[0].update(changes)
    return ledger


def test_what_is_the_same_has_no_differences() -> None:
    assert compare([ROW], LEDGER) == []
    suffixed = msgspec.structs.replace(ROW, reference="2045-02")
    assert compare([suffixed], altered("shipments", channel_order_id="2045-02")) == []
    dead = deepcopy(LEDGER)
    dead["shipments"].append({**LEDGER["shipments"][0], "shipment_id": 76, "live": False})
    assert compare([ROW], dead) == []
    foreign = deepcopy(LEDGER)
    foreign["razorpay"]["orders"].append({"id": "order_2", "receipt": "9", "notes": []})
    foreign["razorpay"]["payments"].append(
        {**LEDGER["razorpay"]["payments"][0], "id": "pay_2", "order_id": "order_2"}
    )
    assert compare([ROW], foreign) == []


@pytest.mark.parametrize(
    ("ledger", "says"),
    [
        (altered("payments", amount=1), "INR 1,500.00 here and INR 0.01 there"),
        (altered("payments", captured=False), "took no such money"),
        (altered("payments", amount_refunded=150_000), "is paid here, and given back there"),
        (altered("orders", receipt="2046"), "is order 2045 here, and 2046 there"),
        (altered("shipments", awb="1"), "has AWB 004711 here and 1 there"),
        (altered("shipments", channel_order_id="2046"), "is 2045 here and 2046 there"),
        (altered("shipments", pickup=""), "it has no pickup there"),
        (altered("shipments", live=False), "the courier service has no live one"),
        ({**LEDGER, "messages": LEDGER["messages"][:1]}, "shipment_created of order 2045 is accepted here"),
        ({**LEDGER, "messages": [*LEDGER["messages"], LEDGER["messages"][0]]}, "was sent 2 times there"),
        (altered("messages", status="failed"), "order_confirmation of order 2045 is accepted here"),
        (altered("carts", units={"racket": 2}), "took {'racket': 1} from stock here"),
        (
            {**LEDGER, "shipments": [*LEDGER["shipments"], {**LEDGER["shipments"][0], "shipment_id": 78}]},
            "the parcel 78 of order 2045 is live, and no order of ours has it",
        ),
    ],
)
def test_each_difference_is_a_sentence(ledger: dict[str, Any], says: str) -> None:
    differences = compare([ROW], ledger)
    assert len(differences) == 1
    assert says in differences[0]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"shipment": "", "reference": "", "awb": "", "state": "waiting"}, "has no parcel here (waiting)"),
        ({"told": {}}, "order_confirmation of order 2045 is not wanted here, and was sent 1 times there"),
        ({"took": {}}, "took nothing from stock here, and is paid"),
        ({"money": "refunded"}, "is refunded here, and not given back there"),
    ],
)
def test_what_we_lack_is_a_difference_too(row: dict[str, Any], says: str) -> None:
    assert says in compare([msgspec.structs.replace(ROW, **row)], LEDGER)[0]


def test_what_only_one_side_knows() -> None:
    only_theirs = compare([], LEDGER)
    assert "the payment pay_1 of order 2045 was taken, and we do not hold it" in only_theirs
    assert "the parcel 77 of order 2045 is live, and no order of ours has it" in only_theirs
    other = msgspec.structs.replace(ROW, order="shop/2046", checkout="order_2", reference="2046")
    assert "the parcel 77 belongs to 2 orders" in compare([ROW, other], LEDGER)


def test_stock_is_what_there_was_less_what_was_sold() -> None:
    assert compare_stock({"racket": 5}, {"racket": 4}, [ROW], LEDGER) == []
    (lost,) = compare_stock({"racket": 5}, {"racket": 3}, [ROW], LEDGER)
    assert lost == "of racket there were 5 and are 3, and orders took 1, 0 of them from elsewhere"
    (sold,) = compare_stock({"racket": 5}, {"racket": 4}, [ROW], {**LEDGER, "verdict": {"sold": {}}})
    assert sold == "of racket orders took 1 here, and 0 were sold there"
    given_back = msgspec.structs.replace(ROW, money="refunded", took={})
    assert compare_stock({"racket": 5}, {"racket": 5}, [given_back], LEDGER) == []
