"""Who buys and what: made-up customers and products, chosen by dice.

Norwegians buy at 25, 15, 12 and 0 % VAT in NOK; others buy without VAT, mostly in EUR or SEK. Prices are such that
an order's total is exact to the minor unit, whether they are net or gross.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from onpaid.simulators.kit import Dice
from onpaid.simulators.konverzky import Item

MOST_ITEMS: Final = 4
FIRST_NAMES: Final = ("Ola", "Kari", "Ingrid", "Nils", "Solveig", "Håkon", "Åse", "Øyvind", "Marit", "Per")
LAST_NAMES: Final = ("Nordmann", "Bakke", "Lie", "Dahl", "Østby", "Strand", "Moen", "Hagen", "Sæther", "Vik")
NORWEGIAN_TOWNS: Final = (("Oslo", "0155"), ("Bergen", "5003"), ("Tromsø", "9008"), ("Ålesund", "6002"))
ABROAD: Final = (
    ("SE", "SEK", "Astrid Lindqvist", "Göteborg", "411 03"),
    ("SE", "SEK", "Björn Ek", "Umeå", "903 26"),
    ("DE", "EUR", "Jürgen Weiß", "Köln", "50667"),
    ("FR", "EUR", "Chloé Lefèvre", "Lyon", "69001"),
    ("US", "NOK", "Pat O'Brien", "Duluth", "55802"),
)
# name, price in whole kroner with VAT, price in hundredths as an alternative with odd cents, VAT for Norwegians
PRODUCTS: Final = (
    ("Notebook, dotted", 199, 19_900, 25),
    ("Fountain pen", 1_290, 128_950, 25),
    ("Coffee beans, 1 kg", 249, 24_890, 15),
    ("Brown cheese", 129, 12_950, 15),
    ("Museum ticket", 140, 14_000, 12),
    ("Ferry ticket", 312, 31_250, 12),
    ("Book: The Fjord", 379, 37_900, 0),
    ("Magazine", 99, 9_990, 0),
    ("Wool sweater", 1_499, 149_900, 25),
)


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who buys; a guest has no customer at Stripe."""

    name: str
    email: str
    currency: str
    norwegian: bool
    guest: bool
    address: Mapping[str, str | None]

    def at_stripe(self) -> dict[str, Any]:
        """As Stripe's customer or billing details."""
        return {"name": self.name, "email": self.email, "phone": None, "address": dict(self.address)}

    def at_shop(self) -> dict[str, Any]:
        """As the shop's customer block."""
        shown = {
            name: self.address.get(name) for name in ("line1", "line2", "postal_code", "city", "country")
        }
        return {
            "name": self.name,
            "email": self.email,
            "phone": None,
            "company": None,
            "organization_number": None,
            "address": shown,
        }


def buyer(dice: Dice, nth: int, *, guest: bool) -> Buyer:
    """The nth buyer; each has an e-mail address of its own."""
    email = f"buyer{nth}@example.org"
    if dice.chance("abroad", 0.2):
        country, currency, name, city, code = dice.pick("who", ABROAD)
        place = {
            "line1": f"High Street {nth}",
            "line2": None,
            "postal_code": code,
            "city": city,
            "country": country,
        }
        return Buyer(name, email, currency, norwegian=False, guest=guest, address={**place, "state": None})
    name = f"{dice.pick('first name', FIRST_NAMES)} {dice.pick('last name', LAST_NAMES)}"
    city, code = dice.pick("town", NORWEGIAN_TOWNS)
    flat = "H0203" if dice.chance("flat", 0.3) else None
    place = {"line1": f"Storgata {nth}", "line2": flat, "postal_code": code, "city": city, "country": "NO"}
    return Buyer(name, email, "NOK", norwegian=True, guest=guest, address={**place, "state": None})


def items(
    dice: Dice, who: Buyer, *, prices_include_vat: bool, first: int = 1, most: int = MOST_ITEMS
) -> list[Item]:
    """A basket; the items are numbered from `first`."""
    chosen = []
    for nth in range(dice.whole("items", 1, most)):
        throw = dice.at("item", str(nth))
        name, kroner, odd, vat = throw.pick("product", PRODUCTS)
        hundredths = odd if prices_include_vat and throw.chance("odd price", 0.4) else kroner * 100
        if who.currency == "EUR":
            hundredths = hundredths // 1_000 * 100
        chosen.append(
            Item(
                ident=str(100 * first + nth),
                name=name,
                quantity=Decimal(throw.whole("quantity", 1, 3)),
                unit_price=Decimal(hundredths) / 100,
                vat=Decimal(vat if who.norwegian else 0),
            )
        )
    return chosen
