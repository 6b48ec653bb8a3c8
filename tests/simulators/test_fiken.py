"""Fiken at work: contacts, invoices, drafts, mails, and one call at a time."""

import asyncio
from typing import Any

import aiohttp
import pytest

from onpaid.simulators import Times
from tests.simulators.kit import Client, HandClock, Start
from tests.simulators.test_fiken_strict import INVOICE, LINE, SEND


async def invoice(client: Client, **more: Any) -> int:
    customer = more.pop("customerId", None) or await client.contact()
    said = await client.fiken("POST", "/invoices", json={**INVOICE, "customerId": customer, **more})
    assert (said.status, said.text) == (201, "")
    return int(said.headers["Location"].rsplit("/", 1)[1])


async def test_a_contact_is_found_by_what_it_never_shows(start: Start) -> None:
    client = await start()
    ident = await client.contact(memberNumberString="cus_1", phoneNumber="12345678", currency="EUR")
    await client.contact(memberNumberString="cus_2", email="p@example.org")
    found = await client.fiken("GET", "/contacts?memberNumberString=cus_1")
    assert [contact["contactId"] for contact in found.json] == [ident]
    assert {"memberNumberString", "phoneNumber", "currency"}.isdisjoint(found.json[0])
    assert (await client.fiken("GET", "/contacts?email=p@example.org&inactive=false")).json[0][
        "name"
    ] == "Ola"
    assert (await client.fiken("GET", "/contacts?memberNumberString=cus_1&customer=false")).json == []
    assert (await client.fiken("GET", f"/contacts/{ident}")).json["customer"] is True
    assert (await client.fiken("GET", "/contacts/1")).status == 404


async def test_nothing_makes_a_contact_unique(start: Start) -> None:
    client = await start()
    assert await client.contact(memberNumberString="cus_1") != await client.contact(
        memberNumberString="cus_1"
    )
    assert client.ledger()["verdict"]["doubled_contacts"] == ["o@example.org"]


async def test_a_contact_is_replaced_and_deactivated(start: Start) -> None:
    client = await start()
    ident = await client.contact(memberNumberString="cus_1")
    changed = await client.fiken("PUT", f"/contacts/{ident}", json={"name": "Kari", "customer": True})
    assert changed.status == 200
    assert "email" not in (await client.fiken("GET", f"/contacts/{ident}")).json
    assert (await client.fiken("GET", "/contacts?memberNumberString=cus_1")).json == []
    await invoice(client, customerId=ident)
    assert (await client.fiken("DELETE", f"/contacts/{ident}")).json["inactive"] is True
    assert [c["contactId"] for c in (await client.fiken("GET", "/contacts?inactive=true")).json] == [ident]
    assert (await client.fiken("DELETE", f"/contacts/{await client.contact()}")).status == 204


async def test_pages_count_from_nought_and_want_both_numbers(start: Start) -> None:
    client = await start()
    made = [await client.contact(name=f"N{n}") for n in range(7)]
    second = await client.fiken("GET", "/contacts?page=1&pageSize=3")
    assert [contact["contactId"] for contact in second.json] == made[3:6]
    headers = {
        name: second.headers[f"Fiken-Api-{name}"]
        for name in ("Page", "Page-Size", "Page-Count", "Result-Count")
    }
    assert headers == {"Page": "1", "Page-Size": "3", "Page-Count": "3", "Result-Count": "7"}
    assert (await client.fiken("GET", "/contacts?page=3&pageSize=3")).json == []
    assert len((await client.fiken("GET", "/contacts?page=1")).json) == 7
    newest = await client.fiken("GET", "/contacts?sortBy=createdDate%20desc")
    assert newest.json[0]["contactId"] == made[-1]


async def test_an_invoice_is_found_shown_and_mailed(start: Start) -> None:
    client = await start()
    ident = await invoice(client)
    await invoice(client, uuid="223e4567-e89b-12d3-a456-426655440000", orderReference="1002")
    for query in (
        f"invoiceDraftUuid={INVOICE['uuid']}",
        "orderReference=1001",
        "orderReference=1001&settled=true",
    ):
        found = (await client.fiken("GET", f"/invoices?{query}")).json
        assert [each["invoiceId"] for each in found] == [ident], query
    shown = (await client.fiken("GET", f"/invoices/{ident}")).json
    assert (shown["net"], shown["vat"], shown["gross"], shown["currency"]) == (31840, 7960, 39800, "NOK")
    assert (shown["invoiceNumber"], shown["invoiceDraftUuid"]) == (10001, INVOICE["uuid"])
    assert (shown["sale"]["settled"], shown["sale"]["outstandingBalance"], shown["dispatches"]) == (
        True,
        0,
        [],
    )
    sent = await client.fiken("POST", "/invoices/send", json={**SEND, "invoiceId": ident})
    assert (sent.status, sent.text) == (200, "")
    assert [
        d["dispatchType"] for d in (await client.fiken("GET", f"/invoices/{ident}")).json["dispatches"]
    ] == ["email"]
    assert (await client.fiken("GET", f"/invoices?customerId={shown['customer']['contactId']}")).json[0][
        "gross"
    ] == 39800
    assert (await client.fiken("GET", "/invoices?issueDateGt=2026-11-20")).json == []
    assert len((await client.fiken("GET", "/invoices?issueDateGe=2026-11-20")).json) == 2
    mails = client.ledger()["mails"]
    assert mails == [{"invoice_id": ident, "method": "email", "to": "o@example.org", "option": "attachment"}]


