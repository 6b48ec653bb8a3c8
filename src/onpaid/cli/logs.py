"""Logging, set up once for a process: one line for each fact, in JSON or for reading, to standard error.

The logs of libraries take the same way. Whatever is logged passes `mask` last, which hides the service's own secrets,
anything shaped like one, e-mail addresses, telephone and card numbers; so no caller can forget to.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable, Mapping, MutableMapping
from functools import lru_cache
from typing import Any, TextIO

import msgspec
import structlog

from onpaid.providers.masking import masked

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
QUIET = ("uvicorn", "asyncio", "aiohttp", "stripe", "urllib3")
"""Libraries that tell more than an operator wants to know: only their warnings are kept."""

_HIDDEN = "***"
_NAMES = frozenset({"run", "runs", "key", "event_key", "order", "ticket", "request_id", "trace", "url"})
"""What is logged under these names must stay findable: long numbers in it are kept, unless they are cards."""
_SECRET_NAME = re.compile(r"authorization|cookie|password|secret|token|api_?key", re.IGNORECASE)
_PERSONAL = re.compile(
    r"\b(?:sk|rk|pk|whsec|ek)_[A-Za-z0-9_*]{4,}"
    r"|\bBearer\s+[^\s\"',;]+"
    r"|\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*"
    r"|[^\s\"'<>(),;:=/@]{1,64}@[^\s\"'<>(),;:=/@]{1,255}"
    r"|\+\d(?:[ -]?\d){6,}",
    re.IGNORECASE,
)
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){11,18}")
_MARKS = ("@", "+", "k_", "c_", "eyJ", "earer", "EARER")
_DIGITS = re.compile(r"[0-9 -]{7}")
"""What every text holds that has anything to hide in it, but for the service's own secrets: most do not."""
_LONGEST = 300
_LOOKED_AT = 600
"""Characters of a line that are looked at; the rest of it is cut off."""

Event = MutableMapping[str, Any]


class Mask:
    """A processor that hides secrets and personal data in every value of an event, however deep it lies."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if len(secret) >= 4]
        words = "|".join(re.escape(secret) for secret in self._secrets)
        self._own = re.compile(words, re.IGNORECASE) if words else None

    def __call__(self, _logger: object, _method: str, event: Event) -> Event:
        for name, value in event.items():
            event[name] = self._value(name, value)
        return event

    def _value(self, name: str, value: Any) -> Any:
        if value is None or isinstance(value, bool | float):
            return value
        if _is_secret_name(name):
            return _HIDDEN
        if isinstance(value, str):
            return self._text(name, value)
        if isinstance(value, int):
            return _HIDDEN if _is_card(str(value)) else value
        if isinstance(value, Mapping):
            return {
                self._text("", str(inner)): self._value(str(inner), each) for inner, each in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._value(name, each) for each in value]
        if isinstance(value, bytes):
            value = value.decode("utf-8", "replace")
        return self._text(name, str(value))

    def _text(self, name: str, text: str) -> str:
        if len(text) <= _LONGEST and text.isprintable() and not _suspect(text):
            return text if self._own is None else self._own.sub(_HIDDEN, text)
        if name in _NAMES:
            text = text if self._own is None else self._own.sub(_HIDDEN, text)
            text = _PERSONAL.sub(_HIDDEN, text[:_LOOKED_AT])
            return _LONG_NUMBER.sub(lambda found: _HIDDEN if _is_card(found[0]) else found[0], text)
        lines = (line[:_LOOKED_AT] for line in text.splitlines() or [""])
        return "\n".join(
            line[: len(line) - len(line.lstrip())] + masked(line, self._secrets) for line in lines
        )


def _suspect(text: str) -> bool:
    for mark in _MARKS:
        if mark in text:
            return True
    return _DIGITS.search(text) is not None


@lru_cache(maxsize=1000)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _is_card(text: str) -> bool:
    """Whether these digits pass the check that all card numbers pass."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 12 <= len(digits) <= 19:
        return False
    doubled = (sum(divmod(digit * 2, 10)) if nth % 2 else digit for nth, digit in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


class _Lines:
    """The logger at the end of the line: writes what the processors made."""

    def __init__(self, stream: TextIO, name: str = "onpaid") -> None:
        self.name = name
        self._stream = stream

    def msg(self, message: str) -> None:
        """Write one line."""
        self._stream.write(message + "\n")
        self._stream.flush()

    debug = info = warning = warn = error = exception = critical = fatal = log = msg


def raw(line: str) -> None:
    """Write a line that others read as it is, such as figures for CloudWatch, to standard output."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Routed(logging.Handler):
    """Hands what libraries log to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage()
        except (TypeError, ValueError):
            said = str(record.msg)
        level = max(record.levelno // 10 * 10, logging.DEBUG)
        structlog.get_logger(record.name).log(level, said, exc_info=record.exc_info)


def _named(logger: _Lines, method: str, event: Event) -> Event:
    event["logger"] = logger.name
    event["level"] = "error" if method == "exception" else method
    return event


def _as_json(_logger: object, _method: str, event: Event) -> str:
    first = {name: event.pop(name) for name in ("at", "level", "logger", "event") if name in event}
    return msgspec.json.encode({**first, **event}).decode()


def configure(
    level: str = "info", form: str = "json", *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> None:
    """Set up all logging of this process. `secrets` are never written, wherever they turn up."""
    out = stream or sys.stderr
    renderer: Any = _as_json
    if form == "text":
        colours = out.isatty()
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours, exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            Mask(secrets),
            _named,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=lambda *names: _Lines(out, *names[:1]),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Routed()]
    root.setLevel(LEVELS[level])
    for name in QUIET:
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(max(logging.WARNING, LEVELS[level]))
    logging.captureWarnings(capture=True)
