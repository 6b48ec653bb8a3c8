"""What a shop's page may ask for, in both forms, and the sentence that each mistake gets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from onpaid.app.checkout_request import MOST_LINES, AskedLine, read_request, recipient_of
from onpaid.domain.fulfilment import Recipient
from onpaid.errors import InvalidInput

CUSTOMER = {"id": "cst_1", "name": "Asha Rao", "phone": "98765 43210", "email": "asha@example.org"}
ADDRESS = {"line1": "12 MG Road", "line2": "", "city": "Bengaluru", "state": "KA", "pincode": "560 001"}
ITEMS = [{"product_id": "racket", "quantity": 2}]


def body(**changes: Any) -> bytes:
    """A whole request with some of it changed; None leaves a part out."""
    whole = {"items": ITEMS, "customer": CUSTOMER, "address": ADDRESS, **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def test_our_form_is_read() -> None:
    asked = read_request(body())
    assert asked.lines == (AskedLine("racket", 2),)
    assert (asked.customer_id, asked.name, asked.phone) == ("cst_1", "Asha Rao", "+919876543210")
    assert recipient_of(asked, ships=True) == Recipient(
        "Asha Rao", "+919876543210", "asha@example.org", "12 MG Road", "", "Bengaluru", "Karnataka", "560001"
    )


def test_the_requirements_form_is_read() -> None:
    items = json.dumps([{"id": "racket", "name": "Racket", "quantity": 1, "price": 1500}])
    asked = read_request(
        body(
            items=None,
            amount=1500,
            currency="INR",
            notes={"customerId": "cst_123", "items": items},
            customer={"name": "Asha Rao", "phone": "9876543210"},
        )
    )
    assert asked.lines == (AskedLine("racket", 1, Decimal(1500)),)
    assert (asked.customer_id, asked.amount, asked.currency) == ("cst_123", Decimal(1500), "INR")


@pytest.mark.parametrize("name", ["product_id", "productId", "id"])
def test_a_product_may_be_named_in_three_ways(name: str) -> None:
    assert read_request(body(items=[{name: "racket", "quantity": 1}])).lines == (AskedLine("racket", 1),)


def test_lines_of_one_product_are_one_line() -> None:
    assert read_request(body(items=[*ITEMS, *ITEMS])).lines == (AskedLine("racket", 4),)


def test_the_same_request_in_other_words_is_the_same() -> None:
    twin = body(customer={**CUSTOMER, "phone": "+91 98765-43210", "name": " Asha  Rao "})
    assert read_request(twin) == read_request(body())


@pytest.mark.parametrize(
    ("items", "says"),
    [
        ([], "the cart is empty"),
        (None, "the cart is empty"),
        ([{"quantity": 1}], "names no product"),
        ([{"product_id": " ", "quantity": 1}], "names no product"),
        ([{"product_id": "racket"}], "missing required field `quantity`"),
        ([{"product_id": "racket", "quantity": 0}], "must be from 1 to 999"),
        ([{"product_id": "racket", "quantity": -1}, *ITEMS], "must be from 1 to 999"),
        ([{"product_id": "racket", "quantity": 998}, *ITEMS], "must be from 1 to 999"),
        ([{"product_id": "racket", "quantity": 1.5}], "quantity"),
        ([{"product_id": "racket", "quantity": "2"}], "quantity"),
        ([{"product_id": "racket", "quantity": True}], "quantity"),
        ([{"product_id": "r" * 65, "quantity": 1}], "longer than 64"),
        ([{"product_id": "r\u200b", "quantity": 1}], "invisible character"),
        ([{"product_id": f"p{nth}", "quantity": 1} for nth in range(MOST_LINES + 1)], "at most 30 lines"),
        ("racket", "items"),
    ],
)
def test_a_wrong_cart_is_refused(items: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_request(body(items=items))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": ""}, "name is missing: send customer.name"),
        ({"name": "x" * 101}, "name is longer than 100"),
        ({"name": "A\u202e"}, "invisible character"),
        ({"phone": ""}, "phone number is missing: send customer.phone"),
        ({"phone": "12345"}, "no such phone number"),
        ({"phone": "call me"}, "cannot be read"),
        ({"email": "asha"}, "e-mail address cannot be right"),
        ({"email": "asha@example .org"}, "e-mail address cannot be right"),
        ({"id": "c" * 65}, "customer's id is longer"),
        ({"name": 7}, "customer.name"),
    ],
)
def test_a_wrong_customer_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_request(body(customer={**CUSTOMER, **changes}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"line1": "", "city": "", "pincode": ""}, "the address is missing"),
        ({"line1": "12"}, "a line1 of three characters"),
        ({"line1": "x" * 181}, "the address is longer than 180"),
        ({"city": ""}, "and a city"),
        ({"city": "x" * 31}, "the city is longer than 30"),
        ({"state": ""}, "no Indian state"),
        ({"state": "Oslo"}, "no Indian state"),
        ({"pincode": "5600"}, "six digits"),
        ({"country": "NO"}, "within India only"),
    ],
)
def test_a_wrong_address_is_refused_where_goods_ship(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        recipient_of(read_request(body(address={**ADDRESS, **changes})), ships=True)


def test_digital_goods_need_no_address_and_a_parcel_does() -> None:
    asked = read_request(body(address=None))
    assert recipient_of(asked, ships=False).line1 == ""
    with pytest.raises(InvalidInput, match="the address is missing"):
        recipient_of(asked, ships=True)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "not JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "Expected `object`"),
        (b'{"items": [], "items": []}', "given twice"),
        (b'{"amount": NaN}', "not JSON"),
        (b'{"amount": 1' + b"0" * 50 + b"}", "more than 40 digits"),
        (b"[" * 100_000, "nested too deeply"),
        (body(items=None, notes={"items": "racket"}), "not JSON"),
        (body(items=None, notes={"items": '[{"id": "a", "id": "b", "quantity": 1}]'}), "given twice"),
        (body(items=None, notes={"items": ITEMS}), "notes.items"),
        (body(amount="much"), "amount"),
    ],
    ids=lambda value: None if isinstance(value, str) else "body",
)
def test_a_body_that_cannot_be_read_is_refused(raw: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as refused:
        read_request(raw)
    assert len(str(refused.value)) < 250


def test_a_parcel_needs_a_number_that_a_courier_takes() -> None:
    asked = read_request(body(customer={**CUSTOMER, "phone": "+44 20 7946 0958"}))
    assert recipient_of(asked, ships=False).phone == "+442079460958"
    with pytest.raises(InvalidInput, match="Indian phone number of ten digits"):
        recipient_of(asked, ships=True)
