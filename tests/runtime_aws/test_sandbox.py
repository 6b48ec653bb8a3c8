"""What a sandbox keeps, renews and lets go of: secrets that change, stray tasks, settings from elsewhere."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from onpaid.aws_sandbox import Sandbox
from onpaid.cli import logs
from onpaid.compose_aws import load_aws
from onpaid.errors import SettingsError
from tests.app.post import STRIPE_SECRET, charge, stripe_event
from tests.runtime_aws.cloud import ENVIRONMENT, Cloud
from tests.runtime_aws.events import http_api

KEPT = {"STRIPE_WEBHOOK_SECRET": "secretsmanager:onpaid-test-stripe-webhook-secret"}
NAME = "onpaid-test-stripe-webhook-secret"


def fetched(**kept: str) -> Any:
    """A place where these are kept."""

    def fetch(scheme: str, name: str) -> str:
        if name not in kept:
            raise SettingsError(f"{scheme}:{name} cannot be read")
        return kept[name]

    return fetch


# -- rotation ----------------------------------------------------------------------------------------------------


def test_a_reference_is_read_once_and_again_after_five_minutes() -> None:
    cloud = Cloud(**KEPT)
    cloud.secrets[NAME] = STRIPE_SECRET
    function = cloud.function()
    for _ in range(5):
        assert function.web(cloud.paid())["statusCode"] == 200
        cloud.wait(59)
    assert len(cloud.asked) == 1
    cloud.wait(10)
    assert function.web(cloud.paid())["statusCode"] == 200
    assert len(cloud.asked) == 2
    assert len(cloud.houses) == 1, "nothing changed, so nothing was made anew"


def test_settings_without_references_are_never_read_again() -> None:
    cloud = Cloud()
    function = cloud.function()
    function.web(cloud.paid())
    cloud.wait(3600)
    function.web(cloud.paid())
    assert len(cloud.heard) == 1


@pytest.mark.parametrize("kept", ["whsec_of_next_year", f'["whsec_of_next_year", "{STRIPE_SECRET}"]'])
@pytest.mark.parametrize("path", ["/webhooks/stripe", "/stripe/webhook"])
def test_a_secret_that_is_rotated_counts_without_a_deployment_and_loses_no_delivery(
    kept: str, path: str
) -> None:
    """A signature that does not fit makes us look whether our secret is an old one, before anybody is accused."""
    cloud = Cloud(**KEPT)
    cloud.secrets[NAME] = STRIPE_SECRET
    function = cloud.function()
    old = cloud.paid()
    assert function.web(old)["statusCode"] == 200
    cloud.wait(31)
    cloud.secrets[NAME] = kept
    cloud.exists("pi_2", 19_900, "1002")
    body = stripe_event("charge.succeeded", charge("pi_2", 19_900, "1002"), "evt_2")
    header = _signature(b"whsec_of_next_year", body, cloud.now())
    said = function.web(http_api(path, body, {"stripe-signature": header}))
    assert said["statusCode"] == 200
    assert json.loads(said["body"])["verdict"] == "routed"
    assert not cloud.tickets(), "nobody forged anything"
    assert len(cloud.houses) == 2
    again = function.web(cloud.paid("1003", "pi_3", "evt_3"))
    assert again["statusCode"] == (200 if kept.startswith("[") else 401), "in a list, both count"


def test_forgers_cannot_make_us_read_secrets_at_every_request() -> None:
    cloud = Cloud(**KEPT)
    cloud.secrets[NAME] = STRIPE_SECRET
    function = cloud.function()
    cloud.wait(31)
    for _ in range(20):
        said = function.web(http_api("/webhooks/stripe", b"{}", {"stripe-signature": "t=1,v1=00"}))
        assert said["statusCode"] == 401
        cloud.wait(1)
    assert len(cloud.asked) == 1
    (ticket,) = cloud.tickets()
    assert ticket.facts["requests"] == "16"


@pytest.mark.parametrize("what", ["gone", "unusable"])
def test_new_secrets_that_cannot_be_used_leave_the_old_ones_in_force(what: str) -> None:
    cloud = Cloud(**KEPT, STRIPE_API_KEY="ssm:/onpaid/test/stripe-secret-key")
    cloud.secrets |= {NAME: STRIPE_SECRET, "/onpaid/test/stripe-secret-key": "sk_test_1"}
    function = cloud.function()
    assert function.web(cloud.paid())["statusCode"] == 200
    cloud.wait(301)
    if what == "gone":
        del cloud.secrets[NAME]
    else:
        cloud.secrets["/onpaid/test/stripe-secret-key"] = "sk_live_1"
    for number in range(3):
        assert function.web(cloud.paid("1001", f"pi_{number}", f"evt_{number}"))["statusCode"] == 200
    assert len(cloud.asked) <= 4, "it is not tried at every request"
    cloud.wait(31)
    cloud.secrets |= {NAME: '["whsec_of_next_year"]', "/onpaid/test/stripe-secret-key": "sk_test_2"}
    assert function.web(cloud.paid("1001", "pi_9", "evt_9"))["statusCode"] == 401
    assert len(cloud.houses) >= 2, "what can be used again counts at once"


def _signature(secret: bytes, body: bytes, now: int) -> str:
    at = now // 1000
    return f"t={at},v1={hmac.new(secret, f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


# -- settings ----------------------------------------------------------------------------------------------------


def test_further_settings_come_by_reference_and_the_environment_goes_before_them() -> None:
    text = 'ORDER_WAIT = "1h"\nFIKEN_COMPANY_SLUG = "other-as"\nSTRIPE_WEBHOOK_SECRET = ["ssm:/w"]\n'
    environment = {**ENVIRONMENT, "STRIPE_WEBHOOK_SECRET": "", "ONPAID_SETTINGS": "ssm:/onpaid/test/settings"}
    read = load_aws(environment, fetched(**{"/onpaid/test/settings": text, "/w": "whsec_1"}))
    assert read["ORDER_WAIT"].total_seconds() == 3600
    assert read["FIKEN_COMPANY_SLUG"] == "shop-as"
    assert read["STRIPE_WEBHOOK_SECRET"] == ("whsec_1",)
    with pytest.raises(SettingsError, match="ONPAID_SETTINGS: ssm:/onpaid/test/settings cannot be read"):
        load_aws(environment, fetched())
    with pytest.raises(SettingsError, match="has SPELT, which is no setting"):
        load_aws(environment, fetched(**{"/onpaid/test/settings": "SPELT = 1"}))


def test_the_retry_queue_of_the_requirement_is_the_work_queue() -> None:
    queue = ENVIRONMENT["ONPAID_WORK_QUEUE_URL"]
    without = {name: value for name, value in ENVIRONMENT.items() if name != "ONPAID_WORK_QUEUE_URL"}
    assert load_aws({**without, "STRIPE_RETRY_QUEUE_URL": queue}, fetched())["ONPAID_WORK_QUEUE_URL"] == queue
    both = load_aws({**ENVIRONMENT, "STRIPE_RETRY_QUEUE_URL": "other"}, fetched())
    assert both["ONPAID_WORK_QUEUE_URL"] == queue
    assert both["ONPAID_TICKET_LOG"] == "-"


def test_a_table_of_vat_may_be_a_reference() -> None:
    environment = {**ENVIRONMENT, "INVOICE_VAT_RULES": "ssm:/vat"}
    one = load_aws(environment, fetched(**{"/vat": "a = 1"}))
    two = load_aws(environment, fetched(**{"/vat": "a = 2"}))
    same = load_aws(environment, fetched(**{"/vat": "a = 1"}))
    assert one == same
    assert one != two
    with open(one["INVOICE_VAT_RULES"], encoding="utf-8") as file:
        assert file.read() == "a = 1"


# -- rest --------------------------------------------------------------------------------------------------------


def test_nothing_that_an_invocation_left_runs_on() -> None:
    cloud, ended = Cloud(), []

    async def strays(remaining: Any) -> str:
        async def stray() -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("cancelled")

        async def soon() -> None:
            await asyncio.sleep(1)
            ended.append("let end")

        tasks = [asyncio.ensure_future(stray()), asyncio.ensure_future(soon())]
        return f"{len(tasks)} begun"

    sandbox: Sandbox = cloud.function().sandbox
    assert sandbox.run(strays, cloud.invocation(60)) == "2 begun"
    assert ended == ["let end", "cancelled"]
    assert not asyncio.all_tasks(cloud.loop)
    assert cloud.loop.time() < 5


def test_connections_to_providers_are_closed_before_the_sandbox_is_frozen() -> None:
    cloud = Cloud()
    function = cloud.function()
    function.work({"Records": []})
    closed = []

    class Outside:
        async def close(self) -> None:
            closed.append("closed")

    cloud.houses[0].service.guests["outside"] = Outside()  # type: ignore[index]
    function.work({"Records": []})
    assert closed == ["closed"]


@pytest.fixture
def _logging_as_it_was() -> Iterator[None]:
    """Logging is set up for a whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_logging_as_it_was")
def test_every_line_of_the_log_names_its_invocation() -> None:
    cloud, out = Cloud(), io.StringIO()
    logs.configure("info", "json", stream=out)
    function = cloud.function()
    function.web(cloud.paid())
    function.web(cloud.ordered())
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["request_id"][-2:] for line in told if line["event"] == "event recorded"] == ["01", "02"]
