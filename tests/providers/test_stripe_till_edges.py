"""The till over scripted answers: what is sent to the letter, lists of several pages, and each way to end."""

import hashlib
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from msgspec.structs import replace

from onpaid.acts import Found, Unsure, current_call
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.domain.sessions import CustomerWanted, SessionDetails, User
from onpaid.errors import Doubtful, ProviderError, Refused, Unauthorised, Unavailable
from onpaid.providers import stripe_sdk
from onpaid.providers.stripe import Settings, Stripe
from onpaid.providers.stripe_till import StripeTill
from tests.providers.conftest import within
from tests.providers.sales_samples import (
    CUSTOMER_TOLD,
    KEY,
    LINE,
    MONTHLY,
    ONCE,
    PRICE_TOLD,
    PRODUCT_TOLD,
    SESSION,
    SUBSCRIPTION,
    WANTED,
    draft,
    item,
    listed,
    till_at,
)
from tests.providers.samples import SECONDS
from tests.providers.scripted import Reply, closed_port, reply, scripted


def form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))


# -- what is sent ------------------------------------------------------------------------------------------------


async def test_what_a_session_is_asked_for() -> None:
    async with scripted(reply(200, SESSION), reply(200, SESSION)) as server:
        till = till_at(server.base)
        await till.create_session(draft())
        await till.create_session(draft(recurring=True, quantity=3))
        once, monthly = (form(request.body) for request in server.requests)
        assert once == {
            "mode": "payment",
            "line_items[0][price]": "price_1",
            "line_items[0][quantity]": "1",
            "success_url": "https://shop.example/thanks?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://shop.example/cart",
            "customer": "cus_1",
            "client_reference_id": "ref-1",
            "metadata[userId]": "user-1",
            "metadata[onpaid_reference]": "ref-1",
            "payment_intent_data[metadata][userId]": "user-1",
            "payment_intent_data[metadata][onpaid_reference]": "ref-1",
        }
        assert (monthly["mode"], monthly["line_items[0][quantity]"]) == ("subscription", "3")
        assert monthly["subscription_data[metadata][onpaid_reference]"] == "ref-1"
        assert not any(name.startswith("payment_") for name in monthly)
        await till.close()


async def test_what_a_price_is_asked_for() -> None:
    async with scripted(reply(200, PRICE_TOLD)) as server:
        till = till_at(server.base)
        await till.create_price(MONTHLY)
        assert form(server.requests[0].body) == {
            "product": "prod_club",
            "currency": "nok",
            "unit_amount": "9900",
            "lookup_key": "club",
            "transfer_lookup_key": "true",
            "tax_behavior": "exclusive",
            "metadata[onpaid_price]": "club",
            "recurring[interval]": "month",
            "recurring[interval_count]": "3",
        }
        await till.close()


async def test_keys_are_the_engines_and_hold_no_name() -> None:
    """Of class key only: an error is kept under a key for a day, and the other acts could not get past it."""
    answers = [reply(200, each) for each in (CUSTOMER_TOLD, CUSTOMER_TOLD, PRODUCT_TOLD, PRICE_TOLD)]
    async with scripted(answers, reply(200, CUSTOMER_TOLD)) as server:
        till = till_at(server.base)
        with within() as call:
            await till.create_customer(WANTED)
            current_call.set(
                type(call)("file_customer:kari@example.org/x", call.send_by, 5.0, call.monotonic)
            )
            await till.create_customer(WANTED)
            await till.create_product(ONCE)
            await till.archive_price("price_1")
        await till.create_customer(WANTED)
        sent = [request.headers.get("idempotency-key") for request in server.requests]
        assert sent[:2] == [
            "onpaid-" + hashlib.sha256(name).hexdigest()
            for name in (b"key", b"file_customer:kari@example.org/x")
        ]
        assert sent[2:] == [None, None, None], "the SDK made up a key of its own"
        await till.close()


async def test_bodies_are_the_same_each_time() -> None:
    async with scripted([reply(200, SESSION)] * 2) as server:
        till = till_at(server.base)
        for _ in range(2):
            await till.create_session(draft())
        assert server.requests[0].body == server.requests[1].body
        await till.close()


