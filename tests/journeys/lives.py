"""Real lives of the service: forked processes on one SQLite file, killed by SIGKILL at a chosen journal write.

The simulators run in a process of their own and survive every kill, as Stripe and Fiken would. A life is handed the
events directly, in bytes and signed; what it acknowledged it may or may not be handed again in the next one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from onpaid.compose import build
from onpaid.engine.journal import RUNS
from onpaid.errors import NotPossible
from onpaid.settings import Settings
from onpaid.store.port import Document, Page, Stored, Write
from onpaid.store.sqlite import SqliteStore

STRIPE_SECRET, SHOP_SECRET = "whsec_simulated", "konverzky_simulated"
FACTOR = 200
NOWHERE = "http://127.0.0.1:9"
"""Nothing listens there: the events are taken from Stripe's list and handed in by us."""
MOST_SECONDS = 40.0


class DyingStore:
    """The store of a process that ends itself by SIGKILL at its nth write: before it, or just after it. With SIGSTOP
    it freezes there, all threads of it."""

    def __init__(
        self,
        store: SqliteStore,
        dies_at: int,
        after: bool,
        counter: Path,
        by: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._store = store
        self._dies_at = dies_at
        self._after = after
        self._counter = counter
        self._by = by
        self._writes = 0

    async def commit(self, writes: Sequence[Write]) -> None:
        self._writes += 1
        number = self._writes
        self._counter.write_text(str(number))
        if number == self._dies_at and not self._after:
            os.kill(os.getpid(), self._by)
        await self._store.commit(writes)
        if number == self._dies_at and self._after:
            os.kill(os.getpid(), self._by)

    async def get(self, kind: str, key: str) -> Stored | None:
        return await self._store.get(kind, key)

    async def get_many(self, kind: str, keys: Sequence[str]) -> list[Stored | None]:
        return await self._store.get_many(kind, keys)

    async def query(self, kind: str, index: str, value: str, **bounds: Any) -> Page:
        return await self._store.query(kind, index, value, **bounds)

    async def count(self, kind: str, index: str, value: str, *, at_most: int = 1000) -> int:
        return await self._store.count(kind, index, value, at_most=at_most)

    async def documents(
        self, after: str | None = None, *, limit: int = 200
    ) -> tuple[list[Document], str | None]:
        return await self._store.documents(after, limit=limit)

    async def load(self, documents: Sequence[Document]) -> None:
        await self._store.load(documents)

    async def ping(self) -> None:
        await self._store.ping()

    async def close(self) -> None:
        await self._store.close()


@dataclass
class Outside:
    """The simulators, in a process of their own."""

    process: subprocess.Popen[str]
    base: str
    stripe: str
    fiken: str

    @classmethod
    def open(cls) -> Outside:
        process = subprocess.Popen(
            [sys.executable, "-m", "onpaid.simulators", "--port", "0", "--target", NOWHERE],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        return cls(process, told["base"], told["stripe"], told["fiken"])

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", "authorization": "Bearer sk_test_simulated"}
        request = urllib.request.Request(f"{self.base}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")


@dataclass
class World:
    """One folder with its database, the events of its orders, and what was acknowledged of them."""

    outside: Outside
    folder: Path
    events: list[tuple[str, bytes]] = field(default_factory=list)
    buyers: int = 0

    def buy(self, number: str, *, buyer: int = 1) -> None:
        """Place and pay one order at the simulators, and keep what they would send."""
        item = {"id": "77", "name": "E-book", "quantity": 1, "unit_price": "199.00", "vat": 25}
        address = {"line1": "Storgata 1", "postal_code": "0155", "city": "Oslo", "country": "NO"}
        customer = {"name": "Ola Nordmann", "email": f"buyer{buyer}@example.org", "address": address}
        order = {
            "order_number": number,
            "currency": "NOK",
            "items": [item],
            "customer": customer,
            "send": False,
        }
        self.outside.ask("/konverzky/_orders", order)
        charge = {"order_number": number, "guest": customer}
        self.outside.ask("/stripe/_charges", charge)
        shop = {
            "webhook_type": "order_paid",
            "webhook_id": f"wh_{number}",
            "order": {
                "id": number,
                "currency": "NOK",
                "prices_include_vat": True,
                "items": [item],
                "customer": customer,
            },
        }
        self.events.append(("konverzky", json.dumps(shop).encode()))

    def collect(self) -> None:
        """Take Stripe's events from its own list."""
        listed = self.outside.ask("/stripe/v1/events?limit=100")["data"]
        known = {body for _, body in self.events}
        for event in listed:
            body = json.dumps(event).encode()
            if body not in known:
                self.events.append(("stripe", body))

    def settings(self) -> Settings:
        text = files("onpaid.domain").joinpath("vat_sample.toml").read_text(encoding="utf-8")
        text = text.replace('signed_off_by = ""', 'signed_off_by = "T"')
        (self.folder / "vat.toml").write_text(
            text.replace('signed_off_on = ""', 'signed_off_on = "2026-01-31"')
        )
        return Settings(
            {
                "ONPAID_DATABASE": f"sqlite:///{self.folder}/onpaid.db",
                "ONPAID_TICKET_LOG": f"{self.folder}/tickets.jsonl",
                "ONPAID_TIME_FACTOR": str(FACTOR),
                "STRIPE_API_KEY": "sk_test_simulated",
                "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
                "STRIPE_API_BASE": self.outside.stripe,
                "KONVERZKY_WEBHOOK_SECRET": SHOP_SECRET,
                "FIKEN_API_BASE": self.outside.fiken,
                "FIKEN_API_TOKEN": "fiken_simulated",
                "FIKEN_COMPANY_SLUG": "simulated-shop",
                "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
                "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
                "INVOICE_VAT_RULES": f"{self.folder}/vat.toml",
            }
        )

    def acknowledged(self) -> set[int]:
        path = self.folder / "acknowledged"
        return {int(line) for line in path.read_text().split()} if path.exists() else set()

    def live(
        self,
        *,
        dies_at: int = 0,
        after: bool = False,
        redeliver: bool = True,
        dies_in: float = 0.0,
        freezes: float = 0.0,
    ) -> int:
        """One life, in a forked process. Returns its exit status: negative if it was killed.

        With `freezes` it does not die at that write, but is stopped there for so many seconds.
        """
        told = set() if redeliver else self.acknowledged()
        by = signal.SIGSTOP if freezes else signal.SIGKILL
        pid = os.fork()
        if pid == 0:
            try:
                asyncio.run(_life(self, dies_at, after, told, by))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        if dies_in:
            time.sleep(dies_in)
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, os.WUNTRACED if freezes else 0)
        if os.WIFSTOPPED(status):
            time.sleep(freezes)
            os.kill(pid, signal.SIGCONT)
            _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def writes(self) -> int:
        """How many writes the last life made."""
        return int((self.folder / "writes").read_text())


def signed_headers(source: str, body: bytes) -> dict[str, str]:
    """The headers that a sender of this body would send now."""
    t = int(time.time())
    secret = STRIPE_SECRET if source == "stripe" else SHOP_SECRET
    signature = hmac.new(secret.encode(), f"{t}.".encode() + body, hashlib.sha256).hexdigest()
    name = "stripe-signature" if source == "stripe" else "x-onpaid-signature"
    return {name: f"t={t},v1={signature}", "content-type": "application/json"}


async def _life(world: World, dies_at: int, after: bool, told: set[int], by: signal.Signals) -> None:
    store = await SqliteStore.open(world.folder / "onpaid.db", exclusive=True)
    dying = DyingStore(store, dies_at, after, world.folder / "writes", by)
    service = await build(world.settings(), store=dying)
    await service.start()
    with (world.folder / "acknowledged").open("a") as log:
        for nth, (source, body) in enumerate(world.events):
            if nth not in told:
                await service.inbox.receive(source, signed_headers(source, body), body)
                log.write(f"{nth}\n")
                log.flush()
    end, calm = time.monotonic() + MOST_SECONDS, 0
    while time.monotonic() < end:
        busy = 0
        for state in ("ready", "running", "waiting", "sleeping"):
            busy += await store.count("run", "state", state)
        # A run may change its state between two of these counts: only a calm that lasts is one.
        calm = 0 if busy or await _settle(world, service) else calm + 1
        if calm == 4:
            break
        await asyncio.sleep(0.02)
    else:
        raise TimeoutError("runs are still under way: stuck")
    await service.stop()


async def _settle(world: World, service: Any) -> bool:
    """Be the person: look into Fiken's own books and say whether the mail went out."""
    doubtful = (await RUNS.query(service.store, "state", "doubtful", limit=100)).items
    for run in doubtful:
        doubt = run.doubt
        assert doubt is not None
        assert doubt.name == "send receipt", f"only a mail may be in doubt, not {doubt.name}"
        receipt = json.loads(bytes(doubt.input))[0]
        ledger = await asyncio.to_thread(world.outside.ask, "/_ledger")
        mails = [mail for mail in ledger["mails"] if mail["invoice_id"] == receipt["invoice_id"]]
        result = {"invoice_id": receipt["invoice_id"], "count": len(mails)} if mails else None
        try:
            await service.operations.settle(
                run.id, step=doubt.name, attempt=doubt.tries, done=bool(mails), result=result, by="the test"
            )
        except NotPossible:
            await asyncio.sleep(0.02)
    return bool(doubtful)
