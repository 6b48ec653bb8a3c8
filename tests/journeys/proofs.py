"""A day with the real service, losses planted at the simulators behind its back, and a proof of it.

asyncio.run(proven_day(8, seed=1))     {"verdict": "off", "before": [], "planted": [...], "found": [...]}
"""

from __future__ import annotations

import io
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiohttp
from rich.console import Console

from onpaid.app.proving import Prover
from onpaid.app.proving_sources import Followed, Outside, Paged
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.play import play
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.stage import Stage
from onpaid.clock import SystemClock
from onpaid.domain.proof_rows import Line
from onpaid.engine.bell import Silence
from onpaid.engine.lanes import Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.visits import Visits
from onpaid.providers import fiken, razorpay, shiprocket
from onpaid.providers.stripe_lists import StripeLists
from onpaid.providers.stripe_reading import Shop
from onpaid.providers.stripe_sdk import LANES, StripeSdk
from onpaid.providers.stripe_sdk import Settings as StripeAccess
from onpaid.repositories.orders import Orders
from onpaid.repositories.proofs import Proof
from onpaid.repositories.references import References
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store

Json = dict[str, Any]
MARKS = ("source=konverzky", "konverzky*")
AGES_MS = 3_600_000
"""The day's payments are proven as though an hour had passed: what is missing is then no longer under way."""
LOSSES = (
    ("invoice-deleted", 0),
    ("invoice-doubled", 1),
    ("invoice-changed", 2),
    ("invoice-credited", 3),
    ("invoice-strange", 0),
    ("parcel-strange", 0),
    ("parcel-cancelled", 1),
)


class LaterClock(SystemClock):
    """The wall clock, an hour ahead."""

    def now(self) -> int:
        return super().now() + AGES_MS


class Providers:
    """Clients of the stage's simulators, as a service would have them."""

    def __init__(self, stage: Stage) -> None:
        told = stage.environment
        clock = SystemClock()
        self.fiken = fiken.Fiken(
            fiken.Settings(
                told["FIKEN_API_TOKEN"],
                told["FIKEN_COMPANY_SLUG"],
                told["FIKEN_BANK_ACCOUNT_CODE"],
                told["FIKEN_PAYMENT_ACCOUNT"],
                told["FIKEN_API_BASE"],
            )
        )
        self.shiprocket = shiprocket.Shiprocket(
            shiprocket.Settings(
                told["SHIPROCKET_EMAIL"],
                told["SHIPROCKET_PASSWORD"],
                told["SHIPROCKET_PICKUP_LOCATION"],
                api_base=told["SHIPROCKET_API_BASE"],
            ),
            clock,
        )
        self.razorpay = razorpay.Razorpay(
            razorpay.Settings(
                told["RAZORPAY_KEY_ID"], told["RAZORPAY_KEY_SECRET"], api_base=told["RAZORPAY_API_BASE"]
            )
        )
        self.sdk = StripeSdk(StripeAccess(told["STRIPE_API_KEY"], False, told["STRIPE_API_BASE"]))
        self.stripe = StripeLists(self.sdk, Shop("konverzky", "order_number", MARKS))

    async def close(self) -> None:
        for each in (self.fiken, self.shiprocket, self.razorpay, self.sdk):
            await each.close()


def prover_of(records: Store, providers: Providers) -> Prover:
    """A prover that reads the service's records beside it, and keeps its proofs elsewhere."""
    clock, pace, store = LaterClock(), Pace(), MemoryStore()
    limits = [
        lane for each in (providers.fiken, providers.shiprocket, providers.razorpay) for lane in each.lanes
    ]
    lanes = Lanes([*limits, *LANES], clock, pace, Silence(), lifted=True)
    visits = Visits(store, lanes, clock, pace, Silence(), owner="proof")
    outside = Outside(
        takings={
            "stripe": Followed(visits, providers.stripe),
            "razorpay": Paged(visits, providers.razorpay),
        },
        accounts=providers.fiken,
        courier=providers.shiprocket,
        messages=True,
        shops=("konverzky", "shop"),
    )
    return Prover(
        store,
        Orders(records),
        References(records),
        clock,
        visits,
        outside,
        owner="proof",
        zone=ZoneInfo("Europe/Oslo"),
        records=records,
    )


async def proven(prover: Prover) -> tuple[Proof, list[Line]]:
    """A proof of the day, and its orders."""
    now = SystemClock().now()
    proof = await prover.begin(now - 6 * AGES_MS, now)
    while not proof.ended:
        moved = await prover.advance(proof.id, timedelta(seconds=60))
        assert moved is not None
        proof = moved
    pages = [page for side in ("off", "lines") async for page in prover.proofs.pages(proof, side)]
    return proof, [line for page in pages for line in page.lines]


async def proven_day(orders: int, seed: int, faults: str = "none") -> Json:
    """Play a day, prove it, plant every loss, and prove it again."""
    options = Options(orders=orders, sales=0, seed=seed, faults=faults, once=True)
    with tempfile.TemporaryDirectory(prefix="onpaid-proofs-") as folder:
        stage = Stage(options, Path(folder), Path(folder) / "onpaid.db")
        try:
            await stage.start()
            with Show(Console(file=io.StringIO()), options) as show:
                report = await play(stage, options, show)
            providers = Providers(stage)
            async with stage.reading() as records, aiohttp.ClientSession() as session:
                prover = prover_of(records, providers)
                before, whole = await proven(prover)
                planted = [await _lose(stage, session, what, nth) for what, nth in LOSSES]
                lost = {"order_number": "770077", "amount": 12_300, "currency": "NOK", "send": False}
                lost["metadata"] = {"order_number": "770077"}
                planted.append(
                    {"what": "payment-unheard", **await _post(stage, session, "/stripe/_charges", lost)}
                )
                after, lines = await proven(prover)
            await providers.close()
        finally:
            await stage.stop()
    findings = [(line.order, each) for line in lines for each in line.findings]
    return {
        "passed": report.passed,
        "before": (before.verdict, [each for line in whole for each in line.findings], dict(before.unread)),
        "totals": before.totals,
        "after": (after.verdict, dict(after.unread)),
        "planted": planted,
        "found": [
            (each.kind, each.effect, order, each.what, each.cause, each.command) for order, each in findings
        ],
    }


async def _lose(stage: Stage, session: aiohttp.ClientSession, what: str, nth: int) -> Json:
    return await _post(stage, session, "/_lose", {"what": what, "nth": nth})


async def _post(stage: Stage, session: aiohttp.ClientSession, path: str, body: Json) -> Json:
    async with session.post(f"{stage.simulators_url}{path}", json=body) as reply:
        assert reply.status < 300, await reply.text()
        told: Json = await reply.json()
        return told
