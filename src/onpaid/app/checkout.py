"""Checkout: a cart becomes an order of ours and a checkout at the payment provider; later its signature is checked.

Prices, names and tax come from our products, never from the request. The order, its checkout, its address and the run
that asks the payment provider are one commit; a repeated click with the same key gets the first one's answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import msgspec

from onpaid.app.checkout_request import Asked, read_request, recipient_of
from onpaid.app.outcomes import looks
from onpaid.clock import Clock
from onpaid.domain.checkouts import Checkout, CheckoutRef, CheckoutWanted
from onpaid.domain.events import OrderReceived
from onpaid.domain.fulfilment import Fulfilment
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer, OrderLine, order_key
from onpaid.domain.products import Product
from onpaid.engine.recorder import Recorder
from onpaid.errors import BadSignature, Conflict, InvalidInput, NotPossible, StoreUnavailable, Unavailable
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import ADDRESSES, CHECKOUTS, CLICKS, Address, CheckoutRecords, Click
from onpaid.repositories.incoming_orders import receive_order
from onpaid.repositories.messages import Messages
from onpaid.repositories.orders import Orders
from onpaid.store.port import Write

FLOW = "open_checkout"
TRIES = 8
SMALLEST = 100
"""Paise: Razorpay takes no less than a rupee."""

Verify = Callable[[str, str, str], bool]
"""Whether (checkout id, payment id, signature) came from the payment provider."""


class Opened(msgspec.Struct, frozen=True):
    """What the shop's page needs to let the customer pay. `amount` is in minor units."""

    order_number: str
    razorpay_order_id: str
    amount: int
    currency: str
    key_id: str


class Verified(msgspec.Struct, frozen=True):
    """That the customer's page told the truth. It is no proof of capture: fulfilment starts with the webhook."""

    verified: bool
    order_number: str
    payment_status: str
    track_url: str


@dataclass(frozen=True, slots=True)
class Shop:
    """Whose checkout it is: `name` is part of its orders' keys, `key_id` goes to the customer's browser."""

    name: str
    live: bool
    key_id: str
    currency: str = "INR"


