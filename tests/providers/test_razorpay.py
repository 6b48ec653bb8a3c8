"""Razorpay's interface: against the simulator for what is right, against scripted answers for what is not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Found, Unsure, act_of
from onpaid.domain.checkouts import CapturedPayment, CheckoutRef, RefundWanted
from onpaid.domain.money import Money
from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers.razorpay import Razorpay, Settings, key_mode
from onpaid.simulators import Served
from tests.providers.conftest import within
from tests.providers.scripted import Reply, reply, scripted
from tests.providers.till import AMOUNT, NUMBER, ORDER, PAYMENT, REFUND, WANTED, paid_for, till

NOTHING = Money(0, "INR")


class Shop:
    """A client and the account at the simulator that it works on."""

    def __init__(self, served: Served, lossy: Any) -> None:
        self.razorpay = till(served)
        self.account = served.simulators.razorpay
        self.lossy = lossy
        self.served = served

    async def captured(self, made: CheckoutRef, payment: dict[str, Any]) -> CapturedPayment:
        return await self.razorpay.fetch_captured(paid_for(made, payment))

    async def to_give_back(self) -> tuple[dict[str, Any], RefundWanted]:
        """A payment that was captured, and the wish to give it back."""
        payment = self.account.pay((await self.razorpay.create_checkout(WANTED)).checkout_id)
        return payment, RefundWanted(payment["id"], AMOUNT, "ship_paid_order:1/refund")


@pytest.fixture
async def shop(simulate: Any) -> AsyncIterator[Shop]:
    served = await simulate()
    made = Shop(served, simulate.losing[served.base])
    yield made
    await made.razorpay.close()


async def test_a_checkout_bears_our_number_and_is_found_by_it(shop: Shop) -> None:
    assert await shop.razorpay.find_checkout(WANTED) == Absent()
    made = await shop.razorpay.create_checkout(WANTED)
    assert (made.amount, made.receipt, made.status) == (AMOUNT, NUMBER, "created")
    assert await shop.razorpay.find_checkout(WANTED) == Found(made)
    (order,) = shop.account.orders.values()
    assert (order["receipt"], order["notes"]) == (NUMBER, {"onpaid_order": NUMBER})
    claim = act_of(shop.razorpay.create_checkout).claim
    assert claim is not None
    assert claim(made) == f"razorpay:{made.checkout_id}"


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_a_lost_answer_is_a_doubt_and_the_receipt_settles_it(shop: Shop, how: str) -> None:
    shop.lossy.lose = how
    with pytest.raises(Doubtful) as caught:
        await shop.razorpay.create_checkout(WANTED)
    assert caught.value.answered is (how == "503")
    shop.lossy.lose = None
    found = await shop.razorpay.find_checkout(WANTED)
    assert isinstance(found, Found)
    assert [found.value.checkout_id] == list(shop.account.orders)


async def test_two_orders_with_our_receipt_are_for_a_person(shop: Shop) -> None:
    for _ in range(2):
        await shop.razorpay.create_checkout(WANTED)
    found = await shop.razorpay.find_checkout(WANTED)
    assert isinstance(found, Unsure)
    assert found.final
    assert "2 orders" in found.why


async def test_an_order_over_another_amount_is_not_adopted(shop: Shop) -> None:
    await shop.razorpay.create_checkout(replace(WANTED, amount=Money(100, "INR")))
    found = await shop.razorpay.find_checkout(WANTED)
    assert isinstance(found, Unsure)
    assert found.final
    assert "INR 1.00" in found.why


async def test_a_paid_order_is_found_as_paid(shop: Shop) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    shop.account.pay(made.checkout_id)
    assert await shop.razorpay.find_checkout(WANTED) == Found(replace(made, status="paid"))


@pytest.mark.parametrize("method", ["upi", "card", "netbanking", "wallet"])
async def test_a_captured_payment_is_read_with_whose_it_is(shop: Shop, method: str) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    payment = shop.account.pay(made.checkout_id, method=method, late=method == "upi")
    assert await shop.captured(made, payment) == CapturedPayment(
        payment_id=payment["id"],
        checkout_id=made.checkout_id,
        amount=AMOUNT,
        captured=True,
        refunded=NOTHING,
        method=method,
        receipt=NUMBER,
        ours=True,
    )


async def test_money_that_went_back_is_seen(shop: Shop) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    payment = shop.account.pay(made.checkout_id)
    shop.account.refund(payment["id"], 50_000)
    part = await shop.captured(made, payment)
    assert (part.captured, part.refunded) == (True, Money(50_000, "INR"))
    shop.account.refund(payment["id"])
    whole = await shop.captured(made, payment)
    assert (whole.captured, whole.refunded) == (True, AMOUNT)


async def test_what_was_not_captured_is_not_taken_for_money(shop: Shop) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    failed = shop.account.fail(made.checkout_id)
    assert not (await shop.captured(made, failed)).captured
    authorised = shop.account.pay(made.checkout_id, capture=False)
    assert not (await shop.captured(made, authorised)).captured
    shop.account.capture(authorised["id"], AMOUNT.minor, "INR")
    assert (await shop.captured(made, authorised)).captured
    second = shop.account.pay(made.checkout_id)
    assert second["status"] == "refunded"
    assert not (await shop.captured(made, second)).captured


async def test_an_order_without_our_note_is_not_ours(shop: Shop) -> None:
    """Empty notes come as a list, and other people's orders have other notes."""
    for notes in ({}, {"page": "donations"}):
        given = {"amount": 5_000, "currency": "INR", "receipt": "R-1", "notes": notes}
        order = shop.account.create_order(given)
        assert isinstance(order["notes"], dict if notes else list)
        made = CheckoutRef(order["id"], Money(5_000, "INR"), "R-1")
        told = await shop.captured(made, shop.account.pay(order["id"]))
        assert (told.ours, told.receipt) == (False, "R-1")


