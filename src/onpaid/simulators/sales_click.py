"""One click on "buy" of a user who is logged in: a token of their own, one key, sent until there is an answer.

Tokens are made here by hand, so that the service's own library never vouches for itself.
"""

import asyncio
import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from onpaid.simulators.delivery_day import BrokenCheckout
from onpaid.simulators.kit import Dice, Json
from onpaid.simulators.settings import Target
from onpaid.simulators.stripe_objects import ADDRESS_FIELDS
from onpaid.simulators.world import Simulators

AGAIN: Final = frozenset({202, 408, 409, 425, 429})
TOKEN_LIFE: Final = 3600
HOME: Final = "NO"
"""Everybody lives where the seller does, so that one rate of VAT is right for all."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user of the service."""

    user: str
    email: str
    role: str = "student"

    @property
    def typed(self) -> Json:
        """What the page asks of whoever pays by card: the name on it, and where the bill goes to."""
        address = {**dict.fromkeys(ADDRESS_FIELDS), "country": HOME}
        return {"name": f"Kari {self.user.rpartition('-')[2]}", "address": address}


def bearer(person: Person, target: Target, now: float) -> str:
    """An HS256 token that says who asks, good for an hour."""
    claims: Json = {
        "sub": person.user,
        "userId": person.user,
        "email": person.email,
        "role": person.role,
        "iat": int(now),
        "exp": int(now) + TOKEN_LIFE,
    }
    claims |= {"aud": target.jwt_audience} if target.jwt_audience else {}
    claims |= {"iss": target.jwt_issuer} if target.jwt_issuer else {}
    head = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    sealed = hmac.new(target.jwt_secret.encode(), head.encode(), hashlib.sha256).digest()
    return f"{head}.{_text(sealed)}"


def _part(claims: Json) -> str:
    return _text(json.dumps(claims, separators=(",", ":")).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Opened:
    """Where the user is sent to pay."""

    session: str
    customer: str


class BuyClick:
    """One click, with its key."""

    def __init__(
        self, simulators: Simulators, session: aiohttp.ClientSession, person: Person, price: str, key: str
    ) -> None:
        self._all, self._session = simulators, session
        self._person, self._price, self._key = person, price, key

    async def made(self, *, twice: bool = False) -> Opened:
        """The session, which Stripe must know. Raises BrokenCheckout for any answer that no page could use."""
        answers = await asyncio.gather(*(self._sent(way) for way in (("a", "b") if twice else ("a",))))
        for answer in answers[1:]:
            if answer != answers[0]:
                raise BrokenCheckout(f"one click made two sessions: {answers[0]} and {answer}")
        return answers[0]

    async def _sent(self, way: str) -> Opened:
        attempt, times = 0, self._all.settings.times
        while True:
            status, text = await self._post()
            if status in (200, 201):
                return self._read(text)
            if status is not None and status < 500 and status not in AGAIN:
                raise BrokenCheckout(f"{status} to a purchase that is in order: {text[:300]}")
            longest = min(times.resend_longest, times.resend_first * 2 ** min(attempt, 10))
            share = Dice(0).at(self._key, way).between(str(attempt), 0.75, 1.0)
            await self._all.clock.sleep(longest * share)
            attempt += 1

    async def _post(self) -> tuple[int | None, str]:
        """The status and the text of the answer, or None where there was none. The target may have moved."""
        target = self._all.target
        body = {
            "priceId": self._price,
            "successUrl": f"{target.return_origin}/thanks?session={{CHECKOUT_SESSION_ID}}",
            "cancelUrl": f"{target.return_origin}/basket",
        }
        token = bearer(self._person, target, self._all.clock.now())
        headers = {"Idempotency-Key": self._key, "Authorization": f"Bearer {token}"}
        url = target.base + target.sessions_path
        try:
            async with self._session.post(url, json=body, headers=headers, allow_redirects=False) as reply:
                return reply.status, await reply.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None, ""

    def _read(self, text: str) -> Opened:
        """The answer, held against what Stripe knows."""
        try:
            told: Any = json.loads(text)
            url, payment, customer = told["checkoutUrl"], told["paymentIntentId"], told["customerId"]
        except (ValueError, TypeError, KeyError) as bad:
            raise BrokenCheckout(f"not an open session: {text[:300]}") from bad
        session = self._all.sales.sessions.all.get(str(url).rpartition("/")[2])
        if session is None:
            raise BrokenCheckout(f"Stripe knows no session at {url!r}")
        if customer != session["customer"]:
            raise BrokenCheckout(f"the session is of {session['customer']}, and not of {customer!r}")
        if payment is not None and payment != session["payment_intent"]:
            raise BrokenCheckout(f"{payment!r} is not the session's payment")
        mine = [line["price"]["lookup_key"] for line in self._all.sales.sessions.lines[session["id"]]]
        if mine != [self._price]:
            raise BrokenCheckout(f"the session is over {mine}, and not over {self._price}")
        return Opened(session["id"], session["customer"])
