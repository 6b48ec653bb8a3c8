"""`onpaid reconcile`: it needs a service, watches the run that it started, and tells what came of it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from onpaid.app.reconciling_answer import body_of
from onpaid.cli.reach import Api
from onpaid.cli.reconciling import LOOK_AGAIN, tell, watched
from onpaid.domain.reconciliation import Counts, Failure, Finding, Reconciliation, Span
from tests.cli.kit import Onpaid

AT = 1_795_262_400_000


def told(**more: Any) -> dict[str, Any]:
    run = Reconciliation("rec_1", "manual", AT, AT - 90_000_000, AT, 25, 500, **more)
    plain: dict[str, Any] = msgspec.to_builtins(body_of(run))
    return plain


class Asked:
    """Answers with one state of the run after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers, self.targets = list(answers), list[str]()

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        self.targets.append(f"{method} {target}")
        return 200, msgspec.json.encode(self.answers.pop(0))


def test_without_a_service_it_says_so(stocked: Onpaid) -> None:
    ran = stocked("reconcile", "--dry-run")
    assert ran.code == 1
    assert "onpaid serve" in ran.err.replace("\n", " ")


@pytest.mark.parametrize("option", [("--lookback-hours", "0"), ("--max-sessions", "-1")])
def test_what_cannot_be_meant_is_bad_usage(stocked: Onpaid, option: tuple[str, str]) -> None:
    assert stocked("reconcile", *option).code == 2


def test_a_run_is_watched_until_it_is_over() -> None:
    waits: list[float] = []
    asked = Asked(told(phase="events"), told(state="success"))
    found = watched(Api(asked), told(), waits.append)
    assert found["status"] == "success"
    assert waits == [LOOK_AGAIN] * 2
    assert set(asked.targets) == {"GET /api/reconciliations/rec_1"}


def test_what_came_of_it_is_told_in_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    tell(
        told(
            state="success",
            counts=Counts(processed=42, created=3, skipped=38, errors=1, events=118, brought=4),
            created_orders=["BC-ABC12345"],
            findings=[Finding("amount differs", "cs_1", "The session cs_1 is over more")],
            failures=[Failure("cs_2", "ZeroDivisionError")],
            left=[Span("sessions", 0, 1)],
        )
    )
    said = capsys.readouterr().out
    for words in (
        "42 looked at: 3 created, 38 as they should be, 1 error; 4 of 118 events were not here.",
        "BC-ABC12345",
        "Finding: The session cs_1 is over more",
        "Not compared: cs_2: ZeroDivisionError",
        "sessions",
    ):
        assert words in said


def test_a_dry_run_says_that_nothing_was_done(capsys: pytest.CaptureFixture[str]) -> None:
    tell(told(state="success", dry_run=True, counts=Counts(processed=1, created=1)))
    assert "1 would be created" in capsys.readouterr().out
