"""The service itself on its stack, on an emulator that enforces the roles: what is granted is enough, and is needed.

An order of the shop goes the whole way, from the webhook through the queue to the worker, into our table and a
documented one. A right that the emulator does not ask for on the way is judged by `test_template_rights.py` alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.stack import SECONDS, Stack
from tests.deploy.template import Template, statements
from tests.emulator import ROOT, Emulator, have_tools, running_emulator

SECRET = "shop-secret-0123456789"
KEPT = {
    "stripe-secret-key": "sk_test_1",
    "stripe-webhook-secret": "whsec_0123456789abcdefghij",
    "konverzky-webhook-secret": SECRET,
    "fiken-api-token": "token",
}
SETTINGS = """
FIKEN_COMPANY_SLUG = "shop-as"
FIKEN_BANK_ACCOUNT_CODE = "1920:10001"
FIKEN_PAYMENT_ACCOUNT = "1920:10002"
KONVERZKY_PRICES_INCLUDE_VAT = true
STRIPE_API_BASE = "http://127.0.0.1:9"
FIKEN_API_BASE = "http://127.0.0.1:9"
"""
"""Nothing answers at port 9, so nobody outside is asked."""
ORDER = {
    "id": "10042",
    "order_number": "10042",
    "currency": "NOK",
    "prices_include_vat": True,
    "total": "125.00",
    "items": [{"id": "77", "name": "E-book", "quantity": 1, "unit_price": "125.00", "vat": "25"}],
    "customer": {"name": "Ola Nordmann", "email": "ola@example.org"},
}
CHOSEN = {"Invoicing": "fiken", "SettingsParameter": "settings", "DocumentedTables": "yes"}
DENIED = ("AccessDenied", "not authorized")
pytestmark = pytest.mark.timeout(300)


def batches_too(template: Template) -> None:
    """At AWS whoever may send a message may send ten; the emulator asks for a right of that name, which AWS has not."""
    for role in ("WebRole", "WorkRole", "TickRole", "ReconcileRole"):
        for each in statements(template, role):
            if "sqs:SendMessage" in each["Action"]:
                each["Action"].append("sqs:SendMessageBatch")


def without_query(template: Template) -> None:
    statements(template, "WebRole")[0]["Action"].remove("dynamodb:Query")


@pytest.fixture(scope="module")
def strict() -> Iterator[Emulator]:
    """An emulator that enforces what roles say."""
    with running_emulator(AUTH="true") as emulator:
        yield emulator


@pytest.fixture(scope="module")
def package() -> bytes:
    """The package as the emulator takes it, made anew if something has changed."""
    have_tools()
    with (Path(tempfile.gettempdir()) / "onpaid-aws-package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        asked = ["make", "aws-package", "ARGS=--only host"]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        return (ROOT / "dist" / "onpaid-aws-host.zip").read_bytes()


def ready(emulator: Emulator, stack: Stack) -> Stack:
    """Deploy it, with its secrets and settings in place."""
    for kind, value in KEPT.items():
        emulator.client("secretsmanager").create_secret(Name=stack.name(kind), SecretString=value)
    place = f"/{stack.project}/prod/settings"
    emulator.client("ssm").put_parameter(Name=place, Value=SETTINGS, Type="SecureString")
    stack.deploy()
    return stack


@pytest.fixture(scope="module")
def service(strict: Emulator, package: bytes) -> Iterator[Stack]:
    stack = ready(strict, Stack(strict, package, CHOSEN, batches_too))
    yield stack
    stack.delete()


def order_paid() -> dict[str, Any]:
    """The shop's webhook as API Gateway hands it over, signed now."""
    now = int(time.time())
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    body = json.dumps({"webhook_type": "order_paid", "webhook_id": "wh_1", "created_at": at, "order": ORDER})
    proof = hmac.new(SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    path = "/webhooks/konverzky"
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "host": "pay.example.org",
            "content-type": "application/json",
            "x-onpaid-signature": f"t={now},v1={proof}",
        },
        "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def test_an_order_goes_the_whole_way_under_these_rights(service: Stack) -> None:
    answer = service.invoke("web", order_paid())
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["verdict"] == "routed"
    given_up = time.monotonic() + SECONDS
    while "REPORT RequestId" not in service.log("work"):
        assert time.monotonic() < given_up
    told = service.invoke("tick", {"schedule": "tick"})
    assert told["figures"]["RunsFailed"] == 0
    items = service.emulator.client("dynamodb").scan(TableName=service.name("konverzky-orders"))["Items"]
    assert [item["orderId"] for item in items] == [{"S": "10042"}]
    for door in ("web", "work", "tick"):
        assert not [word for word in DENIED if word in service.log(door)], service.log(door)


def test_a_night_is_begun_and_ended_under_these_rights(service: Stack) -> None:
    """Nobody outside answers, so it fails as the alarm wants it; that it ran, and what is left, is written down."""
    functions = service.emulator.client("lambda")
    answer = functions.invoke(FunctionName=service.name("reconcile"), Payload=b"{}")
    told = json.load(answer["Payload"])
    assert answer["FunctionError"], told
    assert "could look at nothing" in told["errorMessage"], told
    assert not [word for word in DENIED if word in service.log("reconcile")], service.log("reconcile")
    key = {"PK": {"S": "SYSTEM"}, "SK": {"S": "STRIPE_ORDER_SYNC"}}
    table = service.emulator.client("dynamodb")
    item = table.get_item(TableName=service.name("commerce"), Key=key)["Item"]
    assert item["lastSyncProcessed"] == {"N": "0"}


def test_the_doctor_may_look_at_everything(service: Stack) -> None:
    said = [finding["says"] for finding in service.invoke("web", {"test": True})["findings"]]
    assert not [each for each in said for word in DENIED if word in each]
    assert f"dynamodb://{service.name('onpaid')} can be used." in said
    assert any(each.startswith("The work queue can be asked") for each in said)


def test_without_a_right_that_it_needs_web_takes_nothing(strict: Emulator, package: bytes) -> None:
    stack = ready(strict, Stack(strict, package, CHOSEN, batches_too, without_query))
    assert stack.invoke("web", order_paid())["statusCode"] == 503
    assert "dynamodb:Query" in stack.log("web")
    stack.delete()
