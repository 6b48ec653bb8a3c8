"""Fiken: against the simulator for what is right, against scripted answers for what is not."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from onpaid.acts import Absent, Finding, Found, Unsure, act_of
from onpaid.domain.invoices import ContactRef, Dispatch, InvoiceLine, InvoiceRef, Receipt
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.errors import Doubtful, ProviderError, Refused, SettingsError, Unauthorised, Unavailable
from onpaid.providers.fiken import MOST_CONTACTS, PAGE, Fiken, Settings
from onpaid.simulators import Served
from tests.providers.samples import CONTACT, CUSTOMER, draft
from tests.providers.scripted import Reply, reply, scripted

TOKEN = "fiken_simulated"


def settings(base: str, **changes: Any) -> Settings:
    given = {
        "api_token": TOKEN,
        "company_slug": "simulated-shop",
        "bank_account_code": "1920:10001",
        "payment_account": "1920:10002",
        "api_base": base,
    }
    return Settings(**{**given, **changes})


def at(served: Served, **changes: Any) -> Fiken:
    return Fiken(settings(served.fiken_base, **changes))


def receipt(invoice_id: int, **changes: Any) -> Receipt:
    return replace(Receipt(invoice_id, "ola@example.org", "Ola Nordmann", "Takk!"), **changes)


async def test_a_contact_is_filed_and_found_again(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    assert await fiken.find_contact(CONTACT) == Absent()
    made = await fiken.create_contact(CONTACT)
    assert await fiken.find_contact(CONTACT) == Found(made)
    books = served.simulators.fiken
    assert books.contacts[made.contact_id] | {"createdDate": "", "lastModifiedDate": ""} == {
        "contactId": made.contact_id,
        "name": "Ola Nordmann",
        "email": "ola@example.org",
        "customer": True,
        "supplier": False,
        "inactive": False,
        "language": "NORWEGIAN",
        "memberNumberString": "cus_TUoQ2LkdIwHu7i",
        "organizationNumber": "913312465",
        "phoneNumber": "+4791234567",
        "address": {"streetAddress": "Storgata 1", "postCode": "0155", "city": "Oslo", "country": "Norway"},
        "customerNumber": books.contacts[made.contact_id]["customerNumber"],
        "customerAccountCode": books.contacts[made.contact_id]["customerAccountCode"],
        "createdDate": "",
        "lastModifiedDate": "",
    }
    await fiken.close()


async def test_of_several_contacts_the_oldest_and_never_an_inactive_one(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    first, second = await fiken.create_contact(CONTACT), await fiken.create_contact(CONTACT)
    assert first.contact_id < second.contact_id
    moved = replace(CONTACT, email="new@example.org", name="Ola N. Nordmann")
    assert await fiken.find_contact(moved) == Found(first)
    served.simulators.fiken.contacts[first.contact_id]["inactive"] = True
    assert await fiken.find_contact(CONTACT) == Found(second)
    assert await fiken.find_contact(replace(CONTACT, reference="cus_other")) == Absent()
    await fiken.close()


async def test_every_page_of_contacts_is_read() -> None:
    contacts = [{"contactId": 1000 - n, "name": "x"} for n in range(PAGE + 1)]
    headers = {"fiken_api_result_count": str(len(contacts))}
    async with scripted(
        reply(200, contacts[:PAGE], **headers), reply(200, contacts[PAGE:], **headers)
    ) as server:
        fiken = Fiken(settings(server.base))
        found = await fiken.find_contact(CONTACT)
        assert isinstance(found, Unsure)
        assert found.final, "more than a hundred contacts under one reference: the filter was not heeded"
        assert [request.target.partition("?")[2] for request in server.requests] == [
            f"memberNumberString=cus_TUoQ2LkdIwHu7i&inactive=false&page={page}&pageSize=100"
            for page in (0, 1)
        ]
        await fiken.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (reply(200, []), Absent()),
        (reply(200, [], fiken_api_result_count="0"), Absent()),
        (
            reply(200, [], fiken_api_result_count="1"),
            Unsure("Fiken's list of contacts changed while it was read"),
        ),
        (reply(200, [{"contactId": 7}, {"contactId": 3}]), Found(ContactRef(3))),
        (reply(200, [{"contactId": 3, "inactive": True}, {"contactId": 7}]), Found(ContactRef(7))),
        (reply(200, [{"contactId": 3, "inactive": True}]), Absent()),
    ],
)
async def test_what_a_list_of_contacts_proves(answer: Reply, expected: Finding[ContactRef]) -> None:
    async with scripted(answer) as server:
        fiken = Fiken(settings(server.base))
        assert await fiken.find_contact(CONTACT) == expected
        await fiken.close()


async def test_a_few_contacts_are_duplicates_and_many_are_no_answer() -> None:
    for count, sure in ((MOST_CONTACTS, True), (MOST_CONTACTS + 1, False)):
        async with scripted(reply(200, [{"contactId": 1 + n} for n in range(count)])) as server:
            fiken = Fiken(settings(server.base))
            assert isinstance(await fiken.find_contact(CONTACT), Found) is sure
            await fiken.close()


async def test_a_list_without_an_end_proves_nothing() -> None:
    page = reply(200, [{"contactId": n} for n in range(PAGE)])
    async with scripted([page] * 30) as server:
        fiken = Fiken(settings(server.base))
        assert isinstance(await fiken.find_contact(CONTACT), Unsure)
        assert len(server.requests) == 20
        await fiken.close()


async def test_a_contact_without_a_reference_is_neither_sought_nor_filed() -> None:
    """An empty filter would find everybody."""
    async with scripted() as server:
        fiken = Fiken(settings(server.base))
        nobody = replace(CONTACT, reference="")
        assert isinstance(await fiken.find_contact(nobody), Unsure)
        with pytest.raises(Refused, match="reference"):
            await fiken.create_contact(nobody)
        assert server.requests == []
        await fiken.close()


async def sent(method: Callable[[Fiken], Any], **changes: Any) -> dict[str, Any]:
    """The JSON that a creation sends."""
    async with scripted(reply(201, location="https://x/companies/simulated-shop/contacts/1")) as server:
        fiken = Fiken(settings(server.base, **changes))
        await method(fiken)
        await fiken.close()
        body: dict[str, Any] = server.requests[0].json()
        return body


async def test_contacts_abroad() -> None:
    customer = replace(CUSTOMER, phone="0" * 21, organization_number="DE123456789", address=None)
    abroad = replace(CONTACT, country="DE", language="en", customer=customer)
    body = await sent(lambda fiken: fiken.create_contact(abroad))
    assert body["address"] == {"country": "Germany"}
    assert body["language"] == "ENGLISH"
    assert "phoneNumber" not in body
    assert "organizationNumber" not in body
    body = await sent(lambda fiken: fiken.create_contact(abroad), countries="code")
    assert body["address"] == {"country": "DE"}


async def test_contacts_of_whom_little_is_known() -> None:
    body = await sent(lambda fiken: fiken.create_contact(replace(CONTACT, customer=Customer(), country="")))
    assert body == {
        "name": "Ola Nordmann",
        "email": "ola@example.org",
        "customer": True,
        "memberNumberString": "cus_TUoQ2LkdIwHu7i",
        "language": "NORWEGIAN",
    }
    usa = Address(
        line1="1 Main St", line2="Apt 2", city="Springfield", state="IL", postal_code="62701", country="US"
    )
    there = replace(CONTACT, country="US", customer=Customer(address=usa), name="x" * 300)
    body = await sent(lambda fiken: fiken.create_contact(there))
    assert body["name"] == "x" * 200
    assert body["address"] == {
        "streetAddress": "1 Main St",
        "streetAddressLine2": "Apt 2",
        "city": "Springfield, IL",
        "postCode": "62701",
        "country": "United States",
    }


@pytest.mark.parametrize("change", [{"country": "ZZ"}, {"name": "  "}])
async def test_contacts_that_cannot_be_filed(change: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="Fiken"):
        await sent(lambda fiken: fiken.create_contact(replace(CONTACT, **change)))


async def test_an_invoice_is_issued_once_and_found_by_its_uuid(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    contact = await fiken.create_contact(CONTACT)
    wanted = draft(contact.contact_id)
    assert await fiken.find_invoice(wanted) == Absent()
    made = await fiken.create_invoice(wanted)
    assert made == InvoiceRef(made.invoice_id, uuid=wanted.uuid)
    whole = InvoiceRef(made.invoice_id, 10_001, Money(49_800, "NOK"), wanted.uuid)
    assert await fiken.find_invoice(wanted) == Found(whole)
    assert await fiken.fetch_invoice(made.invoice_id) == whole
    asked = served.simulators.fiken.invoices[made.invoice_id].asked
    assert asked == {
        "uuid": wanted.uuid,
        "issueDate": "2026-11-25",
        "dueDate": "2026-11-25",
        "orderReference": "10042",
        "ourReference": wanted.our_reference,
        "invoiceText": "Takk for handelen",
        "customerId": contact.contact_id,
        "bankAccountCode": "1920:10001",
        "paymentAccount": "1920:10002",
        "currency": "NOK",
        "cash": True,
        "lines": [
            {
                "productName": "E-book",
                "quantity": 2,
                "unitPrice": 15_920,
                "net": 31_840,
                "vat": 7_960,
                "gross": 39_800,
                "vatType": "HIGH",
                "vatInPercent": 25,
                "incomeAccount": "3010",
            },
            {
                "productName": "Coaching",
                "quantity": 0.5,
                "unitPrice": 16_000,
                "net": 8_000,
                "vat": 2_000,
                "gross": 10_000,
                "vatType": "HIGH",
                "vatInPercent": 25,
                "incomeAccount": "3010",
            },
        ],
    }
    await fiken.close()


async def test_a_receivable_has_no_payment_account(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    contact = await fiken.create_contact(CONTACT)
    due = draft(contact.contact_id, cash=False, text="", our_reference="")
    made = await fiken.create_invoice(due)
    asked = served.simulators.fiken.invoices[made.invoice_id].asked
    assert {"paymentAccount", "invoiceText", "ourReference"}.isdisjoint(asked)
    assert asked["cash"] is False
    await fiken.close()


async def test_no_vat_in_another_currency(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    contact = await fiken.create_contact(CONTACT)
    line = InvoiceLine(
        "E-book", Decimal("3.000"), 1_999, 5_997, 0, 5_997, Decimal(0), "EXEMPT_IMPORT_EXPORT", "3100"
    )
    made = await fiken.create_invoice(draft(contact.contact_id, total=Money(5_997, "EUR"), lines=(line,)))
    asked = served.simulators.fiken.invoices[made.invoice_id].asked
    assert asked["currency"] == "EUR"
    assert "vatInPercent" not in asked["lines"][0]
    assert (await fiken.fetch_invoice(made.invoice_id)).total == Money(5_997, "EUR")
    await fiken.close()


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_fiken_counts_in_hundredths(currency: str) -> None:
    """What it makes of other currencies is not documented; at worst a hundredth."""
    async with scripted() as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(Refused, match=f"{currency} has"):
            await fiken.create_invoice(draft(7, total=Money(1_338, currency)))
        assert server.requests == []
        await fiken.close()


def shown(**changes: Any) -> dict[str, Any]:
    """An invoice at Fiken that fits the sample draft of customer 7."""
    made = {
        "invoiceId": 42,
        "invoiceNumber": 10_001,
        "gross": 49_800,
        "currency": "NOK",
        "orderReference": "10042",
        "invoiceDraftUuid": draft(7).uuid,
        "ourReference": draft(7).our_reference,
        "customer": {"contactId": 7, "name": "Ola"},
        "dispatches": [],
    }
    return {name: value for name, value in {**made, **changes}.items() if value is not ...}


FOUND = Found(InvoiceRef(42, 10_001, Money(49_800, "NOK"), draft(7).uuid))
OTHER_UUID = "aaaaaaaa-e89b-12d3-a456-426655440000"
ADOPTED = Found(InvoiceRef(42, 10_001, Money(49_800, "NOK"), None))
LOOKS: dict[str, tuple[list[Reply], Any]] = {
    "by uuid": ([reply(200, [shown()])], FOUND),
    "by uuid, in capitals": (
        [reply(200, [shown(invoiceDraftUuid=draft(7).uuid.upper())])],
        Found(InvoiceRef(42, 10_001, Money(49_800, "NOK"), draft(7).uuid.upper())),
    ),
    "by uuid, another amount": ([reply(200, [shown(gross=49_801)])], "another amount"),
    "by uuid, another currency": ([reply(200, [shown(currency="SEK")])], "another amount"),
    "by uuid, another customer": (
        [reply(200, [shown(customer={"contactId": 8})])],
        "another amount or customer",
    ),
    "by uuid, no customer": ([reply(200, [shown(customer=None)])], "another amount or customer"),
    "by uuid, twice": (
        [reply(200, [shown(), shown(invoiceId=43)])],
        "several invoices at Fiken fit this draft: 42, 43",
    ),
    "by uuid, an incomplete list": ([reply(200, [shown()], fiken_api_result_count="2")], "incomplete"),
    "by uuid, the filter not heeded": (
        [reply(200, [shown(invoiceDraftUuid=OTHER_UUID)])],
        "holds other invoices",
    ),
    "nowhere": ([reply(200, []), reply(200, [])], Absent()),
    "by order, uuids not kept": ([reply(200, []), reply(200, [shown(invoiceDraftUuid=...)])], ADOPTED),
    "by order, no reference of ours": (
        [reply(200, []), reply(200, [shown(invoiceDraftUuid=None, ourReference=...)])],
        ADOPTED,
    ),
    "by order, an incomplete list": ([reply(200, []), reply(200, [], fiken_api_result_count="3")], "changed"),
    "by order, another amount": (
        [reply(200, []), reply(200, [shown(gross=1, invoiceDraftUuid=None)])],
        Absent(),
    ),
    "by order, another customer": (
        [reply(200, []), reply(200, [shown(customer={"contactId": 8}, invoiceDraftUuid=None)])],
        Absent(),
    ),
    "by order, another order": (
        [reply(200, []), reply(200, [shown(orderReference="100421", invoiceDraftUuid=None)])],
        Absent(),
    ),
    "by order, the invoice of another payment alike": (
        [reply(200, []), reply(200, [shown(invoiceDraftUuid=OTHER_UUID, ourReference="pi_other")])],
        Absent(),
    ),
    "by order, the same without references": (
        [reply(200, []), reply(200, [shown(invoiceDraftUuid=OTHER_UUID, ourReference=...)])],
        Absent(),
    ),
    "by order, ours under a uuid of Fiken's making": (
        [reply(200, []), reply(200, [shown(invoiceDraftUuid=OTHER_UUID)])],
        Found(InvoiceRef(42, 10_001, Money(49_800, "NOK"), OTHER_UUID)),
    ),
    "by order, two alike": (
        [
            reply(200, []),
            reply(200, [shown(invoiceDraftUuid=None), shown(invoiceId=44, invoiceDraftUuid=None)]),
        ],
        "several invoices",
    ),
}


@pytest.mark.parametrize("name", LOOKS)
async def test_rule_12_what_a_look_for_an_invoice_proves(name: str) -> None:
    replies, expected = LOOKS[name]
    async with scripted(*replies) as server:
        fiken = Fiken(settings(server.base))
        found = await fiken.find_invoice(draft(7))
        if isinstance(expected, str):
            assert isinstance(found, Unsure)
            assert expected in found.why
        else:
            assert found == expected
        assert len(server.requests) == len(replies)
        await fiken.close()


@pytest.mark.parametrize(
    "failing", [reply(500, {}), reply(429, {}), reply(200, b"<html>"), reply(401, {}), Reply(then="close")]
)
@pytest.mark.parametrize("first", [True, False])
async def test_rule_12_a_look_that_failed_is_no_absence(failing: Reply, first: bool) -> None:
    async with scripted(*([] if first else [reply(200, [])]), failing) as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(ProviderError):
            await fiken.find_invoice(draft(7))
        await fiken.close()


async def test_two_payments_of_one_order_have_an_invoice_each(simulate: Callable[..., Any]) -> None:
    """Rule 2: the second, over the same amount, neither finds nor adopts the first's."""
    served = await simulate()
    fiken = at(served)
    contact = await fiken.create_contact(CONTACT)
    first = draft(contact.contact_id)
    second = draft(contact.contact_id, uuid=OTHER_UUID, our_reference="pi_second")
    await fiken.create_invoice(first)
    assert await fiken.find_invoice(second) == Absent()
    await fiken.create_invoice(second)
    found = [await fiken.find_invoice(each) for each in (first, second)]
    assert len({one.value.invoice_id for one in found if isinstance(one, Found)}) == 2
    claims = {act_of(fiken.create_invoice).claim(one.value) for one in found if isinstance(one, Found)}  # type: ignore[misc]
    assert len(claims) == 2
    await fiken.close()


