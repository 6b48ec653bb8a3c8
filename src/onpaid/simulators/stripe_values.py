"""What Stripe's parameters mean once they are decoded: booleans, whole numbers, addresses, metadata.

Where there is no schema document, every value comes as text; with one it comes with its type. Both are read here.
"""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from onpaid.simulators.stripe_keys import Refused

MOST_METADATA: Final = 50
LONGEST_NAME: Final = 40
LONGEST_VALUE: Final = 500
ADDRESS: Final = re.compile(r"^https?://[^\s/]+(/\S*)?$")


def flag(value: Any) -> bool:
    """A boolean parameter."""
    return value in (True, "true")


def whole(value: Any, name: str) -> int:
    """A whole number."""
    if not re.fullmatch(r"-?\d{1,15}", str(value)):
        raise Refused(f"Invalid integer: {value}", "parameter_invalid_integer", name)
    return int(value)


def decimal(value: Any, name: str) -> Decimal:
    """A decimal that is not below zero and has at most twelve places."""
    try:
        read = Decimal(str(value))
    except InvalidOperation:
        raise Refused(f"Invalid decimal: {value}", "parameter_invalid_decimal", name) from None
    exponent = read.as_tuple().exponent
    if not read.is_finite() or read < 0 or (isinstance(exponent, int) and exponent < -12):
        raise Refused(f"Invalid decimal: {value}", "parameter_invalid_decimal", name)
    return read


def wanted(params: Mapping[str, Any], name: str, at: str | None = None) -> Any:
    """A parameter that must be there and must not be empty."""
    at = at or name
    if params.get(name) is None:
        raise Refused(f"Missing required param: {at}.", "parameter_missing", at)
    if params[name] == "":
        raise Refused(
            f"You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; "
            f"however '{at}' cannot be unset.",
            "parameter_invalid_empty",
            at,
        )
    return params[name]


def address(params: Mapping[str, Any], name: str) -> str:
    """A web address."""
    given = str(wanted(params, name))
    if ADDRESS.match(given) is None:
        raise Refused("Not a valid URL", "url_invalid", name)
    return given


def short(value: Any, name: str, most: int) -> str:
    """A text that is not too long."""
    if len(str(value)) > most:
        raise Refused(
            f"Invalid string: {str(value)[:12]}...; must be at most {most} characters",
            "parameter_invalid_string",
            name,
        )
    return str(value)


def metadata(known: Mapping[str, str], given: Any, at: str = "metadata") -> dict[str, str]:
    """Metadata with what was given on top: an empty value unsets its name, an empty whole unsets all."""
    if given is None:
        return dict(known)
    if given == "":
        return {}
    if not isinstance(given, Mapping):
        raise Refused(f"Invalid hash: {at}", "parameter_invalid", at)
    for name, value in given.items():
        if len(name) > LONGEST_NAME:
            raise Refused(f"Metadata keys can have at most {LONGEST_NAME} characters", None, at)
        if not isinstance(value, str):
            raise Refused(f"Metadata values must be strings: {name}", "parameter_invalid", f"{at}[{name}]")
        short(value, f"{at}[{name}]", LONGEST_VALUE)
    merged = {name: value for name, value in {**known, **given}.items() if value != ""}
    if len(merged) > MOST_METADATA:
        raise Refused(f"You cannot have more than {MOST_METADATA} metadata keys", None, at)
    return merged
