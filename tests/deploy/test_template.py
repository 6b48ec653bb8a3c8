"""The template of the AWS form: taken by the translator, clean to the linter, and right where neither looks."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import onpaid
from onpaid.app.reconciling_schedule import NAME
from onpaid.store import dynamodb_table
from tests.deploy.rules import RULES, Rule
from tests.deploy.template import (
    FILE,
    FUNCTIONS,
    expanded,
    filled,
    findings,
    plain,
    properties,
    resources,
    rights,
    source,
)

SOURCE = Path(onpaid.__file__).parent
METRICS = (
    "CriticalTickets",
    "EventsRecorded",
    "LanesPaused",
    "RunsDoubtful",
    "RunsDueOverdue",
    "RunsFailed",
    "StepsFailed",
)
DIMENSIONS = [
    {"Name": "Project", "Value": {"Ref": "ProjectName"}},
    {"Name": "Environment", "Value": {"Ref": "Environment"}},
]
OURS = "Onpaid"
ROLES = ("WebRole", "WorkRole", "TickRole", "ReconcileRole")


def test_translator_and_linter_find_nothing() -> None:
    assert findings() == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_neither_of_them_sees_is_right(rule: Rule) -> None:
    assert list(rule(expanded())) == []


# -- functions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_what_was_agreed(name: str) -> None:
    told = properties(expanded(), name)
    limits = {"WebFunction": 25, "WorkFunction": 120, "TickFunction": 55, "ReconcileFunction": 300}
    assert (told["Runtime"], told["Architectures"], told["Timeout"]) == (
        "python3.12",
        ["arm64"],
        limits[name],
    )
    assert told["TracingConfig"] == {"Mode": "Active"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_handler_can_be_imported(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(FILE.parent)
    module, _, handler = properties(expanded(), name)["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), handler))


def test_only_the_worker_may_look_like_a_loop() -> None:
    loops = {name: properties(expanded(), name).get("RecursiveLoop") for name in FUNCTIONS}
    assert {name for name, loop in loops.items() if loop is not None} == {"WorkFunction"}
    assert loops["WorkFunction"] == "Allow"


def test_one_tick_at_once_unless_the_account_cannot_reserve_any() -> None:
    told = properties(expanded(), "TickFunction")["ReservedConcurrentExecutions"]
    assert told == {"Fn::If": ["HasReservedTick", 1, {"Ref": "AWS::NoValue"}]}
    assert source()["Parameters"]["ReserveTick"]["Default"] == "yes"


def test_a_tick_that_failed_is_left_to_the_next() -> None:
    told = properties(expanded(), "TickInvocations")
    assert (told["MaximumRetryAttempts"], told["MaximumEventAgeInSeconds"]) == (0, 60)
    assert plain(told["FunctionName"]) == "${TickFunction}"


def test_a_night_that_failed_is_tried_again_and_is_the_rules_alone_to_start() -> None:
    told = properties(expanded(), "ReconcileInvocations")
    assert (told["MaximumRetryAttempts"], told["MaximumEventAgeInSeconds"]) == (2, 21_600)
    assert plain(told["FunctionName"]) == "${ReconcileFunction}"
    rule, permission = (properties(expanded(), name) for name in ("ReconcileRule", "ReconcilePermission"))
    assert plain(permission["SourceArn"]).endswith(f":rule/{plain(rule['Name'])}")
    assert json.loads(rule["Targets"][0]["Input"]) == {"schedule": NAME}


def test_a_ring_comes_at_once_and_waits_for_days() -> None:
    told = properties(expanded(), "WorkQueue")
    assert (told["DelaySeconds"], told["MessageRetentionPeriod"]) == (0, 4 * 86_400)
    assert properties(expanded(), "WorkDeadLetterQueue")["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("parameter", ["Invoicing", "Checkout", "Sales", "Parcels", "Messages", "Issues"])
def test_no_provider_is_chosen_for_anybody(parameter: str) -> None:
    assert source()["Parameters"][parameter]["Default"] == "none"


def test_every_parameter_says_what_it_is_for_and_has_a_default() -> None:
    asked = source()["Parameters"]
    assert not [name for name, each in asked.items() if not each.get("Description") or "Default" not in each]


def test_concurrency_is_handed_over_as_the_number_that_was_chosen() -> None:
    chosen = source()["Parameters"]["WorkConcurrency"]["AllowedValues"]
    rows = source()["Mappings"]["WorkConcurrency"]
    assert {int(text): row["Executions"] for text, row in rows.items()} == {each: each for each in chosen}


# -- our table ---------------------------------------------------------------------------------------------------


def test_our_table_is_the_one_that_the_store_knows() -> None:
    told = properties(expanded(), "OnpaidTable")
    assert [(each["AttributeName"], each["KeyType"]) for each in told["KeySchema"]] == list(
        dynamodb_table.KEYS
    )
    assert sorted(
        (each["AttributeName"], each["AttributeType"]) for each in told["AttributeDefinitions"]
    ) == sorted(dynamodb_table.ATTRIBUTES)
    assert told["TimeToLiveSpecification"] == {"AttributeName": dynamodb_table.TTL, "Enabled": True}
    assert "GlobalSecondaryIndexes" not in told


# -- alarms and dashboard ----------------------------------------------------------------------------------------


def alarms() -> dict[str, dict[str, Any]]:
    return {
        name: each["Properties"] for name, each in resources(expanded(), "AWS::CloudWatch::Alarm").items()
    }


def test_every_alarm_tells_when_it_begins_and_when_it_is_over() -> None:
    for name, told in alarms().items():
        assert told["AlarmActions"] == told["OKActions"] == [{"Ref": "AlertsTopic"}], name
        assert told["AlarmDescription"].endswith("."), name


def test_only_the_clock_and_the_nights_alarm_by_silence() -> None:
    silent = [name for name, told in alarms().items() if told["TreatMissingData"] == "breaching"]
    assert silent == ["TickMissing", "ReconcileMissing"]


@pytest.mark.parametrize("metric", METRICS)
def test_a_figure_of_ours_is_told_by_the_code(metric: str) -> None:
    code = "".join(
        (SOURCE / "runtime" / name).read_text("utf-8") for name in ("aws_tick.py", "aws_metrics.py")
    )
    assert f'"{metric}"' in code
    assert f'NAMESPACE: Final = "{OURS}"' in code


def test_alarms_watch_figures_of_ours_under_their_dimensions() -> None:
    ours = {name: told for name, told in alarms().items() if told["Namespace"] == OURS}
    assert {told["MetricName"] for told in ours.values()} == {*METRICS} - {"EventsRecorded"}
    assert not [name for name, told in ours.items() if told["Dimensions"] != DIMENSIONS]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(name: str, metric: str) -> None:
    found = [
        told
        for told in alarms().values()
        if told["MetricName"] == metric
        and told["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
    ]
    (told,) = found
    more_than_none = [(0, "GreaterThanThreshold"), (1, "GreaterThanOrEqualToThreshold")]
    assert told["Statistic"] == "Sum"
    assert (told["Threshold"], told["ComparisonOperator"]) in more_than_none


def test_every_table_that_is_written_is_watched_for_throttling() -> None:
    allowed = {resource for role in ROLES for _, resource in rights(expanded(), role)}
    tables = resources(expanded(), "AWS::DynamoDB::Table")
    watched = {
        told["Dimensions"][0]["Value"]["Ref"]
        for told in alarms().values()
        if told["MetricName"] == "WriteThrottleEvents"
    }
    assert watched == {name for name in tables if f"${{{name}.Arn}}" in allowed}
    assert "OnpaidTable" in watched


def test_the_dashboard_shows_what_is_there() -> None:
    told = filled(properties(expanded(), "Dashboard")["DashboardBody"]["Fn::Sub"])
    widgets = json.loads(told)["widgets"]
    shown = [metric for each in widgets for metric in each["properties"]["metrics"]]
    assert {metric[1] for metric in shown if metric[0] == OURS} == set(METRICS)
    named = {name.partition(".")[0] for name in re.findall(r"\$\{(\w+(?:\.\w+)?)\}", told)} - {"AWS"}
    assert not named - set(source()["Resources"]) - set(source()["Parameters"])
    assert max(each["x"] + each["width"] for each in widgets) <= 24
