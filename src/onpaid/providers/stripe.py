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

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.orders import Customer
from onpaid.domain.payments import PaymentDetails, PaymentSucceeded
from onpaid.errors import ProviderError, Refused, SettingsError
from onpaid.providers import stripe_sdk
from onpaid.providers import stripe_wire as wire
from onpaid.providers.stripe_events import StripeWebhooks
from onpaid.providers.stripe_sdk import API_VERSION, LANES, TIMEOUT, StripeSdk, checked, key_mode

__all__ = ["API_VERSION", "TIMEOUT", "Settings", "Stripe", "key_mode"]

MOST_TYPES = 20
"""How many types of events one list may name."""


@dataclass(frozen=True)
class Settings:
    """`shop_marks` are signs in a payment's metadata that it is the shop's: `key=value`, `key` or `prefix*`.

    `billing` says that billing events are told: then what happens to sessions, subscriptions, invoices, refunds and
    disputes is judged too.
    """

    api_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    live: bool = False
    shop: str = "konverzky"
    order_number_key: str = "order_number"
    shop_marks: tuple[str, ...] = ("source=konverzky", "konverzky*")
    api_base: str = "https://api.stripe.com"
    billing: bool = False

    def __post_init__(self) -> None:
        if not self.shop or "/" in self.shop:
            raise SettingsError("stripe: the shop's name must not be empty, nor hold a slash")
        self.access()

    def access(self) -> stripe_sdk.Settings:
        """What the SDK needs of it."""
        return stripe_sdk.Settings(self.api_key, self.live, self.api_base)


class Stripe(StripeWebhooks):
    """A WebhookSource and a PaymentSource. `sdk` is shared with whatever else speaks to the same account."""

    lanes = LANES

    def __init__(self, settings: Settings, sdk: StripeSdk | None = None) -> None:
        super().__init__(
            settings.webhook_secrets,
            live=settings.live,
            shop=settings.shop,
            order_number_key=settings.order_number_key,
            marks=settings.shop_marks,
            billing=settings.billing,
        )
        self.settings = settings
        self.sdk = sdk or StripeSdk(settings.access())

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_payment(self, paid: PaymentSucceeded) -> PaymentDetails:
        """The payment as it is now: what was captured, and what went back since."""
        v1 = self.sdk.v1
        charge_id = paid.charge_id or (None if paid.payment_id.startswith("pi_") else paid.payment_id)
        if charge_id is None:
            asked = v1.payment_intents.retrieve_async(checked(paid.payment_id))
            charge_id = wire.linked((await self.sdk.ask(asked, wire.Intent)).latest_charge)
            if charge_id is None:
                raise Refused(f"Stripe: the payment {paid.payment_id} has no charge, so nothing was paid")
        charge = await self.sdk.ask(v1.charges.retrieve_async(checked(charge_id)), wire.Charge)
        return PaymentDetails(
            payment_id=charge.payment,
            charge_id=charge.id,
            amount=wire.money_of(charge.amount_captured, charge.currency, charge.id),
            refunded=wire.money_of(charge.amount_refunded, charge.currency, charge.id),
            disputed=charge.disputed,
            captured=charge.captured,
            live=charge.livemode,
            customer_id=wire.linked(charge.customer),
            billing=charge.billing(),
        )

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_customer(self, customer_id: str) -> Customer | None:
        """The customer, or None if it was deleted."""
        asked = self.sdk.v1.customers.retrieve_async(checked(customer_id))
        told = await self.sdk.ask(asked, wire.CustomerWire)
        if told.deleted:
            return None
        return wire.customer_of(told.id, told.name, told.email, told.phone, told.address, told.business_name)

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def events_since(
        self,
        since: Instant,
        *,
        after: str | None = None,
        types: Sequence[str] | None = None,
        undelivered: bool = False,
    ) -> tuple[list[bytes], str | None]:
        """A page of events of the last 30 days, newest first, each as a body for `read`; and what is to be `after`
        for the next page, None at the end. The bodies mean what the webhooks meant and are not the same bytes.

        `types` are those that we judge, if none are named. More than twenty are listed one batch after the other, each
        newest first. `undelivered` lists only those that some endpoint has not taken.
        """
        wanted = tuple(self.types if types is None else types)
        batches = [wanted[at : at + MOST_TYPES] for at in range(0, len(wanted), MOST_TYPES)] or [()]
        batch, last = _place(after, len(batches))
        params: dict[str, Any] = {"created": {"gte": since // 1000}, "types": list(batches[batch])}
        if undelivered:
            params["delivery_success"] = False
        bodies, more = await self.sdk.page_as_told(self.sdk.v1.events.list_async, params, last)
        if more is not None:
            return bodies, f"{batch}:{more}" if batch else more
        return bodies, f"{batch + 1}:" if batch + 1 < len(batches) else None

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        found = []
        if not any(secret.strip() for secret in self.settings.webhook_secrets):
            found.append("Stripe: no webhook secret is set, so every webhook is refused.")
        try:
            balance = await self.sdk.ask(self.sdk.v1.balance.retrieve_async(), _Balance)
        except ProviderError as bad:
            return [*found, str(bad)]
        if balance.livemode is not self.settings.live:
            found.append(
                f"Stripe: the API key works in {'live' if balance.livemode else 'test'} mode, and we do not."
            )
        return found

    def warm(self) -> None:
        """Import what the first call would have to wait for."""
        self.sdk.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self.sdk.close()


def _place(after: str | None, batches: int) -> tuple[int, str | None]:
    """Which batch of types a page belongs to, and the event that it begins after: `evt_1`, `1:evt_1`, `1:`."""
    batch, colon, event = (after or "").rpartition(":")
    if colon and not (batch.isascii() and batch.isdigit() and len(batch) < 3 and int(batch) < batches):
        raise Refused(f"Stripe: {str(after)[:40]!r} is no place in this list of events")
    return int(batch or 0), event or None


class _Balance(msgspec.Struct):
    livemode: bool
