"""Scenes of every flow, for `crash_everywhere` and for the golden journals: what is there before, what happens, what
must have come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import msgspec

from onpaid.domain.customers import contact_details
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged
from onpaid.domain.problems import IssueWanted, ProblemSeen, fingerprint
from onpaid.engine.journal import Ticket
from onpaid.engine.pace import Pace
from onpaid.engine.testing import START, Ending, Scene
from onpaid.repositories.incoming_orders import receive_order
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.problems import PROBLEMS, Problem
from onpaid.store.port import Store
from tests.flows.board import Board, Pager
from tests.flows.fates import Fates
from tests.flows.stage import ACCOUNT, FLOWS, KARI, RULES, details_of, guests, line, order_received, paid_for
from tests.flows.world import LANES, World

Check = Callable[[World, Ending], None]

BOOK = line("77", "199.00")
SEEN = ProblemSeen(
    fingerprint=fingerprint("test", "delivery", "Shipment creation failed", {}),
    count=1,
    ticket="tkt_1",
    category="delivery",
    severity="high",
    title="Shipment creation failed",
    opened_at="2026-01-01T00:00:00.000Z",
    environment="test",
)
PATIENT = replace(RULES, look_again=timedelta(minutes=30))
"""Looks again rarely, so that the tellings are few."""


async def with_order(store: Store) -> None:
    """An order is there."""
    incoming = await receive_order(store, Orders(store), order_received("1001", BOOK), START)
    await store.commit(incoming.writes)


async def with_payment(store: Store) -> None:
    """An order and its payment are there."""
    await with_order(store)
    writes, _ = await Payments(store).receive(paid_for("1001", "199.00"), START)
    await store.commit(writes)


async def with_problem(store: Store) -> None:
    """A problem of two tickets is there, and nobody has made its issue."""
    title = SEEN.title
    kept = Problem(SEEN.fingerprint, "test", "delivery", "high", title, 2, ["tkt_1", "tkt_2"], START, START)
    await store.commit([PROBLEMS.insert(kept)])


async def with_nothing(_store: Store) -> None:
    """Nothing is there."""


@dataclass
class Story:
    """One flow from its fact to its end."""

    name: str
    fact: msgspec.Struct
    before: Callable[[Store], Awaitable[None]]
    check: Check
    fates: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tick: timedelta = timedelta(seconds=5)
    tracker: Callable[[World], Board] | None = None
    rules = PATIENT

    def scene(self, world: World | None = None, fates: Mapping[str, Sequence[str]] | None = None) -> Scene:
        """The scene, in a world of its own."""
        world = world or World(Fates(self.fates if fates is None else fates))
        paid = paid_for("1001", "199.00")
        world.payments.setdefault(paid.payment_id, details_of(paid))
        world.customers.setdefault("cus_kari", KARI)
        if self.tracker is not None:
            world.tracker, world.alerting = self.tracker(world), Pager(world)

        def check(end: Ending) -> None:
            assert not world.faults, world.faults
            self.check(world, end)

        return Scene(
            FLOWS,
            [self.fact],
            lambda store, _clock: guests(world, store, self.rules),
            check,
            lanes=LANES,
            before=self.before,
            pace=Pace(tick=self.tick),
        )


def _invoiced(world: World, end: Ending) -> None:
    made = (len(world.contacts), len(world.invoices), world.mails)
    assert made == (1, 1, 1), f"made {made} instead of one of each"
    assert end.run("invoice_payment").state == "done"
    assert not end.tickets


def _invoiced_or_doubt(world: World, end: Ending) -> None:
    """A mail whose sender died is found by the number of dispatches, or a person is asked; never two."""
    assert (len(world.contacts), len(world.invoices)) == (1, 1)
    assert world.mails <= 1
    run = end.run("invoice_payment")
    if world.mails:
        assert run.state == "done", run.reason
        assert not end.tickets
    else:
        assert run.state == "doubtful", run.state
        assert [ticket.category for ticket in end.tickets] == ["doubt"]


def _contact(world: World, end: Ending) -> None:
    assert len(world.contacts) == 1
    assert end.run("file_contact").state == "done"


def _expired(_world: World, end: Ending) -> None:
    run = end.run("expire_order")
    assert run.state == "done"
    assert msgspec.json.decode(run.result) == "nobody paid within 14 days"


def _paid(_world: World, end: Ending) -> None:
    run = end.run("expire_order")
    assert msgspec.json.decode(run.result) == "paid by stripe/default/test/pi_1"


def _change_reported(world: World, end: Ending) -> None:
    assert end.run("report_payment_change").state == "failed"
    assert [ticket.category for ticket in end.tickets] == ["payment"]
    assert len(world.tickets) == 1


def _stranger(world: World, end: Ending) -> None:
    assert end.run("report_payment_change").state == "done"
    assert not end.tickets
    assert not world.tickets


def _opened(world: World, end: Ending) -> None:
    assert len(world.tracker.issues) == 1
    assert end.run("open_issue").state == "done"
    assert not end.tickets


def _filed(world: World, end: Ending) -> None:
    assert [ticket.id for ticket in world.tickets] == ["tkt_1"]
    assert end.run("file_ticket").state == "done"


def _told(world: World, end: Ending) -> None:
    """A critical ticket went its whole way."""
    assert [ticket.id for ticket in world.tickets] == ["tkt_2"]
    assert world.alerting.told
    _reported(world, end, [[]])


def _commented(world: World, end: Ending) -> None:
    _reported(world, end, [[2]])


def _followed(world: World, end: Ending) -> None:
    """The issue was closed by people: the comment is in the next one."""
    _reported(world, end, [[], [2]])


def _reported(world: World, end: Ending, expected: list[list[int]]) -> None:
    """How many issues there are, and which counts their comments tell."""
    assert [issue.counts for issue in world.tracker.issues] == expected
    assert end.run("report_problem").state == "done"
    assert all(run.state == "done" for run in end.runs if run.flow == "open_issue")
    assert not end.tickets


def _misfit(world: World, end: Ending) -> None:
    assert not world.invoices
    assert end.run("invoice_payment").state == "failed"
    assert len(end.tickets) == len(world.tickets) == 1


_PAID = paid_for("1001", "199.00")
_CHANGED = PaymentChanged(ACCOUNT, "pi_1", "charge.refunded", Money(5_000, "NOK"), "evt_refund", START)
_CONTACT = contact_details(KARI, ACCOUNT)
_TICKET = Ticket(
    "tkt_1", "payment", "high", "Paid twice?", START, {"payment": "pi_1"}, about=["order:konverzky/1001"]
)
_CRITICAL = Ticket("tkt_2", "internal", "critical", "A fault in onpaid stopped this run", START)
_AGAIN = msgspec.structs.replace(SEEN, count=2, ticket="tkt_2")
_ORDER = order_received("1001", BOOK)
_SLOW = timedelta(days=1)

STORIES = (
    Story("invoice_payment", _PAID, with_order, _invoiced_or_doubt),
    Story(
        "invoice_payment misfit", paid_for("1001", "150.00"), with_order, _misfit, tick=timedelta(minutes=15)
    ),
    Story("file_contact", _CONTACT, with_nothing, _contact),
    Story("expire_order unpaid", _ORDER, with_order, _expired, tick=_SLOW),
    Story("expire_order paid", _ORDER, with_payment, _paid, tick=_SLOW),
    Story("report_payment_change", _CHANGED, with_payment, _change_reported),
    Story("report_payment_change stranger", _CHANGED, with_nothing, _stranger, tick=_SLOW),
    Story("file_ticket", _TICKET, with_nothing, _filed),
    Story("file_ticket critical", _CRITICAL, with_nothing, _told, tracker=Board),
    Story("open_issue", IssueWanted(1, SEEN), with_problem, _opened, tracker=Board),
    Story("report_problem", _AGAIN, with_problem, _commented, tracker=Board),
    Story("report_problem closed", _AGAIN, with_problem, _followed, tracker=partial(Board, closing=True)),
)
TROUBLED = (
    Story("lost contact", _PAID, with_order, _invoiced_or_doubt, {"create_contact": ["lost reply"]}),
    Story("lost invoice", _PAID, with_order, _invoiced_or_doubt, {"create_invoice": ["lost reply"]}),
    Story("late invoice", _PAID, with_order, _invoiced_or_doubt, {"create_invoice": ["late"]}),
    Story("lost mail", _PAID, with_order, _invoiced_or_doubt, {"send_receipt": ["lost reply"]}),
    Story("late ticket", _TICKET, with_nothing, _filed, {"file_ticket": ["late"]}),
    Story("lost issue", _AGAIN, with_problem, _commented, {"create_issue": ["lost reply"]}, tracker=Board),
    Story("late comment", _AGAIN, with_problem, _commented, {"comment": ["late"]}, tracker=Board),
)
