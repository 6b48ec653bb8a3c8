"""What the checkout page knows of the shop under test: three calls over HTTP, and how answers are read.

The shop is asked as any browser would ask it. Whatever is not the agreed answer becomes `Refused`, with a
sentence for the page; it also tells whether surely nothing was made, since only then a further try may
count as a new one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import quote

import aiohttp

from onpaid.simulators.kit import Json
from onpaid.simulators.razorpay_shapes import decimals

PRODUCTS: Final = "/api/checkout/products"
CREATE_ORDER: Final = "/payment/create-order"
VERIFY: Final = "/payment/verify"
SYMBOLS: Final[Mapping[str, str]] = {"INR": "₹", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
MOST_PAGES: Final = 5
NOT_NOW: Final = frozenset({408, 425, 429})


class Refused(Exception):
    """The shop said no, or nothing that could be understood; `surely` means that it made nothing."""

    def __init__(self, detail: str, status: int = 502, *, surely: bool = False) -> None:
        super().__init__(detail)
        self.status, self.surely = status, surely


@dataclass(frozen=True, slots=True)
class Goods:
    """One product as the page shows it. `left` of None is not told."""

    ident: str
    name: str
    price: str
    tax: str
    digital: bool
    left: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """An order that waits for its payment."""

    number: str
    razorpay_order: str
    amount: int
    currency: str
    key_id: str


def money(amount: int, currency: str) -> str:
    """An amount in smallest units as people write it; rupees in the Indian way, ₹1,50,000.00."""
    digits = decimals(currency)
    whole, rest = divmod(amount, 10**digits)
    grouped = f"{whole:,}"
    if currency == "INR" and whole >= 1000:
        head, tail = divmod(whole, 1000)
        pairs: list[str] = []
        while head >= 100:
            head, pair = divmod(head, 100)
            pairs.insert(0, f"{pair:02d}")
        grouped = ",".join([str(head), *pairs, f"{tail:03d}"])
    text = f"{grouped}.{rest:0{digits}d}" if digits else grouped
    return f"{SYMBOLS[currency]}{text}" if currency in SYMBOLS else f"{currency} {text}"


class Shop:
    """The shop at one address."""

    def __init__(self, base: str, timeout: float) -> None:
        self._base, self._timeout = base, timeout

    async def products(self) -> list[Goods]:
        """What it sells, as far as fits on a page."""
        goods: list[Goods] = []
        cursor = ""
        try:
            for _page in range(MOST_PAGES):
                told = await self._ask("GET", PRODUCTS + (f"?cursor={quote(cursor)}" if cursor else ""))
                goods += [_goods(each) for each in told["items"]]
                cursor = str(told.get("cursor") or "")
                if not cursor:
                    break
            return goods
        except (KeyError, TypeError, AttributeError, ValueError, InvalidOperation) as bad:
            raise Refused(f"The shop's products cannot be read: {bad!r}") from bad

    async def open(self, body: Json, key: str) -> Opened:
        """An order for this cart. The same key again is the same order."""
        told = await self._ask("POST", CREATE_ORDER, body, {"Idempotency-Key": key})
        number, order = told.get("order_number"), told.get("razorpay_order_id")
        amount, currency, key_id = told.get("amount"), told.get("currency"), told.get("key_id")
        words = [each for each in (number, order, currency, key_id) if isinstance(each, str) and each]
        if len(words) < 4 or not isinstance(amount, int) or isinstance(amount, bool):
            raise Refused("The shop's answer names no order that could be paid")
        return Opened(words[0], words[1], amount, words[2], words[3])

    async def verify(self, handler: Json) -> Json:
        """Hand over what Razorpay gave to the browser; the answer names the order and where to follow it."""
        told = await self._ask("POST", VERIFY, handler)
        if told.get("verified") is not True:
            raise Refused("The shop does not believe this payment")
        return {"order_number": str(told.get("order_number", "")), "track_url": self._link(told)}

    def _link(self, told: Json) -> str:
        """Where the parcel can be followed; nothing that is not an ordinary address becomes a link."""
        url = told.get("track_url")
        if isinstance(url, str) and url.startswith("/") and not url.startswith("//"):
            return self._base + url
        return url if isinstance(url, str) and url.startswith(("http://", "https://")) else ""

    async def _ask(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> Json:
        total = aiohttp.ClientTimeout(total=self._timeout)
        try:
            async with (
                aiohttp.ClientSession(timeout=total) as session,
                session.request(
                    method, self._base + path, json=body, headers=headers, allow_redirects=False
                ) as reply,
            ):
                status, text = reply.status, await reply.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError) as gone:
            raise Refused(f"The shop at {self._base} does not answer. Is it running?", 503) from gone
        told = _read(text)
        if status in (200, 201):
            if told is None:
                raise Refused(f"The shop's answer to {path} is no JSON object")
            return told
        detail = (told or {}).get("detail")
        if 400 <= status < 500:
            said = str(detail or f"The shop refused with {status} and gave no reason")
            raise Refused(said, status, surely=status not in NOT_NOW)
        raise Refused(str(detail or f"The shop answered {status} to {path}"))


def _read(text: str) -> Json | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) else None


def _goods(told: Mapping[str, Any]) -> Goods:
    currency = str(told["currency"])
    price = Decimal(str(told["price"])).scaleb(decimals(currency))
    left = told.get("in_stock")
    return Goods(
        ident=str(told["id"]),
        name=str(told["name"]),
        price=money(int(price), currency),
        tax=str(told.get("tax_percent") or ""),
        digital=bool(told.get("digital")),
        left=None if left is None else int(left),
    )