async def test_a_payment_of_another_order_is_refused(shop: Shop) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    other = await shop.razorpay.create_checkout(replace(WANTED, number="2045861230418"))
    with pytest.raises(Refused, match="for another order"):
        await shop.captured(made, shop.account.pay(other.checkout_id))


@pytest.mark.parametrize("odd", ["", "pay_1/../orders", "pay 1", "pay_é"])
async def test_an_id_that_is_none_is_never_sent(odd: str) -> None:
    async with scripted() as server:
        razorpay = till(server)
        with pytest.raises(Refused, match="no id"):
            await razorpay.refund(RefundWanted(odd, AMOUNT, "r"))
        assert server.requests == []


async def test_a_refund_repeated_under_its_key_is_one_refund(shop: Shop) -> None:
    payment, wanted = await shop.to_give_back()
    assert await shop.razorpay.find_refund(wanted) == Absent()
    with within():
        first = await shop.razorpay.refund(wanted)
        again = await shop.razorpay.refund(wanted)
    assert (first.refund_id, first.amount) == (again.refund_id, AMOUNT)
    assert len(shop.account.refunds) == 1
    assert payment["amount_refunded"] == AMOUNT.minor
    found = await shop.razorpay.find_refund(wanted)
    assert isinstance(found, Found)
    assert found.value.refund_id == first.refund_id
    assert await shop.razorpay.find_refund(replace(wanted, reference="another")) == Absent()


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_a_refund_whose_answer_is_lost_is_found_and_not_made_twice(shop: Shop, how: str) -> None:
    _, wanted = await shop.to_give_back()
    with within():
        shop.lossy.lose = how
        with pytest.raises(Doubtful):
            await shop.razorpay.refund(wanted)
        shop.lossy.lose = None
        assert isinstance(await shop.razorpay.find_refund(wanted), Found)
        await shop.razorpay.refund(wanted)
    assert len(shop.account.refunds) == 1


async def test_a_refund_that_cannot_be_is_refused_in_razorpays_words(shop: Shop) -> None:
    payment, wanted = await shop.to_give_back()
    shop.account.refund(payment["id"])
    with pytest.raises(Refused, match="fully refunded already"):
        await shop.razorpay.refund(wanted)


async def test_a_refund_that_failed_is_none() -> None:
    """It moved no money: neither an answer nor a look takes it for one."""
    wanted = RefundWanted(PAYMENT["id"], AMOUNT, "r")
    async with scripted(reply(200, {**REFUND, "status": "failed"}), reply(200, {})) as server:
        razorpay = till(server)
        with pytest.raises(Refused, match="no money back"):
            await razorpay.refund(wanted)
        sent = server.requests[0].json()
        await razorpay.close()
    one = {**REFUND, "receipt": sent["receipt"]}
    failed = {**one, "id": "rfnd_2", "status": "failed"}
    pages = [[failed], [failed, one], [one, one], [REFUND] * 100]
    replies = [reply(200, {"count": len(page), "items": page}) for page in pages]
    async with scripted(*replies) as server:
        razorpay = till(server)
        assert await razorpay.find_refund(wanted) == Absent()
        assert isinstance(await razorpay.find_refund(wanted), Found)
        twice, full = await razorpay.find_refund(wanted), await razorpay.find_refund(wanted)
        assert isinstance(twice, Unsure)
        assert twice.final
        assert isinstance(full, Unsure)
        assert not full.final
        await razorpay.close()


async def test_a_full_page_without_our_receipt_proves_nothing() -> None:
    page = [{**ORDER, "receipt": "another"}] * 100
    async with scripted(reply(200, {"count": 100, "items": page})) as server:
        razorpay = till(server)
        assert isinstance(await razorpay.find_checkout(WANTED), Unsure)
        assert f"receipt={NUMBER}" in server.requests[0].target
        await razorpay.close()


@pytest.mark.parametrize("wrong", [{"key_secret": "other"}, {"key_id": "rzp_test_other"}])
async def test_wrong_keys_pause_the_lane_and_the_doctor_says_so(shop: Shop, wrong: dict[str, str]) -> None:
    razorpay = till(shop.served, **wrong)
    with pytest.raises(Unauthorised, match="Authentication failed"):
        await razorpay.create_checkout(WANTED)
    said = await razorpay.doctor()
    assert len(said) == 2
    assert "no webhook secret is set" in said[0]
    assert "Authentication failed" in said[1]
    assert shop.account.orders == {}
    await razorpay.close()


