"""Our client and the simulated Jira, over HTTP: what one writes the other finds, and a lost answer is no second issue."""

from collections.abc import Awaitable, Callable
from dataclasses import replace as copy
from typing import Any

import pytest

from onpaid.acts import Absent, Found
from onpaid.errors import Doubtful, Unauthorised, Unavailable
from onpaid.providers.jira import Jira, Settings
from onpaid.providers.roles import TicketRef
from onpaid.simulators import Served
from tests.providers.conftest import QUICK
from tests.providers.test_jira import MARKER, TICKET

AT_ONCE = copy(QUICK, search_lag=0)
Start = Callable[..., Awaitable[Served]]


def client(served: Served, **more: Any) -> Jira:
    return Jira(
        Settings(
            **{
                "base_url": f"{served.base}/jira",
                "email": "ops@simulated.example",
                "api_token": "jira_simulated",
                "project": "OPS",
                **more,
            }
        )
    )


async def test_an_issue_lives(simulate: Start) -> None:
    served = await simulate(times=AT_ONCE)
    books, tracker = served.simulators.jira, client(served, priorities={"high": "High"})
    assert await tracker.doctor() == []
    assert await tracker.find_issue(TICKET) == Absent()
    made = await tracker.create_issue(TICKET)
    assert await tracker.find_issue(TICKET) == Found(made)
    assert await tracker.issue_is_open(made.reference)
    assert await tracker.find_comment(made.reference, MARKER, "") == Absent()
    comment = await tracker.comment(made.reference, MARKER, "2 tickets so far")
    assert await tracker.find_comment(made.reference, MARKER, "") == Found(comment)
    (row,) = books.rows()
    assert row["labels"][1] == "onpaid-fp-3f9ac1d2e4b5"
    assert row["priority"] == "High"
    assert row["comments"] == [f"2 tickets so far\n{MARKER}"]
    books.move(made.reference, "Done")
    assert not await tracker.issue_is_open(made.reference)
    assert await tracker.find_issue(TICKET) == Absent()
    books.delete(made.reference)
    assert not await tracker.issue_is_open(made.reference)
    await tracker.close()


async def test_an_issue_that_the_search_does_not_show_yet_is_no_reason_to_despair(simulate: Start) -> None:
    served = await simulate(times=copy(QUICK, search_lag=3600))
    tracker = client(served)
    made = await tracker.create_issue(TICKET)
    assert await tracker.find_issue(TICKET) == Absent()
    assert await tracker.issue_is_open(made.reference)
    await tracker.close()


@pytest.mark.parametrize("how", ["reset", "503"])
async def test_a_lost_answer_is_a_doubt_and_a_look_settles_it(simulate: Any, how: str) -> None:
    served = await simulate(times=AT_ONCE)
    tracker, lossy = client(served), simulate.losing[served.base]
    lossy.lose = how
    with pytest.raises(Doubtful):
        await tracker.create_issue(TICKET)
    lossy.lose = None
    assert await tracker.find_issue(TICKET) == Found(TicketRef("OPS-1"))
    lossy.lose = how
    with pytest.raises(Doubtful):
        await tracker.comment("OPS-1", MARKER, "text")
    lossy.lose = None
    assert isinstance(await tracker.find_comment("OPS-1", MARKER, "text"), Found)
    assert len(served.simulators.jira.rows()) == 1
    await tracker.close()


async def test_a_project_without_priorities_gets_its_issue_by_the_second_attempt(simulate: Start) -> None:
    served = await simulate(times=AT_ONCE)
    served.simulators.jira.priority = False
    tracker = client(served, priorities={"high": "High"})
    with pytest.raises(Unavailable, match="priority"):
        await tracker.create_issue(TICKET)
    assert served.simulators.jira.rows() == []
    await tracker.create_issue(TICKET)
    assert len(served.simulators.jira.rows()) == 1
    await tracker.close()


@pytest.mark.parametrize("more", [{"api_token": "expired"}, {"issue_type": "Incident"}, {"project": "NONE"}])
async def test_what_only_a_setting_can_mend_stops_the_lane(simulate: Start, more: dict[str, str]) -> None:
    tracker = client(await simulate(times=AT_ONCE), **more)
    with pytest.raises(Unauthorised):
        await tracker.create_issue(TICKET)
    await tracker.close()
