"""The doctor's rules of sales at Stripe, one by one: tokens, their keys, and where users return to."""

from __future__ import annotations

import asyncio

import pytest

from onpaid.app.doctor import about_endpoints, about_settings, about_tables
from onpaid.app.doctor_sales import about_keys, about_sales
from onpaid.app.meant import sells, stories
from onpaid.app.tokens import Tokens, token_rules
from onpaid.clock import SystemClock
from onpaid.domain.reconciliation import Finding as Fault
from onpaid.errors import SettingsError, Unavailable
from onpaid.settings import Settings
from tests.app.forged_tokens import SECRET, ec_key, jwk, key_set, our_keys, public_pem, rsa_key
from tests.cli.test_doctor import WHOLE as SHOP

SERVED = {name: value for name, value in SHOP.items() if name.startswith("ONPAID_")}
WHOLE = {
    "STRIPE_API_KEY": "sk_test_x",
    "JWT_ACCESS_TOKEN_SECRET": SECRET,
    "JWT_AUDIENCE": "https://pay.example",
    "JWT_ISSUER": "https://accounts.example",
    "CHECKOUT_RETURN_ORIGINS": "https://shop.example",
    "CHECKOUT_ORIGINS": "https://shop.example",
}


def told(*, live: bool = True, **changes: str) -> list[tuple[str, bool]]:
    return [(each.says, each.wrong) for each in about_sales(Settings({**WHOLE, **changes}), live=live)]


def the_one(found: list[tuple[str, bool]]) -> tuple[str, bool]:
    (one,) = found
    return one


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JWT_JWKS", "keys.json"),
        ("BILLING_EVENTS", "true"),
        ("CHECKOUT_RETURN_ORIGINS", "https://shop.example"),
        ("JWT_ACCESS_TOKEN_SECRET", SECRET),
        ("BILLING_EVENTS_TOPIC_ARN", "arn:aws:sns:eu-north-1:1:billing"),
    ],
)
def test_the_story_is_looked_at_if_anything_of_it_is_set(name: str, value: str) -> None:
    assert sells(Settings({name: value}))


def test_nothing_is_said_of_what_is_set_up_whole() -> None:
    assert not sells(Settings({"STRIPE_API_KEY": "sk_test_x", "CHECKOUT_ORIGINS": "https://shop.example"}))
    assert told() == []


@pytest.mark.parametrize(
    ("changes", "words", "wrong"),
    [
        ({"CHECKOUT_RETURN_ORIGINS": ""}, "CHECKOUT_RETURN_ORIGINS", True),
        ({"CHECKOUT_RETURN_ORIGINS": "http://shop.example"}, "https", True),
        ({"CHECKOUT_ORIGINS": ""}, "CHECKOUT_ORIGINS", False),
        ({"JWT_ACCESS_TOKEN_SECRET": ""}, "Neither", True),
        ({"JWT_ACCESS_TOKEN_SECRET": "", "CHECKOUT_RETURN_ORIGINS": ""}, "Neither", False),
        ({"JWT_ACCESS_TOKEN_SECRET": f"{SECRET} short"}, "32 bytes", True),
        ({"JWT_ACCESS_TOKEN_SECRET": public_pem(rsa_key())}, "PEM", True),
        ({"JWT_AUDIENCE": ""}, "JWT_AUDIENCE", True),
        ({"JWT_ISSUER": ""}, "JWT_ISSUER", True),
        ({"ONPAID_ADMIN_TOKEN": SECRET}, "another secret", True),
    ],
)
def test_what_is_missing_or_weak_is_told(changes: dict[str, str], words: str, wrong: bool) -> None:
    says, is_wrong = the_one(told(**changes))
    assert words in says
    assert is_wrong is wrong
    assert SECRET not in says


@pytest.mark.parametrize("name", ["JWT_AUDIENCE", "JWT_ISSUER"])
def test_with_test_keys_it_is_only_a_word_of_warning(name: str) -> None:
    assert the_one(told(live=False, **{name: ""}))[1] is False  # type: ignore[arg-type]
    assert the_one(told(live=False, JWT_ACCESS_TOKEN_SECRET="short"))[1] is False


@pytest.mark.parametrize(
    "changes", [{"JWT_AUDIENCE": ""}, {"JWT_ISSUER": ""}, {"JWT_ACCESS_TOKEN_SECRET": "short"}]
)
def test_what_the_doctor_calls_wrong_does_not_start(changes: dict[str, str]) -> None:
    assert the_one(told(**changes))[1] is True
    with pytest.raises(SettingsError):
        Tokens(token_rules(Settings({**WHOLE, **changes}), live=True), SystemClock())


def set_so(**changes: str) -> Settings:
    return Settings({**WHOLE, **SERVED, "STRIPE_WEBHOOK_SECRET": "whsec_x", **changes})


def test_stripes_keys_beside_sales_do_not_ask_for_accounts_or_a_shop() -> None:
    assert stories(set_so()) == (False, False, True)
    assert about_settings(set_so(), live=True) == []
    assert stories(set_so(FIKEN_API_TOKEN="x")) == (True, False, True)
    asked = [each.says.split()[0] for each in about_settings(set_so(FIKEN_API_TOKEN="x"), live=True)]
    assert asked == ["FIKEN_COMPANY_SLUG", "FIKEN_BANK_ACCOUNT_CODE", "FIKEN_PAYMENT_ACCOUNT"]


@pytest.mark.parametrize("name", ["STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "ONPAID_PUBLIC_URL"])
def test_what_sales_need_is_asked_for_once(name: str) -> None:
    (asked,) = about_settings(set_so(**{name: ""}), live=True)
    assert asked.says.startswith(f"{name} is not set: ")
    assert asked.wrong is name.startswith("STRIPE")


def test_tables_that_nobody_writes_are_told() -> None:
    named = {"COMMERCE_TABLE": "shop", "PRICES_TABLE": "prices"}
    (prices,) = about_tables(Settings({"ONPAID_DATABASE": "dynamodb://onpaid", **named}))
    assert (prices.says.startswith("PRICES_TABLE is set, and nothing"), prices.wrong) == (True, False)
    of_a_file = about_tables(Settings(named))
    assert ["the database is a file" in each.says for each in of_a_file] == [True, True]
    assert about_tables(Settings({})) == []


def test_endpoints_are_wrong_unless_there_is_none_and_nobody_pays() -> None:
    none, off = (
        Fault("endpoint missing", "x", "No endpoint."),
        Fault("endpoint disabled", "we_1", "It is off."),
    )
    assert [each.wrong for each in about_endpoints([none, off], live=False)] == [False, True]
    assert [each.wrong for each in about_endpoints([none, off], live=True)] == [True, True]


def test_the_keys_are_read_and_counted() -> None:
    async def whole() -> bytes:
        return our_keys()

    async def none() -> bytes:
        return key_set(jwk(ec_key("p384"), "p384"))

    async def away() -> bytes:
        raise Unavailable("the file cannot be read")

    (found,) = asyncio.run(about_keys(whole))
    assert (found.says, found.wrong) == ("JWT_JWKS can be read; its keys: 1 of RS256 and 1 of ES256.", False)
    for read in (none, away):
        (found,) = asyncio.run(about_keys(read))
        assert found.wrong
