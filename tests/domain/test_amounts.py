"""What lines come to, and which payments explain it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onpaid.domain.amounts import (
    Gross,
    agree_on_currency,
    exact_window,
    gross_of,
    half_up,
    how_prices_read,
    line_gross,
)
from onpaid.domain.money import Money
from onpaid.errors import Problem
from tests.domain.examples import line


@pytest.mark.parametrize(
    ("price", "quantity", "vat", "gross", "currency", "minor"),
    [
        ("199.00", "2", "25", True, "NOK", 39_800),
        ("199.00", "2", "25", False, "NOK", 49_750),
        ("0.10", "3", "0", True, "NOK", 30),
        ("19.99", "1", "12", False, "EUR", Fraction(223_888, 100)),
        ("100", "1", "11.11", False, "JPY", Fraction(11_111, 100)),
        ("1.234", "1", "0", True, "KWD", 1_234),
        ("5", "1", "0", True, "ISK", 500),
        ("1.005", "1", "0", True, "NOK", Fraction(201, 2)),
        ("-20", "1", "25", True, "NOK", -2_000),
        ("0", "1", "25", True, "NOK", 0),
    ],
)
def test_a_line_comes_to(
    price: str, quantity: str, vat: str, gross: bool, currency: str, minor: int | Fraction
) -> None:
    assert line_gross(line(price=price, quantity=quantity, vat=vat), gross, currency) == minor


@pytest.mark.parametrize(
    ("field", "quantity", "vat", "price"),
    [
        ("quantity", "0", "25", "1"),
        ("quantity", "-1", "25", "1"),
        ("vat_percent", "1", "-1", "1"),
        ("vat_percent", "1", "100.01", "1"),
        ("unit_price", "999999999999999", "25", "999999999999999"),
        ("unit_price", "1", "25", "-10000000000000"),
    ],
)
def test_a_line_that_cannot_be_invoiced_is_named(field: str, quantity: str, vat: str, price: str) -> None:
    with pytest.raises(Problem, match="cannot be invoiced") as caught:
        line_gross(line(price=price, quantity=quantity, vat=vat), True, "NOK")
    assert caught.value.facts["line"] == "Item 77 (77)"
    assert field in caught.value.facts


def test_an_order_beyond_any_payment() -> None:
    many = [line(str(nth), "9999999999999") for nth in range(2)]
    with pytest.raises(Problem, match="more than any payment"):
        gross_of(many, True, "NOK")


@pytest.mark.parametrize(
    ("prices", "currency", "fitting", "not_fitting"),
    [
        (["10.00"], "NOK", {1000}, {999, 1001}),
        (["10.005"], "NOK", {1001, 1000}, {999, 1002}),  # half-up, half-even
        (["10.015"], "NOK", {1002}, {1001, 1003}),  # both up
        (["10.004"] * 3, "NOK", {3001, 3000}, {2999, 3002}),  # of the sum, of the lines
        (["10.006"] * 3, "NOK", {3002, 3003}, {3001, 3004}),
        (["0.5"], "JPY", {1}, {0, 2}),
        (["1.5"], "JPY", {2}, {1, 3}),
        (["2.5"], "JPY", {3, 2}, {1, 4}),
        (["5.50"], "ISK", {600}, {500, 550, 601}),
        (["4.50"], "ISK", {500, 400}, {450}),
        (["1.234"], "KWD", {1234, 1230}, {1233, 1235, 1240}),
        (["1.235"], "KWD", {1235, 1240}, {1230, 1234}),
        (["1.245"], "KWD", {1245, 1240, 1250}, {1244, 1246}),
        ([], "NOK", set(), {1, -1}),
    ],
)
def test_which_payments_fit(
    prices: list[str], currency: str, fitting: set[int], not_fitting: set[int]
) -> None:
    total = gross_of([line(str(nth), price, vat="0") for nth, price in enumerate(prices)], True, currency)
    assert {amount for amount in fitting | not_fitting if total.fits(amount)} == fitting


@given(
    st.integers(1, 60).map(lambda minor: minor * 5),
    st.integers(-200_000, 4_000_000),
    st.sampled_from(["NOK", "JPY", "KWD", "ISK"]),
)
@example(1000, 1_000_500, "NOK")
def test_fitting_is_rounding_half_up_or_half_even(captured: int, thousandths: int, currency: str) -> None:
    """The window says the same as rounding does, spelt out with decimals."""
    exact = Decimal(thousandths) / 1000
    steps = {"KWD": (1, 10), "ISK": (100,)}.get(currency, (1,))
    expected = {
        int((exact / step).quantize(Decimal(1), rounding)) * step
        for step in steps
        for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN)
    }
    total = Gross(Fraction(exact), -1, currency)
    assert total.fits(captured) == (captured in expected)


def test_no_sum_is_rounded_to_nothing_or_to_half_a_krona() -> None:
    assert exact_window(0, "NOK") is None
    assert exact_window(-5, "NOK") is None
    assert exact_window(150, "ISK") is None


@pytest.mark.parametrize(
    ("amount", "step", "nearest"), [("2.5", 1, 3), ("-2.5", 1, -3), ("150", 100, 200), ("0.4", 1, 0)]
)
def test_half_up_is_away_from_zero(amount: str, step: int, nearest: int) -> None:
    assert half_up(Fraction(amount), step) == nearest


def test_unset_means_refuse() -> None:
    assert how_prices_read(True) is True
    assert how_prices_read(False) is False
    with pytest.raises(Problem, match="KONVERZKY_PRICES_INCLUDE_VAT"):
        how_prices_read(None)


def test_currencies_must_agree() -> None:
    paid = Money(100, "NOK")
    assert agree_on_currency(None, paid) == "NOK"
    assert agree_on_currency("nok", paid) == "NOK"
    with pytest.raises(Problem, match="in SEK, but NOK were paid") as caught:
        agree_on_currency("SEK", paid)
    assert caught.value.facts == {"order_currency": "SEK", "paid": "NOK 1.00"}
