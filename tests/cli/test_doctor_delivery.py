"""The doctor's rules of the story of delivery, one by one."""

from __future__ import annotations

import pytest

from onpaid.app.doctor import about_settings
from onpaid.app.doctor_delivery import DISLIKED, MESSAGING, about_delivery
from onpaid.app.meant import stories
from onpaid.compose_messages import NEEDS
from onpaid.settings import Settings
from tests.cli.test_doctor import WHOLE

DELIVERS = {
    "RAZORPAY_KEY_ID": "rzp_test_x",
    "RAZORPAY_KEY_SECRET": "x",
    "RAZORPAY_WEBHOOK_SECRET": "x",
    "CHECKOUT_ORIGINS": "https://shop.example",
    "SHIPROCKET_EMAIL": "api@shop.example",
    "SHIPROCKET_PASSWORD": "x",
    "SHIPROCKET_WEBHOOK_TOKEN": "a-tracking-token-that-is-long",
    "SHIPROCKET_DRY_RUN": "false",
    "SHIPROCKET_API_BASE": "http://127.0.0.1:9/shiprocket",
    "PARCEL_DEFAULT": "30x20x5 0.5",
    "WHATSAPP_PROVIDER": "meta",
    "WHATSAPP_API_KEY": "x",
    "WHATSAPP_SENDER_ID": "106540352242922",
    "WHATSAPP_APP_SECRET": "x",
    "WHATSAPP_VERIFY_TOKEN": "x",
    "WATI_API_BASE": "https://live-mt-server.wati.io/12345",
    "ALERT_EMAIL": "ops@shop.example",
    "ALERT_TOPIC_ARN": "arn:aws:sns:ap-south-1:1:alerts",
    "SMTP_HOST": "mail.shop.example",
    "SMTP_FROM": "onpaid@shop.example",
    **{name: WHOLE[name] for name in WHOLE if name.startswith("ONPAID_")},
}


def of_delivery(*, live: bool = False, **changes: str) -> list[tuple[str, bool]]:
    settings = Settings({**DELIVERS, **changes})
    found = about_settings(settings, live=live) + about_delivery(settings, live=live)
    return [(each.says, each.wrong) for each in found]


def addresses(told: list[tuple[str, bool]]) -> list[str]:
    """What is to be entered somewhere."""
    return [says for says, wrong in told if says.startswith("Enter at ") and not wrong]


def the_one(told: list[tuple[str, bool]]) -> tuple[str, bool]:
    """The one thing that is said beside the addresses."""
    (found,) = [each for each in told if each[0] not in addresses(told)]
    return found


def test_a_story_is_looked_at_if_anything_of_it_is_set() -> None:
    assert stories(Settings(WHOLE)) == (True, False, False)
    assert stories(Settings(DELIVERS)) == (False, True, False)
    assert stories(Settings({**WHOLE, **DELIVERS})) == (True, True, False)
    assert stories(Settings({"SHIPROCKET_EMAIL": "api@shop.example"})) == (False, True, False)
    assert stories(Settings({"WHATSAPP_PROVIDER": "wati"})) == (False, True, False)
    assert not [says for says, _ in of_delivery() if "STRIPE" in says or "FIKEN" in says]


def test_where_no_story_is_set_up_all_are_told_with_what_they_need() -> None:
    settings = Settings({name: WHOLE[name] for name in WHOLE if name.startswith("ONPAID_")})
    (nothing, invoices, delivery, sales) = about_settings(settings, live=False)
    assert ("Nothing is set up" in nothing.says, nothing.wrong) == (True, True)
    assert ("FIKEN_API_TOKEN" in invoices.says, invoices.wrong) == (True, False)
    assert ("RAZORPAY_KEY_ID, RAZORPAY_KEY_SECRET" in delivery.says, delivery.wrong) == (True, False)
    assert ("JWT_ACCESS_TOKEN_SECRET" in sales.says, sales.wrong) == (True, False)


def test_whole_settings_of_delivery_leave_only_addresses_to_be_entered() -> None:
    told = of_delivery()
    assert addresses(told) == [says for says, _ in told]
    assert [says.split(": ")[1].split(",")[0].rstrip(".") for says in addresses(told)] == [
        "https://pay.example.org/webhooks/razorpay",
        "https://pay.example.org/webhooks/tracking",
        "https://pay.example.org/webhooks/whatsapp",
    ]
    assert "payment.captured, order.paid" in addresses(told)[0]


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("RAZORPAY_KEY_ID", True),
        ("RAZORPAY_KEY_SECRET", True),
        ("RAZORPAY_WEBHOOK_SECRET", True),
        ("SHIPROCKET_EMAIL", True),
        ("SHIPROCKET_PASSWORD", True),
        ("SHIPROCKET_WEBHOOK_TOKEN", True),
        ("WHATSAPP_API_KEY", True),
        ("WHATSAPP_SENDER_ID", True),
        ("WHATSAPP_APP_SECRET", True),
        ("WHATSAPP_VERIFY_TOKEN", True),
        ("ONPAID_PUBLIC_URL", True),
        ("ONPAID_ADMIN_TOKEN", True),
        ("CHECKOUT_ORIGINS", False),
        ("PARCEL_DEFAULT", False),
    ],
)
def test_each_missing_setting_of_delivery_is_named(name: str, wrong: bool) -> None:
    says, told_wrong = the_one(of_delivery(**{name: ""}))
    assert (name in says, "not set: " in says, told_wrong) == (True, True, wrong)


