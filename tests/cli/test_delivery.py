"""The commands of the story of delivery, without a server: the next `serve` works what they changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.delivery_kit import ARRIVED, BOOKED, DRY, HELD, PUBLIC, delivery_settings, stock_deliveries
from tests.cli.kit import Onpaid, settings_of


@pytest.fixture(scope="session")
def delivering_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with orders that are delivered, to be copied."""
    folder = tmp_path_factory.mktemp("delivering")
    stock_deliveries(delivery_settings(folder))
    return folder


@pytest.fixture
def delivering(onpaid: Onpaid, delivering_folder: Path, tmp_path: Path) -> Onpaid:
    """`onpaid` of a service that only delivers, over a copy of that database."""
    shutil.copy(delivering_folder / "onpaid.db", tmp_path / "onpaid.db")
    onpaid.environment.clear()
    onpaid.environment.update(delivery_settings(tmp_path))
    return onpaid


def runs_of(onpaid: Onpaid, flow: str) -> list[str]:
    listed = onpaid("runs", "list", "--limit", "100", "--json").well().json()["items"]
    return [row["id"] for row in listed if row["id"].startswith(f"{flow}:")]


# -- deciding ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("option", "choice"), [("--ship-anyway", "ship"), ("--refund", "refund")])
def test_a_held_order_is_decided_once(delivering: Onpaid, option: str, choice: str) -> None:
    assert "is decided" in delivering("orders", "decide", HELD, option).well().out
    delivery = delivering("orders", "show", HELD, "--json").well().json()["delivery"]
    assert delivery["decision"]["choice"] == choice
    delivering("orders", "decide", HELD, option, "--json").well().json()  # pressing twice is safe
    other = {"--refund": "--ship-anyway", "--ship-anyway": "--refund"}[option]
    ran = delivering("orders", "decide", HELD, other)
    assert (ran.code, f"decided already: {choice}" in ran.err.replace("\n", " ")) == (1, True)


def test_what_is_not_held_is_not_decided(delivering: Onpaid) -> None:
    ran = delivering("orders", "decide", BOOKED, "--refund")
    assert (ran.code, "is not held" in ran.err) == (1, True)
    assert delivering("orders", "decide", HELD).code == 2


# -- shipping ----------------------------------------------------------------------------------------------------


def test_a_parcel_that_was_only_logged_is_booked_once_however_often_it_is_said(delivering: Onpaid) -> None:
    assert "is being booked" in delivering("orders", "ship", DRY).well().out
    delivering("orders", "ship", DRY, "--json").well().json()
    assert runs_of(delivering, "book_shipment") == [f"book_shipment:shop/{DRY}#2"]


def test_all_that_were_only_logged_are_booked_after_a_question(delivering: Onpaid) -> None:
    asked = delivering("orders", "ship", "--dry-run-ones")
    assert (asked.code, f"would book 1 parcels ({DRY})" in asked.err.replace("\n", " ")) == (1, True)
    assert "--yes" in asked.err
    assert not runs_of(delivering, "book_shipment")
    told = delivering("orders", "ship", "--dry-run-ones", "--yes", "--json").well().json()
    assert told == {"shipped": [DRY], "refused": {}}
    assert runs_of(delivering, "book_shipment") == [f"book_shipment:shop/{DRY}#2"]
    assert "1 parcel is being booked" in delivering("orders", "ship", "--dry-run-ones", "--yes").well().out


def test_where_nothing_was_only_logged_nothing_is_booked(onpaid: Onpaid, tmp_path: Path) -> None:
    ran = onpaid("orders", "ship", "--dry-run-ones", **delivery_settings(tmp_path))
    assert "there is nothing to book" in ran.well().out


def test_a_live_parcel_is_not_booked_again(delivering: Onpaid) -> None:
    ran = delivering("orders", "ship", BOOKED)
    assert (ran.code, "has a live parcel, 0014711" in ran.err.replace("\n", " ")) == (1, True)


@pytest.mark.parametrize("words", [(), (DRY, "--dry-run-ones")], ids=["neither", "both"])
def test_one_order_is_named_or_all_of_them(delivering: Onpaid, words: tuple[str, ...]) -> None:
    ran = delivering("orders", "ship", *words)
    assert (ran.code, "--dry-run-ones" in ran.err) == (2, True)


def test_a_parcel_is_cancelled_while_the_courier_allows_it(delivering: Onpaid) -> None:
    assert "is being cancelled" in delivering("orders", "cancel-shipment", BOOKED).well().out.replace(
        "\n", " "
    )
    assert runs_of(delivering, "cancel_shipment") == [f"cancel_shipment:parcel-{BOOKED}"]
    late = delivering("orders", "cancel-shipment", ARRIVED)
    assert (late.code, "the parcel is delivered" in late.err.lower().replace("\n", " ")) == (1, True)
    logged = delivering("orders", "cancel-shipment", DRY)
    assert (logged.code, "only logged" in logged.err) == (1, True)


# -- looking -----------------------------------------------------------------------------------------------------


def test_an_order_is_shown_with_its_parcel_and_messages(delivering: Onpaid) -> None:
    said = delivering("orders", "show", BOOKED).well().out
    assert "0014711 (pending pickup)" in said
    assert "order_confirmation (delivered)" in said
    assert "oversold" in delivering("orders", "show", HELD).well().out


