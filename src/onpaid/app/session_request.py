"""What a user's page asks for when it wants a session: read strictly, and led back only to pages that we know.

A return address is compared by its origin after it was parsed, and whatever parsers read in different ways is refused
before: backslashes, blanks, control characters, user names before the host.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from onpaid.errors import InvalidInput
from onpaid.providers import bodies

LONGEST_URL: Final = 2000
LONGEST_PRICE: Final = 255
MOST_UNITS: Final = 999
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PORTS: Final = {"https": 443, "http": 80}


class SessionAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The request. `price_id` is ours, or Stripe's id of a price that we filed there."""

    price_id: str
    success_url: str
    cancel_url: str
    quantity: int = 1


_BODY = msgspec.json.Decoder(SessionAsked)


def read_session_request(body: bytes, origins: Collection[str]) -> SessionAsked:
    """The request in a body. `origins` are the pages that a session may lead back to. Raises InvalidInput."""
    bodies.strict(body)
    asked = bodies.read(body, _BODY)
    price = asked.price_id
    if not 0 < len(price) <= LONGEST_PRICE or not price.isprintable() or price != price.strip():
        raise InvalidInput(f"priceId is the id of a price, of at most {LONGEST_PRICE} printable characters")
    if not 1 <= asked.quantity <= MOST_UNITS:
        raise InvalidInput(f"quantity is a whole number from 1 to {MOST_UNITS}")
    known = {_origin(urlsplit(origin)) for origin in origins}
    for name, url in (("successUrl", asked.success_url), ("cancelUrl", asked.cancel_url)):
        _check_return(name, url, known)
    return asked


def _check_return(name: str, url: str, known: Collection[str]) -> None:
    clean = url.isascii() and url.isprintable() and not any(each in url for each in ' \\"<>^`|')
    if not clean or len(url) > LONGEST_URL:
        raise InvalidInput(
            f"{name} is an address of at most {LONGEST_URL} characters: percent-encode what is not ASCII"
        )
    try:
        parts = urlsplit(url)
        origin = _origin(parts)
    except ValueError:
        raise InvalidInput(f"{name} is no address, such as https://shop.example/thanks") from None
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise InvalidInput(f"{name} must begin with https://")
    if not known:
        raise InvalidInput(
            f"{name} leads to {origin}, and no page is allowed yet: whoever runs this service sets "
            "CHECKOUT_RETURN_ORIGINS"
        )
    if origin not in known:
        raise InvalidInput(f"{name} leads to {origin}, which CHECKOUT_RETURN_ORIGINS does not name")


def _origin(parts: SplitResult) -> str:
    """Scheme, host and port, each in one way of writing. Raises ValueError for what is no web address."""
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("no web address")
    port = PORTS[parts.scheme] if parts.port is None else parts.port
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if port == PORTS[parts.scheme] else f":{port}")
