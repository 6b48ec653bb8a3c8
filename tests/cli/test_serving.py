"""`onpaid serve` as a process: it takes webhooks, answers commands, refuses a second, and ends well."""

from __future__ import annotations

import http.client
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from onpaid.clock import SystemClock
from onpaid.providers.signatures import Signer
from onpaid.store.sqlite_lock import read_announcement
from tests.cli.kit import RUN, SECRETS, Onpaid, Ran, start, until
from tests.providers.samples import ORDER, event


class Served:
    """A server that runs."""

    def __init__(self, environment: dict[str, str], database: Path) -> None:
        self.database = database
        self.process = start("serve", environment=environment)
        self.url = until(self._address)

    def _address(self) -> str:
        assert self.process.poll() is None, self.process.stderr and self.process.stderr.read()
        told = read_announcement(self.database)
        return told.address if told else ""

    def ask(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers, body."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=20)
        connection.request(
            method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, said

    def end(self, number: int = signal.SIGTERM) -> Ran:
        """Ask it to stop; what it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return Ran(self.process.returncode, out, err)


@pytest.fixture
def served(stocked: Onpaid, tmp_path: Path) -> Iterator[Served]:
    """A server over the stocked database."""
    server = Served(stocked.environment, tmp_path / "onpaid.db")
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def test_it_serves_is_asked_by_commands_and_ends_well(served: Served, stocked: Onpaid) -> None:
    status, headers, _ = served.ask("GET", "/readyz")
    assert (status, "server" in headers) == (200, False)
    assert len(headers["x-request-id"]) == 16
    assert served.ask("GET", "/healthz", x_request_id="my-own.id-1")[1]["x-request-id"] == "my-own.id-1"

    body = json.dumps({**ORDER, "order": {**ORDER["order"], "id": "10043", "order_number": "10043"}}).encode()
    signed = Signer(["canary-konverzky-secret"]).header(body, SystemClock().now())
    assert (
        served.ask(
            "POST", "/webhooks/konverzky", body, content_type="application/json", x_onpaid_signature=signed
        )[0]
        == 200
    )
    assert (
        served.ask(
            "POST",
            "/webhooks/konverzky",
            body,
            content_type="application/json",
            x_onpaid_signature="t=1,v1=0",
        )[0]
        == 401
    )

    listed = stocked("orders", "list", "--json").well().json()["items"]
    assert {row["number"] for row in listed} == {"10042", "10043"}
    settled = (
        stocked(
            "runs",
            "settle",
            RUN,
            "--step",
            "send receipt",
            "--attempt",
            "1",
            "--done",
            "--result",
            '{"invoice_id": 2000010, "count": 1}',
            "--json",
        )
        .well()
        .json()
    )
    assert settled["steps"][-1]["attempts"][-1]["what"] == "person"
    stocked("lanes", "pause", "stripe", "--why", "for a test").well()
    assert "paused" in stocked("lanes", "list").well().out
    link = stocked("login-link").well().out.strip()
    assert link.startswith(f"{served.url}/login?key=")
    assert served.ask("GET", link.removeprefix(served.url))[0] < 400
    unsigned = stocked("login-link", ONPAID_SESSION_SECRET="")
    assert (unsigned.code, f"log in at {served.url}/login" in unsigned.err.replace("\n", " ")) == (1, True)

    told = stocked("doctor").out
    assert f"The server at {served.url} is ready." in told
    assert "Fiken was not asked" in told

    ran = served.end()
    assert ran.code == 0, ran.err
    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert {"serving", "stopping", "stopped"} <= {line["event"] for line in lines}
    assert any("request_id" in line for line in lines)
    for secret in [*SECRETS, "ola@example.org", "Nordmann"]:
        assert secret not in ran.err


@pytest.mark.parametrize(("signals", "code"), [(1, 0), (2, 130)], ids=["one signal", "a second one"])
def test_it_hands_back_what_hangs_and_ends_in_time(
    onpaid: Onpaid, tmp_path: Path, signals: int, code: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and never answers
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        server = Served({**onpaid.environment, "STRIPE_API_BASE": base}, tmp_path / "onpaid.db")
        now = SystemClock().now()
        order, charge = json.dumps(ORDER).encode(), event(created=now // 1000)
        shop, stripe = Signer(["canary-konverzky-secret"]), Signer(["whsec_canary4new4secret"])
        kind = "application/json"
        sent = [
            server.ask(
                "POST",
                "/webhooks/konverzky",
                order,
                content_type=kind,
                x_onpaid_signature=shop.header(order, now),
            ),
            server.ask(
                "POST",
                "/webhooks/stripe",
                charge,
                content_type=kind,
                stripe_signature=stripe.header(charge, now),
            ),
        ]
        assert [status for status, _, _ in sent] == [200, 200]
        until(lambda: onpaid("runs", "list", "--state", "running", "--json").well().json()["items"])
        if signals == 2:
            server.process.send_signal(signal.SIGTERM)
            until(lambda: server.ask("GET", "/readyz")[0] == 503)
        ran = server.end()
    assert ran.code == code, ran.err
    run = onpaid("runs", "show", RUN, "--json").well().json()
    if signals == 1:
        assert (run["state"], "handed back" in run["reason"]) == ("ready", True)
    else:
        assert run["state"] == "running"  # its lease's end, or the next start, brings it back


def test_a_second_server_is_refused_and_told_which_process(served: Served, stocked: Onpaid) -> None:
    second = stocked("serve")
    assert second.code == 1
    assert f"in use by process {served.process.pid}" in second.err.replace("\n", " ")
    assert "Traceback" not in second.err
    assert served.end(signal.SIGINT).code == 0


def test_a_command_needs_the_token_of_the_server_that_runs(served: Served, stocked: Onpaid) -> None:
    none = stocked("orders", "list", ONPAID_ADMIN_TOKEN="", ONPAID_VIEWER_TOKEN="")
    assert (none.code, "ONPAID_ADMIN_TOKEN is not set" in none.err.replace("\n", " ")) == (1, True)
    wrong = stocked("orders", "list", ONPAID_ADMIN_TOKEN="another-token-altogether")
    assert (wrong.code, "does not know this ONPAID_ADMIN_TOKEN" in wrong.err.replace("\n", " ")) == (1, True)
    stocked("orders", "list", ONPAID_ADMIN_TOKEN="").well()
    viewer = stocked("lanes", "pause", "fiken", ONPAID_ADMIN_TOKEN="")
    assert (viewer.code, "may only look" in viewer.err) == (1, True)
    backed = stocked("backup", str(served.database.parent / "copy.db"))
    assert backed.code == 0
    busy = stocked("restore", str(served.database.parent / "copy.db"), "--force")
    assert (busy.code, "in use by process" in busy.err.replace("\n", " ")) == (1, True)


def test_it_ends_with_its_parent(stocked: Onpaid, tmp_path: Path) -> None:
    process = start("serve", "--until-input-ends", environment=stocked.environment)
    until(lambda: (told := read_announcement(tmp_path / "onpaid.db")) and told.address)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, ""), err


def test_settings_that_are_missing_are_one_sentence(onpaid: Onpaid) -> None:
    ran = onpaid("serve", STRIPE_API_KEY="", FIKEN_API_TOKEN="")
    assert ran.code == 1
    assert ran.err.startswith("onpaid: not set: STRIPE_API_KEY, FIKEN_API_TOKEN")


def test_a_port_that_is_taken_is_named(served: Served, onpaid: Onpaid, tmp_path: Path) -> None:
    port = str(urlsplit(served.url).port)
    ran = onpaid("serve", ONPAID_PORT=port, ONPAID_DATABASE=f"sqlite:///{tmp_path}/other.db")
    assert ran.code == 1
    assert f"127.0.0.1:{port} cannot be listened on" in ran.err
    assert "Traceback" not in ran.err


def test_the_simulators_say_how_to_use_them(onpaid: Onpaid) -> None:
    process = start("simulate", "--port", "0", "--faults", "slow", environment=onpaid.environment)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read()
    assert process.wait(timeout=10) == 0
    assert "simulated at http://127.0.0.1:" in first
    assert "Faults: slow." in rest
    assert "STRIPE_API_BASE=" in rest
