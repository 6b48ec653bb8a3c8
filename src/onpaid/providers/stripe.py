"""Stripe, which takes the money. https://docs.stripe.com/api

What it is: a source of webhooks (snapshot events), and reads of payments and customers through its official SDK.
How a thing is found again: nothing is created here; payments, customers and events are read by their ids.
Its limits: 100 reads a second live, 25 in test mode; 429 means nothing was done, unless its code is `lock_timeout`.
How it signs: `Stripe-Signature: t=...,v1=...` over the raw body, one `v1` for each secret that is active.

One payment is told of several times (charge.succeeded, charge.captured, payment_intent.succeeded): all name the
PaymentIntent, or the charge where there is none. The SDK does the speaking and our own client the sending: so the
outcome, deadline and size of a call are judged as everywhere, and nothing is retried or reported behind our back.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from onpaid.acts import LaneLimit, act
from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.errors import Doubtful, InvalidInput, ProviderError, Refused, SettingsError, Unauthorised
from onpaid.providers import http
from onpaid.providers import stripe_wire as wire
from onpaid.providers.answers import Answer
from onpaid.providers.masking import masked
from onpaid.providers.stripe_events import TYPES, StripeWebhooks

if TYPE_CHECKING:
    import stripe

T = TypeVar("T")

API_VERSION = "2026-10-28.endive"
"""The version that we speak, whatever the account's default is."""
TIMEOUT = timedelta(seconds=20)
_ID = re.compile(r"[A-Za-z0-9_]{1,255}", re.ASCII)
_PASSED_ON = frozenset({"Content-Type", "Idempotency-Key", "Stripe-Account", "Stripe-Version"})
_MISSHAPEN = (AttributeError, TypeError, KeyError, ValueError, ArithmeticError)
"""What the SDK raises over an answer of a shape that it does not expect."""


@dataclass(frozen=True)
class Settings:
    """`shop_marks` are signs in a payment's metadata that it is the shop's: `key=value`, `key` or `prefix*`."""

    api_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    live: bool = False
    shop: str = "konverzky"
    order_number_key: str = "order_number"
    shop_marks: tuple[str, ...] = ("source=konverzky", "konverzky*")
    api_base: str = "https://api.stripe.com"

    def __post_init__(self) -> None:
        if not self.shop or "/" in self.shop:
            raise SettingsError("stripe: the shop's name must not be empty, nor hold a slash")
        mode = key_mode(self.api_key)
        if mode is not None and mode is not self.live:
            said, ours = ("live", "test") if mode else ("test", "live")
            raise SettingsError(f"stripe: the API key is a {said} key, and the service is set to {ours} mode")


def key_mode(api_key: str) -> bool | None:
    """Whether a key is a live one, by its beginning; None if that does not tell."""
    _, _, rest = api_key.partition("_")
    return True if rest.startswith("live_") else False if rest.startswith("test_") else None


