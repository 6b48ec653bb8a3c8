"""Changed after invoice: what differs, in words."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.differences import compare
from onpaid.domain.orders import OrderLine
from tests.domain.examples import line

BOOK, AUDIO = line("77", "199.00", name="E-book"), line("78", "100.00", name="Audio")


def test_nothing_differs() -> None:
    same = line("77", "199", quantity="1.0", vat="25.00", name="E-book")
    found = compare([BOOK, AUDIO], [AUDIO, same])
    assert not found
    assert not found.need_a_person
    assert found.sentences() == ()


def test_an_upsell_waits_and_needs_nobody() -> None:
    found = compare([BOOK], [BOOK, AUDIO])
    assert found
    assert not found.need_a_person
    assert found.added == (AUDIO,)
    assert found.sentences() == ("Audio (78), 1 at 100, was added, and waits for its payment",)


def test_a_removed_line_needs_a_person() -> None:
    found = compare([BOOK, AUDIO], [BOOK])
    assert found.need_a_person
    assert found.sentences() == ("Audio (78), 1 at 100, was removed",)


@pytest.mark.parametrize(
    ("now", "sentence"),
    [
        (line("77", "199.00", quantity="2", name="E-book"), "E-book (77): quantity was 1 and is 2"),
        (line("77", "149.50", name="E-book"), "E-book (77): unit price was 199 and is 149.5"),
        (line("77", "199.00", vat="15", name="E-book"), "E-book (77): VAT was 25 % and is 15 %"),
        (line("77", "199.00", name="Book"), "E-book (77): name was 'E-book' and is 'Book'"),
        (
            line("77", "1", quantity="9", vat="0", name="B"),
            "E-book (77): name was 'E-book' and is 'B', quantity was 1 and is 9, unit price was 199 and is 1, "
            "VAT was 25 % and is 0 %",
        ),
    ],
)
def test_an_altered_line_says_what_was_and_is(now: OrderLine, sentence: str) -> None:
    found = compare([BOOK], [now])
    assert found.need_a_person
    assert found.sentences() == (sentence,)


def test_the_ticket_tells_everything_and_what_needs_a_person_first() -> None:
    altered = msgspec.structs.replace(BOOK, quantity=BOOK.quantity * 2)
    problem = compare([BOOK, AUDIO], [altered, line("79")]).as_problem("konverzky/10042")
    assert problem.category == "order"
    assert problem.facts == {
        "order": "konverzky/10042",
        "change_1": "E-book (77): quantity was 1 and is 2",
        "change_2": "Audio (78), 1 at 100, was removed",
        "change_3": "Item 79 (79), 1 at 199, was added, and waits for its payment",
    }


orders = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.integers(0, 2), st.integers(1, 2)), max_size=6
).map(lambda told: [line(key, str(price), quantity=str(count)) for key, (price, count) in told.items()])


@given(orders, orders)
def test_every_line_is_in_one_of_the_answers(before: list[OrderLine], after: list[OrderLine]) -> None:
    found = compare(before, after)
    old, new = {each.key: each for each in before}, {each.key: each for each in after}
    assert {each.key for each in found.added} == new.keys() - old.keys()
    assert {each.key for each in found.removed} == old.keys() - new.keys()
    assert {each.invoiced.key for each in found.altered} == {
        key for key in old.keys() & new.keys() if old[key] != new[key]
    }
    assert len(found.sentences()) == len(found.added) + len(found.removed) + len(found.altered)
    assert bool(found) == (old != new)
    assert not compare(before, before)
