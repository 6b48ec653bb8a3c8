"""What requirement 4 says about the function that reconciles by night, held against the template: its name and limits,
its hour, who may start it, its rights, its alarm, and what it is told."""

from __future__ import annotations

import json

from onpaid.app.reconciling_night import MARGIN
from onpaid.app.reconciling_schedule import NAME
from onpaid.settings import Settings
from tests.requirements.template import FUNCTIONS, HERE, WHOLE, allowed, template

RECONCILE = "ReconcileFunction"
AGREED = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}
OUR_WRITES = {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}
"""With these the documented item of a record is written in one transaction with the record itself."""


def test_the_entry_point_has_the_agreed_name() -> None:
    assert WHOLE.function(RECONCILE)["Handler"] == "lambda_function.lambda_handler"


def test_it_has_the_recommended_memory() -> None:
    assert WHOLE.function(RECONCILE)["MemorySize"] == 256


def test_it_has_five_minutes_and_stops_before_they_end() -> None:
    limit = WHOLE.function(RECONCILE)["Timeout"]
    assert limit == 300
    (slow,) = [each for each in alarms() if each["MetricName"] == "Duration"]
    assert (limit - MARGIN) * 1000 < slow["Threshold"] < limit * 1000


def test_it_runs_every_night_at_two_utc() -> None:
    rule = WHOLE.properties("ReconcileRule")
    (target,) = rule["Targets"]
    assert rule["ScheduleExpression"] == "cron(0 2 * * ? *)"
    assert WHOLE.chosen(rule["State"]) == "ENABLED"
    assert WHOLE.text(target["Arn"]) == f"<{RECONCILE}.Arn>"
    assert json.loads(target["Input"]) == {"schedule": NAME}


def test_the_hour_of_the_rule_is_that_of_the_embedded_form() -> None:
    minute, hour, day, month, _ = Settings({})["SYNC_SCHEDULE"].split()
    assert (minute, hour, day, month) == ("0", "2", "*", "*")


def test_where_there_is_nothing_to_compare_nothing_runs() -> None:
    bare = template()
    assert bare.chosen(bare.properties("ReconcileRule")["State"]) == "DISABLED"
    for chosen in ({"Invoicing": "fiken"}, {"Sales": "stripe"}, {"Checkout": "razorpay"}):
        one = template(**chosen)
        assert one.chosen(one.properties("ReconcileRule")["State"]) == "ENABLED"


def test_only_its_rule_may_start_it() -> None:
    permissions = WHOLE.of_kind("AWS::Lambda::Permission").values()
    (own,) = [each for each in permissions if WHOLE.text(each["FunctionName"]) == f"<{RECONCILE}>"]
    name = WHOLE.text(WHOLE.properties("ReconcileRule")["Name"])
    assert (own["Principal"], own["Action"]) == ("events.amazonaws.com", "lambda:InvokeFunction")
    assert WHOLE.text(own["SourceArn"]) == f"arn:aws:events:{HERE}:rule/{name}"


def test_it_has_the_agreed_rights_and_those_that_its_writes_need() -> None:
    on_table = allowed(RECONCILE, "dynamodb")
    own, index = "<CommerceTable.Arn>", "<CommerceTable.Arn>/index/*"
    assert {action for action, on in on_table.items() if own in on} == AGREED | OUR_WRITES
    assert {action for action, on in on_table.items() if index in on} == AGREED
    others = [name for name in FUNCTIONS if name != RECONCILE]
    assert not [name for name in others if index in allowed(name, "dynamodb")["dynamodb:Query"]]


def test_it_only_records_and_rings() -> None:
    assert allowed(RECONCILE, "sqs") == {"sqs:SendMessage": {"<WorkQueue.Arn>"}}
    assert allowed(RECONCILE, "sns") == {}
    assert allowed(RECONCILE, "dynamodb")["dynamodb:PutItem"] >= {"<OnpaidTable.Arn>"}


def alarms() -> list[dict[str, object]]:
    """The alarms that watch it."""
    return [
        each
        for each in WHOLE.of_kind("AWS::CloudWatch::Alarm").values()
        if WHOLE.text(each["Dimensions"][0]["Value"]) == f"<{RECONCILE}>"
    ]


def test_its_alarm_is_the_agreed_one() -> None:
    (told,) = [each for each in alarms() if each["MetricName"] == "Errors"]
    assert (told["Namespace"], told["Statistic"]) == ("AWS/Lambda", "Sum")
    assert (told["Period"], told["EvaluationPeriods"], told["Threshold"]) == (86_400, 1, 1)
    assert told["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert told["AlarmActions"] == [{"Ref": "AlertsTopic"}]


def test_nights_that_stay_away_are_noticed() -> None:
    (told,) = [each for each in alarms() if each["MetricName"] == "Invocations"]
    assert WHOLE.resources["ReconcileMissing"]["Condition"] == "HasReconciliation"
    assert (told["Statistic"], told["Period"], told["EvaluationPeriods"]) == ("Sum", 86_400, 2)
    assert (told["Threshold"], told["ComparisonOperator"]) == (1, "LessThanThreshold")
    assert told["TreatMissingData"] == "breaching"


def test_its_settings_have_the_agreed_defaults() -> None:
    settings = Settings({})
    names = ("SYNC_LOOKBACK_HOURS", "SYNC_MAX_SESSIONS", "SYNC_DRY_RUN", "ORDER_TTL_DAYS")
    assert [settings[name] for name in names] == [25, 500, False, 0]
    assert not {name for name in names if name in WHOLE.variables(RECONCILE)}, (
        "else they hide ONPAID_SETTINGS"
    )
    assert WHOLE.text(WHOLE.variables(RECONCILE)["COMMERCE_TABLE"]) == "<CommerceTable>"
