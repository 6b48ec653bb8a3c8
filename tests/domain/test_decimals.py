"""Decimals as others write them: exact, bounded, and never a float."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.decimals import MAX_PLACES, MAX_WHOLE, exact_decimal, plain
from onpaid.errors import InvalidInput


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("129", "129"),
        ("129.00", "129.00"),
        ("-0.5", "-0.5"),
        ("1.29e2", "129"),
        ("5E-3", "0.005"),
        ("-0.00", "0"),
        ("0e999", "0"),
        ("000199.00", "199.00"),
        (129, "129"),
        (Decimal("19.990"), "19.990"),
        (Decimal("1E+3"), "1000"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("0.1230000000000000000000", "0.123"),
        ("999999999999999.999999999999", "999999999999999.999999999999"),
    ],
)
def test_a_number_is_read_exactly(told: str | int | Decimal, meant: str) -> None:
    read = exact_decimal(told)
    assert read == Decimal(meant)
    assert not read.is_signed() or read < 0
    exponent = read.as_tuple().exponent
    assert isinstance(exponent, int)
    assert -MAX_PLACES <= exponent <= 0


@pytest.mark.parametrize(
    "told",
    [
        "",
        " 1",
        "1 ",
        "1,50",
        "1_000",
        "+1",
        ".5",
        "1.",
        "0x10",
        "NaN",
        "-NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e999",
        "1e-999",
        "1e9999999",
        "1e15",
        "1000000000000000",
        "0.0000000000000000001",
        "9" * 65,
        "0" * 65,
        "１２",
        "٣",
        "1\n",
        "1;DROP",
        10**15,
        -(10**15),
        pytest.param(10**5000, id="huge"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("1E+999999"),
        Decimal("1E-999999"),
        Decimal("0.0000000000000000001"),
    ],
)
def test_what_is_no_plain_number_is_refused(told: str | int | Decimal) -> None:
    with pytest.raises(InvalidInput, match="the price"):
        exact_decimal(told, "the price")


@pytest.mark.parametrize("told", [1.5, True, None, b"1", 1 + 0j])
def test_floats_and_strangers_are_a_mistake_of_ours(told: Any) -> None:
    with pytest.raises(TypeError):
        exact_decimal(told)


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(0, MAX_PLACES))
def test_every_number_within_bounds_survives(digits: int, places: int) -> None:
    number = Decimal(digits).scaleb(-places)
    assert exact_decimal(str(number)) == number
    assert exact_decimal(f"{number:f}") == number
    assert exact_decimal(number) == number


@given(
    st.text(max_size=80)
    | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?", fullmatch=True)
)
def test_any_text_is_a_bounded_number_or_refused(text: str) -> None:
    try:
        read = exact_decimal(text)
    except InvalidInput:
        return
    assert abs(read) < 10**MAX_WHOLE
    assert read == Decimal(text)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("1.50", "1.5"),
        ("2E+1", "20"),
        ("0.00", "0"),
        ("-0.0", "0"),
        ("100", "100"),
        ("-1.250", "-1.25"),
        ("1E-7", "0.0000001"),
    ],
)
def test_plain(number: str, shown: str) -> None:
    assert plain(Decimal(number)) == shown
