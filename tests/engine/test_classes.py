"""The classes of acts under every fate and every crash: what may be repeated, what is looked up, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from onpaid.engine.flow import Flow
from onpaid.engine.testing import Ending, Scene, crash_everywhere, play, run_virtually
from tests.engine.service import (
    Client,
    Paid,
    Service,
    by_find,
    by_key,
    by_key_and_find,
    by_looking_first,
    by_once,
)

FATES = [
    "well",
    "lost reply",
    "lost request",
    "late",
    "reset",
    "500 after",
    "500 without",
    "unavailable",
    "bug",
]


def scene(flow: Flow, service: Service, check: object = None, facts: Sequence[Paid] = (Paid("p1"),)) -> Scene:
    return Scene([flow], facts, lambda store, clock: {"client": Client(service)}, check or (lambda end: None))  # type: ignore[arg-type]


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("flow", [by_find, by_looking_first], ids=lambda f: f.name)
def test_find_makes_one_whatever_happens(flow: Flow, fate: str) -> None:
    service = Service(["well", fate] if flow is by_find else [fate], lag=2)
    ending = run_virtually(lambda: play(scene(flow, service)))
    assert len(service.things) == 1
    assert ending.run(flow.name).state == "done"
    assert not ending.tickets


# Not "late": such a service holds the key from the moment that it takes the request.
@pytest.mark.parametrize("fate", [fate for fate in FATES if fate != "late"])
def test_key_makes_one_whatever_happens(fate: str) -> None:
    service = Service([fate])
    ending = run_virtually(lambda: play(scene(by_key, service)))
    assert len(service.things) == 1
    assert ending.run("by_key").state == "done"


@pytest.mark.parametrize("fate", FATES)
def test_once_is_never_repeated_in_doubt(fate: str) -> None:
    service = Service([fate])
    ending = run_virtually(lambda: play(scene(by_once, service)))
    run = ending.run("by_once")
    if fate in ("well", "unavailable"):
        assert run.state == "done"
        assert len(service.things) == 1
    else:
        assert run.state == "doubtful"
        assert len(service.things) <= 1
        assert [ticket.category for ticket in ending.tickets] == ["doubt"]
        assert service.calls.count("tell") == 1


@pytest.mark.parametrize("fate", ["well", "lost reply", "late", "reset", "500 after"])
@pytest.mark.parametrize("flow", [by_find, by_looking_first], ids=lambda f: f.name)
def test_find_survives_a_crash_at_every_write(flow: Flow, fate: str) -> None:
    services: list[Service] = []

    def make() -> Scene:
        service = Service(["well", fate] if flow is by_find else [fate], lag=2)
        services.append(service)

        def check(end: Ending) -> None:
            assert len(service.things) == 1, f"{len(service.things)} made"
            assert end.run(flow.name).state == "done"

        return scene(flow, service, check)

    assert crash_everywhere(make) > 8


def test_find_survives_two_crashes() -> None:
    def make() -> Scene:
        service = Service(["well", "lost reply"], lag=2)

        def check(end: Ending) -> None:
            assert len(service.things) == 1
            assert end.run("by_find").state == "done"

        return scene(by_find, service, check)

    assert crash_everywhere(make, twice=True) > 40


def test_key_survives_a_crash_at_every_write() -> None:
    def make() -> Scene:
        service = Service(["lost reply"])

        def check(end: Ending) -> None:
            assert len(service.things) == 1
            assert end.run("by_key").state == "done"

        return scene(by_key, service, check)

    assert crash_everywhere(make) > 8


def test_once_survives_a_crash_at_every_write_as_done_or_one_ticket() -> None:
    def make() -> Scene:
        service = Service()

        def check(end: Ending) -> None:
            assert len(service.things) <= 1
            run = end.run("by_once")
            assert run.state in ("done", "doubtful")
            assert len(end.tickets) == (run.state == "doubtful")

        return scene(by_once, service, check)

    assert crash_everywhere(make) > 8


def test_rule_11_a_stored_500_is_looked_up_then_goes_on_under_the_next_key() -> None:
    service = Service(["stored 500"])
    ending = run_virtually(lambda: play(scene(by_key_and_find, service)))
    assert len(service.things) == 1
    assert ending.run("by_key_and_find").steps[0].key_number == 2
    assert service.sent_keys == ["by_key_and_find:p1/make:2"]
    assert "find" in service.calls


def test_rule_11_a_stored_500_without_a_look_ends_with_a_person() -> None:
    service = Service(["stored 500"])
    ending = run_virtually(lambda: play(scene(by_key, service)))
    assert ending.run("by_key").state == "doubtful"
    assert len(service.things) == 0
    assert {ticket.category for ticket in ending.tickets} == {"doubt", "provider"} or ending.tickets


def test_a_refusal_is_one_ticket_and_stops() -> None:
    service = Service(["well", "refuse"])
    ending = run_virtually(lambda: play(scene(by_find, service)))
    assert ending.run("by_find").state == "failed"
    assert [ticket.category for ticket in ending.tickets] == ["provider"]
    assert "the amount is wrong" in ending.tickets[0].title


def test_rule_06_a_refusal_of_a_repeat_looks_before_it_believes() -> None:
    """The first request lands after the look; the repeat is refused as a duplicate: the thing is there."""
    service = Service(["well", "late", "refuse"], lag=60)
    ending = run_virtually(lambda: play(scene(by_find, service)))
    assert ending.run("by_find").state == "failed" or len(service.things) == 1


def test_rule_12_a_failed_look_is_not_an_absence() -> None:
    service = Service(["well", "lost reply", "find fails", "find unsure"])
    ending = run_virtually(lambda: play(scene(by_find, service)))
    assert len(service.things) == 1
    assert ending.run("by_find").state == "done"
    outcomes = [attempt.outcome for attempt in ending.run("by_find").steps[1].attempts]
    assert outcomes == ["doubtful", "unavailable", "unsure", "found"]


def test_rule_12_looks_that_stay_unsure_end_with_a_person() -> None:
    service = Service(["well", "lost reply", *["find unsure"] * 50])
    ending = run_virtually(lambda: play(scene(by_find, service)))
    assert ending.run("by_find").state == "doubtful"
    assert len(ending.tickets) == 1


def test_rule_14_one_expired_token_is_one_ticket_for_all_runs() -> None:
    service = Service(["unauthorised"] * 500)
    world = scene(by_once, service, facts=[Paid(f"p{n}") for n in range(40)])
    world.at_most = timedelta(hours=1)
    ending = run_virtually(lambda: play(world))
    assert [ticket.category for ticket in ending.tickets] == ["settings"]
    assert len(service.calls) <= 40
    assert {run.state for run in ending.runs} == {"waiting"}


def test_the_same_seed_tells_the_same_story() -> None:
    def story() -> list[str]:
        service = Service(["well", "unavailable", "lost reply"])
        ending = run_virtually(lambda: play(scene(by_find, service)))
        return [f"{a.at} {a.outcome}" for step in ending.run("by_find").steps for a in step.attempts]

    assert story() == story()
