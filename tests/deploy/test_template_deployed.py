"""The template on the emulator: it comes up whole, and a request, a ring and a tick reach the right function.

The functions are stand-ins that tell who they are; the service itself is tried on this stack by the demonstration.
"""

from __future__ import annotations

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Iterator

import pytest

from tests.deploy.stack import SECONDS, Stack
from tests.deploy.template import resources, source
from tests.emulator import REGION, Emulator

STAND_IN = """
import json

def web(event, context):
    return {"statusCode": 200, "body": json.dumps([event["rawPath"], event["body"]])}

def work(event, context):
    print("work", *(record["body"] for record in event["Records"]))
    return {"batchItemFailures": []}

def tick(event, context):
    return {"told": event}

lambda_handler = tick
"""
EVERYTHING = {
    "Invoicing": "fiken",
    "Checkout": "razorpay",
    "Sales": "stripe",
    "Parcels": "shiprocket",
    "Messages": "meta",
    "Issues": "jira",
    "SettingsParameter": "settings",
    "AlertEmail": "ops@example.org",
    "DomainName": "pay.example.org",
    "CertificateArn": f"arn:aws:acm:{REGION}:000000000000:certificate/1",
    "DocumentedTables": "yes",
}


def stand_in() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as package:
        package.writestr("onpaid/__init__.py", "")
        package.writestr("onpaid/aws_lambda.py", STAND_IN)
        package.writestr("lambda_function.py", STAND_IN)
    return held.getvalue()


@pytest.fixture(scope="module")
def whole(emulator: Emulator) -> Iterator[Stack]:
    """With everything that can be chosen."""
    stack = Stack(emulator, stand_in(), EVERYTHING)
    stack.deploy()
    yield stack
    stack.delete()


def test_everything_that_can_be_chosen_comes_up(whole: Stack) -> None:
    assert set(whole.made()) == set(source()["Resources"])


def test_nothing_chosen_comes_up_too(emulator: Emulator) -> None:
    stack = Stack(emulator, stand_in(), {})
    stack.deploy()
    chosen = {name for name, each in resources(source()).items() if "Condition" in each}
    assert set(stack.made()) == set(source()["Resources"]) - chosen
    stack.delete()


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/stripe",
        "/webhooks/konverzky/a-token",
        "/payment/webhook",
        "/payment/create-order",
        "/api/products/import",
    ],
)
def test_a_request_reaches_web(whole: Stack, path: str) -> None:
    asked = urllib.request.Request(
        f"{whole.emulator.url}{path}",
        data=b"{}",
        headers={
            "Content-Type": "application/json",
            "Host": f"{whole.made()['HttpApi']}.execute-api.localhost:{whole.emulator.port}",
        },
    )
    with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
        assert json.load(answer) == [path, "{}"]


def test_a_ring_reaches_work(whole: Stack) -> None:
    queue = whole.made()["WorkQueue"]
    whole.emulator.client("sqs").send_message(QueueUrl=queue, MessageBody='{"run":"invoice_payment:pi_1"}')
    given_up = time.monotonic() + SECONDS
    while 'work {"run":"invoice_payment:pi_1"}' not in whole.log("work"):
        assert time.monotonic() < given_up


def test_the_clock_tells_the_tick_its_schedule(whole: Stack) -> None:
    (target,) = whole.emulator.client("events").list_targets_by_rule(Rule=whole.name("tick"))["Targets"]
    assert target["Arn"].endswith(f":function:{whole.name('tick')}")
    assert whole.invoke("tick", json.loads(target["Input"])) == {"told": {"schedule": "tick"}}


def test_the_night_tells_the_reconciliation_its_schedule(whole: Stack) -> None:
    events = whole.emulator.client("events")
    rule = events.describe_rule(Name=whole.name("nightly-reconciliation"))
    assert (rule["ScheduleExpression"], rule["State"]) == ("cron(0 2 * * ? *)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].endswith(f":function:{whole.name('reconcile')}")
    given = json.loads(target["Input"])
    assert whole.invoke("reconcile", given) == {"told": {"schedule": "nightly-reconciliation"}}


def test_functions_find_their_secrets_by_name(whole: Stack) -> None:
    told = whole.emulator.client("lambda").get_function_configuration(FunctionName=whole.name("web"))
    variables = told["Environment"]["Variables"]
    assert variables["STRIPE_API_KEY"] == f"secretsmanager:{whole.name('stripe-secret-key')}"
    assert variables["JWT_ACCESS_TOKEN_SECRET"] == (f"secretsmanager:{whole.name('jwt-access-token-secret')}")
    assert variables["BILLING_EVENTS_TOPIC_ARN"] == whole.made()["BillingEventsTopic"]
    assert variables["ONPAID_SETTINGS"] == f"ssm:/{whole.project}/prod/settings"
    assert variables["ONPAID_PUBLIC_URL"] == "https://pay.example.org"
    scheme, _, name = variables["ONPAID_ADMIN_TOKEN"].partition(":")
    assert len(whole.emulator.client(scheme).get_secret_value(SecretId=name)["SecretString"]) == 48
