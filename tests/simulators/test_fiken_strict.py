"""Fiken refuses: each thing that the real one is documented or known to refuse."""

from typing import Any

import pytest

from onpaid.simulators.fiken_books import NO_SERIES
from tests.simulators.kit import COMPANY, Start

LINE = {
    "quantity": 2,
    "productName": "Notebook",
    "unitPrice": 15920,
    "net": 31840,
    "vat": 7960,
    "gross": 39800,
    "vatType": "HIGH",
    "incomeAccount": "3000",
}
INVOICE = {
    "uuid": "123e4567-e89b-12d3-a456-426655440000",
    "issueDate": "2026-11-20",
    "dueDate": "2026-11-20",
    "bankAccountCode": "1920:10001",
    "cash": True,
    "paymentAccount": "1920:10002",
    "currency": "NOK",
    "orderReference": "1001",
    "lines": [LINE],
}
SEND = {"method": ["email"], "includeDocumentAttachments": True, "emailSendOption": "attachment"}
GONE = object()


def without(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**body, **changes}.items() if value is not GONE}


async def test_who_may_come_in(start: Start) -> None:
    client = await start()
    assert (await client.fiken("GET", "/contacts", token="other")).status == 401
    assert (await client.call("GET", COMPANY + "/contacts")).status == 401
    bearer = {"Authorization": "Bearer fiken_simulated"}
    elsewhere = COMPANY.replace("simulated-shop", "other-shop")
    assert (await client.call("GET", elsewhere + "/contacts", headers=bearer)).status == 404
    assert (
        await client.call("GET", "/fiken/companies/simulated-shop/contacts", headers=bearer)
    ).status == 200
    assert (await client.call("GET", "/fiken/api/v2/companies", headers=bearer)).json[0][
        "slug"
    ] == "simulated-shop"
    assert (await client.fiken("PATCH", "/contacts")).status == 405
    closed = await start(api_access=False)
    assert (await closed.fiken("GET", "/contacts")).status == 403


async def test_only_json_is_read(start: Start) -> None:
    client = await start()
    assert (await client.fiken("POST", "/contacts", data={"name": "Ola"})).status == 415
    bearer = {"Authorization": "Bearer fiken_simulated", "Content-Type": "application/json"}
    assert (await client.call("POST", COMPANY + "/contacts", headers=bearer, data="{")).status == 400
    assert (await client.fiken("POST", "/contacts", json=["name"])).status == 400


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"nickname": "O"}, "nickname: unknown field"),
        ({"contactId": 7}, "contactId: unknown field"),
        ({"name": GONE}, "name: is required"),
        ({"name": ""}, "name: has the wrong format"),
        ({"name": "x" * 201}, "name: at most 200"),
        ({"email": "nobody"}, "email: has the wrong format"),
        ({"email": None}, "email: must not be null"),
        ({"phoneNumber": "0" * 21}, "phoneNumber: at most 20"),
        ({"memberNumberString": 5464}, "memberNumberString: must be of kind text"),
        ({"currency": "nok"}, "currency: has the wrong format"),
        ({"language": "Klingon"}, "language: has the wrong format"),
        ({"customer": "yes"}, "customer: must be of kind boolean"),
        ({"address": {"city": "Oslo"}}, "address.country: is required"),
        ({"address": {"country": "Norway", "zip": "0155"}}, "address.zip: unknown field"),
    ],
)
async def test_contacts(start: Start, changes: dict[str, Any], objection: str) -> None:
    client = await start()
    said = await client.fiken("POST", "/contacts", json=without({"name": "Ola", "customer": True}, changes))
    assert said.status == 400
    assert objection in said.text
    assert client.ledger()["counts"]["contacts"] == 0


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"order": "1001"}, "order: unknown field"),
        *[
            ({name: GONE}, f"{name}: is required")
            for name in ("issueDate", "dueDate", "lines", "bankAccountCode", "cash", "customerId")
        ],
        ({"lines": []}, "at least one entry"),
        ({"uuid": "1001"}, "uuid: must be of kind uuid"),
        ({"issueDate": "20.11.2026"}, "issueDate: must be of kind date"),
        ({"issueDate": "2026-02-30"}, "issueDate: must be of kind date"),
        ({"dueDate": "2026-11-19"}, "dueDate: is before issueDate"),
        ({"customerId": "7"}, "customerId: must be of kind integer"),
        ({"customerId": 7}, "no contact 7"),
        ({"bankAccountCode": "15035646830"}, "bankAccountCode: has the wrong format"),
        ({"bankAccountCode": "1920:99999"}, "no bank account"),
        ({"paymentAccount": GONE}, "paymentAccount: is required"),
        ({"cash": False}, "paymentAccount: is for cash invoices only"),
        ({"currency": "nok"}, "currency: has the wrong format"),
        ({"invoiceText": "x" * 501}, "invoiceText: at most 500"),
    ],
)
async def test_invoices(start: Start, changes: dict[str, Any], objection: str) -> None:
    client = await start()
    body = without({**INVOICE, "customerId": await client.contact()}, changes)
    said = await client.fiken("POST", "/invoices", json=body)
    assert said.status == 400
    assert objection in said.text
    assert client.ledger()["counts"]["invoices"] == 0


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"currency": "NOK"}, "lines[0].currency: unknown field"),
        ({"quantity": GONE}, "lines[0].quantity: is required"),
        ({"quantity": 0}, "quantity must be positive"),
        ({"unitPrice": 159.2}, "lines[0].unitPrice: must be of kind integer"),
        ({"incomeAccount": 3000}, "lines[0].incomeAccount: must be of kind text"),
        ({"incomeAccount": GONE}, "incomeAccount is required"),
        ({"incomeAccount": "3110"}, "3110 cannot be used with HIGH"),
        ({"vatType": "HIGHEST"}, "lines[0].vatType: must be one of"),
        ({"vatType": GONE}, "vatType or a known vatInPercent is required"),
        ({"vatInPercent": 15}, "does not agree with HIGH"),
        ({"gross": 39801}, "unbalanced"),
        ({"vat": 7000, "gross": 38840}, "is not 25 % of"),
        ({"unitPrice": 15000}, "is not unitPrice times quantity"),
        ({"net": GONE, "unitPrice": GONE}, "unitPrice or net is required"),
        ({"productName": GONE}, "productName or description is required"),
        ({"productId": 5}, "no such product"),
        ({"description": "x" * 201}, "description: at most 200"),
        ({"discount": 120}, "discount must be from 0 to 100"),
    ],
)
async def test_lines(start: Start, changes: dict[str, Any], objection: str) -> None:
    client = await start()
    body = {**INVOICE, "customerId": await client.contact(), "lines": [without(LINE, changes)]}
    said = await client.fiken("POST", "/invoices", json=body)
    assert said.status == 400
    assert objection in said.text


