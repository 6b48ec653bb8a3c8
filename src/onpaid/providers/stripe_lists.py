"""Stripe's charges of a period, for the proof: every taking of money on the account, whoever it was for.

Listed by the time that a charge was made, a hundred a page, newest first; the cursor is a charge's id, so that nothing
new moves a page. Whether a charge is ours is judged exactly as its webhook would be.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from onpaid.acts import act
from onpaid.clock import Instant
from onpaid.domain.events import Envelope
from onpaid.domain.money import Money
from onpaid.domain.takings import Taking
from onpaid.errors import InvalidInput, Problem, Refused
from onpaid.providers import stripe_wire as wire
from onpaid.providers.stripe_bills_wire import BillTold
from onpaid.providers.stripe_reading import Shop
from onpaid.providers.stripe_sdk import TIMEOUT, StripeSdk, checked

REFERENCE: Final = "onpaid_reference"
"""The metadata by which a session of ours marks its payments."""


class _Listed(wire.Charge):
    """A charge in a list. Fields with a default come first in our reading, so `created` has one: 0 is never told."""

    created: int = 0


class _Between(msgspec.Struct):
    """An invoice payment, with its invoice expanded."""

    invoice: BillTold


class StripeLists:
    """A FollowedTakings, on the lane that every client of the account shares."""

    def __init__(self, sdk: StripeSdk, shop: Shop) -> None:
        self._sdk = sdk
        self._shop = shop
        self._live = sdk.settings.live
        self._account = f"stripe/default/{'live' if self._live else 'test'}"

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def charges_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[Taking], str | None]:
        """A page of charges made in this time (both inclusive, whole seconds), newest first, and the next `after`."""
        params: dict[str, Any] = {"created": {"gte": since // 1000, "lte": until // 1000}}
        charges = self._sdk.v1.charges
        found, after = await self._sdk.page(charges.list_async, params, _Listed, after)
        return [self._taking(each) for each in found], after

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment as Stripe knows it now, or None where it has no such payment, or took nothing for it."""
        v1 = self._sdk.v1
        if not charge_id and payment_id.startswith("pi_"):
            intent = await self._sdk.ask_if_there(
                v1.payment_intents.retrieve_async(checked(payment_id)), wire.Intent
            )
            charge_id = "" if intent is None else wire.linked(intent.latest_charge) or ""
            if not charge_id:
                return None
        asked = v1.charges.retrieve_async(checked(charge_id or payment_id))
        charge = await self._sdk.ask_if_there(asked, _Listed)
        return None if charge is None else self._taking(charge)

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def bill_of(self, payment_id: str) -> str | None:
        """The invoice of a subscription that a PaymentIntent paid, or None where it paid none."""
        params: dict[str, Any] = {
            "payment": {"type": "payment_intent", "payment_intent": checked(payment_id)},
            "status": "paid",
            "expand": ["data.invoice"],
        }
        listing = self._sdk.v1.invoice_payments.list_async
        found, _ = await self._sdk.page(listing, params, _Between)
        bills = (each.invoice.bill() for each in found)
        return next((each.invoice_id for each in bills if each.subscription_id is not None), None)

    def _taking(self, charge: _Listed) -> Taking:
        try:
            amount = Money.from_wire(charge.amount_captured, charge.currency)
            refunded = Money.from_wire(charge.amount_refunded, charge.currency)
        except InvalidInput as bad:
            raise Refused(f"Stripe: the amount of the charge {charge.id} cannot be read: {bad}") from None
        number, ours, trouble = self._order_of(charge)
        return Taking(
            account=self._account,
            payment_id=charge.payment,
            charge_id=charge.id,
            amount=amount,
            refunded=refunded,
            taken_at=charge.created * 1000,
            live=charge.livemode,
            captured=charge.captured and charge.status == "succeeded" and charge.amount_captured > 0,
            ours=ours,
            order=number,
            customer_id=wire.linked(charge.customer) or "",
            status=charge.status,
            reference=charge.metadata.get(REFERENCE, ""),
            trouble=trouble,
        )

    def _order_of(self, charge: _Listed) -> tuple[str, bool, str]:
        """The order's number, whether the charge bears a sign of ours, and why no order can be told, if so."""
        envelope = Envelope("stripe", self._account, charge.id, "charge.succeeded", charge.livemode)
        try:
            key = self._shop.order(envelope, charge.payment, charge.metadata)
        except Problem as problem:
            return "", True, problem.title
        return (key or "").partition("/")[2], key is not None or REFERENCE in charge.metadata, ""
