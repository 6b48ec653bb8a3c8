"""The gate and the lease of the reconciliation: how often it asks again, how long it waits, and compressed time."""

from __future__ import annotations

import pytest

from onpaid.app.reconciling_night import Gate
from onpaid.domain.reconciliation import Reconciliation
from onpaid.engine.testing import VirtualClock, run_virtually
from onpaid.errors import NotPossible, ProviderError, Refused, Unavailable
from onpaid.repositories.reconciliations import Reconciliations
from onpaid.store.memory import MemoryStore


async def waited(gate: Gate, clock: VirtualClock, *errors: ProviderError) -> float:
    """How long a question took that was answered after these errors."""
    left = list(errors)

    async def question() -> str:
        if left:
            raise left.pop(0)
        return "answered"

    begun = clock.monotonic()
    assert await gate.ask(question) == "answered"
    return clock.monotonic() - begun


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 7.0), (40.0, 7.0 / 40)])
def test_what_fails_is_asked_again_and_its_waits_are_compressed(factor: float, seconds: float) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = Gate(clock, per_second=None, factor=factor)
        assert await waited(gate, clock, *[Unavailable("not now")] * 3) == pytest.approx(seconds)

    run_virtually(main)


def test_a_provider_s_own_wish_is_in_real_seconds_whatever_the_factor() -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = Gate(clock, per_second=None, factor=40.0)
        assert await waited(gate, clock, Unavailable("429", 3.0)) == pytest.approx(3.0)
        assert await waited(gate, clock, Unavailable("429", 900.0)) == pytest.approx(30.0)

    run_virtually(main)


@pytest.mark.parametrize(("factor", "seconds"), [(1.0, 4.0), (40.0, 0.1)])
def test_questions_keep_their_distance(factor: float, seconds: float) -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = Gate(clock, per_second=1.0, factor=factor)
        begun = clock.monotonic()
        for _ in range(5):
            await waited(gate, clock)
        assert clock.monotonic() - begun == pytest.approx(seconds)

    run_virtually(main)


def test_it_gives_up_after_four_tries_and_at_once_where_asking_again_is_in_vain() -> None:
    async def main() -> None:
        clock = VirtualClock()
        gate = Gate(clock, per_second=None)
        with pytest.raises(Unavailable):
            await waited(gate, clock, *[Unavailable("not now")] * 4)
        with pytest.raises(Refused):
            await waited(gate, clock, Refused("never"))

    run_virtually(main)


def of(ident: str, now: int) -> Reconciliation:
    return Reconciliation(
        id=ident, trigger="manual", started_at=now, since=0, until=now, lookback_hours=1, most=1
    )


def test_a_compressed_lease_holds_others_up_for_as_much_less() -> None:
    async def main() -> None:
        store, now = MemoryStore(), 1_000_000
        dead = Reconciliations(store, owner="dead", lease_ms=20_000)
        heir = Reconciliations(store, owner="heir", lease_ms=20_000)
        await dead.begin(of("rec_1", now), now)
        with pytest.raises(NotPossible, match="rec_1"):
            await heir.begin(of("rec_2", now), now + 19_999)
        await heir.begin(of("rec_2", now), now + 20_001)
        left = await heir.get("rec_1")
        assert left is not None
        assert left.state == "broken off"

    run_virtually(main)
