"""How tests and the demo steer the shop by hand: an order is placed, items are added, its webhook is sent again.

What is not given is made up. Nothing here is hit by the fault plan but the webhooks themselves.
"""

from decimal import Decimal

from onpaid.simulators.kit import Json
from onpaid.simulators.konverzky import Item
from onpaid.simulators.world import Simulators


async def place(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """Place an order and tell of it; an order that is known already gets these items in addition."""
    shop, number = (
        simulators.konverzky,
        str(body.get("order_number", 1001 + len(simulators.konverzky.orders))),
    )
    items = [_item(nth, given) for nth, given in enumerate(body.get("items") or [{}])]
    if number in shop.orders:
        order, kind = shop.add(number, items), "upsell_paid"
    else:
        order, kind = (
            shop.place(number, str(body.get("currency", "NOK")), items, body.get("customer")),
            "order_paid",
        )
    if body.get("send", True):
        shop.tell(order, str(body.get("webhook_type", kind)))
    return 201, {"order_number": number, "amount": order.minor_units(), "currency": order.currency}


async def tell_again(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """Tell of an order once more, as its merchant can have the shop do."""
    number = str(body.get("order_number"))
    simulators.konverzky.resend(number)
    return 200, {"sent": number}


def _item(nth: int, given: Json) -> Item:
    return Item(
        ident=str(given.get("id", 100 + nth)),
        name=str(given.get("name", "Notebook")),
        quantity=Decimal(str(given.get("quantity", 1))),
        unit_price=Decimal(str(given.get("unit_price", "199.00"))),
        vat=Decimal(str(given.get("vat", 25))),
    )


TABLE = (
    ("POST", "/konverzky/_orders", place),
    ("POST", "/konverzky/_orders/resend", tell_again),
)
