"""How strictly Razorpay reads what it is sent: ids, amounts, notes, windows, and nothing it does not know.

Whatever is not as it should be raises `Wrong`, with the sentence and, where there is one, the name of the
field.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from onpaid.simulators.kit import Json
from onpaid.simulators.razorpay_shapes import THREE_DECIMAL

LEAST_INR: Final = 100
LONGEST_RECEIPT: Final = 40
MOST_NOTES: Final = 15
LONGEST_NOTE: Final = 256
USUAL_COUNT: Final = 10
LARGEST_COUNT: Final = 100
LATEST: Final = 4_765_046_400
CURRENCY: Final = re.compile(r"[A-Z]{3}")
IDENT: Final = re.compile(r"(order|pay|rfnd)_[A-Za-z0-9]{14}")
WHOLE: Final = re.compile(r"\d{1,15}")
ORDER: Final = frozenset({"amount", "currency", "receipt", "notes", "partial_payment"})
CAPTURE: Final = frozenset({"amount", "currency"})
REFUND: Final = frozenset({"amount", "speed", "notes", "receipt"})
WINDOW: Final = frozenset({"from", "to", "count", "skip"})


class Wrong(ValueError):
    """What was asked for is refused; `field` is what it is about."""

    def __init__(self, description: str, field: str | None = None) -> None:
        super().__init__(description)
        self.field = field


def only(given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuse what is not known."""
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise Wrong(f"{', '.join(unknown)} is/are not required and should not be sent", unknown[0])


def known_id(ident: str) -> None:
    """Refuse what cannot be an id."""
    if IDENT.fullmatch(ident) is None:
        raise Wrong(f"{ident} is not a valid id")


def whole_amount(given: Mapping[str, Any]) -> int:
    """The amount, a whole number: neither 100.0 nor "100" is one here."""
    if given.get("amount") is None:
        raise Wrong("The amount field is required.", "amount")
    amount = given["amount"]
    if not isinstance(amount, int) or isinstance(amount, bool):
        raise Wrong("The amount must be an integer.", "amount")
    return amount


def _currency(given: Mapping[str, Any]) -> str:
    currency = given.get("currency")
    if currency is None:
        raise Wrong("The currency field is required.", "currency")
    if not isinstance(currency, str) or CURRENCY.fullmatch(currency) is None:
        raise Wrong("Currency is not supported", "currency")
    return currency


def _enough(amount: int, currency: str) -> None:
    least = LEAST_INR if currency == "INR" else 1
    if amount < least:
        raise Wrong(f"The amount must be at least {least} in the smallest unit of {currency}.", "amount")
    if currency in THREE_DECIMAL and amount % 10:
        raise Wrong(f"The last digit of an amount in {currency} must be 0.", "amount")


def _receipt(given: Mapping[str, Any]) -> None:
    receipt = given.get("receipt")
    if receipt is None:
        return
    if not isinstance(receipt, str):
        raise Wrong("The receipt must be a string.", "receipt")
    if len(receipt) > LONGEST_RECEIPT:
        raise Wrong(f"The receipt may not be greater than {LONGEST_RECEIPT} characters.", "receipt")


def notes(given: Mapping[str, Any]) -> None:
    """Refuse notes that are too many, too long, or no notes. An empty list is none at all."""
    found = given.get("notes")
    if found is None or found == []:
        return
    if not isinstance(found, dict):
        raise Wrong("The notes must be an array.", "notes")
    if len(found) > MOST_NOTES:
        raise Wrong(f"Number of fields in notes should be less than or equal to {MOST_NOTES}", "notes")
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise Wrong(f"{name} in notes must be no array.", "notes")
        if len(str(value)) > LONGEST_NOTE or len(name) > LONGEST_NOTE:
            raise Wrong(f"{name} exceeds {LONGEST_NOTE} characters in notes.", "notes")


def new_order(given: Json) -> Json:
    """An order as it was asked for."""
    only(given, ORDER)
    amount, currency = whole_amount(given), _currency(given)
    _enough(amount, currency)
    _receipt(given)
    notes(given)
    if not isinstance(given.get("partial_payment", False), bool):
        raise Wrong("The partial payment field must be true or false.", "partial_payment")
    return given


def new_capture(given: Json) -> tuple[int, str]:
    """The amount and the currency to capture."""
    only(given, CAPTURE)
    return whole_amount(given), _currency(given)


def new_refund(given: Json, currency: str) -> Json:
    """A refund as it was asked for; without an amount, all that is left."""
    only(given, REFUND)
    if given.get("amount") is not None:
        _enough(whole_amount(given), currency)
    _receipt(given)
    notes(given)
    if given.get("speed", "normal") not in ("normal", "optimum"):
        raise Wrong("The speed must be normal or optimum.", "speed")
    return given


def whole(params: Mapping[str, str], name: str, usual: int, least: int, most: int) -> int:
    """A whole number of a query, within its bounds."""
    text = params.get(name, str(usual))
    if WHOLE.fullmatch(text) is None:
        raise Wrong(f"The {name} must be an integer.", name)
    if not least <= int(text) <= most:
        raise Wrong(f"The {name} must be between {least} and {most}.", name)
    return int(text)
