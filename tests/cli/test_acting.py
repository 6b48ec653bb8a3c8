"""The commands that act, without a server: the next `serve` works what they changed."""

from __future__ import annotations

from tests.cli.kit import CHARGE_EVENT, EXPIRY, RUN, Onpaid

SETTLED = ("runs", "settle", RUN, "--step", "send receipt")


def test_a_doubt_is_settled_as_done(stocked: Onpaid) -> None:
    told = stocked(
        *SETTLED, "--attempt", "1", "--done", "--result", '{"invoice_id": 2000010, "count": 1}', "--json"
    )
    assert told.well().json()["state"] == "ready"
    closed = stocked("tickets", "list", "--state", "closed", "--json").well().json()["items"]
    assert [ticket["category"] for ticket in closed] == ["doubt"]


def test_a_doubt_is_settled_as_not_done(stocked: Onpaid) -> None:
    said = stocked(*SETTLED, "--attempt", "1", "--not-done").well().out
    assert "was not done" in said
    step = stocked("runs", "show", RUN, "--json").well().json()["steps"][-1]
    assert step["attempts"][-1]["what"] == "person"


def test_settling_names_the_attempt_that_was_seen(stocked: Onpaid) -> None:
    ran = stocked(*SETTLED, "--attempt", "2", "--not-done")
    assert ran.code == 1
    assert "look again before you settle it" in ran.err.replace("\n", " ")


def test_settling_as_done_needs_a_result_that_is_json(stocked: Onpaid) -> None:
    missing = stocked(*SETTLED, "--attempt", "1", "--done")
    assert (missing.code, "--result" in missing.err) == (1, True)
    odd = stocked(*SETTLED, "--attempt", "1", "--done", "--result", "{invoice_id: 42}")
    assert (odd.code, "not JSON" in odd.err) == (1, True)


def test_settling_without_saying_which_is_bad_usage(stocked: Onpaid) -> None:
    ran = stocked("runs", "settle", RUN, "--attempt", "1", "--done")
    assert ran.code == 2
    assert "--step" in ran.err
    assert stocked(*SETTLED, "--attempt", "1").code == 2


def test_a_failed_run_is_tried_again_and_cancelled(stocked: Onpaid) -> None:
    assert stocked("runs", "retry", EXPIRY, "--json").well().json()["state"] == "ready"
    assert "is cancelled" in stocked("runs", "cancel", EXPIRY, "--why", "for a test").well().out
    again = stocked("runs", "cancel", EXPIRY)
    assert (again.code, "cancelled already" in again.err) == (1, True)


def test_a_doubt_is_not_retried(stocked: Onpaid) -> None:
    ran = stocked("runs", "retry", RUN)
    assert (ran.code, "settle" in ran.err) == (1, True)


def test_an_event_is_judged_again(stocked: Onpaid) -> None:
    assert stocked("events", "replay", CHARGE_EVENT, "--json").well().json()["verdict"] == "routed"
    ran = stocked("events", "replay", "nope")
    assert (ran.code, ran.err.startswith("onpaid: There is no event")) == (1, True)


def test_a_replay_needs_the_settings_that_events_are_judged_by(stocked: Onpaid) -> None:
    ran = stocked("events", "replay", CHARGE_EVENT, STRIPE_API_KEY="")
    assert (ran.code, "STRIPE_API_KEY" in ran.err) == (1, True)


def test_a_ticket_is_put_away(stocked: Onpaid) -> None:
    tickets = stocked("tickets", "list", "--json").well().json()["items"]
    loose = next(ticket["id"] for ticket in tickets if ticket["category"] == "settings")
    assert stocked("tickets", "close", loose, "--json").well().json()["state"] == "closed"
    assert len(stocked("tickets", "list", "--json").well().json()["items"]) == 1


def test_a_lane_is_paused_and_opened(stocked: Onpaid) -> None:
    assert "is paused" in stocked("lanes", "pause", "fiken", "--why", "the books are closed").well().out
    lane = next(
        each for each in stocked("lanes", "list", "--json").well().json()["items"] if each["name"] == "fiken"
    )
    assert (lane["paused"], lane["reason"]) == (True, "the books are closed")
    assert "fiken is open; 0 runs go on." in stocked("lanes", "resume", "fiken").well().out
    assert stocked("lanes", "resume", "fiken", "--json").well().json()["lane"] == "fiken"
    ran = stocked("lanes", "pause", "nope")
    assert (ran.code, "no lane" in ran.err) == (1, True)
