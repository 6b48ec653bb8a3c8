"""The Terraform module makes what the template makes, resource by resource, and a difference would be found."""

from __future__ import annotations

from functools import cache

import pytest

from tests.deploy.template import expanded, properties, resources, source, spoilt, told
from tests.deploy.terraform_language import Tree
from tests.deploy.terraform_module import Module, read, texts, written
from tests.deploy.terraform_parity import CHOICES, OWN, choices, differences
from tests.deploy.terraform_told import Expanded, terraformed

FAULTS: dict[str, tuple[str, str, str, str]] = {
    "a timeout": ("functions.tf", "timeout          = 120", "timeout          = 121", "WorkFunction.properties.Timeout"),
    "another handler": ("functions.tf", "aws_lambda.tick", "aws_lambda.work", "TickFunction.properties.Handler"),
    "another machine": (
        "functions.tf",
        '"arm64"]\n  filename         = var.package\n  source_code_hash = filebase64sha256(var.package)\n  memory_size      = 512\n  timeout          = 25',
        '"x86_64"]\n  filename         = var.package\n  source_code_hash = filebase64sha256(var.package)\n  memory_size      = 512\n  timeout          = 25',
        "WebFunction.properties.Architectures",
    ),
    "a variable misspelt": (
        "functions.tf",
        "JIRA_API_TOKEN ",
        "JIRA_TOKEN     ",
        "WebFunction.properties.Environment.Variables.JIRA_API_TOKEN: is missing",
    ),
    "a secret that is another's": (
        "functions.tf",
        '"${local.secret}-fiken-api-token"',
        '"${local.secret}-jira-api-token"',
        "TickFunction.properties.Environment.Variables.FIKEN_API_TOKEN",
    ),
    "a choice forgotten": ("functions.tf", '["msg91", "wati"]', '["msg91"]', "WebFunction.properties.Environment"),
    "a clock without a reserve": (
        "functions.tf",
        "var.reserve_tick ? 1 : -1",
        "-1",
        "TickFunction.properties.ReservedConcurrentExecutions: is missing",
    ),
    "a loop that Lambda ends": (
        "functions.tf",
        'recursive_loop = "Allow"',
        'recursive_loop = "Terminate"',
        "WorkFunction.properties.RecursiveLoop",
    ),
    "a batch that fails as a whole": (
        "functions.tf",
        'function_response_types = ["ReportBatchItemFailures"]',
        "",
        "WorkMapping.properties.FunctionResponseTypes: is missing",
    ),
    "another schedule": ("functions.tf", "rate(1 minute)", "rate(2 minutes)", "TickRule.properties.ScheduleExpression"),
    "an input without a name": ("functions.tf", '{ schedule = "tick" }', "{}", "TickRule.properties.Targets"),
    "a caller": ("api.tf", '"apigateway.amazonaws.com"', '"events.amazonaws.com"', "WebPermission.properties.Principal"),
    "another route": ("api.tf", 'route_key = "$default"', 'route_key = "GET /"', "WebRoute.properties.RouteKey"),
    "a path in the log": ("api.tf", "$context.status", "$context.path", "WebStage.properties.AccessLogSettings.Format"),
    "a domain always": (
        "api.tf",
        "count       = local.has_domain ? 1 : 0\n  domain_name = var",
        "count       = 1\n  domain_name = var",
        "CustomDomain: is not in the template",
    ),
    "another key": ("tables.tf", '["orderId", "createdAt"]', '["orderId", "placedAt"]', "OrdersTable.properties.KeySchema"),
    "another index": ("tables.tf", "OrderIdIndex", "OrderIndex", "ShipmentsTable.properties.GlobalSecondaryIndexes"),
    "items that do not end": (
        "tables.tf",
        '  ttl {\n    attribute_name = "ttl"\n    enabled        = true\n  }\n',
        "",
        "OnpaidTable.properties.TimeToLiveSpecification: is missing",
    ),
    "no way back to a second": (
        "tables.tf",
        "    }\n  }\n\n  point_in_time_recovery {\n    enabled = true",
        "    }\n  }\n\n  point_in_time_recovery {\n    enabled = false",
        "AddressesTable.properties.PointInTimeRecoverySpecification",
    ),
    "a table that a slip deletes": (
        "tables.tf",
        "deletion_protection_enabled = true",
        "deletion_protection_enabled = false",
        "OnpaidTable.properties.DeletionProtectionEnabled",
    ),
    "a table that goes with the rest": ("tables.tf", "    prevent_destroy = true\n  }\n}\n\n# The", "    prevent_destroy = false\n  }\n}\n\n# The", "OnpaidTable.outlives"),
    "a writer more": ("tables.tf", 'writers = ["web"]', 'writers = ["web", "work"]', "WorkRole.properties.Policies"),
    "another action": ("roles.tf", '"dynamodb:BatchWriteItem"', '"dynamodb:Scan"', "WebRole.properties.Policies"),
    "a wider resource": ("roles.tf", "-??????", "-*", "TickRole.properties.Policies"),
    "a statement less": ("roles.tf", "      local.ring,\n      local.see_how_deep_the_queue_is,\n      local.shared", "      local.see_how_deep_the_queue_is,\n      local.shared", "TickRole.properties.Policies"),
    "a role for somebody else": ("roles.tf", "role = aws_iam_role.tick_role.id", "role = aws_iam_role.web_role.id", "TickRole.properties.Policies: is missing"),
    "visible again too soon": ("queues.tf", "= 720", "= 120", "WorkQueue.properties.VisibilityTimeout"),
    "given up too soon": ("queues.tf", "maxReceiveCount     = 5", "maxReceiveCount     = 2", "WorkQueue.properties.RedrivePolicy.maxReceiveCount"),
    "letters that end": ("queues.tf", "1209600", "345600", "WorkDeadLetterQueue.properties.MessageRetentionPeriod"),
    "a topic without a key": ("queues.tf", '  kms_master_key_id = "alias/aws/sns"\n', "", "BillingEventsTopic.properties.KmsMasterKeyId: is missing"),
    "mail by another way": ("queues.tf", '"email"', '"email-json"', "AlertsByMail.properties.Protocol"),
    "a secret that is known": ("secrets.tf", "ephemeral.aws_secretsmanager_random_password.link_secret.random_password", '"open sesame"', "LinkSecret.properties.terraform: what the secret is"),
    "a secret that is short": ("secrets.tf", "    = local.made_secrets\n  password_length     = 48", "    = local.made_secrets\n  password_length     = 8", "AdminToken.properties.GenerateSecretString.PasswordLength"),
    "a secret in the state": ("secrets.tf", 'secret_id                = aws_secretsmanager_secret.link_secret.id\n  secret_string_wo ', 'secret_id                = aws_secretsmanager_secret.link_secret.id\n  secret_string ', "LinkSecret.properties.terraform: what the secret is"),
    "an alarm is missing": ("alarms.tf", "    dead_letters = {\n      description", "    letters = {\n      description", "DeadLetters: is missing"),
    "another metric": ("alarms.tf", '"LanesPaused"', '"LanesStalled"', "LanesStalled.properties.MetricName"),
    "another threshold": ("alarms.tf", "= 900", "= 901", "OldestMessage.properties.Threshold"),
    "other periods": ("alarms.tf", "periods     = 4", "periods     = 5", "RunsDoubtful.properties.EvaluationPeriods"),
    "an alarm that tells nobody": ("alarms.tf", "  ok_actions          = [aws_sns_topic.alerts_topic.arn]\n}\n\n# A", "}\n\n# A", "ApiErrors.properties.OKActions: is missing"),
    "logs that end later": ("functions.tf", 'name              = "/aws/vendedlogs/${local.name}-api"\n  retention_in_days = var.log_retention_days', 'name              = "/aws/vendedlogs/${local.name}-api"\n  retention_in_days = 400', "ApiLogs.properties.RetentionInDays"),
    "another widget": ("dashboard.tf", '"p95"', '"p99"', "Dashboard.properties.DashboardBody"),
    "another output": ("outputs.tf", "local.url", "local.name", "outputs.url.value"),
    "something that nobody compares": ("queues.tf", "delay_seconds              = 0", "max_message_size           = 1024", "WorkQueue.properties.terraform: max_message_size: is not in the template"),
    "a resource of another kind": ("queues.tf", 'resource "aws_sns_topic_policy"', 'resource "aws_sns_platform_application"', "AlertsTopicPolicy.properties.terraform: aws_sns_platform_application"),
}  # fmt: skip
"""Differences in the module: the file, what stands there, what instead of it, and how the finding begins."""
CHOSEN_OTHERWISE: dict[str, tuple[str, str, str]] = {
    "another default": ('default     = "prod"', 'default     = "dev"', "Environment.default"),
    "other words": ("Who takes parcels.", "Who brings parcels.", "Parcels.description"),
    "a provider forgotten": (', "wati"]', "]", "messages: 'wati' may not be chosen"),
    "a longer name": ("{0,18}", "{0,28}", "project_name: 'aaaaaaaaaaaaaaaaaaaaa' may be chosen"),
    "a slash in a name": ("[a-zA-Z0-9_.-]*", "[a-zA-Z0-9_./-]*", "settings_parameter: 'a/b' may be chosen"),
    "a variable misspelt": ('variable "alert_email"', 'variable "alert_mail"', "alert_email: is missing"),
}
"""The same for the variables."""


