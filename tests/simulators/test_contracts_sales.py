"""Sales at Stripe, held against its published fields and parameters, and against what its own library makes of them."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
import stripe as sdk

from onpaid.simulators.stripe_form import KNOWN
from onpaid.simulators.stripe_names import SALES_CALLS, SALES_LISTS
from tests.simulators.kit import Start
from tests.simulators.sales_kit import SHOP, Till, form, post, till
from tests.simulators.test_contracts import SPECS, STRIPE_PARAMS

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the providers' interface documents are not at {SPECS}"),
]
UNPUBLISHED: Final = {
    "GET /v1/invoices/{invoice}/lines",
    "GET /v1/webhook_endpoints",
    "POST /v1/subscriptions/{subscription}",
    "DELETE /v1/subscriptions/{subscription}",
}
"""Calls that the document of parameters does not have."""
GONE: Final = {"invoice": {"subscription"}}
"""What the published fixtures still have, and the version does not."""


async def lived(start: Start) -> Till:
    """A till at which everything happened once."""
    there = await till(start)
    once = there.sales.complete_session((await there.open())["id"])
    there.sales.complete_session((await there.open("subscription"))["id"])
    there.client.simulators.stripe.refund(once["payment_intent"], 5)
    there.sales.troubles.dispute(once["payment_intent"], 5)
    return there


TABLES: Final[dict[str, Callable[[Any], list[Any]]]] = {
    "checkout.session": lambda sales: list(sales.sessions.all.values()),
    "item": lambda sales: [line for lines in sales.sessions.lines.values() for line in lines],
    "product": lambda sales: list(sales.catalogue.products.values()),
    "price": lambda sales: list(sales.catalogue.prices.values()),
    "subscription": lambda sales: list(sales.subscriptions.all.values()),
    "subscription_item": lambda sales: [
        item for each in sales.subscriptions.all.values() for item in each["items"]["data"]
    ],
    "invoice": lambda sales: list(sales.invoices.all.values()),
    "line_item": lambda sales: [
        line for each in sales.invoices.all.values() for line in each["lines"]["data"]
    ],
    "invoice_payment": lambda sales: list(sales.invoices.payments.values()),
    "dispute": lambda sales: list(sales.troubles.disputes.values()),
    "refund": lambda sales: list(sales.stripe.refunds.values()),
}


@pytest.mark.parametrize("kind", TABLES)
async def test_objects_have_the_published_fields(start: Start, kind: str) -> None:
    published = json.loads((SPECS / "stripe-fixtures3.json").read_text(encoding="utf-8"))["resources"][kind]
    shown = TABLES[kind]((await lived(start)).sales)
    assert shown
    for each in shown:
        assert set(each) - {"object"} == set(published) - {"object"} - GONE.get(kind, set())


@pytest.mark.parametrize("name", [*SALES_LISTS, *SALES_CALLS])
def test_the_short_lists_of_names_are_the_published_ones(name: str) -> None:
    document = json.loads(STRIPE_PARAMS.read_text(encoding="utf-8"))
    schema = document["operations"].get(name)
    if schema is None:
        assert name in UNPUBLISHED
        return
    while "$ref" in schema:
        schema = document["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    assert KNOWN[name] | {"created"} == set(schema["properties"]) | {"expand", "created"}


@pytest.mark.parametrize(
    ("path", "wrong", "code"),
    [
        ("/products", {"name": "A", "package_dimensions": {"depth": "5"}}, "parameter_unknown"),
        (
            "/prices",
            {"currency": "nok", "product": "course", "unit_amount": "5.5"},
            "parameter_invalid_integer",
        ),
        ("/prices", {"currency": "nok", "product": "course", "unit_amount": 5, "recurring": {}}, None),
        ("/checkout/sessions", {"mode": "payment", "line_items": [{"prize": "x"}]}, "parameter_unknown"),
        ("/checkout/sessions", {"mode": "payment", "payment_method_types": ["card"]}, "parameter_unknown"),
        (
            "/checkout/sessions",
            {"mode": "payment", "payment_intent_data": {"meta": "x"}},
            "parameter_unknown",
        ),
    ],
)
async def test_parameters_are_checked_by_the_published_ones(
    start: Start, path: str, wrong: dict[str, Any], code: str | None
) -> None:
    there = await till(start, stripe_params=STRIPE_PARAMS)
    said = await there.client.stripe("POST", path, data=form(wrong))
    if code is None:
        assert said.status == 200, said.text  # an empty hash is nothing at all in a form
    else:
        assert (said.status, said.json["error"]["code"]) == (400, code)


async def test_calls_with_types_do_what_those_without_do(start: Start) -> None:
    there = await till(start, stripe_params=STRIPE_PARAMS)
    named: dict[str, Any] = {"product": "course", "currency": "nok", "unit_amount": 1, "lookup_key": "a"}
    first = await post(there.client, "/prices", **named)
    second = await post(there.client, "/prices", **named, transfer_lookup_key=True)
    await post(there.client, f"/prices/{first['id']}", active=False)
    listed = await there.client.stripe("GET", "/prices?active=true&product=course&lookup_keys[]=a&limit=5")
    assert [each["id"] for each in listed.json["data"]] == [second["id"]]
    made = await there.open(expires_at=int(there.clock.at) + 3600, invoice_creation={"enabled": True})
    assert made["invoice_creation"]["enabled"] is True
    for query in (
        "status=open&created[gte]=5",
        "created[lt]=9999999999&limit=1",
        f"customer={there.customer}",
    ):
        said = await there.client.stripe("GET", f"/checkout/sessions?{query}&expand[]=data.line_items")
        assert len(said.json["data"]) == 1
    assert (await there.client.stripe("POST", f"/checkout/sessions/{made['id']}/expire")).status == 200
    for path in (
        "/subscriptions?status=all",
        "/invoices?status=paid",
        "/disputes?limit=1",
        "/invoice_payments",
    ):
        assert (await there.client.stripe("GET", path)).status == 200


async def test_stripes_own_library_reads_the_answers(start: Start) -> None:
    there = await till(start)
    client = sdk.StripeClient("sk_test_simulated", base_addresses={"api": there.client.served.stripe_base})
    checkout = client.v1.checkout.sessions
    asked: Any = {
        "mode": "subscription",
        "customer": there.customer,
        "line_items": [{"price": there.studio, "quantity": 2}],
        "success_url": SHOP["success_url"],
        "subscription_data": {"metadata": {"userId": "u1"}},
    }
    made = await asyncio.to_thread(checkout.create, asked)
    there.sales.complete_session(made.id)
    expand: Any = {"expand": ["line_items", "subscription"]}
    session: Any = await asyncio.to_thread(checkout.retrieve, made.id, expand)
    assert (session.line_items.data[0].amount_total, session.subscription.status) == (19_800, "active")
    begun: Any = await asyncio.to_thread(client.v1.subscriptions.retrieve, session.subscription.id)
    assert begun["items"].data[0].current_period_end > begun.created
    lines: Any = await asyncio.to_thread(checkout.line_items.list, made.id, {"limit": 100})
    assert [line.price.lookup_key for line in lines.data] == ["studio-month"]
    with pytest.raises(sdk.InvalidRequestError) as refusal:
        await asyncio.to_thread(client.v1.products.create, {"id": "studio", "name": "Studio"})
    assert refusal.value.code == "resource_already_exists"
