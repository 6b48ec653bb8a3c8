"""The one file that knows every room: settings in, a service out.

Nothing else builds an engine, a store or a provider; tests build theirs from the same function with other guests.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from onpaid import __version__
from onpaid.app.inbox import Inbox
from onpaid.app.views import Views
from onpaid.clock import Clock, SystemClock
from onpaid.domain.vat import VatTable
from onpaid.engine.flow import Flows
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.runner import Engine
from onpaid.errors import Conflict, SettingsError
from onpaid.flows.expire_order import expire_order
from onpaid.flows.file_contact import file_contact
from onpaid.flows.file_ticket import file_ticket
from onpaid.flows.invoice_payment import invoice_payment
from onpaid.flows.report_payment_change import report_payment_change
from onpaid.flows.rules import Rules
from onpaid.providers import fiken, konverzky, stripe, ticket_log
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.events import Events
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.references import References
from onpaid.runtime.embedded import AsyncBell, EmbeddedRuntime
from onpaid.settings import Settings
from onpaid.store.generation import generation
from onpaid.store.port import Insert, Put, Store
from onpaid.store.sqlite import SqliteStore

FLOWS = (invoice_payment, file_contact, expire_order, report_payment_change, file_ticket)


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
    runtime: EmbeddedRuntime
    guests: Mapping[str, Any]

    async def start(self) -> None:
        """Begin to advance runs; after an upgrade, judge again what the last version could not make sense of."""
        await self.runtime.start()
        held = await self.store.get("meta", "version")
        if held is None or held.body != VERSION.encode():
            await self.inbox.judge_unrouted_again()
            await self.store.commit([Put("meta", "version", VERSION.encode())])

    async def stop(self) -> None:
        """Finish or hand back what is under way, and let go of everything."""
        await self.runtime.stop()
        for guest in self.guests.values():
            close = getattr(guest, "close", None)
            if close is not None and guest is not self.store:
                await close()
        await self.store.close()


def database_path(settings: Settings) -> Path:
    """The file of `sqlite:///path`. Raises SettingsError for what this version cannot open."""
    address: str = settings["ONPAID_DATABASE"]
    scheme, mark, path = address.partition(":///")
    if scheme != "sqlite" or not mark or not path:
        raise SettingsError(
            f"ONPAID_DATABASE is {address!r}: say sqlite:///onpaid.db or sqlite:////var/lib/onpaid.db"
        )
    return Path(path)


async def open_store(settings: Settings, *, exclusive: bool = True) -> SqliteStore:
    """The database of these settings. Raises StoreUnusable, with the reason."""
    return await SqliteStore.open(
        database_path(settings),
        exclusive=exclusive,
        network_file_system=settings["ONPAID_ALLOW_NETWORK_DISK"],
    )


async def build(settings: Settings, *, store: Store | None = None, clock: Clock | None = None) -> Service:
    """The service that these settings describe. Raises SettingsError, StoreUnusable."""
    clock = clock or SystemClock()
    providers = _providers(settings)
    rules = _rules(settings)
    store = store or await open_store(settings)
    await _keep_to_one_mode(store, live=is_live(settings))
    orders = Orders(store, prices_include_vat=settings["KONVERZKY_PRICES_INCLUDE_VAT"])
    payments, references, events = Payments(store), References(store), Events(store)
    guests: dict[str, Any] = {
        **providers,
        "orders": orders,
        "payments": payments,
        "references": references,
        "rules": rules,
    }
    bell = AsyncBell()
    engine = Engine(
        store,
        Flows(FLOWS, guests),
        clock=clock,
        bell=bell,
        random=SystemRandom(),
        owner=secrets.token_hex(8),
        pace=Pace(factor=settings["ONPAID_TIME_FACTOR"]),
        lanes=[lane for provider in providers.values() for lane in getattr(provider, "lanes", ())],
        lift_lanes=settings["ONPAID_LIFT_LANES"],
        generation=await generation(store),
    )
    sources: dict[str, WebhookSource] = {
        source.name: source for source in (providers["payment_source"], _konverzky(settings))
    }
    inbox = Inbox(engine.recorder, orders, payments, sources, clock)
    views = Views(
        store, clock, engine, orders, payments, events, references, shops=(settings["KONVERZKY_SHOP"],)
    )
    runtime = EmbeddedRuntime(engine, bell, clock)
    return Service(settings, store, clock, engine, Operations(engine), inbox, views, runtime, guests)


def _providers(settings: Settings) -> dict[str, Any]:
    """Who fulfils which role."""
    missing = settings.missing(
        "STRIPE_API_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "KONVERZKY_WEBHOOK_SECRET",
        "FIKEN_API_TOKEN",
        "FIKEN_COMPANY_SLUG",
        "FIKEN_BANK_ACCOUNT_CODE",
        "FIKEN_PAYMENT_ACCOUNT",
    )
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}. `onpaid doctor` says what each is for")
    return {
        "payment_source": stripe.Stripe(
            stripe.Settings(
                api_key=settings["STRIPE_API_KEY"],
                webhook_secrets=settings["STRIPE_WEBHOOK_SECRET"],
                live=is_live(settings),
                shop=settings["KONVERZKY_SHOP"],
                order_number_key=settings["STRIPE_ORDER_NUMBER_KEY"],
                api_base=settings["STRIPE_API_BASE"],
            )
        ),
        "invoicing": fiken.Fiken(
            fiken.Settings(
                api_token=settings["FIKEN_API_TOKEN"],
                company_slug=settings["FIKEN_COMPANY_SLUG"],
                bank_account_code=settings["FIKEN_BANK_ACCOUNT_CODE"],
                payment_account=settings["FIKEN_PAYMENT_ACCOUNT"],
                api_base=settings["FIKEN_API_BASE"],
            )
        ),
        "ticketing": ticket_log.TicketLog(ticket_log.Settings(path=Path(settings["ONPAID_TICKET_LOG"]))),
    }


async def _keep_to_one_mode(store: Store, *, live: bool) -> None:
    """A database that has seen test orders never becomes a live one: their numbers would meet."""
    mode = b"live" if live else b"test"
    held = await store.get("meta", "mode")
    if held is None:
        with contextlib.suppress(Conflict):
            await store.commit([Insert("meta", "mode", mode)])
        held = await store.get("meta", "mode")
    if held is not None and held.body != mode:
        raise SettingsError(
            f"this database holds {held.body.decode()} orders, and STRIPE_API_KEY is a {mode.decode()} key: "
            "set ONPAID_DATABASE to a new file"
        )


def is_live(settings: Settings) -> bool:
    """Whether real money is meant: the mode of the Stripe key."""
    return bool(stripe.key_mode(settings["STRIPE_API_KEY"] or ""))


def _konverzky(settings: Settings) -> konverzky.Konverzky:
    return konverzky.Konverzky(
        konverzky.Settings(
            mode=settings["KONVERZKY_AUTH"],
            secrets=settings["KONVERZKY_WEBHOOK_SECRET"],
            shop=settings["KONVERZKY_SHOP"],
            live=is_live(settings),
        )
    )


def _rules(settings: Settings) -> Rules:
    return Rules(
        vat=vat_table(settings),
        cash_invoice=settings["INVOICE_KIND"] == "cash",
        due_days=settings["INVOICE_DUE_DAYS"],
        time_zone=settings["COMPANY_TIME_ZONE"],
        order_wait=settings["ORDER_WAIT"],
        look_again=settings["STRIPE_RETRY_DELAY_SECONDS"],
        mismatch_wait=settings["ORDER_MISMATCH_WAIT"],
        order_expires_after=settings["ORDER_EXPIRES_AFTER"],
    )


def vat_table(settings: Settings) -> VatTable:
    """The VAT table that the operator signed off; an empty one, which refuses every invoice, if there is none."""
    path = settings["INVOICE_VAT_RULES"]
    if path is None:
        return VatTable(rules=(), source="INVOICE_VAT_RULES, which is not set")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"INVOICE_VAT_RULES: {path} cannot be read: {error.strerror}") from None
    return VatTable.from_toml(text, str(path))


VERSION = __version__
