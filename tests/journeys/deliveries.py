"""Deliveries with the real service, `onpaid serve`, over HTTP: a courier that is dead for a day, a webhook fifty times.

asyncio.run(dead_courier(20, seed=1))          {"shipped_meanwhile": 0, "tickets_meanwhile": [...], "passed": True}
asyncio.run(one_webhook_many_times(50))        {"answers": {200: 50}, "shipments": 1, "messages": 2, "runs": 1}
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from rich.console import Console

from onpaid.app import proof_delivery
from onpaid.app.proof_delivery_ledger import compare, compare_stock
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.play import play
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.stage import Stage
from onpaid.cli.demo.surroundings import start_of_stock
from onpaid.engine.journal import RUNS, TICKETS
from onpaid.store.sqlite import SqliteStore

Json = dict[str, Any]
NOWHERE = "http://127.0.0.1:9"
PRODUCT = "racket-garuda"
SCARCE, ALL_OF_IT = "mat-shanti", 12
MOVING = ("ready", "running", "waiting", "sleeping")
CART: Json = {
    "customer": {"name": "Asha Rao", "phone": "+919876543210", "email": "asha@example.org"},
    "address": {"line1": "12 MG Road", "city": "Bengaluru", "state": "Karnataka", "pincode": "560001"},
}


@asynccontextmanager
async def _staged(options: Options) -> AsyncIterator[tuple[Stage, aiohttp.ClientSession]]:
    with tempfile.TemporaryDirectory(prefix="onpaid-deliveries-") as folder:
        stage = Stage(options, Path(folder), Path(folder) / "onpaid.db")
        try:
            await stage.start()
            async with aiohttp.ClientSession() as session:
                yield stage, session
        finally:
            await stage.stop()


async def _ask(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Json:
    async with session.request(method, url, json=body) as reply:
        assert reply.status < 300, await reply.text()
        told: Json = await reply.json(content_type=None)
        return told


async def dead_courier(orders: int, seed: int) -> Json:
    """A day on which Shiprocket answers nobody until everything else is done. Its report, and how it was meanwhile."""
    options = Options(orders=orders, sales=0, seed=seed, faults="none", once=True)
    meanwhile: Json = {}

    async def revive(stage: Stage, session: aiohttp.ClientSession) -> None:
        while True:
            ledger = await _ask(session, "GET", f"{stage.simulators_url}/_ledger")
            told = await _ask(session, "GET", f"{stage.simulators_url}/_play")
            shop, ours = ledger["verdict"], ledger["delivery"]
            reached = ours["verdict"]["confirmed"] + len(_failed(ours))
            done = told["state"] == "done" and shop["mailed"] == options.shop_orders
            tickets = await _open_tickets(stage)
            if done and reached == ours["verdict"]["paid"] and tickets:
                break
            await asyncio.sleep(0.2)
        # Nobody else gives up or is told of it while the courier stays away.
        await asyncio.sleep(2)
        meanwhile["tickets"] = await _open_tickets(stage)
        meanwhile["shipped"] = ours["counts"]["shipments"]
        meanwhile["paid"] = ours["verdict"]["paid"]
        meanwhile["unacknowledged"] = ledger["webhooks"]["waiting"]
        await _ask(session, "PUT", f"{stage.simulators_url}/shiprocket/_state", {"down": False})

    async with _staged(options) as (stage, session):
        await _ask(session, "PUT", f"{stage.simulators_url}/shiprocket/_state", {"down": True})
        reviving = asyncio.create_task(revive(stage, session))
        try:
            with Show(Console(file=io.StringIO()), options) as show:
                report = await play(stage, options, show)
            await reviving
        finally:
            reviving.cancel()
    return {**msgspec.to_builtins(report), "meanwhile": meanwhile}


def _failed(delivery: Json) -> set[str]:
    """The orders whose buyer WhatsApp cannot reach."""
    unreachable = {"919000000000"}
    return {
        cart["order_number"] for cart in delivery["carts"] if cart["phone"].removeprefix("+") in unreachable
    }


async def _open_tickets(stage: Stage) -> list[str]:
    store = await SqliteStore.open(stage.database, exclusive=False)
    try:
        return [ticket.title for ticket in (await TICKETS.query(store, "state", "open", limit=100)).items]
    finally:
        await store.close()


async def one_webhook_many_times(copies: int) -> Json:
    """One payment, whose one webhook is delivered so often at the same time. What came of it."""
    options = Options(orders=1, parcels=1, faults="none", once=True, messages="meta")
    async with _staged(options) as (stage, session):
        _, order = await _checked_out(stage, session, PRODUCT, 2)
        # Razorpay's own webhooks go nowhere meanwhile: what comes is what we deliver.
        await _ask(session, "PUT", f"{stage.simulators_url}/_target", {"base": NOWHERE})
        paid = {"order_id": order, "method": "upi"}
        await _ask(session, "POST", f"{stage.simulators_url}/razorpay/_payments", paid)
        await asyncio.sleep(0.5)
        ledger = await _ask(session, "GET", f"{stage.simulators_url}/_ledger")
        body, headers = _webhook(stage, ledger["delivery"]["razorpay"]["payments"][0])
        url = f"{stage.service_url}/webhooks/razorpay"

        async def deliver() -> int:
            async with session.post(url, data=body, headers=headers) as reply:
                return reply.status

        answers = Counter(await asyncio.gather(*(deliver() for _ in range(copies))))
        await _ask(session, "PUT", f"{stage.simulators_url}/_target", {"base": stage.service_url})

        async def told() -> bool:
            ledger = await _ask(session, "GET", f"{stage.simulators_url}/_ledger")
            return bool(ledger["delivery"]["verdict"]["told_shipped"])

        await _until(told)
        await asyncio.sleep(1)  # a second parcel or message would be on its way now
        ledger = await _ask(session, "GET", f"{stage.simulators_url}/_ledger")
        return {
            "answers": dict(answers),
            "shipments": ledger["delivery"]["counts"]["shipments"],
            "messages": len(ledger["delivery"]["messages"]),
            "findings": _findings(ledger["delivery"]),
            "runs": await _count(stage, "ship_paid_order:done"),
        }


async def three_buy_the_last_ones() -> Json:
    """Three carts hold all that there is of one thing, and all are paid: the first is shipped, the second too since a
    person decides so, the third is given its money back. What came of it."""
    options = Options(orders=1, parcels=1, faults="none", once=True, messages="twilio")
    async with _staged(options) as (stage, session):
        carts = [await _checked_out(stage, session, SCARCE, ALL_OF_IT, nth) for nth in range(3)]
        simulators, house = stage.simulators_url, stage.service_url
        for nth, (_, order) in enumerate(carts):
            paid = {"order_id": order, "method": "upi"}
            await _ask(session, "POST", f"{simulators}/razorpay/_payments", paid)

            async def told_of(held: int = nth) -> bool:
                failed, done = [await _count(stage, f"ship_paid_order:{each}") for each in ("failed", "done")]
                return failed == held and done == 1

            await _until(told_of)
        admin = {"Authorization": f"Bearer {stage.admin_token}"}
        asked = zip(carts[1:], ("ship", "refund"), strict=True)
        async with aiohttp.ClientSession(headers=admin) as operator:
            for (number, _), choice in asked:
                await _ask(operator, "POST", f"{house}/api/orders/{number}/decide", {"choice": choice})

        async def over() -> bool:
            moving = sum([await _count(stage, f"send_message:{state}") for state in MOVING])
            done = await _count(stage, "ship_paid_order:done")
            return done == len(carts) and not moving and not await _open_tickets(stage)

        await _until(over)
        ledger = (await _ask(session, "GET", f"{simulators}/_ledger"))["delivery"]
        store = await SqliteStore.open(stage.database, exclusive=False)
        try:
            ours = [row async for row in proof_delivery.rows(store)]
            left = await proof_delivery.shelves(store)
        finally:
            await store.close()
        shipped = {each["channel_order_id"] for each in ledger["shipments"] if each["live"]}
        return {
            "shipped": [number in shipped for number, _ in carts],
            "given_back": [each["amount_refunded"] > 0 for each in ledger["razorpay"]["payments"]],
            "left": left[SCARCE],
            "findings": _findings(ledger),
            "differences": [
                *compare(ours, ledger),
                *compare_stock(start_of_stock(), left, ours, ledger),
            ],
        }


async def _checked_out(
    stage: Stage, session: aiohttp.ClientSession, product: str, units: int, nth: int = 0
) -> tuple[str, str]:
    """A cart that is checked out: our number, and Razorpay's order."""
    await _ask(session, "PUT", f"{stage.simulators_url}/_target", {"base": stage.service_url})
    phone = f"+91987654321{nth}"
    cart = {
        **CART,
        "items": [{"product_id": product, "quantity": units}],
        "customer": {**CART["customer"], "phone": phone},
    }
    opened = await _ask(session, "POST", f"{stage.service_url}/payment/create-order", cart)
    number, order = opened["order_number"], opened["razorpay_order_id"]
    noted = {"order_number": number, "razorpay_order": order, "units": {product: units}, "phone": phone}
    await _ask(session, "POST", f"{stage.simulators_url}/_carts", noted)
    return number, order


