"""Billing events on their way to subscribers: in order, tried for days, held back and let go, never lost."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import msgspec
import pytest

from onpaid.domain.billing import Answered, BillingEvent, BillingNews, DeliveryWanted
from onpaid.domain.subscribers import SICK, WAITS, Delivery, Subscriber, wait_after
from onpaid.engine.operations import Operations
from onpaid.engine.testing import START
from onpaid.repositories.billing_records import BILLING_EVENTS
from onpaid.repositories.subscriber_records import DELIVERIES
from onpaid.store.local import Done
from tests.flows.billing_hall import Hall, everything, hall
from tests.flows.billing_scenes import KEPT, LANES, Outside, news

LANE = next(lane for lane in LANES if lane.name == "subscribers")
FAILING = msgspec.structs.replace(KEPT, failures=SICK, failing_since=START, tried_at=START)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NO, YES, GONE = (
    Answered(False, 500, "it answered 500"),
    Answered(True, 200),
    Answered(False, 410, "gone", True),
)


def of(customer: str, subject: str) -> BillingNews:
    return news(subject=subject, customer_id=customer)


def test_an_event_reaches_whoever_wants_it() -> None:
    picky = msgspec.structs.replace(KEPT, id="sbr_2", types=("payment.refunded",))

    async def story(at: Hall) -> None:
        await at.subscribed(KEPT, picky)
        paid, refunded = news(), news("payment.refunded", mark="re_1")
        await at.tell(paid, refunded)
        assert at.outside.delivered("sbr_1") == [paid.id, refunded.id]
        assert at.outside.delivered("sbr_2") == [refunded.id]

    hall(story)


def test_tries_are_as_far_apart_as_they_are_documented_and_end_after_days() -> None:
    assert [wait_after(tries) for tries in range(1, 12)] == [*WAITS, 86_400, 86_400]
    assert wait_after(1, asked_s=60) == 60
    assert wait_after(9, asked_s=60) == 86_400

    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.tell(news(), wait=5 * DAY)
        assert len(at.outside.tried) == 10
        starts = sorted(run.ended or 0 for run in await at.runs("deliver_billing_event", "done"))
        gaps = [(later - earlier) // 1000 for earlier, later in pairwise(starts)]
        assert all(wait <= gap <= wait + 2 for gap, wait in zip(gaps, WAITS, strict=False)), gaps
        assert (await at.kept()).state == "paused"
        (ticket,) = await at.tickets()
        assert ticket.category == "provider"
        assert ticket.facts["why"] == "it answered 500"

    hall(story, Outside(says=[NO]))


def test_what_a_subscriber_asks_to_wait_is_waited() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.tell(news(), wait=HOUR - timedelta(minutes=1))
        assert at.outside.delivered() == []
        await at.wait(2 * timedelta(minutes=1))
        assert at.outside.delivered() == [news().id]

    hall(story, Outside(says=[Answered(False, 429, "busy", retry_after_s=3600), YES]))


def test_a_customers_events_wait_for_each_other_and_others_do_not_wait() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        first, second, other = of("cus_1", "pi_1"), of("cus_1", "pi_2"), of("cus_2", "pi_3")
        await at.tell(first)
        await at.tell(second, other)
        assert at.outside.delivered() == [other.id]
        await at.wait(HOUR)
        assert at.outside.delivered() == [other.id, first.id, second.id]

    hall(story, Outside(says=[NO, NO, YES]))


def test_gone_pauses_at_once_and_what_was_held_back_goes_out_in_order_once_resumed() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        all_ = [of("cus_1", f"pi_{n}") for n in range(30)]
        await at.tell(all_[0])
        await at.tell(*all_[1:], wait=2 * HOUR)
        assert len(at.outside.tried) == 1, "nothing is sent to who wants nothing more"
        assert [ticket.category for ticket in await at.tickets()] == ["provider"], (
            "one ticket, however many wait"
        )
        await at.desk.resume("sbr_1")
        await at.wait(2 * HOUR)
        assert at.outside.delivered() == [event.id for event in all_]
        assert await at.tickets() == [], "the ticket closes by itself"
        assert not await at.runs("deliver_billing_event", "failed", "waiting", "ready")

    hall(story, Outside(says=[GONE, YES]))


def test_what_paused_its_subscriber_goes_out_even_if_a_person_cancelled_its_run() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.tell(news())
        (run,) = await at.runs("deliver_billing_event", "failed")
        await Operations(at.process.engine).cancel(run.id, by="operator")
        await at.desk.resume("sbr_1")
        await at.wait(HOUR)
        assert at.outside.delivered() == [news().id]
        assert await at.tickets() == []

    hall(story, Outside(says=[GONE, YES]))


def test_a_person_may_pause_and_nothing_is_lost() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.desk.pause("sbr_1", by="operator")
        await at.tell(news(), wait=DAY)
        assert at.outside.tried == []
        assert await at.tickets() == []
        await at.desk.resume("sbr_1")
        await at.wait(HOUR)
        assert at.outside.delivered() == [news().id]

    hall(story)


def test_what_was_held_back_for_a_week_goes_out_in_order() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.desk.pause("sbr_1", by="operator")
        all_ = [of("cus_1", f"pi_{n}") for n in range(4)]
        await at.tell(*all_)
        await at.clock.sleep(7 * DAY.total_seconds())
        await at.desk.resume("sbr_1")
        await at.wait(HOUR)
        assert at.outside.delivered() == [event.id for event in all_], "the first of them failed once more"

    hall(story, Outside(says=[NO, YES]))


@pytest.mark.parametrize(("said", "tried"), [(GONE, 1), (NO, SICK)])
def test_what_waits_for_its_place_while_its_subscriber_fails_is_not_sent(said: Answered, tried: int) -> None:
    """All have their turn before the first is answered; the lane lets one in after the other."""

    async def story(at: Hall) -> None:
        await at.subscribed()
        all_ = [of(f"cus_{n}", f"pi_{n}") for n in range(40)]
        await at.tell(*all_, wait=timedelta(minutes=3))
        assert len(set(at.outside.tried)) <= tried + LANE.at_once, "those that were on their way already"
        at.outside.says, at.outside.slowness = [YES], 0.0
        await at.desk.resume("sbr_1")
        await at.wait(HOUR)
        assert sorted(at.outside.delivered()) == sorted(event.id for event in all_)
        assert not await at.runs("deliver_billing_event", "failed", "waiting", "ready")

    hall(story, Outside(says=[said], slowness=5.0))


@pytest.mark.parametrize(
    ("listener", "tries", "wait"), [(KEPT, 0, 0), (FAILING, 2, 300)], ids=["resumed", "failing"]
)
def test_what_was_not_sent_is_tried_again_once_it_may_be(listener: Subscriber, tries: int, wait: int) -> None:
    """At once if its subscriber was resumed by now; in its time if it has been tried, as others of it are held back."""

    async def story(at: Hall) -> None:
        await at.subscribed(listener)
        waiting = Delivery("sbr_1", news().id, 0, START, tries=tries)
        await at.store.commit([DELIVERIES.insert(waiting)])
        again = await at.subscribers.note_tried(
            DeliveryWanted("sbr_1", news().id), Answered(False, unsent=True)
        )
        assert isinstance(again, Done)
        assert (again.value, again.facts) == ("again", (DeliveryWanted("sbr_1", news().id, 0, 2, wait),))
        await at.commit(again)
        assert (await at.kept()).failures == listener.failures

    hall(story)


def test_a_try_whose_answer_comes_late_takes_back_nothing() -> None:
    """Its subscriber was resumed meanwhile, and the try that began then was taken."""

    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.tell(news())
        late = await at.subscribers.note_tried(DeliveryWanted("sbr_1", news().id), NO)
        assert late == Done("delivered")

    hall(story)


def test_a_delivery_whose_run_was_cancelled_holds_up_the_next_for_days_and_not_for_ever() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        first, second = of("cus_1", "pi_1"), of("cus_1", "pi_2")
        await at.tell(first, second, wait=timedelta(minutes=1))
        (sleeping,) = await at.runs("deliver_billing_event", "sleeping")
        await Operations(at.process.engine).cancel(sleeping.id, by="operator")
        await at.wait(3 * DAY)
        assert at.outside.delivered() == []
        await at.wait(2 * DAY)
        assert at.outside.delivered() == [second.id]

    hall(story, Outside(says=[NO, NO, YES]))


def test_what_failed_before_is_tried_at_once_when_its_subscriber_is_resumed_and_is_not_told_twice() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        first, second = of("cus_1", "pi_1"), of("cus_1", "pi_2")
        await at.tell(first, wait=timedelta(minutes=10))
        await at.tell(second)
        assert at.outside.delivered() == [], "the next try is half an hour away"
        await at.desk.pause("sbr_1", by="operator")
        await at.desk.resume("sbr_1")
        await at.wait(timedelta(minutes=1))
        assert at.outside.delivered() == [first.id, second.id]
        await at.wait(DAY)
        assert at.outside.delivered() == [first.id, second.id]
        assert not await at.runs("deliver_billing_event", "failed", "waiting", "ready")

    hall(story, Outside(says=[NO, NO, NO, YES]))


def test_who_answers_nobody_is_tried_by_few_and_gets_all_of_it_when_it_is_back() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        first = [of(f"cus_{n}", f"pi_{n}") for n in range(SICK)]
        await at.tell(*first)
        assert (await at.kept()).sick
        tried = len(at.outside.tried)
        later = [of(f"cus_{n}", f"pi_{n}") for n in range(SICK, SICK + 30)]
        await at.tell(*later)
        assert len(at.outside.tried) == tried == 2 * SICK, "the others are held back"
        await at.wait(HOUR)
        assert sorted(at.outside.delivered()) == sorted(event.id for event in (*first, *later))
        assert not (await at.kept()).failures
        assert await at.tickets() == []

    hall(story, Outside(says=[*[NO] * 2 * SICK, YES]))


def test_after_a_while_a_new_event_is_tried_all_the_same() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed(FAILING)
        await at.wait(timedelta(minutes=11))
        await at.clock.sleep(660)
        await at.tell(news())
        assert at.outside.delivered() == [news().id]
        assert not (await at.kept()).failures

    hall(story)


def test_a_subscriber_that_is_removed_gets_nothing_and_its_secret_is_forgotten() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        await at.tell(news())
        tried = len(at.outside.tried)
        await at.desk.remove("sbr_1")
        await at.tell(news("payment.refunded", mark="re_1"), wait=DAY)
        assert len(at.outside.tried) == tried
        assert await at.subscribers.get("sbr_1") is None
        assert KEPT.secret.encode() not in await everything(at.store)
        assert await at.tickets() == []

    hall(story, Outside(says=[NO]))


def test_a_replay_tells_once_more_what_was_told_in_a_time() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        paid, refunded = news(), news("payment.refunded", mark="re_1")
        await at.tell(paid)
        between = at.clock.now()
        await at.tell(refunded)
        first = len(at.outside.got)
        assert first == 2
        await at.desk.replay("sbr_1", between, at.clock.now())
        await at.wait(HOUR)
        assert [event for _, event in at.outside.got[first:]] == [refunded.id]
        await at.desk.replay("sbr_1", START, at.clock.now(), "payment.successful")
        await at.wait(HOUR)
        assert [event for _, event in at.outside.got[first:]] == [refunded.id, paid.id]
        assert await at.desk.test("sbr_1") == refunded.id
        await at.wait(HOUR)
        assert len(at.outside.got) == first + 3

    hall(story)


def test_the_newest_event_of_a_rare_type_is_found_behind_many_others() -> None:
    rare = msgspec.structs.replace(KEPT, types=("dispute.opened", "payment.refunded"))

    async def story(at: Hall) -> None:
        await at.subscribed(rare)
        older, wanted = news("dispute.opened", mark="dp_1"), news("payment.refunded", mark="re_1")
        for nth, each in enumerate((older, wanted, *(of("cus_1", f"pi_{n}") for n in range(2, 110)))):
            event = BillingEvent(each.id, each, START + nth, nth + 1, START + nth)
            await at.store.commit([BILLING_EVENTS.insert(event)])
        assert await at.desk.test("sbr_1") == wanted.id

    hall(story)


def test_a_replay_keeps_the_order_of_what_was_published_at_one_moment() -> None:
    async def story(at: Hall) -> None:
        await at.subscribed()
        all_ = [of("cus_1", f"pi_{n}") for n in range(12)]
        await at.tell(*all_)
        await at.desk.replay("sbr_1", START, at.clock.now())
        await at.wait(HOUR)
        assert [event for _, event in at.outside.got] == 2 * [event.id for event in all_]

    hall(story)
