"""What the requirements say about functions, queue, schedule, rights, secrets, names and alarms, held against the
template. The tables that they document have a file of their own; lines of docs/aws-statements.md name these tests.
"""

from __future__ import annotations

import importlib.util
import json
import re

import pytest

from tests.house.reading import page, section
from tests.requirements.template import FUNCTIONS, HERE, PATH, PSEUDO, WHOLE, Template, allowed

GATEWAY_LIMIT = 29
each_function = pytest.mark.parametrize("name", FUNCTIONS)


# -- functions ---------------------------------------------------------------------------------------------------


@each_function
def test_functions_run_python_3_12_on_arm64(name: str) -> None:
    told = WHOLE.function(name)
    assert (told["Runtime"], told["Architectures"]) == ("python3.12", ["arm64"])


@each_function
def test_handlers_are_functions_of_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PATH.parent)
    module, _, function = WHOLE.function(name)["Handler"].rpartition(".")
    assert importlib.util.find_spec(module) is not None
    agreed = {"ReconcileFunction": "lambda_handler"}
    assert function == agreed.get(name, name.removesuffix("Function").lower())


@each_function
def test_memory_is_at_least_what_is_recommended(name: str) -> None:
    assert WHOLE.function(name)["MemorySize"] >= 256


@each_function
def test_no_function_is_in_a_private_network(name: str) -> None:
    assert "VpcConfig" not in WHOLE.function(name)


def test_every_function_is_the_same_package() -> None:
    assert {WHOLE.function(name)["CodeUri"] for name in FUNCTIONS} == {"../../dist/onpaid-aws-arm64.zip"}


def test_one_function_answers_http_and_another_takes_the_queue() -> None:
    (integration,) = WHOLE.of_kind("AWS::ApiGatewayV2::Integration").values()
    (mapping,) = WHOLE.of_kind("AWS::Lambda::EventSourceMapping").values()
    assert WHOLE.text(integration["IntegrationUri"]) == "<WebFunction.Arn>"
    assert WHOLE.text(mapping["FunctionName"]) == "<WorkFunction>"
    assert WHOLE.text(mapping["EventSourceArn"]) == "<WorkQueue.Arn>"


def test_every_path_leads_to_web() -> None:
    routes = WHOLE.of_kind("AWS::ApiGatewayV2::Route").values()
    assert "$default" in {route["RouteKey"] for route in routes}
    assert {WHOLE.text(route["Target"]) for route in routes} == {"integrations/<WebIntegration>"}


def test_the_stage_adds_nothing_to_a_path() -> None:
    (stage,) = WHOLE.of_kind("AWS::ApiGatewayV2::Stage").values()
    assert stage["StageName"] == "$default"
    url = WHOLE.text(WHOLE.told["Outputs"]["Url"]["Value"])
    assert url == f"https://<HttpApi>.execute-api.{PSEUDO['AWS::Region']}.amazonaws.com"
    (integration,) = WHOLE.of_kind("AWS::ApiGatewayV2::Integration").values()
    assert integration["PayloadFormatVersion"] == "2.0"


def test_web_ends_before_the_gateway_gives_up() -> None:
    assert WHOLE.function("WebFunction")["Timeout"] < GATEWAY_LIMIT


# -- the queue ---------------------------------------------------------------------------------------------------


def test_the_queue_hands_out_ten_and_takes_back_what_failed() -> None:
    (mapping,) = WHOLE.of_kind("AWS::Lambda::EventSourceMapping").values()
    assert mapping["BatchSize"] == 10
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_the_queue_waits_six_times_as_long_as_the_function_may_work() -> None:
    assert WHOLE.properties("WorkQueue")["VisibilityTimeout"] >= 6 * WHOLE.function("WorkFunction")["Timeout"]


def test_what_keeps_failing_ends_in_the_dead_letter_queue() -> None:
    redrive = WHOLE.properties("WorkQueue")["RedrivePolicy"]
    assert WHOLE.text(redrive["deadLetterTargetArn"]) == "<WorkDeadLetterQueue.Arn>"
    assert 3 <= redrive["maxReceiveCount"] <= 16
    watched = WHOLE.text(WHOLE.properties("DeadLetters")["Dimensions"][0]["Value"])
    assert watched == "<WorkDeadLetterQueue.QueueName>"


@each_function
def test_whoever_rings_may_send_to_the_queue(name: str) -> None:
    assert WHOLE.text(WHOLE.variables(name)["ONPAID_WORK_QUEUE_URL"]) == "<WorkQueue>"
    assert allowed(name, "sqs")["sqs:SendMessage"] == {"<WorkQueue.Arn>"}


def test_only_work_takes_from_the_queue() -> None:
    assert [name for name in FUNCTIONS if "sqs:ReceiveMessage" in allowed(name, "sqs")] == ["WorkFunction"]


# -- the clock ---------------------------------------------------------------------------------------------------


