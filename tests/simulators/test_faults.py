"""Fault names, and draws that depend on seed and call alone."""

import aiohttp
import pytest

from onpaid.simulators import ALL, FAULTS, Play, Times, UnknownFault, parse, play
from onpaid.simulators.kit import Dice
from onpaid.simulators.plan import LONGEST_STREAK, FaultPlan
from tests.simulators.kit import Receiver, Start


def test_all_leaves_out_the_controls() -> None:
    assert frozenset(FAULTS) - ALL == {"drop-webhook", "late-landing"}
    assert parse("all") == ALL
    assert parse(["all", "late-landing"]) == ALL | {"late-landing"}
    assert parse("none") == parse("") == frozenset()
    assert parse("429, slow") == {"429", "slow"}


def test_an_unknown_fault_is_refused_with_the_list_of_known_ones() -> None:
    with pytest.raises(UnknownFault, match=r"gremlins.*clock-skew"):
        parse("slow,gremlins")


def test_dice_depend_on_their_path_only() -> None:
    first = [Dice(7).at("a", str(n)).unit("x") for n in range(500)]
    assert first == [Dice(7).at("a").at(str(n)).unit("x") for n in range(500)]
    assert first != [Dice(8).at("a", str(n)).unit("x") for n in range(500)]
    assert 0.4 < sum(first) / len(first) < 0.6
    assert {Dice(n).whole("w", 1, 3) for n in range(50)} == {1, 2, 3}


def test_a_call_is_drawn_by_its_key_and_not_by_its_place() -> None:
    keys = [f"invoice {n}" for n in range(200)]
    forwards, backwards = FaultPlan(Times(), "all", 5), FaultPlan(Times(), "all", 5)
    one = {key: forwards.for_call("fiken", "create invoice", key, writes=True) for key in keys}
    two = {key: backwards.for_call("fiken", "create invoice", key, writes=True) for key in reversed(keys)}
    assert one == two
    other = FaultPlan(Times(), "all", 6)
    assert one != {key: other.for_call("fiken", "create invoice", key, writes=True) for key in keys}


def test_rates_are_as_told() -> None:
    plan = FaultPlan(Times(), "all", 1)
    hit = sum(plan.for_call("fiken", "send", str(n), writes=True) is not None for n in range(4_000))
    assert 0.13 < hit / 4_000 < 0.17
    held = sum(plan.for_webhook("stripe", str(n), secrets=2).signer != "newest" for n in range(4_000))
    assert 0.27 < held / 4_000 < 0.33
    assert sum(plan.injected.values()) == len(plan.diary)


def test_no_call_fails_for_ever() -> None:
    plan = FaultPlan(Times(), "all,late-landing", 3)
    plan.set("503,429,commit-then-timeout", seed=3, api_rate=1)
    for _round in range(5):
        troubles = [plan.for_call("fiken", "send", "one", writes=True) for _try in range(LONGEST_STREAK + 1)]
        assert all(troubles[:-1])
        assert troubles[-1] is None


def test_a_read_never_lands_and_only_fiken_refuses_company() -> None:
    plan = FaultPlan(Times())
    plan.set([*FAULTS], api_rate=1)
    reads = [plan.for_call("stripe", "get", str(n), writes=False) for n in range(300)]
    assert {trouble.fault for trouble in reads if trouble} == {"429", "503", "slow", "commit-then-timeout"}
    assert {trouble.lands for trouble in reads if trouble and trouble.fault != "slow"} == {"never"}
    writes = [plan.for_call("fiken", "send", str(n), writes=True) for n in range(300)]
    assert {"concurrent-call-refused", "late-landing"} <= {trouble.fault for trouble in writes if trouble}
    assert {trouble.lands for trouble in writes if trouble and trouble.status == 503} == {
        "now",
        "after",
        "never",
    }
    assert max(t.after for t in writes if t and t.fault == "commit-then-timeout") <= Times().landing_longest


