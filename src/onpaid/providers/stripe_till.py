"""Stripe as the till: customers, products and prices, the pages where users pay, and their subscriptions.

What it is: https://docs.stripe.com/api/checkout/sessions, through the SDK that all of Stripe shares (`stripe_sdk.py`).
How a thing is found again: customers by the user and the generation in their metadata, sessions by our reference in
theirs, products by our own id, prices by their `lookup_key`. While its idempotency key lives, an act is repeated.
Its limits: 100 reads and writes a second live, 25 in test mode. A key is remembered for a day, errors included.
How it signs: not here; its webhooks are judged in `stripe_events.py`.

Bodies follow from what was wanted and from nothing else: no time and no chance in them, and no `payment_method_types`,
so that Stripe offers what the account has switched on.
"""

from __future__ import annotations

from typing import Any

from onpaid.acts import Absent, Finding, Found, Unsure, act
from onpaid.clock import Instant
from onpaid.domain.billing import SubscriptionDetails
from onpaid.domain.sessions import (
    CustomerRef,
    CustomerWanted,
    SessionDetails,
    SessionDraft,
    SessionLine,
    SessionRef,
)
from onpaid.errors import ProviderError, Refused
from onpaid.providers import stripe_till_wire as wire
from onpaid.providers.stripe_bills import StripeBills
from onpaid.providers.stripe_sdk import KEY_LIFE, LANES, TIMEOUT, Settings, StripeSdk, checked
from onpaid.providers.stripe_wire import REFERENCE, USER

__all__ = ["Settings", "StripeTill"]

EARLIER = 24 * 3600
"""Seconds before our own time from which customers are listed: clocks differ."""


