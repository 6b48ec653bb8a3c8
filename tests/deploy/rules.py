"""What AWS would refuse, or take and do wrongly, in the template, and what neither translator nor linter sees.

Each rule reads the expanded template and tells what is wrong in sentences; none means that all is well. So each can
be shown a planted fault as well as our own template.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from tests.deploy.template import FILE, FUNCTIONS, ROOT, Template, filled, plain, properties, resources, texts

SOURCE = ROOT / "src"
ENTRANCES = FILE.parent
"""Where modules are that stand beside onpaid in the package."""
NAME = "${ProjectName}-${Environment}-"
NAMED = {
    "AWS::ApiGatewayV2::Api": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::Rule": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
}
"""Kinds of resources that have a name, and what it is called there."""
GATEWAY_MS = 30_000
BATCH_WITHOUT_WINDOW = 10
ENVIRONMENT_BYTES = 4096
LONGEST_NAME = {"AWS::Lambda::Function": 64, "AWS::SQS::Queue": 80}
"""Characters that a name may have; 255 elsewhere."""
LONGEST = {"ProjectName": "p" * 20, "Environment": "e" * 12, "AWS::Region": "ap-southeast-1"}

Rule = Callable[[Template], Iterator[str]]


def handlers(template: Template) -> Iterator[str]:
    """Every function names a handler that exists: its module in our sources, its function at the top of that."""
    for name in FUNCTIONS:
        module, _, handler = properties(template, name)["Handler"].rpartition(".")
        file = f"{module.replace('.', '/')}.py"
        path = next((place / file for place in (SOURCE, ENTRANCES) if (place / file).is_file()), None)
        if path is None:
            yield f"{name}: there is no module {module}"
        elif handler not in _defined(ast.parse(path.read_text(encoding="utf-8"))):
            yield f"{name}: {module} has no {handler}"


def _defined(module: ast.Module) -> Iterator[str]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom):
            yield from (each.asname or each.name for each in node.names)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (each.id for each in targets if isinstance(each, ast.Name))


def queue(template: Template) -> Iterator[str]:
    """The queue waits six times as long as its function may work, and the batch needs no window."""
    limit = properties(template, "WorkFunction")["Timeout"]
    told = properties(template, "WorkQueue")
    if told["VisibilityTimeout"] < 6 * limit:
        yield f"WorkQueue: visible again after {told['VisibilityTimeout']} s, less than six times {limit} s"
    if not 1 <= told["RedrivePolicy"]["maxReceiveCount"] <= 1000:
        yield "WorkQueue: maxReceiveCount must be 1 to 1000"
    mapping = properties(template, "WorkMapping")
    if mapping["BatchSize"] > BATCH_WITHOUT_WINDOW and not mapping.get("MaximumBatchingWindowInSeconds"):
        yield f"WorkMapping: a batch of {mapping['BatchSize']} needs MaximumBatchingWindowInSeconds"
    if mapping.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
        yield "WorkMapping: one failure would bring the whole batch again"
    allowed = properties(template, "WorkDeadLetterQueue")["RedriveAllowPolicy"]["sourceQueueArns"]
    if not [each for each in allowed if plain(each).endswith(f":{plain(told['QueueName'])}")]:
        yield "WorkDeadLetterQueue: does not take what WorkQueue gives up"


APART = {"/webhooks/{proxy+}", "/payment/webhook", "/stripe/webhook", "/payment/create-order"}
"""What has an allowance of its own at the gateway: webhooks, and what costs something before anybody has paid."""


def allowances(template: Template) -> Iterator[str]:
    """A flood of pages uses up no webhook's allowance. A route is made before the stage that allows it something."""
    before = template["Resources"]["WebStage"].get("DependsOn", ())
    made = {
        each["Properties"].get("RouteKey") for name, each in resources(template).items() if name in before
    }
    allowed = properties(template, "WebStage").get("RouteSettings", {})
    yield from (
        f"WebStage: POST {path} shares an allowance with pages"
        for path in sorted(APART)
        if f"POST {path}" not in allowed
    )
    yield from (f"WebStage: {key} is not made before it" for key in allowed if key not in made)


def gateway(template: Template) -> Iterator[str]:
    """The gateway waits longer than the function works, within its own limit, and hands on every path."""
    waits = properties(template, "WebIntegration")["TimeoutInMillis"]
    works = properties(template, "WebFunction")["Timeout"] * 1000
    if not works < waits <= GATEWAY_MS:
        yield f"WebIntegration: {waits} ms, where more than {works} and at most {GATEWAY_MS} are possible"
    for name, each in resources(template, "AWS::ApiGatewayV2::Route").items():
        key = each["Properties"]["RouteKey"]
        if not re.fullmatch(r"\$default|(ANY|GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*", key):
            yield f"{name}: {key!r} is no route"
    logged = properties(template, "WebStage")["AccessLogSettings"]["Format"]
    for secret in ("path", "routeKey", "identity", "queryString"):
        if f"$context.{secret}" in logged:
            yield f"WebStage: logs {secret}, in which customers' links and tokens of webhooks stand"


CALLERS = {"apigateway.amazonaws.com": "execute-api", "events.amazonaws.com": "events"}
"""Who calls a function, and how the ARNs begin in whose name."""


def permissions(template: Template) -> Iterator[str]:
    """Whoever calls a function is a service that exists, and calls in the name of something of ours."""
    called = set()
    for name, each in resources(template, "AWS::Lambda::Permission").items():
        told = each["Properties"]
        called.add(plain(told["FunctionName"]))
        service = CALLERS.get(told["Principal"])
        if service is None:
            yield f"{name}: {told['Principal']} calls nobody"
        elif f":{service}:" not in plain(told.get("SourceArn", "")):
            yield f"{name}: {told['Principal']} may call in anybody's name"
    for missing in {"${WebFunction}", "${TickFunction}", "${ReconcileFunction}"} - called:
        yield f"{missing} cannot be called"


