"""The verdict about parcels: what counts as missing, double, unexplained, untold or wrong."""

from typing import Any

import pytest

from onpaid.simulators.carts import Carts
from onpaid.simulators.ledger_delivery import FINDINGS, by_number, open_by_fingerprint, verdict
from onpaid.simulators.products import PRODUCTS

N = "2045861230417"
PHONE = "919812345678"
RACKET, COURSE = PRODUCTS[0], next(product for product in PRODUCTS if product["digital"])
NUMBERS = frozenset({"919000000000"})


def checkout(number: str = N, amount: int = RACKET["price"], name: str = "", **more: Any) -> dict[str, Any]:
    row = {"id": f"order_{number}{name}", "receipt": number, "notes": {"onpaid_order": number}}
    return {**row, "amount": amount, **more}


def payment(number: str = N, refunded: int = 0, *, captured: bool = True) -> dict[str, Any]:
    row = {"id": f"pay_{number}", "order_id": f"order_{number}", "captured": captured}
    return {**row, "amount": RACKET["price"], "amount_refunded": refunded}


def shipment(number: str = N, **more: Any) -> dict[str, Any]:
    row = {
        "channel_order_id": number,
        "shipment_id": 7,
        "awb": "001",
        "awbs": ["001"],
        "pickup": "2026-11-21",
    }
    return {**row, "live": True, "items": {RACKET["sku"]: 1}, **more}


def told(template: str = "order_confirmation", number: str = N, **more: Any) -> dict[str, Any]:
    params = (
        {"orderNumber": number, "awb": "001"} if template == "shipment_created" else {"orderNumber": number}
    )
    return {"service": "meta", "to": PHONE, "template": template, "params": params, "status": "sent", **more}


CHECKOUTS, PAYMENTS, SHIPMENTS = [checkout()], [payment()], [shipment()]
MESSAGES = [told(), told("shipment_created")]
GONE = shipment(live=False, awb="", awbs=[], pickup="")
FULL = RACKET["price"]


def judged(
    checkouts: list[Any] = CHECKOUTS,
    payments: list[Any] = PAYMENTS,
    shipments: list[Any] = SHIPMENTS,
    messages: list[Any] = MESSAGES,
    *,
    bought: str | None = RACKET["id"],
    phone: str = PHONE,
    issues: list[Any] | None = None,
) -> Any:
    carts = Carts(PRODUCTS)
    if bought:
        carts.note(N, f"order_{N}", {bought: 1}, f"+{phone}")
    orders = by_number(checkouts, payments, shipments, messages, carts)
    return verdict(orders, carts, NUMBERS, issues or [])


def findings(found: Any) -> Any:
    return {name: found[name] for name in FINDINGS if found[name]}