async def test_source_and_till_share_one_way_out() -> None:
    async with scripted(reply(200, CUSTOMER_TOLD), reply(200, CUSTOMER_TOLD)) as server:
        source = Stripe(Settings(api_key=KEY, api_base=server.base))
        till = StripeTill(source.sdk)
        await source.fetch_customer("cus_1")
        await till.fetch_customer_ref("cus_1")
        assert server.connections == 1
        assert [lane.name for lane in (*Stripe.lanes, *StripeTill.lanes)] == ["stripe", "stripe"]
        await till.close()
        await source.close()


# -- lists of several pages --------------------------------------------------------------------------------------


async def test_lines_come_whole() -> None:
    pages = [[{**LINE, "id": f"li_{page}{at}"} for at in range(3)] for page in range(3)]
    answers = [reply(200, listed(*lines, more=at < 2)) for at, lines in enumerate(pages)]
    async with scripted(answers) as server:
        till = till_at(server.base)
        lines = await till.session_lines("cs_test_a1")
        assert [line.id for line in lines] == [line["id"] for page in pages for line in page]
        asked = [parse_qs(request.target.partition("?")[2]) for request in server.requests]
        assert [each.get("starting_after") for each in asked] == [None, ["li_02"], ["li_12"]]
        assert all(
            request.target.startswith("/v1/checkout/sessions/cs_test_a1/line_items?")
            for request in server.requests
        )
        await till.close()


async def test_a_line_without_price_or_words() -> None:
    bare = {**LINE, "price": None, "quantity": None, "description": " "}
    async with scripted(reply(200, listed(bare, {**LINE, "description": None}))) as server:
        till = till_at(server.base)
        first, second = await till.session_lines("cs_test_a1")
        assert (first.name, first.quantity, first.price_id) == ("", 1, "")
        assert second.name == "book"
        await till.close()


async def test_a_list_that_does_not_end_proves_nothing() -> None:
    stranger = {**CUSTOMER_TOLD, "metadata": {}}
    endless = reply(200, listed(stranger, more=True))
    async with scripted([endless] * stripe_sdk.MOST_PAGES) as server:
        till = till_at(server.base)
        found = await till.find_customer(CustomerWanted(User("user-1")))
        assert isinstance(found, Unsure)
        assert not found.final
        assert len(server.requests) == stripe_sdk.MOST_PAGES
        await till.close()


async def test_a_session_is_found_on_the_last_page() -> None:
    others = listed(
        {**SESSION, "id": "cs_2", "metadata": {}}, {**SESSION, "id": "cs_3", "metadata": None}, more=True
    )
    async with scripted(reply(200, others), reply(200, listed(SESSION))) as server:
        till = till_at(server.base)
        found = await till.find_session(draft())
        assert isinstance(found, Found)
        assert found.value.session_id == "cs_test_a1"
        assert found.value.url == ""
        await till.close()


async def test_two_sessions_with_our_reference_are_for_a_person() -> None:
    async with scripted(reply(200, listed(SESSION, {**SESSION, "id": "cs_2"}))) as server:
        till = till_at(server.base)
        found = await till.find_session(draft())
        assert isinstance(found, Unsure)
        assert found.final
        await till.close()


async def test_a_subscription_with_many_items_is_read_whole() -> None:
    short = {**SUBSCRIPTION, "items": {"data": [item(1)], "has_more": True}}
    async with scripted(reply(200, short), reply(200, listed(item(1), item(2), item(3)))) as server:
        till = till_at(server.base)
        told = await till.fetch_subscription("sub_1")
        assert told.prices == ("price_1", "price_2", "price_3")
        assert server.requests[1].target.startswith("/v1/subscription_items?subscription=sub_1")
        await till.close()


# -- what is read ------------------------------------------------------------------------------------------------


