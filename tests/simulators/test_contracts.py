"""The simulators' answers, held against the providers' published interface documents where those are at hand."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml

from onpaid.simulators import Settings
from onpaid.simulators import fiken_checks as checks
from tests.simulators.kit import Client, Start
from tests.simulators.test_fiken_strict import INVOICE, LINE, SEND

SPECS: Final = Path(__file__).parents[2].parent / "shared" / "specs"
STRIPE_PARAMS: Final = SPECS / "stripe-params-2026-10-28.endive.json"
pytestmark = [
    pytest.mark.contract,
    pytest.mark.skipif(not SPECS.is_dir(), reason=f"the providers' interface documents are not at {SPECS}"),
]
NOT_IN_THE_DOCUMENT: Final = {"charge": {"source", "refunds"}, "customer": set(), "payment_intent": set()}


class Document:
    """Fiken's OpenAPI document, made into JSON Schemas that refuse what an answer must not have."""

    def __init__(self) -> None:
        self.spec: Any = yaml.safe_load((SPECS / "fiken.yaml").read_text(encoding="utf-8"))

    def schema(self, node: Any, *, answer: bool) -> Any:
        """One schema with references resolved; unknown fields, and those of the other direction, are refused."""
        if isinstance(node, list):
            return [self.schema(each, answer=answer) for each in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return self.schema(
                self.spec["components"]["schemas"][node["$ref"].rsplit("/", 1)[1]], answer=answer
            )
        if "allOf" in node:
            parts = [self.schema(each, answer=answer) for each in node["allOf"]]
            properties = {name: value for part in parts for name, value in part.get("properties", {}).items()}
            required = [name for part in parts for name in part.get("required", ())]
            return {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            }
        made = {name: self.schema(value, answer=answer) for name, value in node.items() if name != "example"}
        other = "writeOnly" if answer else "readOnly"
        if isinstance(node.get("properties"), dict):
            kept = {name: value for name, value in node["properties"].items() if not value.get(other)}
            made["properties"] = {name: self.schema(value, answer=answer) for name, value in kept.items()}
            made["required"] = [name for name in node.get("required", ()) if name in kept]
            made["additionalProperties"] = False
        if made.pop("nullable", False):
            made["type"] = [made["type"], "null"]
        return made

    def check_answer(self, method: str, path: str, status: int, headers: Any, body: Any) -> None:
        operation = self.spec["paths"][path][method.lower()]
        assert str(status) in operation["responses"], f"{method} {path} answers {status}"
        response = operation["responses"][str(status)]
        for name, header in response.get("headers", {}).items():
            assert name in headers, f"{method} {path}: header {name}"
            if header["schema"]["type"] == "integer":
                int(headers[name])
        content = response.get("content", {}).get("application/json")
        if content is None:
            assert body is None, f"{method} {path} answers with a body"
            return
        checker = jsonschema.FormatChecker()
        jsonschema.validate(body, self.schema(content["schema"], answer=True), format_checker=checker)

    def check_request(self, method: str, path: str, body: Any) -> None:
        content = self.spec["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
        jsonschema.validate(body, self.schema(content["schema"], answer=False))


@pytest.fixture(scope="module")
def document() -> Document:
    return Document()


class Checked:
    """Calls Fiken, and holds request and answer against the document."""

    def __init__(self, client: Client, document: Document) -> None:
        self.client, self.document = client, document

    async def __call__(self, method: str, path: str, query: str = "", body: Any = None, **ids: int) -> Any:
        full = f"/companies/{{companySlug}}{path}"
        if body is not None:
            self.document.check_request(method, full, body)
        said = await self.client.fiken(
            method, path.format(**ids) + query, **({} if body is None else {"json": body})
        )
        read = said.json if said.text else None
        self.document.check_answer(method, full, said.status, said.headers, read)
        location = said.headers.get("Location")
        return int(location.rsplit("/", 1)[1]) if location else read


async def test_fikens_answers_are_as_published(start: Start, document: Document) -> None:
    client = await start(invoice_counter=None)
    checked = Checked(client, document)
    headers = {"Authorization": "Bearer fiken_simulated"}
    companies = await client.call("GET", "/fiken/api/v2/companies", headers=headers)
    document.check_answer("GET", "/companies", 200, companies.headers, companies.json)
    await checked("GET", "")
    accounts = await checked("GET", "/bankAccounts")
    assert accounts[0]["accountCode"] == Settings().bank_accounts[0]
    address = {"streetAddress": "Storgata 1", "postCode": "0155", "city": "Oslo", "country": "Norway"}
    whole = {
        "name": "Ola",
        "email": "o@example.org",
        "customer": True,
        "memberNumberString": "cus_1",
        "address": address,
    }
    contact = await checked("POST", "/contacts", body={**whole, "language": "ENGLISH", "currency": "EUR"})
    await checked("GET", "/contacts", "?memberNumberString=cus_1&page=0&pageSize=10")
    await checked("GET", "/contacts/{contactId}", contactId=contact)
    await checked("PUT", "/contacts/{contactId}", body=whole, contactId=contact)
    await checked("POST", "/invoices/counter", body={"value": 20000})
    await checked("GET", "/invoices/counter")
    sold = {**INVOICE, "customerId": contact}
    made = await checked("POST", "/invoices", body=sold)
    owed = {name: value for name, value in sold.items() if name not in ("paymentAccount", "uuid")}
    await checked("POST", "/invoices", body={**owed, "cash": False, "currency": "EUR"})
    await checked("POST", "/invoices/send", body={**SEND, "invoiceId": made})
    shown = await checked("GET", "/invoices/{invoiceId}", invoiceId=made)
    assert (shown["invoiceNumber"], shown["dispatches"][0]["dispatchType"]) == (20001, "email")
    assert len(await checked("GET", "/invoices")) == 2
    line = {name: LINE[name] for name in ("quantity", "unitPrice", "vatType", "incomeAccount")}
    draft: dict[str, Any] = {
        "type": "cash_invoice",
        "customerId": contact,
        "daysUntilDueDate": 0,
        "paymentAccount": "1920:10001",
    }
    draft |= {
        "uuid": INVOICE["uuid"],
        "bankAccountNumber": "15035646830",
        "lines": [{**line, "description": "Pen"}],
    }
    first = await checked("POST", "/invoices/drafts", body=draft)
    await checked("GET", "/invoices/drafts", f"?uuid={INVOICE['uuid']}")
    await checked("GET", "/invoices/drafts/{draftId}", draftId=first)
    await checked("DELETE", "/invoices/drafts/{draftId}", draftId=first)
    second = await checked("POST", "/invoices/drafts", body=draft)
    await checked("POST", "/invoices/drafts/{draftId}/createInvoice", draftId=second)
    await checked("DELETE", "/contacts/{contactId}", contactId=contact)
    spare = await checked("POST", "/contacts", body={"name": "Kari"})
    await checked("DELETE", "/contacts/{contactId}", contactId=spare)


def test_the_check_sees_what_it_is_for(document: Document) -> None:
    path = "/companies/{companySlug}/contacts/{contactId}"
    answers: list[dict[str, Any]] = [
        {"name": "O", "memberNumberString": "cus_1"},
        {"name": "O", "nick": "x"},
        {"name": 5},
        {},
    ]
    for bad in answers:
        with pytest.raises(jsonschema.ValidationError):
            document.check_answer("GET", path, 200, {}, bad)
    requests: list[dict[str, Any]] = [
        {"name": "O", "contactId": 1},
        {"name": "O", "address": {"city": "Oslo"}},
    ]
    for bad in requests:
        with pytest.raises(jsonschema.ValidationError):
            document.check_request("POST", "/companies/{companySlug}/contacts", bad)


def test_fikens_field_tables_are_the_published_ones(document: Document) -> None:
    tables = {
        "contact": checks.CONTACT,
        "address": checks.ADDRESS,
        "invoiceRequest": checks.INVOICE,
        "invoiceLineRequest": checks.LINE,
        "invoiceishDraftRequest": checks.DRAFT,
        "counter": checks.COUNTER,
    }
    for name, table in tables.items():
        schema = document.schema({"$ref": f"#/components/schemas/{name}"}, answer=False)
        assert set(table) == set(schema["properties"]), name
        assert {field for field, rule in table.items() if rule.required} == set(schema["required"]), name
    send = document.schema({"$ref": "#/components/schemas/sendInvoiceRequest"}, answer=False)
    assert set(checks.SEND) == set(send["properties"])
    assert {field for field, rule in checks.SEND.items() if rule.required} == set(send["required"])


@pytest.mark.parametrize("kind", ["charge", "customer", "payment_intent", "event", "refund"])
async def test_stripes_objects_have_the_published_fields(start: Start, kind: str) -> None:
    published = json.loads((SPECS / "stripe-fixtures3.json").read_text(encoding="utf-8"))["resources"][kind]
    client = await start(target="http://127.0.0.1:9")
    body = {"order_number": "1", "amount": 500, "customer": {"email": "a@example.org"}}
    made = (await client.call("POST", "/stripe/_charges", json=body)).json
    await client.call("POST", "/stripe/_refunds", json={"charge": made["charge"]})
    stripe = client.simulators.stripe
    tables = {
        "charge": stripe.charges,
        "customer": stripe.customers,
        "payment_intent": stripe.intents,
        "event": stripe.events,
        "refund": stripe.refunds,
    }
    for shown in tables[kind].values():
        unknown = set(shown) - set(published)
        assert not unknown
        assert set(published) - set(shown) <= NOT_IN_THE_DOCUMENT.get(kind, set())


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (
            {
                "email": "a@example.org",
                "address[country]": "NO",
                "metadata[a]": "b",
                "preferred_locales[0]": "nb",
            },
            None,
        ),
        ({"tax_exempt": "reverse", "address": "", "balance": "-100"}, None),
        ({"emial": "a@example.org"}, "parameter_unknown"),
        ({"address[land]": "NO"}, "parameter_unknown"),
        ({"balance": "much"}, "parameter_invalid_integer"),
        ({"preferred_locales": "nb"}, "parameter_invalid"),
        ({"shipping[name]": "Ola"}, "parameter_missing"),
    ],
)
async def test_stripes_parameters_are_checked_by_the_published_ones(
    start: Start, form: dict[str, str], code: str | None
) -> None:
    client = await start(stripe_params=STRIPE_PARAMS)
    said = await client.stripe("POST", "/customers", data=form)
    assert said.status == (200 if code is None else 400), said.text
    assert code is None or said.json["error"]["code"] == code
    listed = await client.stripe(
        "GET", "/events?types[]=charge.succeeded&created[gte]=5&limit=3&delivery_success=true"
    )
    assert listed.status == 200, listed.text
    assert (await client.stripe("GET", "/events?limit=many")).status == 400
