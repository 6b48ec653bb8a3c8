"""Messages as they go out, and clients and webhook sources to try them with. All numbers are made up."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from onpaid.domain.messages import OutMessage, Parameter, Sent
from onpaid.providers import meta, msg91, twilio, wati
from tests.providers.samples import NOW

NUMBER = "+919876543210"
MESSAGE = OutMessage(
    ref="onpaid:shop/2045861230417:order_confirmation",
    to=NUMBER,
    template="order_confirmation",
    language="en",
    parameters=(
        Parameter("orderNumber", "2045861230417"),
        Parameter("orderAmount", "INR 1,499.50"),
        Parameter("estimatedDelivery", "3-5\tbusiness\n\ndays"),
        Parameter("trackingUrl", "https://shop.example/track/AbC-123"),
    ),
)
"""One of its values is not fit to be sent as it is."""
VALUES = ["2045861230417", "INR 1,499.50", "3-5 business days", "https://shop.example/track/AbC-123"]
CONTENT = "HX" + "1" * 32
CALLBACK = "https://shop.example/webhooks/twilio"
PATH_TOKENS = {"msg91": "msg91_path_token_simulated", "wati": "wati_path_token_simulated"}


class Clock:
    """It stands still."""

    def __init__(self, at: int = NOW) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("clients do not sleep")


class Heard:
    """What statuses have told."""

    def __init__(self, told: Mapping[str, Sent] | None = None) -> None:
        self.told = dict(told or {})

    async def __call__(self, ref: str) -> Sent | None:
        return self.told.get(ref)


def make_meta(base: str, heard: Heard | None = None, **changes: Any) -> meta.Meta:
    given = {"access_token": "meta_simulated", "phone_number_id": "106540352242922", "api_base": base}
    return meta.Meta(meta.Settings(**{**given, **changes}), heard or Heard())


def make_twilio(base: str, heard: Heard | None = None, at: int = NOW, **changes: Any) -> twilio.Twilio:
    given = {
        "account_sid": "AC" + "0" * 32,
        "auth_token": "twilio_simulated",
        "sender": "whatsapp:+14155238886",
        "status_callback": CALLBACK,
        "api_base": base,
    }
    return twilio.Twilio(twilio.Settings(**{**given, **changes}), heard or Heard(), Clock(at))


def make_msg91(base: str, heard: Heard | None = None, **changes: Any) -> msg91.Msg91:
    given = {"auth_key": "msg91_simulated", "number": "919876500000", "api_base": base}
    return msg91.Msg91(msg91.Settings(**{**given, **changes}), heard or Heard())


def make_wati(base: str, heard: Heard | None = None, at: int = NOW, **changes: Any) -> wati.Wati:
    given = {"token": "wati_simulated", "api_base": base}
    return wati.Wati(wati.Settings(**{**given, **changes}), heard or Heard(), Clock(at))


TWILIO_MESSAGE = replace(MESSAGE, template=CONTENT)
