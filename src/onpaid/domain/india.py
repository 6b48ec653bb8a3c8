"""What an Indian address and phone number must be: states and union territories, pincodes, mobile numbers.

State names are those of the Constitution's First Schedule; a postal index number has six digits, and none begins with 0.
"""

from __future__ import annotations

import re
from typing import Final

from onpaid.errors import InvalidInput

STATES: Final = {
    "AN": "Andaman and Nicobar Islands",
    "AP": "Andhra Pradesh",
    "AR": "Arunachal Pradesh",
    "AS": "Assam",
    "BR": "Bihar",
    "CH": "Chandigarh",
    "CG": "Chhattisgarh",
    "DH": "Dadra and Nagar Haveli and Daman and Diu",
    "DL": "Delhi",
    "GA": "Goa",
    "GJ": "Gujarat",
    "HR": "Haryana",
    "HP": "Himachal Pradesh",
    "JK": "Jammu and Kashmir",
    "JH": "Jharkhand",
    "KA": "Karnataka",
    "KL": "Kerala",
    "LA": "Ladakh",
    "LD": "Lakshadweep",
    "MP": "Madhya Pradesh",
    "MH": "Maharashtra",
    "MN": "Manipur",
    "ML": "Meghalaya",
    "MZ": "Mizoram",
    "NL": "Nagaland",
    "OD": "Odisha",
    "PY": "Puducherry",
    "PB": "Punjab",
    "RJ": "Rajasthan",
    "SK": "Sikkim",
    "TN": "Tamil Nadu",
    "TS": "Telangana",
    "TR": "Tripura",
    "UP": "Uttar Pradesh",
    "UK": "Uttarakhand",
    "WB": "West Bengal",
}
_OTHER_NAMES: Final = {
    "orissa": "OD",
    "or": "OD",
    "pondicherry": "PY",
    "uttaranchal": "UK",
    "ut": "UK",
    "tg": "TS",
    "ct": "CG",
    "new delhi": "DL",
    "nct of delhi": "DL",
    "jammu & kashmir": "JK",
    "andaman & nicobar islands": "AN",
    "dadra & nagar haveli and daman & diu": "DH",
    "dadra and nagar haveli": "DH",
    "daman and diu": "DH",
}
_BY_NAME: Final = {
    **{name.lower(): name for name in STATES.values()},
    **{code.lower(): name for code, name in STATES.items()},
    **{name: STATES[code] for name, code in _OTHER_NAMES.items()},
}
_PINCODE: Final = re.compile(r"[1-9][0-9]{5}", re.ASCII)


def state_name(given: str) -> str:
    """The full name of a state or union territory, given as its name or two-letter code. Raises InvalidInput."""
    found = _BY_NAME.get(" ".join(given.lower().split()))
    if found is None:
        raise InvalidInput(
            f"{given[:40]!r} is no Indian state or union territory: write its full name, such as Kerala"
        )
    return found


def pincode(given: str) -> str:
    """The six digits of a pincode. Raises InvalidInput."""
    digits = given.replace(" ", "")
    if not _PINCODE.fullmatch(digits):
        raise InvalidInput("the pincode must have six digits, the first of which is not 0")
    return digits


def phone_number(given: str, region: str = "IN") -> str:
    """A phone number as E.164; without a country code it is taken to be of `region`. Raises InvalidInput."""
    import phonenumbers

    try:
        number = phonenumbers.parse(given[:40], region)
    except phonenumbers.NumberParseException:
        raise InvalidInput("the phone number cannot be read: write it as +91 98765 43210") from None
    if not phonenumbers.is_valid_number(number):
        raise InvalidInput("there is no such phone number: is a digit missing?")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
