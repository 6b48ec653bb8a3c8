"""The till over the simulator, which refuses what Stripe would: what is made is found again, and made once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Found, Unsure, act_of
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer
from onpaid.domain.sessions import CustomerRef, CustomerWanted, User
from onpaid.errors import Doubtful, Refused
from onpaid.providers.stripe_till import StripeTill
from onpaid.simulators import Served
from tests.providers.conftest import within
from tests.providers.sales_samples import MONTHLY, ONCE, USER, WANTED, draft, till_at
from tests.providers.samples import NOW


class Shop:
    """A till and the Stripe behind it, with a way to lose its answers."""

    def __init__(self, served: Served, lossy: Any) -> None:
        self.till: StripeTill = till_at(served.stripe_base)
        self.stripe, self.sales = served.simulators.stripe, served.simulators.sales
        self._lossy = lossy

    async def lost(self, act: Any, wanted: Any, how: str) -> None:
        """The act happens, and nobody hears of it."""
        self._lossy.lose = how
        with pytest.raises(Doubtful) as caught:
            await act(wanted)
        assert caught.value.answered is (how == "503")
        self._lossy.lose = None

    async def ready(self) -> tuple[str, str]:
        """A customer and a one-off price."""
        with within():
            customer = await self.till.create_customer(WANTED)
        await self.till.create_product(ONCE)
        return customer.customer_id, (await self.till.create_price(ONCE)).price_id


@pytest.fixture
async def shop(simulate: Callable[..., Any]) -> AsyncIterator[Shop]:
    served: Served = await simulate()
    made = Shop(served, simulate.losing[served.base])  # type: ignore[attr-defined]
    yield made
    await made.till.close()


# -- customers ---------------------------------------------------------------------------------------------------


async def test_a_customer_bears_the_user_and_is_found_by_them(shop: Shop) -> None:
    assert await shop.till.find_customer(WANTED) == Absent()
    made = await shop.till.create_customer(WANTED)
    assert made == CustomerRef(made.customer_id, USER.email, USER.id)
    assert await shop.till.find_customer(WANTED) == Found(made)
    assert await shop.till.fetch_customer_ref(made.customer_id) == made
    kept = shop.stripe.customers[made.customer_id]
    assert kept["metadata"] == {"userId": "user-1", "onpaidGeneration": "1"}


async def test_a_look_for_a_customer_takes_no_stranger(shop: Shop) -> None:
    """Neither another user with the same address, nor the user's customer of another generation."""
    await shop.till.create_customer(CustomerWanted(replace(USER, id="user-2")))
    await shop.till.create_customer(replace(WANTED, generation=2))
    shop.stripe.add_customer({"email": USER.email, "metadata": {"userId": USER.id}})
    shop.stripe.add_customer({"email": USER.email, "metadata": {"userId": "USER-1", "onpaidGeneration": "1"}})
    assert await shop.till.find_customer(WANTED) == Absent()


async def test_a_user_without_an_address_is_looked_for_by_time(shop: Shop) -> None:
    wanted = CustomerWanted(User("user-9"))
    made = await shop.till.create_customer(wanted)
    assert made.email == ""
    assert await shop.till.find_customer(wanted) == Found(made)
    created = shop.stripe.customers[made.customer_id]["created"] * 1000
    assert await shop.till.find_customer(replace(wanted, wanted_at=created + 3_600_000)) == Found(made)
    assert await shop.till.find_customer(replace(wanted, wanted_at=created + 3 * 86_400_000)) == Absent()


async def test_two_customers_are_for_a_person(shop: Shop) -> None:
    await shop.till.create_customer(WANTED)
    with within():
        await shop.till.create_customer(WANTED)
    found = await shop.till.find_customer(WANTED)
    assert isinstance(found, Unsure)
    assert found.final
    assert "2 customers" in found.why


async def test_a_deleted_customer_is_told_and_never_found(shop: Shop) -> None:
    made = await shop.till.create_customer(WANTED)
    shop.stripe.customers[made.customer_id] = {"id": made.customer_id, "object": "customer", "deleted": True}
    assert await shop.till.fetch_customer_ref(made.customer_id) == CustomerRef(made.customer_id, deleted=True)
    assert await shop.till.find_customer(WANTED) == Absent()
    with pytest.raises(Refused) as caught:
        await shop.till.fetch_customer_ref("cus_never")
    assert type(caught.value) is Refused


