"""How often checkouts may be opened: by one address, by all together, and nothing of it for webhooks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from onpaid.cli.assembling import web_settings
from onpaid.settings import Settings
from onpaid.web.rates import MOST_ADDRESSES, Rates, whose
from tests.web.client import Client
from tests.web.world import SECRET, World, make_world

ASHA, RAVI, LATA = "8.8.8.8", "1.1.1.1", "9.9.9.9"
OPENING = ("/payment/create-order", "/api/checkout/orders")


class Hands:
    """A clock whose hands are moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000_000.0

    def __call__(self) -> float:
        return self.at


def rates(each: int = 60, together: int = 0) -> tuple[Rates, Hands]:
    hands = Hands()
    return Rates(hands, each=each, together=together), hands


def test_a_twentieth_of_a_minutes_share_at_once_and_then_one_after_the_other() -> None:
    some, hands = rates(60)
    assert [some.wait(ASHA) for _ in range(5)] == [0] * 3 + [1, 1]
    hands.at += 1
    assert [some.wait(ASHA), some.wait(ASHA)] == [0, 1]
    hands.at += 3600
    assert [some.wait(ASHA) for _ in range(4)] == [0] * 3 + [1]


def test_who_keeps_to_the_pace_is_never_turned_away() -> None:
    some, hands = rates(600, 600)
    for _ in range(20_000):
        assert some.wait(ASHA) == 0
        hands.at += 0.1


def test_one_a_minute_is_told_how_long_a_minute_is() -> None:
    some, hands = rates(1)
    assert [some.wait(ASHA), some.wait(ASHA)] == [0, 60]
    hands.at += 59.5
    assert some.wait(ASHA) == 1
    hands.at += 0.5
    assert some.wait(ASHA) == 0


def test_each_address_has_its_own_share_and_all_have_one_together() -> None:
    some, hands = rates(60, 120)
    assert [some.wait(each) for each in (ASHA, RAVI) for _ in range(3)] == [0] * 6
    assert some.wait(LATA) == 1
    hands.at += 0.5
    assert [some.wait(LATA), some.wait(LATA)] == [0, 1]


def test_what_is_turned_away_counts_for_nobody() -> None:
    some, hands = rates(6, 600)
    assert [some.wait(ASHA) for _ in range(200)] == [0] + [10] * 199
    assert [some.wait(f"8.8.4.{n}") for n in range(29)] == [0] * 29
    assert some.wait(RAVI) == 1
    hands.at += 10
    assert some.wait(ASHA) == 0


def test_no_limit_is_no_limit() -> None:
    some, _ = rates(0, 0)
    assert not any(some.wait(ASHA) for _ in range(5000))
    assert len(some) == 0


def test_however_many_addresses_come_so_many_are_remembered() -> None:
    some, _ = rates(6)
    addresses = [f"8.{n >> 8}.{n & 255}.1" for n in range(MOST_ADDRESSES + 1)]
    assert not any(some.wait(each) for each in addresses)
    assert len(some) == MOST_ADDRESSES
    assert some.wait(addresses[-1]) > 0
    assert some.wait(addresses[0]) == 0


@pytest.mark.parametrize(
    ("client", "name"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2606:4700::1", str(0x2606470000000000)),
        ("2606:4700::ffff:1", str(0x2606470000000000)),
        ("2606:4700:0:1::1", str(0x2606470000000001)),
        ("127.0.0.1", ""),
        ("10.0.0.7", ""),
        ("::1", ""),
        ("fd00::1", ""),
        ("::ffff:10.0.0.7", ""),
        ("", ""),
        ("unix", ""),
    ],
)
def test_who_is_behind_an_address(client: str, name: str) -> None:
    assert whose(client) == name


def test_a_proxys_address_counts_for_all_only() -> None:
    some, _ = rates(6, 120)
    assert [some.wait("127.0.0.1") for _ in range(7)] == [0] * 6 + [1]
    assert len(some) == 0


# -- at the door -------------------------------------------------------------------------------------------------


def come_from(world: World) -> Any:
    """The application of this world, and a way to come from an address."""
    app = world.app()

    def client(address: str) -> Client:
        async def seen(scope: Any, receive: Any, send: Any) -> None:
            await app({**scope, "client": (address, 4711)}, receive, send)

        return Client(seen)

    return client


@pytest.mark.parametrize("path", OPENING)
async def test_too_many_checkouts_are_asked_to_come_again(path: str) -> None:
    world = make_world(checkouts_each=2, checkout_origins=("https://shop.example",))
    client = come_from(world)
    assert (await client(ASHA).post(path, data={})).status == 400
    late = await client(ASHA).post(path, data={}, headers={"origin": "https://shop.example"})
    assert late.problem["status"] == 429
    assert late.header("retry-after") == "30"
    assert late.header("access-control-expose-headers") == "retry-after"
    assert (await client(RAVI).post(path, data={})).status == 400
    world.clock.move(timedelta(seconds=30))
    assert (await client(ASHA).post(path, data={})).status == 400


async def test_both_addresses_of_the_door_are_one_door_with_one_ceiling() -> None:
    client = come_from(make_world(checkouts_each=0, checkouts_together=6))
    assert [(await client(ASHA).post(path, data={})).status for path in OPENING] == [400, 429]


async def test_nothing_else_is_limited_by_it_and_no_webhook_ever() -> None:
    client = come_from(make_world(checkouts_each=1, checkouts_together=1))
    asked = client(ASHA)
    assert [(await asked.post(OPENING[0], data={})).status for _ in range(3)] == [400, 429, 429]
    for path in ("/webhooks/stripe", "/webhooks/konverzky"):
        for n in range(20):
            kept = await asked.post(path, headers={"x-secret": SECRET}, data={"id": f"{path}-{n}"})
            assert kept.status == 200, kept.body
    assert (await asked.get("/login")).status == 200
    assert (await asked.post("/payment/verify", data={})).status == 400


def test_the_settings_reach_the_door() -> None:
    told = {"CHECKOUT_PER_ADDRESS": "7", "CHECKOUT_PER_MINUTE": "70", "ONPAID_BENCH_NOOP": "true"}
    made = web_settings(Settings(told))
    assert (made.checkouts_each, made.checkouts_together, made.bench_noop) == (7, 70, True)
    usual = web_settings(Settings({}))
    assert (usual.checkouts_each, usual.checkouts_together, usual.bench_noop) == (60, 600, False)
