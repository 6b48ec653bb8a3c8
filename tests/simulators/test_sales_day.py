"""A day of sales at Stripe: everybody who buys ends up somewhere, and the ledger sees what a service does wrong."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from onpaid.simulators import Play, play
from onpaid.simulators.ledger_sales import FINDINGS
from onpaid.simulators.settings import TOPICS
from tests.simulators.kit import Client, Start
from tests.simulators.sales_shop import SalesShop, sales_shop_for

Open = Callable[[Client], Awaitable[SalesShop]]


@pytest.fixture
async def shop() -> AsyncIterator[Open]:
    """Opens shops; they close with the test."""
    shops: list[SalesShop] = []

    async def begin(client: Client) -> SalesShop:
        shops.append(await sales_shop_for(client))
        return shops[-1]

    yield begin
    for each in shops:
        assert each.served is not None
        assert each.session is not None
        await each.session.close()
        await each.served.stop()


def findings(client: Client) -> dict[str, Any]:
    """The lists of the verdict that are not empty."""
    told = client.ledger()["sales"]["verdict"]
    assert set(told) == set(FINDINGS)
    return {name: each for name, each in told.items() if each}


async def test_everybody_ends_up_somewhere_and_everything_is_told(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    target = await shop(client)
    progress = await play(client.simulators, Play(orders=0, sessions=60, subscriptions=30))
    await client.simulators.settled()
    assert (progress.state, progress.error, progress.sessions_opened) == ("done", None, 90)
    told = client.ledger()["sales"]
    counts = told["counts"]
    assert (counts["sessions"], counts["paid"]) == (90, progress.sessions_paid)
    assert 60 < counts["paid"] < 90
    assert set(counts["subscriptions"]) >= {"active", "canceled"}
    assert counts["refunds"] == progress.refunds > 0
    assert counts["disputes"] > 0
    assert findings(client) == {}
    assert counts["heard"][TOPICS[1]] == counts["heard"]["sink crm"] == sum(target.sequences.values())
    assert {row["status"] for row in told["refunds"]} == {"succeeded", "failed"}
    assert {row["status"] for row in told["sessions"]} == {"complete", "expired"}
    clicks = Counter(key for key, _claims, _body in target.asked)
    assert set(clicks.values()) == {1, 2}
    users = Counter(claims["sub"] for _key, claims, _body in target.asked)
    assert max(users.values()) > 2


async def test_faults_only_delay_and_double(start: Start, shop: Open) -> None:
    client = await start(seed=5, faults="all")
    target = await shop(client)
    target.failing = [503, 429, 500]
    await play(client.simulators, Play(orders=0, sessions=25, subscriptions=15))
    await client.simulators.settled()
    assert findings(client) == {}
    assert client.ledger()["forged"]["accepted"] == 0
    assert client.ledger()["sales"]["counts"]["repeats"]["sink crm"] > 0


async def test_dropped_webhooks_are_seen_as_untold(start: Start, shop: Open) -> None:
    client = await start(seed=2)
    client.simulators.plan.set("drop-webhook", seed=2, rate=0.3)
    await shop(client)
    await play(client.simulators, Play(orders=0, sessions=20, subscriptions=10))
    assert list(findings(client)) == ["untold"]
    assert client.simulators.sender.dropped > 0


async def test_two_runs_of_one_seed_are_alike(start: Start, shop: Open) -> None:
    days = []
    for _ in range(2):
        client = await start(seed=11)
        await shop(client)
        await play(client.simulators, Play(orders=0, sessions=12, subscriptions=8, returning=0))
        told = client.ledger()["sales"]
        rows = [
            (row["id"], row["status"], row["payment_status"], row["refunded"], row["payment_intent"])
            for row in told["sessions"]
        ]
        ends = [(row["id"], row["status"], row["reason"]) for row in told["subscriptions"]]
        days.append((sorted(rows), sorted(ends, key=str)))
    assert days[0] == days[1]


async def test_a_service_that_tells_nobody_is_seen(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    target = await shop(client)
    await client.call("PUT", "/_sink/crm/_state", json={"answer": 200})
    target.mute, target.forgets_user = True, True
    await play(client.simulators, Play(orders=0, sessions=6, subscriptions=4))
    found = findings(client)
    assert set(found) == {"untold", "nameless"}
    assert any("checkout.completed" in each for each in found["untold"])


async def test_what_a_service_doubles_or_makes_up_is_seen(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    target = await shop(client)
    await play(client.simulators, Play(orders=0, sessions=4, subscriptions=3))
    sub = next(iter(client.simulators.sales.subscriptions.all))
    sink = client.simulators.sinks.sink("crm")

    def hear(ident: str, kind: str, subject: str, sequence: int) -> None:
        body = {"id": ident, "type": kind, "subject": subject, "customerId": "cus_x", "sequence": sequence}
        sink.take(ident, body)

    hear("be_x1", "payment.successful", "pi_madeup", 1)
    hear("be_x2", "subscription.canceled", sub, 4)
    hear("be_x3", "subscription.updated", sub, 3)
    first = next(row for row in sink.got if row["body"]["type"] == "checkout.completed")["body"]
    sink.take("be_x4", {**first, "id": "be_x4"})
    for _ in range(2):
        await client.stripe("POST", "/customers", data={"metadata[userId]": "user-1"})
    key = next(iter(target.filed))
    assert key.startswith("customer")
    found = findings(client)
    assert {"told_twice", "untrue", "resurrected", "gaps", "misordered", "double_customers"} <= set(found)
    assert found["gaps"] == ["sink crm: cus_x"]
    assert found["untrue"] == ["sink crm: payment.successful pi_madeup"]


async def test_a_dearer_price_and_a_second_one_are_seen(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    await shop(client)
    await play(client.simulators, Play(orders=0, sessions=4))
    made = client.simulators.sales
    price = next(iter(made.catalogue.prices.values()))
    made.catalogue.add_price(
        {"product": price["product"], "currency": price["currency"], "unit_amount": price["unit_amount"]}
    )
    paid = next(each for each in made.sessions.all.values() if each["payment_status"] == "paid")
    paid["amount_total"] += 1
    other = dict(paid, id="cs_test_other")
    made.sessions.all["cs_test_other"], made.sessions.lines["cs_test_other"] = (
        other,
        made.sessions.lines[paid["id"]],
    )
    assert {"double_prices", "mispriced", "double_sessions", "untold"} == set(findings(client))


@pytest.mark.parametrize(
    ("failing", "wrong", "sentence"),
    [
        ([401], None, "401 to a purchase that is in order"),
        ([], {"checkoutUrl": "https://x.example/cs_1"}, "not an open session"),
        (
            [],
            {"checkoutUrl": "https://x.example/cs_1", "paymentIntentId": None, "customerId": "cus_1"},
            "Stripe knows no session",
        ),
    ],
)
async def test_an_answer_that_no_page_could_use_ends_the_day(
    start: Start, shop: Open, failing: list[int], wrong: object, sentence: str
) -> None:
    client = await start()
    target = await shop(client)
    target.failing, target.wrong = failing, wrong
    with pytest.raises(ExceptionGroup):
        await play(client.simulators, Play(orders=0, sessions=2))
    assert client.simulators.progress is not None
    assert client.simulators.progress.state == "failed"
    assert sentence in str(client.simulators.progress.error)


async def test_a_shop_that_is_down_only_delays(start: Start, shop: Open) -> None:
    client = await start(seed=2)
    client.simulators.aim_at("http://127.0.0.1:9")
    day = asyncio.create_task(play(client.simulators, Play(orders=0, sessions=5)))
    await asyncio.sleep(0)
    await shop(client)
    progress = await day
    assert (progress.state, progress.sessions_opened) == ("done", 5)


async def test_a_day_is_asked_for_over_http(start: Start, shop: Open) -> None:
    client = await start(seed=4)
    await shop(client)
    said = await client.call(
        "POST", "/_play", json={"orders": 0, "sessions": 3, "subscriptions": 2, "abandoned": 1.0}
    )
    assert (said.status, said.json["sessions"], said.json["subscriptions"]) == (202, 3, 2)
    await client.simulators.errands.finished()
    told = (await client.call("GET", "/_play")).json
    assert (told["state"], told["sessions_opened"], told["sessions_paid"]) == ("done", 5, 0)
    assert (await client.call("POST", "/_play", json={"sessions": 1.5})).status == 400


async def test_what_was_paid_is_owed_an_invoice_by_its_number(start: Start, shop: Open) -> None:
    client = await start(seed=3)
    await shop(client)
    await play(client.simulators, Play(orders=0, sessions=8, subscriptions=2))
    told = client.ledger()
    once = [row for row in told["sales"]["sessions"] if row["paid"] and row["mode"] == "payment"]
    bills = [row for row in told["sales"]["bills"] if row["paid"]]
    owed = [*once, *bills]
    assert {row["payment_intent"] for row in owed} == set(told["verdict"]["missing"])
    assert len(owed) == len(told["verdict"]["missing"]) == told["verdict"]["paid"]
    assert {row["order_number"] for row in owed} <= set(told["by_order"])
    assert all(row["order_number"].startswith("BC-") and len(row["order_number"]) == 11 for row in owed)
    began = {row["order_number"] for row in told["sales"]["sessions"] if row["subscription"]}
    first = {row["order_number"] for row in bills if row["billing_reason"] == "subscription_create"}
    assert len(first) < len(bills)
    assert first <= began, "a first bill is paid for the order of its session"


@pytest.mark.parametrize("invoiced", [False, True])
async def test_who_waits_for_an_invoice_regrets_nothing_without_one(
    start: Start, shop: Open, invoiced: bool
) -> None:
    client = await start(seed=3)
    await shop(client)
    books: Any = client.simulators.fiken
    if invoiced:
        sessions = client.simulators.sales.sessions
        books.invoices = Invoiced(sessions.number, sessions.all)
    progress = await play(client.simulators, Play(orders=0, sessions=40, invoice_patience=0.3))
    went_back = len(client.simulators.stripe.refunds), len(client.simulators.sales.troubles.disputes)
    assert (progress.state, sum(went_back) > 0, progress.refunds > 0) == ("done", invoiced, invoiced)


class Invoiced(dict[int, Any]):
    """The books of somebody who makes an invoice for whatever was sold."""

    def __init__(self, number: Callable[[str], str], sessions: Any) -> None:
        super().__init__()
        self._number, self._sessions = number, sessions

    def values(self) -> Any:
        return [SimpleNamespace(asked={"orderReference": self._number(each)}) for each in self._sessions]


async def test_a_refund_that_bounced_before_it_moved_money_is_no_refund_to_tell_of(
    start: Start, shop: Open
) -> None:
    client = await start(seed=3)
    await shop(client)
    await client.call("PUT", "/_sink/idle/_state", json={"answer": 200})
    made = client.simulators
    charges = []
    for number in ("1", "2", "3", "4"):
        said = await client.call("POST", "/stripe/_charges", json={"order_number": number, "amount": 100})
        charges.append(said.json["charge"])
    bounced = made.stripe.refund(charges[0], None, None, status="pending")
    late = made.stripe.refund(charges[1], None, None, status="pending")
    arrived = made.stripe.refund(charges[2], None, None, status="pending")
    made.stripe.refund(charges[3], None, None, status="pending")
    made.sales.troubles.settle_refund(arrived["id"], ok=True)
    made.sales.troubles.settle_refund(bounced["id"], ok=False)
    made.sales.troubles.settle_refund(late["id"], ok=True)
    made.sales.troubles.settle_refund(late["id"], ok=False)
    await made.settled()
    untold = [each for each in findings(client)["untold"] if each.startswith("sink idle: payment.refund")]
    assert untold == sorted(
        [
            f"sink idle: payment.refund_failed {bounced['id']}",
            f"sink idle: payment.refund_failed {late['id']}",
            f"sink idle: payment.refunded {arrived['id']}",
        ]
    )
