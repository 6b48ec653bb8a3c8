"""Which service each set of settings makes: its sources, flows, chores and faces."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest

from onpaid import compose_billing, compose_delivery, compose_invoicing, compose_telling
from onpaid.compose import Moving, Service, build
from onpaid.domain.money import Money
from onpaid.domain.prices import Price
from onpaid.engine.bell import Silence
from onpaid.engine.flow import Flow
from onpaid.errors import SettingsError
from onpaid.flows.expire_order import expire_order
from onpaid.providers.billing_topic import BillingTopic, NoTopic
from onpaid.runtime.chores import Chore
from onpaid.settings import Settings
from onpaid.store.memory import MemoryStore

STRIPE = {"STRIPE_API_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
FIKEN = {
    "FIKEN_API_TOKEN": "token",
    "FIKEN_COMPANY_SLUG": "shop-as",
    "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
}
SHOP = {"KONVERZKY_WEBHOOK_SECRET": "shop"}
USERS = {"JWT_ACCESS_TOKEN_SECRET": "a-secret-of-tokens-that-is-long-enough"}
RAZORPAY = {
    "RAZORPAY_KEY_ID": "rzp_test_1",
    "RAZORPAY_KEY_SECRET": "x",
    "RAZORPAY_WEBHOOK_SECRET": "x",
}
TOPIC = {"BILLING_EVENTS_TOPIC_ARN": "arn:aws:sns:eu-north-1:123456789012:billing"}
ALWAYS = (expire_order, *compose_telling.FLOWS)
NIGHT = {"proofs", "nightly-reconciliation"}

Built = Callable[..., Awaitable[Service]]


class Still:
    """A runtime that moves nothing, and knows its chores."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self.chores = {chore.name for chore in chores}

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        return None


@pytest.fixture
async def built() -> AsyncIterator[Built]:
    """Builds services, and lets go of them in the end."""
    made: list[Service] = []

    async def make(*parts: dict[str, str], sole: bool = True, stays: bool = True, **more: str) -> Service:
        given: dict[str, str] = {}
        for part in parts:
            given |= part
        moving = Moving(Silence(), lambda engine, clock, chores: Still(chores), sole, stays)
        made.append(await build(Settings({**given, **more}), store=MemoryStore(), moving=moving))
        return made[-1]

    yield make
    for service in made:
        await service.stop()


def sources(service: Service) -> set[str]:
    return set(service.inbox.sources)


def flows(service: Service) -> set[str]:
    return {flow.name for flow in service.engine.flows}


def names(*stories: tuple[Flow, ...]) -> set[str]:
    return {flow.name for story in (ALWAYS, *stories) for flow in story}


def chores(service: Service) -> set[str]:
    assert isinstance(service.runtime, Still)
    return service.runtime.chores


def rules(service: Service) -> Any:
    return service.guests["sessions"].rules


async def test_invoices_alone_are_as_before(built: Built) -> None:
    service = await built(STRIPE, SHOP, FIKEN)
    assert sources(service) == {"stripe", "konverzky"}
    assert flows(service) == names(compose_invoicing.FLOWS)
    assert chores(service) == NIGHT
    assert (service.sales, service.delivery) == (None, None)
    assert "checkout.session.completed" not in service.guests["payment_source"].types


async def test_invoices_need_their_shop_where_nothing_is_sold(built: Built) -> None:
    with pytest.raises(SettingsError, match="KONVERZKY_WEBHOOK_SECRET"):
        await built(STRIPE, FIKEN)


async def test_sales_alone_need_stripes_keys_and_no_accounts(built: Built) -> None:
    service = await built(STRIPE, USERS)
    assert sources(service) == {"stripe"}
    assert flows(service) == names(compose_billing.FLOWS)
    assert chores(service) == NIGHT
    assert service.sales is not None
    assert not service.sales.tokens.closed
    assert service.delivery is None
    assert rules(service).invoices is False
    assert "checkout.session.completed" in service.guests["payment_source"].types
    assert isinstance(service.guests["topic"], NoTopic)


