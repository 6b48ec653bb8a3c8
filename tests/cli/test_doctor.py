"""The doctor's rules, one by one."""

from __future__ import annotations

from datetime import date

import pytest

from onpaid.app.doctor import about_clock, about_provider, about_settings, about_vat
from onpaid.clock import SystemClock
from onpaid.domain.vat import VatTable
from onpaid.settings import Settings

WHOLE = {
    "STRIPE_API_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
    "KONVERZKY_WEBHOOK_SECRET": "a-long-enough-secret",
    "KONVERZKY_PRICES_INCLUDE_VAT": "true",
    "FIKEN_API_TOKEN": "x",
    "FIKEN_COMPANY_SLUG": "shop",
    "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "1920:10001",
    "ONPAID_ADMIN_TOKEN": "an-admin-token-that-is-long",
    "ONPAID_VIEWER_TOKEN": "a-viewer-token-that-is-long",
    "ONPAID_SESSION_SECRET": "a-session-secret-that-is-long",
    "ONPAID_PUBLIC_URL": "https://pay.example.org",
}


def told(*, live: bool = False, **changes: str) -> list[tuple[str, bool]]:
    return [(each.says, each.wrong) for each in about_settings(Settings({**WHOLE, **changes}), live=live)]


def test_whole_settings_leave_nothing_to_say() -> None:
    assert told() == []


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_each_missing_setting_is_named_with_what_follows(name: str) -> None:
    ((says, wrong),) = told(**{name: ""})
    assert says.startswith(f"{name} is not set: ")
    assert wrong == (
        name
        not in (
            "KONVERZKY_PRICES_INCLUDE_VAT",
            "ONPAID_VIEWER_TOKEN",
            "ONPAID_SESSION_SECRET",
            "ONPAID_PUBLIC_URL",
        )
    )


def test_weak_and_equal_tokens_are_wrong() -> None:
    assert told(ONPAID_ADMIN_TOKEN="short")[0][1]
    same = told(ONPAID_VIEWER_TOKEN=WHOLE["ONPAID_ADMIN_TOKEN"])
    assert "the same as ONPAID_ADMIN_TOKEN" in same[0][0]


@pytest.mark.parametrize("changes", [{"ONPAID_TIME_FACTOR": "40"}, {"ONPAID_LIFT_LANES": "true"}])
def test_what_is_for_demonstrations_is_wrong_with_real_money(changes: dict[str, str]) -> None:
    assert told(live=True, **changes)[0][1] is True
    assert told(live=False, **changes)[0][1] is False


def test_an_open_address_is_noted() -> None:
    ((says, wrong),) = told(ONPAID_HOST="0.0.0.0")
    assert ("TLS" in says, wrong) == (True, False)


def test_a_vat_table_needs_a_signature() -> None:
    assert about_vat(VatTable(rules=()))[0].wrong
    rules = VatTable.from_toml(
        '[[rule]]\ncountry = "NO"\nvat_percent = 25\nvalid_from = 2022-01-01\nvat_type = "HIGH"\nincome_account = "3000"\n'
    )
    assert about_vat(rules)[0].wrong
    signed = VatTable(rules.rules, "Kari", date(2026, 1, 31))
    assert not about_vat(signed)[0].wrong


def test_a_clock_that_went_back_is_noticed() -> None:
    now = SystemClock().now()
    assert about_clock(now, None) == []
    assert about_clock(now, now + 60_000) == []
    assert "went back" in about_clock(now, now + 3_600_000)[0].says
    assert "set it" in about_clock(0, None)[0].says


def test_a_providers_warning_is_no_obstacle() -> None:
    warning, wrong = about_provider(["Fiken: a test company (a warning).", "Fiken: no number series."])
    assert (warning.wrong, wrong.wrong) == (False, True)
