"""A shop's checkout and Razorpay's payment page, so that the whole story can be clicked through in a browser.

Plain forms, no script. The shop under test names the products and opens the order; the customer then pays,
fails, goes away or is late at the simulated Razorpay, and what a browser would hand to the shop after a
payment is handed on.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qsl

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from onpaid.simulators.checkout_shop import Opened, Refused, Shop, money
from onpaid.simulators.kit import Json
from onpaid.simulators.razorpay_shapes import METHODS
from onpaid.simulators.world import Simulators

TEMPLATES: Final = str(files("onpaid.simulators").joinpath("templates"))
QUANTITY: Final = "quantity:"
CUSTOMER: Final = ("name", "email", "phone")
ADDRESS: Final = ("line1", "line2", "city", "state", "pincode")
SAMPLE: Final[Mapping[str, str]] = {
    "name": "Asha Rao",
    "email": "asha@example.org",
    "phone": "9876543210",
    "line1": "12, 2nd Cross, Indiranagar",
    "line2": "",
    "city": "Bengaluru",
    "state": "Karnataka",
    "pincode": "560038",
}
NAMES: Final = {"upi": "UPI", "card": "Card", "netbanking": "Netbanking", "wallet": "Wallet"}
SAID: Final = {
    "fail": "The bank declined the payment. Nothing was taken, and the order can still be paid.",
    "cancel": "You closed the payment. Nothing was taken, and the order can still be paid.",
}
SECURITY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Endpoint = Callable[[Request], Awaitable[Response]]


def templates() -> Environment:
    """The templates of the pages at which people pay."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class CheckoutPage:
    """The pages under `/checkout`."""

    def __init__(self, simulators: Simulators) -> None:
        self._all = simulators
        self._razorpay = simulators.razorpay
        self._payers: dict[str, dict[str, str]] = {}
        self._templates = templates()
        self._templates.filters["money"] = lambda entity: money(entity["amount"], entity["currency"])

    def routes(self) -> list[Route]:
        return [
            Route("/checkout", self._guarded(self._show_shop), methods=["GET"]),
            Route("/checkout", self._guarded(self._buy), methods=["POST"]),
            Route("/checkout/style.css", _style, methods=["GET"]),
            Route("/checkout/pay/{order_id}", self._guarded(self._show_payment), methods=["GET"]),
            Route("/checkout/pay/{order_id}", self._guarded(self._pay), methods=["POST"]),
            Route("/checkout/done/{payment_id}", self._guarded(self._show_end), methods=["GET"]),
        ]

    @property
    def _shop(self) -> Shop:
        return Shop(self._all.target.base, self._all.settings.times.webhook_timeout)

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        """A page for whatever goes wrong: the visitor is never left with a bare status."""

        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request)
            except Refused as refused:
                return self._page("checkout_problem.html", refused.status, problem=str(refused))

        return guarded

    def _page(self, template: str, status: int = 200, **context: Any) -> Response:
        return HTMLResponse(self._templates.get_template(template).render(context), status, headers=SECURITY)

    async def _show_shop(self, request: Request) -> Response:
        typed = dict(SAMPLE) if "sample" in request.query_params else {}
        return await self._form(typed, key=secrets.token_urlsafe(18))

    async def _form(
        self, typed: Mapping[str, str], *, key: str, wrong: str = "", status: int = 200
    ) -> Response:
        goods = await self._shop.products()
        return self._page("checkout_shop.html", status, goods=goods, typed=typed, key=key, wrong=wrong)

    async def _buy(self, request: Request) -> Response:
        typed = await _read(request)
        key = typed.get("key") or secrets.token_urlsafe(18)
        try:
            units = _units(typed)
            opened = await self._shop.open(_order(typed, units), key)
        except Refused as refused:
            # What surely made nothing may be corrected, and is another wish then. All else keeps its key.
            again = secrets.token_urlsafe(18) if refused.surely else key
            return await self._form(typed, key=again, wrong=str(refused), status=refused.status)
        self._check(opened, units, typed)
        return _to(f"/checkout/pay/{opened.razorpay_order}")

    def _check(self, opened: Opened, units: Mapping[str, int], typed: Mapping[str, str]) -> None:
        """What Razorpay's own page would object to, before anybody can pay."""
        order = self._razorpay.orders.get(opened.razorpay_order)
        if order is None:
            raise Refused(f"Razorpay knows no order {opened.razorpay_order}")
        if opened.key_id != self._all.settings.razorpay_key_id:
            raise Refused("Razorpay does not know the key that the shop named")
        if (opened.amount, opened.currency) != (order["amount"], order["currency"]):
            raise Refused("The shop names another amount than Razorpay's order has")
        phone = e164(typed.get("phone", ""))
        try:
            self._all.carts.note(opened.number, opened.razorpay_order, units, phone)
        except ValueError as bad:
            raise Refused(f"One click, two carts: {bad}") from bad
        self._payers[opened.razorpay_order] = {"contact": phone, "email": typed.get("email", "")}

    async def _show_payment(self, request: Request) -> Response:
        said = SAID.get(request.query_params.get("said", ""), "")
        return self._page("checkout_pay.html", order=self._order(request), said=said, methods=NAMES)

    async def _pay(self, request: Request) -> Response:
        order, act = self._order(request), (await _read(request)).get("act", "")
        who = self._payers.get(order["id"], {})
        about: dict[str, Any] = {name: value for name, value in who.items() if value}
        if act in METHODS:
            return _to(f"/checkout/done/{self._razorpay.pay(order['id'], method=act, **about)['id']}")
        if act == "late":
            return _to(f"/checkout/done/{self._razorpay.pay(order['id'], late=True, **about)['id']}?late=1")
        if act not in SAID:
            raise Refused("There is no such way to pay", 400)
        reason = "payment_cancelled" if act == "cancel" else "payment_failed"
        self._razorpay.fail(order["id"], reason=reason, **about)
        return _to(f"/checkout/pay/{order['id']}?said={act}")

    def _order(self, request: Request) -> Json:
        order = self._razorpay.orders.get(request.path_params["order_id"])
        if order is None:
            raise Refused("Razorpay knows no such order", 404)
        return order

    async def _show_end(self, request: Request) -> Response:
        """The end of a payment. The shop is told each time: to load the page again is to try again."""
        payment = self._razorpay.payments.get(request.path_params["payment_id"])
        if payment is None or payment["order_id"] is None:
            raise Refused("Razorpay knows no such payment for an order", 404)
        late = "late" in request.query_params
        told, problem = {"order_number": "", "track_url": ""}, ""
        if payment["captured"] and not late:
            try:
                told = await self._shop.verify(self._razorpay.handler(payment))
            except Refused as refused:
                problem = str(refused)
        order = self._razorpay.orders[payment["order_id"]]
        number = told["order_number"] or order["receipt"]
        context: Json = {"payment": payment, "number": number, "track_url": told["track_url"]}
        return self._page("checkout_done.html", **context, late=late, problem=problem, methods=NAMES)


