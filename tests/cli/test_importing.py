"""Products on their way to the API: in bits that it takes, and read there as they were read here."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.app.products_file import read_products
from onpaid.cli.importing import in_bits
from onpaid.cli.simulating import (
    for_delivery,
    for_invoices,
    for_sales,
    how_to_use,
    target_of,
    write_prices,
    write_products,
    write_settings,
)
from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions, Product
from onpaid.errors import NotPossible
from onpaid.settings import Settings as Ours
from onpaid.simulators import Served, Settings, Simulators
from onpaid.simulators.price_list import PRICES
from onpaid.web.settings import WebSettings
from tests.cli.kit import Onpaid

WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=40)
SIZES = st.decimals(min_value=Decimal("0.51"), max_value=Decimal(400), places=2)
PRODUCTS = st.builds(
    Product,
    id=WORDS,
    name=WORDS,
    price=st.integers(1, 10**12).map(lambda minor: Money(minor, "INR")),
    tax_percent=st.decimals(min_value=0, max_value=100, places=2),
    sku=WORDS,
    seller=st.just("") | WORDS,
    digital=st.booleans(),
    active=st.booleans(),
    packed=st.none() | st.builds(Dimensions, length=SIZES, breadth=SIZES, height=SIZES, weight=SIZES),
)
TOLD = st.lists(
    st.tuples(PRODUCTS, st.none() | st.integers(0, 10**6)), max_size=12, unique_by=lambda told: told[0].id
)


@given(TOLD)
def test_what_is_handed_over_is_what_was_read(told: list[tuple[Product, int | None]]) -> None:
    arrived = [each for text in in_bits(told, most=600) for each in read_products(text)]
    assert arrived == told


def test_every_bit_is_small_enough_for_one_request() -> None:
    told = [(Product(f'"{nth}"', '"' * 200, Money(100, "INR")), 1) for nth in range(2000)]
    bits = list(in_bits(told))
    assert len(bits) > 10
    assert max(len(msgspec.json.encode({"text": text})) for text in bits) < WebSettings().form_limit


def test_no_products_are_no_request() -> None:
    assert list(in_bits([])) == []


def test_a_dry_run_counts_what_is_there_and_needs_no_server(onpaid: Onpaid, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text(
        "id,name,price,digital,active,stock\nracket,Racket,1500,no,yes,5\nlesson,Lesson,299,yes,no,\n"
    )
    told = onpaid("products", "import", str(file), "--dry-run", "--json").well().json()
    assert told == {
        "products": 2,
        "with_stock": 1,
        "digital": 1,
        "off_sale": 1,
        "without_size_and_weight": 1,
        "dry_run": True,
    }
    said = onpaid("products", "import", str(file), "--dry-run").well().out
    assert "PARCEL_DEFAULT" in said
    assert "Nothing was kept" in said
    assert not (tmp_path / "onpaid.db").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"id,name,price\na,A,1\na,A,1.005\n", "products.csv, line 3: 1.005 INR is not a whole number"),
        (b"id;name;price\n", "products.csv, unknown: id;name;price"),
        (b"id,name,price\na,\xff,1\n", "is not UTF-8 text"),
        (None, "cannot be read"),
    ],
    ids=["a wrong line", "a wrong header", "a wrong encoding", "no file"],
)
def test_a_file_that_cannot_be_read_is_one_sentence(
    onpaid: Onpaid, tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "products.csv"
    if content is not None:
        file.write_bytes(content)
    for words in (("--dry-run",), ()):
        ran = onpaid("products", "import", str(file), *words)
        assert (ran.code, ran.out) == (1, "")
        assert says in ran.err.replace("\n", " ")
        assert "Traceback" not in ran.err


def test_what_the_simulated_shop_sells_can_be_imported(onpaid: Onpaid, tmp_path: Path) -> None:
    write_products(tmp_path / "products.csv", Settings())
    told = onpaid("products", "import", str(tmp_path / "products.csv"), "--dry-run", "--json").well().json()
    assert (told["products"], told["digital"], told["without_size_and_weight"]) == (
        len(Settings().products),
        2,
        0,
    )
    taken = onpaid("simulate", "--products", str(tmp_path))
    assert (taken.code, "cannot be written" in taken.err) == (1, True)


def test_what_is_sold_at_stripe_can_be_imported(onpaid: Onpaid, tmp_path: Path) -> None:
    write_prices(tmp_path / "prices.csv")
    told = onpaid("catalogue", "import", str(tmp_path / "prices.csv"), "--dry-run", "--json").well().json()
    assert told["prices"] == len(PRICES)
    taken = onpaid("simulate", "--prices", str(tmp_path))
    assert (taken.code, "cannot be written" in taken.err) == (1, True)


def test_the_simulators_sign_with_a_readers_secrets_and_repeat_none() -> None:
    ours = Ours(
        {
            "RAZORPAY_WEBHOOK_SECRET": "canary-new canary-old",
            "SHIPROCKET_WEBHOOK_TOKEN": "canary-tracking",
            "WHATSAPP_WEBHOOK_TOKEN": "canary-token",
            "STRIPE_WEBHOOK_SECRET": "canary-stripe",
            "JWT_ACCESS_TOKEN_SECRET": "canary-jwt",
        }
    )
    target = target_of(ours, "http://service.example/")
    assert (target.base, target.razorpay_secrets) == ("http://service.example", ("canary-new", "canary-old"))
    assert (target.wati_path, target.tracking_token) == ("/webhooks/wati/canary-token", "canary-tracking")
    simulators = Simulators(Settings(target=target))
    said = how_to_use(Served("http://127.0.0.1:1", simulators, simulators.close), simulators.settings)
    assert "RAZORPAY_WEBHOOK_SECRET=<as it is set>" in said
    assert "WHATSAPP_APP_SECRET=meta_app_simulated" in said
    assert "canary" not in said


def test_settings_for_a_service_beside_the_simulators_are_written_once(
    onpaid: Onpaid, tmp_path: Path
) -> None:
    simulators = Simulators(Settings())
    beside, file = Served("http://127.0.0.1:1", simulators, simulators.close), tmp_path / "trial.toml"
    write_settings(file, beside, simulators.settings)
    assert file.stat().st_mode & 0o077 == 0
    onpaid.environment = {"ONPAID_DATABASE": f"sqlite:///{tmp_path}/trial.db"}
    told = onpaid("--settings", str(file), "settings", "--json").well().json()
    shown = {each["name"]: each for each in told}
    wanted = for_delivery(beside, simulators.settings) | for_sales(simulators.settings)
    for name, value in wanted.items():
        is_there = shown[name]["value"]
        told_as = " ".join(is_there) if isinstance(is_there, list) else str(is_there)
        assert shown[name]["secret"] or told_as.lower() == value.lower(), name
    text = file.read_text()
    invoicing = for_invoices(beside, simulators.settings)
    assert [name for name in invoicing if f"{name} = " not in text] == []
    said = how_to_use(beside, simulators.settings, written=file, products=tmp_path / "p.csv")
    assert f"onpaid --settings {file} products import {tmp_path}/p.csv" in said
    assert f"onpaid --settings {file} catalogue import PRICES" in said
    assert 'ONPAID_PORT = "8000"' in text
    assert "onpaid simulate" in file.with_suffix(".vat.toml").read_text()
    with pytest.raises(NotPossible, match="is there already"):
        write_settings(file, beside, simulators.settings)
    with pytest.raises(NotPossible, match="cannot be written"):
        write_settings(tmp_path / "none" / "trial.toml", beside, simulators.settings)


def test_a_readers_own_secrets_are_not_written_down(tmp_path: Path) -> None:
    simulators = Simulators(Settings(target=target_of(Ours({"RAZORPAY_WEBHOOK_SECRET": "canary"}), None)))
    beside = Served("http://127.0.0.1:1", simulators, simulators.close)
    write_settings(tmp_path / "trial.toml", beside, simulators.settings)
    text = (tmp_path / "trial.toml").read_text()
    assert "canary" not in text
    assert "RAZORPAY_WEBHOOK_SECRET" not in text
    assert 'SHIPROCKET_DRY_RUN = "false"' in text
