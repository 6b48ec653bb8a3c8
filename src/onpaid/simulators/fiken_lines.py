"""The arithmetic of an invoice line at Fiken: net, VAT and gross have to agree with each other, the rate and the account.

Rates and the pairs of VAT type and income account are what integrators report, not part of the published interface.
All amounts are whole minor units; a discount comes off at the end.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from onpaid.simulators.kit import Json

VAT_RATES: Final[dict[str, Decimal]] = {
    "HIGH": Decimal(25),
    "MEDIUM": Decimal(15),
    "LOW": Decimal(12),
    "EXEMPT": Decimal(0),
    "EXEMPT_IMPORT_EXPORT": Decimal(0),
    "EXEMPT_REVERSE": Decimal(0),
    "OUTSIDE": Decimal(0),
    "NONE": Decimal(0),
}
ACCOUNTS: Final[dict[str, str]] = {
    "HIGH": r"30[01]\d",
    "MEDIUM": r"30[34]\d",
    "LOW": r"305\d",
    "EXEMPT": r"31\d\d",
    "EXEMPT_IMPORT_EXPORT": r"31\d\d",
    "EXEMPT_REVERSE": r"31\d\d",
    "OUTSIDE": r"32\d\d",
    "NONE": r"3\d\d\d",
}
VAT_TOLERANCE: Final = 2  # minor units: one for rounding, one that an order's rounding may put on a line


@dataclass(frozen=True, slots=True)
class Amounts:
    """What one line comes to."""

    net: int
    vat: int
    rate: Decimal

    @property
    def gross(self) -> int:
        return self.net + self.vat


NOTHING: Final = Amounts(0, 0, Decimal(0))


def whole(amount: Decimal) -> int:
    """Minor units, half a unit rounded away from zero."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


def line_amounts(line: Json, path: str) -> tuple[Amounts, list[str]]:
    """The amounts of a line after its discount, and what does not add up in it."""
    found: list[str] = []
    if line.get("productId") is not None:
        return NOTHING, [f"{path}: no such product"]
    if not line.get("productName") and not line.get("description"):
        found.append(f"{path}: productName or description is required")
    kind = line.get("vatType")
    given = Decimal(str(line["vatInPercent"])) if "vatInPercent" in line else None
    rate = VAT_RATES[kind] if kind is not None else given
    if rate is None or rate not in VAT_RATES.values():
        return NOTHING, [*found, f"{path}: vatType or a known vatInPercent is required"]
    if given is not None and given != rate:
        found.append(f"{path}: vatInPercent {given} does not agree with {kind}")
    account = line.get("incomeAccount")
    if account is None:
        found.append(f"{path}: incomeAccount is required")
    elif re.fullmatch(ACCOUNTS[kind] if kind else ACCOUNTS["NONE"], account) is None:
        found.append(f"{path}: income account {account} cannot be used with {kind}")
    quantity = Decimal(str(line["quantity"]))
    if quantity <= 0:
        found.append(f"{path}: quantity must be positive")
    share = (100 - Decimal(str(line.get("discount", 0)))) / 100
    if not 0 <= share <= 1:
        found.append(f"{path}: discount must be from 0 to 100")
    if "unitPrice" not in line and "net" not in line:
        return NOTHING, [*found, f"{path}: unitPrice or net is required"]
    priced = line["unitPrice"] * quantity if "unitPrice" in line else Decimal(line["net"])
    net = line.get("net", whole(priced))
    vat = line.get("vat", whole(net * rate / 100))
    gross = line.get("gross", net + vat)
    if net + vat != gross:
        found.append(f"{path}: unbalanced, net {net} and VAT {vat} do not make gross {gross}")
    if abs(vat - net * rate / 100) > VAT_TOLERANCE:
        found.append(f"{path}: VAT {vat} is not {rate} % of {net}")
    if abs(priced - net) > quantity / 2 + VAT_TOLERANCE:
        found.append(f"{path}: net {net} is not unitPrice times quantity")
    after = Amounts(whole(net * share), whole(vat * share), rate)
    return after, found
