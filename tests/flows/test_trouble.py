"""Every fate at every call: one contact, one invoice, one mail, or exactly one ticket where nothing can be proven."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onpaid.domain.invoices import Dispatch
from onpaid.engine.testing import run_virtually
from tests.flows.fates import DRAWN_FOR_ACTS, DRAWN_FOR_READS, Fates
from tests.flows.stage import Stage, line, tell
from tests.flows.world import World

BOOK = line("77", "199.00")
READS = (
    "fetch_payment",
    "fetch_customer",
    "fetch_invoice",
    "count_dispatches",
    "find_contact",
    "find_invoice",
)
UNPROVEN = {"lost request", "reset before", "503 before", "bug"}
"""Fates of a mail after which nobody can know that none went out."""


async def _sell(stage: Stage) -> None:
    await stage.order("1001", BOOK)
    await stage.pays("1001", "199.00")
    await stage.rest()


@pytest.mark.parametrize("fate", [*DRAWN_FOR_ACTS, "bug"])
@pytest.mark.parametrize("operation", ["create_contact", "create_invoice"])
def test_an_act_that_can_be_looked_up_happens_once(operation: str, fate: str) -> None:
    async def story(stage: Stage) -> None:
        await _sell(stage)
        assert (len(stage.world.contacts), len(stage.world.invoices), stage.world.mails) == (1, 1, 1)
        assert not await stage.tickets()

    tell(story, fates={operation: [fate]})


@pytest.mark.parametrize(
    "fates", [["lost request", "late"], ["late", "lost reply"], ["503 before"] * 3, ["429"] * 9]
)
@pytest.mark.parametrize("operation", ["create_contact", "create_invoice"])
def test_trouble_in_a_row_changes_nothing(operation: str, fates: list[str]) -> None:
    async def story(stage: Stage) -> None:
        await _sell(stage)
        assert (len(stage.world.contacts), len(stage.world.invoices), stage.world.mails) == (1, 1, 1)
        assert not await stage.tickets()

    tell(story, fates={operation: fates})


@pytest.mark.parametrize("fate", DRAWN_FOR_READS)
@pytest.mark.parametrize("operation", READS)
def test_a_read_is_repeated(operation: str, fate: str) -> None:
    async def story(stage: Stage) -> None:
        await _sell(stage)
        assert (len(stage.world.contacts), len(stage.world.invoices), stage.world.mails) == (1, 1, 1)
        assert not await stage.tickets()

    tell(story, fates={operation: [fate]})


@pytest.mark.parametrize("fate", [*DRAWN_FOR_ACTS, "bug"])
def test_rule_13_a_mail_in_doubt_is_never_repeated(fate: str) -> None:
    """More dispatches than before prove a mail; no more than before prove nothing."""

    async def story(stage: Stage) -> None:
        await _sell(stage)
        sent = stage.world.mails
        tickets = await stage.tickets()
        run = await stage.run("invoice_payment", "pi_1")
        assert stage.world.calls["send_receipt"] == (2 if fate == "429" else 1)
        if sent == 1:
            assert run.state == "done"
            assert not tickets
        else:
            assert fate in UNPROVEN
            assert run.state == "doubtful"
            assert [ticket.category for ticket in tickets] == ["doubt"]

    tell(story, fates={"send_receipt": [fate]})


def test_rule_13_the_mails_that_were_there_before_prove_nothing() -> None:
    """Somebody mailed the invoice by hand before the run came to it: it does not mail a second time."""

    async def story(stage: Stage) -> None:
        await stage.order("1001", BOOK)
        await stage.pays("1001", "199.00")
        while not stage.world.invoices:
            await stage.clock.sleep(0.01)
        stage.world.invoices[0].mails.append(None)  # type: ignore[arg-type]
        await stage.rest()
        assert stage.world.mails == 1
        assert stage.world.calls["send_receipt"] == 0
        assert (await stage.run("invoice_payment", "pi_1")).state == "done"

    tell(story)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_person_settles_a_mail_in_doubt(arrived: bool) -> None:
    async def story(stage: Stage) -> None:
        await _sell(stage)
        run = await stage.run("invoice_payment", "pi_1")
        step = run.step("send receipt")
        assert step is not None
        result = {"invoice_id": 1, "count": 1} if arrived else None
        await stage.operations.settle(
            run.id, step="send receipt", attempt=step.tries, done=arrived, result=result, by="an operator"
        )
        await stage.rest()
        assert (await stage.run("invoice_payment", "pi_1")).state == "done"
        assert stage.world.mails == (0 if arrived else 1)
        assert not await stage.tickets()
        assert Dispatch(1, 1) == Dispatch(**(result or {"invoice_id": 1, "count": 1}))

    tell(story, fates={"send_receipt": ["lost request"]})


@pytest.mark.parametrize("operation", ["find_contact", "find_invoice"])
def test_rule_12_several_hits_are_a_ticket_and_no_second_act(operation: str) -> None:
    act = operation.replace("find", "create")

    async def story(stage: Stage) -> None:
        await _sell(stage)
        tickets = await stage.tickets()
        assert [ticket.category for ticket in tickets] == ["doubt"]
        assert stage.world.calls[act] == 0

    tell(story, fates={operation: ["several"] * 200})


def test_rule_14_a_revoked_token_is_one_ticket_and_resuming_the_lane_brings_all_home() -> None:
    async def story(stage: Stage) -> None:
        for nth in range(20):
            await stage.order(f"10{nth:02}", BOOK)
            await stage.pays(f"10{nth:02}", "199.00", payment=f"pi_{nth}")
        await stage.rest(timedelta(hours=1))
        assert [ticket.category for ticket in await stage.tickets()] == ["settings"]
        assert stage.world.calls["find_contact"] <= 2
        stage.world.fates = Fates()
        await stage.operations.resume("accounts", by="an operator")
        await stage.rest()
        assert len(stage.world.invoices) == stage.world.mails == 20
        assert not await stage.tickets()

    tell(story, fates={"find_contact": ["unauthorised"] * 500})


def test_a_refusal_of_the_draft_is_one_ticket_with_its_words() -> None:
    async def story(stage: Stage) -> None:
        await _sell(stage)
        ticket = await stage.ticket()
        assert ticket.category == "provider"
        assert "a field is wrong" in ticket.title
        assert not stage.world.invoices

    tell(story, fates={"create_invoice": ["refuse"]})


def test_accounts_that_are_down_for_six_hours_delay_nothing_but_their_own() -> None:
    """Orders and events go on being taken in; one ticket for each run that keeps failing; then all are invoiced."""

    async def story(stage: Stage) -> None:
        stage.world.fates = Fates(share=0.0, plan={"find_contact": ["503 before"] * 60})
        for nth in range(6):
            await stage.order(f"100{nth}", BOOK)
            await stage.pays(f"100{nth}", "199.00", payment=f"pi_{nth}")
        await stage.wait(timedelta(hours=6))
        assert {ticket.category for ticket in await stage.tickets()} == {"provider"}
        await stage.rest()
        assert len(stage.world.invoices) == stage.world.mails == 6
        assert not await stage.tickets()

    tell(story)


def test_rule_25_a_fault_that_lands_after_the_quiet_period_shows_as_double() -> None:
    """The control: the world breaks its promise, and nothing can help; the books must show it."""

    class Liar(World):
        async def called(
            self, operation: str, key: str, effect: object, answer: object, *, lane: str = ""
        ) -> object:  # type: ignore[override]
            import asyncio

            if operation == "create_invoice" and not self.calls[operation]:
                asyncio.get_running_loop().call_later(100, effect)  # type: ignore[arg-type]
                self.calls[operation] += 1
                await asyncio.sleep(1000)
            return await super().called(operation, key, effect, answer, lane=lane)  # type: ignore[arg-type]

    async def main() -> int:
        stage = Stage(Liar())
        await _sell(stage)
        await stage.wait(timedelta(minutes=10))
        return len(stage.world.invoices)

    assert run_virtually(main) == 2