class Stripe(StripeWebhooks):
    """A WebhookSource and a PaymentSource."""

    lanes = (LaneLimit("stripe", at_once=16, per_second=20),)

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            settings.webhook_secrets,
            live=settings.live,
            shop=settings.shop,
            order_number_key=settings.order_number_key,
            marks=settings.shop_marks,
        )
        self.settings = settings
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._http = http.Http("Stripe", settings.api_base, headers=headers, explain=_explain)
        self._client: stripe.StripeClient | None = None

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        """The payment as it is now: what was captured, and what went back since."""
        charges = self._sdk().v1.charges
        charge_id = paid.charge_id or (None if paid.payment_id.startswith("pi_") else paid.payment_id)
        if charge_id is None:
            intents = self._sdk().v1.payment_intents
            intent = await self._ask(intents.retrieve_async(_checked(paid.payment_id)), wire.Intent)
            charge_id = wire.linked(intent.latest_charge)
            if charge_id is None:
                raise Refused(f"Stripe: the payment {paid.payment_id} has no charge, so nothing was paid")
        charge = await self._ask(charges.retrieve_async(_checked(charge_id)), wire.Charge)
        try:
            amount = Money.from_wire(charge.amount_captured, charge.currency)
            refunded = Money.from_wire(charge.amount_refunded, charge.currency)
        except InvalidInput as bad:
            raise Refused(f"Stripe: the amount of the charge {charge.id} cannot be read: {bad}") from None
        return PaymentDetails(
            payment_id=charge.payment,
            charge_id=charge.id,
            amount=amount,
            refunded=refunded,
            disputed=charge.disputed,
            captured=charge.captured,
            live=charge.livemode,
            customer_id=wire.linked(charge.customer),
            billing=charge.billing(),
        )

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_customer(self, customer_id: str) -> Customer | None:
        """The customer, or None if it was deleted."""
        customers = self._sdk().v1.customers
        told = await self._ask(customers.retrieve_async(_checked(customer_id)), wire.CustomerWire)
        if told.deleted:
            return None
        return wire.customer_of(told.id, told.name, told.email, told.phone, told.address, told.business_name)

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def events_since(
        self, since: Instant, *, after: str | None = None, types: Sequence[str] = TYPES
    ) -> tuple[list[bytes], str | None]:
        """A page of events of the last 30 days, newest first, each as a body for `read`; and what is to be `after`
        for the next page, None at the end. The bodies mean what the webhooks meant and are not the same bytes."""
        params: dict[str, Any] = {"created": {"gte": since // 1000}, "types": list(types), "limit": 100}
        if after is not None:
            params["starting_after"] = _checked(after)
        page = await self._ask(self._sdk().v1.events.list_async(params), _EventPage)  # type: ignore[arg-type]
        bodies = [msgspec.json.encode(event) for event in page.data]
        return bodies, str(page.data[-1]["id"]) if page.has_more and page.data else None

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        found = []
        if not any(secret.strip() for secret in self.settings.webhook_secrets):
            found.append("Stripe: no webhook secret is set, so every webhook is refused.")
        try:
            balance = await self._ask(self._sdk().v1.balance.retrieve_async(), _Balance)
        except ProviderError as bad:
            return [*found, str(bad)]
        if balance.livemode is not self.settings.live:
            found.append(
                f"Stripe: the API key works in {'live' if balance.livemode else 'test'} mode, and we do not."
            )
        return found

    def warm(self) -> None:
        """Import the SDK and the HTTP library: a third of a second that the first call would take otherwise."""
        http.warm()
        self._sdk()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    async def _ask(self, call: Awaitable[stripe.StripeObject], kind: type[T]) -> T:
        """What the SDK answers, as our own type."""
        import stripe

        try:
            return msgspec.convert((await call).to_dict(), kind)
        except stripe.StripeError as bad:
            why = type(bad).__name__
        except (msgspec.ValidationError, *_MISSHAPEN) as bad:
            why = masked(str(bad) if isinstance(bad, msgspec.ValidationError) else type(bad).__name__)
        raise Doubtful(f"Stripe answered in a shape that we do not know: {why}", answered=True)

    def _sdk(self) -> stripe.StripeClient:
        if self._client is not None:
            return self._client
        if not self.settings.api_key:
            raise Unauthorised("Stripe: no API key is set, so payments and customers cannot be read")
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
                body = post_data.encode() if isinstance(post_data, str) else post_data
                answer = client.settled(await client.exchange(method.upper(), url, kept, body))
                answer.read(dict[str, Any])
                return answer.body, answer.status, answer.headers

        self._client = stripe.StripeClient(
            self.settings.api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": client.base},
            max_network_retries=0,
            http_client=Transport(),
        )
        return self._client


class _EventPage(msgspec.Struct):
    data: list[dict[str, Any]]
    has_more: bool


class _Balance(msgspec.Struct):
    livemode: bool


class _Error(msgspec.Struct):
    code: str | None = None


class _Errors(msgspec.Struct):
    error: _Error


def _explain(answer: Answer) -> ProviderError | None:
    """A 429 because something else holds the object is no proof that nothing was done."""
    if answer.status == 429:
        try:
            if msgspec.json.decode(answer.body, type=_Errors).error.code == "lock_timeout":
                return Doubtful(f"{answer.asked}: another request holds the object", answered=True)
        except msgspec.MsgspecError:
            pass
    return None


def _checked(ident: str) -> str:
    if not _ID.fullmatch(ident):
        raise Refused(f"Stripe: {masked(ident)[:40]!r} is no id of an object")
    return ident