def test_a_day_on_which_all_went_well() -> None:
    found = judged()
    assert findings(found) == {}
    counts = ("paid", "due", "shipped", "confirmed", "told_shipped")
    assert [found[name] for name in counts] == [1, 1, 1, 1, 1]
    assert found["sold"] == {RACKET["id"]: 1}


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        ({"shipments": []}, {"missing": [N], "untrue": [f"{N} shipment_created"]}),
        ({"shipments": [shipment(awb="")], "messages": [told()]}, {"missing": [N]}),
        ({"shipments": [shipment(pickup="")], "messages": [told()]}, {"missing": [N]}),
        ({"shipments": [GONE], "messages": [told()]}, {"missing": [N]}),
        ({"shipments": [GONE, shipment(f"{N}-2")]}, {}),
        ({"shipments": [shipment(), shipment(f"{N}-2", shipment_id=8)]}, {"double": [N]}),
        ({"shipments": [shipment(), shipment("77")]}, {"unexplained": ["77"]}),
        ({"payments": [payment(captured=False)], "messages": []}, {"unexplained": [N]}),
        ({"payments": [], "messages": [], "shipments": []}, {}),
        ({"payments": [payment(refunded=FULL)], "messages": [], "shipments": []}, {}),
        ({"payments": [payment(refunded=FULL)]}, {}),
        ({"payments": [payment(refunded=1)], "messages": [told()], "shipments": []}, {"missing": [N]}),
        (
            {"payments": [payment(refunded=FULL), payment()], "messages": [told()], "shipments": []},
            {"missing": [N]},
        ),
        ({"shipments": [shipment(items={"OTHER": 1})]}, {"wrong_goods": [N]}),
        ({"messages": []}, {"unsent": [f"{N} order_confirmation", f"{N} shipment_created"]}),
        (
            {"messages": [told(status="failed")]},
            {"unsent": [f"{N} order_confirmation", f"{N} shipment_created"]},
        ),
        ({"messages": [], "phone": "919000000000"}, {}),
        ({"messages": [*MESSAGES, told(service="wati")]}, {"told_twice": [f"{N} order_confirmation"]}),
        ({"messages": [*MESSAGES, told(status="failed")]}, {}),
        ({"messages": [*MESSAGES, told(number="9")]}, {"untrue": ["9 order_confirmation"]}),
        ({"shipments": [shipment(awbs=["002"], awb="002")]}, {"untrue": [f"{N} shipment_created"]}),
        ({"shipments": [shipment(awbs=["001", "002"], awb="002")]}, {}),
        ({"phone": "919899999999"}, {"strayed": [f"{N} order_confirmation", f"{N} shipment_created"]}),
        (
            {"messages": [told(params={"orderNumber": N, "orderAmount": ""}), MESSAGES[1]]},
            {"blank": [f"{N} order_confirmation"]},
        ),
        ({"checkouts": [checkout(), checkout(name="b")]}, {"double_checkouts": [N]}),
        ({"checkouts": [checkout(amount=100)]}, {"mispriced": [N]}),
        ({"bought": None}, {"without_cart": [N]}),
        ({"bought": None, "shipments": [], "messages": [told()]}, {"missing": [N], "without_cart": [N]}),
        ({"bought": COURSE["id"], "checkouts": [checkout(amount=COURSE["price"])]}, {"digital_shipped": [N]}),
        (
            {
                "bought": COURSE["id"],
                "checkouts": [checkout(amount=COURSE["price"])],
                "shipments": [],
                "messages": [told()],
            },
            {},
        ),
        (
            {
                "checkouts": [checkout(), checkout("5", notes=[])],
                "payments": [payment(), payment("5")],
            },
            {},
        ),
    ],
)
def test_verdict(rows: dict[str, Any], wrong: dict[str, Any]) -> None:
    assert findings(judged(**rows)) == wrong


def test_open_issues_are_counted_by_fingerprint() -> None:
    one = {"labels": ["onpaid", "onpaid-fp-1"], "open": True}
    issues = [one, {**one, "open": False}, {"labels": ["onpaid-fp-2"], "open": True}]
    assert open_by_fingerprint(issues) == {"onpaid-fp-1": 1, "onpaid-fp-2": 1}
    assert findings(judged(issues=issues)) == {}
    assert findings(judged(issues=[*issues, one])) == {"double_issues": ["onpaid-fp-1"]}


def test_what_is_sold_counts_orders_and_not_payments() -> None:
    assert judged(payments=[payment(), payment(refunded=FULL)])["sold"] == {RACKET["id"]: 1}
    assert judged(payments=[payment(captured=False)])["sold"] == {}


def test_a_number_is_never_of_two_carts() -> None:
    carts = Carts(PRODUCTS)
    carts.note(N, "order_1", {"x": 1})
    carts.note(N, "order_1", {"x": 1})
    with pytest.raises(ValueError, match="another cart"):
        carts.note(N, "order_1", {"x": 2})


def test_goods_that_nobody_knows_are_things_without_a_price() -> None:
    carts = Carts(PRODUCTS)
    cart = carts.note(N, "order_1", {"x": 2, COURSE["id"]: 1})
    assert (carts.physical(cart), carts.price(cart), carts.goods(cart)) == (True, None, {"x": 2})
    assert carts.price(carts.note("2", "o", {RACKET["id"]: 2, COURSE["id"]: 1})) == 2 * FULL + COURSE["price"]