async def test_a_receipt_is_mailed_with_the_pdf(simulate: Callable[..., Any]) -> None:
    served = await simulate()
    fiken = at(served)
    contact = await fiken.create_contact(CONTACT)
    invoice = await fiken.create_invoice(draft(contact.contact_id))
    assert await fiken.count_dispatches(invoice.invoice_id) == 0
    wanted = receipt(invoice.invoice_id)
    before = await fiken.find_dispatch(wanted)
    assert isinstance(before, Unsure)
    assert not before.final
    assert await fiken.send_receipt(wanted) == Dispatch(invoice.invoice_id, 1)
    assert await fiken.find_dispatch(wanted) == Found(Dispatch(invoice.invoice_id, 1))
    assert isinstance(await fiken.find_dispatch(receipt(invoice.invoice_id, dispatches_before=1)), Unsure)
    mail = {
        "invoice_id": invoice.invoice_id,
        "method": "email",
        "to": "ola@example.org",
        "option": "attachment",
    }
    assert served.simulators.fiken.mails == [mail]
    await fiken.close()


async def test_only_mails_are_counted() -> None:
    dispatches = [
        {"dispatchType": "ehf"},
        {"dispatchType": "email", "date": "2026-11-25"},
        {"date": "2026-11-25"},
    ]
    async with scripted(reply(200, shown(dispatches=dispatches))) as server:
        fiken = Fiken(settings(server.base))
        assert await fiken.count_dispatches(42) == 1
        await fiken.close()


