"""The story of delivery, put together: our checkout, Razorpay's payments, Shiprocket's parcels, WhatsApp's messages."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

from onpaid import compose_messages
from onpaid.app.checkout import CheckoutDesk, Shop
from onpaid.app.delivering import Delivering
from onpaid.app.delivery import Delivery
from onpaid.app.following import Following
from onpaid.clock import Clock
from onpaid.domain.links import Links
from onpaid.domain.products import Dimensions
from onpaid.domain.templates import Templates
from onpaid.engine.flow import Flow
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, SettingsError
from onpaid.flows.book_shipment import book_shipment
from onpaid.flows.cancel_shipment import cancel_shipment
from onpaid.flows.note_refund import note_refund
from onpaid.flows.open_checkout import open_checkout
from onpaid.flows.send_message import send_message
from onpaid.flows.ship_paid_order import ship_paid_order
from onpaid.providers import dry_run, razorpay, shiprocket
from onpaid.providers.roles import WebhookSource
from onpaid.providers.roles_delivery import Shipping
from onpaid.providers.shiprocket_webhook import ShiprocketTracking
from onpaid.repositories.catalogue import Catalogue
from onpaid.repositories.checkouts import CheckoutRecords
from onpaid.repositories.fulfilments import Fulfilments
from onpaid.repositories.messages import Messages, Wording
from onpaid.repositories.orders import Orders
from onpaid.repositories.parcels import Packing, Parcels
from onpaid.repositories.shipments import Shipments
from onpaid.runtime.chores import Chore
from onpaid.settings import Settings
from onpaid.store.port import Insert, Store

FLOWS: Final[tuple[Flow, ...]] = (
    open_checkout,
    ship_paid_order,
    book_shipment,
    cancel_shipment,
    send_message,
    note_refund,
)
NEEDS: Final = ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET")
LIVE_NEEDS: Final = ("SHIPROCKET_EMAIL", "SHIPROCKET_PASSWORD")
FOLLOW_EVERY: Final = timedelta(minutes=10)
LINK_SECRET: Final = ("meta", "link-secret")


def wanted(settings: Settings) -> bool:
    """Whether anything says that this story is to be told here."""
    return len(settings.missing(*NEEDS)) < len(NEEDS)


@dataclass(slots=True)
class DeliveryStory:
    """The story's parts. `providers` have lanes and are closed in the end; `records` are guests of its flows."""

    settings: Settings
    orders: Orders
    providers: dict[str, Any]
    records: dict[str, Any]
    sources: list[WebhookSource]
    handshakes: Mapping[str, compose_messages.Handshake]
    live: bool

    def face(self, recorder: Recorder, clock: Clock, random: Random) -> Delivery:
        """What the web and the command line get of it."""
        settings, records = self.settings, self.records
        name = settings["CHECKOUT_SHOP"]
        desk = CheckoutDesk(
            recorder,
            self.orders,
            records["checkout_records"],
            records["catalogue"],
            records["messages"],
            clock,
            random,
            Shop(name, self.live, settings["RAZORPAY_KEY_ID"]),
            self.providers["checkouts"].verify_page,
        )
        hands = Delivering(
            recorder,
            self.orders,
            records["fulfilments"],
            records["shipments"],
            records["catalogue"],
            clock,
            name,
        )
        return Delivery(
            desk,
            hands,
            self.orders,
            records["catalogue"],
            records["checkout_records"],
            records["fulfilments"],
            records["shipments"],
            records["messages"],
        )

    def chores(self, recorder: Recorder, clock: Clock) -> list[Chore]:
        """What is done again and again."""
        shipping, shipments = self.providers["shipping"], self.records["shipments"]
        return [Chore("follow parcels", FOLLOW_EVERY, Following(recorder, shipments, shipping, clock).look)]


