"""What the demo's processes are told: a whole service for each messenger, and nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from onpaid.app.products_file import read_products
from onpaid.app.proof_delivery import shelves
from onpaid.cli.demo import surroundings
from onpaid.cli.demo.goods import start_of_stock
from onpaid.cli.demo.options import MESSENGERS, Options
from onpaid.cli.demo.stage import Stage
from onpaid.compose import build
from onpaid.settings import TABLE, Settings
from onpaid.store.sqlite import SqliteStore

BASES = {
    name: f"http://127.0.0.1:9/{name}"
    for name in ("stripe", "fiken", "razorpay", "shiprocket", "jira", *MESSENGERS)
}


def told(folder: Path, options: Options) -> dict[str, str]:
    return surroundings.common() | surroundings.of_service(options, folder, folder / "onpaid.db", BASES)


@pytest.mark.parametrize("messenger", MESSENGERS)
async def test_a_service_with_both_stories_can_be_built_for_each_messenger(
    messenger: str, tmp_path: Path
) -> None:
    settings = Settings(told(tmp_path, Options(messages=messenger)))
    service = await build(settings)
    try:
        assert service.delivery is not None
        assert type(service.guests["messaging"]).__name__.lower() == messenger
        assert type(service.guests["shipping"]).__name__ == "Shiprocket"
        assert type(service.guests["tracker"]).__name__ == "Jira"
        assert {"stripe", "konverzky", "razorpay", "tracking"} < set(service.inbox.sources)
        assert settings["ONPAID_PUBLIC_URL"].endswith(f":{settings['ONPAID_PORT']}")
    finally:
        await service.stop()


def test_nothing_of_the_users_own_settings_gets_in(tmp_path: Path) -> None:
    mine = dict.fromkeys(("ONPAID_SETTINGS", *(setting.name for setting in TABLE)), "the user's own")
    environment = surroundings.common({**mine, "PATH": "/usr/bin"})
    environment |= surroundings.of_service(Options(), tmp_path, tmp_path / "onpaid.db", BASES)
    assert environment["PATH"] == "/usr/bin"
    assert "the user's own" not in environment.values()


def test_secrets_rotate_and_each_demo_has_its_own(tmp_path: Path) -> None:
    one, other = surroundings.common(), surroundings.common()
    for name in ("STRIPE_WEBHOOK_SECRET", "RAZORPAY_WEBHOOK_SECRET", "SHIPROCKET_WEBHOOK_TOKEN"):
        assert len(set(one[name].split()) | set(other[name].split())) == 4


def test_a_port_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    environment = told(tmp_path, Options(port=8123))
    assert environment["ONPAID_PUBLIC_URL"] == "http://127.0.0.1:8123"


@pytest.mark.parametrize("factor", [1.0, 40.0, 60.0, 200.0])
def test_a_number_is_left_alone_as_long_as_the_simulators_want(factor: float, tmp_path: Path) -> None:
    spacing = Settings(told(tmp_path, Options(factor=factor)))["MESSAGE_SPACING"].total_seconds()
    assert spacing >= 7
    assert spacing / factor > surroundings.SIMULATED.pair_interval


async def test_the_shelves_are_full_before_anybody_buys(tmp_path: Path) -> None:
    stage = Stage(Options(faults="none"), tmp_path, tmp_path / "onpaid.db")
    try:
        await stage.start()
        store = await SqliteStore.open(stage.database, exclusive=False)
        try:
            assert await shelves(store) == start_of_stock()
        finally:
            await store.close()
    finally:
        await stage.stop()
    assert len(read_products((tmp_path / "products.csv").read_text())) == len(start_of_stock())