async def test_what_goes_out_with_a_receipt() -> None:
    async with scripted(reply(200, b""), reply(200, b"")) as server:
        fiken = Fiken(settings(server.base))
        await fiken.send_receipt(receipt(42))
        await fiken.send_receipt(receipt(42, to_name="", message=""))
        full, short = (request.json() for request in server.requests)
        assert full == {
            "invoiceId": 42,
            "method": ["email"],
            "includeDocumentAttachments": True,
            "emailSendOption": "attachment",
            "recipientEmail": "ola@example.org",
            "recipientName": "Ola Nordmann",
            "message": "Takk!",
        }
        assert full.keys() - short.keys() == {"recipientName", "message"}
        await fiken.close()


GOOD_LOCATIONS = [
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/2888156",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/2888156/",
    "/companies/simulated-shop/contacts/2888156?x=1#y",
    "http://169.254.169.254/contacts/2888156",
]
BAD_LOCATIONS = [
    "",
    "http://example.com",
    "https://api.fiken.no/api/v2/companies/simulated-shop/invoices/2888156",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/abc",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/-5",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/0",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/1e5",
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/" + "9" * 19,
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/" + "9" * 5000,
    "https://api.fiken.no/api/v2/companies/simulated-shop/contacts/7/attachments",
    "contacts",
    "2888156",
]


