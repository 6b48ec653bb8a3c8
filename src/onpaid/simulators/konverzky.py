"""The shop: keeps orders and tells of each by webhook, in one of three ways of showing who it is.

Bodies follow the contract `konverzky/1`: amounts now as text, now as numbers, `vat` in percent, some fields left
out at times. An upsell makes a second revision of its order, with the items of the first and more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan, Mischief
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.signing import WRONG_SECRET, forged_header, secrets_in_use, signed_header

BYTES = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of an order; `vat` is a percentage, `unit_price` net or gross as the shop has it."""

    ident: str
    name: str
    quantity: Decimal
    unit_price: Decimal
    vat: Decimal


@dataclass(slots=True)
class Order:
    """One order. `told` lists the types of the webhooks that told of it."""

    number: str
    currency: str
    items: list[Item]
    customer: Mapping[str, Any] | None
    prices_include_vat: bool
    told: list[str] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)

    def minor_units(self, items: Sequence[Item] | None = None) -> int:
        """What these items cost, VAT included, in hundredths; all items if none are named."""
        total = Decimal(0)
        for item in self.items if items is None else items:
            price = item.unit_price * item.quantity * 100
            gross = price if self.prices_include_vat else price * (100 + item.vat) / 100
            total += gross.quantize(Decimal(1), ROUND_HALF_UP)
        return int(total)


class Konverzky:
    """The state of one shop."""

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, *, prices_include_vat: bool) -> None:
        self._plan, self._clock, self._sender = plan, clock, sender
        self.prices_include_vat = prices_include_vat
        self._url, self._auth = "", "hmac"
        self._secrets: tuple[str, ...] = ("",)
        self.forget()

    def aim(self, url: str, auth: str, secrets: Sequence[str]) -> None:
        self._url, self._auth, self._secrets = url, auth, tuple(secrets)

    def forget(self) -> None:
        self.orders: dict[str, Order] = {}

    def place(
        self, number: str, currency: str, items: Sequence[Item], customer: Mapping[str, Any] | None = None
    ) -> Order:
        """A new order, not yet told of; ValueError if there is one of that number."""
        if number in self.orders:
            raise ValueError(f"There is an order {number} already")
        self.orders[number] = Order(number, currency, list(items), customer, self.prices_include_vat)
        return self.orders[number]

    def add(self, number: str, items: Sequence[Item]) -> Order:
        """The customer takes an upsell; KeyError if there is no such order."""
        order = self.orders[number]
        order.items.extend(items)
        return order

    def tell(self, order: Order, kind: str = "order_paid") -> Parcel | None:
        """Send the webhook for the order as it is now; None if it is dropped."""
        order.told.append(kind)
        name = f"{kind} {order.number} {len(order.told)}"
        mischief = self._plan.for_webhook("konverzky", name, secrets=len(self._secrets), may_twin=True)
        body = BYTES.encode(self._body(order, kind, name))
        if mischief.forgery is not None:
            self._forge(order, kind, name, body, mischief.forgery)
        if mischief.dropped:
            self._sender.dropped += 1
            return None
        if mischief.twin:
            twin = BYTES.encode(self._body(order, kind, f"{name} twin"))
            order.parcels.append(self._post(f"{name} twin", twin, Mischief()))
        parcel = self._post(name, body, mischief)
        order.parcels.append(parcel)
        return parcel

    def resend(self, number: str) -> Parcel:
        """Tell of an order as it is now, once more and faultlessly; KeyError if it is unknown or was never told of."""
        order = self.orders[number]
        if not order.told:
            raise KeyError(number)
        name = f"{order.told[-1]} {number} {len(order.told)}"
        parcel = self._post(name, BYTES.encode(self._body(order, order.told[-1], name)), Mischief())
        order.parcels.append(parcel)
        return parcel

    def _body(self, order: Order, kind: str, name: str) -> Json:
        dice = Dice(self._plan.seed).at("konverzky", order.number)
        as_text = dice.chance("amounts as text", 0.5)
        items = [
            {
                "id": item.ident,
                "name": item.name,
                "quantity": str(item.quantity) if as_text else item.quantity,
                "unit_price": f"{item.unit_price:.2f}" if as_text else item.unit_price,
                "vat": f"{item.vat}%" if dice.chance(f"percent sign {item.ident}", 0.2) else item.vat,
            }
            for item in order.items
        ]
        told: Json = {
            "id": int(order.number) if order.number.isdecimal() and not as_text else order.number,
            "currency": order.currency,
            "prices_include_vat": order.prices_include_vat,
            "total": f"{Decimal(order.minor_units()) / 100:.2f}",
            "items": items,
            "customer": order.customer,
        }
        if dice.chance("order number too", 0.7):
            told["order_number"] = order.number
        created = datetime.fromtimestamp(self._clock.now(), UTC)
        return {
            "webhook_type": kind,
            "webhook_id": f"wh_{dice.digest(name)[:16]}",
            "created_at": created.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "order": told,
        }

    def _post(self, name: str, body: bytes, mischief: Mischief) -> Parcel:
        url = self._url
        secrets = secrets_in_use(self._secrets, mischief)
        if self._auth == "path":
            url = f"{url}/{secrets[0]}"

        def headers() -> dict[str, str]:
            at = int(self._clock.now()) + mischief.skew
            return self._headers(name, secrets[0], signed_header(secrets, body, at))

        hold, copies, together = mischief.hold, mischief.copies, mischief.together
        parcel = Parcel("konverzky", name, url, body, headers, hold=hold, copies=copies, together=together)
        return self._sender.send(parcel)

    def _headers(self, name: str, secret: str, signature: str | None) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self._auth == "header":
            if Dice(self._plan.seed).at("konverzky", name).chance("own header", 0.5):
                return {**headers, "X-Onpaid-Secret": secret}
            return {**headers, "Authorization": f"Bearer {secret}"}
        if self._auth == "hmac" and signature is not None:
            headers["X-Onpaid-Signature"] = signature
        return headers

    def _forge(self, order: Order, kind: str, name: str, genuine: bytes, forgery: str) -> None:
        body = self._body(order, kind, f"{name} forged")
        body["order"]["items"] = [{**item, "unit_price": "0.01"} for item in body["order"]["items"]]
        forged = BYTES.encode(body)
        url = f"{self._url}/{WRONG_SECRET}" if self._auth == "path" else self._url

        def headers() -> dict[str, str]:
            signature = forged_header(forgery, self._secrets, genuine, forged, int(self._clock.now()))
            return self._headers(name, WRONG_SECRET, signature)

        self._sender.send(Parcel("konverzky", f"{name} ({forgery})", url, forged, headers, forged=True))
