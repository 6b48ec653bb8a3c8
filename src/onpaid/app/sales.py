"""The story of billing as its faces see it: everything that a page, a door or a command needs, in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from onpaid.app.catalogue_sync import CatalogueSync
from onpaid.app.entitlements import Entitlements
from onpaid.app.session_desk import SessionDesk
from onpaid.app.subscribing import SubscriberDesk
from onpaid.app.tokens import Tokens
from onpaid.repositories.billing import Billing
from onpaid.repositories.prices import Prices
from onpaid.repositories.sessions import Sessions
from onpaid.repositories.user_customers import UserCustomers


@dataclass(frozen=True, slots=True)
class Sales:
    """`desk` opens sessions, `tokens` tell who asks, `catalogue` keeps prices; the rest is for looking and telling."""

    desk: SessionDesk
    tokens: Tokens
    prices: Prices
    catalogue: CatalogueSync
    sessions: Sessions
    user_customers: UserCustomers
    billing: Billing
    subscribers: SubscriberDesk
    entitlements: Entitlements