@pytest.mark.parametrize("location", GOOD_LOCATIONS)
async def test_the_id_is_the_end_of_the_location(location: str) -> None:
    """And the address in it is never asked: only our own base is."""
    async with scripted(reply(201, location=location)) as server:
        fiken = Fiken(settings(server.base))
        assert await fiken.create_contact(CONTACT) == ContactRef(2_888_156)
        assert len(server.requests) == 1
        await fiken.close()


@pytest.mark.parametrize("location", BAD_LOCATIONS, ids=range(len(BAD_LOCATIONS)))
async def test_a_location_that_is_none_leaves_a_doubt(location: str) -> None:
    async with scripted(reply(201, **({"location": location} if location else {}))) as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(Doubtful, match="is not in contacts") as caught:
            await fiken.create_contact(CONTACT)
        assert caught.value.answered
        await fiken.close()


async def test_a_200_is_no_201() -> None:
    async with scripted(reply(200, {}, location=GOOD_LOCATIONS[0])) as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(Doubtful):
            await fiken.create_contact(CONTACT)
        await fiken.close()


REFUSALS: list[tuple[int, Any, type[ProviderError], str]] = [
    (
        400,
        [{"message": "Missing number series for drafts of type: invoice."}],
        Unauthorised,
        "first invoice by hand",
    ),
    (
        400,
        [{"message": "bankAccountCode: no bank account 1920:10001"}],
        Unauthorised,
        "FIKEN_BANK_ACCOUNT_CODE",
    ),
    (400, {"error_description": "Ugyldig bankkonto"}, Unauthorised, "FIKEN_BANK_ACCOUNT_CODE"),
    (400, [{"message": "paymentAccount: is required"}], Unauthorised, "FIKEN_PAYMENT_ACCOUNT"),
    (400, [{"message": "income account 3010 cannot be used with LOW"}], Refused, "VAT rule"),
    (400, [{"message": "vatInPercent 25 does not agree with LOW"}], Refused, "VAT rule"),
    (400, [{"message": "customerId: contact 7 is not a customer"}], Refused, "customer in Fiken"),
    (400, [{"message": "noe annet"}], Refused, "noe annet"),
    (400, b"", Refused, "400"),
    (401, {}, Unauthorised, "key"),
    (403, {"message": "API module not enabled"}, Unauthorised, "API module not enabled"),
    (404, {}, Unauthorised, "FIKEN_COMPANY_SLUG"),
    (415, {}, Refused, "415"),
    (429, {}, Unavailable, "too many"),
    (500, {"message": "Kontonummer mangler på faktura"}, Doubtful, "Kontonummer"),
    (503, {}, Doubtful, "may have happened"),
]


