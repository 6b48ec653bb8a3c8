"""Files of prices: what is read, and how every wrong row is named."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from onpaid.app.prices_file import MOST_NAMED, NAMES, read_prices
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, Recurring
from onpaid.errors import InvalidInput

HEAD = ",".join(NAMES)
TABLE = f"""{HEAD}
course-1,course,"A course, whole",499.00,nok,,,25,yes,yes
club-monthly,club,The club,99,NOK,month,1,25,no,
club-quarterly,club,The club,270,NOK,Month,3,,,no
"""
PRICES = [
    Price("course-1", "course", "A course, whole", Money(49_900, "NOK"), tax_percent=Decimal(25)),
    Price(
        "club-monthly",
        "club",
        "The club",
        Money(9_900, "NOK"),
        Recurring("month"),
        tax_percent=Decimal(25),
        tax_included=False,
    ),
    Price("club-quarterly", "club", "The club", Money(27_000, "NOK"), Recurring("month", 3), active=False),
]


def test_a_table_becomes_prices() -> None:
    assert read_prices(TABLE) == PRICES
    assert read_prices("\ufeff" + TABLE.replace("\n", "\r\n")) == PRICES


def test_a_list_of_objects_says_the_same() -> None:
    items = [
        {
            "id": "course-1",
            "product": "course",
            "product_name": "A course, whole",
            "amount": 499.00,
            "currency": "NOK",
            "tax_percent": 25,
            "active": True,
        }
    ]
    assert read_prices(json.dumps(items)) == PRICES[:1]
    assert read_prices(json.dumps({"prices": items})) == PRICES[:1]


def test_a_price_of_nothing_and_currencies_without_decimals_are_prices() -> None:
    rows = (
        f"{HEAD}\nfree,a,A,0,NOK,,,,,\nyen,a,A,1338,JPY,,,,,\nisk,a,A,500,ISK,,,,,\nkwd,a,A,1.25,KWD,,,,,\n"
    )
    assert [each.amount.minor for each in read_prices(rows)] == [0, 1338, 50_000, 1250]


def row(**changed: str) -> str:
    good = dict.fromkeys(NAMES, "") | {
        "id": "a",
        "product": "p",
        "product_name": "P",
        "amount": "1",
        "currency": "NOK",
    }
    return ",".join((good | changed).values())


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"id": ""}, "are needed"),
        ({"currency": ""}, "are needed"),
        ({"product_name": ""}, "are needed"),
        ({"id": "a#1"}, "begins with a letter or digit"),
        ({"id": "a" * 101}, "begins with a letter or digit"),
        ({"product": "p q"}, "begins with a letter or digit"),
        ({"product": "p.q"}, "begins with a letter or digit"),
        ({"id": "../a"}, "begins with a letter or digit"),
        ({"amount": "1.005"}, "not a whole number of the smallest amount"),
        ({"amount": "-1"}, "no amount that can be charged"),
        ({"amount": "NaN"}, "not a plain decimal number"),
        ({"amount": "1e999"}, "digits"),
        ({"amount": "1.001", "currency": "KWD"}, "no amount that can be charged"),
        ({"amount": "1.5", "currency": "JPY"}, "not a whole number"),
        ({"currency": "XXX"}, "not a currency code we know"),
        ({"interval": "fortnight"}, "interval is day"),
        ({"interval": "year", "interval_count": "4"}, "from 1 to 3 for year"),
        ({"interval": "month", "interval_count": "0"}, "from 1 to 36 for month"),
        ({"interval": "day", "interval_count": "1.5"}, "whole number"),
        ({"interval_count": "3"}, "together with interval"),
        ({"tax_percent": "101"}, "from 0 to 100"),
        ({"tax_percent": "many"}, "not a plain decimal number"),
        ({"active": "perhaps"}, "true or false"),
        ({"tax_included": "2"}, "true or false"),
    ],
)
def test_a_wrong_row_is_named_with_what_is_wrong(changed: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidInput, match="line 2: ") as caught:
        read_prices(f"{HEAD}\n{row(**changed)}\n")
    assert why in str(caught.value)


def test_every_wrong_row_is_named_and_nothing_is_read() -> None:
    text = "\n".join(
        [HEAD, row(), row(), row(id="b", product_name="Q"), row(id="c", amount="x"), row(id="d")]
    )
    with pytest.raises(InvalidInput) as caught:
        read_prices(text)
    said = str(caught.value)
    assert "line 3: the price a is there twice" in said
    assert "line 4: the product p has another name in an earlier row" in said
    assert "line 5: the amount in NOK" in said
    assert "line 2" not in said
    assert "line 6" not in said


def test_a_file_of_nonsense_gets_a_sentence_of_bounded_length() -> None:
    text = "\n".join([HEAD, *(row(amount="x" * 60) for _ in range(5000))])
    with pytest.raises(InvalidInput) as caught:
        read_prices(text)
    assert str(caught.value).endswith(f"; and {5000 - MOST_NAMED} more")
    assert len(str(caught.value)) < 5000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (HEAD, "holds no prices"),
        (f"{HEAD},colour\n{row()},red", "unknown: colour"),
        (f"id,id\n{row()}", "there twice"),
        (f"{HEAD}\n{row()},more\n", "another number of fields"),
        ('[{"id": "a", "id": "b"}]', "given twice in one object"),
        ('{"goods": []}', "such a list as `prices`"),
        ("[1]", "list of objects"),
        ("[", "no JSON"),
    ],
)
def test_what_is_no_table_is_told(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_prices(text)
