"""Settings of the simulators: what the simulated services look like, and where their webhooks go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from onpaid.simulators.kit import Times
from onpaid.simulators.price_list import PRICES, Sold
from onpaid.simulators.products import PRODUCTS, Product

TEMPLATES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "order_confirmation": ("orderNumber", "orderAmount", "estimatedDelivery", "trackingUrl"),
        "shipment_created": ("orderNumber", "awb", "courierName", "trackingLink"),
    }
)
CONTENTS: Final[Mapping[str, str]] = MappingProxyType(
    {"HX" + "1" * 32: "order_confirmation", "HX" + "2" * 32: "shipment_created"}
)
TOPICS: Final = (
    "arn:aws:sns:us-east-1:000000000000:billing-events",
    "arn:aws:sns:us-east-1:000000000000:billing-events.fifo",
)


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks go and how they are signed. Secrets are listed newest first.

    In the `path` mode the secret is appended to the shop's path, in the `header` mode it goes as a header's value.
    Users who buy at Stripe bear tokens signed with `jwt_secret`, and come back to `return_origin`.
    """

    base: str = "http://127.0.0.1:8000"
    stripe_path: str = "/webhooks/stripe"
    stripe_secrets: tuple[str, ...] = ("whsec_simulated",)
    konverzky_path: str = "/webhooks/konverzky"
    konverzky_auth: Literal["hmac", "header", "path"] = "hmac"
    konverzky_secrets: tuple[str, ...] = ("konverzky_simulated",)
    razorpay_path: str = "/webhooks/razorpay"
    razorpay_secrets: tuple[str, ...] = ("rzp_whsec_simulated",)
    tracking_path: str = "/webhooks/tracking"
    tracking_token: str = "tracking_simulated"  # noqa: S105
    whatsapp_path: str = "/webhooks/whatsapp"
    meta_app_secret: str = "meta_app_simulated"  # noqa: S105
    msg91_path: str = "/webhooks/msg91/msg91_path_token_simulated"
    wati_path: str = "/webhooks/wati/wati_path_token_simulated"
    sessions_path: str = "/stripe/payment-intent"
    jwt_secret: str = "users_tokens_simulated_0123456789"  # noqa: S105
    jwt_audience: str = ""
    jwt_issuer: str = ""
    return_origin: str = "https://shop.example"


@dataclass(frozen=True, slots=True)
class Settings:
    """`invoice_counter` of None is a company that never made an invoice, and has no number series yet.

    `parcels_move` lets every parcel travel by itself as soon as its pickup is booked. `pair_interval` is how long a
    number is left alone between two messages, in seconds. `session_prefix` is how the numbers of orders from sessions
    begin. `not_on_whatsapp` holds numbers as digits, country first.
    """

    target: Target = field(default_factory=Target)
    faults: str = "none"
    seed: int = 0
    stripe_key: str = "sk_test_simulated"
    livemode: bool = False
    stripe_params: Path | None = None
    fiken_token: str = "fiken_simulated"  # noqa: S105
    company_slug: str = "simulated-shop"
    bank_accounts: tuple[str, ...] = ("1920:10001", "1920:10002")
    invoice_counter: int | None = 10_000
    api_access: bool = True
    prices_include_vat: bool = True
    razorpay_key_id: str = "rzp_test_simulated"
    razorpay_key_secret: str = "rzp_secret_simulated"  # noqa: S105
    products: tuple[Product, ...] = PRODUCTS
    shiprocket_email: str = "api@simulated.example"
    shiprocket_password: str = "shiprocket_simulated"  # noqa: S105
    shiprocket_pickup_locations: tuple[str, ...] = ("Primary", "Default Pickup")
    shiprocket_channels: tuple[int, ...] = (1, 3422553)
    shiprocket_token_life: float = 864_000.0
    parcels_move: bool = False
    whatsapp_templates: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: TEMPLATES)
    whatsapp_language: str = "en"
    not_on_whatsapp: frozenset[str] = frozenset({"919000000000"})
    pair_interval: float = 0.12
    meta_token: str = "meta_simulated"  # noqa: S105
    meta_phone_number_id: str = "106540352242922"
    twilio_account_sid: str = "AC" + "0" * 32
    twilio_auth_token: str = "twilio_simulated"  # noqa: S105
    twilio_from: str = "whatsapp:+14155238886"
    twilio_contents: Mapping[str, str] = field(default_factory=lambda: CONTENTS)
    msg91_auth_key: str = "msg91_simulated"
    msg91_number: str = "919876500000"
    wati_token: str = "wati_simulated"  # noqa: S105
    jira_email: str = "ops@simulated.example"
    jira_token: str = "jira_simulated"  # noqa: S105
    jira_project: str = "OPS"
    prices: tuple[Sold, ...] = PRICES
    session_prefix: str = "BC-"
    sns_topics: tuple[str, ...] = TOPICS
    times: Times = field(default_factory=Times)
