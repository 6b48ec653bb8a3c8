"""Who the invoice is for, put together from what the payment provider, the charge and the order know.

Precedence is the payment provider's customer, then the charge's billing details, then the order. Name and e-mail
come from one source as far as possible: one person's name over another's address would mail an invoice to a stranger.
The same holds for a company and its number, and for the parts of a postal address.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

import msgspec

from onpaid.domain.countries import is_country
from onpaid.domain.invoices import ContactDetails
from onpaid.domain.orders import Address, Customer
from onpaid.domain.texts import ENGLISH, NORWEGIAN
from onpaid.errors import Problem

LONGEST_NAME = 200
LONGEST_EMAIL = 200
# One @ between printable parts, a dot after it: enough to tell an address from a slip of the pen.
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s,;<>\".]+")
# Svalbard and Jan Mayen are read in Norwegian, though sales there are exports for VAT.
_NORWEGIAN = frozenset(("NO", "SJ"))


def merge_customers(provider: Customer | None, billing: Customer | None, order: Customer | None) -> Customer:
    """One customer of up to three sources, the earlier before the later. What none of them knows stays None."""
    sources = [_tidy(source) for source in (provider, billing, order) if source is not None]
    person = next((source for source in sources if source.email), None)
    email = person.email if person else None
    same = [source for source in sources if not source.email or not email or _alike(source.email, email)]
    firm = next((source for source in sources if source.company or source.organization_number), Customer())
    return Customer(
        id=_text(provider.id) if provider else None,
        name=(person and person.name) or next((source.name for source in same if source.name), None),
        email=email,
        phone=next((source.phone for source in same if source.phone), None),
        company=firm.company,
        organization_number=firm.organization_number,
        address=_address(sources),
    )


def is_norwegian(customer: Customer) -> bool:
    """Whether the customer is to be written to in Norwegian: by the address, for nothing else is known."""
    return customer.address is not None and customer.address.country in _NORWEGIAN


def language_of(customer: Customer) -> str:
    """NORWEGIAN or ENGLISH."""
    return NORWEGIAN if is_norwegian(customer) else ENGLISH


def contact_details(customer: Customer, account: str) -> ContactDetails:
    """The contact to be filed for a merged customer. Raises Problem if the invoice would lack what it must have.

    `account` is whose customer this is ("stripe/default/live"); `country` of the answer is the two-letter code.
    """
    country = customer.address.country if customer.address else None
    missing = {
        "email": customer.email is None,
        "country": country is None or not is_country(country),
    }
    if country is None or customer.email is None or any(missing.values()):
        names = " and no ".join(name for name, absent in missing.items() if absent)
        raise Problem(
            f"the customer has no {names}: add it to the customer at the payment provider, then retry",
            category="customer",
            facts={
                "missing": ", ".join(name for name, absent in missing.items() if absent),
                "customer": customer.id or "a guest: neither customer, billing details nor order tell",
                "account": account,
                **({"country": country} if country else {}),
            },
        )
    return ContactDetails(
        reference=customer.id or guest_reference(customer.email),
        name=(customer.company or customer.name or customer.email)[:LONGEST_NAME],
        email=customer.email,
        language=language_of(customer),
        customer=customer,
        country=country,
    )


def guest_reference(email: str) -> str:
    """The key of a customer whom the payment provider does not know: the same for every spelling of the address."""
    return f"email:{hashlib.sha256(same_email(email).encode()).hexdigest()[:32]}"


def same_email(email: str) -> str:
    """The address as it is compared: trimmed, in one Unicode form, without regard to capitals."""
    return unicodedata.normalize("NFC", email.strip()).casefold()


def _address(sources: list[Customer]) -> Address | None:
    """The first address that names a country there is; else the first that names one; else the first."""
    told = [source.address for source in sources if source.address is not None]
    named = [address for address in told if address.country]
    known = [address for address in named if address.country and is_country(address.country)]
    return next(iter([*known, *named, *told]), None)


def _alike(one: str, other: str) -> bool:
    return same_email(one) == same_email(other)


def _tidy(customer: Customer) -> Customer:
    """Without blanks, and without an e-mail address that cannot be one."""
    email = _text(customer.email)
    if email is not None and (
        len(email) > LONGEST_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email)
    ):
        email = None
    address = customer.address
    if address is not None:
        parts = {name: _text(getattr(address, name)) for name in address.__struct_fields__}
        if parts["country"]:
            parts["country"] = parts["country"].upper()
        address = Address(**parts) if any(parts.values()) else None
    return msgspec.structs.replace(
        customer,
        name=_text(customer.name),
        email=email,
        phone=_text(customer.phone),
        company=_text(customer.company),
        organization_number=_text(customer.organization_number),
        address=address,
    )


def _text(told: str | None) -> str | None:
    """Without blanks around and line breaks within; None if nothing is left."""
    return (" ".join(told.split()) or None) if told else None