def e164(phone: str) -> str:
    """An Indian mobile number in whatever way it was typed, as +91 and ten digits; "" if it is none."""
    digits = "".join(each for each in phone if each.isascii() and each.isdigit())
    local = digits[-10:]
    known = len(local) == 10 and local[0] in "6789" and digits[:-10] in ("", "0", "91", "0091")
    return f"+91{local}" if known else ""


async def _read(request: Request) -> dict[str, str]:
    """The fields of a form."""
    try:
        text = (await request.body()).decode()
        return {name: value.strip() for name, value in parse_qsl(text, keep_blank_values=True)}
    except ValueError as bad:
        raise Refused("This form cannot be read", 400) from bad


def _units(typed: Mapping[str, str]) -> dict[str, int]:
    """How many of which product; Refused if there are none, or if a number is no number."""
    units = {}
    for name, value in typed.items():
        if name.startswith(QUANTITY) and value not in ("", "0"):
            if not (value.isascii() and value.isdigit() and len(value) < 6):
                raise Refused(f"“{value}” is not a number of pieces", 422, surely=True)
            units[name.removeprefix(QUANTITY)] = int(value)
    if not any(units.values()):
        raise Refused("Choose at least one product", 422, surely=True)
    return {product: count for product, count in units.items() if count}


def _order(typed: Mapping[str, str], units: Mapping[str, int]) -> Json:
    """The cart as the shop takes it."""
    return {
        "items": [{"product_id": product, "quantity": count} for product, count in units.items()],
        "customer": {name: typed.get(name, "") for name in CUSTOMER},
        "address": {name: typed.get(name, "") for name in ADDRESS},
    }


def _to(path: str) -> Response:
    return RedirectResponse(path, 303, headers=SECURITY)


async def _style(_request: Request) -> Response:
    css = files("onpaid.simulators").joinpath("templates", "checkout.css").read_bytes()
    return Response(css, media_type="text/css", headers={"Cache-Control": "no-cache"})