@pytest.mark.parametrize("name", sorted(STRIPE))
async def test_sales_without_one_of_stripes_keys_do_not_start(built: Built, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        await built(STRIPE, USERS, **{name: ""})


async def test_sessions_are_invoiced_without_a_shop(built: Built) -> None:
    service = await built(STRIPE, USERS, FIKEN)
    assert sources(service) == {"stripe"}
    assert flows(service) == names(compose_invoicing.FLOWS, compose_billing.FLOWS)
    assert rules(service).invoices is True


@pytest.mark.parametrize("name", sorted(FIKEN))
async def test_half_of_the_accounts_beside_sales_is_refused(built: Built, name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        await built(STRIPE, USERS, FIKEN, **{name: ""})


async def test_a_shop_and_sales_share_one_account_at_stripe(built: Built) -> None:
    service = await built(STRIPE, SHOP, FIKEN, USERS, TOPIC)
    assert sources(service) == {"stripe", "konverzky"}
    assert flows(service) == names(compose_invoicing.FLOWS, compose_billing.FLOWS)
    assert service.inbox.sources["stripe"] is service.guests["payment_source"]
    assert service.guests["till"].sdk is service.guests["payment_source"].sdk
    assert "checkout.session.completed" in service.guests["payment_source"].types
    assert isinstance(service.guests["topic"], BillingTopic)


async def test_delivery_and_sales_stand_side_by_side(built: Built) -> None:
    service = await built(STRIPE, USERS, RAZORPAY)
    assert sources(service) >= {"stripe", "razorpay", "tracking"}
    assert flows(service) == names(compose_delivery.FLOWS, compose_billing.FLOWS)
    assert chores(service) == NIGHT | {"follow parcels"}
    assert service.sales is not None
    assert service.delivery is not None


async def test_faces_ask_the_till_on_its_lane_like_everybody_else(built: Built) -> None:
    service = await built(STRIPE, USERS)
    assert service.sales is not None
    await service.sales.catalogue.import_prices(
        [Price("course-1", "course", "A course", Money(49_900, "NOK"))]
    )
    await service.operations.pause("stripe", "it is being maintained")
    (line,) = (await service.sales.catalogue.sync(dry_run=True)).items
    assert "the lane stripe is paused: it is being maintained" in line.why


async def test_billing_events_alone_open_no_session(built: Built) -> None:
    service = await built(STRIPE, BILLING_EVENTS="true")
    assert flows(service) == names(compose_billing.FLOWS)
    assert service.sales is not None
    assert service.sales.tokens.closed, "nobody's token is believed"


async def test_a_live_key_wants_to_know_whom_tokens_are_for(built: Built) -> None:
    live = {**STRIPE, "STRIPE_API_KEY": "sk_live_1"}
    issuer = {"JWT_ISSUER": "https://accounts.example"}
    with pytest.raises(SettingsError, match="JWT_AUDIENCE"):
        await built(live, USERS, issuer)
    service = await built(live, USERS, issuer, JWT_AUDIENCE="https://pay.example")
    assert rules(service).account == "stripe/default/live"
    assert (await built(live, BILLING_EVENTS="true")).sales is not None, "there is no token to be believed"


@pytest.mark.parametrize("schedule", ["every night", "61 2 * * *", "0 2 * *"])
async def test_a_schedule_that_cannot_be_read_does_not_start(built: Built, schedule: str) -> None:
    with pytest.raises(SettingsError, match="SYNC_SCHEDULE"):
        await built(STRIPE, USERS, SYNC_SCHEDULE=schedule)


@pytest.mark.parametrize(("name", "value"), [("SYNC_LOOKBACK_HOURS", "0"), ("SYNC_MAX_SESSIONS", "0")])
async def test_a_reconciliation_that_would_look_at_nothing_does_not_start(
    built: Built, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be a whole number from 1"):
        await built(STRIPE, USERS, **{name: value})


async def test_whoever_stays_keeps_the_time_also_where_many_share_a_store(built: Built) -> None:
    shared = await built(STRIPE, USERS, sole=False)
    assert chores(shared) == {"proofs", "nightly-reconciliation"}
    invoked = await built(STRIPE, USERS, sole=False, stays=False)
    assert chores(invoked) == {"proofs"}, "a function of its own is invoked for the reconciliation"


async def test_what_looks_from_outside_looks_at_the_stories_that_are_told(built: Built) -> None:
    sold, delivered = await built(STRIPE, USERS), await built(RAZORPAY)
    assert sold.reconciling is not None
    assert delivered.reconciling is not None
    assert sold.reconciling.reconciler.probe is not None
    assert delivered.reconciling.reconciler.probe is None
