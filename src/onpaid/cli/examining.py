"""Gathers what `onpaid doctor` looks at: settings, VAT table, database, clock, and each provider's own word.

Nothing is changed: a database that does not exist is not made, an older one not upgraded, and of Shiprocket only what
is there is read, dry run or not. Fiken bans who calls it twice at once, so while a server runs, whoever has a strict
lane is not asked beside it.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import apsw
import msgspec

from onpaid.app.doctor import (
    Finding,
    about_clock,
    about_endpoints,
    about_provider,
    about_settings,
    about_tables,
    about_vat,
)
from onpaid.app.doctor_delivery import about_delivery
from onpaid.app.doctor_sales import about_keys, about_sales
from onpaid.app.meant import stories
from onpaid.app.reconciling_plan import Probe
from onpaid.cli import reach
from onpaid.cli.callers import OverHttp
from onpaid.clock import SystemClock
from onpaid.compose import build
from onpaid.compose_delivery import templates_of
from onpaid.compose_invoicing import vat_table
from onpaid.compose_modes import is_live
from onpaid.compose_store import open_store
from onpaid.errors import OnpaidError, ProviderError, SettingsError
from onpaid.providers.key_sets import KeySetSource
from onpaid.repositories.events import Events
from onpaid.settings import Settings
from onpaid.store.memory import MemoryStore
from onpaid.store.sqlite_lock import read_announcement
from onpaid.store.sqlite_schema import MIGRATIONS, check_ours

SECONDS = 30.0
NEEDS = {
    "payment_source": ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"),
    "konverzky": ("KONVERZKY_WEBHOOK_SECRET",),
    "invoicing": (
        "FIKEN_API_TOKEN",
        "FIKEN_COMPANY_SLUG",
        "FIKEN_BANK_ACCOUNT_CODE",
        "FIKEN_PAYMENT_ACCOUNT",
    ),
    "till": ("STRIPE_API_KEY",),
    "topic": (),
    "subscriber_doors": (),
    "ticketing": (),
    "tracker": (),
    "alerting": (),
    "checkouts": ("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET"),
    "shipping": ("SHIPROCKET_EMAIL", "SHIPROCKET_PASSWORD"),
    "tracking": ("SHIPROCKET_WEBHOOK_TOKEN",),
    "messaging": (),
    "whatsapp": ("WHATSAPP_APP_SECRET", "WHATSAPP_VERIFY_TOKEN"),
    "twilio": (),
    "msg91": ("WHATSAPP_WEBHOOK_TOKEN",),
    "wati": ("WHATSAPP_WEBHOOK_TOKEN",),
}
"""What has to be set before it makes sense to ask a provider."""


async def examine() -> list[Finding]:
    """Every finding, what is wrong first."""
    try:
        settings = reach.settings()
    except SettingsError as error:
        return [Finding(f"{each[0].upper()}{each[1:]}.") for each in str(error).split("; ")]
    found, live = _about_modes(settings)
    found += about_settings(settings, live=live) + about_tables(settings)
    meant = stories(settings)
    try:
        found += about_vat(vat_table(settings)) if meant.invoices else []
    except SettingsError as error:
        found.append(Finding(f"{error}."))
    if meant.delivers:
        found += about_delivery(settings, live=live)
        try:
            templates_of(settings)
        except SettingsError as error:
            found.append(Finding(f"{error}."))
    if meant.sells:
        found += about_sales(settings, live=live) + await _about_keys(settings)
    running = False
    newest: int | None = None
    try:
        path = reach.database(settings)
        running = await asyncio.to_thread(read_announcement, path) is not None
        told, newest = await _about_database(settings, path)
        found += told
    except OnpaidError as error:
        found.append(Finding(f"{error}."))
    found += about_clock(SystemClock().now(), newest)
    found += await _about_providers(settings, live=live, running=running)
    return sorted(found, key=lambda finding: not finding.wrong)


def _about_modes(settings: Settings) -> tuple[list[Finding], bool]:
    """Whether the keys are of one mode, and whether real money is meant (if they are not, it may be)."""
    try:
        return [], is_live(settings)
    except SettingsError as error:
        return [Finding(f"{error}.")], True


async def _about_keys(settings: Settings) -> list[Finding]:
    """Whether the public keys of users' tokens can be read, where there are any."""
    if not settings["JWT_JWKS"]:
        return []
    try:
        source = KeySetSource(settings["JWT_JWKS"])
    except SettingsError as error:
        return [Finding(f"{error}.")]
    try:
        return await about_keys(source.read)
    finally:
        await source.close()


