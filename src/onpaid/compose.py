"""The one file that knows every room: settings in, a service out.

Nothing else builds an engine, a store or a provider; tests build theirs from the same function with other guests.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import Any, Protocol

from onpaid import (
    __version__,
    compose_billing,
    compose_delivery,
    compose_invoicing,
    compose_messages,
    compose_night,
    compose_telling,
)
from onpaid.app.delivery import Delivery
from onpaid.app.forgeries import Forgeries
from onpaid.app.inbox import Inbox
from onpaid.app.keeping import Keeping
from onpaid.app.proving import Prover
from onpaid.app.reconciling_shown import Reconciling
from onpaid.app.sales import Sales
from onpaid.app.views import Views
from onpaid.clock import Clock, SystemClock
from onpaid.compose_modes import is_live, keep_to_one_mode, stories
from onpaid.compose_store import open_store, table_of
from onpaid.engine.bell import Bell
from onpaid.engine.flow import Flows
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.engine.visits import Visits
from onpaid.flows.expire_order import expire_order
from onpaid.flows.rules import Rules
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.events import Events
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.problems import Problems
from onpaid.repositories.references import References
from onpaid.runtime.chores import Chore
from onpaid.runtime.embedded import AsyncBell, EmbeddedRuntime
from onpaid.settings import Settings
from onpaid.store.generation import generation
from onpaid.store.moved import for_work
from onpaid.store.port import Put, Store

FLOWS = (
    expire_order,
    *compose_telling.FLOWS,
    *compose_invoicing.FLOWS,
    *compose_delivery.FLOWS,
    *compose_billing.FLOWS,
)
"""Every flow of this version; a service tells those of the stories that its settings describe."""


class Runtime(Protocol):
    """What keeps runs moving."""

    async def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """Take no new run, and bring those under way to a rest."""
        ...


@dataclass(frozen=True, slots=True)
class Moving:
    """How runs are moved: the bell, and what answers it. `sole` says that no other process has the store, `stays` that
    this one lives on between requests: then it keeps the time itself."""

    bell: Bell
    runtime: Callable[[Engine, Clock, Sequence[Chore]], Runtime]
    sole: bool = True
    stays: bool = True


def embedded(*, sole: bool = True) -> Moving:
    """One process: a bell in memory, and loops that answer it."""
    bell = AsyncBell()
    return Moving(
        bell, lambda engine, clock, chores: EmbeddedRuntime(engine, bell, clock, chores=chores), sole
    )


@dataclass
class Service:
    """Everything that one process is made of."""

    settings: Settings
    store: Store
    clock: Clock
    engine: Engine
    operations: Operations
    inbox: Inbox
    views: Views
    runtime: Runtime
    guests: Mapping[str, Any]
    forgeries: Forgeries
    delivery: Delivery | None = None
    handshakes: Mapping[str, compose_messages.Handshake] = field(default_factory=dict)
    sales: Sales | None = None
    reconciling: Reconciling | None = None
    prover: Prover | None = None

    async def start(self) -> None:
        """Begin to advance runs; after an upgrade, judge again what the last version could not make sense of."""
        await self.runtime.start()
        await self.judge_once()

    async def judge_once(self) -> None:
        """Judge again what the last version could not make sense of, unless this one has done so. Raises StoreError."""
        held = await self.store.get("meta", "version")
        if held is None or held.body != VERSION.encode():
            await self.inbox.judge_unrouted_again()
            await self.store.commit([Put("meta", "version", VERSION.encode())])

    async def stop(self) -> None:
        """Finish or hand back what is under way, and let go of everything."""
        await self.runtime.stop()
        if self.reconciling is not None:
            await self.reconciling.reconciler.close()
        await self.forgeries.close()
        for guest in self.guests.values():
            close = getattr(guest, "close", None)
            if close is not None and guest is not self.store:
                await close()
        await self.store.close()


async def build(
    settings: Settings,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    moving: Moving | None = None,
    others: Mapping[str, Any] | None = None,
) -> Service:
    """The service that these settings describe; `others` take the place of guests of the same name.

    Raises SettingsError, StoreUnusable.
    """
    clock, random = clock or SystemClock(), SystemRandom()
    moving = moving or embedded(sole=table_of(settings) is None)
    told, live = stories(settings), is_live(settings)
    store = await for_work(store or await open_store(settings), clock.now())
    await keep_to_one_mode(store, live=live)
    orders = Orders(store, prices_include_vat=settings["KONVERZKY_PRICES_INCLUDE_VAT"])
    payments, references, events = Payments(store), References(store), Events(store)
    story = (
        await compose_delivery.delivery(settings, store, orders, clock, live=live) if told.delivers else None
    )
    providers = compose_telling.guests(settings)
    flows = [expire_order, *compose_telling.FLOWS]
    sources: list[WebhookSource] = []
    if told.invoices:
        providers |= compose_invoicing.guests(settings, live=live, sells=told.sells)
        flows += compose_invoicing.FLOWS
        sources += [providers["payment_source"], *compose_invoicing.shops(settings, live=live)]
    if story is not None:
        providers |= story.providers
        flows += compose_delivery.FLOWS
        sources += story.sources
    sales = None
    if told.sells:
        sales = compose_billing.story(settings, store, orders, payments, clock, live=live, others=providers)
        sales.providers |= {name: each for name, each in (others or {}).items() if name in sales.providers}
        providers |= sales.providers
        flows += compose_billing.FLOWS
        sources += sales.sources
    guests: dict[str, Any] = {
        **providers,
        **({} if story is None else story.records),
        **({} if sales is None else sales.records),
        "orders": orders,
        "payments": payments,
        "references": references,
        "problems": Problems(store, environment=settings["ONPAID_ENVIRONMENT"]),
        "rules": _rules(settings),
        **(others or {}),
    }
    engine = Engine(
        store,
        Flows(flows, guests),
        clock=clock,
        bell=moving.bell,
        random=random,
        owner=secrets.token_hex(8),
        pace=Pace(factor=settings["ONPAID_TIME_FACTOR"]),
        lanes=list(
            {lane.name: lane for guest in guests.values() for lane in getattr(guest, "lanes", ())}.values()
        ),
        lift_lanes=settings["ONPAID_LIFT_LANES"],
        generation=await generation(store),
        sole=moving.sole,
    )
    shops = [settings["KONVERZKY_SHOP"]] if told.invoices else []
    shops += [settings["CHECKOUT_SHOP"]] if story is not None else []
    shops += [settings["STRIPE_CHECKOUT_SHOP"]] if sales is not None else []
    views = Views(store, clock, engine, orders, payments, events, references, shops=tuple(shops))
    recorder = engine.recorder
    inbox = Inbox(recorder, _keeping(store, guests), {each.name: each for each in sources}, clock)
    night = compose_night.night(settings, engine, inbox, guests, sole=moving.sole, stays=moving.stays)
    chores = [*(() if story is None else story.chores(recorder, clock)), *night.chores]
    return Service(
        settings,
        store,
        clock,
        engine,
        Operations(engine),
        inbox,
        views,
        moving.runtime(engine, clock, chores),
        guests,
        Forgeries(recorder, clock),
        None if story is None else story.face(recorder, clock, random),
        {} if story is None else story.handshakes,
        None if sales is None else sales.face(recorder, clock, random, Visits.of(engine)),
        night.reconciling,
        night.prover,
    )


def _keeping(store: Store, guests: Mapping[str, Any]) -> Keeping:
    return Keeping(
        store,
        guests["orders"],
        guests["payments"],
        guests.get("checkout_records"),
        guests.get("shipments"),
        guests.get("messages"),
        guests.get("sessions"),
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        vat=compose_invoicing.vat_table(settings),
        cash_invoice=settings["INVOICE_KIND"] == "cash",
        due_days=settings["INVOICE_DUE_DAYS"],
        time_zone=settings["COMPANY_TIME_ZONE"],
        order_wait=settings["ORDER_WAIT"],
        look_again=settings["STRIPE_RETRY_DELAY_SECONDS"],
        mismatch_wait=settings["ORDER_MISMATCH_WAIT"],
        order_expires_after=settings["ORDER_EXPIRES_AFTER"],
    )


VERSION = __version__
