"""Settings of the simulators: what the simulated services look like, and where their webhooks go."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from onpaid.simulators.kit import Times


@dataclass(frozen=True, slots=True)
class Target:
    """Where webhooks go and how they are signed. Secrets are listed newest first.

    In the `path` mode the secret is appended to the shop's path, in the `header` mode it goes as a header's value.
    """

    base: str = "http://127.0.0.1:8000"
    stripe_path: str = "/webhooks/stripe"
    stripe_secrets: tuple[str, ...] = ("whsec_simulated",)
    konverzky_path: str = "/webhooks/konverzky"
    konverzky_auth: Literal["hmac", "header", "path"] = "hmac"
    konverzky_secrets: tuple[str, ...] = ("konverzky_simulated",)


@dataclass(frozen=True, slots=True)
class Settings:
    """`invoice_counter` of None is a company that never made an invoice, and has no number series yet."""

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
    times: Times = field(default_factory=Times)
