"""What the console and the API show of other people's words: enough to work with, nothing secret or personal.

A tree of JSON is masked twice: by the names of its fields (`email`, `line1`, `client_secret`) and by the looks of its
texts (an address, a card number, a token). What a field gave away as private is then hidden in every other text of
the same tree too, so that a mail's greeting does not tell the name. Ids such as `pi_3Q` stay: a person needs them.
Every pattern is bounded, so that no body, however odd, takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from onpaid.domain.orders import Customer

HIDDEN = "***"
LONGEST = 2_000
DEEPEST = 40

_SQUEEZE = re.compile(r"[^a-z0-9]+")
_SECRET = re.compile(
    r"secret|token|passw|apikey|authorization|signature|privatekey|credential|cookie|fingerprint|cvc|cvv|^pin$"
)
_EMAIL_FIELD = re.compile(r"e?mail$|^email|emailaddress|mailto")
_PHONE_FIELD = re.compile(r"phone|mobile|msisdn|^tel$")
_NAME_FIELD = re.compile(
    r"^(first|last|full|given|family|middle|maiden|customer|company|billing|shipping|contact|to|from|recipient|user"
    r"|buyer|payer|display|(card|account)?holder)name$|^company$|^attention$"
)
_PLACE_FIELD = re.compile(
    r"^(address)?line[1-4]?$|^street|^address[0-9]?$|^city$|^town$|postal|postcode|^zip|^state$"
)
_OTHER_FIELD = re.compile(
    r"organi[sz]ationnumber|orgn(umbe)?r|^ssn$|nationalid|taxid|vatnumber|birth|^dob$|iban|bban|accountno$"
    r"|^cardnumber$|^pan$|ipaddress|^ip$|useragent"
)
_PERSON = frozenset(("email", "phone", "line1", "organizationnumber", "membernumberstring"))
_PERSON_ROOM = frozenset(
    (
        "customer",
        "billing",
        "billingdetails",
        "shipping",
        "contact",
        "owner",
        "recipient",
        "person",
        "user",
        "buyer",
        "payer",
        "cardholder",
    )
)
_COMMON = re.compile(
    r"customer|deleted|fiken|invoice|konverzky|orders?|paid|payment|shop|stripe|test|webhook", re.IGNORECASE
)
"""Words that a name may hold and that hiding would make every sentence unreadable."""

_EMAIL = re.compile(r"([^\s\"'<>(),;:=@]{1,64})@([^\s\"'<>(),;:=@]{1,190})")
_TOKEN = re.compile(r"\b(sk|rk|pk|whsec|ek)_[A-Za-z0-9_*]{4,200}")
_BEARER = re.compile(r"\b(Bearer|Basic)\s{1,4}[^\s\"',;]{1,400}", re.IGNORECASE)
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}(?:\.[A-Za-z0-9_-]{0,2000}){0,3}")
_PHONE = re.compile(r"(?<![\w.:+-])(?:\+|00)\d(?:[ -]?\d){6,14}(?![\w])")
_CARD = re.compile(r"(?<![\w.:-])[2-6]\d(?:[ -]?\d){11,17}(?![\w])")


class Mask:
    """Hides what is private. `private` are words that are known to be: they are hidden wherever they appear."""

    def __init__(self, private: Iterable[str] = ()) -> None:
        self._words = _pattern(private)

    def text(self, text: str) -> str:
        """A text of unknown origin, on as many lines as it has."""
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}… ({len(text) - LONGEST:,} characters more)"
        if self._words is not None:
            text = self._words.sub(lambda found: mask_words(found.group()), text)
        if "@" in text:
            text = _EMAIL.sub(lambda found: mask_email(found.group()), text)
        text = _TOKEN.sub(lambda found: f"{found.group(1)}_{HIDDEN}", text)
        text = _BEARER.sub(lambda found: f"{found.group(1)} {HIDDEN}", text)
        text = _JWT.sub(HIDDEN, text)
        text = _CARD.sub(lambda found: _mask_card(found.group()), text)
        return _PHONE.sub(lambda found: mask_phone(found.group()), text)

    def tree(self, value: Any) -> Any:
        """A tree of JSON."""
        learnt = Mask()
        learnt._words = _pattern([*_private_in(value, "", 0)], self._words)
        return learnt._walk(value, "", 0)

    def _walk(self, value: Any, room: str, depth: int) -> Any:
        if depth > DEEPEST:
            return "…"
        if isinstance(value, dict):
            person = _is_person(value, room)
            shown = {}
            for name, held in value.items():
                field = _SQUEEZE.sub("", str(name).lower())
                hide = _hider(field, person)
                hidden = hide(held) if hide is not None and isinstance(held, str | int) and held else None
                clear = self._walk(held, field, depth + 1) if hidden is None else hidden
                shown[self.text(str(name))] = clear
            return shown
        if isinstance(value, list):
            return [self._walk(each, room, depth + 1) for each in value]
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**12:
            text = str(value)
            return _mask_card(text) if _CARD.fullmatch(text) and _luhn(text) else value
        return value


def mask_email(address: str) -> str:
    """`kari@example.org` as `k***@example.org`."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}{HIDDEN}@{domain}" if at else HIDDEN


