"""Checkout Sessions: made, refused, paid, paid late, failed, expired, listed and expanded."""

from typing import Any

import pytest

from tests.simulators.kit import Start
from tests.simulators.sales_kit import DAY, SHOP, Till, get, post, refused, till


async def test_a_session_is_open_and_has_no_payment_yet(start: Start) -> None:
    there = await till(start)
    made = await there.open(client_reference_id="ref-1", metadata={"userId": "u1"})
    assert made["id"].startswith("cs_test_a1")
    assert (made["status"], made["payment_status"], made["payment_intent"]) == ("open", "unpaid", None)
    assert (made["amount_total"], made["currency"], made["customer"]) == (129_000, "nok", there.customer)
    assert made["url"] == f"{there.client.served.base}/stripe/checkout/{made['id']}"
    assert made["expires_at"] == made["created"] + DAY
    assert there.events() == []
    assert "line_items" not in await get(there.client, f"/checkout/sessions/{made['id']}")


async def test_metadata_goes_only_where_it_was_sent(start: Start) -> None:
    there = await till(start)
    plain = await there.open(metadata={"userId": "u1"})
    sent = await there.open(metadata={"a": "1"}, payment_intent_data={"metadata": {"b": "2"}})
    for made, told in ((plain, {}), (sent, {"b": "2"})):
        paid = there.sales.complete_session(made["id"])
        intent = await get(there.client, f"/payment_intents/{paid['payment_intent']}?expand[]=latest_charge")
        assert (intent["metadata"], intent["latest_charge"]["metadata"]) == (told, told)
    monthly = await there.open(
        "subscription", metadata={"a": "1"}, subscription_data={"metadata": {"c": "3"}}
    )
    paid = there.sales.complete_session(monthly["id"])
    begun = await get(there.client, f"/subscriptions/{paid['subscription']}?expand[]=latest_invoice.payments")
    assert begun["metadata"] == {"c": "3"}
    invoice = begun["latest_invoice"]
    assert invoice["parent"]["subscription_details"] == {"metadata": {"c": "3"}, "subscription": begun["id"]}
    intent = await get(
        there.client, f"/payment_intents/{invoice['payments']['data'][0]['payment']['payment_intent']}"
    )
    assert intent["metadata"] == {}


async def test_a_paid_session_tells_of_it(start: Start) -> None:
    there = await till(start)
    made = await there.open()
    there.sales.complete_session(made["id"])
    session = await get(there.client, f"/checkout/sessions/{made['id']}")
    assert (session["status"], session["payment_status"], session["url"]) == ("complete", "paid", None)
    assert session["customer_details"]["email"] == "ola@example.org"
    assert there.events() == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    told = there.last("checkout.session.completed")["data"]["object"]
    assert (told["id"], told["payment_intent"]) == (made["id"], session["payment_intent"])
    assert "line_items" not in told
    with pytest.raises(ValueError, match="complete"):
        there.sales.complete_session(made["id"])


