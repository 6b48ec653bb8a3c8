"""Who buys sports goods in India, and what: made-up customers with addresses, and carts, chosen by dice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from onpaid.simulators.kit import Dice, Json
from onpaid.simulators.products import Product

MOST_LINES: Final = 3
DIGITAL_ONLY: Final = 0.12
SCARCE_CART: Final = 0.04
GREEDY: Final = 0.03
SCARCE: Final = 100
"""Of what is scarcer than this, whoever wants it buys nothing else: only such carts are refused for stock."""
TOO_MANY: Final = 999

FIRST_NAMES: Final = (
    "Asha",
    "Ravi",
    "Meera",
    "Arjun",
    "Lakshmi",
    "Imran",
    "Ananya",
    "Vikram",
    "Zoya",
    "Kabir",
)
LAST_NAMES: Final = (
    "Rao",
    "Iyer",
    "Singh",
    "Das",
    "Fernandes",
    "Patel",
    "D'Souza",
    "Khan",
    "Nair",
    "Banerjee",
)
STREETS: Final = (
    "2nd Cross, Indiranagar",
    "Park Street",
    "M. G. Road",
    "Station Road, near the temple",
    "Sector 17-C",
)
# city, state as a customer may write it, the first three digits of its pincodes
PLACES: Final = (
    ("Bengaluru", "Karnataka", "560"),
    ("New Delhi", "Delhi", "110"),
    ("Mumbai", "Maharashtra", "400"),
    ("Chennai", "Tamil Nadu", "600"),
    ("Kolkata", "West Bengal", "700"),
    ("Kochi", "Kerala", "682"),
    ("Hyderabad", "Telangana", "500"),
    ("Jaipur", "Rajasthan", "302"),
    ("Guwahati", "Assam", "781"),
    ("Panaji", "GA", "403"),
    ("Thiruvananthapuram", "kerala", "695"),
)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who buys. `phone` is E.164, and nobody else's."""

    ident: str
    name: str
    email: str
    phone: str
    address: Json

    def customer(self, dice: Dice) -> Json:
        """As the shop's page sends it: some write their number in their own way, some have no account."""
        local = self.phone[3:]
        written = dice.pick("phone", (self.phone, local, f"+91 {local[:5]} {local[5:]}", f"0{local}"))
        shown: Json = {"name": self.name, "email": self.email, "phone": written}
        return {**shown, "id": self.ident} if dice.chance("account", 0.5) else shown


def shopper(dice: Dice, nth: int, phone: str | None = None) -> Shopper:
    """The nth buyer; each has a number of its own, unless one is told (digits, country first)."""
    city, state, code = dice.pick("place", PLACES)
    name = f"{dice.pick('first name', FIRST_NAMES)} {dice.pick('last name', LAST_NAMES)}"
    own = f"91{6 + nth % 4}{nth * 7_919 % 1_000_000_000:09d}"
    address = {
        "line1": f"House {nth}, {dice.pick('street', STREETS)}",
        "line2": f"Flat {dice.whole('flat', 1, 40)}B" if dice.chance("has a flat", 0.4) else "",
        "city": city,
        "state": state,
        "pincode": f"{code}{dice.whole('pincode', 1, 98):03d}",
    }
    return Shopper(f"cust-{nth}", name, f"shopper{nth}@example.org", f"+{phone or own}", address)


def cart(dice: Dice, products: Sequence[Product]) -> dict[str, int]:
    """Units by product."""
    digital = [each for each in products if each["digital"]]
    things = [each for each in products if not each["digital"]]
    scarce = [each for each in things if each["stock"] < SCARCE]
    plenty = [each for each in things if each["stock"] >= SCARCE]
    if scarce and dice.chance("greedy", GREEDY):
        return {dice.pick("scarce", scarce)["id"]: TOO_MANY}
    if scarce and dice.chance("scarce", SCARCE_CART):
        return {dice.pick("scarce", scarce)["id"]: dice.whole("of it", 1, 2)}
    if digital and dice.chance("digital only", DIGITAL_ONLY):
        return {dice.pick("digital", digital)["id"]: 1}
    chosen: dict[str, int] = {}
    for nth in range(dice.whole("lines", 1, MOST_LINES)):
        throw = dice.at("line", str(nth))
        pool = digital if digital and nth and throw.chance("digital too", 0.2) else plenty
        chosen[throw.pick("product", pool)["id"]] = throw.whole("units", 1, 3)
    return chosen


def items(units: dict[str, int]) -> list[Json]:
    """A cart as the shop's page sends it."""
    return [{"product_id": product, "quantity": count} for product, count in units.items()]
