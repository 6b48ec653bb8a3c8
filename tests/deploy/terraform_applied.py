"""The module on the emulator: planned, applied, asked and destroyed by Terraform itself. Takes minutes.

`make aws-terraform` runs it; `make test` does not. The functions are stand-ins, as for the template.
"""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.template import resources, source
from tests.deploy.terraform_module import Module, camel, snake, written
from tests.deploy.terraform_parity import BOOLEAN, CHOICES
from tests.deploy.terraform_run import UNPROTECTED, Terraform, missing, terraform
from tests.deploy.test_template_deployed import stand_in
from tests.emulator import Emulator

__all__ = ["terraform"]
pytestmark = pytest.mark.timeout(600)
SECONDS = 30.0
APPLY = ("apply", "-input=false", "-no-color", "-auto-approve", "-parallelism=20")
DESTROY = ("destroy", "-input=false", "-no-color", "-auto-approve", "-parallelism=20")
Rows = dict[tuple[str, str, str], dict[str, Any]]


def variables(choice: str) -> dict[str, Any]:
    """The module's variables for one of the choices under which it is compared."""
    return {snake(name): BOOLEAN.get(value, value) for name, value in CHOICES[choice].items()}


@pytest.mark.parametrize("choice", ["nothing", "everything"])
def test_it_comes_to_what_is_compared_with_the_template(
    terraform: Terraform, emulator: Emulator, choice: str
) -> None:
    terraform.at(emulator, stand_in(), variables(choice))
    terraform.done("plan", "-input=false", "-no-color", "-out=plan")
    assert unlike(terraform.resources("plan"), choice) == []


def unlike(rows: Rows, choice: str) -> list[str]:
    """Where Terraform comes to something else than the comparison takes it for. What AWS tells is left out."""
    theirs = {
        (kind, camel(label if key in ("", "0") else key)): row["values"]
        for (kind, label, key), row in rows.items()
    }
    module = Module(written(), variables(choice))
    ours = {(each.type, each.name): each.told for each in module.resources() if each.kept}
    found = [f"{place}: only one has it" for place in ours.keys() ^ theirs.keys()]
    for place in ours.keys() & theirs.keys():
        found += [f"{place}: {each}" for each in _unlike(ours[place], theirs[place])]
    return found


def _unlike(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    for name, value in ours.items():
        if name in ("lifecycle", "filename", "source_code_hash", "secret_string_wo"):
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            # A set of blocks has an order of its own.
            mine, other = (
                sorted(each, key=lambda one: str(sorted(one.values(), key=str)))
                for each in (value, theirs[name])
            )
            if len(mine) != len(other):
                yield f"{name}: {len(mine)}, and {len(other)} there"
            elif name == "global_secondary_index" or len(mine) == 1:
                yield from (each for pair in zip(mine, other, strict=True) for each in _unlike(*pair))
            else:
                for each in mine:  # what Terraform adds to each by itself is left out here, too
                    like = next((one for one in other if not any(_unlike(each, one))), None)
                    if like is None:
                        yield f"{name}: {each}, and {other} there"
                    else:
                        other.remove(like)
        elif not _same(value, theirs.get(name)):
            yield f"{name}: {value!r}, and {theirs.get(name)!r} there"


def _same(ours: Any, theirs: Any) -> bool:
    if "${" in json.dumps(ours):
        if isinstance(ours, dict) and isinstance(theirs, dict):
            return all(_same(each, theirs.get(name)) for name, each in ours.items())
        return True
    if isinstance(ours, str) and ours.startswith("{") and isinstance(theirs, str):
        return bool(json.loads(ours) == json.loads(theirs))
    return bool(ours == theirs)


def test_a_domain_needs_its_certificate(terraform: Terraform, emulator: Emulator) -> None:
    terraform.at(emulator, stand_in(), {"domain_name": "pay.example.org"})
    refused = terraform.run("plan", "-input=false", "-no-color")
    assert refused.returncode == 1
    assert "certificate_arn is needed with domain_name." in refused.stderr


@pytest.fixture(scope="module")
def whole(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """The module with everything that can be chosen, applied. In the end it can go, and leaves nothing."""
    if said := missing():
        pytest.skip(said)
    made = Terraform(tmp_path_factory.mktemp("applied") / "module")
    made.ready()
    made.at(emulator, stand_in(), variables("everything"))
    made.done(*APPLY)
    yield made
    made.write("test_override.tf", UNPROTECTED)
    made.done(*APPLY)
    made.done(*DESTROY)
    assert made.resources() == {}
    left = emulator.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in left if name.startswith("a-shop-dev-")]


def test_everything_that_can_be_chosen_comes_up(whole: Terraform) -> None:
    names = {camel(label if key in ("", "0") else key) for _, label, key in whole.resources()}
    assert names == set(resources(source()))


def test_a_request_reaches_web(whole: Terraform, emulator: Emulator) -> None:
    (api,) = [
        row["values"]["id"]
        for (kind, _, _), row in whole.resources().items()
        if kind == "aws_apigatewayv2_api"
    ]
    asked = urllib.request.Request(
        f"{emulator.url}/webhooks/stripe",
        data=b"{}",
        headers={
            "Content-Type": "application/json",
            "Host": f"{api}.execute-api.localhost:{emulator.port}",
        },
    )
    with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
        assert json.load(answer) == ["/webhooks/stripe", "{}"]


def test_a_ring_reaches_work(whole: Terraform, emulator: Emulator) -> None:
    queue = json.loads(whole.done("output", "-json", "work_queue_url"))
    emulator.client("sqs").send_message(QueueUrl=queue, MessageBody='{"run":"invoice_payment:pi_1"}')
    logs = emulator.client("logs")
    given_up = time.monotonic() + SECONDS
    while 'work {"run":"invoice_payment:pi_1"}' not in "\n".join(
        row["message"]
        for row in logs.filter_log_events(logGroupName="/aws/lambda/a-shop-dev-work").get("events", [])
    ):
        assert time.monotonic() < given_up


def test_the_clock_tells_the_tick_its_schedule(whole: Terraform, emulator: Emulator) -> None:
    (target,) = emulator.client("events").list_targets_by_rule(Rule="a-shop-dev-tick")["Targets"]
    answer = emulator.client("lambda").invoke(FunctionName="a-shop-dev-tick", Payload=target["Input"])
    assert json.load(answer["Payload"]) == {"told": {"schedule": "tick"}}


def test_no_secret_is_in_the_state(whole: Terraform, emulator: Emulator) -> None:
    state = (whole.folder / "terraform.tfstate").read_text(encoding="utf-8")
    secrets = emulator.client("secretsmanager")
    drawn = {
        secrets.get_secret_value(SecretId=f"a-shop-dev-{kind}")["SecretString"]
        for kind in ("admin-token", "viewer-token", "session-secret", "link-secret")
    }
    assert {len(each) for each in drawn} == {48}
    assert len(drawn) == 4
    assert not [each for each in drawn if each in state]
    assert "a-shop-dev-admin-token" in state


def test_data_outlives_a_slip(whole: Terraform, emulator: Emulator) -> None:
    refused = whole.run(*DESTROY)
    assert refused.returncode == 1
    assert "prevent_destroy" in refused.stderr
    told = emulator.client("dynamodb").describe_table(TableName="a-shop-dev-onpaid")["Table"]
    assert told["DeletionProtectionEnabled"]
