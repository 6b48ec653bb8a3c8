"""No socket goes where a hostile setting, a redirect or a name server points: every service, every trick."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onpaid.errors import SettingsError
from onpaid.providers.addresses import checked_base, socket_to
from tests.providers.ssrf import SERVICES, resolve
from tests.providers.ssrf_addresses import NAMES, NEVER

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def found() -> Any:
    """What the spied-upon process tells."""
    words = [sys.executable, "-m", "tests.providers.ssrf"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True, timeout=100)
    return json.loads(done.stdout)


def outside(found: Any, *, names: bool) -> list[str]:
    """The sockets that went outside, for bases that are names or are not."""
    hosts = [repr(name) for name in NAMES]
    return [each for each in found["outside"] if any(host in each for host in hosts) == names]


def test_every_service_was_tried_and_the_spy_sees(found: Any) -> None:
    assert found["reached"] == list(SERVICES)
    assert found["tried"] > 25 * len(SERVICES)


def test_no_address_and_no_redirect_leads_outside(found: Any) -> None:
    assert outside(found, names=False) == []


def test_no_name_leads_where_it_was_rebound_to(found: Any) -> None:
    assert outside(found, names=True) == []


@pytest.mark.parametrize("base", NEVER)
def test_the_base_is_refused(base: str) -> None:
    with pytest.raises(SettingsError):
        checked_base(base, "a service")


@pytest.mark.parametrize(
    "base",
    [
        "https://api.stripe.com",
        "https://live-mt-server.wati.io/12345",
        "http://127.0.0.1:8000/x",
        "http://[::1]:80",
        "http://simulators:8000",
        "http://10.0.0.5",
        "http://[fd00::5]",
        "https://192.0.2.1",
        "https://[2606:4700::1111]",
    ],
)
def test_an_ordinary_base_is_taken(base: str) -> None:
    assert checked_base(base, "a service") == base


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound6.example", "mapped.example", "anycast.example", "nowhere.example"]
)
def test_no_socket_is_made_to_where_a_name_was_rebound_to(host: str) -> None:
    (place,) = resolve(host, 443)
    with pytest.raises(OSError, match="no address that a service can have"):
        socket_to(place)


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3", "93.184.216.34", "::1", "2606:4700::1111"])
def test_a_socket_is_made_to_an_ordinary_address(host: str) -> None:
    (place,) = resolve(host, 443)
    with socket_to(place) as made:
        assert made.family == place[0]
