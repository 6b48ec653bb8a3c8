"""Typed settings, from the environment or a TOML file; the environment wins.

Each setting is declared once, with its name, its meaning and its default: `docs/settings.md` is checked against this
table. A secret may be a list (newest first, separated by blanks), so that it can be rotated without an outage.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from onpaid.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `default` None means: not set, and `doctor` says what follows from that."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


def _text(value: str) -> str:
    return value.strip()


def _secrets(value: str) -> tuple[str, ...]:
    return tuple(value.replace(",", " ").split())


def _yes_or_no(value: str) -> bool:
    known = {
        "true": True,
        "yes": True,
        "1": True,
        "on": True,
        "false": False,
        "no": False,
        "0": False,
        "off": False,
    }
    if value.strip().lower() not in known:
        raise ValueError("say true or false")
    return known[value.strip().lower()]


def _duration(value: str) -> timedelta:
    """`45` or `45s`, `30m`, `48h`, `14d`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    text = value.strip().lower()
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdigit() or not number.isascii() or len(number) > 9:
        raise ValueError("say a whole number with its unit, such as 30s, 15m, 48h or 14d")
    return timedelta(seconds=int(number) * units[unit])


def _whole(value: str) -> int:
    text = value.strip()
    if not text.isdigit() or not text.isascii() or len(text) > 9:
        raise ValueError("say a whole number, 0 or more")
    return int(text)


def _decimal_factor(value: str) -> float:
    factor = float(value)
    if not 0.1 <= factor <= 1000:
        raise ValueError("say a number between 0.1 and 1000")
    return factor


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.strip().lower() not in choices:
            raise ValueError(f"say one of {', '.join(choices)}")
        return value.strip().lower()

    return read


