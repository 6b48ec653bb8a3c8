"""What the simulated Stripe tells of a day of sales, judged: nothing is odd, and each happening is told once."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from onpaid.domain.billing import BillingNews, SubscriptionTold
from onpaid.domain.sessions import SessionChanged, SessionTold
from onpaid.providers.stripe import Settings, Stripe
from onpaid.providers.stripe_billing_events import TYPES
from onpaid.providers.stripe_till import StripeTill
from onpaid.simulators import Served
from onpaid.simulators.stripe import Pay
from tests.providers.sales_samples import KEY, MONTHLY, ONCE, USER, WANTED, draft
from tests.providers.samples import NOW


class Day:
    """A simulated account, and what we make of everything that it told."""

    def __init__(self, served: Served) -> None:
        self.sales, self.stripe = served.simulators.sales, served.simulators.stripe
        self.source = Stripe(Settings(api_key=KEY, api_base=served.stripe_base, billing=True))
        self.till = StripeTill(self.source.sdk)

    async def session(self, how: str, *, recurring: bool = False, reference: str = "ref-1") -> str:
        """A session of ours, and what the customer does there."""
        price = MONTHLY if recurring else ONCE
        customer = (await self.till.create_customer(WANTED)).customer_id
        await self.till.create_product(price)
        filed = (await self.till.create_price(price)).price_id
        asked = draft(customer, filed, recurring=recurring, reference=reference)
        made = (await self.till.create_session(asked)).session_id
        if how != "open":
            self.sales.complete_session(made, how)
        return made

    def facts(self) -> list[Any]:
        """Every fact of every event that the account told, oldest first."""
        found: list[Any] = []
        for event in self.stripe.events.values():
            raw = msgspec.json.encode(event)
            found += self.source.judge(self.source.read(raw, NOW), raw, NOW).facts
        return found

    def told(self) -> Counter[str]:
        """How many different billing events of each type were told."""
        return Counter(
            {fact.id: fact.type for fact in self.facts() if isinstance(fact, BillingNews)}.values()
        )

    def ids(self) -> set[str]:
        return {fact.id for fact in self.facts() if isinstance(fact, BillingNews)}


@pytest.fixture
async def day(simulate: Callable[..., Any]) -> AsyncIterator[Day]:
    made = Day(await simulate())
    yield made
    await made.source.close()


async def test_a_session_that_is_paid(day: Day) -> None:
    made = await day.session("paid")
    facts = day.facts()
    assert [fact.session_id for fact in facts if isinstance(fact, SessionTold)] == [made]
    assert day.told() == {"payment.successful": 1}
    (news,) = [fact for fact in facts if isinstance(fact, BillingNews)]
    assert (news.user, news.data["reference"], news.data["amount"]) == (USER.id, "ref-1", 19_900)
    assert news.customer_id in day.stripe.customers


@pytest.mark.parametrize("ok", [True, False])
async def test_a_session_whose_money_takes_days(day: Day, ok: bool) -> None:
    made = await day.session("delayed")
    assert [type(fact) for fact in day.facts()] == [SessionChanged]
    day.sales.settle_delayed(made, ok=ok)
    assert day.told() == (
        {"payment.successful": 1, "checkout.payment_succeeded": 1}
        if ok
        else {"payment.failed": 1, "checkout.payment_failed": 1}
    )
    states = [fact.state for fact in day.facts() if isinstance(fact, SessionChanged)]
    assert states == (["unpaid"] if ok else ["unpaid", "failed"])


async def test_a_session_that_fails_waits_and_expires(day: Day) -> None:
    made = await day.session("action")
    day.sales.complete_session(made, "failed")
    day.sales.sessions.expire(made)
    assert day.told() == {"payment.action_required": 1, "payment.failed": 1}
    assert [fact.state for fact in day.facts() if isinstance(fact, SessionChanged)] == ["expired"]


async def test_a_subscription_from_its_session_to_its_end(day: Day) -> None:
    made = await day.session("paid", recurring=True)
    subscription = (await day.till.fetch_session(made)).subscription_id or ""
    day.sales.renew(subscription)
    day.sales.fail(subscription)
    day.sales.recover(subscription)
    day.sales.cancel(subscription)
    told = day.told()
    assert (told["invoice.paid"], told["invoice.payment_failed"]) == (3, 1)
    assert (told["payment.successful"], told["payment.failed"]) == (3, 1)
    named = [fact.subscription_id for fact in day.facts() if isinstance(fact, SubscriptionTold)]
    assert set(named) == {subscription}
    invoices = [f for f in day.facts() if isinstance(f, BillingNews) and f.type == "invoice.paid"]
    assert {fact.data["subscriptionId"] for fact in invoices} == {subscription}
    assert (await day.till.fetch_subscription(subscription)).status == "canceled"


async def test_refunds_and_disputes(day: Day) -> None:
    paid = day.stripe.pay(Pay(49_800, "NOK"))
    first = day.stripe.refund(paid.charge["id"], 10_000)
    day.stripe.refund(paid.charge["id"], 5_000)
    day.sales.troubles.settle_refund(first["id"], ok=False)
    dispute = day.sales.troubles.dispute(paid.charge["id"])
    day.sales.troubles.answer_dispute(dispute["id"])
    day.sales.troubles.close_dispute(dispute["id"], won=True)
    told = day.told()
    assert (told["payment.refunded"], told["payment.refund_failed"]) == (2, 1)
    assert (told["dispute.opened"], told["dispute.closed"]) == (1, 1)
    assert told["dispute.updated"] >= 2
    subjects = {fact.subject for fact in day.facts() if isinstance(fact, BillingNews)}
    assert subjects == {paid.intent["id"]}


async def test_events_read_at_night_name_the_same_happenings(day: Day) -> None:
    await day.session("paid")
    day.stripe.pay(Pay(49_800, "NOK", "10042"))
    bodies, after = [], ""
    while after is not None:
        page, after = await day.source.events_since(0, after=after or None)  # type: ignore[assignment]
        bodies += page
    again = [
        fact for body in bodies for fact in day.source.judge(day.source.read(body, NOW), body, NOW).facts
    ]
    assert {fact.id for fact in again if isinstance(fact, BillingNews)} == day.ids()
    assert len(again) == len(day.facts())
    assert {day.source.read(body, NOW).type for body in bodies} <= {*day.source.types}
    assert set(TYPES) <= set(day.source.types)
