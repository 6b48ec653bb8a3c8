"""Calls to Fiken whose answer is lost: who looks before repeating comes through, unless a call lands too late."""

import asyncio
from typing import Any

import aiohttp

from tests.simulators.kit import QUICK, Client, Start
from tests.simulators.test_fiken_strict import INVOICE, SEND

ORDERS = 25


class Careful:
    """A client that looks before it repeats: the least that a service has to do to come through."""

    def __init__(self, client: Client, quiet: float) -> None:
        self.client, self.quiet, self.undecided = client, quiet, 0

    async def fiken(self, method: str, path: str, **more: Any) -> Any:
        """The answer, or None where nobody knows what happened."""
        try:
            said = await self.client.fiken(method, path, timeout=aiohttp.ClientTimeout(total=0.06), **more)
        except (aiohttp.ClientError, TimeoutError):
            return None
        return None if said.status >= 500 else said

    async def surely(self, method: str, path: str, **more: Any) -> Any:
        while True:
            said = await self.fiken(method, path, **more)
            if said is not None and said.status != 429:
                return said

    async def one(self, nth: int, customer: int) -> None:
        body = {**INVOICE, "uuid": f"{nth:08x}-e89b-12d3-a456-426655440000", "orderReference": str(nth)}
        query = f"/invoices?invoiceDraftUuid={body['uuid']}"
        while not (found := (await self.surely("GET", query)).json):
            if await self.fiken("POST", "/invoices", json={**body, "customerId": customer}) is None:
                await asyncio.sleep(self.quiet)
        while not (await self.surely("GET", query)).json[0]["dispatches"]:
            mail = {**SEND, "invoiceId": found[0]["invoiceId"]}
            if await self.fiken("POST", "/invoices/send", json=mail) is None:
                await asyncio.sleep(self.quiet)
                self.undecided += 1


async def play_carefully(client: Client) -> Any:
    careful = Careful(client, quiet=5 * QUICK.landing_longest)
    customer = await client.contact()
    client.simulators.plan.set(client.simulators.settings.faults, seed=2, api_rate=0.4)
    for nth in range(ORDERS):
        await careful.one(nth, customer)
        await client.call(
            "POST", "/stripe/_charges", json={"order_number": str(nth), "amount": 39800, "send": False}
        )
    await client.simulators.settled()
    return client.ledger()


async def test_who_looks_before_repeating_comes_through_all_faults(start: Start) -> None:
    told = await play_carefully(await start(faults="all"))
    verdict = told["verdict"]
    assert (verdict["paid"], verdict["invoiced"], verdict["mailed"]) == (ORDERS, ORDERS, ORDERS)
    assert (verdict["missing"], verdict["double"], verdict["unexplained"], verdict["mailed_twice"]) == (
        [],
        [],
        [],
        [],
    )
    injected = {"429", "503", "slow", "commit-then-timeout", "concurrent-call-refused"}
    assert set(told["faults_injected"]) == injected
    assert told["counts"]["concurrent_calls"] == 0


async def test_a_landing_after_the_quiet_period_has_to_show_as_double(start: Start) -> None:
    told = await play_carefully(await start(faults="late-landing"))
    assert told["verdict"]["double"]
    assert told["verdict"]["missing"] == []
