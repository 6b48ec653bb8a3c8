"""A test of the tests: faults that are planted in the template are found, by the linter or by our own rules."""

from __future__ import annotations

from functools import cache

import pytest

from tests.deploy.rules import wrong
from tests.deploy.template import (
    Fault,
    Template,
    checked,
    expanded,
    properties,
    source,
    spoilt,
    statements,
    told,
)


def _worded(template: Template) -> None:
    statements(template, "WebRole")[0]["Action"].append("dynamodb:GetItems")


def _dangling(template: Template) -> None:
    template["Globals"]["Function"]["Environment"]["Variables"]["ONPAID_WORK_QUEUE_URL"] = {"Ref": "Nobody"}


def _reserved(template: Template) -> None:
    template["Globals"]["Function"]["Environment"]["Variables"]["AWS_REGION"] = "eu-north-1"


def _old(template: Template) -> None:
    template["Globals"]["Function"]["Runtime"] = "python3.4"


def _small(template: Template) -> None:
    template["Globals"]["Function"]["MemorySize"] = 64


def _without_condition(template: Template) -> None:
    template["Globals"]["Function"]["Environment"]["Variables"]["ORDERS_TABLE_NAME"] = {"Ref": "OrdersTable"}


def _unindexed(template: Template) -> None:
    (index,) = properties(template, "ShipmentsTable")["GlobalSecondaryIndexes"]
    index["KeySchema"][0]["AttributeName"] = "order"


def _misspelt_condition(template: Template) -> None:
    template["Resources"]["OrdersTable"]["Condition"] = "HasTables"


LINTED: dict[str, tuple[Fault, str]] = {
    "visible again too soon": (told("WorkQueue", "VisibilityTimeout", 60), "E3505 Resources/WorkQueue"),
    "a cron of four": (told("TickRule", "ScheduleExpression", "cron(* * * *)"), "E3027 Resources/TickRule"),
    "a name of nothing": (_dangling, "E1020 Resources/WebFunction"),
    "an attribute of nothing": (
        told("WebIntegration", "IntegrationUri", {"Fn::GetAtt": ["WebFunction", "Arm"]}),
        "E1010 Resources/WebIntegration",
    ),
    "an action that IAM does not know": (_worded, "W3037 Resources/WebRole"),
    "longer than a function may run": (told("WorkFunction", "Timeout", 901), "E3717 Resources/WorkFunction"),
    "a variable that is Lambda's own": (_reserved, "E3663 Resources/WebFunction"),
    "a runtime that ended": (_old, "E3030 Resources/TickFunction/Properties/Runtime"),
    "too little memory": (_small, "E3034 Resources/TickFunction/Properties/MemorySize"),
    "a table that may not be there": (_without_condition, "W1001 Resources/WebFunction"),
    "an index on no attribute": (_unindexed, "E3039 Resources/ShipmentsTable"),
    "a condition that nobody made": (_misspelt_condition, "E3015 Resources/OrdersTable"),
    "a property that SQS does not know": (
        told("WorkDeadLetterQueue", "Delay", 5),
        "E3002 Resources/WorkDeadLetter",
    ),
    "a delay beyond a quarter": (told("WorkQueue", "DelaySeconds", 901), "E3034 Resources/WorkQueue"),
    "logs for 31 days": (told("WebLogs", "RetentionInDays", 31), "E3030 Resources/WebLogs"),
    "an alarm of 45 seconds": (told("DeadLetters", "Period", 45), "E3615 Resources/DeadLetters"),
    "a comparison that is none": (
        told("WebErrors", "ComparisonOperator", "GreaterThan"),
        "E3030 Resources/WebErrors",
    ),
    "a batch that fails as a whole, misspelt": (
        told("WorkMapping", "FunctionResponseTypes", ["ReportBatchItemFailure"]),
        "E3030 Resources/WorkMapping",
    ),
    "a loop that is neither allowed nor not": (
        told("WorkFunction", "RecursiveLoop", "Yes"),
        "E3030 Resources/WorkFunction/Properties/RecursiveLoop",
    ),
}
"""Faults, each with how the line begins in which the linter tells of it. They do not get in each other's way."""


@cache
def linted() -> tuple[str, ...]:
    """What is said of a template with all of them, in one go: the linter takes its time."""
    return tuple(checked(spoilt(source(), *(fault for fault, _ in LINTED.values())))[0]["findings"])


@pytest.mark.parametrize("name", LINTED)
def test_the_linter_finds(name: str) -> None:
    _, beginning = LINTED[name]
    assert [line for line in linted() if line.startswith(beginning)], linted()


def test_the_translator_refuses_what_it_does_not_know() -> None:
    (answer,) = checked(
        spoilt(source(), lambda template: template["Globals"]["Function"].__setitem__("Timout", 3))
    )
    assert answer["template"] is None
    assert "Timout" in answer["findings"][0]


def _unrestored(template: Template) -> None:
    properties(template, "OrdersTable").pop("PointInTimeRecoverySpecification")


def _gone(template: Template) -> None:
    template["Resources"]["OnpaidTable"]["DeletionPolicy"] = "Delete"


def _endless(template: Template) -> None:
    properties(template, "OnpaidTable").pop("TimeToLiveSpecification")


def _ends_otherwise(template: Template) -> None:
    properties(template, "CommerceTable")["TimeToLiveSpecification"]["AttributeName"] = "expires"


