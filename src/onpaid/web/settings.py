"""What the web face needs to know. A role whose token is empty is closed."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from hmac import compare_digest
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onpaid.errors import SettingsError

Role = Literal["viewer", "operator"]

SHORTEST_TOKEN = 16


def _fresh_secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class WebSettings:
    """`webhook_paths` are further paths of sources, beside `/webhooks/<source>`."""

    admin_token: str = field(default="", repr=False)
    viewer_token: str = field(default="", repr=False)
    session_secret: str = field(default_factory=_fresh_secret, repr=False)
    public_url: str = "http://127.0.0.1:8080"
    time_zone: str = "UTC"
    version: str = "0"
    body_limit: int = 1 << 20
    bodies_limit: int = 16 << 20
    """Bytes of unfinished bodies that are held at once; beyond it senders are asked to come again."""
    form_limit: int = 64 << 10
    head_limit: int = 16 << 10
    most_at_once: int = 256
    """Requests that are under way or wait for their turn, webhooks apart; more are asked to come again."""
    checkouts_each: int = 60
    checkouts_together: int = 600
    """Checkouts that may be opened in a minute: from one address, and by all together. 0 is no limit."""
    body_patience: timedelta = timedelta(seconds=20)
    session_life: timedelta = timedelta(hours=12)
    link_life: timedelta = timedelta(minutes=10)
    webhook_paths: Mapping[str, str] = field(default_factory=dict)
    checkout_origins: tuple[str, ...] = ()
    """Web pages that may call the checkout from a customer's browser."""
    bench_noop: bool = False
    """Adds `POST /webhooks/noop`, which reads a body and stores nothing: the baseline of benchmarks."""

    def __post_init__(self) -> None:
        for name, token in (
            ("ONPAID_ADMIN_TOKEN", self.admin_token),
            ("ONPAID_VIEWER_TOKEN", self.viewer_token),
        ):
            if token and len(token) < SHORTEST_TOKEN:
                raise SettingsError(
                    f"{name} has less than {SHORTEST_TOKEN} characters. Make one with "
                    'python -c "import secrets; print(secrets.token_urlsafe(24))"'
                )
        if self.admin_token and compare_digest(self.admin_token.encode(), self.viewer_token.encode()):
            raise SettingsError(
                "ONPAID_ADMIN_TOKEN and ONPAID_VIEWER_TOKEN are the same: whoever may look could act"
            )
        if not self.session_secret:
            object.__setattr__(self, "session_secret", _fresh_secret())
        parts = urlsplit(self.public_url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise SettingsError("ONPAID_PUBLIC_URL must begin with http:// or https://, and name a host")
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SettingsError(f"{self.time_zone!r} is no time zone, such as Europe/Oslo") from None

    @property
    def https(self) -> bool:
        """Whether browsers reach us over https, so that cookies may demand it."""
        return self.public_url.startswith("https:")

    @property
    def root(self) -> str:
        """What every link begins with: the path of the public address, without its slash."""
        return urlsplit(self.public_url).path.rstrip("/")

    def token_of(self, role: Role) -> str:
        """The token that opens a role."""
        return self.admin_token if role == "operator" else self.viewer_token