@pytest.mark.parametrize(("status", "body", "expected", "why"), REFUSALS)
async def test_what_a_refused_invoice_says(
    status: int, body: Any, expected: type[ProviderError], why: str
) -> None:
    async with scripted(reply(status, body)) as server:
        fiken = Fiken(settings(server.base))
        with pytest.raises(expected, match=why) as caught:
            await fiken.create_invoice(draft(7))
        assert type(caught.value) is expected
        assert TOKEN not in str(caught.value)
        await fiken.close()


async def test_a_document_that_is_missing_is_not_the_company_missing() -> None:
    async with scripted(reply(404, {}), reply(404, {}, request_id="a1")) as server:
        fiken = Fiken(settings(server.base))
        for call in (fiken.fetch_invoice(42), fiken.send_receipt(receipt(42))):
            with pytest.raises(Refused) as caught:
                await call
            assert type(caught.value) is Refused
        await fiken.close()


async def test_errors_do_not_name_the_customer() -> None:
    said = [{"message": "name: Ola Nordmann, email: ola@example.org, Storgata 1, 0155, phone +4791234567"}]
    async with scripted(reply(400, said), reply(400, said)) as server:
        fiken = Fiken(settings(server.base))
        for call in (fiken.create_contact(CONTACT), fiken.send_receipt(receipt(42))):
            with pytest.raises(Refused) as caught:
                await call
            for word in ("Ola", "Nordmann", "example.org", "91234567"):
                assert word not in str(caught.value)
        await fiken.close()


