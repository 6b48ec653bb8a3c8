"""Fingerprints: one trouble is one problem, whoever it befalls; two troubles are two."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onpaid
from onpaid.domain.problems import CATEGORIES, QUIET, SEVERITIES, fingerprint, worth_telling

SOURCE = Path(onpaid.__file__).parent


def of(title: str, environment: str = "production", category: str = "delivery", **facts: str) -> str:
    return fingerprint(environment, category, title, facts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "Paid, but no order: NOK 199.00 came for order shop/1001",
            "Paid, but no order: INR 1,500 came for order shop/7",
        ),
        (
            "Refused: Fiken answered 400 to POST /invoices (req_8aF)",
            "Refused: Fiken answered 422 to POST /invoices (req_91b)",
        ),
        ("The contact “Kari Lie” is there twice", "The contact “Ola Nordmann” is there twice"),
        ("The contact 'Kari Lie' is there twice", 'The contact "Ola" is there twice'),
        ("payment pi_3QaBcDeFgHiJ is not captured", "payment pi_xYzAbCdEfGhI is not captured"),
        ("kari@example.org cannot be reached", "ola@example.com cannot be reached"),
        ("*** cannot be reached", "+47 912 34 567 cannot be reached"),
        ("Shiprocket answered  500\nto GET /v1/x", "shiprocket answered 503 to GET /v2/y"),
    ],
)
def test_what_is_particular_to_a_case_does_not_count(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Shipment creation failed", "Pickup scheduling failed"),
        ("Refused: “The pincode is not serviceable at all”", "Refused: “The wallet has too little balance”"),
        ("Did “book parcel” happen?", "Was “book parcel” refused?"),
        ("The customer's address is odd and the parcel's size too", "The customer's address is odd"),
    ],
)
def test_what_went_wrong_counts(one: str, other: str) -> None:
    assert of(one) != of(other)


def test_environment_category_and_place_count() -> None:
    base = of("It failed", step="book parcel")
    assert base == of("It failed", step="book parcel", order="shop/1", error="timeout of 30 s")
    assert base != of("It failed", environment="staging", step="book parcel")
    assert base != of("It failed", category="payment", step="book parcel")
    assert base != of("It failed", step="assign courier")
    assert of("It is away", lane="jira") != of("It is away", lane="fiken")


def test_what_the_facts_name_is_dropped_from_the_title() -> None:
    one = of("No order ABC-X for Kari Lie at Bergen", order="ABC-X", customer="Kari Lie", place="Bergen")
    other = of("No order QRS-Y for Ola Berg at Oslo", order="QRS-Y", customer="Ola Berg", place="Oslo")
    assert one == other
    assert one != of("No order ABC-X for Kari Lie at Bergen")
    assert of("charge refunded late", what="refunded") != of("charge disputed late", what="disputed")
    assert of("a late parcel", reason="late") == of("a late parcel", reason="rain"), "a word is no name"


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_numbers_never_count(one: int, other: int) -> None:
    def title(number: int) -> str:
        return f"Order {number}: {number}.50 NOK, invoice-{number}, x{number}y, (order_{number}) after {number} tries"

    assert of(title(one), order=str(one)) == of(title(other), order=str(other))


@given(st.text(max_size=200), st.dictionaries(st.text(max_size=10), st.text(max_size=90), max_size=5))
def test_any_text_has_a_fingerprint(title: str, facts: dict[str, str]) -> None:
    assert re.fullmatch(r"[0-9a-f]{12}", fingerprint("test", "internal", title, facts))


def test_people_are_told_at_each_doubling_and_after_a_silence() -> None:
    now = timedelta()
    assert [count for count in range(1, 70) if worth_telling(count, now)] == [1, 2, 4, 8, 16, 32, 64]
    assert worth_telling(5, QUIET)
    assert not worth_telling(5, QUIET - timedelta(seconds=1))


def test_every_ticket_has_a_known_category_and_severity() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    assert set(re.findall(r'\bcategory="(\w+)"', text)) <= CATEGORIES
    assert set(re.findall(r'\bseverity="(\w+)"', text)) <= set(SEVERITIES)