class StripeTill(StripeBills):
    """A Till and a Subscriptions. `sdk` is the one of the payment source, where there is one."""

    lanes = LANES

    def __init__(self, sdk: StripeSdk) -> None:
        super().__init__(sdk)
        self.settings = sdk.settings

    @act(
        lane="stripe",
        timeout=TIMEOUT,
        key_life=KEY_LIFE,
        claim=lambda made: f"stripe:{made.customer_id}",
    )
    async def create_customer(self, wanted: CustomerWanted) -> CustomerRef:
        """A customer that bears the user's id and generation. It is made anew only once the key's day is over and a
        look found none; before, the same key answers with the same customer."""
        asked: dict[str, Any] = {"metadata": _marks(wanted)}
        if wanted.user.email:
            asked["email"] = wanted.user.email
        made = self.sdk.v1.customers.create_async(asked, self.sdk.keyed())  # type: ignore[arg-type]
        return (await self.sdk.ask(made, wire.CustomerTold)).ref()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def find_customer(self, wanted: CustomerWanted) -> Finding[CustomerRef]:
        """The living customer that bears the user's id and generation.

        It is looked for among those with the user's address; for a user without one among all that were made since
        the customer was wanted.
        """
        params: dict[str, Any] = {}
        if wanted.user.email:
            params["email"] = wanted.user.email
        elif wanted.wanted_at:
            params["created"] = {"gte": max(0, wanted.wanted_at // 1000 - EARLIER)}
        there, whole = await self.sdk.listed(self.sdk.v1.customers.list_async, params, wire.CustomerTold)
        marks = _marks(wanted)
        found = [each for each in there if not each.deleted and marks.items() <= each.metadata.items()]
        return _one([each.ref() for each in found], whole, "customers that bear the user's id")

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_customer_ref(self, customer_id: str) -> CustomerRef:
        """The customer as it is now, perhaps deleted. Refused if there never was one, or it is another account's."""
        asked = self.sdk.v1.customers.retrieve_async(checked(customer_id))
        return (await self.sdk.ask(asked, wire.CustomerTold)).ref()

    @act(lane="stripe", timeout=TIMEOUT, key_life=KEY_LIFE, claim=lambda made: f"stripe:{made.session_id}")
    async def create_session(self, draft: SessionDraft) -> SessionRef:
        """A page to pay at. What is paid there bears the user and our reference, as the session does."""
        marks = _references(draft)
        asked: dict[str, Any] = {
            "mode": "subscription" if draft.recurring else "payment",
            "line_items": [{"price": checked(draft.price_id), "quantity": draft.quantity}],
            "success_url": draft.success_url,
            "cancel_url": draft.cancel_url,
            "customer": checked(draft.customer_id),
            "client_reference_id": draft.reference,
            "metadata": marks,
            ("subscription_data" if draft.recurring else "payment_intent_data"): {"metadata": marks},
        }
        made = self.sdk.v1.checkout.sessions.create_async(asked, self.sdk.keyed())  # type: ignore[arg-type]
        return (await self.sdk.ask(made, wire.SessionWire)).ref()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def find_session(self, draft: SessionDraft) -> Finding[SessionRef]:
        """The customer's session with our reference. One that ended since has no address any more."""
        params = {"customer": checked(draft.customer_id)}
        listing = self.sdk.v1.checkout.sessions.list_async
        there, whole = await self.sdk.listed(listing, params, wire.SessionWire)
        found = [each for each in there if (each.metadata or {}).get(REFERENCE) == draft.reference]
        return _one([each.ref() for each in found], whole, "sessions with our reference")

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_session(self, session_id: str) -> SessionDetails:
        """The session as it is now."""
        asked = self.sdk.v1.checkout.sessions.retrieve_async(checked(session_id))
        return (await self.sdk.ask(asked, wire.SessionWire)).details()

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def session_lines(self, session_id: str) -> list[SessionLine]:
        """Every line of the session. Refused if there are more than can be listed, rather than some left out."""
        session = checked(session_id)
        lines = self.sdk.v1.checkout.sessions.line_items

        async def listing(params: Any) -> Any:
            return await lines.list_async(session, params)

        there, whole = await self.sdk.listed(listing, {}, wire.LineTold)
        if not whole:
            raise Refused(f"Stripe: the session {session} has more lines than can be listed")
        return [each.line() for each in there]

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def sessions_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[SessionDetails], str | None]:
        """A page of a hundred sessions created in this time, newest first, and what the next one is to be `after`.

        A session whose amount cannot be read comes without one, so that it never stops the others.
        """
        params = {
            "created": {"gte": since // 1000, "lte": until // 1000},
            "expand": ["data.payment_intent.latest_charge"],  # what went back of each
        }
        listing = self.sdk.v1.checkout.sessions.list_async
        page, more = await self.sdk.page(listing, params, wire.SessionWire, after)
        return [_readable(each) for each in page], more

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def fetch_subscription(self, subscription_id: str) -> SubscriptionDetails:
        """The subscription as it is now, with all its items; an ended one too."""
        asked = self.sdk.v1.subscriptions.retrieve_async(checked(subscription_id))
        told = await self.sdk.ask(asked, wire.SubscriptionWire)
        items = told.items.data
        if told.items.has_more:
            params = {"subscription": told.id}
            items, whole = await self.sdk.listed(
                self.sdk.v1.subscription_items.list_async, params, wire.ItemTold
            )
            if not whole:
                raise Refused(f"Stripe: the subscription {told.id} has more items than can be listed")
        return told.details(items)

    async def doctor(self) -> list[str]:
        """What our key may not read, in sentences: a restricted one needs a permission for each of these."""
        v1, found = self.sdk.v1 if self.settings.api_key else None, []
        if v1 is None:
            return ["Stripe: no API key is set, so no session can be made."]
        for what, listing in (
            ("customers", v1.customers.list_async),
            ("products", v1.products.list_async),
            ("prices", v1.prices.list_async),
            ("Checkout sessions", v1.checkout.sessions.list_async),
            ("subscriptions", v1.subscriptions.list_async),
            ("invoices", v1.invoices.list_async),
            ("invoice payments", v1.invoice_payments.list_async),
        ):
            try:
                await self.sdk.ask(listing({"limit": 1}), dict[str, Any])
            except ProviderError as bad:
                found.append(f"Stripe: {what} cannot be read: {bad}")
        return found

    def warm(self) -> None:
        """Import what the first call would have to wait for."""
        self.sdk.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self.sdk.close()


def _marks(wanted: CustomerWanted) -> dict[str, str]:
    return {USER: wanted.user.id, wire.GENERATION: str(wanted.generation)}


def _references(draft: SessionDraft) -> dict[str, str]:
    return {USER: draft.user.id, REFERENCE: draft.reference}


def _one(found: list[Any], whole: bool, what: str) -> Finding[Any]:
    """What a look means: exactly one is found, several are for a person, none proves something if all were seen."""
    if len(found) > 1:
        return Unsure(f"Stripe has {len(found)} {what}", final=True)
    if found:
        return Found(found[0])
    return Absent() if whole else Unsure(f"Stripe lists too much to be sure that there are no {what}")


def _readable(told: wire.SessionWire) -> SessionDetails:
    try:
        return told.details()
    except Refused:
        told.amount_total = None
        return told.details()
