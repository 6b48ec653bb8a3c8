"""The score of made-up baskets, and that its checks would notice."""

from __future__ import annotations

import msgspec
import pytest

from onpaid.domain.money import Money
from tests.domain.baskets import baskets
from tests.domain.examples import faults_of, invoice, line


@pytest.mark.parametrize("seed", [1, 2])
def test_no_basket_is_off(seed: int) -> None:
    score = baskets(1_500, seed)
    assert score.pop("examples") == []
    assert (score.pop("baskets"), score.pop("lines") > 1_500, score.pop("rounded") > 100) == (
        1_500,
        True,
        True,
    )
    assert set(score.values()) == {0}, score


def test_the_same_seed_makes_the_same_baskets() -> None:
    assert baskets(50, 3) == baskets(50, 3)


@pytest.mark.parametrize("field", ["net", "vat", "gross", "unit_net"])
@pytest.mark.parametrize("by", [-2, 2])
def test_the_check_notices_two_minor_units(field: str, by: int) -> None:
    (drawn,) = invoice([line()], "199.00")
    bent = msgspec.structs.replace(drawn, **{field: getattr(drawn, field) + by})
    assert faults_of([bent], Money(19_900, "NOK"))


def test_the_check_notices_another_total() -> None:
    drawn = invoice([line()], "199.00")
    assert faults_of(drawn, Money(19_901, "NOK"))