async def test_tries_that_fail_stay_with_one_payment_intent(start: Start) -> None:
    there = await till(start)
    made = await there.open()
    failed = there.sales.complete_session(made["id"], "failed")
    intent = await get(there.client, f"/payment_intents/{failed['payment_intent']}")
    assert (intent["status"], intent["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "card_declined",
    )
    assert (await get(there.client, f"/charges/{intent['latest_charge']}"))["paid"] is False
    there.sales.complete_session(made["id"], "action")
    assert (await get(there.client, f"/payment_intents/{intent['id']}"))["status"] == "requires_action"
    paid = there.sales.complete_session(made["id"])
    assert paid["payment_intent"] == intent["id"]
    again = await get(there.client, f"/payment_intents/{intent['id']}")
    assert (again["status"], again["last_payment_error"]) == ("succeeded", None)
    assert again["latest_charge"] != intent["latest_charge"]
    assert [kind for kind in there.events() if kind.startswith("payment_intent")] == [
        "payment_intent.payment_failed",
        "payment_intent.requires_action",
        "payment_intent.succeeded",
    ]
    assert len(there.client.ledger()["payments"]) == 1


@pytest.mark.parametrize("ok", [True, False])
@pytest.mark.parametrize("mode", ["payment", "subscription"])
async def test_a_delayed_payment_completes_the_session_unpaid(start: Start, mode: str, ok: bool) -> None:
    there = await till(start)
    made = await there.open(mode)
    unpaid = there.sales.complete_session(made["id"], "delayed")
    assert (unpaid["status"], unpaid["payment_status"]) == ("complete", "unpaid")
    assert "payment_intent.succeeded" not in there.events()
    there.clock.at += 5 * DAY
    there.sales.settle_delayed(made["id"], ok)
    session = await get(there.client, f"/checkout/sessions/{made['id']}")
    assert session["payment_status"] == ("paid" if ok else "unpaid")
    assert there.events()[-1] == f"checkout.session.async_payment_{'succeeded' if ok else 'failed'}"
    assert (
        "payment_intent.succeeded" in there.events(),
        "payment_intent.payment_failed" in there.events(),
    ) == (ok, not ok)
    if mode == "subscription":
        begun = await get(there.client, f"/subscriptions/{session['subscription']}")
        assert begun["status"] == ("active" if ok else "past_due")
    with pytest.raises(ValueError, match=r"complete and paid|failed already"):
        there.sales.settle_delayed(made["id"], True)


async def test_a_session_ends_by_itself_after_a_day_and_by_hand_before(start: Start) -> None:
    there = await till(start)
    first, second, third = [await there.open() for _ in range(3)]
    ended = await post(there.client, f"/checkout/sessions/{first['id']}/expire")
    assert (ended["status"], ended["url"]) == ("expired", None)
    assert (await refused(there.client, f"/checkout/sessions/{first['id']}/expire"))[0] == 400
    there.sales.complete_session(second["id"])
    assert (await refused(there.client, f"/checkout/sessions/{second['id']}/expire"))[0] == 400
    there.clock.at += DAY - 1
    assert (await get(there.client, f"/checkout/sessions/{third['id']}"))["status"] == "open"
    there.clock.at += 1
    assert (await get(there.client, f"/checkout/sessions/{third['id']}"))["status"] == "expired"
    assert there.events("checkout.session.expired") == ["checkout.session.expired"] * 2
    with pytest.raises(ValueError, match="expired"):
        there.sales.complete_session(third["id"])
    assert await refused(there.client, "/checkout/sessions/cs_none", "GET") == (404, "resource_missing", "id")


async def test_who_has_no_account_pays_as_a_guest_unless_a_customer_is_due(start: Start) -> None:
    there = await till(start)
    guest = await there.open(customer_email="kari@example.org")
    paid = there.sales.complete_session(guest["id"])
    assert (paid["customer"], paid["customer_details"]["email"]) == (None, "kari@example.org")
    always = await there.open(customer_email="kari@example.org", customer_creation="always")
    assert there.sales.complete_session(always["id"])["customer"].startswith("cus_")
    monthly = await there.open("subscription", customer_email="kari@example.org")
    assert there.sales.complete_session(monthly["id"])["customer"].startswith("cus_")


BAD: list[tuple[dict[str, Any], str | None, str]] = [
    ({"mode": None}, "parameter_missing", "mode"),
    ({"mode": "gift"}, "parameter_invalid", "mode"),
    ({"success_url": None}, "parameter_missing", "success_url"),
    ({"success_url": "shop.example"}, "url_invalid", "success_url"),
    ({"cancel_url": "javascript:x"}, "url_invalid", "cancel_url"),
    ({"line_items": None}, "parameter_missing", "line_items"),
    ({"line_items": [{"price": "price_none", "quantity": 1}]}, "resource_missing", "line_items[0][price]"),
    ({"line_items": [{"price": "course"}]}, "parameter_missing", "line_items[0][quantity]"),
    ({"line_items": [{"quantity": 1}]}, "parameter_missing", "line_items[0][price]"),
    ({"customer": "cus_none"}, "resource_missing", "customer"),
    ({"customer_email": "a@example.org"}, None, "customer"),
    ({"subscription_data": {"metadata": {"a": "b"}}}, None, "subscription_data"),
    ({"expires_at": "now+60"}, None, "expires_at"),
    ({"expires_at": "now+90000"}, None, "expires_at"),
    ({"client_reference_id": "r" * 201}, "parameter_invalid_string", "client_reference_id"),
    ({"payment_method_types": ["card"]}, "parameter_unknown", "payment_method_types"),
    ({"metadata": {"userId": "u" * 501}}, "parameter_invalid_string", "metadata[userId]"),
]


@pytest.mark.parametrize(("wrong", "code", "param"), BAD)
async def test_a_session_that_makes_no_sense_is_refused(
    start: Start, wrong: dict[str, Any], code: str | None, param: str
) -> None:
    there = await till(start)
    asked: dict[str, Any] = {
        "mode": "payment",
        "customer": there.customer,
        "line_items": [{"price": there.course, "quantity": 1}],
        **SHOP,
        **wrong,
    }
    if str(asked.get("expires_at", "")).startswith("now"):
        asked["expires_at"] = int(there.clock.at) + int(asked["expires_at"][4:])
    for line in asked["line_items"] or []:
        line.update({"price": there.course} if line.get("price") == "course" else {})
    kept = {name: value for name, value in asked.items() if value is not None}
    assert await refused(there.client, "/checkout/sessions", **kept) == (400, code, param)
    assert there.sales.sessions.all == {}


async def test_the_mode_has_to_fit_the_prices_and_prices_have_to_be_sold(start: Start) -> None:
    there = await till(start)
    wrong = {"customer": there.customer, **SHOP}
    for mode, price in (("payment", there.studio), ("subscription", there.course)):
        lines = [{"price": price, "quantity": 1}]
        assert await refused(there.client, "/checkout/sessions", mode=mode, line_items=lines, **wrong) == (
            400,
            None,
            "line_items",
        )
    both = [{"price": price, "quantity": 1} for price in (there.studio, there.course)]
    mixed = await post(there.client, "/checkout/sessions", mode="subscription", line_items=both, **wrong)
    assert mixed["amount_total"] == 138_900
    paid = there.sales.complete_session(mixed["id"])
    invoice = await get(there.client, f"/invoices/{paid['invoice']}")
    assert (invoice["total"], len(invoice["lines"]["data"])) == (138_900, 2)
    await post(there.client, f"/prices/{there.course}", active=False)
    lines = [{"price": there.course, "quantity": 1}]
    assert (await refused(there.client, "/checkout/sessions", mode="payment", line_items=lines, **wrong))[
        1
    ] == ("price_inactive")
    deleted = await there.client.stripe("DELETE", f"/customers/{there.customer}")
    assert deleted.json["deleted"] is True
    monthly = [{"price": there.studio, "quantity": 1}]
    assert await refused(
        there.client, "/checkout/sessions", mode="subscription", line_items=monthly, **wrong
    ) == (
        400,
        "resource_missing",
        "customer",
    )


async def test_lines_come_by_pages_and_in_their_order(start: Start) -> None:
    there = await till(start)
    data = {"currency": "nok", "unit_amount": 100}
    lines = [
        {"price_data": {**data, "product_data": {"name": f"Thing {nth}"}}, "quantity": nth + 1}
        for nth in range(25)
    ]
    made = await there.open(line_items=lines)
    path = f"/checkout/sessions/{made['id']}/line_items"
    got, after = [], ""
    while True:
        page = await get(there.client, f"{path}?limit=10{after}")
        got += page["data"]
        if not page["has_more"]:
            break
        after = f"&starting_after={got[-1]['id']}"
    assert [each["description"] for each in got] == [f"Thing {nth}" for nth in range(25)]
    assert sum(each["amount_total"] for each in got) == made["amount_total"]
    assert "created" not in got[0]
    first = await get(there.client, f"/checkout/sessions/{made['id']}?expand[]=line_items.data.price.product")
    assert (len(first["line_items"]["data"]), first["line_items"]["has_more"]) == (10, True)
    assert first["line_items"]["data"][0]["price"]["product"]["name"] == "Thing 0"
    assert (await there.client.stripe("GET", f"{path}?limit=101")).status == 400
    assert (
        await there.client.stripe("GET", f"/checkout/sessions/{made['id']}?expand[]=secrets")
    ).status == 400


async def test_sessions_are_listed_by_what_is_asked(start: Start) -> None:
    there = await till(start)
    sessions = await sold(there)
    since = int(there.clock.at) - 3600

    async def ids(query: str) -> list[str]:
        return [
            each["id"] for each in (await get(there.client, f"/checkout/sessions?limit=100&{query}"))["data"]
        ]

    first, second, third = (each["id"] for each in sessions)
    assert await ids("status=complete") == [second, first]
    assert await ids("status=open") == [third]
    assert await ids(f"created[gte]={since}") == [third]
    assert await ids(f"created[lt]={since}") == [second, first]
    assert await ids(f"customer={there.customer}") == [third, second, first]
    paid = there.sales.sessions.all[first]["payment_intent"]
    assert await ids(f"payment_intent={paid}") == [first]
    assert await ids(f"subscription={there.sales.sessions.all[second]['subscription']}") == [second]
    page = await get(there.client, "/checkout/sessions?limit=2&expand[]=data.line_items")
    assert (len(page["data"]), page["has_more"], len(page["data"][0]["line_items"]["data"])) == (2, True, 1)
    assert (await there.client.stripe("GET", "/checkout/sessions?paid=true")).status == 400


async def sold(there: Till) -> list[Any]:
    """One bought once, one subscribed to, and two hours later an open one."""
    first, second = await there.open(), await there.open("subscription")
    there.sales.complete_session(first["id"])
    there.sales.complete_session(second["id"])
    there.clock.at += 7200
    return [first, second, await there.open()]


async def test_what_costs_nothing_needs_no_payment(start: Start) -> None:
    there = await till(start)
    free = (await post(there.client, "/prices", product="course", currency="nok", unit_amount=0))["id"]
    made = await there.open(line_items=[{"price": free, "quantity": 1}])
    with pytest.raises(ValueError, match="nothing to pay"):
        there.sales.complete_session(made["id"], "failed")
    done = there.sales.complete_session(made["id"])
    assert (done["payment_status"], done["payment_intent"]) == ("no_payment_required", None)
    asked = {"mode": "setup", "customer": there.customer, "success_url": SHOP["success_url"]}
    later = await post(there.client, "/checkout/sessions", **asked)
    assert (later["amount_total"], later["currency"], later["payment_status"]) == (
        None,
        None,
        "no_payment_required",
    )
    assert there.sales.complete_session(later["id"])["status"] == "complete"
    assert there.client.ledger()["sales"]["counts"]["paid"] == 2


async def test_a_page_back_ends_where_the_later_one_began(start: Start) -> None:
    there = await till(start)
    ids = [(await there.open())["id"] for _ in range(7)][::-1]
    newest = (await get(there.client, "/checkout/sessions?limit=3"))["data"]
    assert [each["id"] for each in newest] == ids[:3]
    older = await get(there.client, f"/checkout/sessions?limit=3&starting_after={ids[2]}")
    assert ([each["id"] for each in older["data"]], older["has_more"]) == (ids[3:6], True)
    back = await get(there.client, f"/checkout/sessions?limit=2&ending_before={ids[3]}")
    assert ([each["id"] for each in back["data"]], back["has_more"]) == (ids[1:3], True)
    assert (await get(there.client, f"/checkout/sessions?starting_after={ids[6]}"))["data"] == []
    assert (await there.client.stripe("GET", "/checkout/sessions?starting_after=cs_none")).status == 400
