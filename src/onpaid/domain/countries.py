"""Countries: ISO 3166-1 alpha-2 codes, their English names, and who is in the EU.

Names come from pycountry, which is imported on first use: it costs forty milliseconds that most commands never need.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from onpaid.errors import InvalidInput

_EU_TEXT: Final = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
_EU: Final = frozenset(_EU_TEXT.split())
# As people write them, where ISO writes otherwise or, as with Kosovo's user-assigned code, not at all.
_NAMES: Final = {
    "CD": "Democratic Republic of the Congo",
    "FM": "Micronesia",
    "PS": "Palestine",
    "RU": "Russia",
    "SH": "Saint Helena",
    "TR": "Turkey",
    "VG": "British Virgin Islands",
    "VI": "U.S. Virgin Islands",
    "XK": "Kosovo",
}


def in_eu(code: str) -> bool:
    """Whether the country is a member of the European Union."""
    return code in _EU


def is_country(code: str) -> bool:
    """Whether `code` is an upper-case country code that is in use."""
    return _name(code) is not None


def country_name(code: str) -> str:
    """The English name: Norway for NO."""
    name = _name(code)
    if name is None:
        raise InvalidInput(f"{code!r} is not a country code (two capital letters, such as NO)")
    return name


@lru_cache(maxsize=512)
def _name(code: str) -> str | None:
    if len(code) != 2 or not (code.isascii() and code.isalpha() and code.isupper()):
        return None
    if code in _NAMES:
        return _NAMES[code]
    import pycountry

    found = pycountry.countries.get(alpha_2=code)
    if found is None:
        return None
    name: str = getattr(found, "common_name", None) or found.name
    return name
