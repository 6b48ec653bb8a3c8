"""Runs and their steps as people see them, and what may be done to them this moment.

What may be done mirrors `engine.operations`: a button that is shown works, unless the run moves on meanwhile.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from onpaid.app import words
from onpaid.app.hints import hint_for
from onpaid.app.masking import Mask
from onpaid.app.shown import AttemptShown, May, RunRow, RunShown, Settling, StepShown
from onpaid.app.shown_orders import Dot
from onpaid.clock import Instant, as_datetime
from onpaid.engine.journal import Attempt, Run, Step

LARGEST_TREE = 64_000


def decoded(raw: msgspec.Raw, mask: Mask) -> Any:
    """A piece of a journal, masked; what is too large to read is only measured."""
    if not raw:
        return None
    size = len(bytes(raw))
    if size > LARGEST_TREE:
        return f"({size:,} bytes, too large to show)"
    try:
        return mask.tree(msgspec.json.decode(raw))
    except (msgspec.DecodeError, RecursionError):
        return "(not readable)"


def asked_of(step: Step, mask: Mask) -> Any:
    """What a step asked: one argument bare, several as a list."""
    asked = decoded(step.input, mask)
    return asked[0] if isinstance(asked, list) and len(asked) == 1 else asked


def attempt_shown(step: Step, attempt: Attempt, mask: Mask) -> AttemptShown:
    """One attempt with its sentence."""
    return AttemptShown(
        number=attempt.number,
        what=attempt.what,
        at=as_datetime(attempt.at),
        took_ms=None if attempt.ended is None else max(0, attempt.ended - attempt.at),
        outcome=attempt.outcome,
        note=mask.text(attempt.note),
        sentence=mask.text(words.attempt_sentence(step, attempt)),
        mood=words.attempt_mood(step, attempt),
    )


def step_shown(step: Step, run: Run, mask: Mask) -> StepShown:
    """One step with its attempts."""
    return StepShown(
        name=step.name,
        act=step.act,
        kind=step.kind,
        state=step.state,
        mood=words.step_mood(step, run),
        tries=step.tries,
        attempts=[attempt_shown(step, attempt, mask) for attempt in step.attempts],
        asked=asked_of(step, mask),
        answered=decoded(step.result, mask),
    )


def dots_of(run: Run, *, outside: bool = False) -> list[Dot]:
    """The run's steps in a row; `outside` leaves those out that only write to our own store."""
    steps = [step for step in run.steps if not (outside and step.kind == "local")]
    return [Dot(step.name, step.state, words.step_mood(step, run)) for step in steps]


def order_of(about: list[str]) -> str | None:
    """The key of the order that something is about."""
    return next((thing.removeprefix("order:") for thing in about if thing.startswith("order:")), None)


def allowed(run: Run, now: Instant) -> tuple[list[May], str]:
    """What a person may do to the run now, and why not more."""
    if run.state in ("done", "cancelled"):
        return [], ""
    if run.state == "running" and run.lease_until > now:
        return [], "It is being worked on this moment: look again in a few seconds."
    may: list[May] = []
    if settling_of(run, now) is not None:
        may.append("settle")
    if run.state in ("failed", "waiting") or (run.state == "sleeping" and run.doubt is None):
        may.append("retry")
    if run.doubt is None:
        may.append("cancel")
    elif not may:
        return [], "A request may still be in flight: it can be settled once the quiet period is over."
    return may, ""


def settling_of(run: Run, now: Instant) -> Settling | None:
    """The doubt that may be settled now. Never while a request may still be in flight."""
    doubt = run.doubt
    if doubt is None or doubt.state != "doubtful" or doubt.settled or doubt.quiet_until > now:
        return None
    if run.state == "running" and run.lease_until > now:
        return None
    return Settling(doubt.name, doubt.tries, words.who_acts(doubt), hint_for(doubt))


def run_shown(run: Run, now: Instant, mask: Mask) -> RunShown:
    """A run with everything in it."""
    may, may_not = allowed(run, now)
    reason = mask.text(run.reason)
    return RunShown(
        id=run.id,
        flow=run.flow,
        title=words.run_title(run),
        state=run.state,
        mood=words.run_mood(run.state),
        reason=reason,
        sentence=words.run_sentence(run, reason),
        started=as_datetime(run.started),
        due_at=_due(run),
        ended=None if run.ended is None else as_datetime(run.ended),
        about=run.about,
        steps=[step_shown(step, run, mask) for step in run.steps],
        tickets=run.tickets,
        may=may,
        may_not=may_not,
        settling=settling_of(run, now),
        result=decoded(run.result, mask),
    )


def run_row(run: Run, now: Instant, mask: Mask) -> RunRow:
    """A run in a list."""
    return RunRow(
        id=run.id,
        flow=run.flow,
        title=words.run_title(run),
        state=run.state,
        mood=words.run_mood(run.state),
        reason=mask.text(run.reason),
        started=as_datetime(run.started),
        due_at=_due(run),
        order=order_of(run.about),
        may=allowed(run, now)[0],
    )


def _due(run: Run) -> datetime | None:
    """When the run goes on by itself; that a lease ends is nobody's business."""
    return None if run.due_at is None or run.state in ("running", "ready") else as_datetime(run.due_at)
