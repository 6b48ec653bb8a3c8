"""The whole service on a port of its own, in this process, with Razorpay, Shiprocket, Meta and Jira simulated on another:
what the requirement's tests are told over HTTP. Waits are compressed, the rules are those of life."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from onpaid.app.delivery import Delivery
from onpaid.cli.assembling import application, web_settings
from onpaid.compose import Service, build
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.server import Server
from onpaid.settings import Settings
from onpaid.simulators import Served, Simulators, serve
from onpaid.simulators import Settings as Simulated
from onpaid.store.port import Store
from tests.flows.market import RACKET, cart_of
from tests.simulators.kit import QUICK

PATIENCE = 20.0
PERSON = "Asha Rao"
PHONE, EMAIL, STREET = "9876543210", "asha@example.org", "12 MG Road"
SECRET = "rzp_whsec_simulated"
MOVING = ("ready", "running", "waiting", "sleeping")

Json = dict[str, Any]


@dataclass
class Premises:
    """The service at `url`, the simulators around it, and its ticket log."""

    service: Service
    url: str
    simulators: Simulators
    ticket_log: Path
    session: aiohttp.ClientSession

    @property
    def delivery(self) -> Delivery:
        assert self.service.delivery is not None
        return self.service.delivery

    async def post(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body and headers of the answer; five seconds are the most that a sender waits."""
        sent = {"content-type": "application/json", **(headers or {})}
        timeout = aiohttp.ClientTimeout(total=5)
        async with self.session.post(self.url + path, data=body, headers=sent, timeout=timeout) as reply:
            return reply.status, await reply.json(content_type=None), reply.headers

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path) as reply:
            return reply.status, await reply.json(content_type=None)

    async def buy(self, *cart: str) -> Json:
        """A customer clicks."""
        status, told, _ = await self.post("/payment/create-order", cart_of(*cart or ("racket",)))
        assert status == 201, told
        opened: Json = told
        return opened

    async def tell(
        self, body: bytes, *, secret: str = SECRET, path: str = "/payment/webhook", event: str = "evt_1"
    ) -> tuple[int, Any, Mapping[str, str]]:
        """A webhook in Razorpay's name."""
        signed = hmac.digest(secret.encode(), body, "sha256").hex()
        return await self.post(path, body, {"X-Razorpay-Signature": signed, "x-razorpay-event-id": event})

    async def runs(self, *states: str) -> list[Run]:
        found: list[Run] = []
        for state in states:
            found += (await RUNS.query(self.service.store, "state", state, limit=1000)).items
        return found

    async def tickets(self) -> list[Ticket]:
        """The open ones."""
        return (await TICKETS.query(self.service.store, "state", "open", limit=100)).items

    async def rest(self) -> None:
        """Until every webhook is acknowledged and nothing moves; on a slow machine that may take its time."""
        quiet = 0  # a run may change its state while the states are asked for one by one
        async with asyncio.timeout(PATIENCE):
            while quiet < 3:
                await self.simulators.settled()
                quiet = 0 if [run for run in await self.runs(*MOVING) if _moves(run)] else quiet + 1
                await asyncio.sleep(0.02)

    def lines(self) -> list[Json]:
        """The ticket log."""
        if not self.ticket_log.exists():
            return []
        return [json.loads(line) for line in self.ticket_log.read_text(encoding="utf-8").splitlines()]


def _moves(run: Run) -> bool:
    """Who waits for another run moves when that one does; an unpaid order is waited for for weeks."""
    return run.flow != "expire_order" and not any(thing.startswith("run:") for thing in run.wake)


def settings_of(folder: Path, served: Served, **more: str) -> Settings:
    simulated = Simulated()
    return Settings(
        {
            "ONPAID_DATABASE": f"sqlite:///{folder}/onpaid.db",
            "ONPAID_TICKET_LOG": f"{folder}/tickets.jsonl",
            "ONPAID_ENVIRONMENT": "test",
            "ONPAID_TIME_FACTOR": "20",
            "ONPAID_ADMIN_TOKEN": "an-operators-token-for-tests",
            "ONPAID_SESSION_SECRET": "a-session-secret-of-the-tests-0123",
            "RAZORPAY_KEY_ID": simulated.razorpay_key_id,
            "RAZORPAY_KEY_SECRET": simulated.razorpay_key_secret,
            "RAZORPAY_WEBHOOK_SECRET": SECRET,
            "RAZORPAY_API_BASE": served.razorpay_base,
            "SHIPROCKET_EMAIL": simulated.shiprocket_email,
            "SHIPROCKET_PASSWORD": simulated.shiprocket_password,
            "SHIPROCKET_DRY_RUN": "false",
            "SHIPROCKET_WEBHOOK_TOKEN": simulated.target.tracking_token,
            "SHIPROCKET_API_BASE": served.shiprocket_base,
            "WHATSAPP_PROVIDER": "meta",
            "WHATSAPP_API_KEY": simulated.meta_token,
            "WHATSAPP_SENDER_ID": simulated.meta_phone_number_id,
            "WHATSAPP_APP_SECRET": simulated.target.meta_app_secret,
            "META_API_BASE": served.meta_base,
            "JIRA_BASE_URL": served.jira_base,
            "JIRA_EMAIL": simulated.jira_email,
            "JIRA_API_TOKEN": simulated.jira_token,
            "JIRA_PROJECT": simulated.jira_project,
            **more,
        }
    )


@asynccontextmanager
async def premises(folder: Path, *, store: Store | None = None, **more: str) -> AsyncIterator[Premises]:
    """Open for business, with ten rackets on the shelf. Further settings are given by name."""
    served = await serve(Simulators(Simulated(times=QUICK, pair_interval=0.02)))
    settings = settings_of(folder, served, **more)
    service = await build(settings, store=store)

    def web(server: Server) -> Any:
        return application(service, web_settings(settings), server.ready)

    server = Server(service, web)
    url = await server.start()
    served.simulators.aim_at(url)
    async with aiohttp.ClientSession() as session:
        made = Premises(service, url, served.simulators, folder / "tickets.jsonl", session)
        await made.delivery.hands.import_products([(RACKET, 10)])
        try:
            yield made
        finally:
            await server.stop()
            await served.stop()
