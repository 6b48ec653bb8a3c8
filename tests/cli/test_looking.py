"""The commands that look, without a server: as JSON for scripts, as tables for people."""

from __future__ import annotations

import pytest

from tests.cli.kit import CHARGE_EVENT, RUN, Onpaid


def test_orders_are_listed_and_found(stocked: Onpaid) -> None:
    listed = stocked("orders", "list", "--json").well().json()
    assert [row["number"] for row in listed["items"]] == ["10042"]
    for search in ("10042", "ola@example.org", "pi_3SXoQ2LkdIwHu7ix0k9l8m7n", "ch_3SXoQ2LkdIwHu7ix0a1b2c3d"):
        found = stocked("orders", "list", "--search", search, "--json").well().json()
        assert [row["number"] for row in found["items"]] == ["10042"], search
    assert "10042" in stocked("orders", "list").well().out


def test_one_order_is_told_with_everything_that_happened(stocked: Onpaid) -> None:
    told = stocked("orders", "show", "10042", "--json").well().json()
    assert told["payments"][0]["payment_id"] == "pi_3SXoQ2LkdIwHu7ix0k9l8m7n"
    said = stocked("orders", "show", "10042").well().out
    assert "pi_3SXoQ2LkdIwHu7ix0k9l8m7n NOK 498.00" in said
    assert RUN in said


def test_runs_that_have_not_ended_come_first_those_that_need_a_person(stocked: Onpaid) -> None:
    listed = stocked("runs", "list", "--json").well().json()["items"]
    assert [row["state"] for row in listed][:2] == ["doubtful", "failed"]
    assert [
        row["id"] for row in stocked("runs", "list", "--state", "doubtful", "--json").well().json()["items"]
    ] == [RUN]
    assert "No runs." in stocked("runs", "list", "--state", "cancelled").well().out


def test_a_run_in_doubt_says_how_to_settle_it(stocked: Onpaid) -> None:
    said = stocked("runs", "show", RUN).well().out
    assert f"onpaid runs settle {RUN} --step 'send receipt' --attempt 1" in said.replace("\n", " ").replace(
        "  ", " "
    )
    assert stocked("runs", "show", RUN, "--json").well().json()["settling"]["attempt"] == 1


def test_events_with_their_bodies(stocked: Onpaid) -> None:
    listed = stocked("events", "list", "--json").well().json()["items"]
    assert {row["type"] for row in listed} == {"charge.succeeded", "order_paid"}
    assert stocked("events", "list", "--verdict", "ignored").well().out.strip() == "No events."
    shown = stocked("events", "show", CHARGE_EVENT).well().out
    assert "charge.succeeded" in shown
    assert "ola@example.org" not in shown
    assert stocked("events", "show", CHARGE_EVENT, "--json").well().json()["event_id"].startswith("evt_")


def test_tickets_and_lanes(stocked: Onpaid) -> None:
    listed = stocked("tickets", "list", "--json").well().json()["items"]
    assert {row["category"] for row in listed} == {"doubt", "settings"}
    ticket = next(row["id"] for row in listed if row["category"] == "doubt")
    assert RUN in stocked("tickets", "show", ticket).well().out
    assert "No tickets." in stocked("tickets", "list", "--state", "closed").well().out
    lanes = stocked("lanes", "list", "--json").well().json()["items"]
    assert {lane["name"] for lane in lanes} >= {"fiken", "stripe"}
    assert "fiken" in stocked("lanes", "list").well().out


def test_an_empty_database_says_so(onpaid: Onpaid) -> None:
    for words, said in (
        (("orders", "list"), "No orders."),
        (("runs", "list"), "Every run has ended."),
        (("tickets", "list"), "nobody has to do anything"),
    ):
        assert said in onpaid(*words).well().out


def test_lists_go_on_where_they_stopped(stocked: Onpaid) -> None:
    first = stocked("events", "list", "--limit", "1", "--json").well().json()
    second = stocked("events", "list", "--limit", "1", "--after", first["cursor"], "--json").well().json()
    assert second["items"][0]["key"] != first["items"][0]["key"]
    assert "--after" in stocked("events", "list", "--limit", "1").well().out


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "show", "nope"),
        ("runs", "show", "nope"),
        ("events", "show", "nope"),
        ("tickets", "show", "nope"),
    ],
)
def test_what_is_not_there_is_one_sentence_and_exit_code_1(stocked: Onpaid, words: tuple[str, ...]) -> None:
    ran = stocked(*words)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("onpaid: There is no ")
    assert "Traceback" not in ran.err


def test_looking_needs_no_account(stocked: Onpaid) -> None:
    bare = dict.fromkeys(
        ("STRIPE_API_KEY", "FIKEN_API_TOKEN", "STRIPE_WEBHOOK_SECRET", "INVOICE_VAT_RULES"), ""
    )
    assert stocked("orders", "list", "--json", **bare).well().json()["items"]
