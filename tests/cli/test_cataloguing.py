"""Prices on their way to the API: in bits that it takes, and read there as they were read here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.app.catalogue_sync import MOST_AT_ONCE
from onpaid.app.prices_file import NAMES, read_prices
from onpaid.cli.cataloguing import in_bits, tell_plan, tell_prices
from onpaid.domain.money import Money
from onpaid.domain.prices import Price, Recurring
from onpaid.web.settings import WebSettings
from tests.cli.kit import Onpaid

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,60}", fullmatch=True)
PRODUCTS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", fullmatch=True)
NAMED = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
PRICES = st.lists(
    st.builds(
        Price,
        id=IDS,
        product=PRODUCTS,
        product_name=NAMED,
        amount=st.sampled_from(("NOK", "JPY", "USD")).flatmap(
            lambda code: st.integers(0, 10**9).map(lambda minor: Money(minor, code))
        ),
        recurring=st.none()
        | st.builds(Recurring, st.sampled_from(("day", "month", "year")), st.integers(1, 3)),
        active=st.booleans(),
        tax_percent=st.none() | st.decimals(min_value=0, max_value=100, places=2),
        tax_included=st.booleans(),
    ),
    max_size=12,
    unique_by=(lambda price: price.id, lambda price: price.product),
)


@given(PRICES)
def test_what_is_handed_over_is_what_was_read(told: list[Price]) -> None:
    assert [each for text in in_bits(told, most=900) for each in read_prices(text)] == told


def test_every_bit_is_small_enough_for_one_request_and_one_commit() -> None:
    told = [
        Price(f"p-{nth}", "p", '"' * 200, Money(100, "NOK"), tax_percent=Decimal(25)) for nth in range(2000)
    ]
    bits = list(in_bits(told))
    assert sum(len(read_prices(text)) for text in bits) == 2000
    assert max(len(read_prices(text)) for text in bits) <= MOST_AT_ONCE
    assert max(len(msgspec.json.encode({"text": text})) for text in bits) < WebSettings().form_limit


def test_no_prices_are_no_request() -> None:
    assert list(in_bits([])) == []


def test_a_dry_run_counts_what_is_there_and_needs_no_server(onpaid: Onpaid, tmp_path: Path) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(
        f"{','.join(NAMES)}\ncourse-1,course,A course,499,NOK,,,25,,\nclub,club,Club,99,NOK,month,,,,no\n"
        "top,top,On top,100,NOK,,,25,no,\nzero,zero,Untaxed,100,NOK,,,0,no,\n"
    )
    told = onpaid("catalogue", "import", str(file), "--dry-run", "--json").well().json()
    assert told == {
        "prices": 4,
        "products": 4,
        "recurring": 1,
        "off_sale": 1,
        "without_tax_percent": 1,
        "tax_not_collected": 1,
        "dry_run": True,
    }
    shown = " ".join(onpaid("catalogue", "import", str(file), "--dry-run").well().out.split())
    assert "Nothing was kept" in shown
    assert "our sessions ask for the amount alone: top. What is paid" in shown
    assert not (tmp_path / "onpaid.db").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"id,product\na,b\n",
            "line 2: id, product, product_name, amount and currency are needed. Nothing was kept",
        ),
        (b"id;product\n", "prices.csv, unknown: id;product"),
        (b"id,product\na,\xff\n", "is not UTF-8 text"),
        (None, "cannot be read"),
    ],
    ids=["a wrong line", "a wrong header", "a wrong encoding", "no file"],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    onpaid: Onpaid, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "prices.csv"
    if content is not None:
        file.write_bytes(content)
    ran = onpaid("catalogue", "import", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert says in ran.err.replace("\n", " ")
    assert "Traceback" not in ran.err


def line(price: str, action: str, *runs: str) -> Any:
    """One line of a plan, as the API answers it."""
    return {
        "price": price,
        "product": "course",
        "amount": {"minor": 49_900, "currency": "NOK"},
        "action": action,
        "why": f"why {price}",
        "runs": list(runs),
    }


def test_a_plan_names_what_is_to_be_done_and_counts_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    tell_plan([line("a", "create"), line("b", "nothing"), line("c", "archive")], dry_run=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "a NOK 499.00 create why a" in said
    assert "why b" not in said
    assert "3 prices compared: 1 to archive, 1 to create. Nothing was done: this is a dry run." in said


def test_what_was_started_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    tell_plan([line("a", "replace", "file_price:a#2")], dry_run=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "file_price:a#2" in said
    assert "onpaid runs list" in said


def test_a_catalogue_that_is_in_order_and_one_that_is_empty_are_a_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell_plan([line("a", "nothing")], dry_run=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "Stripe has every price as it is here. 1 price compared." in said
    tell_plan([], dry_run=False)
    assert "onpaid catalogue import FILE" in capsys.readouterr().out


def test_prices_are_listed_with_what_they_are_called_at_stripe(capsys: pytest.CaptureFixture[str]) -> None:
    row = {
        "id": "a",
        "product": "course",
        "product_name": "A course",
        "amount": {"minor": 49_900, "currency": "NOK"},
        "every": "",
        "tax_percent": "25",
        "tax_included": True,
        "active": True,
        "stripe": {"product": "course", "price": "price_1", "version": 1, "fits": True, "archived": []},
    }
    otherwise = {**row["stripe"], "fits": False}  # type: ignore[dict-item]
    rows = [row, {**row, "id": "b", "stripe": otherwise, "every": "3 months", "tax_percent": None}]
    tell_prices({"items": [*rows, {**row, "id": "c", "stripe": None, "active": False}], "cursor": None})
    said = " ".join(capsys.readouterr().out.split())
    assert "a A course NOK 499.00 once 25 % price_1" in said
    assert "b A course NOK 499.00 3 months not told price_1, otherwise" in said
    assert "c (off sale) A course NOK 499.00 once 25 % not yet" in said
