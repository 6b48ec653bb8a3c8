"""The reconciliation, run by run: what it starts, what it only remembers, what it leaves to the next, and who may run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from onpaid.app.reconciling_answer import answer_of
from onpaid.app.reconciling_door import answer_event
from onpaid.app.reconciling_request import SyncSettings, read_event
from onpaid.domain.money import Money
from onpaid.domain.reconciliation import Finding, Reconciliation, Span, merged
from onpaid.engine.journal import TICKETS
from onpaid.engine.operations import Operations
from onpaid.engine.testing import Died, MortalStore, VirtualClock, run_virtually
from onpaid.errors import InvalidInput, NotPossible, Unavailable
from onpaid.repositories.documented_sync import sync_state_items
from onpaid.repositories.documented_tables import Place
from onpaid.repositories.reconciliations import LEASE_MS
from onpaid.store.memory import MemoryStore
from tests.simulation.sales import House, Listeners, sells, verdict
from tests.simulation.till import ACCOUNT, Account

HOUR = 3600.0
WELL = {"missing": 0, "double": 0, "unexplained": 0, "stopped": 0}


class World:
    """An account, a store and whoever works on them."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), VirtualClock()
        self.account, self.listeners = Account(), Listeners()

    def house(self, store: Any = None, **more: Any) -> House:
        return House(store or self.store, self.account, self.listeners, self.clock, **more)

    async def sold(self, count: int, *, paid: bool = True) -> list[str]:
        """Sessions of the last hour that nobody told us of."""
        idents = list(sells(self.account, count, self.clock.now(), self.clock.now() + 3_600_000))
        for ident in idents:
            self.account.complete(ident, self.account.sessions[ident].created_at + 60_000, paid=paid)
        await self.clock.sleep(2 * HOUR)
        return idents

    async def well(self) -> dict[str, Any]:
        found = await verdict(self.store, self.account, self.listeners)
        assert {name: found[name] for name in WELL} == WELL, found
        return found


