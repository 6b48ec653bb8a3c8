"""What is sent to us: JSON read strictly and fast, and the few values that every source of orders shares.

Python's own reader lets pass what an accounting system must not see: NaN, a name given twice (of which readers take
different ones), integers of thousands of digits. `strict` refuses these anywhere in a body, needed or not; after it
msgspec reads the fields that matter into a type. Every refusal is an InvalidInput that says what is wrong.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Any, NoReturn, TypeVar

import msgspec

from onpaid.errors import InvalidInput

T = TypeVar("T")

LONGEST_NUMBER = 40
LONGEST_ORDER_NUMBER = 64


def strict(body: bytes) -> None:
    """Raise InvalidInput unless `body` is UTF-8 JSON that every reader would read alike."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise InvalidInput("the body is not UTF-8 text") from None
    try:
        _STRICT.decode(text)
    except RecursionError:
        raise InvalidInput("the JSON is nested too deeply") from None
    except ValueError as bad:
        raise InvalidInput(f"the body is not JSON: {bad}"[:200]) from None


def read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """The body as the decoder's type; InvalidInput names the field that does not fit."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as bad:
        raise InvalidInput(f"a field is missing or of the wrong type: {bad}"[:200]) from None
    except (msgspec.DecodeError, UnicodeError) as bad:
        raise InvalidInput(f"the body is not JSON: {bad}"[:200]) from None
    except RecursionError:
        raise InvalidInput("the JSON is nested too deeply") from None


def order_number(given: str | int, what: str = "the order number") -> str:
    """The number as it is compared and kept: trimmed, in one Unicode form, printable, at most 64 characters."""
    if isinstance(given, int) and abs(given) >= 10**LONGEST_ORDER_NUMBER:
        raise InvalidInput(f"{what} is longer than {LONGEST_ORDER_NUMBER} characters")
    number = str(given).strip()
    if not number.isascii():
        number = unicodedata.normalize("NFC", number)
    if not number:
        raise InvalidInput(f"{what} is empty")
    if not number.isprintable():
        raise InvalidInput(f"{what} holds a control character or another invisible one")
    if len(number) > LONGEST_ORDER_NUMBER:
        raise InvalidInput(f"{what} is longer than {LONGEST_ORDER_NUMBER} characters")
    return number


def _no_twins(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twin[:40]!r} is given twice in one object")


def _short(text: str) -> None:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} digits")


def _finite(text: str) -> None:
    _short(text)
    if float(text) in (float("inf"), float("-inf")):
        raise ValueError(f"a number is too large: {text}")


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


_STRICT = json.JSONDecoder(
    object_pairs_hook=_no_twins, parse_int=_short, parse_float=_finite, parse_constant=_refuse
)