async def test_a_session_in_full() -> None:
    async with scripted(reply(200, SESSION)) as server:
        till = till_at(server.base)
        assert await till.fetch_session("cs_test_a1") == SessionDetails(
            session_id="cs_test_a1",
            mode="payment",
            status="complete",
            payment_status="paid",
            created_at=(SECONDS - 60) * 1000,
            live=False,
            total=Money(39_800, "NOK"),
            payment_id="pi_1",
            customer_id="cus_1",
            customer=Customer(
                id="cus_1",
                name="Kari Nordmann",
                email="kari@example.org",
                address=Address(postal_code="0155", city="Oslo", country="NO"),
            ),
            user="user-1",
            reference="ref-1",
        )
        await till.close()


async def test_a_session_of_a_guest_and_of_nothing_to_pay() -> None:
    bare = {**SESSION, "customer": None, "customer_details": None, "metadata": None, "amount_total": None}
    async with scripted(reply(200, {**bare, "mode": "setup", "currency": None})) as server:
        till = till_at(server.base)
        told = await till.fetch_session("cs_test_a1")
        assert (told.total, told.customer, told.customer_id, told.user) == (None, None, None, "")
        await till.close()


async def test_a_session_that_cannot_be_read_stops_no_list() -> None:
    odd = {**SESSION, "id": "cs_odd", "currency": "zzz"}
    async with scripted(reply(200, listed(odd, SESSION)), reply(200, odd)) as server:
        till = till_at(server.base)
        page, _ = await till.sessions_created(1_000_999, 2_000_999)
        assert [(each.session_id, each.total) for each in page] == [
            ("cs_odd", None),
            ("cs_test_a1", Money(39_800, "NOK")),
        ]
        asked = dict(parse_qsl(server.requests[0].target.partition("?")[2]))
        assert asked == {
            "created[gte]": "1000",
            "created[lte]": "2000",
            "expand[0]": "data.payment_intent.latest_charge",
            "limit": "100",
        }
        with pytest.raises(Refused, match="cs_odd cannot be read"):
            await till.fetch_session("cs_odd")
        await till.close()


@pytest.mark.parametrize(
    ("payment", "refunded"),
    [
        ("pi_1", None),
        ({"id": "pi_1", "latest_charge": "ch_1"}, None),
        ({"id": "pi_1", "latest_charge": None}, None),
        ({"id": "pi_1", "latest_charge": {"id": "ch_1", "amount_refunded": 400}}, 400),
    ],
)
async def test_what_went_back_of_a_session_is_told_where_it_was_expanded(payment: Any, refunded: int) -> None:
    told = {**SESSION, "payment_intent": payment}
    odd = {**told, "id": "cs_odd", "currency": "zzz"}
    async with scripted(reply(200, listed(told, odd))) as server:
        till = till_at(server.base)
        (first, second), _ = await till.sessions_created(0, 1)
        assert (first.payment_id, first.refunded) == ("pi_1", refunded)
        assert (second.session_id, second.total, second.refunded) == ("cs_odd", None, None)
        await till.close()


async def test_a_subscription_in_full() -> None:
    async with scripted(
        reply(200, SUBSCRIPTION), reply(200, {**SUBSCRIPTION, "pause_collection": {}})
    ) as server:
        till = till_at(server.base)
        told = await till.fetch_subscription("sub_1")
        assert told.period_end == (SECONDS + 86_400) * 1000
        assert (told.quantities, told.products) == ((2, 1), ("prod_2", "prod_1"))
        assert (told.cancel_at, told.canceled_at, told.ended_at, told.trial_end) == (
            (SECONDS + 5) * 1000,
            SECONDS * 1000,
            0,
            0,
        )
        assert (told.reason, told.cancel_at_period_end, told.paused) == (
            "cancellation_requested",
            True,
            False,
        )
        assert (await till.fetch_subscription("sub_1")).paused
        await till.close()