def tell(story: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await story(World())

    run_virtually(main)


@pytest.mark.parametrize("events", [True, False])
def test_what_was_missed_is_started_and_a_second_run_changes_nothing(events: bool) -> None:
    async def story(world: World) -> None:
        await world.sold(7)
        house = world.house(events=events)
        with capture_logs() as logs:
            run = await house.reconciler.run("scheduled")
        assert (run.counts.processed, run.counts.created, run.counts.skipped) == (7, 7, 0)
        await house.rest()
        assert (await world.well())["by night"] == 7
        orders = {session.order_number for session in await kept(house)}
        assert set(run.created_orders) == orders
        said = [entry["event"] for entry in logs]
        assert said.count("Sync completed: 7 processed, 7 created, 0 skipped, 0 errors") == 1
        assert {f"Created order snapshot {number} via sync" for number in orders} <= set(said)
        again = await house.reconciler.run("manual")
        assert (again.counts.processed, again.counts.created, again.counts.started) == (7, 0, 0)
        await world.well()

    tell(story)


def test_a_session_that_only_keeps_a_card_is_kept_and_is_no_order() -> None:
    async def story(world: World) -> None:
        card, sold = await world.sold(2)
        details = world.account.sessions[card]
        only_kept = msgspec.structs.replace(
            details, mode="setup", payment_status="no_payment_required", payment_id=None, total=None
        )
        world.account.sessions[card] = only_kept
        house = world.house(events=False)
        run = await house.reconciler.run("scheduled")
        assert (run.counts.processed, run.counts.created, run.counts.skipped) == (2, 1, 1)
        await house.rest()
        orders = {session.session_id: session.order_number for session in await kept(house)}
        assert set(orders) == {card, sold}
        assert list(run.created_orders) == [orders[sold]]
        again = await house.reconciler.run("manual")
        assert (again.counts.created, again.counts.started, again.counts.errors) == (0, 0, 0)

    tell(story)


async def kept(house: House) -> list[Any]:
    return [each for each in (await house.sessions.newest(limit=200)).items if each.state == "paid"]


def test_the_answer_has_every_field_that_was_agreed_in_its_form() -> None:
    async def story(world: World) -> None:
        await world.clock.sleep(0.123)
        await world.sold(2)
        run = await world.house().reconciler.run("scheduled")
        answer = answer_of(run)
        assert set(answer) == {"statusCode", "body"}
        body = answer["body"]
        agreed = {
            "status": "success",
            "trigger": "scheduled",
            "syncStartedAt": "2026-01-01T02:00:00Z",
            "lookbackHours": 25,
            "lookbackWindow": {"from": "2025-12-31T01:00:00Z", "to": "2026-01-01T02:00:00Z"},
            "processed": 2,
            "created": 2,
            "skipped": 0,
            "errors": 0,
            "createdOrders": run.created_orders,
            "dryRun": False,
        }
        assert {name: body[name] for name in agreed} == agreed
        assert body["syncCompletedAt"].endswith("Z")
        assert len(body["syncCompletedAt"]) == 20
        assert all(number.startswith("BC-") for number in body["createdOrders"])
        state = await world.house().records.state()
        assert state is not None
        (item,) = sync_state_items(state, Place("commerce", ("PK", "SK")))
        assert item.key == {"PK": "SYSTEM", "SK": "STRIPE_ORDER_SYNC"}
        assert item.fields == {
            "lastSyncStartedAt": "2026-01-01T02:00:00Z",
            "lastSyncCompletedAt": body["syncCompletedAt"],
            "lastSyncProcessed": 2,
            "lastSyncCreated": 2,
            "lastSyncSkipped": 0,
            "lastSyncErrors": 0,
            "lastLookbackStart": 1_767_142_800,
            "lastLookbackEnd": 1_767_232_800,
        }

    tell(story)


def test_a_dry_run_tells_and_does_nothing() -> None:
    async def story(world: World) -> None:
        await world.sold(3)
        house = world.house()
        run = await house.reconciler.run("manual", {"dryRun": True})
        assert (run.counts.created, run.counts.started, run.dry_run) == (3, 0, True)
        assert await house.records.state() is None
        assert not await kept(house)
        assert not world.listeners.heard
        assert (await house.reconciler.run("manual")).counts.created == 3

    tell(story)


def test_the_limit_hides_nothing_and_the_next_run_goes_on_there() -> None:
    async def story(world: World) -> None:
        await world.sold(130)
        house = world.house(events=False, settings=SyncSettings(most=50))
        seen = []
        for _ in range(3):
            seen.append(await house.reconciler.run("scheduled"))
            await house.rest()
        assert [run.counts.processed for run in seen] == [50, 50, 30]
        assert [bool(run.left) for run in seen] == [True, True, False]
        assert sum(run.counts.created for run in seen) == 130
        await world.well()

    tell(story)


def test_who_pays_after_the_window_is_asked_about_until_the_end() -> None:
    async def story(world: World) -> None:
        house = world.house(events=False)
        late = world.account.open(1, world.clock.now())
        slow = world.account.open(2, world.clock.now())
        never = world.account.open(3, world.clock.now())
        await world.clock.sleep(2 * HOUR)
        first = await house.reconciler.run("scheduled")
        assert (first.counts.remembered, first.counts.created) == (3, 0)
        world.account.complete(late, world.clock.now())
        world.account.complete(slow, world.clock.now(), paid=False)
        await world.clock.sleep(60 * HOUR)
        second = await house.reconciler.run("scheduled")
        assert (second.counts.asked, second.counts.created) == (3, 1)
        world.account.settle(slow, world.clock.now())
        world.account.expire(never, world.clock.now())
        await world.clock.sleep(200 * HOUR)
        third = await house.reconciler.run("scheduled")
        assert (third.counts.asked, third.counts.created) == (2, 1)
        await house.rest()
        await world.well()
        assert (await house.reconciler.run("scheduled")).counts.asked == 0

    tell(story)


def test_a_night_that_was_missed_leaves_no_gap() -> None:
    async def story(world: World) -> None:
        house = world.house(events=False)
        await house.reconciler.run("scheduled")
        await world.sold(3)
        await world.clock.sleep(90 * HOUR)
        run = await house.reconciler.run("scheduled")
        assert run.counts.created == 3
        assert run.until - run.since > 90 * 3_600_000

    tell(story)


def test_one_bad_session_never_stops_the_rest_and_is_looked_at_again() -> None:
    async def story(world: World) -> None:
        idents = await world.sold(5)
        house = world.house(events=False)
        compared = house.lists.sessions
        assert compared is not None
        right = compared.number_of

        def number_of(session: str) -> str:
            if session == idents[2]:
                raise ZeroDivisionError("customer@example.org")
            return right(session)

        compared.number_of = number_of
        run = await house.reconciler.run("scheduled")
        assert (run.counts.processed, run.counts.created, run.counts.errors) == (5, 4, 1)
        assert [(each.subject, each.why) for each in run.failures] == [(idents[2], "ZeroDivisionError")]
        compared.number_of = right
        await world.clock.sleep(100 * HOUR)
        assert (await house.reconciler.run("scheduled")).counts.created == 1
        await house.rest()
        await world.well()

    tell(story)


def test_a_provider_that_is_away_leaves_its_lists_to_the_next_run() -> None:
    async def story(world: World) -> None:
        await world.sold(4)
        house, away = world.house(), True
        world.account.away = lambda: away
        run = await house.reconciler.run("scheduled")
        assert run.state == "error"
        assert {span.what for span in run.left} == {
            "undelivered events",
            "events",
            "sessions",
        }
        assert answer_of(run)["statusCode"] == 500
        with pytest.raises(Unavailable):
            await answer_event(house.reconciler, {}, lambda: 300.0)
        away = False
        await world.clock.sleep(80 * HOUR)
        assert (await house.reconciler.run("scheduled")).counts.created == 4
        await house.rest()
        await world.well()

    tell(story)


def test_amounts_and_refunds_that_differ_are_one_ticket_and_told_once() -> None:
    async def story(world: World) -> None:
        idents = await world.sold(4)
        house = world.house()
        await house.reconciler.run("scheduled")
        await house.rest()
        for ident in idents[:3]:
            details = world.account.sessions[ident]
            world.account.sessions[ident] = msgspec.structs.replace(details, total=Money(5, "NOK"))
        details = world.account.sessions[idents[3]]
        world.account.sessions[idents[3]] = msgspec.structs.replace(details, refunded=400)
        run = await house.reconciler.run("manual")
        assert sorted(finding.kind for finding in run.findings) == ["amount differs"] * 3 + ["refund differs"]
        tickets = (await TICKETS.query(world.store, "state", "open", limit=10)).items
        assert len(tickets) == 2
        assert {ticket.times for ticket in tickets} == {1}
        again = await house.reconciler.run("manual")
        assert (len(again.findings), again.findings_new) == (4, 0)
        assert {ticket.times for ticket in (await TICKETS.query(world.store, "state", "open")).items} == {1}

    tell(story)


def test_a_run_that_ended_without_its_order_is_found() -> None:
    async def story(world: World) -> None:
        (ident,) = await world.sold(1)
        house = world.house(events=False, ringing=False)
        await house.reconciler.run("scheduled")
        await Operations(house.engine).cancel(
            f"keep_session:{ACCOUNT}/{ident}", by="somebody", why="by mistake"
        )
        await world.clock.sleep(1)
        run = await house.reconciler.run("manual")
        assert [finding.kind for finding in run.findings] == ["session without its order"]
        assert run.counts.skipped == 1

    tell(story)


def test_two_runs_at_once_are_one_and_the_second_says_so() -> None:
    async def story(world: World) -> None:
        await world.sold(3)
        houses = [world.house(name=name, per_second=1.0) for name in ("one", "two")]
        done = await asyncio.gather(
            *(house.reconciler.run("manual") for house in houses), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in done) == ["NotPossible", "Reconciliation"]
        refused = await answer_event(houses[0].reconciler, {"lookbackHours": 0}, lambda: 300.0)
        assert refused["statusCode"] == 400
        assert "lookbackHours" in refused["body"]["error"]

    tell(story)


def test_a_run_that_dies_at_any_write_leaves_nothing_wrong() -> None:
    async def story(world: World) -> None:
        await world.sold(3)
        for nth in range(1, 40):
            for after in (False, True):
                shared, listeners = MemoryStore(), Listeners()
                mortal = MortalStore(shared, dies_at=nth, after=after)
                first = House(mortal, world.account, listeners, world.clock, name="first")
                try:
                    await first.reconciler.run("scheduled")
                except Died:
                    pass
                else:
                    assert nth > 3
                    return
                finally:
                    await first.stop()
                second = House(shared, world.account, listeners, world.clock, name="second")
                if await second.records.state() is None:
                    await world.clock.sleep(LEASE_MS / 1000 + 1)
                await second.reconciler.run("scheduled")
                await second.rest()
                found = await verdict(shared, world.account, listeners)
                assert {name: found[name] for name in WELL} == WELL, (nth, after, found)
                states = [run.state for run in (await second.records.newest()).items]
                assert "running" not in states
        raise AssertionError("it never came to its end alive")

    tell(story)


def test_a_dead_process_holds_up_nobody_where_it_was_the_only_one() -> None:
    async def story(world: World) -> None:
        first = world.house(name="first", sole=True, per_second=0.1)
        begun = await first.reconciler.start(by="somebody")
        await first.stop()
        with pytest.raises(NotPossible, match=begun.id):
            await world.house(name="second").reconciler.run("manual")
        await world.house(name="second", sole=True).reconciler.run("manual")
        held = await first.records.get(begun.id)
        assert held is not None
        assert held.state == "broken off"

    tell(story)


def test_it_stops_before_its_time_limit_and_says_what_is_left() -> None:
    async def story(world: World) -> None:
        await world.sold(450)
        house = world.house(events=False, per_second=0.2)
        end = world.clock.monotonic() + 42
        answer = await answer_event(house.reconciler, {}, lambda: end - world.clock.monotonic())
        assert answer["statusCode"] == 200
        assert answer["body"]["left"][0]["what"] == "sessions"
        assert world.clock.monotonic() < end
        assert 0 < answer["body"]["processed"] < 450
        runs = 0
        while answer["body"]["left"]:
            runs += 1
            assert runs < 4
            limit = world.clock.monotonic() + 42
            answer = await answer_event(house.reconciler, {}, partial(_left, world, limit))
        await house.rest()
        await world.well()

    tell(story)


def test_a_paused_lane_is_left_alone() -> None:
    async def story(world: World) -> None:
        await world.sold(2)
        house = world.house(paused=lambda: "while we look")
        run = await house.reconciler.run("scheduled")
        assert (world.account.asked, run.state) == (0, "error")
        assert "while we look" in run.failures[0].why

    tell(story)


def test_a_fault_of_ours_ends_the_run_and_not_the_nights_to_come() -> None:
    async def story(world: World) -> None:
        broken = True

        async def probe() -> list[Finding]:
            if broken:
                raise ZeroDivisionError("customer@example.org")
            return []

        house = world.house(probe=probe)
        with pytest.raises(ZeroDivisionError):
            await house.reconciler.run("scheduled")
        (run,) = (await house.records.newest()).items
        assert (run.state, run.why) == ("error", "ZeroDivisionError")
        broken = False
        assert (await house.reconciler.run("scheduled")).state == "success"

    tell(story)


def _left(world: World, limit: float) -> float:
    return limit - world.clock.monotonic()


def test_the_probe_of_the_endpoint_is_told_of() -> None:
    async def story(world: World) -> None:
        async def probe() -> list[Finding]:
            return [Finding("endpoint disabled", "we_1", "The endpoint we_1 is disabled: enable it")]

        house = world.house(probe=probe)
        for expected in (1, 0):
            run = await house.reconciler.run("scheduled")
            assert (len(run.findings), run.findings_new) == (1, expected)
        (ticket,) = (await TICKETS.query(world.store, "state", "open")).items
        assert ticket.category == "provider"
        assert "enable it" in ticket.title

    tell(story)


def test_an_endpoint_that_is_switched_off_again_is_told_of_again() -> None:
    async def story(world: World) -> None:
        off = True

        async def probe() -> list[Finding]:
            return [Finding("endpoint disabled", "we_1", "The endpoint we_1 is disabled")] if off else []

        house = world.house(probe=probe)
        assert (await house.reconciler.run("scheduled")).findings_new == 1
        off = False
        assert (await house.reconciler.run("manual", {"dryRun": True})).findings == []
        off = True
        assert (await house.reconciler.run("scheduled")).findings_new == 0  # a dry run moves nothing
        off = False
        await house.reconciler.run("scheduled")
        off = True
        assert (await house.reconciler.run("scheduled")).findings_new == 1

    tell(story)


@pytest.mark.parametrize(
    ("event", "trigger", "overrides"),
    [
        ({}, "scheduled", {}),
        ({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, "scheduled", {}),
        ({"source": "aws.scheduler", "detail": {"dryRun": True}}, "scheduled", {"dryRun": True}),
        ({"lookbackHours": 48, "maxSessions": 100, "dryRun": True}, "manual", None),
    ],
)
def test_an_event_is_read(
    event: Mapping[str, Any], trigger: str, overrides: Mapping[str, Any] | None
) -> None:
    assert read_event(event) == (trigger, event if overrides is None else overrides)


@pytest.mark.parametrize(
    "given",
    [
        {"lookbackHours": 0},
        {"lookbackHours": "48"},
        {"maxSessions": True},
        {"dryRun": 1},
        {"maxSessions": -1},
    ],
)
def test_an_override_that_does_not_fit_is_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(given))):
        SyncSettings().with_overrides(given)


def test_a_misspelt_override_is_none() -> None:
    with pytest.raises(InvalidInput, match="lookbackHour'"):
        read_event({"lookbackHour": 48})


def test_spans_that_touch_are_one_unless_they_were_begun() -> None:
    a, b, c = Span("events", 0, 10), Span("events", 5, 20), Span("events", 0, 9, after="evt_1")
    assert merged([b, a, c]) == [Span("events", 0, 20), c]
    assert merged([Span("events", 0, 1), Span("sessions", 0, 1)]) == [
        Span("events", 0, 1),
        Span("sessions", 0, 1),
    ]


def test_a_run_is_the_same_after_it_was_kept() -> None:
    run = Reconciliation("rec_1", "manual", 1, 0, 1, 25, 500, left=[Span("events", 0, 1)])
    assert msgspec.json.decode(msgspec.json.encode(run), type=Reconciliation) == run