def test_a_tenth_of_the_ids_is_dead_already_and_none_with_a_suffix() -> None:
    plan = FaultPlan(Times(), "all", 4)
    ids = [str(2_045_861_230_000 + nth) for nth in range(3_000)]
    dead = [ident for ident in ids if plan.canceled_before(ident)]
    assert 0.08 < len(dead) / len(ids) < 0.12
    assert [ident for ident in ids if plan.canceled_before(ident)] == dead
    assert plan.injected["canceled-200"] == len(dead)
    assert not any(plan.canceled_before(f"{ident}-2") for ident in dead)
    plan.set("503", seed=4)
    assert not any(plan.canceled_before(ident) for ident in dead)


def test_drop_and_old_secret_need_what_they_work_on() -> None:
    plan = FaultPlan(Times(), "all", 2)
    assert not any(plan.for_webhook("stripe", str(n), secrets=1).signer != "newest" for n in range(50))
    assert plan.injected["old-secret"] == plan.injected["drop-webhook"] == 0
    plan.set("drop-webhook", rate=1)
    assert plan.for_webhook("stripe", "one").dropped


def test_a_tenth_never_comes_unless_a_rate_is_given() -> None:
    plan = FaultPlan(Times(), "all,drop-webhook", 2)

    def share() -> float:
        return sum(plan.for_webhook("stripe", str(nth)).dropped for nth in range(2000)) / 2000

    assert (plan.rate, plan.drop_rate) == (0.3, 0.1)
    assert 0.08 < share() < 0.12
    plan.set("drop-webhook", drop_rate=0.5)
    assert plan.rate == 0.3
    assert 0.45 < share() < 0.55
    plan.set("drop-webhook", rate=0.3)
    assert plan.drop_rate == 0.3


async def test_the_same_seed_brings_the_same_day(start: Start, receiver: Receiver) -> None:
    """Ids, amounts and faults of a day are the same again, though the timing is not."""
    days = []
    for at_once in (1, 8):
        client = await start(target=receiver.base, faults="all", seed=11)
        await play(client.simulators, Play(orders=12, at_once=at_once, upsells=0.3))
        told = client.ledger()
        payments = sorted((p["charge"], p["order_number"], p["amount"]) for p in told["payments"])
        days.append((payments, sorted(client.simulators.plan.diary), told["faults_injected"]))
    assert days[0] == days[1]
    assert days[0][2]["duplicate"] > 0


async def test_the_same_calls_meet_the_same_faults(start: Start) -> None:
    runs = []
    for _run in range(2):
        client = await start(faults="429,503,slow,concurrent-call-refused", seed=4)
        client.simulators.plan.set("429,503,slow,concurrent-call-refused", seed=4, api_rate=0.5)
        said = [(await client.fiken("GET", f"/contacts?email=b{n}@example.org")).status for n in range(30)]
        runs.append((said, list(client.simulators.plan.diary)))
    assert runs[0] == runs[1]
    assert {200, 429, 503} == set(runs[0][0])


async def test_a_retry_after_comes_with_429_only(start: Start) -> None:
    client = await start()
    client.simulators.plan.set("429", api_rate=1)
    assert (await client.fiken("GET", "/contacts")).headers["Retry-After"] == "1"
    assert (await client.stripe("GET", "/customers")).headers["Retry-After"] == "1"
    client.simulators.plan.set("concurrent-call-refused", api_rate=1)
    refused = await client.fiken("GET", "/contacts")
    assert refused.status == 429
    assert "Retry-After" not in refused.headers
    assert client.ledger()["counts"]["concurrent_calls"] == 0


async def test_a_hang_ends_when_the_client_gives_up(start: Start) -> None:
    client = await start()
    client.simulators.plan.set("commit-then-timeout", seed=1, api_rate=1)
    outcomes = set()
    for n in range(12):
        try:
            timeout = aiohttp.ClientTimeout(total=0.03)
            await client.fiken("POST", "/contacts", json={"name": f"N{n}", "customer": True}, timeout=timeout)
        except TimeoutError:
            outcomes.add("hang")
        except aiohttp.ClientError:
            outcomes.add("reset")
    assert outcomes == {"hang", "reset"}
    await client.simulators.settled()
    landed = client.ledger()["counts"]["contacts"]
    assert 0 < landed < 12
