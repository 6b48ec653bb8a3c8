"""Events come in any order: what they lead to is the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.app.arrival import GAPS, MIXES, Mix, differing
from tests.app.counter import AUDIO, BOOK, Counter, at_the_counter


@pytest.mark.parametrize("gap", GAPS, ids=str)
@pytest.mark.parametrize("mix", MIXES, ids=lambda mix: mix.name)
def test_every_order_of_arrival_leads_to_the_same_end(mix: Mix, gap: timedelta) -> None:
    found = differing((mix,), (gap,))
    assert found["told"] == 24
    assert found["differing"] == 0, "\n".join(found["examples"])


def test_a_word_of_the_shop_that_was_overtaken_is_kept_and_changes_nothing() -> None:
    """The upsell's webhook arrives first, its order's only after both were invoiced."""

    async def story(counter: Counter) -> None:
        await counter.told_order("1001", BOOK, AUDIO, created="2026-01-01T00:01:00Z")
        await counter.told_paid("1001", 29_900)
        await counter.rest()
        await counter.told_order("1001", BOOK, created="2026-01-01T00:00:00Z")
        await counter.rest()
        assert not await counter.tickets()
        (order,) = (await counter.guests["orders"].newest()).items
        assert [len(revision.lines) for revision in order.revisions] == [1, 2]
        assert [revision.number for revision in order.revisions] == [2, 1]
        assert len(order.latest.lines) == 2

    at_the_counter(story)


def test_without_the_shops_time_the_last_word_counts() -> None:
    async def story(counter: Counter) -> None:
        await counter.told_order("1001", BOOK, AUDIO)
        await counter.told_order("1001", BOOK)
        (order,) = (await counter.guests["orders"].newest()).items
        assert len(order.latest.lines) == 1

    at_the_counter(story)
