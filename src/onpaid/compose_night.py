"""What looks at every story from outside, put together: the nightly reconciliation, and the proof.

Both ask the providers for lists, of whichever stories are told here, and act on nothing themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from onpaid.app.inbox import Inbox
from onpaid.app.proving import Prover
from onpaid.app.proving_sources import Followed, Outside, Paged, Takings
from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_events import Events
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_payments import Payments
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import EVERY, NAME, Nightly
from onpaid.app.reconciling_sessions import Sessions
from onpaid.app.reconciling_shown import Reconciling
from onpaid.domain.dates import time_zone
from onpaid.domain.session_orders import order_number
from onpaid.engine.runner import Engine
from onpaid.engine.visits import Visits
from onpaid.errors import InvalidInput, SettingsError
from onpaid.providers import fiken, razorpay, shiprocket, stripe, stripe_till
from onpaid.providers.stripe_endpoints import StripeEndpoints
from onpaid.providers.stripe_lists import StripeLists
from onpaid.repositories.reconciliations import LEASE_MS, Reconciliations
from onpaid.runtime.chores import Chore
from onpaid.settings import Settings

SETTLE = 20.0
"""Seconds after which a difference between a session and its order is no passing one."""
READS_PER_SECOND = 10.0
"""Of the reconciliation: half of what Stripe allows in test mode, so that live traffic goes first."""
SHORTEST_LEASE_MS = 20_000
PROOFS_EVERY = timedelta(seconds=5)
"""How often a proof that somebody began is taken further, if nobody waits for it."""


@dataclass(frozen=True, slots=True)
class Night:
    """Both, and what is done again and again."""

    reconciling: Reconciling
    prover: Prover
    chores: tuple[Chore, ...]


def night(
    settings: Settings, engine: Engine, inbox: Inbox, guests: Mapping[str, Any], *, sole: bool, stays: bool
) -> Night:
    """As these settings describe it. `sole` says that this process has the store for itself, `stays` that it lives on
    between requests. Raises SettingsError."""
    try:
        rules = SyncSettings.checked(
            settings["SYNC_LOOKBACK_HOURS"], settings["SYNC_MAX_SESSIONS"], dry_run=settings["SYNC_DRY_RUN"]
        )
    except InvalidInput as wrong:
        raise SettingsError(str(wrong)) from None
    reconciler = Reconciler(
        engine.recorder,
        Reconciliations(engine.store, owner=engine.owner, sole=sole, lease_ms=_lease(settings)),
        engine.clock,
        rules,
        _lists(settings, engine, inbox, guests),
        background=stays,
    )
    try:
        nightly = Nightly(reconciler, engine.clock, settings["SYNC_SCHEDULE"])
    except InvalidInput as wrong:
        raise SettingsError(f"SYNC_SCHEDULE: {wrong}") from None
    prover = _prover(settings, engine, guests, sole=sole)
    chores = [Chore("proofs", PROOFS_EVERY, prover.work)]
    if stays:
        # Several that share a store take turns by the lease. On Lambda a function of its own is invoked when it is time.
        chores.append(Chore(NAME, EVERY, nightly.look))
    return Night(Reconciling(reconciler, nightly), prover, tuple(chores))


def _lease(settings: Settings) -> int:
    """Milliseconds: compressed as every wait of ours is, and never shorter than a provider may take to answer."""
    factor: float = settings["ONPAID_TIME_FACTOR"]
    return max(SHORTEST_LEASE_MS, round(LEASE_MS / factor))


def _lists(settings: Settings, engine: Engine, inbox: Inbox, guests: Mapping[str, Any]) -> Lists:
    """What the reconciliation looks through."""
    clock, prefix = engine.clock, settings["ORDER_NUMBER_PREFIX"]

    def number_of(session: str) -> str:
        return order_number(prefix, session)

    lifted, factor = settings["ONPAID_LIFT_LANES"], settings["ONPAID_TIME_FACTOR"]

    def gate(lane: str) -> Gate:
        rate = None if lifted else READS_PER_SECOND
        paused = partial(engine.workshop.lanes.paused, lane)
        return Gate(clock, per_second=rate, paused=paused, factor=factor)

    source, till, cashier = (guests.get(name) for name in ("payment_source", "till", "checkouts"))
    at_stripe = gate("stripe")
    events = sessions = payments = probe = None
    if isinstance(source, stripe.Stripe):
        events = Events(
            source, inbox, source=source.name, types=source.types, number_of=number_of, gate=at_stripe
        )
        endpoints = StripeEndpoints(
            source.sdk, public_url=settings["ONPAID_PUBLIC_URL"], billing=till is not None
        )
        probe = partial(at_stripe.ask, endpoints.probe)
    if isinstance(till, stripe_till.StripeTill):
        sessions = Sessions(
            till,
            guests["sessions"],
            engine.recorder,
            clock,
            account=guests["sessions"].rules.account,
            number_of=number_of,
            gate=at_stripe,
            settle=SETTLE / factor,
        )
    if isinstance(cashier, razorpay.Razorpay):
        payments = Payments(cashier, inbox, engine.store, gate("razorpay"))
    return Lists(events=events, sessions=sessions, payments=payments, probe=probe)


def _prover(settings: Settings, engine: Engine, guests: Mapping[str, Any], *, sole: bool) -> Prover:
    """The proof, of whomever can be asked: a stand-in for a provider (a dry run, say) cannot."""
    visits = Visits.of(engine)
    takings: dict[str, Takings] = {}
    shops, left_out = [], []
    source, cashier = guests.get("payment_source"), guests.get("checkouts")
    accounts, courier = guests.get("invoicing"), guests.get("shipping")
    if isinstance(source, stripe.Stripe):
        takings["stripe"] = Followed(visits, StripeLists(source.sdk, source.shop))
        shops += [settings["KONVERZKY_SHOP"], settings["STRIPE_CHECKOUT_SHOP"]]
    else:
        left_out.append("Stripe: nothing is set up.")
    if isinstance(cashier, razorpay.Razorpay):
        takings["razorpay"] = Paged(visits, cashier)
        shops.append(settings["CHECKOUT_SHOP"])
    else:
        left_out.append("Razorpay: nothing is set up.")
    if not isinstance(accounts, fiken.Fiken):
        left_out.append("Invoices: no accounts are set up.")
    if not isinstance(courier, shiprocket.Shiprocket):
        left_out.append("Parcels: they are only logged (SHIPROCKET_DRY_RUN), or nothing is set up.")
    if guests.get("billing") is None:
        left_out.append("Billing events: none are told.")
    return Prover(
        engine.store,
        guests["orders"],
        guests["references"],
        engine.clock,
        visits,
        Outside(
            takings=takings,
            accounts=accounts if isinstance(accounts, fiken.Fiken) else None,
            courier=courier if isinstance(courier, shiprocket.Shiprocket) else None,
            billing=guests.get("billing"),
            messages=guests.get("messages") is not None,
            shops=tuple(shops),
            left_out=tuple(left_out),
        ),
        owner=engine.owner,
        zone=time_zone(settings["COMPANY_TIME_ZONE"]),
        sessions=guests.get("sessions"),
        sole=sole,
    )
