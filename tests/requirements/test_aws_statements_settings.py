"""The names that the requirements give to settings and secrets are honoured, with their defaults, and secrets are read
in both forms that are documented."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onpaid.repositories.documented import not_written
from onpaid.settings import BY_NAME, Settings
from onpaid.settings_secrets import resolved

HONOURED = (
    "DDB_TABLE",
    "STRIPE_RETRY_QUEUE_URL",
    "FIKEN_BANK_ACCOUNT_CODE",
    "FIKEN_PAYMENT_ACCOUNT",
    "FIKEN_COMPANY_SLUG",
    "FIKEN_API_TOKEN",
    "STRIPE_API_KEY",
    "RAZORPAY_SECRET_NAME",
    "ORDERS_TABLE_NAME",
    "PAYMENTS_TABLE_NAME",
    "PRODUCTS_TABLE_NAME",
    "SELLERS_TABLE_NAME",
    "CUSTOMERS_TABLE_NAME",
    "ADDRESSES_TABLE_NAME",
    "SHIPMENTS_TABLE_NAME",
    "USE_AWS_SECRETS",
    "SHIPROCKET_SECRET_NAME",
    "SHIPROCKET_DRY_RUN",
    "SHIPROCKET_PICKUP_LOCATION",
    "SHIPROCKET_CHANNEL_ID",
    "SHIPROCKET_PICKUP_TIME",
    "WHATSAPP_API_KEY",
    "WHATSAPP_SENDER_ID",
    "COMMERCE_TABLE",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_CUSTOMERS_TABLE",
    "WEBHOOK_IDEMPOTENCY_TABLE",
    "STRIPE_SECRET",
    "STRIPE_SECRET_PARAMETER",
    "SYNC_LOOKBACK_HOURS",
    "SYNC_MAX_SESSIONS",
    "SYNC_DRY_RUN",
    "STRIPE_SECRET_KEY",
    "BILLING_EVENTS_TOPIC_ARN",
    "JWT_ACCESS_TOKEN_SECRET",
)
"""Names of the requirements that mean something here today."""


TAKEN = ("PRODUCTS_TABLE", "PRICES_TABLE")
"""Tables of other services: settings, and without effect."""


@pytest.mark.parametrize("name", HONOURED)
def test_every_name_is_a_setting(name: str) -> None:
    assert BY_NAME[name].name == name


@pytest.mark.parametrize("name", TAKEN)
def test_a_table_of_another_service_is_taken_and_said_to_be_without_effect(name: str) -> None:
    assert set(not_written(Settings({name: "somebodys-table"}))) == {name}


def test_the_retry_delay_is_thirty_seconds() -> None:
    assert Settings({})["STRIPE_RETRY_DELAY_SECONDS"] == timedelta(seconds=30)
    assert Settings({"STRIPE_RETRY_DELAY_SECONDS": "45"})["STRIPE_RETRY_DELAY_SECONDS"] == timedelta(
        seconds=45
    )


def test_parcels_are_only_logged_unless_said_otherwise() -> None:
    assert Settings({})["SHIPROCKET_DRY_RUN"] is True
    assert Settings({"SHIPROCKET_DRY_RUN": "false"})["SHIPROCKET_DRY_RUN"] is False


@pytest.mark.parametrize("name", ["FIKEN_API_TOKEN", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"])
@pytest.mark.parametrize("kept", ["sk_test_1", '{"key": "sk_test_1"}'])
def test_a_secret_is_plain_or_an_object_with_one_field(name: str, kept: str) -> None:
    asked: list[tuple[str, str]] = []

    def fetch(scheme: str, place: str) -> str:
        asked.append((scheme, place))
        return kept

    found = resolved({name: "secretsmanager:shop-dev-stripe-secret-key"}, [name], fetch)
    assert found == {name: "sk_test_1"}
    assert asked == [("secretsmanager", "shop-dev-stripe-secret-key")]


def test_a_parameters_name_is_a_reference_too() -> None:
    found = resolved(
        {"STRIPE_API_KEY": "ssm:/shop/stripe/secret"},
        ["STRIPE_API_KEY"],
        lambda scheme, place: f"{scheme} {place}",
    )
    assert found == {"STRIPE_API_KEY": "ssm /shop/stripe/secret"}
