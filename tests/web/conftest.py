"""Worlds for the tests of the web face, and the rule about browsers: without one, their tests are skipped and say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.web.deliveries import deliver
from tests.web.selling import sell
from tests.web.serving import CHROMIUM, Served, seeded, serving
from tests.web.stories import fill
from tests.web.world import World, make_world


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if Path(CHROMIUM).exists() or os.environ.get("CI") == "true":
        return
    for item in items:
        if item.get_closest_marker("needs_chromium"):
            item.add_marker(pytest.mark.skip(reason=f"{CHROMIUM} is missing: apt-get install chromium"))


@pytest.fixture
def world() -> World:
    """A service with an empty store."""
    return make_world()


@pytest.fixture
async def shop() -> World:
    """A service in the middle of a shop's day."""
    world = make_world()
    await fill(world.store, well=8)
    await world.engine.open()
    return world


@pytest.fixture
async def market() -> World:
    """The same service, where the shop's own checkout has been open for two weeks, and courses are sold at Stripe."""
    world = make_world()
    await fill(world.store, well=8)
    await deliver(world.store)
    await sell(world)
    await world.engine.open()
    return world


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's own browser."""
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def fresh() -> Iterator[Served]:
    """A service whose state a test may change."""
    with serving(seeded) as found:
        yield found


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The shop's day on a port."""
    with serving(seeded) as found:
        yield found
