"""Subscriptions: begun by a paid session, renewed, failing, mended, changed by the API, and ended for good."""

from datetime import UTC, datetime
from typing import Any

import pytest

from onpaid.simulators.stripe_periods import later
from onpaid.simulators.stripe_sales_shapes import recurrence
from tests.simulators.kit import Start
from tests.simulators.sales_kit import DAY, Till, get, post, refused, till


async def begun(start: Start, **more: object) -> tuple[Till, str]:
    """A till with one subscription that was just paid."""
    there = await till(start, **more)
    session = there.sales.complete_session((await there.open("subscription"))["id"])
    return there, session["subscription"]


async def test_a_paid_session_begins_a_subscription(start: Start) -> None:
    there, ident = await begun(start)
    made = await get(there.client, f"/subscriptions/{ident}")
    item = made["items"]["data"][0]
    assert (made["status"], made["customer"], item["price"]["id"]) == ("active", there.customer, there.studio)
    assert "current_period_end" not in made
    assert item["current_period_end"] == later(item["current_period_start"], item["price"]["recurring"])
    invoice = await get(there.client, f"/invoices/{made['latest_invoice']}")
    assert (invoice["status"], invoice["billing_reason"], invoice["amount_paid"]) == (
        "paid",
        "subscription_create",
        9_900,
    )
    assert not {"subscription", "charge", "payment_intent", "paid"} & set(invoice)
    assert invoice["parent"]["subscription_details"]["subscription"] == ident
    assert {"invoice.paid", "customer.subscription.created", "payment_intent.succeeded"} <= set(
        there.events()
    )
    paths = (
        "/invoice_payments?payment[type]=payment_intent&payment[payment_intent]={}",
        "/payment_intents/{}",
    )
    intent = (await get(there.client, f"/invoice_payments?invoice={invoice['id']}"))["data"][0]["payment"][
        "payment_intent"
    ]
    back = (await get(there.client, paths[0].format(intent)))["data"][0]
    assert (back["invoice"], back["status"], back["amount_paid"]) == (invoice["id"], "paid", 9_900)
    assert (await get(there.client, paths[1].format(intent)))["status"] == "succeeded"


async def test_some_are_incomplete_first_and_active_in_the_same_second(start: Start) -> None:
    ways = set()
    for seed in range(8):
        there, ident = await begun(start, seed=seed)
        told = [
            event
            for event in there.client.simulators.stripe.events.values()
            if event["data"]["object"]["id"] == ident
        ]
        ways.add(tuple(event["data"]["object"]["status"] for event in told))
        assert len({event["created"] for event in told}) == 1
        if len(told) == 2:
            assert told[1]["data"]["previous_attributes"] == {"status": "incomplete"}
    assert ways == {("active",), ("incomplete", "active")}


async def test_a_renewal_moves_the_period_on_the_items(start: Start) -> None:
    there, ident = await begun(start)
    before = (await get(there.client, f"/subscriptions/{ident}"))["items"]["data"][0]
    there.clock.at = before["current_period_end"]
    there.sales.renew(ident)
    made = await get(there.client, f"/subscriptions/{ident}")
    item = made["items"]["data"][0]
    assert item["current_period_start"] == before["current_period_end"]
    told = there.last("customer.subscription.updated")
    was = told["data"]["previous_attributes"]["items"]["data"][0]
    assert was["current_period_end"] == before["current_period_end"]
    assert told["created"] == int(there.clock.at)
    invoices = (await get(there.client, f"/invoices?subscription={ident}&status=paid"))["data"]
    assert [each["billing_reason"] for each in invoices] == ["subscription_cycle", "subscription_create"]
    assert len(there.client.ledger()["payments"]) == 2