async def test_a_receivable_is_not_settled(start: Start) -> None:
    client = await start()
    body = {name: value for name, value in INVOICE.items() if name != "paymentAccount"}
    changes = {
        "cash": False,
        "currency": "EUR",
        "dueDate": "2026-12-20",
        "customerId": await client.contact(),
    }
    said = await client.fiken("POST", "/invoices", json={**body, **changes})
    shown = (await client.fiken("GET", f"/invoices/{said.headers['Location'].rsplit('/', 1)[1]}")).json
    assert (shown["sale"]["settled"], shown["sale"]["salePayments"]) == (False, [])
    assert shown["grossInNok"] == shown["sale"]["outstandingBalance"] > shown["gross"]


async def test_a_second_invoice_with_one_uuid_and_a_second_mail_are_taken_and_seen(start: Start) -> None:
    client = await start()
    first, second = await invoice(client), await invoice(client)
    assert first != second
    assert len((await client.fiken("GET", f"/invoices?invoiceDraftUuid={INVOICE['uuid']}")).json) == 2
    for _time in range(2):
        await client.fiken("POST", "/invoices/send", json={**SEND, "invoiceId": first})
    await client.call(
        "POST",
        "/stripe/_charges",
        json={"order_number": "1001", "amount": 39800, "currency": "NOK", "send": False},
    )
    verdict = client.ledger()["verdict"]
    assert (verdict["paid"], verdict["invoiced"], verdict["missing"]) == (1, 1, [])
    assert (verdict["double"], verdict["mailed_twice"], verdict["unmailed"]) == ([second], [first], [second])


async def test_a_draft_becomes_one_invoice_and_is_gone(start: Start) -> None:
    client = await start()
    line = {name: LINE[name] for name in ("quantity", "unitPrice", "vatType", "incomeAccount")}
    draft = {
        "type": "cash_invoice",
        "uuid": INVOICE["uuid"],
        "customerId": await client.contact(),
        "daysUntilDueDate": 0,
        "orderReference": "1001",
        "paymentAccount": "1920:10001",
        "lines": [{**line, "description": "Notebook"}],
    }
    made = await client.fiken("POST", "/invoices/drafts", json=draft)
    path = "/invoices/drafts/" + made.headers["Location"].rsplit("/", 1)[1]
    assert made.headers["Location"].endswith("/companies/simulated-shop" + path)
    shown = (await client.fiken("GET", f"/invoices/drafts?uuid={INVOICE['uuid']}")).json
    assert [(each["net"], each["gross"]) for each in shown] == [(31840, 39800)]
    numberless = await client.fiken("POST", path + "/createInvoice")
    assert (numberless.status, "Kontonummer" in numberless.text) == (500, True)
    await client.fiken("DELETE", path)
    made = await client.fiken("POST", "/invoices/drafts", json={**draft, "bankAccountNumber": "15035646830"})
    path = "/invoices/drafts/" + made.headers["Location"].rsplit("/", 1)[1]
    issued = await client.fiken("POST", path + "/createInvoice")
    assert (issued.status, "/invoices/" in issued.headers["Location"]) == (201, True)
    assert (await client.fiken("POST", path + "/createInvoice")).status == 404
    found = (await client.fiken("GET", f"/invoices?invoiceDraftUuid={INVOICE['uuid']}")).json
    assert [(each["gross"], each["cash"]) for each in found] == [(39800, True)]


async def test_a_second_call_at_the_same_time_is_refused_and_counted(start: Start) -> None:
    clock = HandClock()
    client = await start(clock, times=Times(answer=1))
    first = asyncio.create_task(client.fiken("GET", "/contacts"))
    await clock.asleep.wait()
    second = await client.fiken("GET", "/bankAccounts")
    assert (second.status, client.ledger()["counts"]["concurrent_calls"]) == (429, 1)
    clock.gate.set()
    assert (await first).status == 200
    assert (await client.fiken("GET", "/bankAccounts")).json[0]["accountCode"] == "1920:10001"
    assert client.ledger()["counts"]["concurrent_calls"] == 1
    assert client.ledger()["fiken_calls"] == {"list bank accounts": 2, "list contacts": 1}
    assert client.ledger()["counts"]["busiest_second"] == 3


async def test_a_call_that_was_given_up_is_not_in_the_way(start: Start) -> None:
    client = await start(times=Times(answer=5))
    for _call in range(3):
        with pytest.raises(TimeoutError):
            await client.fiken("GET", "/contacts", timeout=aiohttp.ClientTimeout(total=0.02))
    assert client.ledger()["counts"]["concurrent_calls"] == 0
