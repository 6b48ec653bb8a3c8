"""A world that sells at Stripe as well, reconciles and proves: one record of everything that a route can show.

The till is a cash box of tests, and nobody advances runs: a session that a user asks for is recorded, and no more.
"""

from __future__ import annotations

from random import Random
from typing import Any

from onpaid.app.catalogue_sync import CatalogueSync
from onpaid.app.entitlements import Entitlements
from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import Nightly
from onpaid.app.reconciling_shown import Reconciling
from onpaid.app.sales import Sales
from onpaid.app.session_desk import SessionDesk
from onpaid.app.subscribing import SubscriberDesk
from onpaid.app.tokens import TokenRules, Tokens
from onpaid.domain.reconciliation import Reconciliation
from onpaid.domain.sessions import Session, UserCustomer
from onpaid.engine.known_runs import KnownRuns
from onpaid.repositories.billing import Billing
from onpaid.repositories.prices import PRICES, Prices
from onpaid.repositories.proofs import PROOFS, Proof
from onpaid.repositories.reconciliations import RECONCILIATIONS, Reconciliations
from onpaid.repositories.replays import Replays
from onpaid.repositories.session_requests import SessionRequests
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.subscriber_records import SUBSCRIBERS
from onpaid.repositories.subscribers import Subscribers
from onpaid.repositories.user_customers import USER_CUSTOMERS, UserCustomers
from onpaid.store.local import Done
from tests.app.forged_tokens import AUDIENCE, ISSUER, SECRET, claims, hs
from tests.flows.billing_scenes import KEPT, news
from tests.flows.kiosk import COURSE, GONE, MONTHLY
from tests.flows.kiosk import SHOP as RETURNS
from tests.flows.sales_box import ACCOUNT, SalesBox, SalesTill, sales_guests
from tests.web.client import Client
from tests.web.proofs import books_of
from tests.web.world import NOON, PassingClock, World

EVENT = news().id
"""The id of the one billing event."""
SESSION, OTHERS_SESSION = "cs_1", "cs_2"
RUN, PROOF = "rec_1", "proof_1"
ASKED = {"priceId": COURSE.id, "successUrl": f"{RETURNS}/thanks", "cancelUrl": f"{RETURNS}/cart"}


def token_of(user: str) -> str:
    """A user's bearer token, good for a day of this world."""
    return hs(claims(userId=user, exp=NOON // 1000 + 86_400, iat=None, nbf=None))


def user(world: World, name: str = "u-1") -> Client:
    """A client with a user's own token."""
    return Client(world.app(), token_of(name))


async def sell(world: World) -> World:
    """Put the story of billing into the world, with one record of each kind; and what looks at it from outside."""
    store, clock, recorder = world.store, world.clock, world.engine.recorder
    till = SalesTill(SalesBox())
    prices, customers = Prices(store), UserCustomers(store)
    sessions = sales_guests(SalesBox(), store)["sessions"]
    runs = KnownRuns(store, ())
    subscribers = Subscribers(store, clock, runs)
    billing = Billing(store, clock, customers, subscribers, runs)
    await books_of(world, 0)
    await store.commit(
        [
            *(PRICES.insert(price) for price in (COURSE, MONTHLY, GONE)),
            *(SESSIONS.insert(each) for each in (_session(SESSION, "u-1"), _session(OTHERS_SESSION, "u-2"))),
            USER_CUSTOMERS.insert(UserCustomer("u-1", "cus_1", NOON, NOON, "member", "ada@example.org")),
            SUBSCRIBERS.insert(KEPT),
            RECONCILIATIONS.insert(Reconciliation(RUN, "manual", NOON - 1, 0, NOON - 1, 25, 500)),
            PROOFS.insert(Proof(PROOF, NOON - 86_400_000, NOON, NOON, ["stripe"], stage=1, ended_at=NOON)),
        ]
    )
    await _tell(world, billing)
    any_till: Any = till
    desk = SessionDesk(
        recorder,
        SessionRequests(store),
        prices,
        sessions,
        any_till,
        PassingClock(clock),
        Random(0),
        (RETURNS,),
    )
    world.sales = Sales(
        desk=desk,
        tokens=Tokens(TokenRules((SECRET,), AUDIENCE, ISSUER), clock),
        prices=prices,
        catalogue=CatalogueSync(recorder, prices, any_till, clock),
        sessions=sessions,
        user_customers=customers,
        billing=billing,
        subscribers=SubscriberDesk(subscribers, Replays(store, subscribers), recorder, clock),
        entitlements=Entitlements(sessions, billing, customers, clock),
    )
    records = Reconciliations(store, owner="desk", sole=False)
    reconciler = Reconciler(recorder, records, clock, SyncSettings(), Lists(), background=False)
    world.reconciling = Reconciling(reconciler, Nightly(reconciler, clock, "0 2 * * *"))
    return world


def _session(ident: str, user: str) -> Session:
    return Session(f"{ACCOUNT}/{ident}", ident, "expired", NOON, NOON, user=user, customer_id="cus_1")


async def _tell(world: World, billing: Billing) -> None:
    """One billing event, which is out."""
    for act in (lambda: billing.note(news()), lambda: billing.note_published(EVENT, "m-1")):
        found = await act()
        assert isinstance(found, Done)
        await world.engine.recorder.record(found.writes, facts=found.facts)
