"""The desk of sessions: what it takes, where it leads back to, and what a repeated request gets."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from onpaid.app.session_desk import READ_EVERY, SessionOpened, SessionSeen
from onpaid.app.session_request import read_session_request
from onpaid.domain.sessions import SessionChanged, User
from onpaid.engine.operations import Operations
from onpaid.errors import InvalidInput, NotPossible, Refused, SettingsError, Unavailable
from onpaid.repositories.session_requests import reference_of
from onpaid.settings import Settings
from tests.flows.kiosk import ACCOUNT, ADA, SHOP, Kiosk, asked, at_kiosk

# -- what is asked -----------------------------------------------------------------------------------------------

GOOD_URLS = [
    f"{SHOP}/thanks?session={{CHECKOUT_SESSION_ID}}",
    "https://SHOP.example:443/thanks#/done",
    "http://localhost:3000/thanks",
    "http://[::1]:3000/",
    "https://shop.example",
]
PAGES = (
    SHOP,
    "http://localhost:3000",
    "http://[::1]:3000",
    "https://shop.example:8443",
    "http://plain.example",
)


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_page_of_ours_is_led_back_to(url: str) -> None:
    assert read_session_request(asked(successUrl=url), PAGES).success_url == url


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/thanks",
        "https://shop.example.evil.example/",
        "https://evil.example/?https://shop.example",
        "https://shop.example@evil.example/",
        "https://shop.example:443@evil.example/",
        "https://user@shop.example/",
        "https://shop.example\\@evil.example/",
        "https://evil.example\\.shop.example/",
        "https:\\\\shop.example/",
        "https:/shop.example/",
        "https:shop.example",
        "//shop.example/",
        "/thanks",
        "https:///shop.example",
        " https://shop.example/",
        "https://shop.example/ ",
        "https://shop.example/\n",
        "ht\ntps://shop.example/",
        "https://shop.example\t.evil.example/",
        "https://shop.example./",
        "https://shop.example%2eevil.example/",
        "https://shop.example:8444/",
        "https://shop.example:0/",
        "https://shop.example:99999/",
        "https://shop.example:x/",
        "https://shøp.example/",
        "https://shop。example/",
        "http://shop.example/",
        "http://plain.example/",
        "javascript:alert(1)//shop.example",
        "data:text/html,shop.example",
        "ftp://shop.example/",
        "https://[::1/",
        "",
        f"{SHOP}/{'x' * 2000}",
    ],
)
@pytest.mark.parametrize("field", ["successUrl", "cancelUrl"])
def test_nobody_is_led_elsewhere(url: str, field: str) -> None:
    with pytest.raises(InvalidInput, match=field):
        read_session_request(asked(**{field: url}), PAGES)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("https://Shop.Example:443", "https://shop.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://xn--shp-2na.example:8443", "https://xn--shp-2na.example:8443"),
    ],
)
def test_pages_are_kept_as_browsers_name_them(given: str, known: str) -> None:
    for name in ("CHECKOUT_RETURN_ORIGINS", "CHECKOUT_ORIGINS"):
        assert Settings({name: given})[name] == (known,)
    assert read_session_request(asked(successUrl=f"{given}/", cancelUrl=known), (known,))


@pytest.mark.parametrize(
    "given",
    [
        "https://user@shop.example",
        "https://shop.example:99999",
        "https://shop.example:x",
        "https://shøp.example",
        "https://*.shop.example",
        "https://shop.example/",
        "https://[::1",
        "ftp://shop.example",
    ],
)
def test_what_no_page_could_ever_be_at_stops_the_start(given: str) -> None:
    """Else each request for a session would break on it, or be refused."""
    with pytest.raises(SettingsError, match="CHECKOUT_RETURN_ORIGINS"):
        Settings({"CHECKOUT_RETURN_ORIGINS": f"{SHOP} {given}"})


def test_without_allowed_pages_the_setting_is_named() -> None:
    with pytest.raises(InvalidInput, match="CHECKOUT_RETURN_ORIGINS"):
        read_session_request(asked(), ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"priceId": "a", "priceId": "b"}',
        asked(priceId=None),
        asked(priceId=""),
        asked(priceId=7),
        asked(priceId="x" * 256),
        asked(priceId=" course-1"),
        asked(priceId="course\n1"),
        asked(successUrl=None),
        asked(cancelUrl=None),
        asked(quantity=0),
        asked(quantity=1000),
        asked(quantity=True),
        asked(quantity=1.5),
        asked(quantity="2"),
        asked(amount=1),
        asked(price=1),
    ],
)
def test_a_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_session_request(body, (SHOP,))


# -- what is answered --------------------------------------------------------------------------------------------


def test_a_user_gets_a_page_and_later_learns_the_payment() -> None:
    async def story(kiosk: Kiosk) -> None:
        opened = await kiosk.ask(key="k", quantity=2)
        assert opened == SessionOpened("https://checkout.example/cs_1", None, "cus_1", "cs_1")
        ((draft, _),) = kiosk.box.sessions
        assert (draft.quantity, draft.user, draft.success_url) == (2, ADA, f"{SHOP}/thanks")
        desk = kiosk.desk
        assert await desk.session("cs_1", ADA) == SessionSeen("cs_1", "open", None, "cus_1", None)
        kiosk.box.pay("cs_1", "pi_7")
        assert await desk.session("cs_1", ADA) == SessionSeen("cs_1", "open", None, "cus_1", None)
        assert kiosk.box.calls["fetch_session"] == 1, "a page that asks again and again costs one reading"
        await kiosk.clock.sleep(READ_EVERY / 1000)
        assert await desk.session("cs_1", ADA) == SessionSeen("cs_1", "paid", "pi_7", "cus_1", None)

    at_kiosk(story)


def test_nobody_sees_another_users_session() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        assert await kiosk.desk.session("cs_1", User("u-2")) is None
        assert await kiosk.desk.session("cs_2", ADA) is None
        assert kiosk.box.calls["fetch_session"] == 0

    at_kiosk(story)


def test_a_session_that_ended_is_not_read_again() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        over = SessionChanged(ACCOUNT, "cs_1", "expired", 1, 2)
        await kiosk.store.commit(await kiosk.sessions.receive(over, 3))
        seen = await kiosk.desk.session("cs_1", ADA)
        assert seen is not None
        assert (seen.state, kiosk.box.calls["fetch_session"]) == ("expired", 0)

    at_kiosk(story)


@pytest.mark.parametrize("fate", ["429", "reset", "refuse"])
def test_what_we_know_is_answered_while_nobody_can_be_asked(fate: str) -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        assert await kiosk.desk.session("cs_1", ADA) == SessionSeen("cs_1", "open", None, "cus_1", None)

    at_kiosk(story, fates={"fetch_session": [fate]})


def test_while_the_lane_is_paused_only_what_we_know_is_told() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        await Operations(kiosk.process.engine).pause("till", "it is being maintained")
        assert await kiosk.desk.session("cs_1", ADA) == SessionSeen("cs_1", "open", None, "cus_1", None)
        assert kiosk.box.calls["fetch_session"] == 0

    at_kiosk(story)


def test_the_same_key_gets_the_same_session_also_after_a_restart() -> None:
    async def story(kiosk: Kiosk) -> None:
        opened = await kiosk.ask(key="click 1")
        assert await kiosk.ask(key="click 1") == opened
        await kiosk.process.kill()
        restarted = Kiosk(kiosk.box, kiosk.store)
        await restarted.process.engine.open()
        assert await restarted.ask(key="click 1") == opened
        assert len(kiosk.box.sessions) == 1

    at_kiosk(story)


def test_the_same_key_with_another_body_is_refused() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask(key="click 1")
        for changed in ({"quantity": 2}, {"cancelUrl": f"{SHOP}/"}, {"priceId": "club-monthly"}):
            with pytest.raises(NotPossible, match="Idempotency-Key"):
                await kiosk.ask(key="click 1", **changed)  # type: ignore[arg-type]
        assert len(kiosk.box.sessions) == 1

    at_kiosk(story)


def test_a_key_is_its_users_own() -> None:
    async def story(kiosk: Kiosk) -> None:
        mine, theirs = await kiosk.ask("u-1", "click 1"), await kiosk.ask("u-2", "click 1")
        assert (mine.session_id, mine.customer_id) != (theirs.session_id, theirs.customer_id)

    at_kiosk(story)
    assert reference_of("a", "bc") != reference_of("ab", "c")


@pytest.mark.parametrize("key", ["k" * 201, "å", "a\nb"])
def test_an_odd_key_is_refused(key: str) -> None:
    async def story(kiosk: Kiosk) -> None:
        with pytest.raises(InvalidInput, match="Idempotency-Key"):
            await kiosk.ask(key=key)

    at_kiosk(story)


def test_without_a_key_each_request_is_a_session_also_with_dice_that_fall_alike() -> None:
    async def story(kiosk: Kiosk) -> None:
        first = await kiosk.ask()
        restarted = Kiosk(kiosk.box, kiosk.store)
        await restarted.process.engine.open()
        second = await restarted.ask()
        assert first.session_id != second.session_id
        assert first.customer_id == second.customer_id

    at_kiosk(story)


def test_a_hundred_requests_at_once_are_a_hundred_sessions_of_one_customer() -> None:
    async def story(kiosk: Kiosk) -> None:
        asks = [kiosk.ask(key=f"click {number}") for number in range(100)]
        found = await asyncio.gather(*asks, return_exceptions=True)
        assert all(isinstance(each, (SessionOpened, Unavailable)) for each in found)
        await kiosk.rest()
        again = [await kiosk.ask(key=f"click {number}") for number in range(100)]
        assert len({each.session_id for each in again}) == len(kiosk.box.sessions) == 100
        assert {each.customer_id for each in again} == {"cus_1"} == set(kiosk.box.living(ADA.id))

    at_kiosk(story)


def test_a_hundred_clicks_at_once_with_one_key_are_one_session() -> None:
    async def story(kiosk: Kiosk) -> None:
        found = await asyncio.gather(*(kiosk.ask(key="click 1") for _ in range(100)))
        assert len(set(found)) == len(kiosk.box.sessions) == 1

    at_kiosk(story)


@pytest.mark.parametrize("fate", ["lost reply", "late", "reset", "503 after", "slow"])
def test_a_repeated_request_gets_the_session_whatever_became_of_the_call(fate: str) -> None:
    async def story(kiosk: Kiosk) -> None:
        found = await asyncio.gather(*(kiosk.ask(key="k") for _ in range(5)), return_exceptions=True)
        assert all(isinstance(each, (SessionOpened, Unavailable)) for each in found)
        await kiosk.rest()
        assert (await kiosk.ask(key="k")).session_id == "cs_1"
        assert len(kiosk.box.sessions) == len(kiosk.box.living(ADA.id)) == 1

    at_kiosk(story, fates={"create_session": [fate], "create_customer": [fate]})


def test_what_was_refused_is_told_as_refused_and_a_person_is_told() -> None:
    async def story(kiosk: Kiosk) -> None:
        with pytest.raises(Refused, match="told why"):
            await kiosk.ask(key="k")

    at_kiosk(story, fates={"create_session": ["refuse"]})


def test_a_user_whose_customer_was_refused_is_told_so_and_can_pay_once_a_person_gave_it_up() -> None:
    async def story(kiosk: Kiosk) -> None:
        with pytest.raises(Refused, match="told why"):
            await kiosk.ask(key="k")
        with pytest.raises(Refused, match="same Idempotency-Key"):
            await kiosk.ask(User("u-1", "member", "better@example.org"), key="l")
        await Operations(kiosk.process.engine).cancel("file_customer:u-1#1", by="the operator")
        await kiosk.rest()
        assert (await kiosk.ask(key="k")).customer_id == (await kiosk.ask(key="l")).customer_id
        record = await kiosk.customers.of_user("u-1")
        assert record is not None
        assert (record.customer_id, record.generation, len(kiosk.box.customers_made)) == ("cus_1", 2, 1)

    at_kiosk(story, fates={"create_customer": ["refuse"]})


@pytest.mark.parametrize("price", ["nothing", "course-0", "price_9"])
def test_what_is_not_for_sale_starts_nothing(price: str) -> None:
    async def story(kiosk: Kiosk) -> None:
        with pytest.raises(InvalidInput, match="no price"):
            await kiosk.ask(key="k", priceId=price)
        assert await kiosk.store.count("run", "state", "done") == 0
        assert (await kiosk.ask(key="k")).session_id == "cs_1", "a key that was refused is not spent"

    at_kiosk(story)


def test_stripes_own_id_of_a_price_that_we_filed_is_taken() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        await kiosk.ask(priceId=kiosk.box.prices[0].price_id)
        assert {draft.price_id for draft, _ in kiosk.box.sessions} == {"price_1"}
        assert len(kiosk.box.prices) == 1

    at_kiosk(story)


def test_a_deleted_customer_is_replaced_with_a_record_of_why() -> None:
    async def story(kiosk: Kiosk) -> None:
        await kiosk.ask()
        kiosk.box.deleted.add("cus_1")
        await kiosk.clock.sleep(timedelta(days=1).total_seconds())
        opened: Any = await kiosk.ask()
        assert opened.customer_id == "cus_2"
        record = await kiosk.customers.of_user(ADA.id)
        assert record is not None
        assert [(each.customer_id, each.why) for each in record.replaced] == [
            ("cus_1", "it was deleted at Stripe")
        ]
        assert await kiosk.customers.user_of("cus_1") == await kiosk.customers.user_of("cus_2") == ADA.id

    at_kiosk(story)
