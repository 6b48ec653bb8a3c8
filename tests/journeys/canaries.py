"""Canaries: secrets and personal data in every field that a sender or a setting has, and a look at all that is told.

The real service runs at debug level with every fault, is sent orders and payments full of canaries, is refused,
lied to and killed; then everything that it ever told anybody is searched: its log, its tickets, its metrics, the
notes and reasons in its journals, and what its pages and its API show to a viewer.

    asyncio.run(canaries_told())      {"searched": 31, "bytes": 812345, "hits": [], "seen_by_operator": 6, ...}

That the operator does see names and addresses is the control: the canaries did get in.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import tempfile
from pathlib import Path
from typing import Any

import aiohttp

from onpaid.cli.demo.options import Options
from onpaid.cli.demo.stage import Stage
from onpaid.clock import SystemClock
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.providers.signatures import Signer
from onpaid.store.sqlite import SqliteStore

VIEWER = "viewer-token-that-is-a-canary-4711"
PERSON = {
    "name": "Kanari Fuglesang",
    "email": "kanari.fuglesang@canary.example",
    "phone": "+47 987 65 432",
    "line1": "Kanarigata 77",
    "company": "Kanari Holding AS",
    "organization_number": "913312465",
}
CARD = "4242424242424242"
SECRET = "sk_live_canarycanary0815"
MARKS = (
    *(PERSON[name] for name in ("email", "phone", "line1")),
    "Fuglesang",
    "98765432",
    "Kanari Holding",
    "913312465",
    CARD,
    "4242 4242 4242 4242",
    SECRET,
    VIEWER,
)
SECRET_SETTINGS = (
    "STRIPE_WEBHOOK_SECRET",
    "KONVERZKY_WEBHOOK_SECRET",
    "FIKEN_API_TOKEN",
    "RAZORPAY_KEY_SECRET",
    "RAZORPAY_WEBHOOK_SECRET",
    "SHIPROCKET_PASSWORD",
    "SHIPROCKET_WEBHOOK_TOKEN",
    "WHATSAPP_API_KEY",
    "WHATSAPP_APP_SECRET",
    "WHATSAPP_WEBHOOK_TOKEN",
    "JIRA_API_TOKEN",
)
STATES = ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled")
FIRST_ORDER = 5001
PAGES = (
    "/console",
    "/api/orders",
    "/api/events",
    "/api/tickets",
    "/api/runs",
    "/metrics",
    "/healthz",
    "/readyz",
)
LINK = re.compile(r'href="(/console[^"#]*)"')
MOST_PAGES = 60


async def canaries_told(orders: int = 6) -> dict[str, Any]:
    """What was searched, and where a canary was found."""
    with tempfile.TemporaryDirectory(prefix="onpaid-canaries-") as folder:
        options = Options(orders=orders, seed=3, faults="all", once=True)
        stage = Stage(options, Path(folder), Path(folder) / "onpaid.db")
        try:
            await stage.start()
            await stage.kill_service()
            stage.environment |= {
                "ONPAID_LOG_LEVEL": "debug",
                "ONPAID_VIEWER_TOKEN": VIEWER,
                "ORDER_MISMATCH_WAIT": "40s",
            }
            await stage.start_service()
            async with aiohttp.ClientSession() as session:
                await _sing(stage, session, orders)
                told = await _pages(stage, session, VIEWER)
                operators = "".join((await _pages(stage, session, stage.admin_token)).values())
        finally:
            await stage.stop()
        told |= _files(Path(folder))
        told |= await _journals(stage)
    secrets = [stage.admin_token, stage.session_secret]
    secrets += [word for name in SECRET_SETTINGS for word in stage.environment[name].split()]
    hits = [f"{where}: {mark}" for where, text in told.items() for mark in (*MARKS, *secrets) if mark in text]
    return {
        "searched": len(told),
        "bytes": sum(map(len, told.values())),
        "hits": hits,
        "seen_by_operator": sum(mark in operators for mark in MARKS),
        "places": sorted(told),
    }


def _files(folder: Path) -> dict[str, str]:
    """What was written beside the database."""
    paths = [*folder.glob("*.log"), *folder.glob("*.jsonl")]
    return {path.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}


async def _sing(stage: Stage, session: aiohttp.ClientSession, orders: int) -> None:
    """Orders and payments of a canary, and deliveries that are refused."""
    simulators = stage.simulators_url
    aim = {"target": stage.service_url, "orders": 0}
    async with session.post(f"{simulators}/_play", json=aim) as reply:
        assert reply.status < 300, await reply.text()
    address = {"line1": PERSON["line1"], "postal_code": "0155", "city": "Oslo", "country": "NO"}
    for nth in range(orders):
        customer = {
            "name": PERSON["name"],
            "email": PERSON["email"] if nth % 2 else f"{nth}.{PERSON['email']}",
            "phone": PERSON["phone"],
            "company": PERSON["company"],
            "organization_number": PERSON["organization_number"],
            "address": address,
        }
        # The last order's amount does not fit, so that a ticket is told of it.
        item = {
            "id": str(77 + nth),
            "name": f"For {PERSON['name']}, {CARD}",
            "quantity": 1,
            "unit_price": "199.00",
            "vat": 25,
        }
        order = {
            "order_number": str(FIRST_ORDER + nth),
            "currency": "NOK",
            "items": [item],
            "customer": customer,
        }
        async with session.post(f"{simulators}/konverzky/_orders", json=order) as reply:
            assert reply.status < 300, await reply.text()
        guest = {name: customer[name] for name in ("name", "email", "phone", "address")}
        charge: dict[str, Any] = {"order_number": str(FIRST_ORDER + nth), "guest": guest}
        if nth == orders - 1:
            charge["amount"] = 12_345
        async with session.post(f"{simulators}/stripe/_charges", json=charge) as reply:
            assert reply.status < 300, await reply.text()
    for source, body in _bad_bodies():
        signer = Signer(stage.environment[f"{source.upper()}_WEBHOOK_SECRET"].split())
        name = "stripe-signature" if source == "stripe" else "x-onpaid-signature"
        for header in (signer.header(body, SystemClock().now()), f"t=1,v1={SECRET}", SECRET):
            async with session.post(
                f"{stage.service_url}/webhooks/{source}",
                data=body,
                headers={name: header, "x-request-id": SECRET},
            ) as reply:
                await reply.read()
    await _at_rest(stage)


def _bad_bodies() -> list[tuple[str, bytes]]:
    person = json.dumps({**PERSON, "card": CARD, "key": SECRET}).encode()
    odd = {"webhook_type": PERSON["email"], "order": {"order_number": SECRET, "items": [{"name": CARD}]}}
    event = {"id": SECRET, "object": "event", "type": "charge.succeeded", "livemode": False, "created": 1}
    broken = {
        **event,
        "id": "evt_broken",
        "data": {"object": {"id": CARD, "metadata": PERSON}},
        "api_version": SECRET,
    }
    return [
        *((source, person) for source in ("stripe", "konverzky")),
        *((source, person[:-9]) for source in ("stripe", "konverzky")),
        ("konverzky", json.dumps(odd).encode()),
        ("stripe", json.dumps(event).encode()),
        ("stripe", json.dumps(broken).encode()),
    ]


async def _at_rest(stage: Stage) -> None:
    store = await SqliteStore.open(stage.database)
    try:
        async with asyncio.timeout(60):
            calm = 0
            while calm < 5:
                busy = sum(
                    [await store.count("run", "state", state) for state in ("ready", "running", "sleeping")]
                )
                busy += await store.count("run", "flow-state", "invoice_payment:waiting")
                calm = 0 if busy else calm + 1
                await asyncio.sleep(0.2)
    finally:
        await store.close()


async def _pages(stage: Stage, session: aiohttp.ClientSession, token: str) -> dict[str, str]:
    """What the bearer of a token is shown: every page that the console links to, and the API."""
    told: dict[str, str] = {}
    paths = [*PAGES, *(f"/api/orders/{FIRST_ORDER + nth}" for nth in range(6))]
    for path in paths:
        if len(told) >= MOST_PAGES:
            break
        headers = {"Authorization": f"Bearer {token}"}
        async with session.get(stage.service_url + path, headers=headers) as reply:
            text = await reply.text()
        told[f"GET {path}"] = text
        paths += [link for link in map(html.unescape, LINK.findall(text)) if link not in paths]
    return told


async def _journals(stage: Stage) -> dict[str, str]:
    """The words that the journal adds to what was sent: notes of attempts, reasons, refusals; and all tickets."""
    store = await SqliteStore.open(stage.database)
    words: list[str] = []
    try:
        for state in STATES:
            for run in (await RUNS.query(store, "state", state, limit=1000)).items:
                words += [run.reason, *(attempt.note for step in run.steps for attempt in step.attempts)]
                words += [step.refused for step in run.steps]
        for state in ("open", "closed"):
            for ticket in (await TICKETS.query(store, "state", state, limit=1000)).items:
                words += [ticket.title, *ticket.facts.values()]
    finally:
        await store.close()
    return {"journal": "\n".join(words)}
