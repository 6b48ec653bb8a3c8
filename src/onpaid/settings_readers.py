"""How a setting is declared, and how the texts of an environment become values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `default` None means: not set, and `doctor` says what follows from that."""

    name: str
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


def text(value: str) -> str:
    """Any text, trimmed."""
    return value.strip()


def secrets(value: str) -> tuple[str, ...]:
    """Several secrets, newest first, separated by blanks or commas."""
    return tuple(value.replace(",", " ").split())


def yes_or_no(value: str) -> bool:
    """A yes or a no."""
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


def duration(value: str) -> timedelta:
    """`45` or `45s`, `30m`, `48h`, `14d`."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    text = value.strip().lower()
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdigit() or not number.isascii() or len(number) > 9:
        raise ValueError("say a whole number with its unit, such as 30s, 15m, 48h or 14d")
    return timedelta(seconds=int(number) * units[unit])


def whole(value: str) -> int:
    """A whole number."""
    text = value.strip()
    if not text.isdigit() or not text.isascii() or len(text) > 9:
        raise ValueError("say a whole number, 0 or more")
    return int(text)


def decimal_factor(value: str) -> float:
    """A factor."""
    factor = float(value)
    if not 0.1 <= factor <= 1000:
        raise ValueError("say a number between 0.1 and 1000")
    return factor


def one_of(*choices: str) -> Callable[[str], str]:
    """One of these words, in either case."""

    def read(value: str) -> str:
        if value.strip().lower() not in choices:
            raise ValueError(f"say one of {', '.join(choices)}")
        return value.strip().lower()

    return read


def zone(value: str) -> str:
    """An IANA time zone."""
    try:
        ZoneInfo(value.strip())
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("say an IANA time zone, such as Europe/Oslo") from None
    return value.strip()


def words(value: str) -> tuple[str, ...]:
    """Several words, separated by blanks or commas."""
    return tuple(value.replace(",", " ").split())


def origins(value: str) -> tuple[str, ...]:
    """Origins of web pages, such as https://shop.example, each as browsers write it: small letters, no usual port."""
    return tuple(_origin(each) for each in words(value))


def _origin(given: str) -> str:
    parts = urlsplit(given)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host) or given != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(
            "say origins, such as https://shop.example, without path or user (names in other letters begin with xn--)"
        )
    usual = parts.port in (None, _PORTS[parts.scheme])
    return f"{parts.scheme}://{host.lower()}" + ("" if usual else f":{parts.port}")


def box(value: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Length, breadth and height in centimetres and weight in kilograms: `30x20x5 0.5`."""
    try:
        sizes, weight = value.lower().split()
        length, breadth, height = (Decimal(each) for each in sizes.split("x"))
        sized = (length, breadth, height, Decimal(weight))
    except (ValueError, InvalidOperation):
        raise ValueError(
            "say length x breadth x height in cm and weight in kg, such as 30x20x5 0.5"
        ) from None
    if not all(each.is_finite() for each in sized) or min(sized[:3]) <= Decimal("0.5") or sized[3] <= 0:
        raise ValueError("a side has more than 0.5 cm, and a parcel weighs something")
    return sized
