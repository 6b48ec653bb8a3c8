"""Whatever is logged, and by whom: secrets and personal data never reach the line."""

from __future__ import annotations

import io
import json
import logging
import warnings

import pytest
import structlog

from onpaid.cli import logs

CANARIES = (
    "sk_live_51Hcanary0000",
    "whsec_canary0000",
    "Bearer canary-token-0000",
    "kari.canary@example.no",
    "+47 912 34 567",
    "4242 4242 4242 4242",
    "5555555555554444",
    "correct-horse-battery",
)


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    for name in ("uvicorn", "uvicorn.error", "some.library"):
        # Another test's server in this process may have silenced them: a new process has them as they are here.
        logger = logging.getLogger(name)
        logger.setLevel(logging.NOTSET)
        logger.disabled, logger.propagate = False, True
    logs.configure("debug", "json", secrets=["correct-horse-battery"], stream=stream)
    return stream


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_gets_through(out: io.StringIO, canary: str) -> None:
    log = structlog.get_logger("onpaid.test")
    log.info(f"it said {canary} and more")
    log.info("in values", text=canary, run=f"expire_order:{canary}", nested={"a": [canary, {canary: canary}]})
    log.info("in odd values", raw=canary.encode(), many={canary}, pair=(1, canary), error=ValueError(canary))
    logging.getLogger("some.library").error("it said %s", canary)
    logging.getLogger("uvicorn.error").warning(canary)
    try:
        raise ValueError(canary)
    except ValueError:
        log.exception("it broke")
        logging.getLogger("some.library").exception("it broke too")
    warnings.warn(canary, stacklevel=1)
    structlog.contextvars.bind_contextvars(request_id=canary)
    log.info("in the context")
    structlog.contextvars.clear_contextvars()
    said = out.getvalue()
    assert len(lines(out)) >= 9
    assert canary not in said
    assert canary.replace(" ", "") not in said


def test_a_card_number_that_is_a_number_is_hidden_and_an_instant_is_not(out: io.StringIO) -> None:
    structlog.get_logger("t").info("numbers", card=4242424242424242, at_ms=1795600000000, count=3)
    (line,) = lines(out)
    assert (line["card"], line["at_ms"], line["count"]) == ("***", 1795600000000, 3)


def test_names_that_speak_of_secrets_hide_whatever_they_hold(out: io.StringIO) -> None:
    structlog.get_logger("t").info(
        "asked", authorization="x1", api_key="x2", Cookie="x3", webhook_secret=["x4"]
    )
    assert all(value not in out.getvalue() for value in ("x1", "x2", "x3", "x4"))


def test_what_a_person_needs_to_find_something_stays(out: io.StringIO) -> None:
    structlog.get_logger("t").info(
        "event recorded",
        key="stripe/default/test/evt_1234567890",
        run="expire_order:konverzky/20261121001",
        status=200,
        ok=True,
        why=None,
    )
    (line,) = lines(out)
    assert line["key"] == "stripe/default/test/evt_1234567890"
    assert line["run"] == "expire_order:konverzky/20261121001"
    assert (line["status"], line["ok"], line["why"]) == (200, True, None)
    assert (line["level"], line["logger"], line["event"]) == ("info", "t", "event recorded")


def test_levels_and_libraries(out: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Started server process")
    assert out.getvalue() == ""
    quiet = io.StringIO()
    logs.configure("error", "text", stream=quiet)
    structlog.get_logger("t").warning("nobody hears this")
    structlog.get_logger("t").error("everybody hears this", number=1)
    assert "nobody" not in quiet.getvalue()
    assert "everybody hears this" in quiet.getvalue()
    assert "\x1b[" not in quiet.getvalue()


def test_a_traceback_keeps_its_lines(out: io.StringIO) -> None:
    try:
        raise RuntimeError("plain")
    except RuntimeError:
        structlog.get_logger("t").exception("it broke")
    (line,) = lines(out)
    trace = str(line["exception"])
    assert trace.startswith("Traceback")
    assert "\n  File " in trace
    assert trace.endswith("RuntimeError: plain")
