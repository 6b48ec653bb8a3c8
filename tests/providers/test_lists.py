"""The lists that a proof reads: whole, page by page, within the interface documents, and never cut short silently."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace as changed
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
from msgspec.structs import replace

from onpaid.acts import act_of
from onpaid.clock import as_instant
from onpaid.domain.checkouts import CheckoutWanted
from onpaid.domain.money import Money
from onpaid.errors import Doubtful, Refused
from onpaid.providers.fiken import Fiken
from onpaid.providers.fiken_lists import FikenLists
from onpaid.providers.razorpay import Razorpay
from onpaid.providers.shiprocket_lists import ShiprocketLists
from onpaid.providers.stripe_lists import StripeLists
from onpaid.providers.stripe_reading import Shop
from onpaid.providers.stripe_sdk import API_VERSION, Settings, StripeSdk
from onpaid.simulators import Served
from onpaid.simulators.stripe import Pay
from tests.providers.parcels import AT_ONCE, PARCEL, HandClock, logged_in
from tests.providers.parcels import at as courier_at
from tests.providers.sales_samples import BILL, INVOICE_PAYMENT
from tests.providers.samples import CHARGE, CONTACT, INTENT, draft
from tests.providers.scripted import Reply, reply, scripted
from tests.providers.test_contracts import SPECS, FikenDocument, nested
from tests.providers.test_fiken import at as fiken_at
from tests.providers.test_fiken import settings
from tests.providers.test_stripe_api import KEY
from tests.providers.till import PAYMENT, till

SHOP = Shop("konverzky", "order_number", ("source=konverzky", "konverzky*"))
documented = pytest.mark.skipif(not SPECS.is_dir(), reason=f"the interface documents are not at {SPECS}")
TODAY = datetime.now(UTC).date()
WEEK = timedelta(days=7)
EPOCH, EVER = 0, as_instant(datetime(2090, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "method",
    [
        FikenLists.invoices_issued,
        FikenLists.invoice_named,
        FikenLists.credit_named,
        FikenLists.invoices_numbered,
        ShiprocketLists.orders_created,
        StripeLists.charges_created,
        StripeLists.taking_named,
        StripeLists.bill_of,
        Razorpay.payments_between,
        Razorpay.taking_named,
    ],
)
def test_each_of_them_is_a_read_on_its_providers_lane(method: Callable[..., Any]) -> None:
    assert act_of(method).repeatable
    assert act_of(method).lane in ("fiken", "shiprocket", "stripe", "razorpay")


# -- Fiken -------------------------------------------------------------------------------------------------------


async def _issued(fiken: Fiken, since: date, until: date) -> list[Any]:
    found, page, more = [], 0, True
    while more:
        some, more = await fiken.invoices_issued(since, until, page)
        found, page = found + some, page + 1
    return found


async def test_invoices_are_listed_by_the_day_of_their_issue(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    fiken = fiken_at(served)
    contact = (await fiken.create_contact(CONTACT)).contact_id
    made = [
        await fiken.create_invoice(
            replace(
                draft(contact),
                uuid=f"123e4567-e89b-12d3-a456-{nth:012}",
                our_reference=f"pi_{nth}",
                issue_date=TODAY,
                due_date=TODAY,
            )
        )
        for nth in range(101)
    ]
    assert await _issued(fiken, TODAY - WEEK, TODAY - timedelta(days=1)) == []
    found = await _issued(fiken, TODAY - WEEK, TODAY)
    assert [each.invoice_id for each in found] == [each.invoice_id for each in made]
    assert [each.our_reference for each in found] == [f"pi_{nth}" for nth in range(101)]
    first = found[0]
    assert (first.total, first.order_reference) == (draft(contact).total, draft(contact).order_reference)
    assert await fiken.invoice_named(first.invoice_id) == first
    assert await fiken.invoice_named(1) is None
    assert await fiken.invoices_numbered("NOBODYS") == []
    with pytest.raises(Refused, match="more than 100"):
        await fiken.invoices_numbered(first.order_reference)
    await fiken.close()


async def test_an_invoice_names_the_credit_notes_on_it_and_each_says_how_much_it_takes_back(
    simulate: Callable[..., Any],
) -> None:
    served: Served = await simulate()
    fiken = fiken_at(served)
    contact = (await fiken.create_contact(CONTACT)).contact_id
    made = await fiken.create_invoice(replace(draft(contact), issue_date=TODAY, due_date=TODAY))
    books = served.simulators.fiken
    notes = [books.credit(books.invoices[made.invoice_id], gross) for gross in (100, 19_800)]
    (issued,) = await _issued(fiken, TODAY, TODAY)
    assert issued.credits == tuple(each.ident for each in notes)
    assert [await fiken.credit_named(each) for each in issued.credits] == [
        Money(100, "NOK"),
        Money(19_800, "NOK"),
    ]
    assert await fiken.credit_named(1) is None
    await fiken.close()


async def test_a_page_of_invoices_that_is_shorter_than_its_count_is_no_list() -> None:
    async with scripted(reply(200, [], fiken_api_result_count="3")) as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(Doubtful, match="0 invoices of 3"):
            await fiken.invoices_issued(TODAY, TODAY, 0)
        await fiken.close()


async def test_an_invoice_in_yen_that_somebody_wrote_by_hand_hides_no_other() -> None:
    listed = [{"invoiceId": 7, "gross": 800, "currency": "JPY"}, {"invoiceId": 8, "gross": 100}]
    async with scripted(reply(200, listed)) as server:
        fiken = Fiken(settings(server.base))
        found, _ = await fiken.invoices_issued(TODAY, TODAY, 0)
        await fiken.close()
    assert [each.total for each in found] == [Money(800, "JPY"), Money(100, "NOK")]


@documented
@pytest.mark.contract
async def test_what_fiken_is_asked_fits_its_document() -> None:
    answers = [
        reply(200, []),
        reply(200, []),
        reply(200, {"invoiceId": 7, "gross": 1}),
        reply(200, {"gross": 1}),
    ]
    async with scripted(*answers) as server:
        fiken = Fiken(settings(server.base))
        await fiken.invoices_issued(TODAY - WEEK, TODAY, 3)
        await fiken.invoices_numbered("1001")
        await fiken.invoice_named(7)
        await fiken.credit_named(8)
        document = FikenDocument()
        asked = [document.check(request) for request in server.requests]
        await fiken.close()
    assert asked == [
        "GET /companies/{companySlug}/invoices",
        "GET /companies/{companySlug}/invoices",
        "GET /companies/{companySlug}/invoices/{invoiceId}",
        "GET /companies/{companySlug}/creditNotes/{creditNoteId}",
    ]
    query = dict(parse_qsl(urlsplit(server.requests[0].target).query))
    assert query == {
        "issueDateGe": (TODAY - WEEK).isoformat(),
        "issueDateLe": TODAY.isoformat(),
        "page": "3",
        "pageSize": "100",
    }


# -- Shiprocket --------------------------------------------------------------------------------------------------


async def test_parcels_are_listed_by_the_day_of_their_making_dead_or_alive(
    simulate: Callable[..., Any],
) -> None:
    served: Served = await simulate(times=changed(AT_ONCE))
    courier = courier_at(served, HandClock())
    for nth in range(101):
        made = await courier.create_order(replace(PARCEL, reference=f"20458612{nth:04}"))
        if nth == 7:
            await courier.assign_awb(made)
        if nth == 8:
            await courier.cancel_order(made)
    first, more = await courier.orders_created(TODAY - WEEK, TODAY + WEEK, 1)
    rest, end = await courier.orders_created(TODAY - WEEK, TODAY + WEEK, 2)
    assert (len(first), more, len(rest), end) == (100, True, 1, False)
    by_number = {each.reference: each for each in first + rest}
    assert len(by_number) == 101
    assert by_number["204586120007"].awb
    assert by_number["204586120008"].cancelled
    assert await courier.orders_created(TODAY - 2 * WEEK, TODAY - WEEK, 1) == ([], False)
    await courier.close()


@pytest.mark.parametrize(
    "told",
    [{"data": "none"}, {"data": ["x"]}, {}, {"data": [{"id": "", "shipments": [{"id": 1}]}]}],
)
async def test_what_is_no_list_of_parcels_is_in_doubt(told: Any) -> None:
    async with scripted(logged_in(), reply(200, told)) as server:
        courier = courier_at(server)
        with pytest.raises(Doubtful):
            await courier.orders_created(TODAY, TODAY, 1)
        await courier.close()


async def test_an_order_without_a_shipment_is_no_parcel_and_no_error() -> None:
    told = {"data": [{"id": 1, "channel_order_id": "1", "shipments": []}]}
    async with scripted(logged_in(), reply(200, told)) as server:
        courier = courier_at(server)
        assert await courier.orders_created(TODAY, TODAY, 1) == ([], False)
        await courier.close()


# -- Stripe ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def lists(base: str) -> AsyncIterator[StripeLists]:
    sdk = StripeSdk(Settings(KEY, False, base))
    yield StripeLists(sdk, SHOP)
    await sdk.close()


async def test_charges_are_listed_with_whose_they_are(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    stripe = served.simulators.stripe
    ours = stripe.pay(Pay(49_800, "NOK", "10042"))
    marked = stripe.pay(Pay(100, "NOK", None, metadata={"source": "konverzky"}))
    session = stripe.pay(Pay(200, "USD", None, metadata={"onpaid_reference": "ref_1"}))
    held = stripe.pay(Pay(300, "NOK", "10043", captured=False))
    foreign = stripe.pay(Pay(400, "NOK", None))
    async with lists(served.stripe_base) as source:
        found, after = await source.charges_created(EPOCH, EVER)
        assert after is None
        by_id = {each.payment_id: each for each in found}
        told = [by_id[each.intent["id"]] for each in (ours, marked, session, held, foreign)]
        assert [(each.ours, each.order, each.captured) for each in told] == [
            (True, "10042", True),
            (True, "", True),
            (True, "", True),
            (True, "10043", False),
            (False, "", True),
        ]
        assert ["names no order" in each.trouble for each in told] == [False, True, False, False, False]
        assert (told[0].amount, told[0].refunded.minor, told[2].reference) == (
            Money(49_800, "NOK"),
            0,
            "ref_1",
        )
        assert told[0].key == f"stripe/default/test/{ours.intent['id']}"
        assert await source.taking_named(told[0].payment_id, told[0].charge_id) == told[0]
        assert await source.taking_named(told[0].payment_id, "") == told[0]
        assert await source.taking_named("pi_never", "") is None
        assert await source.taking_named("ch_never", "ch_never") is None


async def test_charges_come_page_by_page(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    for nth in range(203):
        served.simulators.stripe.pay(Pay(100 + nth, "NOK", str(nth), announce=False))
    found: list[Any] = []
    async with lists(served.stripe_base) as source:
        page, after = await source.charges_created(EPOCH, EVER)
        pages = [len(page)]
        found += page
        while after is not None:
            page, after = await source.charges_created(EPOCH, EVER, after=after)
            pages.append(len(page))
            found += page
        assert (pages, len({each.charge_id for each in found})) == ([100, 100, 3], 203)
        assert (await source.charges_created(EPOCH, 1000))[0] == []


async def test_a_charge_in_an_unknown_currency_stops_the_list() -> None:
    page = {"object": "list", "data": [{**CHARGE, "currency": "zzz", "created": 1}], "has_more": False}
    async with scripted(reply(200, page)) as server, lists(server.base) as source:
        with pytest.raises(Refused, match="cannot be read"):
            await source.charges_created(EPOCH, EVER)


@documented
@pytest.mark.contract
async def test_what_stripe_is_asked_fits_its_schemas() -> None:
    spec = json.loads((SPECS / f"stripe-params-{API_VERSION}.json").read_text(encoding="utf-8"))
    empty: dict[str, Any] = {"object": "list", "data": [], "has_more": False}
    intent = {**INTENT, "latest_charge": "ch_1"}
    answers: list[Reply] = [reply(200, empty), reply(200, empty), reply(200, intent), reply(200, CHARGE)]
    for parent in (BILL["parent"], None):
        between = {**INVOICE_PAYMENT, "invoice": {**BILL, "parent": parent}}
        answers.append(reply(200, {**empty, "data": [between]}))
    async with scripted(*answers) as server, lists(server.base) as source:
        await source.charges_created(1_000_000, 2_000_000)
        await source.charges_created(1_000_000, 2_000_000, after="ch_1")
        await source.taking_named("pi_1", "")
        assert await source.bill_of("pi_1") == "in_1"
        assert await source.bill_of("pi_2") is None
        asked = [(request.method, urlsplit(request.target)) for request in server.requests]
    assert [f"{method} {target.path}" for method, target in asked] == [
        "GET /v1/charges",
        "GET /v1/charges",
        "GET /v1/payment_intents/pi_1",
        "GET /v1/charges/ch_1",
        "GET /v1/invoice_payments",
        "GET /v1/invoice_payments",
    ]
    query = dict(parse_qsl(asked[1][1].query))
    assert query == {
        "created[gte]": "1000",
        "created[lte]": "2000",
        "limit": "100",
        "starting_after": "ch_1",
    }
    assert dict(parse_qsl(asked[4][1].query)) == {
        "expand[0]": "data.invoice",
        "limit": "100",
        "payment[payment_intent]": "pi_1",
        "payment[type]": "payment_intent",
        "status": "paid",
    }
    for nth, operation in ((1, "GET /v1/charges"), (4, "GET /v1/invoice_payments")):
        schema = {**spec["operations"][operation], "$defs": spec["$defs"]}
        jsonschema.Draft202012Validator(schema).validate(nested(asked[nth][1].query))


# -- Razorpay ----------------------------------------------------------------------------------------------------


async def test_payments_are_listed_by_position_whatever_became_of_them(simulate: Callable[..., Any]) -> None:
    served: Served = await simulate()
    razorpay = till(served)
    wanted = CheckoutWanted("shop/1", "2045861230417", Money(150_000, "INR"))
    made = await razorpay.create_checkout(wanted)
    served.simulators.razorpay.pay(made.checkout_id)
    found = await razorpay.payments_between(EPOCH, EVER, 0)
    taken = next(each for each in found if each.captured)
    assert (taken.payment_id, taken.amount, taken.ours) == (made.checkout_id, wanted.amount, True)
    assert taken.key == f"razorpay/default/test/{made.checkout_id}"
    assert await razorpay.payments_between(EPOCH, EVER, len(found)) == []
    assert await razorpay.payments_between(EPOCH, 1000, 0) == []
    assert await razorpay.taking_named(taken.payment_id, taken.charge_id) == taken
    assert await razorpay.taking_named("order_x", "pay_AbCdEfGhIjKlMn") is None
    await razorpay.close()


async def test_a_payment_without_an_order_is_named_by_itself_and_is_not_ours() -> None:
    page = {"entity": "collection", "count": 1, "items": [{**PAYMENT, "order_id": None}]}
    async with scripted(reply(200, page)) as server:
        razorpay = till(server)
        (taken,) = await razorpay.payments_between(EPOCH, EVER, 0)
        assert (taken.payment_id, taken.ours) == (PAYMENT["id"], False)
        await razorpay.close()


async def test_a_refusal_that_is_no_absence_is_told() -> None:
    refusal = {"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many things at once"}}
    async with scripted(reply(400, refusal)) as server:
        razorpay = till(server)
        with pytest.raises(Refused):
            await razorpay.taking_named("order_x", "pay_x")
        await razorpay.close()
