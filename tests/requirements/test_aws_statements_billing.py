"""What requirement 5 says about rights, topic and secrets, held against the template, with sales at Stripe and without:
who publishes billing events, who may read which secret, and what is told to nobody who does not sell."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import get_args

import pytest

from onpaid.domain.billing import BillingType
from tests.requirements.template import FUNCTIONS, HERE, WHOLE, allowed, template

SALES = template(ProjectName="shop", Environment="staging", Sales="stripe")
NOTHING = template(ProjectName="shop", Environment="staging")
INVOICES = template(ProjectName="shop", Environment="staging", Invoicing="fiken")
PUBLISHED = (
    "payment.successful",
    "payment.failed",
    "payment.action_required",
    "subscription.created",
    "subscription.updated",
    "subscription.canceled",
    "subscription.expired",
)
"""The requirement names six events of Stripe's; the last of them becomes one of two."""
each_function = pytest.mark.parametrize("name", FUNCTIONS)


@each_function
def test_whoever_sells_is_told_the_topic_and_the_secrets(name: str) -> None:
    told = {variable: SALES.text(value) for variable, value in SALES.variables(name).items()}
    assert told["BILLING_EVENTS_TOPIC_ARN"] == "<BillingEventsTopic>"
    assert told["BILLING_EVENTS"] == "true"
    assert told["JWT_ACCESS_TOKEN_SECRET"] == "secretsmanager:shop-staging-jwt-access-token-secret"
    assert told["STRIPE_API_KEY"] == "secretsmanager:shop-staging-stripe-secret-key"
    assert told["STRIPE_WEBHOOK_SECRET"] == "secretsmanager:shop-staging-stripe-webhook-secret"
    assert not told["FIKEN_API_TOKEN"] + told["KONVERZKY_WEBHOOK_SECRET"]


@each_function
def test_whoever_does_not_sell_needs_none_of_it(name: str) -> None:
    for chosen in (NOTHING, INVOICES):
        told = {variable: chosen.text(value) for variable, value in chosen.variables(name).items()}
        assert not told["BILLING_EVENTS_TOPIC_ARN"] + told["BILLING_EVENTS"] + told["JWT_ACCESS_TOKEN_SECRET"]
    assert not NOTHING.text(NOTHING.variables(name)["STRIPE_API_KEY"])
    assert INVOICES.text(INVOICES.variables(name)["STRIPE_API_KEY"])


def test_only_work_publishes_to_the_topic_of_billing_events() -> None:
    publish = [
        name for name in FUNCTIONS if "<BillingEventsTopic>" in allowed(name, "sns").get("sns:Publish", ())
    ]
    assert publish == ["WorkFunction"]
    assert "<BillingEventsTopic>" in allowed("WebFunction", "sns")["sns:GetTopicAttributes"]


@each_function
def test_without_sales_nobody_may_publish_there(name: str) -> None:
    assert not [each for each in NOTHING.rights(name) if "<BillingEventsTopic>" in each.resources]


@each_function
def test_the_secret_of_tokens_may_be_read_by_its_name(name: str) -> None:
    arn = f"arn:aws:secretsmanager:{HERE}:secret:shop-staging-jwt-access-token-secret-AbCdEf"
    readable = allowed(name, "secretsmanager")["secretsmanager:GetSecretValue"]
    assert [each for each in readable if fnmatchcase(arn, each)]


def test_the_template_makes_no_secret_that_somebody_else_has() -> None:
    made = {WHOLE.text(each["Name"]) for each in WHOLE.of_kind("AWS::SecretsManager::Secret").values()}
    assert not [name for name in made if "stripe" in name or "jwt" in name]


def test_every_event_that_is_named_is_a_type_of_ours() -> None:
    assert set(PUBLISHED) <= set(get_args(BillingType))


def test_the_topic_is_encrypted_and_its_address_is_an_output() -> None:
    assert WHOLE.properties("BillingEventsTopic")["KmsMasterKeyId"] == "alias/aws/sns"
    assert WHOLE.text(WHOLE.told["Outputs"]["BillingEventsTopicArn"]["Value"]) == "<BillingEventsTopic>"
    assert "AlarmActions" not in json.dumps(WHOLE.properties("BillingEventsTopic"))