async def _about_database(settings: Settings, path: Path) -> tuple[list[Finding], int | None]:
    """What is to be said of the database, and when its newest event came."""
    told = await asyncio.to_thread(read_announcement, path)
    if told is not None:
        found = [Finding(f"Process {told.pid} holds {path} and writes to it.", wrong=False)]
        if told.address:
            token = settings["ONPAID_ADMIN_TOKEN"] or ""
            found += await asyncio.to_thread(_about_server, OverHttp(told.address, token), told.address)
        return found, None
    if not await asyncio.to_thread(path.exists):
        folder = await asyncio.to_thread(lambda: path.resolve().parent)
        if not os.access(folder, os.W_OK | os.X_OK):
            return [Finding(f"{path} cannot be made: {folder} is missing or not ours to write in.")], None
        return [Finding(f"{path} does not exist yet: the first start makes it.", wrong=False)], None
    version = await asyncio.to_thread(_version, path)
    if version < len(MIGRATIONS):
        return [
            Finding(
                f"{path} has format {version} and becomes {len(MIGRATIONS)} at the next start: make a backup first.",
                wrong=False,
            )
        ], None
    store = await open_store(settings)
    try:
        await store.ping()
        events = await Events(store).newest(limit=1)
    finally:
        await store.close()
    newest = events.items[0].received_at if events.items else None
    return [Finding(f"{path} can be written; its format is {version}.", wrong=False)], newest


def _about_server(server: OverHttp, address: str) -> list[Finding]:
    """Whether the running server takes work."""
    status, said = server.send("GET", "/readyz", None)
    if status == 200:
        return [Finding(f"The server at {address} is ready.", wrong=False)]
    try:
        missing = msgspec.json.decode(said, type=dict[str, Any]).get("missing", [])
    except msgspec.MsgspecError:
        missing = []
    return [Finding(f"The server at {address} is not ready: {' '.join(missing) or f'it answers {status}'}.")]


def _version(path: Path) -> int:
    """The file's format. Raises StoreUnusable for a file that is not ours or too new."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        check_ours(connection, str(path))
        return int(connection.pragma("user_version"))
    finally:
        connection.close()


async def _about_providers(settings: Settings, *, live: bool, running: bool) -> list[Finding]:
    """What each provider says of our access. One whose settings are missing has been told of already."""
    ships = not settings.missing(*NEEDS["shipping"])
    try:
        looking = reach.settings_to_look(**({"SHIPROCKET_DRY_RUN": "false"} if ships else {}))
        service = await build(looking, store=MemoryStore())
    except SettingsError as error:
        return [Finding(f"{error}. The providers are asked once this is mended.")]
    there: dict[str, Any] = {**service.guests, **service.inbox.sources}
    ask = [each for name, each in there.items() if name in NEEDS and not settings.missing(*NEEDS[name])]
    asking = [_about_one(each, running=running) for each in ask]
    if service.reconciling is not None and not settings.missing("STRIPE_API_KEY"):
        asking.append(_about_endpoints(service.reconciling.reconciler.probe, live=live))
    try:
        return [finding for told in await asyncio.gather(*asking) for finding in told]
    finally:
        await service.stop()


async def _about_endpoints(probe: Probe | None, *, live: bool) -> list[Finding]:
    """Whether the webhooks of payments lead here. A key that may not ask this does its work all the same."""
    if probe is None:
        return []
    try:
        async with asyncio.timeout(SECONDS):
            return about_endpoints(await probe(), live=live)
    except (ProviderError, TimeoutError) as error:
        says = f"Whether Stripe's webhooks lead here could not be asked: {str(error) or 'no answer in time'}."
        return [Finding(says, wrong=False)]


async def _about_one(provider: Any, *, running: bool) -> list[Finding]:
    """What one provider says."""
    who = type(provider).__name__
    if running and any(lane.strict for lane in provider.lanes):
        says = f"{who} was not asked: the server that runs calls it, and only one may at a time."
        return [Finding(says, wrong=False)]
    try:
        async with asyncio.timeout(SECONDS):
            return about_provider(await provider.doctor())
    except TimeoutError:
        return [Finding(f"{who} did not answer within {SECONDS:.0f} s.")]
