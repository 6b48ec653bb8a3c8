"""Billing events: one for each happening, numbered for each customer, in order; and subscriptions that stay ended."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest

from onpaid.domain.billing import BillingNews, SubscriptionDetails
from onpaid.domain.subscriptions import ended_as, news_of
from onpaid.engine.testing import START
from onpaid.errors import Conflict
from onpaid.repositories.billing_pages import Wanted
from onpaid.store.local import Done
from tests.flows.billing_hall import Hall, hall
from tests.flows.billing_scenes import Outside, details, news, sequences, told

HOUR = timedelta(hours=1)
LIVE = details("active", period_end=START + 1)
OVER = details("canceled", ended_at=START + 5, canceled_at=START + 4, reason="cancellation_requested")


def types(at: Hall) -> list[str]:
    """What listeners learnt, repeats dropped."""
    known = {event.id: event.news.type for event in at.outside.published}
    return [known[each] for each in at.outside.ids()]


def test_whoever_tells_of_a_happening_names_the_same_event() -> None:
    async def story(at: Hall) -> None:
        by_webhook, by_night = news(event="evt_1"), news(event="", happened_at=START + 999)
        await asyncio.gather(
            *(at.recorder.record(facts=[each]) for each in (by_webhook, by_night, by_webhook))
        )
        await at.wait(HOUR)
        assert by_webhook.id == by_night.id
        assert len(at.outside.published) == 1
        assert len(await at.runs("publish_billing_event")) == 1

    hall(story)


def test_twenty_happenings_at_once_are_numbered_without_a_gap_and_come_in_order() -> None:
    async def story(at: Hall) -> None:
        all_ = [news(subject=f"pi_{n}", customer_id=f"cus_{n % 2}") for n in range(20)]
        await asyncio.gather(*(at.recorder.record(facts=[each]) for each in all_))
        await at.wait(HOUR)
        numbers = list(range(1, 11))
        assert sequences(at.outside) == {"cus_0": numbers, "cus_1": numbers}

    hall(story)


def test_the_user_is_filled_in_from_the_customer() -> None:
    async def story(at: Hall) -> None:
        own = news("payment.refunded", mark="re_1", user="somebody")
        await at.tell(news(), own, news(subject="pi_guest", customer_id=""))
        users = {event.news.subject + event.news.mark: event.news.user for event in at.outside.published}
        assert users == {"pi_1": "user_1", "pi_1re_1": "somebody", "pi_guest": ""}
        (guest,) = [event for event in at.outside.published if event.news.subject == "pi_guest"]
        assert guest.customer == "pi_guest"

    hall(story)


def test_a_refund_or_dispute_that_names_no_customer_is_that_of_its_payment() -> None:
    refund = news("payment.refunded", mark="re_1", customer_id="")
    dispute = news("dispute.opened", mark="dp_1", customer_id="", user="somebody")

    async def story(at: Hall) -> None:
        await at.tell(news())
        await at.tell(refund, dispute)
        assert sequences(at.outside) == {"cus_1": [1, 2, 3]}
        told = {event.news.type: event.news for event in at.outside.published}
        assert {each.customer_id for each in told.values()} == {"cus_1"}
        assert [told[type_].user for type_ in ("payment.refunded", "dispute.opened")] == [
            "user_1",
            "somebody",
        ]
        assert (await at.event(refund)).news.customer_id == "cus_1"

    hall(story)


def test_a_refund_that_meets_its_payment_is_looked_at_again() -> None:
    refund = news("payment.refunded", mark="re_1", customer_id="")

    async def story(at: Hall) -> None:
        early = await at.billing.note(refund)
        await at.commit(await at.billing.note(news()))
        with pytest.raises(Conflict):
            await at.commit(early)
        again = await at.billing.note(refund)
        assert isinstance(again, Done)
        assert (again.value.customer, again.value.sequence, again.value.user) == ("cus_1", 2, "user_1")
        await at.commit(again)
        repeated = await at.billing.note(refund)
        assert isinstance(repeated, Done)
        assert repeated.value == again.value, "a process that died in between says the same"

    hall(story)


def test_a_refund_of_a_payment_that_nobody_heard_of_is_told_by_itself() -> None:
    async def story(at: Hall) -> None:
        await at.tell(news("payment.refunded", mark="re_1", customer_id=""))
        await at.tell(news("payment.refunded", mark="re_2", customer_id=""), news(customer_id=""))
        assert sequences(at.outside) == {"pi_1": [1, 2, 3]}

    hall(story)


def test_a_failure_that_comes_after_the_success_is_kept_and_not_told() -> None:
    async def story(at: Hall) -> None:
        failed, asked = news("payment.failed", mark="try_1"), news("payment.action_required", mark="try_1")
        await at.tell(failed)
        await at.tell(news())
        late = news("payment.failed", mark="try_2")
        await at.tell(late, asked, news("payment.refunded", mark="re_1"))
        assert types(at) == ["payment.failed", "payment.successful", "payment.refunded"]
        assert sequences(at.outside) == {"cus_1": [1, 2, 3]}, "what is not told takes no number"
        kept = await at.event(late)
        assert kept.stale == "payment.successful was noted of pi_1 before"
        stale = await at.billing.page(Wanted(state="stale"))
        assert {event.id for event in stale.items} == {late.id, asked.id}

    hall(story)


def test_what_two_note_at_one_moment_is_numbered_by_the_commit() -> None:
    async def story(at: Hall) -> None:
        one, other = news(), news("payment.refunded", mark="re_1")
        first, second = await at.billing.note(one), await at.billing.note(other)
        await at.commit(first)
        with pytest.raises(Conflict):
            await at.commit(second)
        again = await at.billing.note(other)
        assert isinstance(again, Done)
        assert again.value.sequence == 2

    hall(story)


def test_a_failure_that_meets_its_success_is_looked_at_again() -> None:
    async def story(at: Hall) -> None:
        failed = await at.billing.note(news("payment.failed", mark="try_1", customer_id=""))
        await at.commit(await at.billing.note(news(customer_id="")))
        with pytest.raises(Conflict):
            await at.commit(failed)
        again = await at.billing.note(news("payment.failed", mark="try_1", customer_id=""))
        assert isinstance(again, Done)
        assert again.value.stale

    hall(story)


def test_an_event_waits_an_hour_for_the_one_before_it_and_then_goes_on() -> None:
    first, second = news(), news("payment.refunded", mark="re_1")

    async def story(at: Hall) -> None:
        await at.tell(first, second, wait=timedelta(minutes=59))
        assert at.outside.ids() == []
        assert [run.state for run in await at.runs("publish_billing_event", "failed")] == ["failed"]
        await at.wait(timedelta(minutes=2))
        assert at.outside.ids() == [second.id]
        assert at.outside.published[0].sequence == 2, "whoever listens sees that 1 is missing"

    hall(story, Outside(topic_refuses={first.id}))


def test_events_wait_for_each_other_as_long_as_the_topic_is_out() -> None:
    async def story(at: Hall) -> None:
        await at.tell(*(news(subject=f"pi_{n}") for n in range(6)), wait=timedelta(hours=9))
        assert at.outside.ids() == []
        await at.wait(timedelta(hours=2))
        assert sequences(at.outside) == {"cus_1": [1, 2, 3, 4, 5, 6]}

    hall(story, Outside(topic_out_until=START + 10 * 3_600_000))


def test_a_refund_that_is_told_after_its_failure_is_kept_and_not_told() -> None:
    async def story(at: Hall) -> None:
        late, other = news("payment.refunded", mark="re_1"), news("payment.refunded", mark="re_2")
        await at.tell(news())
        await at.tell(news("payment.refund_failed", mark="re_1"))
        await at.tell(late, other)
        assert types(at) == ["payment.successful", "payment.refund_failed", "payment.refunded"]
        assert (await at.event(late)).stale == "payment.refund_failed was noted of pi_1 before"

    hall(story)


def test_a_dispute_that_is_over_is_not_opened_any_more() -> None:
    async def story(at: Hall) -> None:
        late = news("dispute.opened", mark="dp_1")
        changed = news("dispute.updated", mark="dp_1/updated/under_review")
        moved = news("dispute.updated", mark="dp_1/funds_reinstated/won")
        other = news("dispute.opened", mark="dp_2")
        await at.tell(news())
        await at.tell(news("dispute.closed", mark="dp_1/won"))
        await at.tell(late, changed, moved, other)
        assert types(at)[:2] == ["payment.successful", "dispute.closed"]
        assert sorted(types(at)[2:]) == ["dispute.opened", "dispute.updated"]
        for each in (late, changed):
            assert (await at.event(each)).stale == "dispute.closed was noted of pi_1 before"
        for each in (moved, other):
            assert not (await at.event(each)).stale

    hall(story)


def test_a_state_that_is_noted_after_a_restore_is_another_event() -> None:
    """The backup knows four states; the fifth was told, and after the restore another one is the fifth."""
    late, moved = details("past_due"), details(period_end=START + 9)
    told_, again, other = (news_of(told(), LIVE, each, 5) for each in (late, late, moved))
    assert told_ is not None
    assert again is not None
    assert other is not None
    assert told_.id == again.id != other.id


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_in_whatever_order_a_subscription_is_told_of_it_is_told_as_it_is(order: tuple[int, ...]) -> None:
    """Three events of one second; Stripe, asked, says how it is now."""

    async def story(at: Hall) -> None:
        events = [told(what, f"evt_{n}") for n, what in enumerate(("created", "updated", "deleted"))]
        await at.tell(*(events[n] for n in order))
        await at.wait(HOUR)
        assert types(at) == ["subscription.canceled"]
        (over,) = await at.billing.subscriptions_of("cus_1")
        assert over.ended

    hall(story, Outside(subscriptions=[OVER]))


def test_a_subscriptions_life_is_told_by_its_differences() -> None:
    async def story(at: Hall) -> None:
        for number in range(5):
            await at.tell(told(event=f"evt_{number}"))
        assert types(at) == ["subscription.created", "subscription.updated", "subscription.canceled"]
        last = at.outside.published[-1].news
        assert (last.data["reason"], last.data["previousStatus"]) == ("cancellation_requested", "past_due")
        assert last.data["endedAt"] is not None
        assert last.data["canceledAt"] is not None
        assert last.user == "user_1"

    late = details("past_due", period_end=START + 1)
    hall(story, Outside(subscriptions=[LIVE, LIVE, late, OVER, LIVE]))


def test_an_end_is_numbered_after_the_beginning_whoever_publishes_first() -> None:
    """Both are noted; the run that publishes the end comes first, as with two processes it may."""

    async def story(at: Hall) -> None:
        begun, over = told(event="evt_1"), told("deleted", event="evt_2")
        for fact, reading, seen in ((begun, 1, LIVE), (over, 2, OVER)):
            await at.commit(await at.billing.take_reading(f"stripe/default/test/{fact.subscription_id}"))
            await at.commit(await at.billing.note_subscription(fact, reading, seen))
        kept = sorted((await at.billing.page()).items, key=lambda event: event.sequence)
        assert [(event.news.type, event.sequence) for event in kept] == [
            ("subscription.created", 1),
            ("subscription.canceled", 2),
        ]
        await at.tell(kept[1].news)
        await at.tell(kept[0].news, wait=timedelta(hours=2))
        assert types(at) == ["subscription.created", "subscription.canceled"]

    hall(story)


def test_a_late_update_never_brings_back_what_was_deleted() -> None:
    async def story(at: Hall) -> None:
        await at.tell(told("deleted", "evt_1"))
        await at.tell(told("updated", "evt_2"))
        assert types(at) == ["subscription.canceled"]
        (over,) = await at.billing.subscriptions_of("cus_1")
        assert over.details == details(
            "canceled",
            ended_at=START + 5,
            canceled_at=START + 4,
            reason="cancellation_requested",
            user="user_1",
        )

    hall(story, Outside(subscriptions=[OVER, LIVE]))


def test_what_was_read_earlier_never_replaces_what_was_read_later() -> None:
    async def story(at: Hall) -> None:
        first, second = told(event="evt_1"), told(event="evt_2")
        for _ in range(2):
            await at.commit(await at.billing.take_reading("stripe/default/test/sub_1"))
        await at.commit(await at.billing.note_subscription(second, 2, details("past_due")))
        earlier = await at.billing.note_subscription(first, 1, LIVE)
        assert earlier == Done("a later reading was noted before")

    hall(story)


@pytest.mark.parametrize(
    ("over", "type_"),
    [
        (details("canceled", reason="cancellation_requested"), "subscription.canceled"),
        (details("canceled", reason="payment_failed"), "subscription.expired"),
        (details("canceled", reason="payment_disputed"), "subscription.expired"),
        (details("canceled", reason="canceled_by_retention_policy"), "subscription.expired"),
        (details("canceled", cancel_at=START, ended_at=START), "subscription.expired"),
        (details("canceled", cancel_at=START + 9, ended_at=START), "subscription.canceled"),
        (details("canceled", ended_at=START), "subscription.canceled"),
        (details("incomplete_expired"), "subscription.expired"),
    ],
)
def test_whether_it_was_canceled_or_ran_out(over: SubscriptionDetails, type_: str) -> None:
    assert ended_as(over) == type_


def test_an_id_follows_from_what_happened_alone() -> None:
    one = news()
    same = BillingNews(one.account, one.type, one.subject, START + 5, live=True, event="evt_9", user="x")
    assert one.id == same.id
    assert len({one.id, news(subject="pi_2").id, news(mark="x").id, news("payment.failed").id}) == 4
