"""The nightly reconciliation as the function that was agreed: what invokes it, what it answers, when it has failed.

The house is the one that Lambda has, over a table in memory. Instead of a provider's lists there is one that a test
fills, so that this is about the handler; what a night finds and mends is told by tests/app and tests/simulation.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

import pytest

from onpaid import aws_reconcile
from onpaid.app.reconciling import Reconciler
from onpaid.app.reconciling_night import MARGIN, Night
from onpaid.app.reconciling_plan import Lists
from onpaid.app.reconciling_request import SyncSettings
from onpaid.app.reconciling_schedule import NAME, Nightly
from onpaid.app.reconciling_shown import Reconciling
from onpaid.aws_reconcile import NightDoor
from onpaid.compose_aws import House
from onpaid.domain.money import Money
from onpaid.domain.reconciliation import Finding, Span
from onpaid.errors import OnpaidError, SettingsError, StoreUnavailable, Unavailable
from onpaid.repositories.reconciliations import LEASE, STATE, Reconciliations, SyncLease
from onpaid.settings import Settings
from onpaid.store.port import Store
from tests.deploy.template import FILE
from tests.flows.stage import paid_for
from tests.runtime_aws.cloud import Cloud, Function
from tests.runtime_aws.events import Event
from tests.runtime_aws.line import Table
from tests.runtime_aws.test_work import all_done

RULE = {"schedule": NAME}
"""What the rule of the template hands over."""
ENVELOPE = {
    "source": "aws.events",
    "resources": ["arn:aws:events:eu-north-1:123456789012:rule/babes-stripe-nightly-sync"],
    "detail": {},
}
"""What a rule without an input hands over, as the requirement makes one."""
AGREED = {
    *("status", "trigger", "dryRun", "syncStartedAt", "syncCompletedAt", "lookbackHours", "lookbackWindow"),
    *("processed", "created", "skipped", "errors", "createdOrders"),
}


class Listed:
    """A provider's list with payments that no webhook told of."""

    def __init__(self, *payments: str) -> None:
        self.payments = list(payments)
        self.house: House | None = None
        self.error: OnpaidError | None = None

    async def span(self, span: Span, night: Night) -> Span | None:
        assert self.house is not None
        if night.late():
            return span
        if self.error is not None:
            await night.stopped("the list", self.error)
            return span
        for payment in self.payments:
            night.counts.payments += 1
            if not night.run.dry_run:
                paid = paid_for("1001", Money(19_900, "NOK"), payment=payment, customer=None)
                night.counts.started += len(await self.house.service.inbox.learn((paid,)))
        self.payments = []
        return None

    async def probe(self) -> list[Finding]:
        return []


