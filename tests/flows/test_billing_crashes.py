"""Every flow of billing events, killed at every write, before it and after it, told again or not: others learn of each
happening, in order, and know a repeat by its id."""

from __future__ import annotations

import pytest

from onpaid.domain.billing import Answered, BillingEvent, ReplayWanted
from onpaid.domain.subscribers import Delivery
from onpaid.engine.testing import START, Ending, crash_everywhere
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.repositories.subscriber_records import DELIVERIES
from onpaid.store.port import Store
from tests.flows.billing_scenes import Outside, Story, details, lost, news, sequences, told

PAID = news()
REFUNDED = news("payment.refunded", mark="re_1")


def _one(outside: Outside, end: Ending) -> None:
    assert outside.ids() == [PAID.id]
    assert outside.delivered() == [PAID.id]
    assert end.run("publish_billing_event").state == "done"
    assert end.run("deliver_billing_event").state == "done"
    assert not end.tickets


def _two(outside: Outside, end: Ending) -> None:
    assert sequences(outside) == {"cus_1": [1, 2]}
    assert outside.delivered() == outside.ids()
    assert {event.news.user for event in outside.published} == {"user_1"}
    assert all(run.state == "done" for run in end.runs)
    assert not end.tickets


def _created(outside: Outside, end: Ending) -> None:
    assert [event.news.type for event in outside.published][:1] == ["subscription.created"]
    assert sequences(outside) == {"cus_1": [1]}
    assert end.run("follow_subscription").state == "done"
    assert not end.tickets


def _tried_again(outside: Outside, end: Ending) -> None:
    assert outside.delivered() == [PAID.id]
    assert all(run.state == "done" for run in end.runs)
    assert not end.tickets


def _gone(outside: Outside, end: Ending) -> None:
    assert outside.ids() == [PAID.id]
    assert outside.delivered() == []
    assert [ticket.category for ticket in end.tickets] == ["provider"]
    assert "onpaid subscribers resume sbr_1" in end.tickets[0].title
    assert end.run("deliver_billing_event").state == "failed"


STORIES = [
    Story("one event", [PAID], _one),
    Story("one event whose answer is lost", [PAID], _one, lambda: Outside(topic_fails=[lost()])),
    Story("two of one customer", [PAID, REFUNDED], _two),
    Story("a subscription", [told()], _created, lambda: Outside(subscriptions=[details()])),
    Story(
        "a subscriber that fails twice",
        [PAID],
        _tried_again,
        lambda: Outside(says=[Answered(False, 500, "no"), Answered(False, 0, "no"), Answered(True, 204)]),
    ),
    Story(
        "a subscriber that is gone", [PAID], _gone, lambda: Outside(says=[Answered(False, 410, "no", True)])
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_crash_at_every_write_changes_nothing_for_those_who_listen(story: Story) -> None:
    assert crash_everywhere(story.scene) > 8


async def with_published(store: Store, many: int) -> None:
    """So many events of so many customers are out."""
    for number in range(many):
        happened = news(subject=f"pi_{number}", customer_id=f"cus_{number}", user="user")
        event = BillingEvent(happened.id, happened, START + number, 1, START + number)
        await store.commit([BILLING_EVENTS.insert(event)])


async def with_held(store: Store) -> None:
    """Three of them were held back from the subscriber."""
    await with_published(store, 3)
    for number in range(3):
        kept = Delivery("sbr_1", news(subject=f"pi_{number}").id, 0, START, state="held")
        await store.commit([DELIVERIES.insert(kept)])


def _all_once_more(outside: Outside, end: Ending) -> None:
    assert len(outside.delivered()) == 25
    assert {run.flow for run in end.runs} == {"deliver_billing_event", "replay_billing_events"}
    assert sum(run.flow == "replay_billing_events" for run in end.runs) == 2, "two pages"
    assert all(run.state == "done" for run in end.runs)


def _those_held_back(outside: Outside, end: Ending) -> None:
    assert len(outside.delivered()) == 3
    assert end.run("replay_billing_events").state == "done"
    assert all(run.state == "done" for run in end.runs)


REPLAYED = Story(
    "a replay",
    [ReplayWanted("sbr_1", 1)],
    _all_once_more,
    kept=lambda store: with_published(store, 25),
)
HELD = Story("what was held back", [ReplayWanted("sbr_1", 1, held=True)], _those_held_back, kept=with_held)
LASTING = [
    HELD,
    *(
        story
        for story in STORIES
        if story.name not in ("one event whose answer is lost", "a subscriber that fails twice")
    ),
]
"""Those in which the outside says the same however often it is asked."""


def test_a_replay_survives_a_crash_at_every_write() -> None:
    assert crash_everywhere(REPLAYED.scene, most=3000) > 100


def test_what_was_held_back_goes_out_after_a_crash_at_every_write() -> None:
    assert crash_everywhere(HELD.scene) > 8
