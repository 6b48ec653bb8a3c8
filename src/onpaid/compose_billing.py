"""The story of billing, put together: sessions at Stripe, what they were paid for, and billing events for everybody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from onpaid.app.catalogue_sync import CatalogueSync
from onpaid.app.entitlements import Entitlements
from onpaid.app.meant import sells
from onpaid.app.sales import Sales
from onpaid.app.session_desk import SessionDesk
from onpaid.app.subscribing import SubscriberDesk
from onpaid.app.till_visits import TillVisits
from onpaid.app.tokens import Tokens, token_rules
from onpaid.clock import Clock
from onpaid.engine.flow import Flow
from onpaid.engine.known_runs import KnownRuns
from onpaid.engine.recorder import Recorder
from onpaid.engine.visits import Visits
from onpaid.flows.archive_price import archive_price
from onpaid.flows.deliver_billing_event import deliver_billing_event
from onpaid.flows.file_customer import file_customer
from onpaid.flows.file_price import file_price
from onpaid.flows.follow_subscription import follow_subscription
from onpaid.flows.keep_renewal import keep_renewal
from onpaid.flows.keep_session import keep_session
from onpaid.flows.open_session import open_session
from onpaid.flows.publish_billing_event import publish_billing_event
from onpaid.flows.replay_billing_events import replay_billing_events
from onpaid.providers import billing_topic, billing_webhook, stripe, stripe_till
from onpaid.providers.key_sets import KeySetSource
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.billing import Billing
from onpaid.repositories.orders import Orders
from onpaid.repositories.paid_orders import SessionRules
from onpaid.repositories.payments import Payments
from onpaid.repositories.prices import Prices
from onpaid.repositories.renewals import Renewals
from onpaid.repositories.replays import Replays
from onpaid.repositories.session_requests import SessionRequests
from onpaid.repositories.sessions import Sessions
from onpaid.repositories.subscribers import Subscribers
from onpaid.repositories.user_customers import UserCustomers
from onpaid.settings import Settings
from onpaid.store.port import Store

FLOWS: Final[tuple[Flow, ...]] = (
    open_session,
    file_customer,
    file_price,
    archive_price,
    keep_session,
    keep_renewal,
    follow_subscription,
    publish_billing_event,
    deliver_billing_event,
    replay_billing_events,
)
NEEDS: Final = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")

wanted = sells
"""Whether anything says that this story is to be told here."""


@dataclass(slots=True)
class BillingStory:
    """The story's parts. `providers` have lanes and are closed in the end; `records` are guests of its flows."""

    settings: Settings
    live: bool
    providers: dict[str, Any]
    records: dict[str, Any]
    sources: list[WebhookSource]

    def face(self, recorder: Recorder, clock: Clock, random: Random, visits: Visits) -> Sales:
        """What the web and the command line get of it. Raises SettingsError for tokens that are not safe to take."""
        settings, records, till = self.settings, self.records, TillVisits(visits, self.providers["till"])
        keys = self.providers.get("key_set")
        sessions, prices, billing = records["sessions"], records["prices"], records["billing"]
        subscribers = SubscriberDesk(
            records["subscribers"],
            records["replays"],
            recorder,
            clock,
            private=settings["BILLING_SUBSCRIBERS_PRIVATE"],
        )
        return Sales(
            desk=SessionDesk(
                recorder,
                SessionRequests(recorder.store),
                prices,
                sessions,
                till,
                clock,
                random,
                settings["CHECKOUT_RETURN_ORIGINS"],
            ),
            tokens=Tokens(token_rules(settings, live=self.live), clock, keys.read if keys else None),
            prices=prices,
            catalogue=CatalogueSync(recorder, prices, till, clock),
            sessions=sessions,
            user_customers=records["user_customers"],
            billing=billing,
            subscribers=subscribers,
            entitlements=Entitlements(sessions, billing, records["user_customers"], clock, prices),
        )


def story(
    settings: Settings,
    store: Store,
    orders: Orders,
    payments: Payments,
    clock: Clock,
    *,
    live: bool,
    others: Mapping[str, Any],
) -> BillingStory:
    """The story as these settings describe it; `others` are guests that are there already. Raises SettingsError."""
    source = others.get("payment_source")
    sources: list[WebhookSource] = []
    if source is None:
        source = stripe.Stripe(
            stripe.Settings(
                api_key=settings["STRIPE_API_KEY"],
                webhook_secrets=settings["STRIPE_WEBHOOK_SECRET"],
                live=live,
                shop=settings["KONVERZKY_SHOP"],
                order_number_key=settings["STRIPE_ORDER_NUMBER_KEY"],
                api_base=settings["STRIPE_API_BASE"],
                billing=True,
            )
        )
        sources.append(source)
    till = stripe_till.StripeTill(source.sdk)
    prices = Prices(store)
    customers = UserCustomers(store, live=live)
    runs, factor = KnownRuns(store, FLOWS), settings["ONPAID_TIME_FACTOR"]
    subscribers = Subscribers(store, clock, runs, patience=settings["BILLING_EVENTS_RETRY"], factor=factor)
    rules = SessionRules(
        account=f"stripe/default/{'live' if live else 'test'}",
        shop=settings["STRIPE_CHECKOUT_SHOP"],
        prefix=settings["ORDER_NUMBER_PREFIX"],
        invoices="invoicing" in others,
    )
    private = billing_webhook.Settings(settings["BILLING_SUBSCRIBERS_PRIVATE"])
    providers: dict[str, Any] = {
        "payment_source": source,
        "till": till,
        "subscriptions_source": till,
        "topic": _topic(settings),
        "subscriber_doors": billing_webhook.SubscriberDoors(private, subscribers, clock),
    }
    if settings["JWT_JWKS"]:
        providers["key_set"] = KeySetSource(settings["JWT_JWKS"])
    return BillingStory(
        settings,
        live,
        providers,
        records={
            "user_customers": customers,
            "prices": prices,
            "sessions": Sessions(store, orders, payments, prices, rules),
            "renewals": Renewals(store, orders, payments, prices, rules),
            "billing": Billing(store, clock, customers, subscribers, runs, factor),
            "subscribers": subscribers,
            "replays": Replays(store, subscribers),
        },
        sources=sources,
    )


def _topic(settings: Settings) -> Any:
    if settings["BILLING_EVENTS_TOPIC_ARN"] is None:
        return billing_topic.NoTopic()
    return billing_topic.BillingTopic(
        billing_topic.Settings(settings["BILLING_EVENTS_TOPIC_ARN"], endpoint=settings["SNS_API_BASE"])
    )
