"""Indian addresses and phone numbers, as customers write them."""

from __future__ import annotations

import pytest

from onpaid.domain.india import STATES, phone_number, pincode, state_name
from onpaid.errors import InvalidInput


@pytest.mark.parametrize("code", sorted(STATES))
def test_a_state_is_known_by_its_name_and_its_code_in_any_case(code: str) -> None:
    for given in (code, code.lower(), STATES[code], STATES[code].upper(), f"  {STATES[code]} "):
        assert state_name(given) == STATES[code]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Orissa", "Odisha"),
        ("Pondicherry", "Puducherry"),
        ("New  Delhi", "Delhi"),
        ("Uttaranchal", "Uttarakhand"),
        ("Jammu & Kashmir", "Jammu and Kashmir"),
        ("Daman and Diu", "Dadra and Nagar Haveli and Daman and Diu"),
    ],
)
def test_older_names_of_states_are_understood(given: str, meant: str) -> None:
    assert state_name(given) == meant


def test_there_are_twenty_eight_states_and_eight_union_territories() -> None:
    assert len(STATES) == len(set(STATES.values())) == 36


@pytest.mark.parametrize("given", ["", "Oslo", "KARNATAKAA", "K A", "x" * 5000])
def test_what_is_no_state_is_refused_with_an_example(given: str) -> None:
    with pytest.raises(InvalidInput, match="such as Kerala") as refused:
        state_name(given)
    assert len(str(refused.value)) < 150


def test_a_pincode_is_six_digits_and_may_be_written_in_two_parts() -> None:
    assert pincode("560001") == pincode("560 001") == pincode(" 560001 ") == "560001"


@pytest.mark.parametrize(
    "given", ["", "56001", "5600011", "060001", "56000a", "५६०००१", "560-001", "560001\n"]
)
def test_what_is_no_pincode_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="six digits"):
        pincode(given)


@pytest.mark.parametrize(
    "given",
    ["9876543210", "09876543210", "+91 98765 43210", "+919876543210", "0091 98765-43210", "(98765) 43210"],
)
def test_a_phone_number_is_kept_in_one_spelling(given: str) -> None:
    assert phone_number(given) == "+919876543210"


def test_a_foreign_number_keeps_its_country() -> None:
    assert phone_number("+47 21 00 00 00") == "+4721000000"


@pytest.mark.parametrize("given", ["", "call me", "98765", "987654321", "+91 1", "98765432101234", "🎾" * 10])
def test_what_is_no_phone_number_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput, match="phone number"):
        phone_number(given)
