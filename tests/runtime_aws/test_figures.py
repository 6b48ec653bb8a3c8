"""Figures for CloudWatch, and the settings that only this form has."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog

from onpaid.clock import SystemClock
from onpaid.compose_aws import Ahead, load_aws, open_queue
from onpaid.compose_store import database_path, table_of
from onpaid.engine.testing import run_virtually
from onpaid.errors import SettingsError
from onpaid.providers.ticket_log import TicketLines
from onpaid.settings import Settings
from tests.flows.fates import Fates
from tests.providers.test_ticket_log import TICKET
from tests.runtime_aws.cloud import ENVIRONMENT, Cloud
from tests.runtime_aws.test_sandbox import fetched
from tests.runtime_aws.test_work import all_done, taken_in


def test_figures_are_lines_that_cloudwatch_reads() -> None:
    cloud = Cloud()
    taken_in(cloud, "pi_1")
    counted = [line for line in cloud.figures if "EventsRecorded" in line]
    assert sum(line["EventsRecorded"] for line in counted) == 2
    cloud.wait(600)
    cloud.figures.clear()
    cloud.function().tick()
    (line,) = cloud.figures
    assert (line["Project"], line["Environment"]) == ("onpaid", "test")
    about = line["_aws"]["CloudWatchMetrics"][0]
    assert (about["Namespace"], about["Dimensions"]) == ("Onpaid", [["Project", "Environment"]])
    names = ("RunsDoubtful", "RunsFailed", "RunsDueOverdue", "CriticalTickets", "LanesPaused")
    assert [each["Name"] for each in about["Metrics"]] == list(names)
    due = len(cloud.runs())
    assert {name: line[name] for name in names} == dict.fromkeys(names, 0) | {"RunsDueOverdue": due}
    assert line["_aws"]["Timestamp"] == cloud.now()


def test_steps_that_failed_are_counted() -> None:
    cloud = Cloud(fates=Fates({"create_invoice": ["429", "503 before"]}))
    taken_in(cloud, "pi_1")
    cloud.play(cloud.function(), cloud.function(), 900)
    all_done(cloud, "pi_1")
    assert sum(line.get("StepsFailed", 0) for line in cloud.figures) >= 2


def test_an_invocation_in_which_nothing_was_counted_writes_no_figures() -> None:
    cloud = Cloud()
    cloud.function().work({"Records": []})
    assert cloud.figures == []


@pytest.mark.parametrize(
    ("address", "table"),
    [
        ("dynamodb://onpaid-prod-onpaid", "onpaid-prod-onpaid"),
        ("sqlite:///onpaid.db", None),
        ("sqlite:////var/lib/onpaid.db", None),
    ],
)
def test_where_everything_is_kept(address: str, table: str | None) -> None:
    assert table_of(Settings({"ONPAID_DATABASE": address})) == table


@pytest.mark.parametrize("address", ["dynamodb://", "dynamodb://a/b", "dynamodb:///onpaid", "dynamodb://ab"])
def test_a_table_needs_a_name_that_tables_have(address: str) -> None:
    with pytest.raises(SettingsError, match="the name of one table"):
        table_of(Settings({"ONPAID_DATABASE": address}))


def test_what_needs_a_file_says_so() -> None:
    with pytest.raises(SettingsError, match="this needs a file"):
        database_path(Settings({"ONPAID_DATABASE": "dynamodb://onpaid"}))
    assert database_path(Settings({"ONPAID_DATABASE": "sqlite:///onpaid.db"})) == Path("onpaid.db")


def test_without_a_queue_there_is_no_bell() -> None:
    environment = {**ENVIRONMENT, "ONPAID_WORK_QUEUE_URL": ""}
    with pytest.raises(SettingsError, match="ONPAID_WORK_QUEUE_URL is not set"):
        open_queue(load_aws(environment, fetched()))


def test_the_clock_may_go_ahead_for_demonstrations() -> None:
    ahead = Ahead(load_aws({**ENVIRONMENT, "ONPAID_CLOCK_AHEAD": "1h"}, fetched())["ONPAID_CLOCK_AHEAD"])
    assert 3_590_000 < ahead.now() - SystemClock().now() < 3_610_000
    assert abs(ahead.monotonic() - SystemClock().monotonic()) < 10


def test_a_ticket_may_be_a_line_of_the_log() -> None:
    async def main() -> None:
        with structlog.testing.capture_logs() as lines:
            filed = await TicketLines().file_ticket(TICKET)
        (line,) = lines
        assert (line["event"], line["ticket"], line["category"]) == ("ticket", TICKET.id, TICKET.category)
        assert filed.reference == f"log#{TICKET.id}"

    run_virtually(main)