async def test_the_simulator_agrees_on_a_missing_number_series(simulate: Callable[..., Any]) -> None:
    fiken = at(await simulate(invoice_counter=None))
    contact = await fiken.create_contact(CONTACT)
    with pytest.raises(Unauthorised, match="number series"):
        await fiken.create_invoice(draft(contact.contact_id))
    assert any("number series" in sentence for sentence in await fiken.doctor())
    await fiken.close()


async def test_the_doctor(simulate: Callable[..., Any]) -> None:
    served = await simulate()

    async def sentences(**changes: Any) -> list[str]:
        fiken = at(served, **changes)
        told = await fiken.doctor()
        await fiken.close()
        return told

    assert await sentences() == ["Fiken: simulated-shop is a test company (a warning)."]
    assert "may work for: simulated-shop" in (await sentences(company_slug="other"))[0]
    assert "1920:10001, 1920:10002" in (await sentences(bank_account_code="1920:99999"))[1]
    assert len(await sentences(payment_account="1960")) == 1
    assert "key is not accepted" in (await sentences(api_token="wrong"))[0]
    without = at(await simulate(api_access=False))
    told = await without.doctor()
    await without.close()
    assert "API" in told[0]


async def test_a_doctor_without_an_answer() -> None:
    async with scripted(reply(200, b"<html>")) as server:
        fiken = Fiken(settings(server.base))
        assert "cannot be read" in (await fiken.doctor())[0]
        await fiken.close()


