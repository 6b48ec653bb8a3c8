"""Money: exact, of one currency, in the minor units that travel."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.money import LIMIT, Money, exponent, known_currency, smallest, smallest_charge
from onpaid.errors import InvalidInput

CURRENCIES = ("NOK", "EUR", "JPY", "KRW", "MGA", "KWD", "TND", "ISK", "UGX", "HUF", "TWD")
amounts = st.builds(Money, st.integers(1 - LIMIT // 4, LIMIT // 4), st.sampled_from(CURRENCIES))
kroner = st.builds(Money, st.integers(1 - LIMIT // 4, LIMIT // 4), st.just("NOK"))


@pytest.mark.parametrize(
    ("told", "currency", "minor", "shown"),
    [
        ("1338.00", "NOK", 133_800, "NOK 1,338.00"),
        (Decimal("19.99"), "EUR", 1_999, "EUR 19.99"),
        ("19.990", "EUR", 1_999, "EUR 19.99"),
        (5, "USD", 500, "USD 5.00"),
        ("-0.01", "NOK", -1, "NOK -0.01"),
        ("0", "NOK", 0, "NOK 0.00"),
        ("1338", "JPY", 1_338, "JPY 1,338"),
        ("1338.00", "JPY", 1_338, "JPY 1,338"),
        ("5", "MGA", 5, "MGA 5"),
        ("1.234", "KWD", 1_234, "KWD 1.234"),
        ("5", "ISK", 500, "ISK 5"),
        ("1500.00", "UGX", 150_000, "UGX 1,500"),
        ("10.45", "HUF", 1_045, "HUF 10.45"),
        ("800.45", "TWD", 80_045, "TWD 800.45"),
        ("9999999999999.99", "NOK", 999_999_999_999_999, "NOK 9,999,999,999,999.99"),
    ],
)
def test_parsing_and_showing(told: str | int | Decimal, currency: str, minor: int, shown: str) -> None:
    money = Money.parse(told, currency)
    assert (money.minor, money.currency) == (minor, currency)
    assert money.format() == str(money) == shown


@pytest.mark.parametrize(
    ("told", "currency"),
    [
        ("0.001", "NOK"),
        ("19.995", "EUR"),
        ("0.5", "JPY"),
        ("1.5", "MGA"),
        ("0.0001", "KWD"),
        ("5.50", "ISK"),
        ("0.01", "UGX"),
        ("10000000000000", "NOK"),
        ("999999999999999", "KWD"),
        ("NaN", "NOK"),
        ("1e99", "NOK"),
        ("12 kr", "NOK"),
        ("1", "nok"),
        ("1", "XXX"),
        ("1", ""),
        ("1", "XAU"),
        ("1", "NOKK"),
    ],
)
def test_what_is_not_an_amount_is_refused(told: str, currency: str) -> None:
    with pytest.raises(InvalidInput):
        Money.parse(told, currency)


def test_the_refusal_names_the_smallest_amount() -> None:
    with pytest.raises(InvalidInput, match=r"5\.5 ISK .* \(1\.00\)"):
        Money.parse("5.5", "ISK")


@pytest.mark.parametrize("told", [19.99, True, None])
def test_a_float_never_becomes_money(told: Any) -> None:
    with pytest.raises(TypeError):
        Money.parse(told, "NOK")
    with pytest.raises(TypeError):
        Money(told, "NOK")


@pytest.mark.parametrize("minor", [LIMIT, -LIMIT, 10**100])
def test_amounts_are_bounded(minor: int) -> None:
    with pytest.raises(InvalidInput, match="minor units"):
        Money(minor, "NOK")


def test_sums_are_bounded_too() -> None:
    most = Money(LIMIT - 1, "NOK")
    with pytest.raises(InvalidInput):
        most + most


@pytest.mark.parametrize("currency", ["nok", "N", "NO K", "XXX", "", "🤑🤑🤑"])
def test_money_has_a_currency_we_know(currency: str) -> None:
    assert not known_currency(currency)
    with pytest.raises(InvalidInput, match="currency"):
        Money(1, currency)


def test_from_the_wire() -> None:
    assert Money.from_wire(133_800, "nok") == Money.parse("1338", "NOK")
    assert Money.from_wire(500, "isk").format() == "ISK 5"
    assert Money.from_wire(550, "isk").format() == "ISK 5.50", (
        "kept as it came: money that was taken is a fact"
    )
    with pytest.raises(InvalidInput):
        Money.from_wire(1, "zzz")


def test_decimals_by_currency() -> None:
    assert [exponent(code) for code in CURRENCIES] == [2, 2, 0, 0, 0, 3, 3, 2, 2, 2, 2]
    assert [smallest(code) for code in CURRENCIES] == [1, 1, 1, 1, 1, 1, 1, 100, 100, 1, 1]
    assert [smallest_charge(code) for code in CURRENCIES] == [1, 1, 1, 1, 1, 10, 10, 100, 100, 1, 1]


def test_two_currencies_are_never_mixed() -> None:
    one, other = Money(1, "NOK"), Money(1, "SEK")
    assert one != other
    assert len({one, other, Money(1, "NOK")}) == 2
    for act in (
        lambda: one + other,
        lambda: one - other,
        lambda: one < other,
        lambda: one <= other,
        lambda: one > other,
        lambda: one >= other,
    ):
        with pytest.raises(ValueError, match="NOK and SEK"):
            act()


def test_money_survives_storage_and_is_checked_on_the_way_back() -> None:
    kept = msgspec.msgpack.encode(Money(133_800, "NOK"))
    assert msgspec.msgpack.decode(kept, type=Money) == Money(133_800, "NOK")
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"minor":1.5,"currency":"NOK"}', type=Money)
    with pytest.raises(InvalidInput):
        msgspec.json.decode(b'{"minor":1,"currency":"kroner"}', type=Money)


def test_money_cannot_be_altered() -> None:
    with pytest.raises(AttributeError):
        Money(1, "NOK").minor = 2  # type: ignore[misc]


@given(amounts)
def test_decimal_and_back(money: Money) -> None:
    if money.minor % smallest(money.currency) == 0:
        assert Money.parse(money.to_decimal(), money.currency) == money
        assert Money.parse(money.format().split(" ")[1].replace(",", ""), money.currency) == money
    else:
        with pytest.raises(InvalidInput):
            Money.parse(money.to_decimal(), money.currency)


@given(kroner, kroner, kroner)
def test_arithmetic_is_that_of_whole_numbers(a: Money, b: Money, c: Money) -> None:
    assert (a + b).minor == a.minor + b.minor
    assert a - b == a + (-b)
    assert (a + b) + c == a + (b + c)
    assert (a < b) == (a.minor < b.minor) == (b > a) == (not a >= b)
    assert (a <= b) == (not a > b)
    assert bool(a) == (a != Money.zero("NOK"))