def test_the_tick_comes_each_minute() -> None:
    rule = WHOLE.properties("TickRule")
    (target,) = rule["Targets"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert WHOLE.text(target["Arn"]) == "<TickFunction.Arn>"
    assert json.loads(target["Input"]) == {"schedule": "tick"}


def test_only_rules_of_the_installation_may_start_the_tick() -> None:
    permissions = WHOLE.of_kind("AWS::Lambda::Permission").values()
    (tick,) = [each for each in permissions if WHOLE.text(each["FunctionName"]) == "<TickFunction>"]
    assert (tick["Principal"], tick["Action"]) == ("events.amazonaws.com", "lambda:InvokeFunction")
    assert WHOLE.text(tick["SourceArn"]) == f"arn:aws:events:{HERE}:rule/shop-staging-*"


# -- names, logs, alarms -----------------------------------------------------------------------------------------


def named(whole: Template) -> dict[str, str]:
    """The names that resources are given, by logical name."""
    words = ("FunctionName", "TableName", "QueueName", "TopicName", "AlarmName", "DashboardName", "Name")
    return {
        logical: whole.text(properties[word])
        for logical, each in whole.resources.items()
        for properties in [each.get("Properties", {})]
        for word in words
        if word in properties
        and each["Type"] not in ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping")
        and not each["Type"].endswith("EventInvokeConfig")
    }


def test_names_are_project_environment_kind() -> None:
    names = named(WHOLE)
    assert len(names) > 30
    assert not [name for name in names.values() if not re.fullmatch(r"shop-staging-[a-z0-9-]+", name)]
    assert names["WorkQueue"] == "shop-staging-work"


def test_the_project_is_called_onpaid_unless_said_otherwise() -> None:
    assert WHOLE.parameters["ProjectName"]["Default"] == "onpaid"


def test_environments_are_the_documented_ones_among_others() -> None:
    pattern = WHOLE.parameters["Environment"]["AllowedPattern"]
    assert all(re.fullmatch(pattern, each) for each in ("dev", "staging", "prod"))
    assert not re.fullmatch(pattern, "Prod_1")


def test_no_region_is_written_down() -> None:
    assert not re.search(r"\b(?:us|eu|ap|ca|sa|me|af)-[a-z]+-\d\b", json.dumps(WHOLE.told))


@each_function
def test_every_function_has_a_log_group_that_ends(name: str) -> None:
    group = WHOLE.properties(WHOLE.function(name)["LoggingConfig"]["LogGroup"]["Ref"])
    kind = name.removesuffix("Function").lower()
    assert WHOLE.text(group["LogGroupName"]) == f"/aws/lambda/shop-staging-{kind}"
    assert int(WHOLE.text(group["RetentionInDays"])) >= 7


def alarms() -> dict[str, dict[str, object]]:
    return WHOLE.of_kind("AWS::CloudWatch::Alarm")


@each_function
def test_each_functions_errors_raise_an_alarm(name: str) -> None:
    (found,) = [
        each
        for each in alarms().values()
        if each.get("MetricName") == "Errors" and WHOLE.text(each["Dimensions"][0]["Value"]) == f"<{name}>"  # type: ignore[index]
    ]
    assert (found["Namespace"], found["Statistic"]) == ("AWS/Lambda", "Sum")
    assert (found["Threshold"], found["ComparisonOperator"]) in (
        (0, "GreaterThanThreshold"),
        (1, "GreaterThanOrEqualToThreshold"),
    )


def test_alarms_watch_what_must_not_stay_unseen() -> None:
    watched = {str(each.get("MetricName")) for each in alarms().values()}
    assert watched >= {
        "Errors",
        "Throttles",
        "5xx",
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "RunsDoubtful",
        "RunsFailed",
        "CriticalTickets",
        "LanesPaused",
        "WriteThrottleEvents",
        "ReadThrottleEvents",
    }


def test_alarms_and_critical_tickets_reach_a_person() -> None:
    assert not [name for name, each in alarms().items() if each["AlarmActions"] != [{"Ref": "AlertsTopic"}]]
    assert WHOLE.text(WHOLE.variables("WorkFunction")["ALERT_TOPIC_ARN"]) == "<AlertsTopic>"
    assert "<AlertsTopic>" in allowed("WorkFunction", "sns")["sns:Publish"]
    mail = WHOLE.properties("AlertsByMail")
    assert (mail["Protocol"], WHOLE.text(mail["Endpoint"])) == ("email", "ops@example.org")


@each_function
def test_tickets_know_their_environment(name: str) -> None:
    assert WHOLE.text(WHOLE.variables(name)["ONPAID_ENVIRONMENT"]) == "staging"


def test_every_alarm_tells_a_person_what_to_do() -> None:
    told = set(re.findall(r"`([a-z-]+)`", section(page("aws-operating.md"), "Alarms")))
    names = {WHOLE.text(each["AlarmName"]).removeprefix("shop-staging-") for each in alarms().values()}
    assert len(names) == len(alarms())
    assert not {name for name in names if not name.endswith("-throttles")} ^ told


def test_there_is_a_dashboard() -> None:
    shown = json.loads(WHOLE.text(WHOLE.properties("Dashboard")["DashboardBody"]))
    assert len(shown["widgets"]) >= 5


def test_there_is_a_topic_for_billing_events() -> None:
    assert WHOLE.text(WHOLE.properties("BillingEventsTopic")["TopicName"]) == "shop-staging-billing-events"
    assert WHOLE.text(WHOLE.told["Outputs"]["BillingEventsTopicArn"]["Value"]) == "<BillingEventsTopic>"