async def test_the_doctor_finds_nothing_where_all_is_well(shop: Shop) -> None:
    razorpay = till(shop.served, webhook_secrets=("secret",))
    razorpay.warm()
    assert await razorpay.doctor() == []
    await razorpay.close()


ERROR = {
    "error": {
        "code": "BAD_REQUEST_ERROR",
        "description": "The amount must be at least 100",
        "field": "amount",
    }
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(400, ERROR), Refused),
        (reply(409, ERROR), Doubtful),
        (reply(429, ERROR), Unavailable),
        (reply(502, b"<html>", content_type="text/html"), Doubtful),
        (reply(500), Doubtful),
        (reply(200, b"{"), Doubtful),
        (reply(200, {**ORDER, "amount": 1.5}), Doubtful),
        (reply(200, {**ORDER, "currency": "XYZ"}), Refused),
        (Reply(then="reset"), Doubtful),
    ],
)
async def test_what_an_answer_means(answer: Reply, expected: type[ProviderError]) -> None:
    async with scripted(answer) as server:
        razorpay = till(server)
        with pytest.raises(expected) as caught:
            await razorpay.create_checkout(WANTED)
        assert type(caught.value) is expected
        assert "rzp_secret_simulated" not in str(caught.value)
        assert server.requests[0].headers["authorization"].startswith("Basic ")
        await razorpay.close()


@pytest.mark.parametrize("changes", [{"amount": -1}, {"currency": "rupees"}, {"amount_refunded": -1}])
async def test_an_amount_that_cannot_be_read_stops_the_run(changes: dict[str, Any]) -> None:
    made = CheckoutRef(ORDER["id"], AMOUNT, NUMBER)
    async with scripted(reply(200, {**PAYMENT, **changes}), reply(200, ORDER)) as server:
        razorpay = till(server)
        with pytest.raises(Refused, match="cannot be read"):
            await razorpay.fetch_captured(paid_for(made, PAYMENT))
        await razorpay.close()


def test_the_pages_signature_is_the_one_of_the_vector() -> None:
    """The customer's page shows order, payment and signature; the order is taken from our own records."""
    razorpay = Razorpay(Settings(key_secret="demo_key_secret"))
    right = "7e6b1dfddbfac6a5e1ef6a65a79bb36f934ac60e140163938b81c05c0ed76193"
    order, payment = "order_TEST0000000001", "pay_TEST0000000001"
    assert razorpay.verify_page(order, payment, right)
    for wrong in ("", right[:-1], right.upper(), right + "0", "é" * 64, "\ud800", "0" * 10_000):
        assert not razorpay.verify_page(order, payment, wrong)
    assert not razorpay.verify_page("order_TEST0000000002", payment, right)
    assert not razorpay.verify_page(order, "pay_TEST0000000002", right)
    assert not razorpay.verify_page(order, "", right)
    assert not razorpay.verify_page("order_TEST0000000001|pay_TEST", "0000000001", right)
    assert not Razorpay(Settings()).verify_page(order, payment, right), "no key opens nothing"


async def test_what_checkout_hands_to_the_page_is_believed(shop: Shop) -> None:
    made = await shop.razorpay.create_checkout(WANTED)
    handed = shop.account.handler(shop.account.pay(made.checkout_id))
    paid, signed = handed["razorpay_payment_id"], handed["razorpay_signature"]
    assert shop.razorpay.verify_page(made.checkout_id, paid, signed)


def test_keys_tell_their_mode_and_are_not_shown() -> None:
    assert key_mode("rzp_live_1")
    assert not key_mode("rzp_test_1")
    shown = repr(Settings("rzp_test_1", "hidden-secret", ("hidden-webhook-secret",)))
    assert "hidden" not in shown


async def test_the_refunds_of_a_payment_are_told_as_their_webhooks_would(shop: Shop) -> None:
    payment, wanted = await shop.to_give_back()
    (listed,) = await shop.razorpay.payments_between(0, 4_000_000_000_000, 0)
    assert await shop.razorpay.refunds_of(listed) == ([], False)
    with within():
        made = await shop.razorpay.refund(wanted)
    (refund,) = shop.account.refunds.values()
    refund["status"] = "pending"
    assert await shop.razorpay.refunds_of(listed) == ([], True)
    assert await shop.razorpay.refunded_between(0, 4_000_000_000_000, 0) == [listed.charge_id]
    assert await shop.razorpay.refunded_between(0, 4_000_000_000_000, 1) == []
    assert await shop.razorpay.refunded_between(0, 1000, 0) == []
    refund["status"] = "processed"
    (listed,) = await shop.razorpay.payments_between(0, 4_000_000_000_000, 0)
    (change,), pending = await shop.razorpay.refunds_of(listed)
    assert (change.event, change.what, change.amount) == (made.refund_id, "refund.processed whole", AMOUNT)
    assert (change.payment_id, pending) == (payment["order_id"], False)
    told = shop.razorpay.told_by(listed)
    assert (told.payment_id, told.charge_id, told.amount) == (payment["order_id"], payment["id"], AMOUNT)