async def test_a_payment_that_fails_and_is_mended_or_ends_it(start: Start) -> None:
    there, ident = await begun(start)
    there.sales.fail(ident)
    assert (await get(there.client, f"/subscriptions/{ident}"))["status"] == "past_due"
    there.sales.fail(ident)
    invoice = (await get(there.client, f"/invoices?subscription={ident}&status=open"))["data"][0]
    assert (invoice["attempt_count"], invoice["next_payment_attempt"] > there.clock.at) == (2, True)
    failed = there.events("payment_intent.payment_failed")
    assert (len(failed), len(there.events("invoice.payment_failed"))) == (2, 2)
    there.sales.recover(ident)
    made = await get(there.client, f"/subscriptions/{ident}")
    assert (made["status"], made["latest_invoice"]) == ("active", invoice["id"])
    assert there.last("customer.subscription.updated")["data"]["previous_attributes"] == {
        "status": "past_due"
    }
    there.sales.fail(ident)
    there.sales.cancel(ident, "payment_failed")
    ended = there.last("customer.subscription.deleted")["data"]["object"]
    assert (ended["status"], ended["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    for act in (there.sales.renew, there.sales.fail, there.sales.recover, there.sales.cancel):
        with pytest.raises(ValueError, match="canceled"):
            act(ident)
    assert there.events("customer.subscription")[-1] == "customer.subscription.deleted"


async def test_one_that_is_to_end_with_its_period_ends_then(start: Start) -> None:
    there, ident = await begun(start)
    asked = await post(there.client, f"/subscriptions/{ident}", cancel_at_period_end=True)
    end = asked["items"]["data"][0]["current_period_end"]
    assert (asked["status"], asked["cancel_at"], asked["canceled_at"]) == ("active", end, int(there.clock.at))
    kept = await post(there.client, f"/subscriptions/{ident}", cancel_at_period_end=False)
    assert (kept["cancel_at"], kept["canceled_at"]) == (None, None)
    there.sales.cancel(ident, at_period_end=True)
    there.clock.at = end - 1
    assert (await get(there.client, f"/subscriptions/{ident}"))["status"] == "active"
    there.clock.at = end + 40
    ended = await get(there.client, f"/subscriptions/{ident}")
    assert (ended["status"], ended["ended_at"], ended["canceled_at"] < end) == ("canceled", end, True)
    assert there.events("customer.subscription.deleted") == ["customer.subscription.deleted"]


async def test_the_api_cancels_and_changes(start: Start) -> None:
    there, ident = await begun(start)
    yearly: dict[str, Any] = {
        "product": "studio",
        "currency": "nok",
        "unit_amount": 99_000,
        "recurring": {"interval": "year"},
    }
    price = (await post(there.client, "/prices", **yearly))["id"]
    item = (await get(there.client, f"/subscriptions/{ident}"))["items"]["data"][0]["id"]
    changed = await post(
        there.client,
        f"/subscriptions/{ident}",
        items=[{"id": item, "price": price, "quantity": 2}],
        metadata={"userId": "u1"},
    )
    only = changed["items"]["data"][0]
    assert (only["price"]["id"], only["quantity"], changed["metadata"]) == (price, 2, {"userId": "u1"})
    assert "items" in there.last("customer.subscription.updated")["data"]["previous_attributes"]
    assert await refused(there.client, f"/subscriptions/{ident}", items=[{"id": "si_none"}]) == (
        400,
        "resource_missing",
        "items[0][id]",
    )
    paused = await post(there.client, f"/subscriptions/{ident}", pause_collection={"behavior": "void"})
    assert (paused["status"], paused["pause_collection"]) == ("active", {"behavior": "void"})
    why = "?cancellation_details[comment]=Too+far&cancellation_details[feedback]=too_expensive"
    gone = await there.client.stripe("DELETE", f"/subscriptions/{ident}{why}")
    told = {"comment": "Too far", "feedback": "too_expensive", "reason": "cancellation_requested"}
    assert gone.json["cancellation_details"] == told
    assert there.last("customer.subscription.deleted")["data"]["object"]["cancellation_details"] == told
    assert (await there.client.stripe("DELETE", f"/subscriptions/{ident}")).status == 404
    assert (await refused(there.client, f"/subscriptions/{ident}", cancel_at_period_end=True))[0] == 400
    assert (await post(there.client, f"/subscriptions/{ident}", metadata={"b": "c"}))["metadata"]["b"] == "c"


async def test_an_incomplete_one_is_given_up_by_an_update(start: Start) -> None:
    there = await till(start)
    asked = {"do": "begin", "customer": there.customer, "price": there.studio, "paid": False}
    made = (await there.client.call("POST", "/stripe/_subscriptions", json=asked)).json
    assert (made["status"], there.events("customer")) == ("incomplete", ["customer.subscription.created"])
    given_up = {"subscription": made["id"], "do": "give_up"}
    said = await there.client.call("POST", "/stripe/_subscriptions", json=given_up)
    assert said.json["status"] == "incomplete_expired"
    assert there.events("customer")[-1] == "customer.subscription.updated"
    assert (await there.client.call("POST", "/stripe/_subscriptions", json=given_up)).status == 400


async def test_subscriptions_are_listed_by_what_is_asked(start: Start) -> None:
    there, first = await begun(start)
    second = there.sales.complete_session((await there.open("subscription"))["id"])["subscription"]
    there.sales.cancel(first)

    async def ids(query: str) -> list[str]:
        return [each["id"] for each in (await get(there.client, f"/subscriptions?{query}"))["data"]]

    assert await ids("") == [second]
    assert await ids("status=all") == [second, first]
    assert await ids("status=ended") == await ids("status=canceled") == [first]
    assert await ids(f"status=all&price={there.course}") == []
    assert await ids(f"customer={there.customer}&price={there.studio}") == [second]
    assert await ids("status=all&created[gte]=9999999999") == []
    assert (await there.client.stripe("GET", "/subscriptions/sub_none")).status == 404


@pytest.mark.parametrize(
    ("start_day", "interval", "count", "end_day"),
    [
        ("2027-01-31", "month", 1, "2027-02-28"),
        ("2028-02-29", "year", 1, "2029-02-28"),
        ("2027-12-15", "month", 1, "2028-01-15"),
        ("2027-03-01", "week", 2, "2027-03-15"),
        ("2027-03-01", "day", 3, "2027-03-04"),
    ],
)
def test_periods_follow_the_calendar(start_day: str, interval: str, count: int, end_day: str) -> None:
    began, ended = (
        datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC) for day in (start_day, end_day)
    )
    assert later(int(began.timestamp()), recurrence(interval, count)) == int(ended.timestamp())


async def test_a_month_of_days_changes_nothing_by_itself(start: Start) -> None:
    there, ident = await begun(start)
    there.clock.at += 20 * DAY
    assert (await get(there.client, f"/subscriptions/{ident}"))["status"] == "active"
    assert (await there.client.call("POST", "/stripe/_tick")).json == {"open_sessions": 0}


async def test_an_invoice_shows_its_first_lines_and_lists_all_of_them(start: Start) -> None:
    there = await till(start)
    price = there.sales.catalogue.prices[there.studio]
    made = there.sales.subscribe(there.customer, [(price, nth) for nth in range(1, 13)], key="many")
    invoice = await get(there.client, f"/invoices/{made['latest_invoice']}")
    assert (len(invoice["lines"]["data"]), invoice["lines"]["has_more"]) == (10, True)
    path = f"/invoices/{invoice['id']}/lines"
    first = await get(there.client, f"{path}?limit=7")
    rest = await get(there.client, f"{path}?limit=7&starting_after={first['data'][-1]['id']}")
    assert (first["has_more"], rest["has_more"]) == (True, False)
    lines = [*first["data"], *rest["data"]]
    assert [each["quantity"] for each in lines] == list(range(1, 13))
    assert sum(each["amount"] for each in lines) == invoice["total"]
    assert (await refused(there.client, "/invoices/in_never/lines", "GET"))[1] == "resource_missing"


async def test_a_renewal_is_charged_to_whoever_paid_in_the_session(start: Start) -> None:
    there = await till(start)
    address = {"country": "NO", "city": "Oslo"}
    opened = (await there.open("subscription"))["id"]
    session = there.sales.complete_session(opened, who={"name": "Kari", "address": address})
    there.sales.renew(session["subscription"])
    first, second = (each.charge["billing_details"] for each in there.sales.stripe.payments)
    assert second["address"]["country"] == "NO"
    assert first == second
    (listed,) = (await get(there.client, f"/checkout/sessions?subscription={session['subscription']}"))[
        "data"
    ]
    assert (listed["id"], listed["invoice"]) == (opened, next(iter(there.sales.invoices.all)))
