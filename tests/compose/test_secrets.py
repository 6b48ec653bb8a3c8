"""Settings that say where their secret is kept: whole, as a list, or as a field of an object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from onpaid.errors import SettingsError
from onpaid.settings import Settings, load


class Kept:
    """A place where secrets are kept, and what it was asked for."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets
        self.asked: list[tuple[str, str]] = []

    def __call__(self, scheme: str, name: str) -> str:
        self.asked.append((scheme, name))
        if name not in self.secrets:
            raise SettingsError(f"{scheme}:{name} cannot be read: it is not there")
        return self.secrets[name]


def loaded(kept: Kept, **environment: str) -> Settings:
    return load(environment, fetch=kept)


# -- what a reference stands for ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "secret", "found"),
    [
        ("secretsmanager:one", "whsec_1", ("whsec_1",)),
        ("ssm:one", "whsec_new whsec_old", ("whsec_new", "whsec_old")),
        ("file:one", '["whsec_new", "whsec_old"]', ("whsec_new", "whsec_old")),
        ("secretsmanager:one", '{"only": "whsec_1"}', ("whsec_1",)),
        ("secretsmanager:one", '{"made": "2026-11-01", "key": "whsec_1"}', ("whsec_1",)),
        (
            "secretsmanager:one#webhook",
            '{"webhook": ["whsec_new", "whsec_old"], "x": 1}',
            ("whsec_new", "whsec_old"),
        ),
        ("secretsmanager:one", "{not json", ("{not", "json")),
    ],
    ids=[
        "plain",
        "several",
        "a list",
        "the only field",
        "the usual field",
        "a field",
        "a text that begins like an object",
    ],
)
def test_a_reference_is_replaced_by_what_is_kept_there(
    told: str, secret: str, found: tuple[str, ...]
) -> None:
    kept = Kept(one=secret)
    assert loaded(kept, STRIPE_WEBHOOK_SECRET=told)["STRIPE_WEBHOOK_SECRET"] == found
    assert kept.asked == [(told.partition(":")[0], "one")]


@pytest.mark.parametrize(
    ("told", "secret", "says"),
    [
        ("ssm:one", '{"a": "1", "b": "2"}', "name one of its fields behind #"),
        ("ssm:one#c", '{"a": "1", "b": "2"}', "name one of its fields behind #"),
        ("ssm:one#a", "plain", "is no object, so it has no field 'a'"),
        ("ssm:one#a", '{"a": 5}', "must be a text, or a list of texts"),
        ("ssm:one", '["a", 5]', "must be a text, or a list of texts"),
        ("ssm:two", "", "ssm:two cannot be read"),
    ],
)
def test_a_reference_that_leads_nowhere_names_its_setting(told: str, secret: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(Kept(one=secret), FIKEN_API_TOKEN=told)
    assert str(refused.value).startswith("FIKEN_API_TOKEN: ")
    assert says in str(refused.value)
    assert "plain" not in str(refused.value)


def test_what_is_no_secret_is_no_reference() -> None:
    kept = Kept()
    assert loaded(kept, JIRA_PROJECT="ssm:OPS")["JIRA_PROJECT"] == "ssm:OPS"
    assert loaded(kept, STRIPE_API_KEY="sk_test_1")["STRIPE_API_KEY"] == "sk_test_1"
    assert not kept.asked


def test_a_scheme_that_nobody_knows_is_a_secret_like_any_other() -> None:
    kept = Kept()
    assert loaded(kept, SMTP_PASSWORD="vault:one")["SMTP_PASSWORD"] == "vault:one"
    assert loaded(kept, SMTP_PASSWORD="file:")["SMTP_PASSWORD"] == "file:"
    assert not kept.asked


# -- one object for several settings -----------------------------------------------------------------------------

RAZORPAY = '{"key_id": "rzp_test_1", "key_secret": "its secret", "webhook_secret": ["new", "old"]}'
SHIPROCKET = '{"email": "api@shop.example", "password": "a password"}'


def test_one_object_fills_the_settings_of_a_service() -> None:
    found = loaded(Kept(test_secret=RAZORPAY), RAZORPAY_SECRET_NAME="test_secret")
    assert found["RAZORPAY_KEY_ID"] == "rzp_test_1"
    assert found["RAZORPAY_KEY_SECRET"] == "its secret"
    assert found["RAZORPAY_WEBHOOK_SECRET"] == ("new", "old")


def test_what_is_set_by_itself_goes_before_the_object() -> None:
    found = loaded(
        Kept(test_secret=RAZORPAY, own="another"),
        RAZORPAY_SECRET_NAME="file:test_secret",
        RAZORPAY_KEY_SECRET="file:own",
        RAZORPAY_WEBHOOK_SECRET="mine",
    )
    assert (found["RAZORPAY_KEY_ID"], found["RAZORPAY_KEY_SECRET"]) == ("rzp_test_1", "another")
    assert found["RAZORPAY_WEBHOOK_SECRET"] == ("mine",)


def test_an_object_need_not_fill_everything() -> None:
    found = loaded(Kept(s='{"key_secret": "its secret", "more": 1}'), RAZORPAY_SECRET_NAME="s")
    assert found.missing("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET") == ["RAZORPAY_KEY_ID"]


@pytest.mark.parametrize(
    ("more", "asked"),
    [
        ({}, []),
        ({"USE_AWS_SECRETS": "false"}, []),
        ({"USE_AWS_SECRETS": "yes"}, [("secretsmanager", "ship")]),
    ],
    ids=["unset", "no", "yes"],
)
def test_shiprockets_object_is_only_fetched_where_that_is_said(
    more: Mapping[str, str], asked: list[tuple[str, str]]
) -> None:
    kept = Kept(ship=SHIPROCKET)
    found = loaded(kept, SHIPROCKET_SECRET_NAME="ship", **more)
    assert kept.asked == asked
    assert (found["SHIPROCKET_PASSWORD"] == "a password") == bool(asked)


def test_a_place_that_is_named_needs_no_further_word() -> None:
    kept = Kept(ship=SHIPROCKET)
    assert loaded(kept, SHIPROCKET_SECRET_NAME="file:ship")["SHIPROCKET_EMAIL"] == "api@shop.example"


@pytest.mark.parametrize("secret", ["plain", "[]", '{"key_id": 5}'])
def test_an_object_of_another_shape_is_refused(secret: str) -> None:
    with pytest.raises(SettingsError, match=r"^RAZORPAY_SECRET_NAME: "):
        loaded(Kept(s=secret), RAZORPAY_SECRET_NAME="s")


# -- files -------------------------------------------------------------------------------------------------------


def test_a_mounted_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    place = tmp_path / "secret"
    place.write_text("whsec_new\nwhsec_old\n")
    assert load({"STRIPE_WEBHOOK_SECRET": f"file:{place}"})["STRIPE_WEBHOOK_SECRET"] == (
        "whsec_new",
        "whsec_old",
    )


def test_a_reference_may_stand_in_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a token")
    (tmp_path / "onpaid.toml").write_text(f'FIKEN_API_TOKEN = "file:{tmp_path / "secret"}"\n')
    assert load({}, tmp_path / "onpaid.toml")["FIKEN_API_TOKEN"] == "a token"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for name in ("nowhere", "binary", ""):
        with pytest.raises(SettingsError, match=f"^JIRA_API_TOKEN: {tmp_path / name} cannot be read"):
            load({"JIRA_API_TOKEN": f"file:{tmp_path / name}"})
