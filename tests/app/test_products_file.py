"""Files of products: what is read, and the sentence that each wrong one gets."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from onpaid.app.products_file import MOST_PRODUCTS, NAMES, read_products
from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions, Product
from onpaid.errors import InvalidInput

WHOLE = f"""{",".join(NAMES)}
racket,Racket,1500.00,INR,18,RKT-1,9506,s1,no,yes,30,20,5,0.5,12
lesson,"Video lesson, an hour",299,,,,,,yes,,,,,,
"""
RACKET = Product(
    "racket",
    "Racket",
    Money(150_000, "INR"),
    tax_percent=Decimal(18),
    sku="RKT-1",
    hsn="9506",
    seller="s1",
    packed=Dimensions(Decimal(30), Decimal(20), Decimal(5), Decimal("0.5")),
)
LESSON = Product("lesson", "Video lesson, an hour", Money(29_900, "INR"), digital=True)


def test_a_table_becomes_products_with_their_stock() -> None:
    assert read_products(WHOLE) == [(RACKET, 12), (LESSON, None)]


def test_what_spreadsheets_add_does_not_matter() -> None:
    assert read_products("\ufeff" + WHOLE.replace("\n", "\r\n")) == read_products(WHOLE)
    assert read_products("id,name,price\n\nracket,Racket,1\n\n")[0][0].price == Money(100, "INR")


def test_a_list_of_objects_says_the_same() -> None:
    items = [
        {
            "id": "racket",
            "name": "Racket",
            "price": "1500.00",
            "tax_percent": 18,
            "sku": "RKT-1",
            "hsn": "9506",
            "seller": "s1",
            "stock": 12,
            "length": 30,
            "breadth": 20,
            "height": 5,
            "weight": 0.5,
        },
        {"id": "lesson", "name": "Video lesson, an hour", "price": 299, "digital": True, "stock": None},
    ]
    assert read_products(json.dumps(items)) == read_products(WHOLE)
    assert read_products(json.dumps({"products": items})) == read_products(WHOLE)


def test_a_price_of_json_is_read_digit_by_digit() -> None:
    ((product, _),) = read_products('[{"id": "a", "name": "A", "price": 1234567.89}]')
    assert product.price == Money(123_456_789, "INR")


def test_the_currency_is_that_of_the_shop_unless_told() -> None:
    assert read_products("id,name,price\na,A,5", currency="USD")[0][0].price == Money(500, "USD")
    assert read_products("id,name,price,currency\na,A,5,INR", currency="USD")[0][0].price == Money(500, "INR")


WRONG_ROWS = {
    "a,,1": "id, name and price are needed",
    ",A,1": "id, name and price are needed",
    "a,A,": "id, name and price are needed",
    "a,A,0": "the price must be more than nothing",
    "a,A,-5": "the price must be more than nothing",
    "a,A,1.005": "1.005 INR is not a whole number of the smallest amount",
    "a,A,five": "is not a plain decimal number",
    "a,A,NaN": "is not a plain decimal number",
    "a,A": "another number of fields than the header",
    "a,A,1,2": "another number of fields than the header",
    f"{'a' * 65},A,1": "id is too long",
    "a,A\u200b,1": "invisible character",
}


@pytest.mark.parametrize("row", WRONG_ROWS)
def test_a_wrong_line_is_named_with_what_is_wrong(row: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_products(f"id,name,price\nfine,Fine,1\n{row}\n")
    assert str(refused.value).startswith("line 3: ")
    assert WRONG_ROWS[row] in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("currency", "inr", "not a currency code"),
        ("tax_percent", "101", "tax_percent must be from 0 to 100"),
        ("digital", "maybe", "digital is true or false"),
        ("active", "2", "active is true or false"),
        ("stock", "1.5", "stock is a whole number"),
        ("stock", "-1", "stock is a whole number"),
        ("stock", "1e3", "stock is a whole number"),
        ("weight", "2", "are told together, or not at all"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=f"line 2: .*{says}"):
        read_products(f"id,name,price,{field}\na,A,1,{value}\n")


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("30,20,0.5,1", "a side has more than 0.5 cm"),
        ("30,20,5,0", "weighs something"),
        ("501,20,5,1", "length must be from 0 to 500"),
        ("30,20,5,1001", "weight must be from 0 to 1000"),
        ("30,20,,1", "told together"),
    ],
)
def test_a_size_that_no_parcel_has_is_refused(size: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        read_products(f"id,name,price,length,breadth,height,weight\na,A,1,{size}\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no products"),
        ("id,name,price\n", "holds no products"),
        ('{"products": []}', "holds no products"),
        ("id;name;price\na;A;1", "unknown: id;name;price. Known: id, name, price"),
        ("id,name,price,colour\na,A,1,red", "unknown: colour"),
        ('[{"id": "a", "name": "A", "price": 1, "colour": "red"}]', "unknown: colour"),
        ('[{"id": "a"', "this is no JSON"),
        ("[1]", "a JSON list of objects"),
        ("{}", "a JSON list of objects"),
        ("[" * 100_000, "this is no JSON"),
        ('id,name,price\n"a,A,1\n', "this is no CSV"),
        ("id,name,price\na,A,1\na,B,2", "line 3: the product a is there twice"),
        ('[{"id": "a", "name": "A", "price": NaN}]', "product 1: "),
    ],
)
def test_a_wrong_file_is_refused_whole(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_products(text)
    assert says in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_file_beyond_measure_is_refused() -> None:
    rows = "\n".join(f"p{nth},P,1" for nth in range(MOST_PRODUCTS + 1))
    with pytest.raises(InvalidInput, match="at most 100000 products"):
        read_products(f"id,name,price\n{rows}")
