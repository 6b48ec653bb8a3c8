"""Every call that we make at Stripe, held against the parameters that it publishes for our version: unknown names,
missing ones and values of another type fail.

The documents lie beside the project and not in it: without them these tests are skipped, and say so.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import msgspec
import pytest

from onpaid.acts import act_of
from onpaid.providers import roles_billing
from onpaid.providers import stripe_billing_wire as told
from onpaid.providers import stripe_bills_wire as billed
from onpaid.providers import stripe_catalogue_wire as catalogue
from onpaid.providers import stripe_till_wire as sold
from onpaid.providers.stripe import Settings, Stripe
from onpaid.providers.stripe_endpoints import Endpoint, StripeEndpoints
from onpaid.providers.stripe_sdk import API_VERSION
from onpaid.providers.stripe_till import StripeTill
from tests.providers.conftest import within
from tests.providers.sales_samples import (
    BILL,
    BILL_LINE,
    CUSTOMER_TOLD,
    INVOICE_PAYMENT,
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
)
from tests.providers.samples import CHARGE, NOW
from tests.providers.scripted import Reply, Request, Scripted, reply, scripted
from tests.providers.test_contracts import SPECS
from tests.providers.test_stripe_api import PAID

pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the interface documents are not at {SPECS}"),
]
UNPUBLISHED: dict[str, dict[str, Any]] = {
    "GET /v1/balance": {},
    "GET /v1/customers/{customer}": {},
    "GET /v1/invoices/{invoice}": {},
    "GET /v1/invoices/{invoice}/lines": {"limit": "integer", "starting_after": "string"},
    "GET /v1/products/{id}": {},
    "GET /v1/subscription_items": {"subscription": "string", "limit": "integer", "starting_after": "string"},
    "GET /v1/webhook_endpoints": {"limit": "integer", "starting_after": "string"},
}
"""What the document leaves out, by Stripe's reference: names and types."""