def _zone(value: str) -> str:
    try:
        ZoneInfo(value.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("say an IANA time zone, such as Europe/Oslo") from None
    return value.strip()


TABLE: tuple[Setting, ...] = (
    Setting("ONPAID_DATABASE", _text, "sqlite:///onpaid.db", "where everything is kept"),
    Setting("ONPAID_HOST", _text, "127.0.0.1", "the address that `onpaid serve` listens on"),
    Setting("ONPAID_PORT", _whole, 8080, "its port; 0 takes a free one"),
    Setting(
        "ONPAID_PUBLIC_URL", _text, None, "how the outside reaches this service: links are built from it"
    ),
    Setting(
        "ONPAID_ADMIN_TOKEN", _text, None, "lets its bearer act: retry, settle, cancel, pause", secret=True
    ),
    Setting(
        "ONPAID_VIEWER_TOKEN", _text, None, "lets its bearer look, with personal data masked", secret=True
    ),
    Setting(
        "ONPAID_SESSION_SECRET",
        _text,
        None,
        "signs the console's sessions; random at each start if unset",
        secret=True,
    ),
    Setting(
        "ONPAID_TICKET_LOG",
        _text,
        "tickets.jsonl",
        "the file that tickets are appended to, a JSON object a line",
    ),
    Setting("ONPAID_LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info", "what the log tells"),
    Setting(
        "ONPAID_LOG_FORMAT", _one_of("json", "text"), "json", "one JSON object a line, or text for reading"
    ),
    Setting("ONPAID_TIME_FACTOR", _decimal_factor, 1.0, "compresses every wait; for demonstrations only"),
    Setting(
        "ONPAID_LIFT_LANES", _yes_or_no, False, "ignores the lanes' calls per second; for benchmarks only"
    ),
    Setting(
        "ONPAID_BENCH_NOOP", _yes_or_no, False, "answers /webhooks/noop without storing; for benchmarks only"
    ),
    Setting(
        "ONPAID_ALLOW_NETWORK_DISK",
        _yes_or_no,
        False,
        "opens a database on a network file system, at your risk",
    ),
    Setting(
        "STRIPE_API_KEY",
        _text,
        None,
        "the secret or restricted key; its mode decides which events count",
        secret=True,
    ),
    Setting("STRIPE_WEBHOOK_SECRET", _secrets, (), "the endpoint's signing secrets (whsec_...)", secret=True),
    Setting("STRIPE_API_BASE", _text, "https://api.stripe.com", "where Stripe is"),
    Setting(
        "STRIPE_RETRY_DELAY_SECONDS",
        _duration,
        timedelta(seconds=30),
        "how often a payment looks again for its order",
    ),
    Setting("STRIPE_ORDER_NUMBER_KEY", _text, "order_number", "the metadata key that names the order"),
    Setting(
        "KONVERZKY_WEBHOOK_SECRET", _secrets, (), "signing keys, header values or path tokens", secret=True
    ),
    Setting("KONVERZKY_AUTH", _one_of("hmac", "header", "path"), "hmac", "how the shop proves who it is"),
    Setting("KONVERZKY_SHOP", _text, "konverzky", "the shop's name: part of the key of its orders"),
    Setting(
        "KONVERZKY_PRICES_INCLUDE_VAT",
        _yes_or_no,
        None,
        "whether unit prices are gross, where an order does not say",
    ),
    Setting("FIKEN_API_TOKEN", _text, None, "the personal API token", secret=True),
    Setting("FIKEN_COMPANY_SLUG", _text, None, "the company, as in its Fiken address"),
    Setting("FIKEN_BANK_ACCOUNT_CODE", _text, None, "the bank account on invoices, such as 1920:10001"),
    Setting("FIKEN_PAYMENT_ACCOUNT", _text, None, "where card money is booked, such as 1920:10002"),
    Setting("FIKEN_API_BASE", _text, "https://api.fiken.no/api/v2", "where Fiken is"),
    Setting(
        "INVOICE_KIND", _one_of("cash", "receivable"), "cash", "a cash invoice, or a receivable due later"
    ),
    Setting("INVOICE_DUE_DAYS", _whole, 30, "when a receivable is due"),
    Setting("INVOICE_VAT_RULES", _text, None, "the VAT table (TOML) that you sign off"),
    Setting("COMPANY_TIME_ZONE", _zone, "Europe/Oslo", "the time zone of the dates on documents"),
    Setting("ORDER_WAIT", _duration, timedelta(hours=48), "how long a payment waits for its order"),
    Setting(
        "ORDER_MISMATCH_WAIT",
        _duration,
        timedelta(hours=1),
        "how long a payment that fits no lines waits for a change",
    ),
    Setting("ORDER_EXPIRES_AFTER", _duration, timedelta(days=14), "when an order that nobody paid expires"),
)

BY_NAME: dict[str, Setting] = {setting.name: setting for setting in TABLE}


class Settings:
    """The settings of one service. `settings["STRIPE_API_KEY"]`; never printed with its secrets."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` are texts by name; unknown names are ignored. Raises SettingsError naming every wrong one."""
        wrong: list[str] = []
        self._values: dict[str, Any] = {}
        for setting in TABLE:
            given = values.get(setting.name)
            if given is None or given.strip() == "":
                self._values[setting.name] = setting.default
                continue
            try:
                self._values[setting.name] = setting.read(given)
            except ValueError as error:
                shown = "" if setting.secret else f" is {given!r}:"
                wrong.append(f"{setting.name}{shown} {error}")
        if wrong:
            raise SettingsError("; ".join(wrong))

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def missing(self, *names: str) -> list[str]:
        """Those of `names` that are not set."""
        return [name for name in names if self._values[name] in (None, ())]

    def shown(self) -> dict[str, str]:
        """Every setting as text, secrets hidden."""
        return {
            s.name: ("set" if self._values[s.name] else "not set") if s.secret else str(self._values[s.name])
            for s in TABLE
        }

    def __repr__(self) -> str:
        return "Settings(...)"


def load(environment: Mapping[str, str], file: Path | None = None) -> Settings:
    """Settings from the environment, over a TOML file (names as keys, in any case). Raises SettingsError."""
    values: dict[str, str] = {}
    if file is not None:
        try:
            told = tomllib.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(f"the settings file {file} cannot be read: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"the settings file {file} is not TOML: {error}") from None
        for name, value in told.items():
            if name.upper() not in BY_NAME:
                raise SettingsError(
                    f"the settings file {file} has {name}, which is no setting: is it misspelt?"
                )
            values[name.upper()] = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    values.update({name: value for name, value in environment.items() if name in BY_NAME})
    return Settings(values)
