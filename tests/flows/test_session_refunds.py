"""What went back of a session: told one by one or as a whole, in any order, and before anybody knew the session."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.sessions import Session
from onpaid.engine.testing import START
from onpaid.errors import Conflict
from onpaid.repositories.payments import Payments
from onpaid.repositories.session_refunds import EARLY_REFUNDS, with_refunds
from onpaid.repositories.sessions import Sessions
from onpaid.store.port import Store
from tests.flows.sales_box import ACCOUNT, SalesBox, sold_line
from tests.flows.test_keep_session import KEY, SESSION, keep

PAID = 49_900
NEW = Session(
    "stripe/default/test/cs_1", "cs_1", "paid", START, START, total=Money(PAID, "NOK"), payment_id="pi_cs_1"
)


def one(ident: str, minor: int, *, failed: bool = False, payment: str = "pi_cs_1") -> PaymentChanged:
    """What an event of one refund says."""
    what = "refund.failed" if failed else "refund.created"
    event = f"evt_{what}_{ident}"
    return PaymentChanged(
        ACCOUNT, payment, what, Money(minor, "NOK"), event, START, refund=ident, failed=failed
    )


def whole(minor: int, currency: str = "NOK") -> PaymentChanged:
    """What an event of the charge says: all that went back so far."""
    return PaymentChanged(
        ACCOUNT, "pi_cs_1", "charge.refunded", Money(minor, currency), f"evt_all_{minor}", START
    )


@given(
    st.lists(st.tuples(st.integers(1, 5_000), st.booleans()), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.floats(0, 1),
)
def test_whatever_is_told_and_in_whatever_order_it_comes_to_what_went_back(
    refunds: list[tuple[int, bool]], seed: int, share: float
) -> None:
    """A refund that fails does so before the next one is made, as its charge then says."""
    random, told, back = Random(seed), [], 0
    for nth, (minor, fails) in enumerate(refunds):
        told.append(one(f"re_{nth}", minor))
        if random.random() < share:
            told.append(whole(back + minor))
        if fails:
            told.append(one(f"re_{nth}", minor, failed=True))
        else:
            back += minor
    told += told[::2]  # some come twice
    random.shuffle(told)
    assert with_refunds(NEW, told).refunded == back


def test_the_whole_alone_is_enough() -> None:
    assert with_refunds(NEW, [whole(300), whole(1_000), whole(500)]).refunded == 1_000


@pytest.mark.parametrize(
    "change",
    [
        one("re_1", 0),
        whole(500, "SEK"),
        PaymentChanged(ACCOUNT, "pi_cs_1", "charge.dispute.created", Money(500, "NOK"), "evt_1", START),
        PaymentChanged(ACCOUNT, "pi_cs_1", "refund.failed", Money(500, "NOK"), "evt_1", START),
    ],
    ids=["of nothing", "in another currency", "a dispute", "that some refund failed"],
)
def test_what_says_nothing_of_money_that_went_back_changes_no_figure(change: PaymentChanged) -> None:
    assert with_refunds(NEW, [change]).refunded == 0


def test_never_more_went_back_than_was_paid() -> None:
    assert with_refunds(NEW, [one("re_1", PAID), one("re_2", PAID)]).refunded == PAID
    assert with_refunds(msgspec.structs.replace(NEW, total=None), [whole(1)]).refunded == 0


async def tell(store: Store, sessions: Sessions, *changes: PaymentChanged) -> None:
    for change in changes:
        writes = await sessions.note_refund(change)
        if writes:
            await store.commit(writes)


def test_a_refund_that_comes_before_its_session_is_noted_once_the_session_is_kept() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])
    early = (one("re_1", 1_000), one("re_1", 1_000), one("re_2", 500), whole(1_500))

    async def before(store: Store, sessions: Sessions) -> None:
        await tell(store, sessions, *early)

    async def after(store: Store, sessions: Sessions) -> None:
        await tell(store, sessions, one("re_3", 250), one("re_1", 1_000, failed=True))
        held = await EARLY_REFUNDS.get(store, f"{ACCOUNT}/pi_cs_1")
        assert held is not None
        assert len(held.record.changes) == 3, "one that came twice is kept once"

    kept = keep(box, before=before).session
    assert kept is not None
    assert kept.refunded == 1_500
    later = keep(box, before=before, after=after).session
    assert later is not None
    assert later.refunded == 750


def test_a_refund_at_the_moment_in_which_its_session_is_kept_is_told_again() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])
    read: list[list[object]] = []

    async def before(store: Store, sessions: Sessions) -> None:
        read.append(list(await sessions.note_refund(one("re_1", 1_000))))

    async def after(store: Store, sessions: Sessions) -> None:
        with pytest.raises(Conflict):
            await store.commit(read[0])  # type: ignore[arg-type]
        await tell(store, sessions, one("re_1", 1_000))
        session = await sessions.get(KEY)
        assert session is not None
        assert session.refunded == 1_000

    keep(box, before=before, after=after)


def test_a_refund_of_a_shops_payment_waits_for_no_session() -> None:
    box = SalesBox()
    box.sold(SESSION, [sold_line()])

    async def after(store: Store, sessions: Sessions) -> None:
        of_shop = PaymentSucceeded(ACCOUNT, "pi_shop", "konverzky/1", Money(PAID, "NOK"), START, False)
        await store.commit((await Payments(store).receive(of_shop, START))[0])
        assert await sessions.note_refund(one("re_1", 100, payment="pi_shop")) == []

    keep(box, after=after)
