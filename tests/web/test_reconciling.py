"""The reconciliation through API and console: started, watched, listed; with its chart, and without a forged form."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_night import Gate
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import Nightly
from onpaid.app.reconciling_sessions import Sessions as ComparedSessions
from onpaid.app.reconciling_shown import Reconciling
from onpaid.domain.reconciliation import Counts, Failure, Finding, Reconciliation, Span
from onpaid.domain.sessions import Session, SessionChanged
from onpaid.repositories.reconciliations import RECONCILIATIONS, Reconciliations
from onpaid.web.app import create_app
from onpaid.web.charts import WIDTH, Column, bars
from tests.simulation.till import ACCOUNT, Account
from tests.web.client import Client, csrf_in
from tests.web.world import NOON, OPERATOR, VIEWER, World, make_world


class NoSessions:
    """Nothing is kept here yet."""

    async def known(self, keys: Any) -> list[Session | None]:
        return [None for _ in keys]

    async def waiting(self, after: str | None = None) -> tuple[list[Session], str | None]:
        return [], None

    async def receive(self, changed: SessionChanged, now: int) -> list[Any]:
        return []


class Desk:
    """A service that reconciles."""

    def __init__(self, world: World, account: Account) -> None:
        self.world, self.account = world, account
        clock, recorder = world.clock, world.engine.recorder
        sessions = ComparedSessions(
            account,
            NoSessions(),
            recorder,
            clock,
            account=ACCOUNT,
            number_of=lambda session: f"BC-{session[-4:]}",
            gate=Gate(clock, per_second=None),
        )
        records = Reconciliations(world.store, owner="desk", sole=True)
        self.reconciler = Reconciler(recorder, records, clock, SyncSettings(), Lists(sessions=sessions))
        reconciling = Reconciling(self.reconciler, Nightly(self.reconciler, clock, "0 2 * * *"))
        self.app = create_app(
            inbox=world.inbox,
            engine=world.engine,
            operations=world.operations,
            views=world.views,
            settings=world.settings,
            ready=world.ready,
            reconciler=reconciling,
        )
        self.operator, self.viewer = Client(self.app, OPERATOR), Client(self.app, VIEWER)

    async def ended(self, ident: str) -> Any:
        while True:
            told = (await self.viewer.get(f"/api/reconciliations/{ident}")).json
            if told["status"] != "running":
                return told
            await asyncio.sleep(0)

    async def night(self, nth: int, **more: Any) -> Reconciliation:
        """A run as it was kept."""
        at = NOON - nth * 86_400_000
        run = Reconciliation(f"rec_{nth}", "scheduled", at, at - 90_000_000, at, 25, 500, **more)
        run.state, run.completed_at = more.get("state", "success"), at + 34_200
        await self.world.store.commit([RECONCILIATIONS.insert(run)])
        return run


@pytest.fixture
async def desk() -> Desk:
    world, account = make_world(), Account()
    for nth in range(3):
        ident = account.open(nth, NOON - 7_200_000)
        account.complete(ident, NOON - 7_100_000)
    return Desk(world, account)


async def test_a_run_is_started_and_watched(desk: Desk) -> None:
    answer = await desk.operator.post("/api/reconcile", data={"lookbackHours": 48, "dryRun": True})
    assert answer.status == 202
    assert (answer.json["status"], answer.json["lookbackHours"]) == ("running", 48)
    told = await desk.ended(answer.json["id"])
    assert (told["status"], told["created"], told["dryRun"]) == ("success", 3, True)
    listed = (await desk.viewer.get("/api/reconciliations")).json
    assert [row["id"] for row in listed["items"]] == [told["id"]]
    assert (await desk.viewer.get("/api/reconciliations/rec_0")).problem["status"] == 404


@pytest.mark.parametrize(
    "body",
    [
        {"lookbackHours": 0},
        {"maxSessions": -1},
        {"lookback_hours": 3},
        {"dryRun": "no"},
        {"lookbackHours": 1.5},
    ],
)
async def test_what_does_not_fit_starts_nothing(desk: Desk, body: dict[str, Any]) -> None:
    answer = await desk.operator.post("/api/reconcile", data=body)
    assert answer.problem["status"] == 400
    assert (await desk.viewer.get("/api/reconciliations")).json["items"] == []


async def test_a_second_run_is_refused_while_one_works(desk: Desk) -> None:
    first = await desk.operator.post("/api/reconcile", data={})
    assert (await desk.operator.post("/api/reconcile", data={})).problem["status"] == 409
    await desk.ended(first.json["id"])
    desk.world.clock.move(timedelta(seconds=1))
    assert (await desk.operator.post("/api/reconcile", data={})).status == 202


async def test_the_page_shows_runs_and_their_chart(desk: Desk) -> None:
    await desk.night(2, counts=Counts(processed=40, created=3, skipped=36, errors=1))
    await desk.night(1, counts=Counts(processed=20, skipped=20), left=[Span("sessions", 0, 1)])
    page = (await desk.viewer.get("/console/reconciliation")).text
    assert "20 Nov: 20 found" in page
    assert "19 Nov: 3 created" in page
    assert "19 Nov: 1 errors" in page
    assert page.count('<svg class="chart"') == 2
    assert "cut short" in page
    assert "Reconcile now" not in page, "a viewer has no button"
    assert "Reconcile now" in (await desk.operator.get("/console/reconciliation")).text


async def test_a_run_has_its_page(desk: Desk) -> None:
    await desk.night(
        1,
        created_orders=["BC-ABC12345"],
        findings=[Finding("amount differs", "cs_1", "The session <cs_1> is over more")],
        failures=[Failure("cs_2", "ZeroDivisionError")],
    )
    page = (await desk.viewer.get("/console/reconciliation/rec_1")).text
    for told in ("BC-ABC12345", "The session &lt;cs_1&gt; is over more", "cs_2", "ZeroDivisionError"):
        assert told in page


async def test_the_button_needs_the_sessions_token(desk: Desk) -> None:
    browser = Client(desk.app)
    form = await browser.get("/login")
    await browser.post("/login", form={"csrf": csrf_in(form), "token": OPERATOR, "next": "/console"})
    forged = await browser.post("/console/reconciliation/start", form={"lookback_hours": "24"})
    assert forged.status == 403
    page = await browser.get("/console/reconciliation")
    given = {"csrf": csrf_in(page), "back": "/console/reconciliation", "lookback_hours": "24"}
    assert (
        await browser.post("/console/reconciliation/start", form={**given, "lookback_hours": "x"})
    ).status == 400
    assert (await browser.post("/console/reconciliation/start", form=given)).status == 303
    (run,) = (await desk.viewer.get("/api/reconciliations")).json["items"]
    assert (run["lookbackHours"], run["trigger"]) == (24, "manual")
    await desk.ended(run["id"])


async def test_without_anything_to_reconcile_there_is_no_page() -> None:
    world = make_world()
    assert (await Client(world.app(), OPERATOR).get("/console/reconciliation")).status == 404
    assert "/console/reconciliation" not in (await Client(world.app(), OPERATOR).get("/console")).text


def test_bars_stay_within_their_chart_and_stand_on_each_other() -> None:
    columns = [Column(f"{nth} Nov", (("created", nth), ("errors", nth % 3))) for nth in range(40)]
    chart = bars(columns, "words")
    assert all(mark.y >= 0 and mark.y + mark.height <= chart.height for mark in chart.marks)
    assert all(chart.left <= mark.x and mark.x + mark.width <= WIDTH for mark in chart.marks)
    by_place: dict[float, list[Any]] = {}
    for mark in chart.marks:
        by_place.setdefault(mark.x, []).append(mark)
    for first, *others in by_place.values():
        for other in others:
            assert other.y + other.height == pytest.approx(first.y, abs=0.2)
    assert [line.label for line in chart.grid] == ["0", "10", "20", "30", "40"] or len(chart.grid) == 5
    assert msgspec.json.encode(bars([], "words").grid)


@pytest.mark.parametrize(
    ("most", "top"), [(0, "4"), (3, "4"), (5, "8"), (9, "12"), (41, "80"), (922, "1,200")]
)
def test_a_charts_lines_have_round_numbers(most: int, top: str) -> None:
    assert bars([Column("1 Nov", (("found", most),))], "words").grid[-1].label == top
