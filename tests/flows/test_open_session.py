"""A user gets the page that they asked for, and has one customer: however many ask at once, and wherever it is killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import pytest

from onpaid.domain.sessions import (
    CustomerRef,
    CustomerWanted,
    SessionRef,
    SessionWanted,
    User,
    UserCustomer,
)
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.testing import START, Ending, Scene, crash_everywhere, play, run_virtually
from onpaid.flows.open_session import DELETED
from onpaid.repositories.user_customers import (
    STRIPE_CUSTOMERS,
    USER_CUSTOMERS,
    KnownCustomer,
    StripeCustomer,
    UserCustomers,
)
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.flows.cash_box import TILL_LANES, CashBox
from tests.flows.fates import Fates
from tests.flows.kiosk import ADA, COURSE, GONE, MONTHLY, SESSION_FLOWS, SHOP, priced, session_guests

BACK = (f"{SHOP}/thanks", f"{SHOP}/cart")


def wish(number: int = 1, user: User = ADA, price: str = COURSE.id) -> SessionWanted:
    return SessionWanted(f"os_{number}", user, price, *BACK)


@dataclass
class Told:
    """A scene with its books at hand."""

    wishes: tuple[msgspec.Struct, ...]
    fates: dict[str, list[str]]
    deleted: bool = False
    given_up: bool = False
    sessions: int = 1
    customers: int = 1

    def scene(self) -> Scene:
        box = CashBox(Fates(self.fates))
        stores: list[Store] = []

        async def before(store: Store) -> None:
            stores.append(store)
            await priced(store)
            if self.given_up:
                fact = msgspec.Raw(msgspec.json.encode(CustomerWanted(ADA)))
                run = Run("file_customer:u-1#1", "file_customer", fact, START, "cancelled")
                await store.commit([RUNS.insert(run)])
            if self.deleted:
                ref = CustomerRef("cus_1", ADA.email, ADA.id)
                box.customers_made.append((CustomerWanted(ADA), ref, 0.0))
                box.deleted.add("cus_1")
                record = UserCustomer(ADA.id, "cus_1", START, START, ADA.role, ADA.email)
                await store.commit(
                    [
                        USER_CUSTOMERS.insert(record),
                        STRIPE_CUSTOMERS.insert(StripeCustomer("cus_1", ADA.id)),
                    ]
                )

        def check(end: Ending) -> None:
            assert not box.faults, box.faults
            states = [run.state for run in end.runs if not self.given_up or run.id != "file_customer:u-1#1"]
            assert states == ["done"] * len(states)
            assert not end.tickets
            assert len(box.sessions) == self.sessions
            assert len(box.customers_made) == self.customers
            assert (len(box.products), len(box.prices)) == (1, 1)
            assert {draft.customer_id for draft, _ in box.sessions} == set(box.living(ADA.id))

        return Scene(
            SESSION_FLOWS,
            self.wishes,
            lambda store, clock: session_guests(box, store),
            check,
            lanes=TILL_LANES,
            before=before,
        )


TOLD = {
    "a new user": lambda: Told((wish(),), {}),
    "two wishes of a new user at once": lambda: Told((wish(1), wish(2)), {}, sessions=2),
    "a user whose customer was deleted": lambda: Told((wish(1), wish(2)), {}, True, sessions=2, customers=2),
    "a user whose customer was given up": lambda: Told((wish(1), wish(2)), {}, given_up=True, sessions=2),
    "lost answers": lambda: Told(
        (wish(),),
        {"create_customer": ["lost reply"], "create_session": ["reset"], "create_price": ["503 after"]},
    ),
    "late requests": lambda: Told(
        (wish(),), {"create_customer": ["late"], "create_session": ["reset, late"]}
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_crash_at_every_write_changes_nothing(name: str) -> None:
    assert crash_everywhere(lambda: TOLD[name]().scene()) > 8


def test_a_customer_is_looked_for_from_the_moment_in_which_it_was_first_wanted() -> None:
    """A lost one without an e-mail address is found among those made since then, and later wishes change nothing."""
    box = CashBox()

    async def before(store: Store) -> None:
        await priced(store)

    def check(end: Ending) -> None:
        started = [run.started for run in end.runs if run.flow == "open_session"]
        ((wanted, _, _),) = box.customers_made
        assert wanted.wanted_at in started
        assert wanted.wanted_at >= START

    scene = Scene(
        SESSION_FLOWS,
        (wish(1), wish(2)),
        lambda store, clock: session_guests(box, store),
        check,
        lanes=TILL_LANES,
        before=before,
    )
    check(run_virtually(lambda: play(scene)))


def test_the_runs_answer_with_what_was_made() -> None:
    def ended() -> Ending:
        return run_virtually(lambda: play(Told((wish(),), {}).scene()))

    end = ended()
    assert msgspec.json.decode(end.run("open_session").result, type=SessionRef) == SessionRef(
        "cs_1", "https://checkout.example/cs_1", "cus_1"
    )
    assert end.run("file_customer").id == "file_customer:u-1#1"
    assert end.run("open_session").about == ["user:u-1", "price:course-1"]


@pytest.mark.parametrize("dies_at", [None, 1, 50, 99, 100, 101, 140, 199, 250, 300, 400, 500])
def test_a_hundred_wishes_of_a_new_user_are_one_customer_one_product_and_one_price(
    dies_at: int | None,
) -> None:
    """In peace, and in a process that dies after its nth write, with every wish told again to the next one."""
    crowd = Told(tuple(wish(number) for number in range(100)), {}, sessions=100)
    scene = crowd.scene()
    crashes = [] if dies_at is None else [(dies_at, True)]
    end = run_virtually(lambda: play(scene, crashes=crashes, redeliver=True))
    scene.check(end)
    assert len([run for run in end.runs if run.flow == "open_session"]) == 100
    assert end.run("file_customer").state == "done"


@pytest.mark.parametrize("seed", range(5))
def test_a_hundred_wishes_are_one_customer_whatever_becomes_of_the_calls(seed: int) -> None:
    box = CashBox(Fates(seed=seed, share=0.3))
    checked: list[int] = []

    def check(end: Ending) -> None:
        checked.append(len(end.runs))
        assert {run.state for run in end.runs} == {"done"}

    scene = Scene(
        SESSION_FLOWS,
        tuple(wish(number) for number in range(100)),
        lambda store, clock: session_guests(box, store),
        check,
        lanes=TILL_LANES,
        before=priced,
    )
    scene.check(run_virtually(lambda: play(scene)))
    assert checked == [102]  # a hundred wishes, one customer, one price
    assert not box.faults
    assert len(box.living(ADA.id)) == len(box.prices) == len(box.products) == 1
    assert len(box.sessions) == 100
    assert len({draft.reference for draft, _ in box.sessions}) == 100


def _drafted(price: str) -> bool:
    box = CashBox()
    scene = Scene(
        SESSION_FLOWS,
        (wish(price=price),),
        lambda store, clock: session_guests(box, store),
        lambda end: None,
        lanes=TILL_LANES,
        before=priced,
    )
    run_virtually(lambda: play(scene))
    ((draft, _),) = box.sessions
    assert draft.price_id == box.prices[0].price_id
    return draft.recurring


def test_the_mode_is_chosen_by_the_price() -> None:
    assert _drafted(MONTHLY.id) is True
    assert _drafted(COURSE.id) is False


@pytest.mark.parametrize("price", ["nothing", GONE.id])
def test_what_is_not_sold_is_a_ticket_and_nothing_is_made(price: str) -> None:
    box = CashBox()
    scene = Scene(
        SESSION_FLOWS,
        (wish(price=price),),
        lambda store, clock: session_guests(box, store),
        lambda end: None,
        before=priced,
    )
    end = run_virtually(lambda: play(scene))
    assert end.run("open_session").state == "failed"
    assert [ticket.category for ticket in end.tickets] == ["payment"]
    assert (box.sessions, box.customers_made, box.prices) == ([], [], [])


# -- the record of a user ------------------------------------------------------------------------------------------


def told(story: Callable[[UserCustomers, Store], object]) -> None:
    async def main() -> None:
        store = MemoryStore()
        await story(UserCustomers(store), store)  # type: ignore[misc]

    run_virtually(main)


async def keep(store: Store, act: object) -> object:
    done = await act  # type: ignore[misc]
    if done.writes:
        await store.commit(done.writes)
    return done.value


def test_a_user_is_found_both_ways_and_replacements_are_kept_with_their_reason() -> None:
    async def story(customers: UserCustomers, store: Store) -> None:
        first, second = CustomerRef("cus_1"), CustomerRef("cus_2")
        assert await keep(store, customers.note_customer(CustomerWanted(ADA), first, 10)) is True
        assert await keep(store, customers.note_customer(CustomerWanted(ADA), first, 11)) is True
        assert await keep(store, customers.note_replaced(ADA.id, "cus_1", DELETED, 20)) is True
        assert await keep(store, customers.note_replaced(ADA.id, "cus_1", DELETED, 21)) is False
        known = await keep(store, customers.look_customer(ADA, 22))
        assert (known.customer_id, known.generation) == ("", 1)  # type: ignore[attr-defined]
        assert await keep(store, customers.note_customer(CustomerWanted(ADA, 2), second, 30)) is True
        assert await keep(store, customers.note_customer(CustomerWanted(ADA), first, 31)) is False
        record = await customers.of_user(ADA.id)
        assert record is not None
        assert (record.customer_id, record.generation, record.created_at) == ("cus_2", 2, 10)
        assert [(each.customer_id, each.why, each.at) for each in record.replaced] == [("cus_1", DELETED, 20)]
        assert await customers.of_customer("cus_2") == await customers.of_customer("cus_1") == record
        assert await customers.of_customer("cus_9") is None
        assert (await customers.listed()).items == [record]

    told(story)


def test_role_and_address_follow_the_token_and_are_never_taken_away() -> None:
    async def story(customers: UserCustomers, store: Store) -> None:
        await keep(store, customers.note_customer(CustomerWanted(User("u-1")), CustomerRef("cus_1"), 10))
        await keep(store, customers.look_customer(ADA, 20))
        await keep(store, customers.look_customer(User("u-1"), 30))
        record = await customers.of_user("u-1")
        assert record is not None
        assert (record.role, record.email, record.updated_at) == ("member", "ada@example.org", 20)
        await keep(store, customers.look_customer(User("u-1", "owner"), 5))
        record = await customers.of_user("u-1")
        assert record is not None
        assert (record.role, record.email, record.updated_at) == ("owner", "ada@example.org", 20)

    told(story)


def test_a_customer_of_test_mode_is_none_once_money_is_real() -> None:
    async def story(_: UserCustomers, store: Store) -> None:
        test, live = UserCustomers(store), UserCustomers(store, live=True)
        await keep(store, test.note_customer(CustomerWanted(ADA), CustomerRef("cus_test"), 10))
        for _again in range(2):
            known = await keep(store, live.look_customer(ADA, 20))
            assert (known.customer_id, known.generation) == ("", 1)  # type: ignore[attr-defined]
        await keep(store, live.note_customer(CustomerWanted(ADA, 2), CustomerRef("cus_live"), 30))
        record = await live.of_user(ADA.id)
        assert record is not None
        assert [each.customer_id for each in record.replaced] == ["cus_test"]
        assert await keep(store, live.look_customer(ADA, 40)) == KnownCustomer("cus_live", 2)

    told(story)


def test_a_later_customer_takes_the_place_of_one_that_nobody_knew_to_be_gone() -> None:
    async def story(customers: UserCustomers, store: Store) -> None:
        await keep(store, customers.note_customer(CustomerWanted(ADA), CustomerRef("cus_1"), 10))
        await keep(store, customers.note_customer(CustomerWanted(ADA, 2), CustomerRef("cus_2"), 20))
        record = await customers.of_user(ADA.id)
        assert record is not None
        assert [each.customer_id for each in record.replaced] == ["cus_1"]

    told(story)
