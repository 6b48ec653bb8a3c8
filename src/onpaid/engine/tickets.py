"""Tickets: what a person must look at, one for each run and cause.

A ticket's id is derived from run and cause, so that a failure that repeats is one ticket with a count, not many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from onpaid.clock import Instant
from onpaid.engine.journal import Run, Ticket
from onpaid.errors import Problem
from onpaid.metrics import TICKETS

MOST_FACT = 600
DOES_NOT_ANSWER = "does not answer"
"""The cause of the one ticket of a lane whose provider is down."""
REFUSES_US = "refused our credentials"


def ticket_id(subject: str, cause: str) -> str:
    """The id of the ticket of this subject and cause."""
    return "tkt_" + hashlib.sha256(f"{subject}\n{cause}".encode()).hexdigest()[:16]


def lane_ticket(lane: str) -> str:
    """The id of the one ticket of a lane that is paused because its provider refuses our credentials."""
    return ticket_id(f"lane:{lane}", REFUSES_US)


def new_ticket(
    run: Run | None,
    *,
    cause: str,
    title: str,
    category: str,
    now: Instant,
    severity: str = "high",
    facts: Mapping[str, Any] | None = None,
    subject: str | None = None,
    about: list[str] | None = None,
) -> Ticket:
    """A ticket about a run, or about `subject` (a lane, an event)."""
    TICKETS.labels(category, severity).inc()
    return Ticket(
        id=ticket_id(subject or (run.id if run else ""), cause),
        category=category,
        severity=severity,
        title=title,
        opened_at=now,
        facts={name: str(value)[:MOST_FACT] for name, value in (facts or {}).items()},
        run=run.id if run else None,
        about=list(about if about is not None else (run.about if run else [])),
    )


def problem_ticket(run: Run, problem: Problem, cause: str, now: Instant) -> Ticket:
    """The ticket of a run that a rule of the trade stopped."""
    return new_ticket(
        run,
        cause=cause,
        title=problem.title,
        category=problem.category,
        severity=problem.severity,
        facts=problem.facts,
        now=now,
    )