class CheckoutDesk:
    """Takes carts, and answers pages that come back from the payment."""

    def __init__(
        self,
        recorder: Recorder,
        orders: Orders,
        records: CheckoutRecords,
        catalogue: Catalogue,
        messages: Messages,
        clock: Clock,
        random: Random,
        shop: Shop,
        verify: Verify,
    ) -> None:
        self._recorder = recorder
        self._orders = orders
        self._records = records
        self._catalogue = catalogue
        self._messages = messages
        self._clock = clock
        self._random = random
        self.shop = shop
        self._verify = verify

    async def create(self, body: bytes, idempotency_key: str = "") -> Opened:
        """Open a checkout. Raises InvalidInput, NotPossible (sold out, another cart under this key), Unavailable."""
        asked = read_request(body)
        click = _click_key(idempotency_key)
        digest = hashlib.sha256(msgspec.json.encode(asked)).hexdigest()
        for _ in range(TRIES):
            before = await self._records.click(click) if click else None
            if before is not None:
                if before.digest != digest:
                    raise NotPossible(
                        "this Idempotency-Key was used for another cart: take a new one for each"
                    )
                return await self._outcome(before.order)
            try:
                return await self._outcome(await self._record(asked, click, digest))
            except Conflict:
                continue  # the same click at the same moment, or a number that is taken
        raise StoreUnavailable("too many others wrote at once: send it again")

    async def verify(self, checkout_id: str, payment_id: str, signature: str) -> Verified:
        """What a page may tell its customer at once. Raises BadSignature; InvalidInput if we know no such checkout."""
        held = await self._orders.find(order_key(self.shop.name, checkout_id))
        fulfilment = None if held is None else held.record.fulfilment
        if held is None or fulfilment is None or fulfilment.checkout != checkout_id:
            raise InvalidInput("there is no checkout of this id")
        # The id that is signed is taken from our own records, not from the browser.
        if not self._verify(fulfilment.checkout, payment_id, signature):
            raise BadSignature("the signature does not fit: do not tell the customer that it was paid")
        url = self._messages.track_url(held.record)
        return Verified(True, held.record.number, fulfilment.payment_status, url)

    async def _record(self, asked: Asked, click: str, digest: str) -> str:
        products = await self._priced(asked)
        total = sum(
            product.price.minor * line.units for product, line in zip(products, asked.lines, strict=True)
        )
        amount = Money(total, self.shop.currency)
        self._compare(asked, products, amount)
        ships = any(not product.digital for product in products)
        recipient = recipient_of(asked, ships=ships)
        now, number = self._clock.now(), self._number()
        key = order_key(self.shop.name, number)
        address = Address(f"address-of-{number}", asked.customer_id or key, recipient)
        lines = tuple(_line(product, line.units) for product, line in zip(products, asked.lines, strict=True))
        fact = OrderReceived(
            shop=self.shop.name,
            number=number,
            aliases=(),
            live=self.shop.live,
            lines=lines,
            digest=digest,
            event="",
            received_at=now,
            currency=self.shop.currency,
            prices_include_vat=True,
            total=amount.to_decimal(),
            customer=Customer(
                id=asked.customer_id or None, name=asked.name, email=asked.email or None, phone=asked.phone
            ),
            fulfilment=Fulfilment(
                recipient, amount, ships, customer_id=asked.customer_id, address_id=address.id
            ),
        )
        incoming = await receive_order(self._recorder.store, self._orders, fact, now)
        writes: list[Write] = [
            *incoming.writes,
            CHECKOUTS.insert(Checkout(key, amount, now)),
            ADDRESSES.insert(address),
        ]
        if click:
            writes.append(CLICKS.insert(Click(click, key, digest)))
        await self._recorder.record(
            writes,
            facts=(fact, CheckoutWanted(key, number, amount)),
            event=f"checkout:{number}",
            wakes=incoming.wakes,
        )
        return key

    async def _priced(self, asked: Asked) -> list[Product]:
        found = await self._catalogue.products([line.product for line in asked.lines])
        products: list[Product] = []
        for line, product in zip(asked.lines, found, strict=True):
            if product is None or not product.active:
                raise InvalidInput(f"there is no product {line.product} for sale")
            if product.price.currency != self.shop.currency:
                raise InvalidInput(
                    f"{product.id} is sold in {product.price.currency}, not in {self.shop.currency}"
                )
            left = await self._catalogue.left(product.id)
            if left < line.units:
                only = f"only {left} of it are left" if left else "it is sold out"
                raise NotPossible(f"{product.name} cannot be bought {line.units} times: {only}")
            products.append(product)
        return products

    def _compare(self, asked: Asked, products: list[Product], amount: Money) -> None:
        """What the page showed must be what we charge; major units, as the requirement writes them."""
        if asked.currency and asked.currency.upper() != self.shop.currency:
            raise InvalidInput(f"this shop sells in {self.shop.currency}")
        for product, line in zip(products, asked.lines, strict=True):
            if line.price is not None and line.price != product.price.to_decimal():
                raise NotPossible(
                    f"{product.name} costs {product.price.format()} now: show the customer the new price"
                )
        if asked.amount is not None and asked.amount != amount.to_decimal():
            raise NotPossible(
                f"this cart comes to {amount.format()}, not to {asked.amount}: show the customer the sum"
            )
        if amount.minor < SMALLEST:
            raise InvalidInput("an order must come to one rupee at least")

    def _number(self) -> str:
        """Digits only, since the courier service's other calls dislike letters; a clash takes another."""
        return f"{self._clock.now() // 1000 - 1_500_000_000}{self._random.randrange(10_000):04}"

    async def _outcome(self, key: str) -> Opened:
        """The payment provider's order, once the run has it."""
        async for run in looks(self._recorder.store, self._clock, f"{FLOW}:{key}"):
            if run.state == "done":
                opened = msgspec.json.decode(run.result, type=CheckoutRef)
                number = key.partition("/")[2]
                amount = opened.amount
                return Opened(number, opened.checkout_id, amount.minor, amount.currency, self.shop.key_id)
            if run.state in ("failed", "cancelled"):
                break
        raise Unavailable(
            "the payment provider has not answered yet: repeat the request with the same Idempotency-Key"
        )


def _click_key(given: str) -> str:
    if not given:
        return ""
    if len(given) > 200 or not given.isascii() or not given.isprintable():
        raise InvalidInput("an Idempotency-Key has at most 200 printable ASCII characters")
    return hashlib.sha256(given.encode()).hexdigest()[:40]


def _line(product: Product, units: int) -> OrderLine:
    return OrderLine(
        key=product.id,
        id=product.id,
        name=product.name,
        quantity=Decimal(units),
        unit_price=product.price.to_decimal(),
        vat_percent=product.tax_percent,
    )
