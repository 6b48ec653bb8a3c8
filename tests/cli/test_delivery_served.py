"""Delivery as processes: simulators, a server, a customer who buys, and commands that ask the server."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from onpaid.simulators import Settings
from tests.cli.delivery_kit import delivery_settings
from tests.cli.kit import Onpaid, start, until
from tests.cli.test_serving import Served

CART = {
    "items": [{"product_id": "racket-garuda", "quantity": 1}],
    "customer": {"name": "Asha Rao", "phone": "98765 43210"},
    "address": {"line1": "12 MG Road", "city": "Bengaluru", "state": "KA", "pincode": "560001"},
}


@dataclass
class Simulated:
    """Simulators that run, the addresses of their services, and what their shop sells."""

    bases: dict[str, str]
    products: Path

    def send(self, method: str, path: str, body: Any) -> Any:
        """Steer them."""
        asked = Request(
            self.bases["base"] + path,
            json.dumps(body).encode(),
            {"content-type": "application/json"},
            method=method,
        )
        with urlopen(asked, timeout=20) as answer:
            return json.loads(answer.read() or b"{}")

    def settings(self) -> dict[str, str]:
        """How a service reaches them."""
        theirs = Settings()
        return {
            "RAZORPAY_API_BASE": self.bases["razorpay"],
            "RAZORPAY_KEY_ID": theirs.razorpay_key_id,
            "RAZORPAY_KEY_SECRET": theirs.razorpay_key_secret,
            "RAZORPAY_WEBHOOK_SECRET": theirs.target.razorpay_secrets[0],
            "SHIPROCKET_API_BASE": self.bases["shiprocket"],
            "SHIPROCKET_EMAIL": theirs.shiprocket_email,
            "SHIPROCKET_PASSWORD": theirs.shiprocket_password,
            "JIRA_BASE_URL": self.bases["jira"],
            "JIRA_EMAIL": theirs.jira_email,
            "JIRA_API_TOKEN": theirs.jira_token,
            "JIRA_PROJECT": theirs.jira_project,
        }


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    """Simulators as a process of their own."""
    products = tmp_path_factory.mktemp("simulated") / "products.csv"
    process = start("simulate", "--port", "0", "--json", "--products", str(products), environment={})
    assert process.stdout is not None
    yield Simulated(json.loads(process.stdout.readline()), products)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


@pytest.fixture
def served(simulated: Simulated, onpaid: Onpaid, tmp_path: Path) -> Iterator[Served]:
    """A server that delivers, in a dry run."""
    onpaid.environment.clear()
    onpaid.environment.update(delivery_settings(tmp_path, **simulated.settings(), ONPAID_TIME_FACTOR="40"))
    server = Served(onpaid.environment, tmp_path / "onpaid.db")
    simulated.send("PUT", "/_target", {"base": server.url})
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def buy(served: Served) -> Any:
    status, _, said = served.ask(
        "POST",
        "/payment/create-order",
        json.dumps(CART).encode(),
        content_type="application/json",
        idempotency_key="click-1",
    )
    assert status == 201, said
    return json.loads(said)


def test_a_customer_buys_and_commands_follow(served: Served, onpaid: Onpaid, simulated: Simulated) -> None:
    told = onpaid("products", "import", str(simulated.products), "--json").well().json()
    assert told["products"] == told["stocked"] == len(Settings().products)
    before = onpaid("products", "list", "--json").well().json()["items"]
    order = buy(served)
    assert buy(served) == order
    number = order["order_number"]
    assert number.isdigit()
    simulated.send("POST", "/razorpay/_payments", {"order_id": order["razorpay_order_id"]})

    def parcels() -> Any:
        return onpaid("orders", "show", number, "--json").well().json()["delivery"]["parcels"]

    assert [each["dry_run"] for each in until(parcels)] == [True]
    left = {each["id"]: each["left"] for each in onpaid("products", "list", "--json").well().json()["items"]}
    assert {
        each["id"]: each["left"] - left[each["id"]] for each in before if each["left"] != left[each["id"]]
    } == {"racket-garuda": 1}
    (seller,) = onpaid("sellers", "list", "--json").well().json()["items"]
    assert (seller["id"], seller["units"]) == ("smash", 1)

    link = onpaid("track-link", number).well().out.strip()
    assert served.ask("GET", link.removeprefix("https://pay.example.org"))[0] == 200
    assert onpaid("orders", "tracking", number, "--json").well().json()["dry_run"] is True
    assert onpaid("orders", "ship", "--dry-run-ones", "--yes", "--json").well().json()["shipped"] == [number]
    until(lambda: len(parcels()) == 2)
    viewer = {"ONPAID_ADMIN_TOKEN": ""}
    assert "may only look" in onpaid("orders", "ship", number, **viewer).err
    assert "ONPAID_VIEWER_TOKEN" in onpaid("track-link", number, **viewer).err

    ran = served.end()
    assert ran.code == 0, ran.err
    for private in ("canary", "Asha", "98765", "MG Road", "rzp_secret", "whsec"):
        assert private not in ran.err


def test_the_doctor_asks_everybody_and_reads_at_shiprocket_even_in_a_dry_run(
    onpaid: Onpaid, simulated: Simulated, tmp_path: Path
) -> None:
    onpaid.environment.clear()
    onpaid.environment.update(delivery_settings(tmp_path, **simulated.settings()))
    said = onpaid("doctor").well().out
    assert "Ready" in said
    assert "parcels are only logged" in said
    wrong = onpaid(
        "doctor", SHIPROCKET_PICKUP_LOCATION="Default", SHIPROCKET_CHANNEL_ID="7", JIRA_API_TOKEN="no"
    )
    assert wrong.code == 1
    out = wrong.out.replace("\n", " ")
    assert "there is no pickup location Default. There are: Default Pickup, Primary." in out
    assert "there is no channel 7" in out
    assert "✗ Jira: " in out
    assert "✗ Razorpay" in onpaid("doctor", RAZORPAY_KEY_SECRET="another-secret").out


def test_the_doctor_sees_keys_of_different_modes(onpaid: Onpaid, tmp_path: Path) -> None:
    said = onpaid("doctor", **{**delivery_settings(tmp_path), "RAZORPAY_KEY_ID": "rzp_live_1"}).out.replace(
        "\n", " "
    )
    assert "STRIPE_API_KEY and RAZORPAY_KEY_ID are of different modes" in said
    assert "customers pay and get no parcel" in said
