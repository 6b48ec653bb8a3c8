"""Which lines a payment takes: the ones it surely pays for, or none."""

from __future__ import annotations

import time
from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.allocation import Chosen, Nothing, added_by_revision, choose_lines
from onpaid.domain.amounts import gross_of
from onpaid.domain.money import Money
from onpaid.domain.orders import OrderLine, Revision
from onpaid.errors import Problem
from tests.domain.examples import line

BOOK, AUDIO, COURSE = line("1", "199.00"), line("2", "100.00"), line("3", "1299.00")


def choose(
    lines: list[OrderLine], paid: str, taken: tuple[str, ...] = (), *, gross: bool | None = True, **more: Any
) -> list[str] | Nothing:
    """The keys of the chosen lines, or why there are none."""
    currency = more.pop("currency", "NOK")
    got = choose_lines(lines, taken, Money.parse(paid, "NOK"), gross, currency, **more)
    return [each.key for each in got.lines] if isinstance(got, Chosen) else got


@pytest.mark.parametrize(
    ("lines", "paid", "taken", "chosen"),
    [
        ([BOOK], "199.00", (), ["1"]),
        ([BOOK, AUDIO], "299.00", (), ["1", "2"]),
        ([BOOK, AUDIO], "199.00", (), ["1"]),
        ([BOOK, AUDIO], "100.00", (), ["2"]),
        ([BOOK, AUDIO], "100.00", ("1",), ["2"]),
        ([COURSE, BOOK, AUDIO], "1399.00", (), ["3", "2"]),
        ([COURSE, BOOK, AUDIO], "299.00", ("3",), ["1", "2"]),
        # alike lines: whichever is taken, the invoice is the same
        ([line("7", "50"), line("7#2", "50"), line("7#3", "50")], "50.00", (), ["7"]),
        ([line("7", "50"), line("7#2", "50"), line("7#3", "50")], "100.00", ("7",), ["7#2", "7#3"]),
        ([line("7", "50"), line("7#2", "50"), line("7#3", "50")], "50.00", ("7",), ["7#2"]),
        # what costs nothing goes along
        ([BOOK, line("g", "0"), AUDIO], "199.00", (), ["1", "g"]),
        ([BOOK, line("g", "0")], "199.00", (), ["1", "g"]),
        # discounts
        ([BOOK, AUDIO, line("d", "-19.00")], "180.00", (), ["1", "d"]),
        ([BOOK, AUDIO, line("d", "-19.00")], "280.00", (), ["1", "2", "d"]),
        # a set that is rounded, by its sum or by its lines
        (
            [line("1", "10.004"), line("2", "10.004"), line("4", "10.004"), COURSE],
            "30.01",
            (),
            ["1", "2", "4"],
        ),
        (
            [line("1", "10.004"), line("2", "10.004"), line("4", "10.004"), COURSE],
            "30.00",
            (),
            ["1", "2", "4"],
        ),
    ],
)
def test_a_payment_takes(
    lines: list[OrderLine], paid: str, taken: tuple[str, ...], chosen: list[str]
) -> None:
    assert choose(lines, paid, taken) == chosen


def test_half_a_minor_unit_is_dropped_only_to_an_even_amount() -> None:
    assert choose([line("1", "10.005"), COURSE], "10.00") == ["1"]
    assert choose([line("1", "10.005"), COURSE], "10.01") == ["1"]
    assert choose([line("1", "10.015"), COURSE], "10.02") == ["1"]
    assert isinstance(choose([line("1", "10.015"), COURSE], "10.01"), Nothing)


def test_net_prices_are_paid_with_vat() -> None:
    assert choose([BOOK, AUDIO], "125.00", gross=False) == ["2"]
    assert choose([BOOK, AUDIO], "373.75", gross=False) == ["1", "2"]
    assert isinstance(choose([BOOK, AUDIO], "100.00", gross=False), Nothing)