@pytest.mark.parametrize(
    "changes",
    [
        {"api_token": ""},
        {"company_slug": ""},
        {"company_slug": "../x"},
        {"company_slug": "My Company"},
        {"bank_account_code": "12345678901"},
        {"bank_account_code": ""},
        {"payment_account": "paypal"},
        {"payment_account": ""},
        {"countries": "norwegian"},
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="fiken"):
        settings("https://api.fiken.no/api/v2", **changes)


def test_settings_do_not_show_the_token() -> None:
    assert TOKEN not in repr(settings("https://api.fiken.no/api/v2"))


def test_what_the_acts_declare() -> None:
    """The engine derives each act's class from these; the lane is one call at a time."""
    for method in (Fiken.create_contact, Fiken.create_invoice):
        declared = act_of(method)
        assert (declared.look_first, declared.repeatable, declared.key_life) == (True, False, None)
        assert declared.settles is not None
        assert declared.settles >= timedelta(seconds=30)
    assert act_of(Fiken.send_receipt).settles is None
    assert not act_of(Fiken.send_receipt).look_first
    (lane,) = Fiken.lanes
    assert (lane.name, lane.at_once, lane.per_second, lane.strict) == ("fiken", 1, 4, True)
    claim = act_of(Fiken.create_invoice).claim
    assert claim is not None
    assert claim(InvoiceRef(42)) == "fiken:invoice:42"
