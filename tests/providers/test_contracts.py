"""What our clients send, held against the interface documents of those that they send it to.

The documents lie beside the project and not in it: without them these tests are skipped, and say so.
"""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jsonschema
import pytest
import yaml
from msgspec.structs import replace

from onpaid.domain.orders import Customer
from onpaid.providers.fiken import Fiken
from onpaid.providers.stripe import API_VERSION
from tests.providers.samples import CHARGE, CONTACT, CUSTOMER, draft
from tests.providers.scripted import Request, reply, scripted
from tests.providers.test_fiken import receipt, settings
from tests.providers.test_stripe_api import PAID, at

SPECS = Path(__file__).parents[2].parent / "shared" / "specs"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the interface documents are not at {SPECS}"),
]
FORMATS = jsonschema.FormatChecker()
LOCATION = "https://api.fiken.no/api/v2/companies/simulated-shop/{}/7"


class FikenDocument:
    """Fiken's OpenAPI document, read as strictly as its text says: unknown fields and parameters are refused."""

    def __init__(self) -> None:
        self.spec: Any = yaml.safe_load((SPECS / "fiken.yaml").read_text(encoding="utf-8"))

    def check(self, request: Request) -> str:
        """The operation that a request is for; an AssertionError or ValidationError if it is no proper one."""
        target = urlsplit(request.target)
        path = next(path for path in self.spec["paths"] if self._fits(path, target.path))
        operation = self.spec["paths"][path][request.method.lower()]
        self._check_query(
            operation,
            dict(parse_qsl(target.query, keep_blank_values=True, strict_parsing=bool(target.query))),
        )
        if "requestBody" in operation:
            assert request.headers["content-type"] == "application/json"
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            jsonschema.validate(request.json(), self._sent(schema), format_checker=FORMATS)
        else:
            assert request.body == b""
        assert request.headers["authorization"].startswith("Bearer ")
        return f"{request.method} {path}"

    def _fits(self, path: str, target: str) -> bool:
        return (
            re.fullmatch(re.sub(r"\{\w*Id\}", r"\\d+", path.replace("{companySlug}", "[a-z-]+")), target)
            is not None
        )

    def _check_query(self, operation: Any, query: dict[str, str]) -> None:
        known = {}
        for parameter in operation.get("parameters", ()):
            if "$ref" in parameter:
                parameter = self.spec["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
            known[parameter["name"]] = parameter["schema"]
        for name, value in query.items():
            schema = known[name]
            read = json.loads(value) if schema["type"] in ("integer", "boolean", "number") else value
            jsonschema.validate(read, self._sent(schema), format_checker=FORMATS)

    def _sent(self, node: Any) -> Any:
        """A schema without references, without read-only fields, and closed to unknown ones."""
        if "$ref" in node:
            return self._sent(self.spec["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]])
        if "allOf" in node:
            parts = [self._sent(part) for part in node["allOf"]]
            fields = {name: field for part in parts for name, field in part["properties"].items()}
            return {
                **parts[0],
                "properties": fields,
                "required": [n for part in parts for n in part["required"]],
            }
        made = {name: value for name, value in node.items() if name not in ("example", "nullable")}
        if "properties" in node:
            fields = {
                name: self._sent(field)
                for name, field in node["properties"].items()
                if not field.get("readOnly")
            }
            required = node.get("required", [])
            made |= {
                "type": "object",
                "properties": fields,
                "required": required,
                "additionalProperties": False,
            }
        if "items" in node:
            made["items"] = self._sent(node["items"])
        return made


@pytest.fixture(scope="module")
def document() -> FikenDocument:
    return FikenDocument()


async def test_what_fiken_is_sent(document: FikenDocument) -> None:
    invoice = {"invoiceId": 7, "gross": 1, "dispatches": []}
    company = {"slug": "simulated-shop"}
    async with scripted(
        [reply(201, location=LOCATION.format("contacts"))] * 3,
        reply(200, []),
        [reply(201, location=LOCATION.format("invoices"))] * 2,
        [reply(200, [])] * 2,
        [reply(200, invoice)] * 3,
        [reply(200, b"")] * 2,
        reply(200, [company]),
        reply(200, []),
        reply(200, {"value": 10_000}),
    ) as server:
        fiken = Fiken(settings(server.base))
        await fiken.create_contact(CONTACT)
        await fiken.create_contact(
            replace(CONTACT, country="US", language="ENGLISH", customer=replace(CUSTOMER, address=None))
        )
        await fiken.create_contact(replace(CONTACT, country="", customer=Customer()))
        await fiken.find_contact(CONTACT)
        await fiken.create_invoice(draft(7))
        await fiken.create_invoice(draft(7, cash=False, text="", our_reference=""))
        await fiken.find_invoice(draft(7))
        await fiken.fetch_invoice(7)
        await fiken.count_dispatches(7)
        await fiken.find_dispatch(receipt(7))
        await fiken.send_receipt(receipt(7))
        await fiken.send_receipt(receipt(7, to_name="", message=""))
        await fiken.doctor()
        operations = {document.check(request) for request in server.requests}
        assert not server.replies
        await fiken.close()
    company_path = "/companies/{companySlug}"
    assert operations == {
        "GET /companies",
        f"GET {company_path}/bankAccounts",
        f"GET {company_path}/contacts",
        f"POST {company_path}/contacts",
        f"GET {company_path}/invoices",
        f"POST {company_path}/invoices",
        f"GET {company_path}/invoices/{{invoiceId}}",
        f"GET {company_path}/invoices/counter",
        f"POST {company_path}/invoices/send",
    }


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/companies/simulated-shop/contacts", {"name": "x", "subject": "unknown"}),
        ("POST", "/companies/simulated-shop/contacts", {"name": "x", "address": {"city": "Oslo"}}),
        ("POST", "/companies/simulated-shop/contacts", {"name": "x" * 201}),
        ("POST", "/companies/simulated-shop/invoices/send", {"invoiceId": "7", "method": ["email"]}),
        ("POST", "/companies/simulated-shop/invoices/send", {"invoiceId": 7, "method": ["email"]}),
        ("GET", "/companies/simulated-shop/invoices?invoiceDraftUuid=nothing", None),
        ("GET", "/companies/simulated-shop/invoices?uuid=123e4567-e89b-12d3-a456-426655440000", None),
        ("GET", "/companies/simulated-shop/contacts?page=zero", None),
        ("GET", "/companies/simulated-shop/orders", None),
    ],
)
def test_the_check_would_notice(document: FikenDocument, method: str, target: str, body: Any) -> None:
    """The control: what the document does not allow is found."""
    headers = {"content-type": "application/json", "authorization": "Bearer x"}
    request = Request(method, target, headers, b"" if body is None else json.dumps(body).encode())
    with pytest.raises((jsonschema.ValidationError, KeyError, StopIteration, ValueError)):
        document.check(request)


def nested(query: str) -> dict[str, Any]:
    """A query with its brackets undone: `created[gte]=1` is {"created": {"gte": 1}}, `types[0]=a` a list."""
    made: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
        keys = re.findall(r"[^\[\]]+", name)
        there = made
        for key in keys[:-1]:
            there = there.setdefault(key, {})
        there[keys[-1]] = int(value) if value.isdigit() else value
    return {
        name: list(value.values())
        if isinstance(value, dict) and set(value) <= set(map(str, range(99)))
        else value
        for name, value in made.items()
    }


async def test_what_stripe_is_sent() -> None:
    spec = json.loads((SPECS / f"stripe-params-{API_VERSION}.json").read_text(encoding="utf-8"))
    intent = {**CHARGE, "amount_received": 1, "latest_charge": "ch_1"}
    empty = {"object": "list", "data": [], "has_more": False, "url": "/v1/events"}
    async with scripted(
        reply(200, CHARGE),
        reply(200, intent),
        reply(200, CHARGE),
        reply(200, {"id": "cus_1", "object": "customer"}),
        reply(200, empty),
        reply(200, empty),
    ) as server:
        stripe = at(server.base)
        await stripe.fetch_payment(PAID)
        await stripe.fetch_payment(replace(PAID, charge_id=None))
        await stripe.fetch_customer("cus_1")
        await stripe.events_since(1_700_000_000_000)
        await stripe.events_since(1_700_000_000_000, after="evt_1")
        asked = []
        for request in server.requests:
            target = urlsplit(request.target)
            operation = request.method + " " + re.sub(r"/(ch|pi|cus)_\w+$", r"/{\1}", target.path)
            asked.append(operation)
            names = {"{ch}": "{charge}", "{pi}": "{intent}", "{cus}": "{customer}"}
            for short, name in names.items():
                operation = operation.replace(short, name)
            params = nested(target.query)
            if operation == "GET /v1/customers/{customer}":
                assert params == {}  # an operation that the document does not hold
                continue
            jsonschema.validate(params, {**spec["operations"][operation], "$defs": spec["$defs"]})
            assert request.headers["stripe-version"] == spec["x-api-version"]
        assert asked == [
            "GET /v1/charges/{ch}",
            "GET /v1/payment_intents/{pi}",
            "GET /v1/charges/{ch}",
            "GET /v1/customers/{cus}",
            "GET /v1/events",
            "GET /v1/events",
        ]
        await stripe.close()


def test_todays_fixtures_can_be_read() -> None:
    """Stripe's own samples of the objects that we read."""
    import msgspec

    from onpaid.providers import stripe_wire as wire

    resources = json.loads((SPECS / "stripe-fixtures3.json").read_text(encoding="utf-8"))["resources"]
    kinds = {"charge": wire.Charge, "payment_intent": wire.Intent, "customer": wire.CustomerWire}
    kinds |= {"refund": wire.Change, "dispute": wire.Change}
    for name, kind in kinds.items():
        made = msgspec.convert(resources[name], kind)
        assert made.id == resources[name]["id"]
