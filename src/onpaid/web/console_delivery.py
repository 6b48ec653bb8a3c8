"""The console's pages and buttons for deliveries: decide about a held order, book or cancel a parcel, keep products.

Every button says beforehand what it will do, and leads back to the page that it came from.
"""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import Response

from onpaid.app.products_file import read_products
from onpaid.app.products_shown import product_list, seller_list
from onpaid.errors import InvalidInput
from onpaid.web.api_delivery import order_named
from onpaid.web.console_acts import back_to, field_of
from onpaid.web.pages import Pages
from onpaid.web.parameters import CURSOR
from onpaid.web.table import Ask, Door, Handler, page_door

ROWS = 50
MOST_DIGITS = 9


class ConsoleDelivery:
    """Makes the pages, and does what their buttons say."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def products(self, ask: Ask) -> Response:
        """What is sold, how many are left, and what sellers have sold."""
        catalogue = ask.parts.deliveries.catalogue
        after = ask.given["cursor"] or None
        found = await product_list(catalogue, after, ROWS)
        return await self._pages.page(
            ask,
            "products.html",
            found=found,
            sellers=(await seller_list(catalogue, None, ROWS)).items if after is None else [],
            first=after is None,
            more=f"?{urlencode({'cursor': found.cursor})}" if found.cursor else "",
        )

    async def set_stock(self, ask: Ask) -> Response:
        left = field_of(ask, "left").strip()
        if not (left.isascii() and left.isdigit() and len(left) <= MOST_DIGITS):
            raise InvalidInput("the stock must be a whole number, 0 or more")
        await ask.parts.deliveries.hands.set_stock(field_of(ask, "product"), int(left))
        return back_to(self._pages, ask, "stocked")

    async def import_products(self, ask: Ask) -> Response:
        delivery, text = ask.parts.deliveries, ask.form.get("text", "")
        told = read_products(text, currency=delivery.desk.shop.currency)
        await delivery.hands.import_products(told)
        return back_to(self._pages, ask, "imported")

    async def decide(self, ask: Ask) -> Response:
        order = await order_named(ask, field_of(ask, "order"))
        hands, choice = ask.parts.deliveries.hands, field_of(ask, "choice")
        if choice == "ship":
            await hands.decide(order.key, "ship", by=ask.caller.by)
        elif choice == "refund":
            await hands.decide(order.key, "refund", by=ask.caller.by)
        else:
            raise InvalidInput("say whether to ship it anyway, or to give the money back")
        return back_to(self._pages, ask, "decided")

    async def ship(self, ask: Ask) -> Response:
        order = await order_named(ask, field_of(ask, "order"))
        await ask.parts.deliveries.hands.ship_again(order.key)
        return back_to(self._pages, ask, "booked")

    async def cancel(self, ask: Ask) -> Response:
        order = await order_named(ask, field_of(ask, "order"))
        await ask.parts.deliveries.hands.cancel_shipment(order.key, by=ask.caller.by)
        return back_to(self._pages, ask, "stopped")

    def doors(self) -> tuple[Door, ...]:
        """The pages and buttons as routes."""
        return (
            page_door(
                "GET",
                "/console/products",
                self.products,
                "viewer",
                "What is sold, with stock; and what sellers have sold.",
                takes=(CURSOR,),
                statuses=(404,),
            ),
            _act("/console/products/stock", self.set_stock, "Say how many units of a product are left."),
            _act("/console/products/import", self.import_products, "Keep the products of a pasted file."),
            _act("/console/orders/decide", self.decide, "Decide about a held order."),
            _act("/console/orders/ship", self.ship, "Book a parcel again."),
            _act("/console/orders/cancel-shipment", self.cancel, "Cancel a parcel."),
        )


def _act(path: str, handler: Handler, says: str) -> Door:
    return page_door("POST", path, handler, "operator", says, statuses=(303, 400, 404, 409))
