"""Stripe's key has several names, of itself and of the parameter that holds it, and one value."""

from __future__ import annotations

import pytest

from onpaid.errors import SettingsError
from onpaid.settings import Settings, load
from onpaid.settings_secrets import STRIPE_KEY, STRIPE_PARAMETERS
from tests.compose.test_secrets import Kept

KEY, OTHER = "sk_test_one", "sk_test_another"


def loaded(kept: Kept | None = None, **environment: str) -> Settings:
    return load(environment, fetch=kept or Kept())


@pytest.mark.parametrize("name", STRIPE_KEY)
@pytest.mark.parametrize("kept", [KEY, f'{{"key": "{KEY}"}}'])
def test_any_name_fills_the_key(name: str, kept: str) -> None:
    assert loaded(**{name: f" {KEY} "})["STRIPE_API_KEY"] == KEY  # type: ignore[arg-type]
    place = Kept(**{"shop-dev-stripe-secret-key": kept})
    found = loaded(place, **{name: "secretsmanager:shop-dev-stripe-secret-key"})
    assert found["STRIPE_API_KEY"] == KEY


@pytest.mark.parametrize("name", STRIPE_PARAMETERS)
@pytest.mark.parametrize("kept", [KEY, f'{{"key": "{KEY}"}}'])
@pytest.mark.parametrize("told", ["/shop/stripe/secret", "ssm:/shop/stripe/secret"])
def test_a_parameters_name_fills_the_key(name: str, kept: str, told: str) -> None:
    place = Kept(**{"/shop/stripe/secret": kept})
    assert loaded(place, **{name: told})["STRIPE_API_KEY"] == KEY
    assert place.asked == [("ssm", "/shop/stripe/secret")]


def test_a_parameter_may_be_a_field_of_an_object() -> None:
    place = Kept(**{"/shop/stripe": f'{{"secret": "{KEY}", "webhook": "whsec_1"}}'})
    assert loaded(place, STRIPE_SECRET_PARAMETER="/shop/stripe#secret")["STRIPE_API_KEY"] == KEY


def test_names_that_agree_are_one_key() -> None:
    place = Kept(**{"/shop/stripe/secret": KEY})
    names = dict.fromkeys(STRIPE_KEY, KEY)
    assert loaded(place, **names, STRIPE_SECRET_PARAMETER="/shop/stripe/secret")["STRIPE_API_KEY"] == KEY


@pytest.mark.parametrize("first", STRIPE_KEY)
@pytest.mark.parametrize("second", [*STRIPE_KEY, *STRIPE_PARAMETERS])
def test_two_that_differ_are_refused_without_showing_them(first: str, second: str) -> None:
    if first == second:
        return
    place = Kept(**{OTHER: OTHER})
    with pytest.raises(SettingsError) as told:
        loaded(place, **{first: KEY, second: OTHER})
    assert first in str(told.value)
    assert second in str(told.value)
    assert KEY not in str(told.value)
    assert OTHER not in str(told.value)


def test_a_parameter_that_is_not_there_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="STRIPE_SECRET_PARAMETER"):
        loaded(STRIPE_SECRET_PARAMETER="/shop/stripe/secret")


def test_without_any_of_them_there_is_no_key() -> None:
    assert loaded(STRIPE_SECRET="")["STRIPE_API_KEY"] is None