@pytest.mark.parametrize(
    ("changes", "says", "wrong"),
    [
        ({"SHIPROCKET_DRY_RUN": "true"}, "parcels are only logged", False),
        ({"SHIPROCKET_PICKUP_TIME": "10:00-18:00"}, "no time of day", False),
        ({"SHIPROCKET_API_BASE": ""}, "test orders book real parcels", False),
        ({"WHATSAPP_PROVIDER": "none"}, "messages are only logged. WHATSAPP_API_KEY is set", False),
        ({"WHATSAPP_PROVIDER": "none", "WHATSAPP_API_KEY": ""}, "messages are only logged.", False),
        ({"RAZORPAY_KEY_ID": "a-secret"}, "looks like rzp_test_", True),
        ({"ONPAID_PUBLIC_URL": "http://pay.example.org"}, "only call https", False),
        ({"ONPAID_PUBLIC_URL": "https://razorpay.shop.example"}, "holds “razorpay”", True),
        ({"ONPAID_LINK_SECRET": "a-link-secret-that-is-long short"}, "ONPAID_LINK_SECRET is short", True),
        (
            {"JIRA_BASE_URL": "https://shop.atlassian.net"},
            "JIRA_EMAIL, JIRA_API_TOKEN, JIRA_PROJECT not",
            True,
        ),
        ({"JIRA_PROJECT": "OPS"}, "JIRA_BASE_URL, JIRA_EMAIL, JIRA_API_TOKEN not", True),
        ({"SMTP_HOST": ""}, "ALERT_EMAIL is set, and SMTP_HOST not", True),
        ({"ALERT_EMAIL": ""}, "SMTP_HOST is set, and ALERT_EMAIL not", False),
        ({"ALERT_EMAIL": "", "SMTP_HOST": "", "ALERT_TOPIC_ARN": ""}, "nobody is woken", False),
    ],
)
def test_what_cannot_be_meant_is_said(changes: dict[str, str], says: str, wrong: bool) -> None:
    told, told_wrong = the_one(of_delivery(**changes))
    assert (says in told, told_wrong) == (True, wrong), told


def test_a_dry_run_needs_no_account_and_is_wrong_where_money_is_real() -> None:
    bare = dict.fromkeys(("SHIPROCKET_EMAIL", "SHIPROCKET_PASSWORD", "SHIPROCKET_WEBHOOK_TOKEN"), "")
    told = of_delivery(SHIPROCKET_DRY_RUN="true", **bare)
    assert not any(wrong for _, wrong in told)
    assert any("before you go live" in says for says, _ in told)
    live = of_delivery(live=True, RAZORPAY_KEY_ID="rzp_live_x", SHIPROCKET_DRY_RUN="true")
    assert [says for says, wrong in live if wrong] == [
        "RAZORPAY_KEY_ID is live: customers pay and get no parcel. Set SHIPROCKET_DRY_RUN to false."
    ]


def test_a_secret_by_name_is_only_looked_at_where_that_is_said() -> None:
    told = of_delivery(SHIPROCKET_PASSWORD="", SHIPROCKET_SECRET_NAME="credentials")
    assert ("SHIPROCKET_SECRET_NAME is only looked at where USE_AWS_SECRETS is true.", True) in told


@pytest.mark.parametrize("service", sorted(MESSAGING))
def test_each_message_service_is_told_what_it_lacks(service: str) -> None:
    assert tuple(MESSAGING[service]) == NEEDS[service], "what is told is what is needed"
    given = dict.fromkeys(
        ("WHATSAPP_API_KEY", "WHATSAPP_SENDER_ID", "WHATSAPP_APP_SECRET", "WATI_API_BASE"), ""
    )
    told = of_delivery(WHATSAPP_PROVIDER=service, ONPAID_PUBLIC_URL="", **given)
    wrong = " ".join(says for says, is_wrong in told if is_wrong)
    assert all(name in wrong for name in MESSAGING[service])
    named = {
        "msg91": "WHATSAPP_WEBHOOK_TOKEN",
        "wati": "WHATSAPP_WEBHOOK_TOKEN",
        "twilio": "WHATSAPP_TEMPLATES",
    }
    assert named.get(service, "") in wrong
    entered = [says for says in addresses(told) if f"/webhooks/{service}/<WHATSAPP_WEBHOOK_TOKEN>" in says]
    assert bool(entered) == (service in ("msg91", "wati"))


@pytest.mark.parametrize("word", DISLIKED)
def test_an_address_that_shiprocket_would_not_take_is_seen(word: str) -> None:
    says, wrong = the_one(of_delivery(ONPAID_PUBLIC_URL=f"https://{word.upper()}aft.example"))
    assert ("Shiprocket takes no webhook" in says, wrong) == (True, False)


def test_no_secret_is_in_any_sentence() -> None:
    canaries = {
        name: f"canary-{name.lower()}-4711"
        for name in DELIVERS
        if "SECRET" in name or "PASS" in name or "KEY" in name
    }
    told = of_delivery(**canaries, WHATSAPP_PROVIDER="msg91", WHATSAPP_WEBHOOK_TOKEN="canary-token")
    assert "canary" not in " ".join(says for says, _ in told)