async def test_a_price_made_by_hand_is_not_taken_for_ours() -> None:
    tiers = {**PRICE_TOLD, "unit_amount": None}
    unsaid = {**PRICE_TOLD, "tax_behavior": "exclusive"}
    elsewhere = {**PRICE_TOLD, "product": "prod_else"}
    monthly = {**PRICE_TOLD, "recurring": {"interval": "month", "interval_count": 1}}
    answers = [reply(200, listed(each)) for each in (tiers, unsaid, elsewhere, monthly)]
    async with scripted(
        answers, reply(200, PRODUCT_TOLD), reply(200, listed(tiers)), reply(200, listed())
    ) as server:
        till = till_at(server.base)
        for _ in answers:
            assert not isinstance(await till.find_price(ONCE), Found)
        with pytest.raises(Refused, match="no single amount"):
            await till.prices_of(ONCE)
        await till.close()


# -- how calls end -----------------------------------------------------------------------------------------------


def refusal(code: str | None = None, kind: str = "invalid_request_error") -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": "No."}}


OUTCOMES: dict[str, tuple[Reply | None, type[ProviderError], bool]] = {
    "a bad parameter": (reply(400, refusal("parameter_unknown")), Refused, False),
    "a key used for another body": (reply(400, refusal(kind="idempotency_error")), Doubtful, True),
    "a key under way": (reply(409, refusal("idempotency_key_in_use")), Doubtful, False),
    "another conflict": (reply(409, refusal()), Doubtful, True),
    "no such customer": (reply(400, refusal("resource_missing")), Refused, False),
    "nothing there": (reply(404, refusal("resource_missing")), Refused, False),
    "a page that is none": (reply(404, b"<html>"), Refused, False),
    "a key that may not": (reply(403, refusal()), Unauthorised, False),
    "too many": (reply(429, refusal("rate_limit")), Unavailable, False),
    "a lock": (reply(429, refusal("lock_timeout")), Doubtful, True),
    "a fault": (reply(500, refusal(kind="api_error")), Doubtful, True),
    "a success that is none": (reply(200, {"object": "checkout.session"}), Doubtful, True),
    "cut off": (Reply(then="reset"), Doubtful, False),
    "nobody there": (None, Unavailable, False),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_each_ending_of_a_write_means_one_thing(name: str) -> None:
    answer, expected, answered = OUTCOMES[name]
    async with scripted(*([answer] if answer else [])) as server:
        till = till_at(server.base if answer else f"http://127.0.0.1:{closed_port()}")
        with within(), pytest.raises(expected) as caught:
            await till.create_session(draft())
        assert type(caught.value) is expected
        assert getattr(caught.value, "answered", False) is answered
        assert KEY not in str(caught.value)
        await till.close()


async def test_a_product_that_is_refused_for_another_reason() -> None:
    async with scripted(
        reply(400, refusal("parameter_invalid_empty")), reply(404, refusal("resource_missing"))
    ) as server:
        till = till_at(server.base)
        with pytest.raises(Refused, match="400"):
            await till.create_product(ONCE)
        await till.close()


async def test_a_product_is_not_asked_for_with_a_key_that_may_not() -> None:
    async with scripted(reply(403, refusal())) as server:
        till = till_at(server.base)
        with pytest.raises(Unauthorised):
            await till.create_product(ONCE)
        assert len(server.requests) == 1
        await till.close()


@pytest.mark.parametrize("ident", ["", "..", "cus/../x", "cus_x?expand=y", "cus x", "cus_ø", "c" * 256])
async def test_ids_that_are_none_are_not_asked_for(ident: str) -> None:
    async with scripted() as server:
        till = till_at(server.base)
        acts: list[Any] = [till.fetch_customer_ref, till.fetch_session, till.session_lines]
        acts += [till.fetch_subscription, till.archive_price]
        for act in acts:
            with pytest.raises(Refused, match="no id"):
                await act(ident)
        with pytest.raises(Refused, match="no id"):
            await till.create_product(replace(ONCE, product=ident))
        with pytest.raises(Refused, match="no id"):
            await till.find_session(draft(ident))
        assert server.requests == []
        await till.close()


async def test_a_restricted_key_is_told_by_the_doctor() -> None:
    answers = [reply(200, listed()), reply(403, refusal()), *[reply(200, listed())] * 5]
    async with scripted(answers) as server:
        till = till_at(server.base)
        (sentence,) = await till.doctor()
        assert sentence.startswith("Stripe: products cannot be read")
        await till.close()
