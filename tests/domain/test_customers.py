"""Who the invoice is for, of what three sources tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.customers import (
    contact_details,
    guest_reference,
    is_norwegian,
    language_of,
    merge_customers,
)
from onpaid.domain.orders import Address, Customer
from onpaid.errors import Problem

OSLO = Address(line1="Storgata 1", postal_code="0155", city="Oslo", country="NO")
UMEA = Address(line1="Rådhusgatan 2", postal_code="903 26", city="Umeå", country="SE")
OLA = Customer(id="cus_1", name="Ola Nordmann", email="ola@example.org", address=OSLO)
KARI = Customer(name="Kari Lie", email="kari@example.org", phone="+47 1", address=UMEA)


def test_the_providers_customer_comes_first() -> None:
    assert merge_customers(OLA, KARI, KARI) == OLA
    assert merge_customers(None, KARI, OLA) == KARI
    assert merge_customers(None, None, OLA) == Customer(
        name="Ola Nordmann", email="ola@example.org", address=OSLO
    ), "only the provider's id is a reference"
    assert merge_customers(None, None, None) == Customer()


def test_a_name_comes_with_its_email() -> None:
    """A customer without an e-mail address: name and address are not torn apart."""
    nameless = Customer(id="cus_1", name="Ola Nordmann")
    merged = merge_customers(nameless, KARI, None)
    assert (merged.id, merged.name, merged.email) == ("cus_1", "Kari Lie", "kari@example.org")


def test_a_missing_name_is_not_taken_from_another_person() -> None:
    merged = merge_customers(Customer(id="cus_1", email="ola@example.org"), KARI, None)
    assert (merged.name, merged.email, merged.phone) == (None, "ola@example.org", None)
    assert contact_details(merged, "stripe/default/live").name == "ola@example.org"


@pytest.mark.parametrize("told", ["OLA@example.org ", None])
def test_a_missing_name_is_taken_from_the_same_person(told: str | None) -> None:
    order = Customer(name="Ola Nordmann", email=told, phone="+47 2")
    merged = merge_customers(Customer(email="ola@example.org", address=OSLO), KARI, order)
    assert (merged.name, merged.email, merged.phone) == ("Ola Nordmann", "ola@example.org", "+47 2")


def test_the_first_address_with_a_country_is_taken_whole() -> None:
    street = Address(line1="Storgata 1", city="Oslo")
    assert merge_customers(Customer(address=street), KARI, OLA).address == UMEA
    assert merge_customers(Customer(address=street), None, None).address == street
    wrong = Address(line1="Storgata 1", country="Norway")
    assert merge_customers(Customer(address=wrong), Customer(address=street), OLA).address == OSLO
    only = merge_customers(Customer(address=wrong), None, None).address
    assert only == Address(line1="Storgata 1", country="NORWAY"), "kept for the ticket"


def test_a_company_keeps_its_own_number() -> None:
    firm = Customer(company="Lie AS", organization_number="999999999")
    merged = merge_customers(Customer(organization_number="111111111"), firm, None)
    assert (merged.company, merged.organization_number) == (None, "111111111")
    assert merge_customers(OLA, None, firm).company == "Lie AS"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "  ",
        "ola",
        "ola@",
        "@example.org",
        "ola@example",
        "a b@example.org",
        "a@b@c.no",
        "a,b@example.org",
        "ola@example.org\u202e",
        f"{'o' * 200}@example.org",
        "Ola <ola@example.org>",
    ],
)
def test_what_cannot_be_an_address_is_passed_over(email: str) -> None:
    bad = Customer(id="cus_1", name="Ola Nordmann", email=email)
    assert merge_customers(bad, None, KARI).email == "kari@example.org"
    assert merge_customers(bad, None, None).email is None


def test_blanks_are_nothing_and_countries_are_capitals() -> None:
    messy = Customer(
        id=" ",
        name=" Ola\n Nordmann ",
        email=" ola@example.org",
        phone="",
        address=Address(country="no", city=" "),
    )
    assert merge_customers(messy, None, None) == Customer(
        name="Ola Nordmann", email="ola@example.org", address=Address(country="NO")
    )
    assert merge_customers(Customer(address=Address(city=" ")), None, None).address is None


@pytest.mark.parametrize(
    ("country", "norwegian"), [("NO", True), ("SJ", True), ("SE", False), ("DK", False), (None, False)]
)
def test_language_is_by_address(country: str | None, norwegian: bool) -> None:
    customer = Customer(address=Address(country=country))
    assert is_norwegian(customer) is norwegian
    assert language_of(customer) == ("NORWEGIAN" if norwegian else "ENGLISH")
    assert not is_norwegian(Customer())


def test_the_contact_of_a_customer() -> None:
    contact = contact_details(OLA, "stripe/default/live")
    assert (contact.reference, contact.name, contact.email) == ("cus_1", "Ola Nordmann", "ola@example.org")
    assert (contact.language, contact.country, contact.customer) == ("NORWEGIAN", "NO", OLA)


def test_a_company_is_who_the_invoice_is_made_out_to() -> None:
    customer = merge_customers(KARI, None, Customer(company="Lie AS", organization_number="999999999"))
    assert contact_details(customer, "a").name == "Lie AS"


def test_a_guest_has_a_reference_of_the_email() -> None:
    contact = contact_details(KARI, "stripe/default/live")
    assert contact.reference == "email:1a339ffd18e019bbfefcf93cfd578d51"
    assert contact.reference == guest_reference(" KARI@Example.org\n")
    assert contact.reference != guest_reference("kari@example.com")
    assert "kari" not in contact.reference


@pytest.mark.parametrize(
    ("customer", "missing"),
    [
        (Customer(id="cus_1", email="ola@example.org"), "country"),
        (Customer(id="cus_1", email="ola@example.org", address=Address(city="Oslo")), "country"),
        (Customer(id="cus_1", email="ola@example.org", address=Address(country="ZZ")), "country"),
        (Customer(id="cus_1", email="ola@example.org", address=Address(country="NORWAY")), "country"),
        (Customer(id="cus_1", address=OSLO), "email"),
        (Customer(), "email, country"),
    ],
)
def test_what_an_invoice_must_have(customer: Customer, missing: str) -> None:
    with pytest.raises(Problem, match=f"no {missing.replace(', ', ' and no ')}") as caught:
        contact_details(customer, "stripe/default/live")
    assert caught.value.category == "customer"
    assert caught.value.facts["missing"] == missing
    assert caught.value.facts["account"] == "stripe/default/live"


def test_tickets_about_customers_hold_no_personal_data() -> None:
    with pytest.raises(Problem) as caught:
        contact_details(Customer(name="Ola Nordmann", email="ola@example.org"), "a")
    told = f"{caught.value} {caught.value.facts}"
    assert "Ola" not in told
    assert "ola@" not in told


words = st.none() | st.sampled_from(["", " ", "Ola", "Kari", "a@b.no", "A@b.no", "c@d.no", "NO", "se"])
sources = st.none() | st.builds(
    Customer,
    id=words,
    name=words,
    email=words,
    phone=words,
    company=words,
    organization_number=words,
    address=st.none() | st.builds(Address, line1=words, city=words, country=words),
)


@given(sources, sources, sources)
def test_merging_invents_nothing_and_repeats(
    provider: Customer | None, billing: Customer | None, order: Customer | None
) -> None:
    merged = merge_customers(provider, billing, order)
    told = [source for source in (provider, billing, order) if source is not None]
    for field in ("name", "email", "phone", "company", "organization_number"):
        value = getattr(merged, field)
        assert value is None or value in {(getattr(source, field) or "").strip() for source in told}
    assert merge_customers(merged, None, None) == merged
    assert merge_customers(provider, billing, order) == merged