@pytest.mark.parametrize("choice", CHOICES)
def test_the_two_make_the_same(choice: str) -> None:
    assert differences(expanded(), written(), CHOICES[choice]) == []


def test_every_resource_of_the_template_is_compared() -> None:
    made = terraformed(
        Module(
            written(),
            {"documented_tables": True, "domain_name": "a.example", "alert_email": "a@b", "sales": "stripe"},
        )
    )
    assert set(made) == set(resources(source()))
    assert len(made) == len(Expanded(expanded(), CHOICES["everything"]).resources()) > 70


def test_whoever_chooses_has_the_same_to_choose_from() -> None:
    assert choices(expanded(), written()) == []


def test_every_condition_is_compared_both_ways() -> None:
    compared = [Expanded(expanded(), choice) for choice in CHOICES.values()]
    for condition in expanded()["Conditions"]:
        assert {each.holds(condition) for each in compared} == {True, False}, condition


def test_every_parameter_is_compared_by_another_value_too() -> None:
    assert set(CHOICES["everything"]) == set(expanded()["Parameters"])


def test_the_module_has_its_own_only_what_packaging_does_for_the_template() -> None:
    module = Module(written())
    assert set(module.variables) & OWN == OWN == {"package"}
    assert module.given["package"] == source()["Globals"]["Function"]["CodeUri"]