def test_all_lines_are_taken_even_if_some_of_them_would_do() -> None:
    lines = [BOOK, line("a", "50"), line("b", "-50")]
    assert choose(lines, "199.00") == ["1", "a", "b"]


def test_several_sets_are_a_persons_choice() -> None:
    got = choose([AUDIO, line("9", "100.00", name="Other"), BOOK], "100.00")
    assert isinstance(got, Nothing)
    assert got.kind == "ambiguous"
    assert {got.facts["either"], got.facts["or"]} == {"Item 2 (2)", "Other (9)"}
    assert got.as_problem().category == "invoice"


def test_the_same_price_at_another_vat_is_not_alike() -> None:
    got = choose([line("7", "50"), line("7#2", "50", vat="15"), BOOK], "50.00")
    assert isinstance(got, Nothing)
    assert got.kind == "ambiguous"


@pytest.mark.parametrize("lines", [[BOOK], [BOOK, AUDIO], [BOOK, line("g", "0")]])
def test_nothing_left_is_paid_twice(lines: list[OrderLine]) -> None:
    got = choose(lines, "199.00", ("1", "2"))
    assert isinstance(got, Nothing)
    assert (got.kind, got.as_problem().category) == ("none-left", "payment")
    assert got.facts["paid"] == "NOK 199.00"


@pytest.mark.parametrize(
    ("lines", "paid"),
    [
        ([BOOK], "199.01"),
        ([BOOK], "198.99"),
        ([BOOK, AUDIO], "500.00"),
        ([], "5.00"),
        ([line("g", "0")], "5.00"),
    ],
)
def test_a_mismatch_tells_both_figures(lines: list[OrderLine], paid: str) -> None:
    got = choose(lines, paid)
    assert isinstance(got, Nothing)
    assert got.kind == "mismatch"
    left = gross_of(lines, True, "NOK").shown()
    assert got.facts == {"paid": f"NOK {paid}", "not_yet_invoiced": left}
    assert f"NOK {paid}" in got.why
    assert left in got.why


@pytest.mark.parametrize("paid", [0, -100])
def test_no_money_pays_for_nothing(paid: int) -> None:
    for lines in ([BOOK, line("d", "-200.00")], [BOOK]):
        got = choose_lines(lines, (), Money(paid, "NOK"), True, "NOK")
        assert isinstance(got, Nothing)
        assert got.kind == "mismatch"


def test_what_is_not_known_is_not_guessed() -> None:
    with pytest.raises(Problem, match="KONVERZKY_PRICES_INCLUDE_VAT"):
        choose([BOOK], "199.00", gross=None)
    with pytest.raises(Problem, match="in EUR, but NOK were paid"):
        choose([BOOK], "199.00", currency="EUR")
    assert choose([BOOK], "199.00", currency=None) == ["1"]


def revision(number: int, lines: list[OrderLine]) -> Revision:
    return Revision(number, f"d{number}", tuple(lines), received_at=0, event="e")


def test_which_revision_brought_which_lines() -> None:
    many = [line(str(nth), "1.00") for nth in range(5)]
    told = [revision(1, many[:2]), revision(2, many[:1]), revision(3, many[:4]), revision(4, many)]
    assert added_by_revision(told) == tuple(map(frozenset, ("01", "23", "4")))
    assert added_by_revision([]) == ()


def test_a_huge_order_is_taken_whole_or_by_revision() -> None:
    first = [line(f"a{nth}", f"{nth + 1}.{nth % 10}0") for nth in range(30)]
    second = [line(f"b{nth}", f"{nth + 1}.05") for nth in range(30)]
    together = added_by_revision([revision(1, first), revision(2, first + second)])
    money = {
        name: gross_of(part, True, "NOK").shown()[4:].replace(",", "")
        for name, part in [("all", first + second), ("second", second)]
    }
    assert choose(first + second, money["all"]) == [each.key for each in first + second]
    assert choose(first + second, money["second"], added_together=together) == [each.key for each in second]
    assert isinstance(choose(first + second, money["second"]), Nothing)
    assert isinstance(choose(first + second, "1.00", added_together=together), Nothing), "not searched"
    twice = choose(
        first + second,
        money["second"],
        added_together=[*together, {each.key for each in second[:1]} | {"b1"}],
    )
    assert twice == [each.key for each in second]


