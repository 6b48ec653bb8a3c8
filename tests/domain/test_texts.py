"""What the customer reads."""

from __future__ import annotations

import pytest

from onpaid.domain.texts import ENGLISH, LONGEST_TEXT, NORWEGIAN, invoice_text, receipt_message


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (NORWEGIAN, "ingenting igjen å betale"),
        (ENGLISH, "nothing is left to pay"),
        ("GERMAN", "nothing is left"),
    ],
)
def test_the_invoice_says_that_it_is_paid(language: str, words: str) -> None:
    text = invoice_text(language, "10042")
    assert words in text
    assert "10042" in text


@pytest.mark.parametrize(
    ("language", "hello", "order"), [(NORWEGIAN, "Hei", "ordre"), (ENGLISH, "Hello", "order")]
)
def test_the_mail(language: str, hello: str, order: str) -> None:
    text = receipt_message(language, "10042", "Ola Nordmann", "Fjord Bøker AS")
    assert text.startswith(f"{hello} Ola Nordmann,\n\n")
    assert f"{order} 10042" in text
    assert text.endswith(",\nFjord Bøker AS")
    short = receipt_message(language, "10042")
    assert short.startswith(f"{hello},\n\n")
    assert short.endswith(("hilsen", "regards"))


@pytest.mark.parametrize("number", ["{order}", "%s", "{0.__class__}", "ä/ö#1", "x" * 64])
def test_odd_order_numbers_are_only_text(number: str) -> None:
    assert number in invoice_text(ENGLISH, number)
    assert number in receipt_message(NORWEGIAN, number, "{name}", "{sender}")


def test_the_invoice_text_fits() -> None:
    assert len(invoice_text(NORWEGIAN, "x" * 64)) < LONGEST_TEXT
    assert len(invoice_text(NORWEGIAN, "x" * 1000)) == LONGEST_TEXT
