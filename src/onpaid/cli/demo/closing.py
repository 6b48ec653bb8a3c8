"""What the demo's operator does once the day is at rest: has missed webhooks made good, and everything proven.

As in life: a reconciliation asks the providers for what they list. A shop lists nothing, so its merchant has it send
those orders again that payments wait for. Then a proof compares what was paid with what there is. All of it goes over
the service's API, and an answer that is lost is asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

import msgspec

from onpaid.cli.demo.house import Json, NoAnswer, Talk
from onpaid.cli.demo.report_proof import Proven, Reconciled, proven_of, reconciled_of
from onpaid.errors import NotPossible

ROUNDS: Final = 3
"""How often it is reconciled at most: whatever takes more is a finding."""
LOOK_AGAIN: Final = 0.2
STALLED: Final = 50
"""Looks in a row that show a reconciliation unmoved, after which somebody tries whether it is dead."""
TRIES: Final = 50
WORKS: Final = 5
"""Seconds that one request works on a proof."""
PERIOD: Final = "1d"
Sleep = Callable[[float], Awaitable[object]]
WAITS_FOR_ITS_ORDER: Final = "invoice_payment"


class Closing:
    """The end of one day. `reconciled` is what was done."""

    def __init__(self, house: Talk, simulators: Talk, sleep: Sleep = asyncio.sleep) -> None:
        self._house = house
        self._simulators = simulators
        self._sleep = sleep
        self.reconciled: list[Reconciled] = []

    async def reconcile(self) -> Reconciled:
        """One reconciliation, to its end. Raises NoAnswer, NotPossible."""
        before = await self._newest()

        async def begun() -> Json:
            newest = await self._newest()
            if newest is not None and (before is None or newest["id"] != before["id"]):
                return newest  # its answer was lost
            return await self._house.post("/api/reconcile", {})

        told, unmoved = await self._answered(begun), 0
        while told["status"] == "running":
            await self._sleep(LOOK_AGAIN)
            seen = await self._answered(partial(self._house.get, f"/api/reconciliations/{told['id']}"))
            unmoved = unmoved + 1 if seen == told else 0
            told = await self._taken_over(seen) if unmoved and unmoved % STALLED == 0 else seen
        self.reconciled.append(reconciled_of(told))
        return self.reconciled[-1]

    async def _taken_over(self, stalled: Json) -> Json:
        """The next reconciliation, if the process of this one died and its lease is over; else this one."""
        try:
            return await self._house.post("/api/reconcile", {})
        except (NotPossible, NoAnswer):
            return stalled

    async def _newest(self) -> Json | None:
        found = await self._answered(lambda: self._house.get("/api/reconciliations", limit=1))
        return dict(found["items"][0]) if found["items"] else None

    async def ask_shop(self) -> int:
        """Have the shop send the orders again that paid payments wait for; how many those are."""
        asked = 0
        for number in sorted(await self._awaited()):
            try:
                await self._simulators.post("/konverzky/_orders/resend", {"order_number": number})
            except NotPossible:
                continue  # an order that this shop never had
            asked += 1
        if asked:
            self.reconciled[-1] = msgspec.structs.replace(self.reconciled[-1], asked_again=asked)
        return asked

    async def _awaited(self) -> set[str]:
        """The numbers of the orders that invoices wait for."""
        found: set[str] = set()
        cursor: str | None = None
        while True:
            more: dict[str, str | int] = {"cursor": cursor} if cursor else {}
            page = await self._answered(
                partial(self._house.get, "/api/runs", state="waiting", limit=100, **more)
            )
            found |= {
                row["order"].rpartition("/")[2]
                for row in page["items"]
                if row["flow"] == WAITS_FOR_ITS_ORDER and row["order"]
            }
            cursor = page["cursor"]
            if not cursor:
                return found

    async def prove(self) -> Proven:
        """A proof of the whole day. Raises NoAnswer, NotPossible."""
        proof = await self._answered(lambda: self._house.post("/api/proofs", {"since": PERIOD}))
        ident = proof["id"]
        while proof["verdict"] == "under way":
            before = proof
            proof = await self._answered(
                lambda: self._house.post(f"/api/proofs/{ident}/go-on", {"seconds": WORKS})
            )
            if proof == before:
                await self._sleep(LOOK_AGAIN)  # it waits, or somebody else works on it
        lines = await self._answered(lambda: self._house.get(f"/api/proofs/{ident}/orders", show="off"))
        return proven_of(proof, list(lines["items"]))

    async def _answered(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """Ask until there is an answer, for a while: faults may take one."""
        for _ in range(TRIES - 1):
            try:
                return await ask()
            except NoAnswer:
                await self._sleep(LOOK_AGAIN)
        return await ask()
