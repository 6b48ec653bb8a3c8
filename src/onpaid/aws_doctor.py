"""What `onpaid doctor` says, where the service runs on Lambda: for an invocation with `{"test": true}`.

Settings, table, queue, clock, and each provider's own word. Nothing is changed, and no sentence holds a secret. Who
has a strict lane is not asked: another invocation may be calling this moment, and one at a time is the rule.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

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
from onpaid.compose_aws import House
from onpaid.compose_delivery import templates_of
from onpaid.compose_invoicing import vat_table
from onpaid.compose_modes import is_live
from onpaid.errors import OnpaidError, ProviderError, StoreError
from onpaid.repositories.events import Events
from onpaid.settings import Settings

SECONDS = 10.0
MARGIN = 3.0
"""Seconds that are left for the answer."""
NOT_HERE = ("ONPAID_SESSION_SECRET is not set", "ONPAID_HOST ")
"""How sentences begin that are about a server: here the secret of sessions is kept in the table."""


async def examine(house: House, remaining: Callable[[], float]) -> list[Finding]:
    """Every finding, what is wrong first."""
    settings = house.settings
    live = is_live(settings)
    found = [each for each in about_settings(settings, live=live) if not each.says.startswith(NOT_HERE)]
    found += about_tables(settings)
    meant = stories(settings)
    found += _told(lambda: about_vat(vat_table(settings))) if meant.invoices else []
    found += about_delivery(settings, live=live) if meant.delivers else []
    found += _told(lambda: _about_templates(settings)) if meant.delivers else []
    found += about_sales(settings, live=live) if meant.sells else []
    keys = house.service.guests.get("key_set")
    found += await about_keys(keys.read) if keys is not None else []
    if settings["ONPAID_PUBLIC_URL"] is None:
        found.append(
            Finding("ONPAID_PUBLIC_URL is not set: links would lead to nowhere. Set the API's address.")
        )
    told, newest = await _about_table(house)
    found += told + await _about_queue(house)
    found += about_clock(house.service.clock.now(), newest)
    found += await _about_providers(house, max(1.0, min(SECONDS, remaining() - MARGIN)))
    return sorted(found, key=lambda finding: not finding.wrong)


def unbuilt(error: OnpaidError) -> list[Finding]:
    """What is to be said where no service could be made."""
    return [Finding(f"{each[:1].upper()}{each[1:]}.") for each in str(error).split("; ")]


def _about_templates(settings: Settings) -> list[Finding]:
    """Nothing, if they can be read. Raises SettingsError."""
    templates_of(settings)
    return []


def _told(look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except OnpaidError as error:
        return [Finding(f"{error}.")]


async def _about_table(house: House) -> tuple[list[Finding], int | None]:
    """Whether the table can be written, and when the newest event came."""
    where = house.settings["ONPAID_DATABASE"]
    try:
        await house.service.store.ping()
        events = await Events(house.service.store).newest(limit=1)
    except StoreError as error:
        return [Finding(f"{where} cannot be used: {error}.")], None
    newest = events.items[0].received_at if events.items else None
    return [Finding(f"{where} can be used.", wrong=False)], newest


async def _about_queue(house: House) -> list[Finding]:
    try:
        waiting = await house.queue.waiting()
    except Exception as error:  # noqa: BLE001 - whatever the client says
        return [
            Finding(f"The work queue cannot be asked: {type(error).__name__}. Look at ONPAID_WORK_QUEUE_URL.")
        ]
    return [Finding(f"The work queue can be asked; about {waiting} messages wait.", wrong=False)]


async def _about_providers(house: House, seconds: float) -> list[Finding]:
    """What each provider says of our access, all asked at once."""
    asking = [_about_one(each, seconds) for each in house.outside() if hasattr(each, "doctor")]
    told = await asyncio.gather(*asking, _about_endpoints(house, seconds))
    return [finding for findings in told for finding in findings]


async def _about_endpoints(house: House, seconds: float) -> list[Finding]:
    """Whether the webhooks of payments lead here. A key that may not ask this does its work all the same."""
    night = house.service.reconciling
    probe = None if night is None else night.reconciler.probe
    if probe is None:
        return []
    try:
        async with asyncio.timeout(seconds):
            return about_endpoints(await probe(), live=is_live(house.settings))
    except (ProviderError, TimeoutError) as error:
        says = f"Whether Stripe's webhooks lead here could not be asked: {str(error) or 'no answer in time'}."
        return [Finding(says, wrong=False)]


async def _about_one(provider: Any, seconds: float) -> list[Finding]:
    who = type(provider).__name__
    if any(lane.strict for lane in getattr(provider, "lanes", ())):
        says = f"{who} was not asked: only one call at a time is allowed, and one may be under way."
        return [Finding(says, wrong=False)]
    try:
        async with asyncio.timeout(seconds):
            return about_provider(await provider.doctor())
    except TimeoutError:
        return [Finding(f"{who} did not answer within {seconds:.0f} s.")]
