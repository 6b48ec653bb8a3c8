"""Probes and figures."""

from __future__ import annotations

from onpaid.errors import SettingsError
from tests.web.client import nobody, viewer
from tests.web.world import World


async def test_alive(world: World) -> None:
    assert (await nobody(world).get("/healthz")).json == {"alive": True, "version": "0.1.0"}


async def test_ready(world: World) -> None:
    assert (await nobody(world).get("/readyz")).json == {"ready": True, "missing": []}


async def test_what_is_missing_is_told_to_whom_it_concerns(world: World) -> None:
    world.missing.append("FIKEN_API_TOKEN is not set.")
    told = await viewer(world).get("/readyz")
    assert (told.status, told.json) == (503, {"ready": False, "missing": ["FIKEN_API_TOKEN is not set."]})
    assert (await nobody(world).get("/readyz")).json == {"ready": False, "missing": []}


async def test_a_store_that_cannot_be_written_is_not_ready(world: World) -> None:
    client = viewer(world)
    await world.store.close()
    told = await client.get("/readyz")
    assert told.status == 503
    assert "The store cannot be written" in told.json["missing"][0]
    assert (await nobody(world).get("/healthz")).status == 200
    for path in ("/api/orders", "/console"):
        answer = await client.get(path)
        assert (answer.status, answer.header("retry-after")) == (503, "5")


async def test_a_fault_in_the_check_is_not_ready(world: World) -> None:
    async def broken() -> list[str]:
        raise ZeroDivisionError

    async def wrong() -> list[str]:
        raise SettingsError("STRIPE_API_KEY is wrong")

    world.ready = broken  # type: ignore[method-assign]
    assert (await viewer(world).get("/readyz")).status == 503
    world.ready = wrong  # type: ignore[method-assign]
    assert (await viewer(world).get("/readyz")).json["missing"] == ["STRIPE_API_KEY is wrong"]


async def test_figures(world: World) -> None:
    answer = await viewer(world).get("/metrics")
    assert answer.header("content-type").startswith("text/plain")
    assert "onpaid_events_total" in answer.text
