"""Sales at Stripe in one hand: what is sold, where it is paid, what is subscribed to, and how it goes wrong.

This is what a test, the demo and the scenario play the customer with; the API over it is in `stripe_api_sales.py`.
Time does its work whenever somebody looks: sessions expire, subscriptions that were to end have ended.
"""

from collections.abc import Mapping
from typing import Any

from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_catalogue import Catalogue
from onpaid.simulators.stripe_invoices import Invoices
from onpaid.simulators.stripe_sessions import How, Sessions
from onpaid.simulators.stripe_subscriptions import Bought, Subscriptions
from onpaid.simulators.stripe_troubles import Troubles


class Sales:
    """The part of one account that sells."""

    def __init__(self, stripe: Stripe, clock: Clock) -> None:
        self.stripe = stripe
        self.catalogue = Catalogue(stripe, clock)
        self.troubles = Troubles(stripe, clock)
        self.invoices = Invoices(stripe, clock, self.troubles, lambda ident: self.sessions.number(ident))
        self.subscriptions = Subscriptions(stripe, clock, self.invoices)
        self.sessions = Sessions(stripe, clock, self.catalogue, self.subscriptions, self.troubles)

    def forget(self) -> None:
        """Forget what happened."""
        for each in (self.catalogue, self.troubles, self.invoices, self.subscriptions, self.sessions):
            each.forget()

    def tick(self) -> None:
        """What the time brings."""
        self.sessions.tick()
        self.subscriptions.tick()

    def find(self, ident: str) -> Json | None:
        """Whatever bears this id, of the kinds that answers can be expanded with."""
        tables = (
            self.stripe.customers,
            self.stripe.intents,
            self.stripe.charges,
            self.catalogue.products,
            self.catalogue.prices,
            self.subscriptions.all,
            self.invoices.all,
        )
        return next((table[ident] for table in tables if ident in table), None)

    # -- what the customer and the bank do -------------------------------------------------------------------------

    def complete_session(self, ident: str, how: How = "paid", who: Mapping[str, Any] | None = None) -> Json:
        """Pay a session, let the payment fail, need an action, or be on its way. KeyError, ValueError."""
        return self.sessions.complete(ident, how, who)

    def settle_delayed(self, ident: str, ok: bool = True) -> Json:
        """A delayed payment comes in, or does not."""
        return self.sessions.settle(ident, ok=ok)

    def subscribe(self, customer: str, bought: Bought, *, key: str, paid: bool = True, **more: Any) -> Json:
        """A subscription without a session, as other programs of the account make them."""
        return self.subscriptions.begin(key, customer, bought, more.get("metadata"), paid=paid)

    def renew(self, ident: str) -> Json:
        """A subscription's next period begins and is paid."""
        return self.subscriptions.renew(ident)

    def fail(self, ident: str) -> Json:
        """A subscription's next payment fails."""
        return self.subscriptions.fail(ident)

    def recover(self, ident: str) -> Json:
        """A subscription's failed payment is made after all."""
        return self.subscriptions.recover(ident)

    def cancel(
        self, ident: str, reason: str | None = "cancellation_requested", *, at_period_end: bool = False
    ) -> Json:
        """A subscription ends."""
        return self.subscriptions.cancel(ident, reason, at_period_end=at_period_end)
