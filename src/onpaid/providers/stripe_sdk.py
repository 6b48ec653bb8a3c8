"""Access to Stripe's API for everything of ours that speaks to it: one client, one lane, one reading of answers.

The SDK puts requests together, our own client sends them, and what comes back is read by us: so the outcome, deadline
and size of a call are judged as everywhere, nothing is retried or reported behind our back, no request bears a key
that we did not choose, and an answer is read once and fast.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from onpaid.acts import LaneLimit, current_call
from onpaid.errors import Doubtful, Refused, SettingsError, Unauthorised
from onpaid.providers import http
from onpaid.providers.masking import masked
from onpaid.providers.stripe_refusals import Missing, explain

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

API_VERSION: Final = "2026-10-28.endive"
"""The version that we speak, whatever the account's default is."""
TIMEOUT: Final = timedelta(seconds=20)
KEY_LIFE: Final = timedelta(hours=24)
"""How long Stripe surely remembers an idempotency key, with the answer that it gave, a 500 included."""
LANES: Final = (LaneLimit("stripe", at_once=16, per_second=20),)
PAGE: Final = 100
LARGEST: Final = 16 * 1024 * 1024
"""Bytes of an answer: a page of a hundred events with long invoices in them."""
MOST_PAGES: Final = 50
"""How far a list is followed: a look over more objects than that proves nothing."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}", re.ASCII)
_PASSED_ON = frozenset({"Content-Type", "Stripe-Account", "Stripe-Version"})
_KEY = "onpaid-"
_MISSHAPEN = (AttributeError, TypeError, KeyError, ValueError, ArithmeticError)
"""What the SDK raises over something that it does not expect."""


@dataclass(frozen=True)
class Settings:
    """`live` is the mode that the service is set to: a key of the other mode is refused."""

    api_key: str = field(default="", repr=False)
    live: bool = False
    api_base: str = "https://api.stripe.com"

    def __post_init__(self) -> None:
        mode = key_mode(self.api_key)
        if mode is not None and mode is not self.live:
            said, ours = ("live", "test") if mode else ("test", "live")
            raise SettingsError(f"stripe: the API key is a {said} key, and the service is set to {ours} mode")


def key_mode(api_key: str) -> bool | None:
    """Whether a key is a live one, by its beginning; None if that does not tell."""
    _, _, rest = api_key.partition("_")
    return True if rest.startswith("live_") else False if rest.startswith("test_") else None


Listing = Callable[[Any], Awaitable[Any]]
"""A list method of the SDK, that only needs parameters."""


class StripeSdk:
    """The SDK behind our own HTTP client. One of it serves everything that speaks to one account."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._http = http.Http("Stripe", settings.api_base, headers=headers, explain=explain, largest=LARGEST)
        self._client: stripe.StripeClient | None = None

    async def ask(self, call: Awaitable[Any], kind: type[T]) -> T:
        """What the SDK answers, as our own type. Raises the errors of every provider."""
        try:
            return await self._answered(call, kind)
        except Missing as bad:
            raise Refused(str(bad)) from None

    async def ask_if_there(self, call: Awaitable[Any], kind: type[T]) -> T | None:
        """As `ask`, and None where Stripe says that there is no such thing."""
        try:
            return await self._answered(call, kind)
        except Missing:
            return None

    async def page(
        self, listing: Listing, params: Mapping[str, Any], kind: type[T], after: str | None = None
    ) -> tuple[list[T], str | None]:
        """One page of a list, and what the next one is to be `after`; None at the end."""
        found, last = await self.page_as_told(listing, params, after)
        try:
            return [msgspec.json.decode(each, type=kind) for each in found], last
        except msgspec.MsgspecError as bad:
            why = masked(str(bad))
        raise Doubtful(f"Stripe listed something of another shape: {why}", answered=True)

    async def page_as_told(
        self, listing: Listing, params: Mapping[str, Any], after: str | None = None
    ) -> tuple[list[bytes], str | None]:
        """As `page`, each object as the bytes that Stripe sent."""
        more = {"starting_after": checked(after)} if after is not None else {}
        told = await self.ask(listing({**params, "limit": PAGE, **more}), _Page)
        try:
            last = msgspec.json.decode(told.data[-1], type=_Named).id if told.has_more and told.data else None
        except msgspec.MsgspecError as bad:
            raise Doubtful(
                f"Stripe listed something without an id: {masked(str(bad))}", answered=True
            ) from None
        return [bytes(each) for each in told.data], last

    async def listed(
        self, listing: Listing, params: Mapping[str, Any], kind: type[T]
    ) -> tuple[list[T], bool]:
        """A list to its end, and whether that was reached within `MOST_PAGES`."""
        found: list[T] = []
        after: str | None = None
        for _ in range(MOST_PAGES):
            page, after = await self.page(listing, params, kind, after)
            found += page
            if after is None:
                return found, True
        return found, False

    def keyed(self) -> stripe.RequestOptions:
        """The options of an act of class key: the idempotency key of the attempt under way.

        It is hashed, since a run's name may hold a user's name and be longer than Stripe allows. Acts that are
        repeatable or looked up by our own id go without: an error is kept under a key too, and told again for a day.
        """
        call = current_call.get()
        if call is None:
            return {}
        return {"idempotency_key": _KEY + hashlib.sha256(call.key.encode()).hexdigest()}

    @property
    def v1(self) -> stripe._v1_services.V1Services:
        """The SDK's services. Raises Unauthorised where no API key is set."""
        return (self._client or self._open()).v1

    def warm(self) -> None:
        """Import the SDK and the HTTP library: a third of a second that the first call would take otherwise."""
        http.warm()
        if self._client is None:
            self._open()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def _answered(self, call: Awaitable[Any], kind: type[T]) -> T:
        import stripe

        told: list[bytes] = []
        token = _told.set(told)
        try:
            await call
            return msgspec.json.decode(told[0], type=kind)
        except stripe.StripeError as bad:
            why = type(bad).__name__
        except (msgspec.MsgspecError, *_MISSHAPEN) as bad:
            why = masked(str(bad) if isinstance(bad, msgspec.MsgspecError) else type(bad).__name__)
        finally:
            _told.reset(token)
        raise Doubtful(f"Stripe answered in a shape that we do not know: {why}", answered=True)

    def _open(self) -> stripe.StripeClient:
        if not self.settings.api_key:
            raise Unauthorised("Stripe: no API key is set, so nothing can be read or made there")
        import stripe

        stripe.enable_telemetry = False
        logging.getLogger("stripe").setLevel(logging.WARNING)  # it logs whole bodies at debug level
        client = self._http

        class Transport(stripe.HTTPClient):
            """Sends what the SDK has put together, through our own client."""

            name = "aiohttp"

            async def request_async(
                self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
            ) -> tuple[bytes, int, Mapping[str, str]]:
                kept = {name: value for name, value in headers.items() if name in _PASSED_ON}
                if headers.get("Idempotency-Key", "").startswith(
                    _KEY
                ):  # the SDK makes up one where we gave none
                    kept["Idempotency-Key"] = headers["Idempotency-Key"]
                body = post_data.encode() if isinstance(post_data, str) else post_data
                answer = client.settled(await client.exchange(method.upper(), url, kept, body))
                answer.read(dict[str, msgspec.Raw])
                told = _told.get()
                if told is None:
                    return answer.body, answer.status, answer.headers
                told.append(answer.body)
                return b"{}", answer.status, answer.headers

        self._client = stripe.StripeClient(
            self.settings.api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": client.base},
            max_network_retries=0,
            http_client=Transport(),
        )
        return self._client


_told: ContextVar[list[bytes] | None] = ContextVar("_told", default=None)
"""Takes the bytes of an answer past the SDK, which would make objects of its own of them: a tenth of a second a page."""


class _Page(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool


class _Named(msgspec.Struct):
    id: str


def checked(ident: str) -> str:
    """The id, if it is one. Raises Refused: nothing else must come into a request's path."""
    if not _ID.fullmatch(ident):
        raise Refused(f"Stripe: {masked(ident)[:40]!r} is no id of an object")
    return ident