async def _until(what: Callable[[], Awaitable[bool]]) -> None:
    """Until it is so."""
    async with asyncio.timeout(30):
        while not await what():  # noqa: ASYNC110 - other processes ring no bell here
            await asyncio.sleep(0.1)


async def _count(stage: Stage, where: str) -> int:
    store = await SqliteStore.open(stage.database, exclusive=False)
    try:
        return await store.count(RUNS.name, "flow-state", where)
    finally:
        await store.close()


def _findings(delivery: Json) -> list[str]:
    return [name for name, found in delivery["verdict"].items() if found and isinstance(found, list)]


def _webhook(stage: Stage, payment: Json) -> tuple[bytes, dict[str, str]]:
    """The event that the payment was captured, as Razorpay would send it."""
    assert payment["captured"]
    event = {
        "entity": "event",
        "account_id": "acc_simulated",
        "event": "payment.captured",
        "contains": ["payment"],
        "payload": {"payment": {"entity": payment}},
        "created_at": payment["created_at"],
    }
    body = json.dumps(event).encode()
    secret = stage.environment["RAZORPAY_WEBHOOK_SECRET"].split()[0]
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    named = {"content-type": "application/json", "x-razorpay-event-id": "evt_delivered_often"}
    return body, {**named, "x-razorpay-signature": signed}