class StripeDocument:
    """The parameters of Stripe's operations. A form has no types: its values are read as the schema says."""

    def __init__(self) -> None:
        text = (SPECS / f"stripe-params-{API_VERSION}.json").read_text(encoding="utf-8")
        self.spec: Any = json.loads(text)
        for name, params in UNPUBLISHED.items():
            assert name not in self.spec["operations"], f"{name} is published now"
            properties = {each: {"type": kind} for each, kind in params.items()}
            schema = {"type": "object", "properties": properties, "additionalProperties": False}
            self.spec["operations"][name] = schema

    def check(self, request: Request) -> str:
        """The operation that a request is for; an error if it is no proper one."""
        target = urlsplit(request.target)
        operation = self._operation(request.method, target.path)
        schema = {**self.spec["operations"][operation], "$defs": self.spec["$defs"]}
        assert not (request.method == "POST" and target.query)
        form = request.body.decode() if request.method == "POST" else target.query
        jsonschema.Draft202012Validator(schema).validate(self._typed(schema, nested(form)))
        assert request.headers["stripe-version"] == self.spec["x-api-version"]
        assert request.headers["authorization"] == f"Bearer {KEY}"
        if request.method == "POST":
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        else:
            assert "idempotency-key" not in request.headers
            assert request.body == b""
        return operation

    def _operation(self, method: str, path: str) -> str:
        fits = [
            name
            for name in self.spec["operations"]
            if re.fullmatch(re.sub(r"\{\w+\}", r"\\w+", name), f"{method} {path}")
        ]
        assert fits, f"no operation for {method} {path}"
        return min(fits, key=lambda name: name.count("{"))

    def _typed(self, schema: Any, value: Any) -> Any:
        """The value with numbers and booleans where the schema has them."""
        while "$ref" in schema:
            schema = self.spec["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        if "anyOf" in schema:
            choices = [self._typed(each, value) for each in schema["anyOf"]]
            return next((each for each in choices if each != value), value)
        if isinstance(value, dict):
            known = schema.get("properties", {})
            return {name: self._typed(known.get(name, {}), each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._typed(schema.get("items", {}), each) for each in value]
        kind = schema.get("type")
        if kind == "integer" and re.fullmatch(r"-?\d+", value):
            return int(value)
        return value == "true" if kind == "boolean" and value in ("true", "false") else value


def nested(form: str) -> dict[str, Any]:
    """A form with its brackets undone: `created[gte]=1` is {"created": {"gte": "1"}}, `types[0]=a` a list."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form)):
        *way, last = re.findall(r"[^\[\]]+", name)
        there = made
        for key in way:
            there = there.setdefault(key, {})
        assert last not in there, f"{name} is given twice"
        there[last] = value
    return _lists(made)


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and set(value) == set(map(str, range(len(value)))):
        return [_lists(value[str(at)]) for at in range(len(value))]
    return {name: _lists(each) for name, each in value.items()}


@pytest.fixture(scope="module")
def document() -> StripeDocument:
    return StripeDocument()


ENDPOINT = {
    "id": "we_1",
    "url": "https://x.example/webhooks/stripe",
    "status": "enabled",
    "enabled_events": ["*"],
}
EVENTS = reply(200, listed(more=False))
Calls = list[tuple[str, Callable[[Any], Any], list[Reply]]]
SOURCE: Calls = [
    ("fetch_payment", lambda made: made.fetch_payment(PAID), [reply(200, CHARGE)]),
    (
        "fetch_payment",
        lambda made: made.fetch_payment(msgspec.structs.replace(PAID, charge_id=None)),
        [reply(200, {**CHARGE, "amount_received": 1, "latest_charge": "ch_1"}), reply(200, CHARGE)],
    ),
    ("fetch_customer", lambda made: made.fetch_customer("cus_1"), [reply(200, CUSTOMER_TOLD)]),
    ("events_since", lambda made: made.events_since(NOW), [EVENTS]),
    ("events_since", lambda made: made.events_since(NOW, after="1:", undelivered=True), [EVENTS]),
    ("events_since", lambda made: made.events_since(NOW, after="1:evt_1"), [EVENTS]),
    ("doctor", lambda made: made.doctor(), [reply(200, {"object": "balance", "livemode": False})]),
]
TILL: Calls = [
    ("create_customer", lambda made: made.create_customer(WANTED), [reply(200, CUSTOMER_TOLD)]),
    (
        "create_customer",
        lambda made: made.create_customer(msgspec.structs.replace(WANTED, user=_nameless())),
        [reply(200, CUSTOMER_TOLD)],
    ),
    (
        "find_customer",
        lambda made: made.find_customer(WANTED),
        [reply(200, listed(CUSTOMER_TOLD, more=True)), reply(200, listed())],
    ),
    (
        "find_customer",
        lambda made: made.find_customer(msgspec.structs.replace(WANTED, user=_nameless(), wanted_at=NOW)),
        [reply(200, listed())],
    ),
    ("fetch_customer_ref", lambda made: made.fetch_customer_ref("cus_1"), [reply(200, CUSTOMER_TOLD)]),
    ("create_product", lambda made: made.create_product(ONCE), [reply(400, {}), reply(200, PRODUCT_TOLD)]),
    ("find_product", lambda made: made.find_product(ONCE), [reply(200, PRODUCT_TOLD)]),
    ("create_price", lambda made: made.create_price(ONCE), [reply(200, PRICE_TOLD)]),
    ("create_price", lambda made: made.create_price(MONTHLY), [reply(200, PRICE_TOLD)]),
    ("find_price", lambda made: made.find_price(ONCE), [reply(200, listed(PRICE_TOLD))]),
    (
        "prices_of",
        lambda made: made.prices_of(ONCE),
        [reply(200, PRODUCT_TOLD), reply(200, listed(PRICE_TOLD)), reply(200, listed())],
    ),
    ("archive_price", lambda made: made.archive_price("price_1"), [reply(200, PRICE_TOLD)]),
    ("create_session", lambda made: made.create_session(draft()), [reply(200, SESSION)]),
    (
        "create_session",
        lambda made: made.create_session(draft(recurring=True)),
        [reply(200, SESSION)],
    ),
    ("find_session", lambda made: made.find_session(draft()), [reply(200, listed(SESSION))]),
    ("fetch_session", lambda made: made.fetch_session("cs_test_a1"), [reply(200, SESSION)]),
    (
        "session_lines",
        lambda made: made.session_lines("cs_test_a1"),
        [reply(200, listed(LINE, more=True)), reply(200, listed())],
    ),
    (
        "sessions_created",
        lambda made: made.sessions_created(0, NOW, after="cs_test_a0"),
        [reply(200, listed(SESSION))],
    ),
    (
        "fetch_subscription",
        lambda made: made.fetch_subscription("sub_1"),
        [
            reply(200, {**SUBSCRIPTION, "items": {"data": [], "has_more": True}}),
            reply(200, listed(item(1))),
        ],
    ),
    ("fetch_bill", lambda made: made.fetch_bill("in_1"), [reply(200, BILL)]),
    (
        "fetch_bill_lines",
        lambda made: made.fetch_bill_lines("in_1"),
        [reply(200, listed(BILL_LINE, more=True)), reply(200, listed())],
    ),
    (
        "fetch_bill_payment",
        lambda made: made.fetch_bill_payment("in_1"),
        [reply(200, listed(INVOICE_PAYMENT))],
    ),
    (
        "fetch_session_of",
        lambda made: made.fetch_session_of("sub_1"),
        [reply(200, listed(SESSION))],
    ),
    ("doctor", lambda made: made.doctor(), [reply(200, listed())] * 7),
]
PROBE: Calls = [("probe", lambda made: made.probe(), [reply(200, listed(ENDPOINT))])]
CALLS = [
    *((Stripe, each) for each in SOURCE),
    *((StripeTill, each) for each in TILL),
    *((StripeEndpoints, each) for each in PROBE),
]


def _nameless() -> Any:
    return msgspec.structs.replace(WANTED.user, email="")


def _make(kind: type, server: Scripted) -> tuple[Stripe, Any]:
    source = Stripe(Settings(api_key=KEY, api_base=server.base, billing=True))
    if kind is StripeTill:
        return source, StripeTill(source.sdk)
    if kind is StripeEndpoints:
        return source, StripeEndpoints(source.sdk, public_url="https://x.example", billing=False)
    return source, source


@pytest.mark.parametrize(("kind", "call"), CALLS, ids=[f"{k.__name__}.{c[0]}" for k, c in CALLS])
async def test_what_stripe_is_sent(document: StripeDocument, kind: type, call: Any) -> None:
    _, act, answers = call
    async with scripted(answers) as server:
        source, made = _make(kind, server)
        with within():
            await act(made)
        assert [document.check(request) for request in server.requests]
        assert len(server.requests) == len(answers)
        await source.close()


def test_every_call_is_held_against_the_document() -> None:
    held = {(kind, name) for kind, (name, _, _) in CALLS}
    for kind in (Stripe, StripeTill, StripeEndpoints):
        acts = {name for name in dir(kind) if hasattr(getattr(kind, name), "__act__")}
        assert acts <= {name for each, name in held if each is kind}
    roles = {**vars(roles_billing.Till), **vars(roles_billing.Subscriptions)}
    wanted = {name for name in roles if not name.startswith("_")}
    assert wanted <= {name for each, name in held if each is StripeTill}
    assert act_of(StripeEndpoints.probe).repeatable


@pytest.mark.parametrize(
    "form",
    [
        "mode=payment&surprise=1",
        "line_items[0][price]=price_1&line_items[0][amount]=7",
        "line_items[0][quantity]=many",
        "payment_method_types[0]=card",
        "payment_intent_data[metadata][x][y]=1",
    ],
)
def test_the_document_is_strict(document: StripeDocument, form: str) -> None:
    headers = {
        "stripe-version": API_VERSION,
        "authorization": f"Bearer {KEY}",
        "content-type": "application/x-www-form-urlencoded",
    }
    with pytest.raises(jsonschema.ValidationError):
        document.check(Request("POST", "/v1/checkout/sessions", headers, form.encode()))


def fixtures() -> Iterator[tuple[str, Any]]:
    """What of Stripe's own samples each of our shapes reads."""
    yield "customer", sold.CustomerTold
    yield "deleted_customer", sold.CustomerTold
    yield "product", catalogue.ProductTold
    yield "price", catalogue.PriceTold
    yield "checkout.session", sold.SessionWire
    yield "item", sold.LineTold
    yield "subscription", sold.SubscriptionWire
    yield "subscription_item", sold.ItemTold
    yield "webhook_endpoint", Endpoint
    yield "payment_intent", told.IntentTold
    yield "refund", told.RefundTold
    yield "dispute", told.DisputeTold
    yield "invoice", told.InvoiceTold
    yield "invoice", billed.BillTold
    yield "line_item", billed.BillLineTold
    yield "invoice_payment", billed.InvoicePaymentTold


@pytest.mark.parametrize(("name", "kind"), list(fixtures()))
def test_todays_fixtures_can_be_read(name: str, kind: Any) -> None:
    resources = json.loads((SPECS / "stripe-fixtures3.json").read_text(encoding="utf-8"))["resources"]
    assert msgspec.convert(resources[name], kind).id == resources[name]["id"]
