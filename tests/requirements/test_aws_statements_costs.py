"""What docs/aws.md says about costs adds up: each line is a number times a price, the numbers of what is charged each
month are those of the template, and what is not measured is not made up."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.house.reading import page, rows, section
from tests.requirements.template import template

UNKNOWN = "not yet measured"
ORDERS, MONTHS = "For each million paid orders", "Each month, whatever happens"
LINES = [(title, cells) for title in (ORDERS, MONTHS) for cells in rows(section(page("aws.md"), title))]
WHOLE = template()


def cents(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize(("title", "cells"), [each for each in LINES if each[1][0] != "in all"])
def test_a_line_is_its_number_times_its_price(title: str, cells: list[str]) -> None:
    what, number, price, product = cells
    if number == UNKNOWN:
        assert product == UNKNOWN, what
    else:
        assert Decimal(product) == cents(Decimal(number) * Decimal(price)), what


def test_the_sum_is_that_of_its_lines() -> None:
    *lines, total = [cells for title, cells in LINES if title == ORDERS]
    products = [cells[3] for cells in lines]
    if UNKNOWN in products:
        assert total[3] == UNKNOWN
    else:
        assert Decimal(total[3]) == sum(map(Decimal, products))


def test_what_is_charged_each_month_is_what_the_template_makes() -> None:
    told = {cells[0]: cells[1] for title, cells in LINES if title == MONTHS}
    alarms = [
        each
        for each in WHOLE.resources.values()
        if each["Type"] == "AWS::CloudWatch::Alarm" and "Condition" not in each
    ]
    dashboard = WHOLE.text(WHOLE.properties("Dashboard")["DashboardBody"])
    metrics = set(re.findall(r'"Onpaid", "(\w+)"', dashboard))
    assert told["alarms"] == str(len(alarms))
    assert told["metrics of ours"] == str(len(metrics))
    assert told["secrets that the template makes"] == str(len(WHOLE.of_kind("AWS::SecretsManager::Secret")))
    assert told["dashboards"] == str(len(WHOLE.of_kind("AWS::CloudWatch::Dashboard")))