async def delivery(
    settings: Settings, store: Store, orders: Orders, clock: Clock, *, live: bool
) -> DeliveryStory:
    """The story as these settings describe it. Raises SettingsError."""
    missing = settings.missing(*NEEDS)
    if missing:
        raise SettingsError(f"not set: {', '.join(missing)}. `onpaid doctor` says what each is for")
    messages = Messages(store, orders, await _wording(settings, store), clock)
    cashier = razorpay.Razorpay(
        razorpay.Settings(
            key_id=settings["RAZORPAY_KEY_ID"],
            key_secret=settings["RAZORPAY_KEY_SECRET"],
            webhook_secrets=settings["RAZORPAY_WEBHOOK_SECRET"],
            live=live,
            shop=settings["CHECKOUT_SHOP"],
            api_base=settings["RAZORPAY_API_BASE"],
        )
    )
    courier = shiprocket.Settings(
        email=settings["SHIPROCKET_EMAIL"] or "",
        password=settings["SHIPROCKET_PASSWORD"] or "",
        pickup_location=settings["SHIPROCKET_PICKUP_LOCATION"],
        channel_id=settings["SHIPROCKET_CHANNEL_ID"],
        webhook_tokens=settings["SHIPROCKET_WEBHOOK_TOKEN"],
        api_base=settings["SHIPROCKET_API_BASE"],
    )
    told, handshakes = compose_messages.statuses(settings, live=live)
    return DeliveryStory(
        settings,
        orders,
        providers={
            "checkouts": cashier,
            "shipping": _shipping(settings, courier, clock),
            "messaging": compose_messages.messaging(settings, messages.heard, clock),
        },
        records={
            "checkout_records": CheckoutRecords(store, orders),
            "fulfilments": Fulfilments(store, orders),
            "catalogue": Catalogue(store, orders),
            "parcels": Parcels(store, orders, _packing(settings)),
            "shipments": Shipments(store, orders),
            "messages": messages,
        },
        sources=[cashier, ShiprocketTracking(courier), *told],
        handshakes=handshakes,
        live=live,
    )


def _shipping(settings: Settings, courier: shiprocket.Settings, clock: Clock) -> Shipping:
    if settings["SHIPROCKET_DRY_RUN"]:
        return dry_run.DryRunShipping(dry_run.Settings(courier.pickup_location, courier.channel_id))
    missing = settings.missing(*LIVE_NEEDS)
    if missing:
        raise SettingsError(f"SHIPROCKET_DRY_RUN is false, and {', '.join(missing)} not set")
    return shiprocket.Shiprocket(courier, clock)


def _packing(settings: Settings) -> Packing:
    told = settings["PARCEL_DEFAULT"]
    if told is None:
        return Packing()
    length, breadth, height, weight = told
    return Packing(Dimensions(length=length, breadth=breadth, height=height, weight=weight))


def templates_of(settings: Settings) -> Templates:
    """The table of message templates. Raises SettingsError, naming what is wrong in it."""
    path = settings["WHATSAPP_TEMPLATES"]
    if path is None:
        return Templates()
    try:
        return Templates.from_toml(Path(path).read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise SettingsError(f"WHATSAPP_TEMPLATES: {path} cannot be read: {error.strerror}") from None


async def _wording(settings: Settings, store: Store) -> Wording:
    where = f"http://{settings['ONPAID_HOST']}:{settings['ONPAID_PORT']}"
    return Wording(
        templates_of(settings),
        Links(settings["ONPAID_LINK_SECRET"] or (await kept_secret(store, *LINK_SECRET),)),
        settings["ONPAID_PUBLIC_URL"] or where,
        estimated_delivery=settings["DELIVERY_ESTIMATE"],
        link_life=settings["TRACK_LINK_LIFE"],
        spacing=settings["MESSAGE_SPACING"],
        factor=settings["ONPAID_TIME_FACTOR"],
    )


async def kept_secret(store: Store, kind: str, key: str) -> str:
    """A secret that nobody set: made once and kept, so that what it signs outlives the process. Raises StoreError."""
    held = await store.get(kind, key)
    if held is None:
        with contextlib.suppress(Conflict):
            await store.commit([Insert(kind, key, secrets.token_urlsafe(32).encode())])
        held = await store.get(kind, key)
    if held is None:
        raise SettingsError(f"the secret {key} could not be kept: set it")
    return held.body.decode()
