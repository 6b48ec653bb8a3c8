"""One bad event, or a provider that hangs, is nobody else's trouble."""

from __future__ import annotations

from datetime import timedelta

from onpaid.domain.events import Envelope, Judged
from tests.app.counter import Counter, at_the_counter
from tests.app.post import sources
from tests.flows.fates import Fates
from tests.flows.world import World

POISON = "evt_500"
MANY = 300


class Poisoned:
    """A source that breaks over one event."""

    name = "stripe"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def __init__(self) -> None:
        self._well = sources()["stripe"]
        self.verify = self._well.verify
        self.read = self._well.read

    def judge(self, envelope: Envelope, body: bytes, received_at: int) -> Judged:
        if envelope.event_id == POISON:
            raise RecursionError("too deep")
        return self._well.judge(envelope, body, received_at)


def test_a_poisonous_event_among_many_delays_nobody_and_is_one_ticket() -> None:
    async def story(counter: Counter) -> None:
        for nth in range(MANY):
            await counter.told_order(str(1000 + nth))
            event = POISON if nth == MANY // 2 else f"evt_{nth}"
            receipt = await counter.told_paid(str(1000 + nth), 19_900, f"pi_{nth}", event)
            assert receipt.verdict == ("unrouted" if event == POISON else "routed")
        assert counter.clock.monotonic() < 1, "nothing waited for anything"
        await counter.rest()
        assert len(counter.world.invoices) == counter.world.mails == MANY - 1
        (ticket,) = await counter.tickets()
        assert ticket.category == "internal"
        assert len(counter.world.tickets) == 1

    at_the_counter(story, given={**sources(), "stripe": Poisoned()})


def test_events_are_taken_at_once_while_every_provider_hangs() -> None:
    """Every call hangs until its sender gives up; no delivery waits for any of them."""
    hanging = {
        operation: ["lost request"] * 4
        for operation in ("fetch_payment", "find_contact", "create_contact", "find_invoice", "create_invoice")
    }

    async def story(counter: Counter) -> None:
        for nth in range(60):
            before = counter.clock.monotonic()
            await counter.told_order(str(1000 + nth))
            await counter.told_paid(str(1000 + nth), 19_900, f"pi_{nth}", f"evt_{nth}")
            assert counter.clock.monotonic() == before
            await counter.wait(timedelta(seconds=1))
        await counter.rest()
        assert len(counter.world.invoices) == counter.world.mails == 60
        assert not await counter.tickets()

    at_the_counter(story, world=World(Fates(hanging)))


def test_accounts_that_hang_hold_up_no_tickets_and_no_orders() -> None:
    """What has nothing to do with the accounts is done meanwhile."""

    async def story(counter: Counter) -> None:
        await counter.told_order("1001")
        await counter.told_paid("1001", 19_900)
        await counter.wait(timedelta(seconds=5))
        await counter.told_paid("1002", 5_000, "pi_2", "evt_2")
        await counter.told_order("1002")
        await counter.wait(timedelta(hours=1, minutes=5))
        assert [ticket.category for ticket in await counter.tickets() if ticket.category == "invoice"]
        assert counter.world.tickets, "the misfit's ticket was filed while the accounts hang"
        assert not counter.world.invoices

    at_the_counter(story, world=World(Fates({"find_contact": ["lost request"] * 10_000})))
