"""The function of the nightly reconciliation: the documented event in, the documented answer out, in its time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from onpaid.app.reconciling_shown import Reconciling
from onpaid.aws_reconcile import NightDoor
from onpaid.engine.testing import START, MemoryStore, VirtualClock, run_virtually
from onpaid.errors import SettingsError, Unavailable
from tests.simulation.sales import House, Listeners, sells
from tests.simulation.till import Account


class Standing:
    """A sandbox in virtual time. `rung` counts how often a bell's rings were sent off."""

    def __init__(self, *, reconciles: bool = True) -> None:
        self.account, self.store, self.clock = Account(), MemoryStore(), VirtualClock()
        self.inside = House(self.store, self.account, Listeners(), self.clock, per_second=1.0)
        reconciling = Reconciling(self.inside.reconciler, self.inside.nightly) if reconciles else None
        self.rung = 0
        self.kept = SimpleNamespace(
            service=SimpleNamespace(reconciling=reconciling),
            bell=SimpleNamespace(ringing=self._ringing),
            look_around=self._look_around,
        )

    async def house(self) -> Any:
        return self.kept

    def run(self, job: Callable[[Callable[[], float]], Awaitable[Any]], context: Any) -> Any:
        async def main() -> Any:
            end = asyncio.get_running_loop().time() + context.get_remaining_time_in_millis() / 1000
            return await job(lambda: end - asyncio.get_running_loop().time())

        return run_virtually(main)

    @contextlib.asynccontextmanager
    async def _ringing(self) -> AsyncIterator[None]:
        yield
        self.rung += 1

    async def _look_around(self) -> None:
        return None


def limited(seconds: float) -> Any:
    return SimpleNamespace(aws_request_id="r-1", get_remaining_time_in_millis=lambda: round(seconds * 1000))


def invoked(sandbox: Standing, event: Any, seconds: float = 300.0) -> Any:
    return NightDoor(sandbox).handle(event, limited(seconds))  # type: ignore[arg-type]


def test_it_answers_as_agreed_and_rings_for_what_it_started() -> None:
    sandbox = Standing()
    for ident in sells(sandbox.account, 3, START - 3_600_000, START - 60_000):
        sandbox.account.complete(ident, START - 1000)
    answer = invoked(sandbox, {"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}})
    assert answer["statusCode"] == 200
    body = answer["body"]
    assert (body["status"], body["trigger"], body["created"], body["left"]) == ("success", "scheduled", 3, [])
    assert sandbox.rung == 1


def test_overrides_are_taken_or_refused() -> None:
    answer = invoked(Standing(), {"lookbackHours": 48, "maxSessions": 100, "dryRun": True})
    body = answer["body"]
    assert (body["trigger"], body["lookbackHours"], body["maxSessions"], body["dryRun"]) == (
        "manual",
        48,
        100,
        True,
    )
    assert invoked(Standing(), {"lookbackHours": "a week"})["statusCode"] == 400
    assert invoked(Standing(), None)["body"]["trigger"] == "scheduled"


def test_it_stops_in_time() -> None:
    sandbox = Standing()
    for ident in sells(sandbox.account, 450, START - 3_600_000, START - 60_000):
        sandbox.account.complete(ident, START - 1000)
    answer = invoked(sandbox, {}, 32.5)
    assert answer["statusCode"] == 200
    assert answer["body"]["left"]
    assert answer["body"]["why"]


def test_an_invocation_that_saw_nothing_has_failed() -> None:
    sandbox = Standing()
    sandbox.account.away = lambda: True
    with pytest.raises(Unavailable, match="Error"):
        invoked(sandbox, {})


def test_without_anything_to_reconcile_it_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="STRIPE_API_KEY"):
        invoked(Standing(reconciles=False), {})
