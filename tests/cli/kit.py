"""What the tests of the command line work with: a database with something in it, and `onpaid` as a function."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import msgspec

from onpaid.clock import SystemClock
from onpaid.compose import Service, build
from onpaid.engine.journal import RUNS, TICKETS, Attempt, Step
from onpaid.engine.tickets import new_ticket
from onpaid.providers.signatures import Signer
from onpaid.settings import Settings
from tests.providers.samples import ORDER, event

CANARIES = {
    "STRIPE_API_KEY": "sk_test_canary4stripe4key",
    "STRIPE_WEBHOOK_SECRET": "whsec_canary4new4secret whsec_canary4old4secret",
    "KONVERZKY_WEBHOOK_SECRET": "canary-konverzky-secret",
    "FIKEN_API_TOKEN": "canary-fiken-token-4711",
    "ONPAID_ADMIN_TOKEN": "canary-admin-token-4711",
    "ONPAID_VIEWER_TOKEN": "canary-viewer-token-4711",
    "ONPAID_SESSION_SECRET": "canary-session-secret-4711",
}
SECRETS = [word for value in CANARIES.values() for word in value.split()]
NOWHERE = "http://127.0.0.1:9"
RUN = "invoice_payment:stripe/default/test/pi_3SXoQ2LkdIwHu7ix0k9l8m7n"
EXPIRY = "expire_order:konverzky/10042"
CHARGE_EVENT = "stripe/default/test/evt_3SXoQ2LkdIwHu7ix0eeeeeee"


def settings_of(folder: Path, **more: str) -> dict[str, str]:
    """An environment of its own for a database in this folder, with nowhere to call."""
    sample = resources.files("onpaid.domain").joinpath("vat_sample.toml").read_text(encoding="utf-8")
    signed = sample.replace('signed_off_by = ""', 'signed_off_by = "Kari"')
    (folder / "vat.toml").write_text(signed.replace('signed_off_on = ""', 'signed_off_on = "2026-01-31"'))
    return {
        **CANARIES,
        "ONPAID_DATABASE": f"sqlite:///{folder / 'onpaid.db'}",
        "ONPAID_TICKET_LOG": str(folder / "tickets.jsonl"),
        "ONPAID_PORT": "0",
        "STRIPE_API_BASE": f"{NOWHERE}/stripe",
        "FIKEN_API_BASE": f"{NOWHERE}/fiken",
        "FIKEN_COMPANY_SLUG": "simulated-shop",
        "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
        "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
        "KONVERZKY_PRICES_INCLUDE_VAT": "true",
        "INVOICE_VAT_RULES": str(folder / "vat.toml"),
        **more,
    }


@dataclass
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value on its standard output."""
        return json.loads(self.out)

    def well(self) -> Ran:
        """It ended with exit code 0."""
        assert self.code == 0, self.err
        return self


class Onpaid(Protocol):
    """Runs a command in this process."""

    environment: dict[str, str]

    def __call__(self, *words: str, **more: str) -> Ran: ...


def start(*words: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """`onpaid` as a process of its own, with nothing of ours in its environment."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    return subprocess.Popen(
        [sys.executable, "-m", "onpaid.cli", *words],
        env={**kept, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background has Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def until(what: Any, seconds: float = 30.0) -> Any:
    """Wait for another process: until `what` answers something true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it did not come")


def stock(environment: Mapping[str, str]) -> None:
    """Put into the database: an order, its payment, a run in doubt about its mail with a ticket, and a failed run."""
    asyncio.run(_stock(environment))


async def _stock(environment: Mapping[str, str]) -> None:
    service = await build(Settings(environment))
    try:
        await _deliver(service)
        await _leave_doubt(service)
    finally:
        await service.stop()


async def _deliver(service: Service) -> None:
    now = SystemClock().now()
    body = json.dumps(ORDER).encode()
    signed = Signer(["canary-konverzky-secret"]).header(body, now)
    await service.inbox.receive("konverzky", {"x-onpaid-signature": signed}, body)
    body = event(created=now // 1000)
    signed = Signer(["whsec_canary4new4secret"]).header(body, now)
    await service.inbox.receive("stripe", {"stripe-signature": signed}, body)


async def _leave_doubt(service: Service) -> None:
    now = SystemClock().now()
    made = msgspec.Raw(msgspec.json.encode({"invoice_id": 2000010, "number": 10001}))
    receipt = {
        "invoice_id": 2000010,
        "to_email": "ola@example.org",
        "to_name": "Ola Nordmann",
        "message": "Takk",
    }
    held = await RUNS.get(service.store, RUN)
    assert held is not None
    run = held.record
    sent = Attempt(1, now - 9000, "act", now - 8000, "doubtful", "no answer within 0.75 s")
    run.steps = [
        Step("create invoice", "Fiken.create_invoice", "find", "done", tries=1, result=made),
        Step(
            "send receipt",
            "Fiken.send_receipt",
            "find",
            "doubtful",
            [sent],
            tries=1,
            input=msgspec.Raw(msgspec.json.encode([receipt])),
            in_flight_until=now - 8000,
            quiet_until=now - 5000,
        ),
    ]
    ticket = new_ticket(run, cause="doubt", title="Did “send receipt” happen?", category="doubt", now=now)
    run.state, run.due_at, run.tickets = "doubtful", now + 3_600_000, [ticket.id]
    expiry = await RUNS.get(service.store, EXPIRY)
    assert expiry is not None
    expiry.record.state, expiry.record.due_at, expiry.record.reason = "failed", None, "for a test"
    loose = new_ticket(
        None, subject="lane:fiken", cause="test", title="A loose ticket", category="settings", now=now
    )
    await service.store.commit(
        [
            RUNS.update(run, held.version),
            RUNS.update(expiry.record, expiry.version),
            TICKETS.insert(ticket),
            TICKETS.insert(loose),
        ]
    )