class Nights(Cloud):
    """A cloud with something to reconcile."""

    def __init__(
        self,
        listed: Listed | None,
        *,
        store: Store | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(store=store)
        self.environment |= environment or {}
        self.listed = listed

    async def build(self, settings: Settings) -> House:
        house = await super().build(settings)
        house.service.reconciling = None
        if self.listed is not None:
            self.listed.house = house
            reconciler = Reconciler(
                house.service.engine.recorder,
                Reconciliations(house.service.store, owner=f"night {len(self.houses)}"),
                self.clock,
                SyncSettings(
                    lookback_hours=settings["SYNC_LOOKBACK_HOURS"],
                    most=settings["SYNC_MAX_SESSIONS"],
                    dry_run=settings["SYNC_DRY_RUN"],
                ),
                Lists(payments=self.listed, probe=self.listed.probe),
                background=False,
            )
            nightly = Nightly(reconciler, self.clock, settings["SYNC_SCHEDULE"])
            house.service.reconciling = Reconciling(reconciler, nightly)
        return house

    def invoke(
        self, event: Event | None, environment: Mapping[str, str] | None = None, *, limit: float = 300.0
    ) -> dict[str, Any]:
        """A cold function's answer, as it goes over the wire; a minute later than what was before it."""
        self.wait(60.0)
        door = NightDoor(Function(self, **(environment or {})).sandbox)
        answer = door.handle(event, self.invocation(limit))
        told: dict[str, Any] = json.loads(json.dumps(answer))
        return told


# -- events and answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("event", [RULE, ENVELOPE, {}, None])
def test_the_night_is_answered_as_agreed(event: Event | None) -> None:
    answer = Nights(Listed()).invoke(event)
    body = answer["body"]
    assert answer["statusCode"] == 200
    assert set(body) >= AGREED
    assert set(body["lookbackWindow"]) == {"from", "to"}
    assert (body["status"], body["trigger"], body["dryRun"]) == ("success", "scheduled", False)
    assert (body["lookbackHours"], body["maxSessions"]) == (25, 500)
    for moment in (body["syncStartedAt"], body["syncCompletedAt"], *body["lookbackWindow"].values()):
        assert moment.endswith("Z")
        assert "." not in moment


def test_what_an_event_says_goes_before_the_environment() -> None:
    cloud = Nights(Listed())
    set_to = {"SYNC_LOOKBACK_HOURS": "30", "SYNC_MAX_SESSIONS": "400", "SYNC_DRY_RUN": "true"}
    body = cloud.invoke(RULE, set_to)["body"]
    assert (body["lookbackHours"], body["maxSessions"], body["dryRun"]) == (30, 400, True)
    event = {"lookbackHours": 168, "maxSessions": 100, "dryRun": False}
    body = cloud.invoke(event, set_to)["body"]
    assert (body["lookbackHours"], body["maxSessions"], body["dryRun"]) == (168, 100, False)
    assert body["trigger"] == "manual"


def test_the_environment_goes_before_the_parameter() -> None:
    cloud = Nights(Listed(), environment={"ONPAID_SETTINGS": "ssm:/onpaid/test/settings"})
    cloud.secrets["/onpaid/test/settings"] = 'SYNC_LOOKBACK_HOURS = 48\nSYNC_DRY_RUN = "true"\n'
    body = cloud.invoke(RULE)["body"]
    assert (body["lookbackHours"], body["dryRun"]) == (48, True)
    body = cloud.invoke(RULE, {"SYNC_DRY_RUN": "false"})["body"]
    assert (body["lookbackHours"], body["dryRun"]) == (48, False)


@pytest.mark.parametrize("event", [{"lookbackHour": 48}, {"maxSessions": 0}, {"dryRun": "yes"}])
def test_an_override_that_does_not_fit_is_refused_and_changes_nothing(event: Event) -> None:
    cloud = Nights(Listed("pi_1"))
    answer = cloud.invoke(event)
    assert answer["statusCode"] == 400
    assert next(iter(event)) in answer["body"]["error"]
    assert not cloud.runs()


# -- what it does ------------------------------------------------------------------------------------------------


def test_it_records_and_rings_and_others_work() -> None:
    cloud = Nights(Listed("pi_1"))
    assert cloud.invoke(RULE)["body"]["runsStarted"] > 0
    assert set(cloud.line.runs) == set(cloud.runs())
    assert {run.state for run in cloud.runs().values()} == {"ready"}
    cloud.exists("pi_1", 19_900, "1001")
    cloud.function().web(cloud.ordered())
    cloud.play(cloud.function(), cloud.function(), 600)
    all_done(cloud, "pi_1")


def test_a_dry_run_starts_nothing_and_moves_no_mark() -> None:
    cloud = Nights(Listed("pi_1"))
    body = cloud.invoke({"dryRun": True})["body"]
    assert (body["payments"], body["runsStarted"], body["dryRun"]) == (1, 0, True)
    assert not cloud.runs()
    assert not cloud.line.runs
    assert cloud.run(STATE.get(cloud.store, "STRIPE_ORDER_SYNC")) is None


def test_shortly_before_its_end_it_stops_and_names_what_is_left_for_the_next_one() -> None:
    cloud = Nights(Listed("pi_1"))
    body = cloud.invoke(RULE, limit=MARGIN - 1)["body"]
    assert body["payments"] == 0
    assert [each["what"] for each in body["left"]] == ["payments"]
    body = cloud.invoke(RULE)["body"]
    assert (body["payments"], body["left"]) == (1, [])


# -- when it fails -----------------------------------------------------------------------------------------------


def test_while_one_works_another_one_is_told_so() -> None:
    cloud = Nights(Listed("pi_1"))
    lease = SyncLease(run="rec_1", owner="another", until=cloud.now() + 180_000)
    cloud.run(cloud.store.commit([LEASE.insert(lease)]))
    answer = cloud.invoke(RULE)
    assert answer["statusCode"] == 409
    assert "rec_1" in answer["body"]["error"]
    assert not cloud.runs()


def test_a_night_that_could_look_at_nothing_is_an_error_that_the_alarm_counts() -> None:
    listed = Listed("pi_1")
    listed.error = Unavailable("the provider is away")
    cloud = Nights(listed)
    with pytest.raises(Unavailable, match="the provider is away"):
        cloud.invoke(RULE)
    listed.error = None
    body = cloud.invoke(RULE)["body"]
    assert (body["status"], body["payments"], body["left"]) == ("success", 1, [])


def test_a_table_that_cannot_be_written_is_an_error_that_the_alarm_counts() -> None:
    class Refusing(Table):
        def __init__(self) -> None:
            super().__init__()
            self.refuses = False

        async def commit(self, writes: Any) -> None:
            if self.refuses:
                raise StoreUnavailable("throttled")
            await super().commit(writes)

    table = Refusing()
    cloud = Nights(Listed("pi_1"), store=table)
    door = NightDoor(Function(cloud).sandbox)
    assert door.handle(RULE, cloud.invocation(300))["statusCode"] == 200
    table.refuses = True
    with pytest.raises(StoreUnavailable):
        door.handle(RULE, cloud.invocation(300))
    table.refuses = False
    assert door.handle(RULE, cloud.invocation(300))["statusCode"] == 200


def test_without_anything_to_compare_it_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="STRIPE_API_KEY"):
        Nights(None).invoke(RULE)


# -- its name ----------------------------------------------------------------------------------------------------


def test_the_agreed_entrance_is_this_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FILE.parent)
    entrance = importlib.import_module("lambda_function")
    assert entrance.lambda_handler is aws_reconcile.lambda_handler
