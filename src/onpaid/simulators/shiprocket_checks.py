"""How strictly Shiprocket reads an order: what is missing, too long, of the wrong kind or in the wrong unit.

Objections are sentences by field, as its 422 has them. Beyond the real one, a field that nobody knows is
refused too, since it would be lost without a word.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

from onpaid.simulators.kit import Json

Objections = dict[str, list[str]]
Kind = Literal[
    "text", "word", "email", "phone", "pincode", "money", "size", "mass", "whole", "flag", "date", "list"
]


class Refused(Exception):
    """Shiprocket answers with this status and body. The status may be 200: it refuses in words too."""

    def __init__(self, status: int, body: Json) -> None:
        self.status, self.body = status, body
        super().__init__(str(body.get("message")))


def refused(status: int, message: str, **more: Any) -> Refused:
    """A refusal in the usual form."""
    return Refused(status, {"message": message, **more, "status_code": status})


def invalid(found: Objections) -> Refused:
    """The refusal of a form."""
    return refused(422, "Oops! Invalid Data.", errors=found)


@dataclass(frozen=True, slots=True)
class Field:
    """What one field has to look like."""

    kind: Kind = "text"
    required: bool = False
    longest: int = 0


def _party(prefix: str, *, required: bool) -> dict[str, Field]:
    needed: dict[str, Field] = {
        "customer_name": Field(),
        "address": Field(),
        "city": Field(longest=30),
        "pincode": Field("pincode"),
        "state": Field(),
        "country": Field(),
        "email": Field("email"),
        "phone": Field("phone"),
    }
    found = {f"{prefix}_{name}": Field(each.kind, required, each.longest) for name, each in needed.items()}
    return {**found, f"{prefix}_last_name": Field(), f"{prefix}_address_2": Field()}


NEEDED: Final = True
ORDER: Final[dict[str, Field]] = {
    "order_id": Field("word", NEEDED, 50),
    "order_date": Field("date", NEEDED),
    "pickup_location": Field("text", NEEDED),
    **_party("billing", required=True),
    "shipping_is_billing": Field("flag", NEEDED),
    **_party("shipping", required=False),
    "order_items": Field("list", NEEDED),
    "payment_method": Field("text", NEEDED),
    "sub_total": Field("money", NEEDED),
    "length": Field("size", NEEDED),
    "breadth": Field("size", NEEDED),
    "height": Field("size", NEEDED),
    "weight": Field("mass", NEEDED),
    "channel_id": Field("whole"),
    "comment": Field(),
    "company_name": Field(),
    "reseller_name": Field(),
    "billing_isd_code": Field("word"),
    "billing_alternate_phone": Field("phone"),
    "shipping_charges": Field("money"),
    "giftwrap_charges": Field("money"),
    "transaction_charges": Field("money"),
    "total_discount": Field("money"),
    "customer_gstin": Field(),
    "ewaybill_no": Field("word"),
    "invoice_number": Field("word"),
    "order_type": Field(),
    "order_tag": Field(),
}
ITEM: Final[dict[str, Field]] = {
    "name": Field("text", NEEDED),
    "sku": Field("text", NEEDED),
    "units": Field("whole", NEEDED),
    "selling_price": Field("money", NEEDED),
    "discount": Field("money"),
    "tax": Field("money"),
    "hsn": Field("word"),
}
PAYMENT_METHODS: Final = ("COD", "Prepaid")


def check_order(body: Json) -> None:
    """Refused, unless this can be an order."""
    items = body.get("order_items")
    if items is not None and not isinstance(items, list):
        raise refused(500, "Invalid argument supplied for foreach()")
    found = _objections(body, _fields_for(body))
    for at, item in enumerate(items or ()):
        found |= _objections(item if isinstance(item, dict) else {}, ITEM, f"order_items.{at}.")
    found |= _doubles(items or ())
    if "payment_method" not in found and body["payment_method"] not in PAYMENT_METHODS:
        found["payment_method"] = ["The selected payment method is invalid."]
    if found:
        raise invalid(found)


def _fields_for(body: Json) -> dict[str, Field]:
    """The address to ship to has to be given where it is not the billing address."""
    if body.get("shipping_is_billing") in (False, 0):
        return {**ORDER, **_party("shipping", required=True)}
    return ORDER


def _doubles(items: Any) -> Objections:
    """A product may stand in an order once."""
    found: Objections = {}
    seen: set[str] = set()
    for at, item in enumerate(items):
        sku = str(item.get("sku")) if isinstance(item, dict) and item.get("sku") else ""
        if sku and sku in seen:
            found[f"order_items.{at}.sku"] = [f"The order_items.{at}.sku field has a duplicate value."]
        seen.add(sku)
    return found


def _objections(body: Json, fields: dict[str, Field], path: str = "") -> Objections:
    found = {
        path + name: [f"The {_said(path + name)} field is not known."] for name in body if name not in fields
    }
    for name, field in fields.items():
        value = body.get(name)
        if value is None or value == "" or value == []:
            if field.required:
                found[path + name] = [f"The {_said(path + name)} field is required."]
            continue
        objection = _objection(value, field)
        if objection:
            found[path + name] = [f"The {_said(path + name)} {objection}"]
    return found


def _said(name: str) -> str:
    return name if "." in name else name.replace("_", " ")


def _objection(value: Any, field: Field) -> str:
    """The end of a sentence, or nothing."""
    wordy = (
        field.kind in ("word", "phone", "pincode") and isinstance(value, int) and not isinstance(value, bool)
    )
    text = str(value) if isinstance(value, str) or wordy else None
    wrong = _WRONG[field.kind]
    if field.kind in ("text", "word", "email", "phone", "pincode", "date"):
        if (
            text is None
            or not _PATTERNS[field.kind].fullmatch(text)
            or (field.kind == "date" and not _is_date(text))
        ):
            return wrong
        return f"may not be greater than {field.longest} characters." if 0 < field.longest < len(text) else ""
    if field.kind == "flag":
        return "" if isinstance(value, bool) or value in (0, 1) else wrong
    if field.kind == "list":
        return ""
    number = _number(value)
    if number is None or not _FITS[field.kind](number):
        return wrong
    return ""


_PATTERNS: Final = {
    "text": re.compile(r"(?s).*\S.*"),
    "word": re.compile(r"\S(.*\S)?"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "phone": re.compile(r"\d{10}"),
    "pincode": re.compile(r"[1-9]\d{5}"),
    "date": re.compile(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?"),
}
_FITS: Final = {
    "money": lambda number: number >= 0 and number == number.quantize(Decimal("0.01")),
    "size": lambda number: number > Decimal("0.5"),
    "mass": lambda number: number > 0,
    "whole": lambda number: number >= 1 and number == number.to_integral_value(),
}
_WRONG: Final[dict[Kind, str]] = {
    "text": "must be a string.",
    "word": "must be a string.",
    "email": "must be a valid email address.",
    "phone": "must be 10 digits.",
    "pincode": "must be 6 digits.",
    "date": "does not match the format Y-m-d H:i.",
    "flag": "field must be true or false.",
    "list": "must be an array.",
    "money": "must be an amount in rupees, with two decimals at most.",
    "size": "must be greater than 0.5 cm.",
    "mass": "must be greater than 0 kg.",
    "whole": "must be a whole number of at least 1.",
}


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**12 else None


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def one_of_ours(value: Any, name: str) -> int:
    """A whole number that is one of Shiprocket's ids; text of digits will do."""
    if isinstance(value, bool) or not str(value).isdecimal():
        raise invalid({name: [f"The {_said(name)} field is required."]})
    return int(value)


def listed(body: Json, name: str, most: int) -> list[str]:
    """A list of ids or AWBs; anything else is an error of the server's own, as PHP has it."""
    value = body.get(name)
    if not value:
        raise invalid({name: [f"The {name} field is required."]})
    if not isinstance(value, list):
        raise refused(500, "Invalid argument supplied for foreach()")
    if len(value) > most:
        raise invalid({name: [f"The {name} may not have more than {most} items."]})
    return [str(each) for each in value]