# -- products and prices -----------------------------------------------------------------------------------------


async def test_a_product_is_made_once_whoever_comes_second(shop: Shop) -> None:
    assert await shop.till.find_product(ONCE) == Absent()
    made = await shop.till.create_product(ONCE)
    assert (made.product_id, made.name, made.active) == ("prod_book", "A book", True)
    assert await shop.till.create_product(replace(ONCE, product_name="A book, renamed")) == made
    assert await shop.till.find_product(ONCE) == Found(made)


async def test_a_price_is_filed_under_our_name(shop: Shop) -> None:
    for price in (ONCE, MONTHLY):
        assert await shop.till.prices_of(price) == []
        await shop.till.create_product(price)
        assert await shop.till.find_price(price) == Absent()
        made = await shop.till.create_price(price)
        assert (made.amount, made.recurring, made.lookup_key) == (price.amount, price.recurring, price.id)
        assert made.tax_behavior == ("inclusive" if price.tax_included else "exclusive")
        assert made.sells(price)
        assert await shop.till.find_price(price) == Found(made)
        assert await shop.till.prices_of(price) == [made]


async def test_a_changed_price_takes_the_name_over_and_the_old_one_is_still_known(shop: Shop) -> None:
    await shop.till.create_product(ONCE)
    old = await shop.till.create_price(ONCE)
    dearer = replace(ONCE, amount=Money(24_900, "NOK"))
    assert await shop.till.find_price(dearer) == Absent()
    new = await shop.till.create_price(dearer)
    assert await shop.till.find_price(dearer) == Found(new)
    assert await shop.till.find_price(ONCE) == Absent()
    there = {each.price_id: each.lookup_key for each in await shop.till.prices_of(dearer)}
    assert there == {old.price_id: "", new.price_id: "book"}
    for _ in range(2):
        assert (await shop.till.archive_price(old.price_id)).active is False
    assert [each.price_id for each in await shop.till.prices_of(dearer)] == [new.price_id]


async def test_other_prices_of_the_product_are_left_alone(shop: Shop) -> None:
    await shop.till.create_product(ONCE)
    await shop.till.create_price(replace(ONCE, id="book-for-members"))
    assert await shop.till.prices_of(ONCE) == []


# -- sessions ----------------------------------------------------------------------------------------------------


async def test_a_session_is_opened_and_found_by_our_reference(shop: Shop) -> None:
    customer, price = await shop.ready()
    wanted = draft(customer, price, quantity=2)
    assert await shop.till.find_session(wanted) == Absent()
    made = await shop.till.create_session(wanted)
    assert made.session_id in made.url
    assert (made.customer_id, made.payment_id) == (customer, None)
    await shop.till.create_session(replace(wanted, reference="ref-2"))
    assert await shop.till.find_session(wanted) == Found(made)
    told = await shop.till.fetch_session(made.session_id)
    assert (told.state, told.user, told.reference) == ("open", USER.id, "ref-1")
    assert told.total == Money(39_800, "NOK")
    assert told.live is False


async def test_a_paid_session_with_its_lines(shop: Shop) -> None:
    customer, price = await shop.ready()
    made = await shop.till.create_session(draft(customer, price, quantity=2))
    shop.sales.complete_session(made.session_id)
    told = await shop.till.fetch_session(made.session_id)
    assert (told.state, told.payment_status, told.mode) == ("paid", "paid", "payment")
    assert told.payment_id in shop.stripe.intents
    assert isinstance(told.customer, Customer)
    assert told.customer.id == customer
    (line,) = await shop.till.session_lines(made.session_id)
    assert (line.quantity, line.total, line.currency) == (2, 39_800, "NOK")
    assert (line.price_id, line.product_id, line.lookup_key) == (price, "prod_book", "book")
    assert shop.stripe.intents[told.payment_id]["metadata"] == {
        "userId": "user-1",
        "onpaid_reference": "ref-1",
    }