def _input(text: str) -> Fault:
    return lambda template: properties(template, "TickRule")["Targets"][0].__setitem__("Input", text)


def _tells_paths(template: Template) -> None:
    properties(template, "WebStage")["AccessLogSettings"]["Format"] = '{"path":"$context.path"}'


def _talks_much(template: Template) -> None:
    properties(template, "WebFunction")["Environment"]["Variables"]["MUCH"] = "x" * 4096


OURS: dict[str, tuple[Fault, str]] = {
    "visible again before six times": (
        told("WorkQueue", "VisibilityTimeout", 600),
        "WorkQueue: visible again",
    ),
    "a batch of eleven without a window": (
        told("WorkMapping", "BatchSize", 11),
        "WorkMapping: a batch of 11",
    ),
    "a batch that fails as a whole": (
        told("WorkMapping", "FunctionResponseTypes", []),
        "WorkMapping: one failure",
    ),
    "nothing is ever given up": (
        told("WorkQueue", "RedrivePolicy", {"maxReceiveCount": 0}),
        "WorkQueue: maxReceiveCount",
    ),
    "given up into nothing": (
        told("WorkQueue", "QueueName", {"Fn::Sub": "${ProjectName}-${Environment}-jobs"}),
        "WorkDeadLetterQueue: does not",
    ),
    "a handler that is not there": (
        told("WebFunction", "Handler", "onpaid.aws_lambda.webb"),
        "WebFunction: onpaid.aws_lambda has no webb",
    ),
    "a module that is not there": (
        told("TickFunction", "Handler", "onpaid.aws.tick"),
        "TickFunction: there is no module",
    ),
    "a caller that does not exist": (
        told("TickPermission", "Principal", "event.amazonaws.com"),
        "TickPermission: event.amazonaws.com calls nobody",
    ),
    "the wrong caller": (told("WebPermission", "Principal", "events.amazonaws.com"), "WebPermission: events"),
    "whoever wants to": (
        told("WebPermission", "SourceArn", ""),
        "WebPermission: apigateway.amazonaws.com may call",
    ),
    "a gateway that gives up first": (
        told("WebIntegration", "TimeoutInMillis", 20_000),
        "WebIntegration: 20000",
    ),
    "a gateway that waits too long": (
        told("WebIntegration", "TimeoutInMillis", 31_000),
        "WebIntegration: 31000",
    ),
    "no route": (told("WebRoute", "RouteKey", "POST webhooks"), "WebRoute: 'POST webhooks'"),
    "webhooks that are flooded with the pages": (
        lambda template: properties(template, "WebStage")["RouteSettings"].pop("POST /webhooks/{proxy+}"),
        "WebStage: POST /webhooks/{proxy+} shares",
    ),
    "an allowance for nothing": (
        told("StripeRoute", "RouteKey", "POST /stripe/hook"),
        "WebStage: POST /stripe/webhook is not made",
    ),
    "links in the log": (_tells_paths, "WebStage: logs path"),
    "a schedule without a name": (_input("{schedule: tick}"), "TickRule: its input"),
    "a schedule of another name": (_input('{"schedule":"nightly"}'), "TickRule: is not called after"),
    "a rule that nobody lets in": (told("TickRule", "Name", "minutes"), "TickRule: minutes may not call"),
    "another pattern of names": (told("Dashboard", "DashboardName", "onpaid"), "Dashboard: is called onpaid"),
    "two of one name": (
        told("TickErrors", "AlarmName", {"Fn::Sub": "${ProjectName}-${Environment}-web-errors"}),
        "TickErrors: is called like WebErrors",
    ),
    "a table that cannot be restored": (_unrestored, "OrdersTable: cannot be restored"),
    "a table that goes with the stack": (_gone, "OnpaidTable: goes with the stack"),
    "a table in which nothing ends": (_endless, "OnpaidTable: nothing in it ends"),
    "items that end by another field": (_ends_otherwise, "CommerceTable: its items"),
    "a fixed capacity": (
        told("OnpaidTable", "BillingMode", "PROVISIONED"),
        "OnpaidTable: has a fixed capacity",
    ),
    "deleted by a slip": (
        told("OnpaidTable", "DeletionProtectionEnabled", False),
        "OnpaidTable: can be deleted",
    ),
    "a queue in the clear": (told("WorkQueue", "SqsManagedSseEnabled", False), "WorkQueue: is not encrypted"),
    "alarms that are lost": (
        told("AlertsTopic", "KmsMasterKeyId", "alias/aws/sns"),
        "AlertsTopic: alarms may not use",
    ),
    "a topic in the clear": (
        told("BillingEventsTopic", "KmsMasterKeyId", None),
        "BillingEventsTopic: is not encrypted",
    ),
    "a log that nobody made": (told("WorkFunction", "LoggingConfig", {}), "WorkFunction: writes into a log"),
    "a log under another name": (told("TickLogs", "LogGroupName", "/tick"), "TickFunction: its log"),
    "a log without an end": (told("ApiLogs", "RetentionInDays", 0), "ApiLogs: never ends"),
    "more than a function can be told": (_talks_much, "WebFunction: is told"),
}


@pytest.mark.parametrize("name", OURS)
def test_our_own_rules_find(name: str) -> None:
    fault, beginning = OURS[name]
    assert not [line for line in wrong(expanded()) if line.startswith(beginning)]
    assert [line for line in wrong(spoilt(expanded(), fault)) if line.startswith(beginning)]