@pytest.mark.parametrize(
    ("rate", "kind", "account"),
    [(25, "HIGH", "3010"), (15, "MEDIUM", "3030"), (12, "LOW", "3050"), (0, "EXEMPT", "3100")],
)
async def test_lines_at_each_rate_are_taken(start: Start, rate: int, kind: str, account: str) -> None:
    client = await start()
    gross = 39999
    net = round(gross / (1 + rate / 100))
    line = {
        "quantity": 1,
        "description": "Thing",
        "net": net,
        "vat": gross - net,
        "gross": gross,
        "unitPrice": net,
    }
    body = {**INVOICE, "lines": [{**line, "vatType": kind, "vatInPercent": rate, "incomeAccount": account}]}
    said = await client.fiken("POST", "/invoices", json={**body, "customerId": await client.contact()})
    assert said.status == 201, said.text
    assert client.ledger()["invoices"][0]["gross"] == gross


async def test_amounts_that_are_left_out_are_worked_out_and_a_discount_comes_off(start: Start) -> None:
    client = await start()
    line = {
        "quantity": 1.5,
        "unitPrice": 1001,
        "vatType": "HIGH",
        "incomeAccount": "3000",
        "productName": "Cloth",
    }
    body = {**INVOICE, "lines": [line, {**line, "discount": 50}], "customerId": await client.contact()}
    assert (await client.fiken("POST", "/invoices", json=body)).status == 201
    assert client.ledger()["invoices"][0]["gross"] == (1502 + 376) + (751 + 188)


async def test_who_can_be_invoiced(start: Start) -> None:
    client = await start()
    supplier = await client.contact(customer=False)
    said = await client.fiken("POST", "/invoices", json={**INVOICE, "customerId": supplier})
    assert "is not a customer" in said.text
    inactive = await client.contact(inactive=True)
    said = await client.fiken("POST", "/invoices", json={**INVOICE, "customerId": inactive})
    assert "is inactive" in said.text


async def test_the_first_invoice_needs_a_number_series(start: Start) -> None:
    client = await start(invoice_counter=None)
    body = {**INVOICE, "customerId": await client.contact()}
    assert (await client.fiken("GET", "/invoices/counter")).status == 404
    refused = await client.fiken("POST", "/invoices", json=body)
    assert (refused.status, refused.json) == (400, [{"message": NO_SERIES}])
    assert (await client.fiken("POST", "/invoices/counter")).status == 201
    assert (await client.fiken("POST", "/invoices/counter", json={"value": 5})).status == 400
    assert (await client.fiken("POST", "/invoices", json=body)).status == 201
    assert client.ledger()["invoices"][0]["invoice_number"] == 10001


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"subject": "Receipt"}, "subject: unknown field"),
        ({"invoiceId": GONE}, "invoiceId: is required"),
        ({"invoiceId": "7"}, "invoiceId: must be of kind integer"),
        ({"invoiceId": 7}, "no invoice 7"),
        ({"method": "email"}, "method: must be a list"),
        ({"method": ["pigeon"]}, "method[0]: unknown value"),
        ({"includeDocumentAttachments": GONE}, "includeDocumentAttachments: is required"),
        ({"emailSendOption": "pdf"}, "emailSendOption: must be one of"),
        ({"recipientEmail": "nobody"}, "recipientEmail: has the wrong format"),
    ],
)
async def test_sending(start: Start, changes: dict[str, Any], objection: str) -> None:
    client = await start()
    body = {**INVOICE, "customerId": await client.contact()}
    made = await client.fiken("POST", "/invoices", json=body)
    ident = int(made.headers["Location"].rsplit("/", 1)[1])
    said = await client.fiken("POST", "/invoices/send", json=without({**SEND, "invoiceId": ident}, changes))
    assert said.status == 400
    assert objection in said.text
    assert client.ledger()["counts"]["mails"] == 0


@pytest.mark.parametrize(
    "query",
    ["colour=red", "page=0&pageSize=101", "page=x&pageSize=5", "createdDate=yesterday", "inactive=maybe"],
)
async def test_lists(start: Start, query: str) -> None:
    client = await start()
    assert (await client.fiken("GET", f"/contacts?{query}")).status == 400