async def test_a_subscription_is_read_as_it_is(shop: Shop) -> None:
    customer = (await shop.till.create_customer(WANTED)).customer_id
    await shop.till.create_product(MONTHLY)
    price = (await shop.till.create_price(MONTHLY)).price_id
    made = await shop.till.create_session(draft(customer, price, recurring=True))
    shop.sales.complete_session(made.session_id)
    session = await shop.till.fetch_session(made.session_id)
    assert session.subscription_id
    told = await shop.till.fetch_subscription(session.subscription_id)
    assert (told.status, told.customer_id, told.user) == ("active", customer, USER.id)
    assert (told.prices, told.products, told.quantities) == ((price,), ("prod_club",), (1,))
    assert told.period_end > told.created_at


async def test_sessions_are_listed_by_the_page_and_by_time(shop: Shop) -> None:
    customer, price = await shop.ready()
    made = []
    for number in range(130):
        opened = await shop.till.create_session(draft(customer, price, reference=f"r-{number}"))
        made.append(opened.session_id)
    first, more = await shop.till.sessions_created(0, 4 * NOW)
    assert len(first) == 100
    assert more is not None
    rest, end = await shop.till.sessions_created(0, 4 * NOW, after=more)
    assert end is None
    assert {each.session_id for each in first + rest} == set(made)
    assert await shop.till.sessions_created(3 * NOW, 4 * NOW) == ([], None)


# -- lost answers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_rule_06_what_was_lost_is_found_and_is_there_once(shop: Shop, how: str) -> None:
    till = shop.till
    await shop.lost(till.create_customer, WANTED, how)
    customer = await till.find_customer(WANTED)
    assert isinstance(customer, Found)
    await shop.lost(till.create_product, ONCE, how)
    assert isinstance(await till.find_product(ONCE), Found)
    await shop.lost(till.create_price, ONCE, how)
    price = await till.find_price(ONCE)
    assert isinstance(price, Found)
    wanted = draft(customer.value.customer_id, price.value.price_id)
    await shop.lost(till.create_session, wanted, how)
    assert isinstance(await till.find_session(wanted), Found)
    assert (len(shop.stripe.customers), len(shop.sales.catalogue.products)) == (1, 1)
    assert (len(shop.sales.catalogue.prices), len(shop.sales.sessions.all)) == (1, 1)


async def test_the_same_try_again_is_the_same_customer(shop: Shop) -> None:
    """Under the engine's key, whatever became of the first answer."""
    with within():
        await shop.lost(shop.till.create_customer, WANTED, "reset")
        made = await shop.till.create_customer(WANTED)
        assert await shop.till.create_customer(WANTED) == made
    assert list(shop.stripe.customers) == [made.customer_id]


def test_what_the_acts_declare() -> None:
    for method in (StripeTill.create_customer, StripeTill.create_price, StripeTill.create_session):
        declared = act_of(method)
        assert declared.key_life is not None
        assert declared.key_life.total_seconds() == 86_400
        assert not declared.repeatable
    assert act_of(StripeTill.create_price).look_first
    product = act_of(StripeTill.create_product)
    assert (product.key_life, product.look_first, product.repeatable) == (None, True, False)
    assert act_of(StripeTill.archive_price).repeatable


async def test_the_doctor(shop: Shop) -> None:
    assert await shop.till.doctor() == []
    assert "no API key" in (await till_at("https://api.stripe.com", api_key="").doctor())[0]


async def test_thirty_at_once_make_one_product(shop: Shop) -> None:
    """The runs of thirty prices of one product: there is no order among them."""
    made = await asyncio.gather(*(shop.till.create_product(ONCE) for _ in range(30)))
    assert {each.product_id for each in made} == {"prod_book"}
    assert list(shop.sales.catalogue.products) == ["prod_book"]


async def test_whoever_was_there_before_us_is_taken_as_it_is(shop: Shop) -> None:
    shop.sales.catalogue.add_product({"id": "prod_book", "name": "Made by hand"})
    assert (await shop.till.create_product(ONCE)).name == "Made by hand"
    by_hand = {"product": "prod_book", "currency": "nok", "unit_amount": 19_900, "lookup_key": "book"}
    made = shop.sales.catalogue.add_price({**by_hand, "tax_behavior": "inclusive"})
    found = await shop.till.find_price(ONCE)
    assert isinstance(found, Found)
    assert found.value.price_id == made["id"]