def test_a_parcel_is_followed(delivering: Onpaid) -> None:
    told = delivering("orders", "tracking", ARRIVED, "--json").well().json()
    assert (told["status"], told["awb"], len(told["scans"])) == ("delivered", "0014712", 1)
    said = delivering("orders", "tracking", ARRIVED).well().out
    assert "https://shiprocket.co/tracking/0014712" in said
    assert "2026-11-20" in said
    assert "Asha" not in said
    assert "The courier has told nothing yet." in delivering("orders", "tracking", BOOKED).well().out
    assert "only logged" in delivering("orders", "tracking", DRY).well().out


def test_a_customers_link_is_printed_alone(delivering: Onpaid) -> None:
    link = delivering("track-link", BOOKED).well().out.strip()
    assert link.startswith(f"{PUBLIC}/track/")
    assert delivering("track-link", BOOKED, "--json").well().json() == {"link": link}
    assert delivering("track-link", HELD).well().out.strip() != link


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "decide", "1", "--refund"),
        ("orders", "ship", "1"),
        ("orders", "cancel-shipment", "1"),
        ("orders", "tracking", "1"),
        ("track-link", "1"),
        ("products", "set-stock", "nope", "1"),
    ],
)
def test_what_is_not_there_is_one_sentence(delivering: Onpaid, words: tuple[str, ...]) -> None:
    ran = delivering(*words)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("onpaid: There is no ")
    assert "Traceback" not in ran.err


# -- products ----------------------------------------------------------------------------------------------------


def test_products_are_imported_listed_and_counted(delivering: Onpaid, tmp_path: Path) -> None:
    file = tmp_path / "products.csv"
    rows = "\n".join(f'p{nth:03},"A product, the {nth}th",{nth + 1}.50,{nth}' for nth in range(700))
    file.write_text(f"id,name,price,stock\n{rows}\n")
    told = delivering("products", "import", str(file), "--json").well().json()
    assert told == {"products": 700, "stocked": 700, "dry_run": False}
    again = delivering("products", "import", str(file)).well().out
    assert "700 products are kept; stock stays as it was." in again
    one = tmp_path / "one.csv"
    one.write_text("id,name,price,stock\nq,A product,8.50,3\n")
    assert "1 product is kept; stock was set for 1." in delivering("products", "import", str(one)).well().out
    first = delivering("products", "list", "--limit", "100", "--json").well().json()
    assert (first["items"][7]["id"], first["items"][7]["left"]) == ("p007", 7)
    second = (
        delivering("products", "list", "--limit", "100", "--after", first["cursor"], "--json").well().json()
    )
    assert second["items"][0]["id"] == "p100"
    assert "INR 8.50" in delivering("products", "list").well().out
    assert "--after" in delivering("products", "list").well().out


def test_stock_is_a_whole_number(delivering: Onpaid) -> None:
    assert "racket: 12 left." in delivering("products", "set-stock", "racket", "12").well().out
    assert delivering("products", "list", "--json").well().json()["items"][0]["left"] == 12
    for wrong in ("-1", "1.5", "many"):
        assert delivering("products", "set-stock", "racket", wrong).code == 2
    too_many = delivering("products", "set-stock", "racket", "999999999999")
    assert (too_many.code, "whole number" in too_many.err) == (1, True)


def test_sellers_are_listed_with_their_sales(delivering: Onpaid) -> None:
    said = delivering("sellers", "list").well().out
    assert "Garuda Sports" in said
    assert "INR 10,500.00" in said or "INR 10500.00" in said
    (row,) = delivering("sellers", "list", "--json").well().json()["items"]
    assert (row["id"], row["units"]) == ("garuda", 7)


def test_an_empty_shop_says_so(onpaid: Onpaid, tmp_path: Path) -> None:
    for words, said in (
        (("products", "list"), "onpaid products import FILE"),
        (("sellers", "list"), "Nothing was sold yet"),
    ):
        assert said in onpaid(*words, **delivery_settings(tmp_path)).well().out


# -- settings ----------------------------------------------------------------------------------------------------


def test_where_nothing_is_delivered_the_commands_say_what_to_set(onpaid: Onpaid) -> None:
    for words in (("products", "list"), ("orders", "ship", "1"), ("sellers", "list")):
        ran = onpaid(*words)
        assert (ran.code, "set RAZORPAY_KEY_ID" in ran.err.replace("\n", " ")) == (1, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"RAZORPAY_KEY_SECRET": "", "RAZORPAY_WEBHOOK_SECRET": ""},
        {"RAZORPAY_KEY_ID": ""},
        {"WHATSAPP_PROVIDER": "meta"},
        {"WHATSAPP_TEMPLATES": "nowhere.toml"},
        {"SHIPROCKET_DRY_RUN": "false", "SHIPROCKET_PASSWORD": ""},
        {"JIRA_BASE_URL": "https://shop.atlassian.net"},
        {"ALERT_EMAIL": "ops@shop.example"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_looking_needs_no_account(delivering: Onpaid, changes: dict[str, str]) -> None:
    listed = delivering("orders", "list", "--json", **changes).well().json()["items"]
    assert {row["number"] for row in listed} == {HELD, DRY, BOOKED, ARRIVED}


def test_both_stories_in_one_service_know_each_others_orders(delivering: Onpaid, tmp_path: Path) -> None:
    both = {**settings_of(tmp_path), **delivery_settings(tmp_path)}
    assert delivering("orders", "show", BOOKED, "--json", **both).well().json()["number"] == BOOKED
    lanes = {lane["name"] for lane in delivering("lanes", "list", "--json", **both).well().json()["items"]}
    assert lanes >= {"fiken", "stripe", "razorpay"}
