"""What the demo's processes are told: a whole service for each messenger, and nothing of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest

from onpaid.app.doctor_sales import about_sales
from onpaid.app.products_file import read_products
from onpaid.app.proof_delivery import shelves
from onpaid.cli.demo import surroundings
from onpaid.cli.demo.options import MESSENGERS, Options
from onpaid.cli.demo.stage import Stage
from onpaid.cli.simulating import target_of
from onpaid.clock import SystemClock
from onpaid.compose import build
from onpaid.engine.known_runs import KnownRuns
from onpaid.repositories.prices import Prices
from onpaid.repositories.subscribers import Subscribers
from onpaid.settings import TABLE, Settings
from onpaid.simulators.price_list import PRICES
from onpaid.store.sqlite import SqliteStore

BASES = {
    name: f"http://127.0.0.1:9/{name}"
    for name in ("stripe", "fiken", "razorpay", "shiprocket", "jira", "sns", *MESSENGERS)
}


def told(folder: Path, options: Options) -> dict[str, str]:
    return surroundings.common() | surroundings.of_service(options, folder, folder / "onpaid.db", BASES)


@pytest.mark.parametrize("messenger", MESSENGERS)
async def test_a_service_with_all_stories_can_be_built_for_each_messenger(
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
        assert type(service.guests["till"]).__name__ == "StripeTill"
        assert type(service.guests["topic"]).__name__ == "BillingTopic"
        assert settings["ONPAID_PUBLIC_URL"].endswith(f":{settings['ONPAID_PORT']}")
    finally:
        await service.stop()


def test_nothing_of_the_users_own_settings_gets_in(tmp_path: Path) -> None:
    mine = dict.fromkeys(
        ("ONPAID_SETTINGS", "AWS_PROFILE", "AWS_SESSION_TOKEN", *(setting.name for setting in TABLE)),
        "the user's own",
    )
    environment = surroundings.common({**mine, "PATH": "/usr/bin"})
    environment |= surroundings.of_service(Options(), tmp_path, tmp_path / "onpaid.db", BASES)
    assert environment["PATH"] == "/usr/bin"
    assert "the user's own" not in environment.values()


async def test_without_sales_the_story_of_billing_is_not_told(tmp_path: Path) -> None:
    service = await build(Settings(told(tmp_path, Options(sales=0))))
    try:
        assert "till" not in service.guests
    finally:
        await service.stop()


def test_tokens_and_returns_are_as_the_simulators_make_them(tmp_path: Path) -> None:
    environment = told(tmp_path, Options())
    settings = Settings(environment)
    target = target_of(settings, "http://127.0.0.1:9")
    assert target.jwt_secret == settings["JWT_ACCESS_TOKEN_SECRET"][0]
    assert all(len(secret) >= 32 for secret in settings["JWT_ACCESS_TOKEN_SECRET"])
    assert (target.jwt_audience, target.jwt_issuer) == (settings["JWT_AUDIENCE"], settings["JWT_ISSUER"])
    assert settings["CHECKOUT_RETURN_ORIGINS"] == (target.return_origin,)
    assert settings["ORDER_NUMBER_PREFIX"] == surroundings.SIMULATED.session_prefix
    assert [each for each in about_sales(settings, live=True) if each.wrong] == []


def test_a_reconciliation_looks_at_all_sessions_of_the_day(tmp_path: Path) -> None:
    settings = Settings(told(tmp_path, Options(orders=9000)))
    assert settings["SYNC_MAX_SESSIONS"] >= Options(orders=9000).sold == 1500


def test_secrets_rotate_and_each_demo_has_its_own(tmp_path: Path) -> None:
    one, other = surroundings.common(), surroundings.common()
    for name in (
        "STRIPE_WEBHOOK_SECRET",
        "RAZORPAY_WEBHOOK_SECRET",
        "SHIPROCKET_WEBHOOK_TOKEN",
        "JWT_ACCESS_TOKEN_SECRET",
    ):
        assert len(set(one[name].split()) | set(other[name].split())) == 4


def test_a_port_that_was_asked_for_is_taken(tmp_path: Path) -> None:
    environment = told(tmp_path, Options(port=8123))
    assert environment["ONPAID_PUBLIC_URL"] == "http://127.0.0.1:8123"


@pytest.mark.parametrize("factor", [1.0, 40.0, 60.0, 200.0])
def test_a_number_is_left_alone_as_long_as_the_simulators_want(factor: float, tmp_path: Path) -> None:
    spacing = Settings(told(tmp_path, Options(factor=factor)))["MESSAGE_SPACING"].total_seconds()
    assert spacing >= 7
    assert spacing / factor > surroundings.SIMULATED.pair_interval


async def test_the_shelves_are_full_and_prices_are_there_before_anybody_buys(tmp_path: Path) -> None:
    stage = Stage(Options(faults="none"), tmp_path, tmp_path / "onpaid.db")
    try:
        await stage.start()
        store = await SqliteStore.open(stage.database, exclusive=False)
        try:
            assert await shelves(store) == surroundings.start_of_stock()
            prices = await Prices(store).listed()
            assert {each.id for each in prices.items} == {each.ident for each in PRICES}
            subscribers = Subscribers(store, SystemClock(), KnownRuns(store, ()))
            assert [each.state for each in await subscribers.all()] == ["active"]
        finally:
            await store.close()
    finally:
        await stage.stop()
    assert len(read_products((tmp_path / "products.csv").read_text())) == len(surroundings.start_of_stock())
