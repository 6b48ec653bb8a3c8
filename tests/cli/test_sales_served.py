"""Sales at Stripe as processes, as README.md tells them: prices, a user with a token, Stripe's page, and what follows."""

from __future__ import annotations

import json
import signal
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import jwt
import pytest

from tests.cli.kit import Onpaid, start, until
from tests.cli.test_serving import Served

ASKED = {
    "priceId": "course-ink",
    "successUrl": "https://shop.example/thanks",
    "cancelUrl": "https://shop.example/cart",
}
PAID = {"act": "paid", "name": "Kari Nordmann", "email": "kari@example.org", "country": "NO"}


class Staying(HTTPRedirectHandler):
    """Follows no redirection: where a user is sent to is somebody else's page."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Trial:
    """Simulators that run, and a service beside them that is set up as they wrote it down."""

    base: str
    prices: Path
    settings: dict[str, str]
    served: Served

    def steer(self, method: str, path: str, body: Any) -> Any:
        """Steer the simulators."""
        data, kind = json.dumps(body).encode(), {"content-type": "application/json"}
        with urlopen(Request(f"{self.base}{path}", data, kind, method=method), timeout=20) as answer:
            return json.loads(answer.read() or b"{}")

    def token(self, user: str) -> str:
        """A user's token, as the user's own service signs it."""
        claims = {"userId": user, "email": f"{user}@example.org", "exp": time.time() + 900}
        return jwt.encode(claims, self.settings["JWT_ACCESS_TOKEN_SECRET"])

    def open(self, user: str) -> Any:
        """A session of a user's."""
        status, _, said = self.served.ask(
            "POST",
            "/stripe/payment-intent",
            json.dumps(ASKED).encode(),
            authorization=f"Bearer {self.token(user)}",
            content_type="application/json",
        )
        assert status == 200, said
        return json.loads(said)

    def pay(self, opened: Any) -> None:
        """The user pays on the page."""
        with pytest.raises(HTTPError) as sent_on:
            build_opener(Staying).open(Request(opened["checkoutUrl"], urlencode(PAID).encode()), timeout=20)
        assert sent_on.value.code == 303

    def seen(self, user: str, opened: Any) -> Any:
        """How far it has come, as its user sees it."""
        path = f"/api/checkout/sessions/{opened['sessionId']}"
        _, _, said = self.served.ask("GET", path, authorization=f"Bearer {self.token(user)}")
        return json.loads(said)


@pytest.fixture
def trial(onpaid: Onpaid, tmp_path: Path) -> Iterator[Trial]:
    """Simulators and a server, whose webhooks come under the path that the requirement names."""
    prices, written = tmp_path / "prices.csv", tmp_path / "trial.toml"
    simulators = start(
        *("simulate", "--port", "0", "--json", "--prices", str(prices), "--write-settings", str(written)),
        environment={},
    )
    assert simulators.stdout is not None
    base = json.loads(simulators.stdout.readline())["base"]
    settings = {name: str(value) for name, value in tomllib.loads(written.read_text("utf-8")).items()}
    place = {
        "ONPAID_DATABASE": f"sqlite:///{tmp_path / 'onpaid.db'}",
        "ONPAID_TICKET_LOG": f"{tmp_path}/tickets.jsonl",
    }
    onpaid.environment.clear()
    onpaid.environment.update(settings, **place, ONPAID_PORT="0", ONPAID_TIME_FACTOR="40")
    onpaid("catalogue", "import", str(prices)).well()
    server = Served(onpaid.environment, tmp_path / "onpaid.db")
    onpaid.environment["ONPAID_PUBLIC_URL"] = server.url
    made = Trial(base, prices, settings, server)
    made.steer("PUT", "/_target", {"base": server.url})
    made.steer("PUT", "/stripe/_endpoint", {"url": f"{server.url}/stripe/webhook"})
    yield made
    for process in (server.process, simulators):
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_a_user_pays_and_everything_follows(trial: Trial, onpaid: Onpaid) -> None:
    opened = trial.open("ada")
    assert opened["paymentIntentId"] is None
    trial.pay(opened)
    number = until(lambda: trial.seen("ada", opened)["orderNumber"])

    def done() -> Any:
        told = onpaid("orders", "show", number, "--json").well().json()
        return told if told["invoices"] and told["state"] == "done" else None

    order = until(done)
    flows = {run["flow"] for run in order["runs"]}
    assert {"keep_session", "invoice_payment"} <= flows

    def heard() -> Any:
        told = {event["type"]: event for event in _lines(onpaid("events", "tail", "--json").well().out)}
        return told if set(told) == {"payment.successful", "checkout.completed"} else None

    told = until(heard)
    assert {event["userId"] for event in told.values()} == {"ada"}
    assert told["checkout.completed"]["data"]["orderNumber"] == number

    night = onpaid("reconcile", "--json").well().json()
    assert (night["created"], night["errors"]) == (0, 0)
    proof = onpaid("prove", "--json").well().out
    assert '"missing":0' in proof.replace(" ", "")


def test_what_no_webhook_told_is_brought_in_and_the_doctor_says_why(trial: Trial, onpaid: Onpaid) -> None:
    assert "Stripe's endpoint" not in onpaid("doctor").out, "it is as it should be"
    trial.steer("PUT", "/stripe/_endpoint", {"status": "disabled"})
    sick = onpaid("doctor")
    assert (sick.code, "is switched off" in sick.out.replace("\n", " ")) == (1, True)
    opened = trial.open("ada")
    trial.pay(opened)
    assert onpaid("orders", "list", "--json").well().json()["items"] == []
    night = onpaid("reconcile", "--json").well().json()
    assert (night["created"], night["errors"]) == (1, 0)
    (number,) = night["createdOrders"]
    assert until(lambda: trial.seen("ada", opened)["orderNumber"]) == number


def test_partial_refunds_that_are_told_one_by_one_differ_from_nothing(trial: Trial, onpaid: Onpaid) -> None:
    told = ["checkout.session.completed", "payment_intent.succeeded", "refund.created", "refund.failed"]
    trial.steer("PUT", "/stripe/_endpoint", {"enabled_events": told})
    opened = trial.open("ada")
    trial.pay(opened)
    until(lambda: trial.seen("ada", opened)["orderNumber"])

    def heard(type_: str, count: int) -> list[Any]:
        """The events of a type, once there are so many."""

        def all_of_them() -> list[Any]:
            events = _lines(onpaid("events", "tail", "--json").well().out)
            found = [each for each in events if each["type"] == type_]
            return found if len(found) == count else []

        return list(until(all_of_them))

    (paid,) = heard("payment.successful", 1)
    for minor in (10_000, 2_500):
        trial.steer("POST", "/stripe/_refunds", {"charge": paid["data"]["chargeId"], "amount": minor})
    refunds = heard("payment.refunded", 2)
    assert {(each["customerId"], each["userId"]) for each in refunds} == {(opened["customerId"], "ada")}
    found = onpaid("reconcile", "--json").well().json()["findings"]
    assert [each for each in found if each["kind"] == "refund differs"] == []


def _lines(out: str) -> list[Any]:
    """One event a line."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]
