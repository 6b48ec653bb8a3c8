"""The checkout page: a few lines stand in for the shop under test, forms are sent as a browser would."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette

from onpaid.simulators import serve
from onpaid.simulators.checkout_page import SAMPLE, e164
from onpaid.simulators.checkout_shop import money
from tests.simulators.checkout_kit import CART, Shop, alert, buy, get, key_of, send
from tests.simulators.kit import Start


@pytest.fixture
async def shop(start: Start) -> AsyncIterator[Shop]:
    """A shop, and simulators that are aimed at it."""
    made = Shop()
    served = await serve(app=Starlette(routes=made.routes()))
    made.client = await start(target=served.base)
    yield made
    await served.stop()


async def test_the_shop_shows_its_goods_escaped_and_without_scripts(shop: Shop) -> None:
    said = await get(shop, "/checkout")
    assert said.status == 200
    assert "Garuda &lt;racket&gt;" in said.text
    assert "₹2,450.00" in said.text
    assert "<script" not in said.text
    assert "script-src" not in said.headers["Content-Security-Policy"]
    assert "default-src 'none'" in said.headers["Content-Security-Policy"]
    assert key_of(said) != key_of(await get(shop, "/checkout"))
    assert SAMPLE["line1"] in (await get(shop, "/checkout?sample=1")).text
    assert (await get(shop, "/checkout/style.css")).headers["Content-Type"].startswith("text/css")


async def test_a_cart_is_bought_paid_and_followed(shop: Shop) -> None:
    page = await buy(shop)
    key, cart = shop.carts[0]
    assert key == "click-1"
    assert cart["items"] == [{"product_id": "racket-garuda", "quantity": 2}]
    assert cart["customer"] == {"name": "Asha Rao", "email": "asha@example.org", "phone": "9876543210"}
    assert cart["address"]["pincode"] == "560038"
    shown = await get(shop, page)
    assert shown.status == 200
    assert "₹4,900.00" in shown.text
    assert "2045861230400" in shown.text
    paid = await send(shop, page, {"act": "card"})
    done = await get(shop, paid.headers["Location"])
    assert shop.client is not None
    assert f'href="{shop.client.simulators.target.base}/track/secret-link"' in done.text
    payment = next(iter(shop.client.simulators.razorpay.payments.values()))
    assert (payment["method"], payment["status"]) == ("card", "captured")
    assert (payment["contact"], payment["email"]) == ("+919876543210", "asha@example.org")
    assert shop.handlers[0]["razorpay_payment_id"] == payment["id"]
    noted = shop.client.simulators.carts.by_number["2045861230400"]
    assert (noted.units, noted.phone) == ({"racket-garuda": 2}, "+919876543210")


async def test_a_second_click_is_the_same_order(shop: Shop) -> None:
    assert await buy(shop) == await buy(shop)
    assert len(shop.opened) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity:racket-garuda": "0"}, "at least one"),
        ({"quantity:racket-garuda": "two"}, "not a number"),
        ({"quantity:racket-garuda": "-1"}, "not a number"),
        ({"quantity:racket-garuda": "²"}, "not a number"),
    ],
)
async def test_a_cart_that_is_none_is_told_at_once(shop: Shop, change: dict[str, str], words: str) -> None:
    said = await send(shop, "/checkout", {**CART, **change})
    assert (said.status, shop.carts) == (422, [])
    assert words in alert(said)
    assert 'value="Asha Rao"' in said.text


async def test_the_shops_refusal_is_shown_and_the_next_try_is_another_wish(shop: Shop) -> None:
    shop.refusal = 409, {"detail": "Only 1 <left>"}
    said = await send(shop, "/checkout", {**CART, "name": '"><b>x'})
    assert (said.status, alert(said)) == (409, "Only 1 <left>")
    assert "<b>x" not in said.text
    assert key_of(said) != "click-1"


@pytest.mark.parametrize(
    "refusal", [(500, {"detail": "Oh"}), (429, {}), (503, "text"), (200, ["x"]), (201, {})]
)
async def test_an_answer_that_settles_nothing_keeps_the_key(shop: Shop, refusal: tuple[int, Any]) -> None:
    shop.refusal = refusal
    said = await send(shop, "/checkout", CART)
    assert said.status in (429, 502)
    assert key_of(said) == "click-1"
    assert alert(said)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key_id": "rzp_test_other"}, "key"),
        ({"amount": 490_001}, "another amount"),
        ({"razorpay_order_id": "order_AAAAAAAAAAAAAA"}, "knows no order"),
    ],
)
async def test_what_razorpay_would_object_to_is_told(shop: Shop, change: dict[str, Any], words: str) -> None:
    shop.change = change
    said = await send(shop, "/checkout", CART)
    assert said.status == 502
    assert words in alert(said)


async def test_two_carts_behind_one_number_are_told(shop: Shop) -> None:
    await buy(shop)
    said = await send(shop, "/checkout", {**CART, "quantity:racket-garuda": "1"})
    assert said.status == 502
    assert "another cart" in alert(said)


@pytest.mark.parametrize(("act", "reason"), [("fail", "payment_failed"), ("cancel", "payment_cancelled")])
async def test_a_failed_payment_leaves_the_order_payable(shop: Shop, act: str, reason: str) -> None:
    page = await buy(shop)
    failed = await send(shop, page, {"act": act})
    assert shop.client is not None
    razorpay = shop.client.simulators.razorpay
    assert next(iter(razorpay.payments.values()))["error_reason"] == reason
    again = await get(shop, failed.headers["Location"])
    assert "can still be paid" in alert(again)
    assert (await send(shop, page, {"act": "upi"})).headers["Location"].startswith("/checkout/done/")
    assert [each["status"] for each in razorpay.payments.values()] == ["failed", "captured"]


async def test_a_late_payment_is_not_handed_to_the_shop(shop: Shop) -> None:
    late = await send(shop, await buy(shop), {"act": "late"})
    done = await get(shop, late.headers["Location"])
    assert "by webhook only" in done.text
    assert shop.handlers == []


async def test_who_pays_twice_gets_it_back(shop: Shop) -> None:
    page = await buy(shop)
    await send(shop, page, {"act": "upi"})
    assert "paid already" in (await get(shop, page)).text
    done = await get(shop, (await send(shop, page, {"act": "wallet"})).headers["Location"])
    assert "gave this payment back" in done.text
    assert shop.handlers == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", 7, None])
async def test_only_an_ordinary_address_becomes_a_link(shop: Shop, url: Any) -> None:
    shop.verified = {"track_url": url}
    done = await get(shop, (await send(shop, await buy(shop), {"act": "upi"})).headers["Location"])
    assert done.status == 200
    assert "Follow your order" not in done.text


async def test_a_payment_that_the_shop_does_not_confirm_can_be_asked_for_again(shop: Shop) -> None:
    shop.verified = {"verified": False}
    place = (await send(shop, await buy(shop), {"act": "upi"})).headers["Location"]
    assert "does not believe" in alert(await get(shop, place))
    shop.verified = {}
    assert "Follow your order" in (await get(shop, place)).text
    assert len(shop.handlers) == 2


async def test_what_is_not_there_has_a_page(shop: Shop) -> None:
    page = await buy(shop)
    assert (await get(shop, "/checkout/pay/order_none")).status == 404
    assert (await get(shop, "/checkout/done/pay_none")).status == 404
    assert (await send(shop, page, {"act": "barter"})).status == 400
    assert (await send(shop, page, b"\xff")).status == 400
    shop.goods = [{"id": "x"}]
    assert "cannot be read" in alert(await get(shop, "/checkout"))


async def test_a_shop_that_is_not_running_has_a_page(start: Start) -> None:
    client = await start(target="http://127.0.0.1:9")
    said = await client.call("GET", "/checkout")
    assert said.status == 503
    assert "Is it running?" in alert(said)


async def test_all_pages_of_a_larger_catalogue_are_shown(shop: Shop) -> None:
    shop.per_page = 1
    said = await get(shop, "/checkout")
    assert 'name="quantity:racket-garuda"' in said.text
    assert 'name="quantity:course-spin"' in said.text


async def test_an_empty_shop_says_so(shop: Shop) -> None:
    shop.goods = []
    assert "nothing for sale" in (await get(shop, "/checkout")).text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (100, "INR", "₹1.00"),
        (15_000_005, "INR", "₹1,50,000.05"),
        (1_234_567_890, "INR", "₹1,23,45,678.90"),
        (99_999, "INR", "₹999.99"),
        (1_000_00, "INR", "₹1,000.00"),
        (1500, "JPY", "¥1,500"),
        (1_234_560, "KWD", "KWD 1,234.560"),
        (150_000_00, "USD", "$150,000.00"),
    ],
)
def test_money_is_written_as_people_do(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


@pytest.mark.parametrize(
    ("typed", "phone"),
    [
        ("9876543210", "+919876543210"),
        ("09876543210", "+919876543210"),
        ("+91 98765 43210", "+919876543210"),
        ("1234567890", ""),
        ("+1 987 654 3210", ""),
        ("", ""),
    ],
)
def test_a_number_is_read_in_whatever_way_it_is_typed(typed: str, phone: str) -> None:
    assert e164(typed) == phone
