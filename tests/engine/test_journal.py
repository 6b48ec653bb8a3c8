"""What journals say by what they leave out, where their records are found, and what a run tells of itself."""

from __future__ import annotations

import msgspec
import pytest

from onpaid.engine.journal import (
    CLAIMS,
    ENDED,
    HOLDS,
    LANES,
    NOBODY_ACTS,
    NOTHING,
    OUTSIDE,
    RUNS,
    SIGNALS,
    TICKETS,
    Attempt,
    Claim,
    Joined,
    LaneHold,
    LaneState,
    Run,
    Signal,
    Step,
    Ticket,
)
from onpaid.store.port import Entry
from onpaid.store.records import SQUEEZED

RAW = msgspec.Raw(b'{"id":"p1"}')


def a_run(**more: object) -> Run:
    return Run(id="f:p1", flow="f", fact=RAW, started=7, **more)  # type: ignore[arg-type]


def a_step(kind: str, state: str, **more: object) -> Step:
    return Step("s", "make", kind, state, **more)  # type: ignore[arg-type]


def test_what_a_journal_leaves_out_keeps_its_meaning() -> None:
    """Journals of earlier releases leave out what was the rule then: a rule that changes would change them."""
    run = msgspec.json.decode(b'{"id":"f:p1","flow":"f","fact":{},"started":7}', type=Run)
    assert (run.state, run.due_at, run.reason, run.ended) == ("ready", None, "", None)
    assert (run.about, run.wake, run.steps, run.joined, run.tickets) == ([], [], [], [], [])
    assert (run.lease_owner, run.lease_number, run.lease_until) == ("", 0, 0)
    assert (run.generation, run.failures) == (0, 0)
    assert not run.result
    step = msgspec.json.decode(b'{"name":"s","act":"make","kind":"once"}', type=Step)
    assert (step.state, step.attempts, step.tries, step.key_number, step.looks) == ("begun", [], 0, 1, 0)
    assert (step.first_sent, step.until) == (None, None)
    assert (step.in_flight_until, step.quiet_until, step.holder, step.refused) == (0, 0, 0, "")
    assert (step.absent, step.answered, step.wrote) == (False, False, False)
    assert not step.input
    assert not step.result
    assert not step.settled
    attempt = msgspec.json.decode(b'{"number":1,"at":7}', type=Attempt)
    assert attempt == Attempt(1, 7, "act", None, "", "")
    joined = msgspec.json.decode(b'{"at":7,"verdict":"same"}', type=Joined)
    assert (joined.event, bool(joined.fact)) == ("", False)
    ticket = msgspec.json.decode(
        b'{"id":"t","category":"c","severity":"high","title":"x","opened_at":7}', type=Ticket
    )
    assert ticket == Ticket("t", "c", "high", "x", 7, {}, None, [], "open", 1, None, "")
    lane = msgspec.json.decode(b'{"name":"stripe"}', type=LaneState)
    assert lane == LaneState("stripe", False, "", None)


def test_a_journal_says_only_what_is_worth_saying() -> None:
    assert msgspec.json.encode(a_run()) == b'{"id":"f:p1","flow":"f","fact":{"id":"p1"},"started":7}'
    assert msgspec.json.encode(a_step("once", "begun")) == b'{"name":"s","act":"make","kind":"once"}'
    assert msgspec.json.encode(Attempt(1, 7)) == b'{"number":1,"at":7}'
    assert msgspec.json.encode(Joined(7, "same")) == b'{"at":7,"verdict":"same"}'
    assert msgspec.json.encode(LaneState("stripe")) == b'{"name":"stripe"}'
    short = b'{"id":"t","category":"c","severity":"high","title":"x","opened_at":7}'
    assert msgspec.json.encode(Ticket("t", "c", "high", "x", 7)) == short


def test_the_words_of_states() -> None:
    assert {"done", "cancelled"} == ENDED
    assert {"done", "cancelled", "failed"} == NOBODY_ACTS
    assert {"key", "find", "once"} == OUTSIDE


def test_a_run_is_found_by_state_flow_subject_signal_and_time() -> None:
    run = a_run(state="waiting", due_at=9, about=["order:1", "order:2"], wake=["run:x"])
    assert RUNS.insert(run).entries == (
        Entry("state", "waiting", 7),
        Entry("flow-state", "f:waiting", 7),
        Entry("about", "order:1", 7),
        Entry("about", "order:2", 7),
        Entry("wake", "run:x", 7),
        Entry("due", "", 9),
    )
    assert [entry.name for entry in RUNS.insert(a_run(state="failed")).entries] == ["state", "flow-state"]


def test_the_names_of_records_are_those_of_the_files_that_are_out_there() -> None:
    kinds = (RUNS, TICKETS, CLAIMS, SIGNALS, LANES, HOLDS)
    assert [kind.name for kind in kinds] == ["run", "ticket", "claim", "signal", "lane", "lane-hold"]
    made = LANES.put(LaneState("stripe"))
    assert (made.key, made.entries) == ("stripe", (Entry("all", "", 0),))
    assert CLAIMS.insert(Claim("service:1", "f:p1/make", 7)).key == "service:1"
    assert SIGNALS.insert(Signal("book:1", [])).key == "book:1"
    assert HOLDS.put(LaneHold("stripe", 7)).key == "stripe"


def test_a_ticket_is_found_by_state_and_subject() -> None:
    ticket = Ticket("t", "c", "high", "x", 7, about=["order:1"], state="closed")
    assert TICKETS.insert(ticket).entries == (Entry("state", "closed", 7), Entry("about", "order:1", 7))


@pytest.mark.parametrize("state", ["ready", "failed", "done", "cancelled"])
def test_a_run_that_has_ended_is_kept_small(state: str) -> None:
    body = RUNS.insert(a_run(state=state)).body
    assert (body[:1] == SQUEEZED) == (state in ("done", "cancelled"))


@pytest.mark.parametrize("kind", ["read", "key", "find", "once", "local", "wait", "sleep", "call"])
@pytest.mark.parametrize("state", ["begun", "done", "failed", "doubtful"])
def test_what_is_in_doubt_and_what_has_acted(kind: str, state: str) -> None:
    step = a_step(kind, state)
    run = a_run(steps=[a_step("wait", "done"), step])
    outside = kind in ("key", "find", "once")
    assert (run.doubt is step) == (outside and state in ("begun", "doubtful"))
    assert run.acted() == (outside or kind == "local")
    step.wrote = True
    assert run.acted()
    assert run.step("s") is run.steps[0]
    assert run.step("another") is None


def test_nothing_is_false_and_any_json_is_true() -> None:
    assert not NOTHING
    assert msgspec.Raw(b"null")