def test_where_the_state_is_kept_and_who_one_is_are_left_open() -> None:
    kinds = {block[1][1] for file in written() for block in file[1][1:]}
    assert kinds == {"terraform", "data", "locals", "variable", "resource", "ephemeral", "output"}
    assert 'backend "' not in "".join(texts().values())
    asked = [block[2][2][1] for file in written() for block in file[1][1:] if block[1][1] == "data"]
    assert sorted(asked) == ["aws_caller_identity", "aws_partition", "aws_region"]


@cache
def spoilt_files() -> dict[str, Tree]:
    """The tree of every spoilt file, read in one go."""
    planted = {name: each[:3] for name, each in FAULTS.items()}
    planted |= {f"variables: {name}": ("variables.tf", *each[:2]) for name, each in CHOSEN_OTHERWISE.items()}
    for file, old, _ in planted.values():
        assert old in texts()[file], (file, old)
    trees = read([texts()[file].replace(old, new) for file, old, new in planted.values()])
    return dict(zip(planted, trees, strict=True))


def faulty(name: str, file: str) -> list[Tree]:
    """The module with one of its files spoilt."""
    pairs = zip(texts(), written(), strict=True)
    return [spoilt_files()[name] if each == file else tree for each, tree in pairs]


@pytest.mark.parametrize("name", FAULTS)
def test_a_difference_in_the_module_is_found(name: str) -> None:
    file, _, _, beginning = FAULTS[name]
    found = [
        line
        for choice in ("everything", "nothing", "messages by wati")
        for line in differences(expanded(), faulty(name, file), CHOICES[choice])
    ]
    assert [line for line in found if line.startswith(beginning)], found


@pytest.mark.parametrize("name", CHOSEN_OTHERWISE)
def test_a_difference_in_what_can_be_chosen_is_found(name: str) -> None:
    found = choices(expanded(), faulty(f"variables: {name}", "variables.tf"))
    assert [line for line in found if line.startswith(CHOSEN_OTHERWISE[name][2])], found


def test_a_difference_in_the_template_is_found() -> None:
    other = spoilt(expanded(), told("WorkFunction", "Timeout", 119))
    assert differences(other, written(), {}) == ["WorkFunction.properties.Timeout: 120 instead of 119"]
    other = spoilt(expanded(), lambda template: template["Resources"].pop("RunsFailed"))
    assert differences(other, written(), {}) == ["RunsFailed: is not in the template"]
    other = spoilt(
        expanded(), lambda template: properties(template, "OnpaidTable").pop("DeletionProtectionEnabled")
    )
    assert differences(other, written(), {}) == [
        "OnpaidTable.properties.DeletionProtectionEnabled: is not in the template"
    ]
