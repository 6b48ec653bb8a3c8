"""What was bought at the Indian shop: the cart behind each order number, as whoever clicked knows it.

The payment provider knows an amount and a number only. The ledger needs the goods too, to say whether a parcel is due
and what the order had to cost; so whoever buys here notes the cart as soon as the shop has answered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from onpaid.simulators.kit import Json
from onpaid.simulators.products import Product


@dataclass(frozen=True, slots=True)
class Cart:
    """One cart that became an order. `units` are by product; `phone` is E.164, or "" if it was not told."""

    number: str
    razorpay_order: str
    units: Mapping[str, int]
    phone: str = ""


class Carts:
    """The carts by order number."""

    def __init__(self, products: Iterable[Product]) -> None:
        self.products = {str(product["id"]): product for product in products}
        self.forget()

    def forget(self) -> None:
        self.by_number: dict[str, Cart] = {}
        self.refusals: list[str] = []

    def note(self, number: str, razorpay_order: str, units: Mapping[str, int], phone: str = "") -> Cart:
        """Remember a cart; ValueError if there is another one behind this number."""
        cart = Cart(number, razorpay_order, dict(units), phone)
        if self.by_number.setdefault(number, cart) != cart:
            raise ValueError(f"order {number} was made from another cart already")
        return cart

    def refuse(self, detail: str) -> None:
        """A cart was not sold, and this is what its buyer was told."""
        self.refusals.append(detail)

    def physical(self, cart: Cart) -> bool:
        """Whether a parcel is due; goods that are not in the catalogue are taken to be things."""
        return any(not self.products.get(each, {}).get("digital", False) for each in cart.units)

    def goods(self, cart: Cart) -> dict[str, int]:
        """What its parcel holds: units by the shop's own code of a thing."""
        known = {each: self.products.get(each, {"sku": each, "digital": False}) for each in cart.units}
        return {known[each]["sku"]: units for each, units in cart.units.items() if not known[each]["digital"]}

    def price(self, cart: Cart) -> int | None:
        """What it costs, in paise; None if something in it is not in the catalogue."""
        if not all(each in self.products for each in cart.units):
            return None
        return sum(int(self.products[each]["price"]) * units for each, units in cart.units.items())

    def rows(self) -> list[Json]:
        """One row a cart, for the ledger."""
        return [
            {
                "order_number": cart.number,
                "razorpay_order": cart.razorpay_order,
                "units": dict(cart.units),
                "phone": cart.phone,
                "physical": self.physical(cart),
                "price": self.price(cart),
            }
            for cart in self.by_number.values()
        ]
