"""What the requirements say about rights and secrets, held against the template: what a function may read, where its
secrets are named, and that none of their values stands anywhere."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest

from onpaid.settings import BY_NAME
from tests.requirements.template import FUNCTIONS, HERE, WHOLE, allowed

each_function = pytest.mark.parametrize("name", FUNCTIONS)


@each_function
def test_secrets_are_read_by_their_names_only(name: str) -> None:
    on = allowed(name, "secretsmanager")
    assert set(on) == {"secretsmanager:GetSecretValue"}
    names = re.compile(rf"arn:aws:secretsmanager:{HERE}:secret:shop-staging-[a-z-]+-\?{{6}}")
    assert not [each for each in on["secretsmanager:GetSecretValue"] if not names.fullmatch(each)]


@each_function
def test_every_secret_that_a_function_is_told_may_be_read_by_it(name: str) -> None:
    readable = allowed(name, "secretsmanager")["secretsmanager:GetSecretValue"]
    for value in WHOLE.variables(name).values():
        scheme, _, kept = WHOLE.text(WHOLE.chosen(value)).partition(":")
        if scheme == "secretsmanager":
            secret = WHOLE.text(WHOLE.properties(kept[1:-1])["Name"]) if kept.startswith("<") else kept
            arn = f"arn:aws:secretsmanager:{HERE}:secret:{secret}-AbCdEf"
            assert any(fnmatchcase(arn, each) for each in readable), secret


@each_function
def test_parameters_are_read_below_the_projects_path_only(name: str) -> None:
    assert allowed(name, "ssm") == {"ssm:GetParameter": {f"arn:aws:ssm:{HERE}:parameter/shop/staging/*"}}
    assert WHOLE.text(WHOLE.variables(name)["ONPAID_SETTINGS"]) == "ssm:/shop/staging/settings"


@each_function
def test_functions_write_their_own_log(name: str) -> None:
    group = WHOLE.function(name)["LoggingConfig"]["LogGroup"]["Ref"]
    own = {f"<{group}.Arn>"}
    assert allowed(name, "logs") == {"logs:CreateLogStream": own, "logs:PutLogEvents": own}


@each_function
def test_nothing_is_allowed_on_everything_but_traces(name: str) -> None:
    wide = {action for each in WHOLE.rights(name) if "*" in each.resources for action in each.actions}
    assert wide <= {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}


@each_function
def test_no_secret_stands_in_an_environment(name: str) -> None:
    told = {
        variable: WHOLE.text(value)
        for variable, value in WHOLE.variables(name).items()
        if BY_NAME[variable].secret and WHOLE.text(value)
    }
    assert told
    assert not [
        variable for variable, text in told.items() if not text.startswith(("secretsmanager:", "ssm:"))
    ]


@each_function
def test_every_variable_is_a_setting(name: str) -> None:
    assert not set(WHOLE.variables(name)) - set(BY_NAME)


def test_secrets_have_the_documented_names() -> None:
    told = {name: WHOLE.text(value) for name, value in WHOLE.variables("WorkFunction").items()}
    assert told["STRIPE_API_KEY"] == "secretsmanager:shop-staging-stripe-secret-key"
    assert told["STRIPE_WEBHOOK_SECRET"] == "secretsmanager:shop-staging-stripe-webhook-secret"
    assert told["JWT_ACCESS_TOKEN_SECRET"] == "secretsmanager:shop-staging-jwt-access-token-secret"
    assert told["RAZORPAY_SECRET_NAME"] == "secretsmanager:shop-staging-razorpay"
    assert told["SHIPROCKET_SECRET_NAME"] == "secretsmanager:shop-staging-shiprocket"
    assert told["USE_AWS_SECRETS"] == "true"