@pytest.mark.parametrize("paid", ["20.01", "100.00", "0.41"])
@pytest.mark.parametrize("price", ["0.02", "1.005", "{nth}.37"])
def test_a_search_is_quick_however_the_prices_are_chosen(price: str, paid: str) -> None:
    lines = [line(str(nth), price.format(nth=nth), name=f"n{nth}") for nth in range(1, 21)]
    began = time.process_time()
    choose(lines, paid)
    assert time.process_time() - began < 1


small = st.lists(
    st.tuples(st.integers(-2, 9), st.sampled_from(["1", "2", "0.5"]), st.sampled_from(["0", "25"])),
    min_size=1,
    max_size=7,
)


@given(small, st.integers(1, 40), st.booleans(), st.sets(st.integers(0, 6)))
def test_the_choice_is_the_one_set_that_fits(
    told: list[tuple[int, str, str]], paid: int, gross: bool, taken_at: set[int]
) -> None:
    """Against trying every set: no taken line, never silently one of several, and none overlooked."""
    lines = [line(str(nth), str(price), quantity=q, vat=vat) for nth, (price, q, vat) in enumerate(told)]
    taken = {str(nth) for nth in taken_at}
    money = Money.parse(paid, "NOK")
    got = choose_lines(lines, taken, money, gross, "NOK")
    free = [each for each in lines if each.key not in taken]
    costly = [each for each in free if each.unit_price]
    fitting = [
        {each.key for each in some}
        for n in range(1, len(costly) + 1)
        for some in combinations(costly, n)
        if gross_of(some, gross, "NOK").fits(money.minor)
    ]
    if isinstance(got, Chosen):
        keys = [each.key for each in got.lines]
        assert not taken & set(keys)
        assert gross_of(got.lines, gross, "NOK").fits(money.minor)
        assert keys == [each.key for each in lines if each.key in keys], "in the order's sequence"
        whole = set(keys) == {each.key for each in free}
        assert whole or fitting == [{each.key for each in got.lines if each.unit_price}]
    elif got.kind == "ambiguous":
        assert len(fitting) > 1
    else:
        assert fitting == []
        assert (got.kind == "none-left") == (not costly and any(each.unit_price for each in lines))


@given(
    st.lists(st.integers(1, 50), min_size=1, max_size=8),
    st.lists(st.integers(1, 200), min_size=1, max_size=6),
)
def test_payments_one_after_the_other_never_share_a_line(prices: list[int], payments: list[int]) -> None:
    lines = [line(str(nth), str(price)) for nth, price in enumerate(prices)]
    taken: dict[str, int] = {}
    for nth, paid in enumerate(payments):
        got = choose_lines(lines, taken, Money.parse(paid, "NOK"), True, None)
        if isinstance(got, Chosen):
            assert not taken.keys() & {each.key for each in got.lines}
            taken |= dict.fromkeys((each.key for each in got.lines), nth)
    for nth, paid in enumerate(payments):
        mine = [each for each in lines if taken.get(each.key) == nth]
        assert sum((each.unit_price for each in mine), Decimal(0)) in (0, paid)


@given(small, st.integers(1, 40))
def test_the_same_question_has_the_same_answer(told: list[tuple[int, str, str]], paid: int) -> None:
    lines = [line(str(nth), str(price), quantity=q, vat=vat) for nth, (price, q, vat) in enumerate(told)]
    money = Money.parse(paid, "NOK")
    assert choose_lines(lines, (), money, True, None) == choose_lines(list(lines), set(), money, True, "NOK")
