"""Who the invoice is for: from the payment source, the charge or the order; one contact for each, in their language."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from onpaid.domain.orders import Address, Customer
from tests.flows.stage import KARI, Stage, line, tell

BOOK = line("77", "199.00")
ABROAD = line("77", "199.00", vat="0")
GUEST = Customer(name="Gro Gjest", email="gro@example.org", address=Address(country="NO"))


async def _contact(stage: Stage) -> Customer:
    (contact,) = stage.world.contacts
    return contact.details.customer


def test_a_known_customer_goes_before_billing_details_and_order() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, customer=msgspec.structs.replace(GUEST, email="order@example.org"))
        await stage.pays("1001", "199.00", billing=GUEST)
        await stage.rest()
        assert (await _contact(stage)).email == "kari@example.org"
        assert stage.world.contacts[0].details.reference == "cus_kari"

    tell(story)


def test_a_guest_is_known_by_billing_details() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", customer=None, billing=GUEST)
        await stage.rest()
        assert (await _contact(stage)).name == "Gro Gjest"
        assert stage.world.contacts[0].details.reference.startswith("email:")
        assert "gro" not in stage.world.contacts[0].details.reference

    tell(story)


def test_a_guest_without_billing_details_is_known_by_the_order() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK, customer=GUEST)
        await stage.pays("1001", "199.00", customer=None)
        await stage.rest()
        assert (await _contact(stage)).email == "gro@example.org"

    tell(story)


def test_a_customer_who_was_deleted_is_known_by_what_else_there_is() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", customer=Customer(id="cus_gone"), billing=GUEST)
        await stage.rest()
        assert (await _contact(stage)).email == "gro@example.org"
        assert stage.world.calls["fetch_customer"] == 1
        assert len(stage.world.invoices) == 1

    tell(story)


def test_a_customer_without_an_address_is_a_ticket_and_a_retry_reads_the_mended_one() -> None:
    async def story(stage: Stage) -> None:
        nowhere = msgspec.structs.replace(KARI, address=None)
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", customer=nowhere)
        await stage.rest()
        ticket = await stage.ticket()
        assert ticket.category == "customer"
        assert ticket.facts["missing"] == "country"
        assert "example.org" not in str(ticket.facts)
        assert not stage.world.invoices

    tell(story)


@pytest.mark.parametrize("fate", ["well", "lost reply", "late", "503 after"])
def test_rule_03_two_orders_of_one_new_customer_at_once_make_one_contact(fate: str) -> None:
    async def story(stage: Stage) -> None:
        for nth in range(5):
            await stage.order(f"100{nth}", BOOK)
            await stage.pays(f"100{nth}", "199.00", payment=f"pi_{nth}")
        await stage.rest()
        assert len(stage.world.contacts) == 1
        assert len(stage.world.invoices) == 5
        assert {invoice.draft.contact_id for invoice in stage.world.invoices} == {1}
        assert len(await stage.runs("file_contact")) == 1
        assert not await stage.tickets()

    tell(story, fates={"create_contact": [fate]})


def test_a_guest_who_writes_the_address_in_other_letters_is_the_same_contact() -> None:
    async def story(stage: Stage) -> None:
        for nth, email in enumerate(("gro@example.org", " Gro@Example.ORG ")):
            guest = msgspec.structs.replace(GUEST, email=email)
            await stage.order(f"100{nth}", BOOK)
            await stage.pays(f"100{nth}", "199.00", payment=f"pi_{nth}", customer=None, billing=guest)
        await stage.rest()
        assert len(stage.world.contacts) == 1
        assert len(stage.world.invoices) == 2

    tell(story)


@pytest.mark.parametrize(
    ("country", "language", "vat_type", "text", "mail"),
    [
        ("NO", "NORWEGIAN", "HIGH", "betalt i sin helhet", "Hei Kari Lie"),
        ("SE", "ENGLISH", "EXEMPT_IMPORT_EXPORT", "Paid in full", "Hello Kari Lie"),
        ("US", "ENGLISH", "EXEMPT_IMPORT_EXPORT", "Paid in full", "Hello Kari Lie"),
    ],
)
def test_norwegian_or_not_decides_language_texts_and_vat(
    country: str, language: str, vat_type: str, text: str, mail: str
) -> None:
    async def story(stage: Stage) -> None:
        customer = msgspec.structs.replace(KARI, address=Address(country=country))
        await stage.order("1001", BOOK if country == "NO" else ABROAD)
        await stage.pays("1001", "199.00", customer=customer)
        await stage.rest()
        assert stage.world.contacts[0].details.language == language
        (invoice,) = stage.world.invoices
        assert invoice.draft.lines[0].vat_type == vat_type
        assert text in invoice.draft.text
        assert invoice.mails[0].message.startswith(mail)
        assert "1001" in invoice.draft.text
        assert "1001" in invoice.mails[0].message

    tell(story)


def test_an_order_whose_contact_hangs_does_not_hold_up_the_others() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00", payment="pi_1")
        await stage.wait(timedelta(seconds=2))
        for nth in range(2, 6):
            other = msgspec.structs.replace(KARI, id=f"cus_{nth}", email=f"{nth}@example.org")
            await stage.order(f"100{nth}", BOOK)
            await stage.pays(f"100{nth}", "199.00", payment=f"pi_{nth}", customer=other)
        await stage.wait(timedelta(seconds=45))
        assert len(stage.world.invoices) == 4, "the lane is free again while the doubt is quiet"
        await stage.rest()
        assert len(stage.world.invoices) == 5

    tell(story, fates={"create_contact": ["lost request"]})