def schedules(template: Template) -> Iterator[str]:
    """Every rule tells its function which schedule it is, and is covered by that function's permission."""
    may = {
        plain(each["Properties"]["FunctionName"]): plain(each["Properties"].get("SourceArn", ""))
        for each in resources(template, "AWS::Lambda::Permission").values()
    }
    for name, each in resources(template, "AWS::Events::Rule").items():
        told = each["Properties"]
        for target in told["Targets"]:
            function = plain(target["Arn"]).replace(".Arn}", "}")
            if not fnmatchcase(plain(told["Name"]), may.get(function, "").rpartition("rule/")[2]):
                yield f"{name}: {plain(told['Name'])} may not call {function}"
            try:
                schedule = json.loads(target["Input"])["schedule"]
            except (ValueError, KeyError, TypeError):
                yield f"{name}: its input names no schedule"
            else:
                if plain(told["Name"]) != f"{NAME}{schedule}":
                    yield f"{name}: is not called after its schedule, {schedule}"


def names(template: Template) -> Iterator[str]:
    """Everything that has a name is called {project}-{environment}-{kind}, each by another kind, none too long."""
    seen: dict[tuple[str, str], str] = {}
    for name, each in resources(template).items():
        field = NAMED.get(each["Type"])
        if field is None:
            continue
        called = plain(each["Properties"].get(field, ""))
        if not re.fullmatch(re.escape(NAME) + r"[a-z]+(-[a-z]+)*", called):
            yield f"{name}: is called {called or 'nothing'}"
        elif (each["Type"], called) in seen:
            yield f"{name}: is called like {seen[each['Type'], called]}"
        elif len(filled(called, **LONGEST)) > LONGEST_NAME.get(each["Type"], 255):
            yield f"{name}: {called} may become too long"
        seen[each["Type"], called] = name


def tables(template: Template) -> Iterator[str]:
    """Every table can be restored to any second, outlives the stack, grows by itself, and is encrypted."""
    for name, each in resources(template, "AWS::DynamoDB::Table").items():
        told = each["Properties"]
        if told.get("PointInTimeRecoverySpecification") != {"PointInTimeRecoveryEnabled": True}:
            yield f"{name}: cannot be restored to a second"
        if (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) != ("Retain", "Retain"):
            yield f"{name}: goes with the stack"
        if told.get("BillingMode") != "PAY_PER_REQUEST":
            yield f"{name}: has a fixed capacity"
        ends = told.get("TimeToLiveSpecification")
        if ends is not None and ends != {"AttributeName": "ttl", "Enabled": True}:
            yield f"{name}: its items do not end by ttl"
    if "TimeToLiveSpecification" not in properties(template, "OnpaidTable"):
        yield "OnpaidTable: nothing in it ends"
    if properties(template, "OnpaidTable").get("DeletionProtectionEnabled") is not True:
        yield "OnpaidTable: can be deleted by a slip"


def encryption(template: Template) -> Iterator[str]:
    """Queues are encrypted; a topic that alarms use is not under the one key that alarms may not use."""
    for name, each in resources(template, "AWS::SQS::Queue").items():
        if each["Properties"].get("SqsManagedSseEnabled") is not True:
            yield f"{name}: is not encrypted"
    alarmed = {
        text for each in resources(template, "AWS::CloudWatch::Alarm").values() for text in _told(each)
    }
    for name, each in resources(template, "AWS::SNS::Topic").items():
        under = each["Properties"].get("KmsMasterKeyId")
        if name in alarmed and under == "alias/aws/sns":
            yield f"{name}: alarms may not use AWS's own key for topics"
        if name not in alarmed and under is None:
            yield f"{name}: is not encrypted"


def _told(alarm: dict[str, Any]) -> Iterator[str]:
    for action in alarm["Properties"].get("AlarmActions", []):
        yield from texts(action)


def logs(template: Template) -> Iterator[str]:
    """Every function writes into a log of ours that ends."""
    for name in FUNCTIONS:
        group = plain(properties(template, name).get("LoggingConfig", {}).get("LogGroup", ""))
        found = resources(template, "AWS::Logs::LogGroup").get(group.removeprefix("${").removesuffix("}"))
        if found is None:
            yield f"{name}: writes into a log that nobody made"
        elif plain(found["Properties"]["LogGroupName"]) != "/aws/lambda/" + plain(
            properties(template, name)["FunctionName"]
        ):
            yield f"{name}: its log is not called after it"
    for name, each in resources(template, "AWS::Logs::LogGroup").items():
        if not each["Properties"].get("RetentionInDays"):
            yield f"{name}: never ends"


def environments(template: Template) -> Iterator[str]:
    """What a function is told fits into 4 KB, were every name as long as it may be."""
    for name in FUNCTIONS:
        told = properties(template, name)["Environment"]["Variables"]
        size = sum(len(key) + len(filled(plain(value), **LONGEST)) for key, value in told.items())
        if size > ENVIRONMENT_BYTES:
            yield f"{name}: is told {size} bytes, and {ENVIRONMENT_BYTES} are possible"


RULES: tuple[Rule, ...] = (
    handlers,
    queue,
    gateway,
    allowances,
    permissions,
    schedules,
    names,
    tables,
    encryption,
    logs,
    environments,
)


def wrong(template: Template) -> list[str]:
    """What all rules say of it."""
    return [each for rule in RULES for each in rule(template)]