def mask_phone(number: str) -> str:
    """`+47 912 34 567` as `***67`."""
    return HIDDEN + number[-2:]


def mask_words(words: str) -> str:
    """`Kari Nordmann` as `K*** N***`."""
    return " ".join(f"{word[:1]}{HIDDEN}" for word in words.split()) or HIDDEN


def mask_customer(customer: Customer) -> Customer:
    """A customer as a viewer sees one: no name, no address but its country."""
    country = customer.address.country if customer.address else None
    return Customer(
        id=customer.id,
        name=mask_words(customer.name) if customer.name else None,
        email=mask_email(customer.email) if customer.email else None,
        phone=mask_phone(customer.phone) if customer.phone else None,
        company=mask_words(customer.company) if customer.company else None,
        address=type(customer.address)(country=country) if customer.address else None,
    )


def private_words(customer: Customer | None) -> Iterator[str]:
    """What of a customer must not be read in other texts."""
    if customer is None:
        return
    place = customer.address
    yield from (
        word
        for word in (
            customer.name,
            customer.email,
            customer.phone,
            customer.company,
            customer.organization_number,
            place.line1 if place else None,
            place.line2 if place else None,
        )
        if word
    )


def _hider(field: str, person: bool) -> Callable[[Any], str] | None:
    """How the value of a field is hidden, if its name says that it must be."""
    if _SECRET.search(field):
        return lambda _value: HIDDEN
    if _EMAIL_FIELD.search(field):
        return lambda value: mask_email(str(value))
    if _PHONE_FIELD.search(field):
        return lambda value: mask_phone(str(value))
    if _NAME_FIELD.match(field) or (field == "name" and person):
        return lambda value: mask_words(str(value))
    if _OTHER_FIELD.search(field) or (_PLACE_FIELD.search(field) and (person or field != "state")):
        return lambda _value: HIDDEN
    return None


def _is_person(value: dict[Any, Any], room: str) -> bool:
    fields = {_SQUEEZE.sub("", str(name).lower()) for name in value}
    return room in _PERSON_ROOM or not fields.isdisjoint(_PERSON)


def _private_in(value: Any, room: str, depth: int) -> Iterator[str]:
    """The texts that their fields' names declare private."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        for each in value:
            yield from _private_in(each, room, depth + 1)
    elif isinstance(value, dict):
        person = _is_person(value, room)
        for name, held in value.items():
            field = _SQUEEZE.sub("", str(name).lower())
            if isinstance(held, str) and _hider(field, person) is not None and field not in ("state", "city"):
                yield held
            else:
                yield from _private_in(held, field, depth + 1)


def _pattern(words: Iterable[str], more: re.Pattern[str] | None = None) -> re.Pattern[str] | None:
    """One pattern for all words; names count as a whole and each part of them that is long enough."""
    parts: set[str] = set()
    for word in words:
        text = " ".join(word.split())[:200]
        if len(text) >= 3 and not text.startswith(HIDDEN):
            parts.add(text)
            if "@" not in text:
                parts.update(part for part in text.split() if len(part) >= 4 and part.isalpha())
    parts = {part for part in parts if not _COMMON.fullmatch(part)}
    if not parts:
        return more
    each = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True)[:200])
    own = rf"(?<!\w)(?:{each})(?!\w)"
    return re.compile(own if more is None else f"{own}|{more.pattern}", re.IGNORECASE)


def _mask_card(number: str) -> str:
    return f"{HIDDEN}{number[-4:]}" if _luhn(number) else number


def _luhn(number: str) -> bool:
    digits = [int(each) for each in number if each.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return 13 <= len(digits) <= 19 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
