"""The table of message templates: ours, a business's own, and what is wrong with one."""

from __future__ import annotations

import pytest

from onpaid.domain.messages import Parameter
from onpaid.domain.templates import NAMES, WORDS, Templates
from onpaid.errors import SettingsError

VALUES = {word: f"<{word}>" for word in WORDS}
OWN = """
[order_confirmation]
template = "HX11111111111111111111111111111111"
language = "hi"
parameters = [["1", "customer_name"], ["2", "order_number"]]
url_suffix = "track_path"
"""


def test_the_default_says_what_a_customer_must_know() -> None:
    confirmation = Templates().fill("order_confirmation", "onpaid:shop/1:x", "+919876543210", VALUES)
    assert (confirmation.ref, confirmation.to, confirmation.template, confirmation.language) == (
        "onpaid:shop/1:x",
        "+919876543210",
        "order_confirmation",
        "en",
    )
    assert [each.name for each in confirmation.parameters] == [
        "orderNumber",
        "orderAmount",
        "estimatedDelivery",
        "trackingUrl",
    ]
    created = Templates().fill("shipment_created", "r", "+919876543210", VALUES)
    assert created.parameters == (
        Parameter("orderNumber", "<order_number>"),
        Parameter("awb", "<awb>"),
        Parameter("courierName", "<courier>"),
        Parameter("trackingLink", "<track_url>"),
    )
    assert created.url_suffix == ""


def test_a_table_of_ones_own_replaces_a_message_and_leaves_the_others() -> None:
    table = Templates.from_toml(OWN, "own.toml")
    message = table.fill("order_confirmation", "r", "+919876543210", VALUES)
    assert (message.template, message.language, message.url_suffix) == (
        "HX11111111111111111111111111111111",
        "hi",
        "<track_path>",
    )
    assert [each.value for each in message.parameters] == ["<customer_name>", "<order_number>"]
    assert table.fill("shipment_created", "r", "x", VALUES) == Templates().fill(
        "shipment_created", "r", "x", VALUES
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[order_confirmation", "own.toml is not TOML"),
        ("[order_confirmation]\nparameters = []\n", "own.toml does not fit: .*`template`"),
        ('[order_confirmation]\ntemplate = "x"\nparameters = [["a"]]\n', "own.toml does not fit"),
        ('[order_confirmation]\ntemplate = "x"\nparameters = []\nlanguages = "en"\n', "languages"),
        ('[order_shipped]\ntemplate = "x"\nparameters = []\n', r"\[order_shipped\] is no message of ours"),
        (
            '[shipment_created]\ntemplate = "x"\nparameters = [["1", "price"]]\n',
            r"\[shipment_created\] uses 'price', which is none of order_number, ",
        ),
        (
            '[shipment_created]\ntemplate = "x"\nparameters = []\nurl_suffix = "awbs"\n',
            r"\[shipment_created\] uses 'awbs'",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_its_file_and_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says) as refused:
        Templates.from_toml(text, "own.toml")
    assert "own.toml" in str(refused.value)


def test_a_table_without_one_of_our_messages_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"there is no \[order_confirmation\]"):
        Templates({}, "a table")
    assert len(NAMES) == 2
