"""A restored backup does not know what was done after it was made: it looks before every first act."""

from __future__ import annotations

import pytest

from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.flows.stage import Stage, body_of, line, paid_for, tell

BOOK = line("77", "199.00")


async def _backup_of(store: Store) -> MemoryStore:
    """A copy, as a backup would be."""
    assert isinstance(store, MemoryStore)
    copy = MemoryStore()
    copy._documents = dict(store._documents)
    copy._places.update({place: list(entries) for place, entries in store._places.items()})
    return copy


@pytest.mark.parametrize("after", ["nothing", "the contact", "the invoice", "the mail"])
def test_rule_23_a_restored_backup_does_nothing_twice(after: str) -> None:
    """The backup is made before anything was done, or at any time after; then all of it is told again."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        world = stage.world
        reached = {
            "nothing": lambda: True,
            "the contact": lambda: bool(world.contacts),
            "the invoice": lambda: bool(world.invoices),
            "the mail": lambda: bool(world.mails),
        }
        while not reached[after]():
            await stage.clock.sleep(0.1)
        backup = await _backup_of(stage.store)
        await stage.rest()
        assert (len(world.contacts), len(world.invoices), world.mails) == (1, 1, 1)
        await stage.stop()

        restored = Stage(world, store=backup, clock=stage.clock, generation=1)
        await restored.hear(paid_for("1001", "199.00"), event="evt_again")
        await restored.rest()
        assert (len(world.contacts), len(world.invoices), world.mails) == (1, 1, 1)
        assert (await restored.run("invoice_payment", "pi_1")).state == "done"
        assert not await restored.tickets()

    tell(story)


def test_rule_23_a_payment_that_the_backup_never_heard_of_adopts_its_invoice() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        backup = await _backup_of(stage.store)
        await stage.pays("1001", "199.00")
        await stage.rest()
        await stage.stop()
        restored = Stage(stage.world, store=backup, clock=stage.clock, generation=1)
        await restored.hear(paid_for("1001", "199.00"))
        await restored.rest()
        assert (len(restored.world.contacts), len(restored.world.invoices), restored.world.mails) == (1, 1, 1)
        assert (await restored.run("invoice_payment", "pi_1")).state == "done"

    tell(story)


def test_rule_23_tickets_are_not_filed_twice_either() -> None:
    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "150.00")
        backup = await _backup_of(stage.store)
        await stage.rest()
        assert len(stage.world.tickets) == 1
        await stage.stop()
        restored = Stage(stage.world, store=backup, clock=stage.clock, generation=1)
        await restored.rest()
        assert len(stage.world.tickets) == 1

    tell(story)


def test_the_body_of_an_event_survives_the_herald() -> None:
    fact = paid_for("1001", "199.00")
    assert body_of(fact, "evt_1") == body_of(fact, "evt_1")
