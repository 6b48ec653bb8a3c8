"""Edges of money and of what lines come to: the last amount that is taken, the first that is not, and what is said."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest

from onpaid.domain.allocation import Nothing, choose_lines
from onpaid.domain.amounts import (
    Gross,
    Window,
    agree_on_currency,
    exact_window,
    gross_of,
    half_up,
    how_prices_read,
    line_gross,
    rounded_gross,
)
from onpaid.domain.money import LIMIT, Money, known_currency, smallest, smallest_charge
from onpaid.errors import InvalidInput, Problem
from tests.domain.examples import line


def test_currencies_are_known_by_their_code() -> None:
    assert known_currency("NOK") is True
    assert known_currency("nok") is False


@pytest.mark.parametrize("ask", [smallest, smallest_charge])
def test_a_currency_that_is_not_known_has_no_smallest_amount(ask: Callable[[str], int]) -> None:
    with pytest.raises(InvalidInput, match="'XXX' is not a currency code"):
        ask("XXX")


def test_an_amount_that_does_not_exist_is_shown_as_it_came() -> None:
    assert Money(100, "ISK").format() == "ISK 1"
    assert Money(150, "ISK").format() == "ISK 1.50"
    assert Money(2, "NOK").format() == "NOK 0.02"
    assert Money(1, "JPY").format() == "JPY 1"


@pytest.mark.parametrize(
    ("act", "word"),
    [
        (lambda a, b: a + b, "add"),
        (lambda a, b: a - b, "subtract"),
        (lambda a, b: a < b, "compare"),
        (lambda a, b: a <= b, "compare"),
        (lambda a, b: a > b, "compare"),
        (lambda a, b: a >= b, "compare"),
    ],
)
def test_what_was_tried_with_two_currencies_is_said(act: Callable[[Money, Money], object], word: str) -> None:
    with pytest.raises(ValueError, match=rf"^cannot {word} NOK and SEK: "):
        act(Money(1, "NOK"), Money(1, "SEK"))


def test_a_remainder_is_seen_however_small_it_is() -> None:
    with pytest.raises(InvalidInput, match="not a whole number"):
        Money.parse("9999999999999." + "0" * 17 + "1", "NOK")


def test_equal_amounts_are_neither_less_nor_more() -> None:
    one, same = Money(1, "NOK"), Money(1, "NOK")
    assert (one < same, one <= same, one > same, one >= same) == (False, True, False, True)


# -- what lines come to ------------------------------------------------------------------------------------------


def test_a_sum_is_shown_rounded_to_what_exists() -> None:
    assert Gross(Fraction(201, 2), 101, "NOK").shown() == "NOK 1.01"
    assert Gross(Fraction(250), 300, "ISK").shown() == "ISK 3"
    assert Gross(Fraction(-250), -300, "ISK").shown() == "ISK -3"
    assert Gross(Fraction(0), 0, "NOK").shown() == "NOK 0.00"


def test_a_line_comes_to_an_amount_that_exists() -> None:
    assert rounded_gross(line(price="1.005", vat="0"), True, "NOK") == 101
    assert rounded_gross(line(price="2.50", vat="0"), True, "ISK") == 300
    assert rounded_gross(line(price="-2.50", vat="0"), True, "ISK") == -300


@pytest.mark.parametrize(("price", "minor"), [("1.2", 12), ("0.01", 1), ("1.234", 1234)])
def test_each_currency_has_its_scale(price: str, minor: int) -> None:
    currency, scale = {"1.2": ("HUF", 10), "0.01": ("NOK", 1), "1.234": ("KWD", 1)}[price]
    assert line_gross(line(price=price, vat="0"), True, currency) == minor * scale


def test_half_a_step_goes_away_from_zero_and_nothing_is_nothing() -> None:
    assert [half_up(Fraction(n, 2)) for n in (-3, -2, -1, 0, 1, 2, 3)] == [-2, -1, -1, 0, 1, 1, 2]
    assert [half_up(Fraction(n), 10) for n in (-15, -5, -4, 4, 5, 15)] == [-20, -10, 0, 0, 10, 20]


def test_a_window_is_open_above_unless_it_is_closed() -> None:
    low, high = Fraction(1, 2), Fraction(3, 2)
    assert [Window(low, high, False).holds(each) for each in (low, Fraction(1), high)] == [True, True, False]
    assert [Window(low, high, True).holds(each) for each in (low, Fraction(1), high)] == [True, True, True]
    assert exact_window(1, "NOK") == Window(low, high, False)
    assert exact_window(2, "NOK") == Window(Fraction(3, 2), Fraction(5, 2), True)


@pytest.mark.parametrize("vat", ["0", "100"])
def test_no_vat_and_as_much_again_are_possible(vat: str) -> None:
    assert line_gross(line(price="10", vat=vat), False, "NOK") == (1000 if vat == "0" else 2000)


@pytest.mark.parametrize(("minor", "fine"), [(LIMIT - 2, True), (LIMIT - 1, False)])
def test_the_largest_order(minor: int, fine: bool) -> None:
    lines = [line("1", str((LIMIT - 100) // 100), vat="0"), line("2", f"0.{minor - LIMIT + 100:02}", vat="0")]
    if fine:
        assert gross_of(lines, True, "NOK") == Gross(Fraction(minor), minor, "NOK")
    else:
        with pytest.raises(Problem, match="more than any payment can be") as caught:
            gross_of(lines, True, "NOK")
        assert caught.value.category == "invoice"


def test_the_largest_line() -> None:
    most = f"{(LIMIT - 1) // 100}.99"
    assert line_gross(line(price=most, vat="0"), True, "NOK") == LIMIT - 1
    with pytest.raises(Problem) as caught:
        line_gross(line(price=str(LIMIT // 100), vat="0"), True, "NOK")
    assert caught.value.category == "invoice"
    assert caught.value.facts == {"line": "Item 77 (77)", "unit_price": str(LIMIT // 100)}


def test_what_is_not_known_names_the_setting() -> None:
    with pytest.raises(Problem) as caught:
        how_prices_read(None)
    assert (caught.value.category, caught.value.severity) == ("invoice", "high")
    assert caught.value.facts == {"setting": "KONVERZKY_PRICES_INCLUDE_VAT"}
    assert "set KONVERZKY_PRICES_INCLUDE_VAT to true or false" in caught.value.title


def test_currencies_that_differ_are_the_invoices_problem() -> None:
    with pytest.raises(Problem) as caught:
        agree_on_currency("sek", Money(100, "NOK"))
    assert caught.value.category == "invoice"
    assert caught.value.facts == {"order_currency": "SEK", "paid": "NOK 1.00"}


@pytest.mark.parametrize("minor", [150, 450])
def test_a_payment_that_no_sum_is_rounded_to_pays_for_nothing(minor: int) -> None:
    """1.50 ISK does not exist, so no lines come to it, whatever is tried."""
    lines = [line("1", "1"), line("2", "2"), line("3", "5")]
    got = choose_lines(lines, (), Money(minor, "ISK"), True, "ISK")
    assert isinstance(got, Nothing)
    assert got.kind == "mismatch"
