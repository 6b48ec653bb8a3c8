"""Stripe's invoices of subscriptions as bills: every line to the minor unit, and the one payment that paid."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

import pytest

from onpaid.domain.bills import FIRST, NO_PAYMENT, BillPaid
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.domain.prices import Price, Recurring
from onpaid.domain.session_orders import order_lines
from onpaid.errors import Doubtful, Refused
from onpaid.providers import stripe_sdk
from tests.providers.sales_samples import BILL, BILL_LINE, INVOICE_PAYMENT, SESSION, listed, till_at
from tests.providers.scripted import reply, scripted

CLUB = Price(
    "club", "prod_club", "The club", Money(9_900, "NOK"), Recurring("month"), tax_percent=Decimal(25)
)


async def asked(act: str, ident: str, *answers: dict[str, Any]) -> Any:
    """What the till answers, when Stripe does so."""
    async with scripted([reply(200, answer) for answer in answers]) as server:
        till = till_at(server.base)
        try:
            return await getattr(till, act)(ident)
        finally:
            await till.close()


async def test_a_bill_as_it_is() -> None:
    bill = await asked("fetch_bill", "in_1", BILL)
    assert (bill.invoice_id, bill.status, bill.total) == ("in_1", "paid", Money(9_900, "NOK"))
    assert (bill.subscription_id, bill.customer_id, bill.first, bill.beside) == ("sub_1", "cus_1", False, 0)
    address = Address(postal_code="0155", city="Oslo", country="NO")
    assert bill.customer == Customer("cus_1", "Kari Nordmann", "kari@example.org", address=address)
    first = {"billing_reason": FIRST, "shipping_cost": {"amount_total": 4_900}}
    bill = await asked("fetch_bill", "in_1", {**BILL, **first})
    assert (bill.first, bill.beside) == (True, 4_900)
    alone = dict.fromkeys(("parent", "customer_name", "customer_email", "customer_address"))
    bill = await asked("fetch_bill", "in_1", {**BILL, **alone})
    assert (bill.subscription_id, bill.customer) == (None, None)


def tax(amount: int, behavior: str) -> dict[str, Any]:
    return {"amount": amount, "tax_behavior": behavior, "taxability_reason": "standard_rated", "type": "t"}


OFF = [{"amount": 1_000, "discount": "di_1"}]
LINES: dict[str, tuple[dict[str, Any], tuple[int, int, int]]] = {
    "plain": ({}, (9_900, 0, 0)),
    "tax in it": ({"taxes": [tax(1_980, "inclusive")]}, (9_900, 0, 1_980)),
    "tax on top": ({"taxes": [tax(2_475, "exclusive")]}, (12_375, 0, 2_475)),
    "discount": ({"discount_amounts": OFF}, (8_900, 1_000, 0)),
    "discount and tax on top": (
        {"discount_amounts": OFF, "taxes": [tax(2_225, "exclusive")]},
        (11_125, 1_000, 2_225),
    ),
    "a discount that is told twice": (
        {"discount_amounts": OFF, "pretax_credit_amounts": [{"amount": 1_000, "type": "discount"}]},
        (8_900, 1_000, 0),
    ),
    "a discount and a credit": (
        {"discount_amounts": OFF, "pretax_credit_amounts": [{"amount": 1_000}, {"amount": 400}]},
        (8_500, 1_400, 0),
    ),
    "unused time": ({"amount": -4_950, "taxes": [tax(-990, "inclusive")]}, (-4_950, 0, -990)),
    "unused time, tax on top": ({"amount": -4_000, "taxes": [tax(-1_000, "exclusive")]}, (-5_000, 0, -1_000)),
    "nothing is told": (
        {"taxes": None, "discount_amounts": None, "pretax_credit_amounts": None},
        (9_900, 0, 0),
    ),
}


@pytest.mark.parametrize("name", LINES)
async def test_a_line_comes_to_what_was_paid_for_it_and_its_vat_is_known(name: str) -> None:
    changes, expected = LINES[name]
    (line,) = await asked("fetch_bill_lines", "in_1", listed({**BILL_LINE, **changes}))
    assert (line.total, line.discount, line.tax) == expected
    assert (line.price_id, line.product_id, line.currency) == ("price_1", "prod_club", "NOK")
    made = order_lines(Money(line.total, "NOK"), [line], [CLUB], beside=0)
    assert ([each.vat_percent for each in made.lines], made.unclear) == ([25], "")
    assert sum(each.unit_price * each.quantity for each in made.lines) * 100 == line.total
    if line.tax:
        assert order_lines(Money(line.total, "NOK"), [line], [None], beside=0) == made


async def test_every_page_of_lines_is_read_in_its_order() -> None:
    pages = [[f"il_{at}{nth}" for nth in range(3)] for at in range(3)]
    answers = [
        reply(200, listed(*({**BILL_LINE, "id": each} for each in page), more=at < 2))
        for at, page in enumerate(pages)
    ]
    async with scripted(answers) as server:
        till = till_at(server.base)
        lines = await till.fetch_bill_lines("in_1")
        assert [line.id for line in lines] == [each for page in pages for each in page]
        asks = [request.target.partition("?") for request in server.requests]
        assert {path for path, _, _ in asks} == {"/v1/invoices/in_1/lines"}
        after = [parse_qs(query).get("starting_after") for _, _, query in asks]
        assert after == [None, ["il_02"], ["il_12"]]
        await till.close()


async def test_a_bill_of_more_lines_than_can_be_listed_is_refused() -> None:
    with pytest.raises(Refused, match="more lines"):
        await asked("fetch_bill_lines", "in_1", *[listed(BILL_LINE, more=True)] * stripe_sdk.MOST_PAGES)


OPEN = {**INVOICE_PAYMENT, "id": "inpay_0", "status": "open", "amount_paid": None}
BESIDE = {"type": "payment_record", "payment_record": "prec_1"}
CHARGE = {"type": "charge", "charge": "ch_1"}
PAID: dict[str, tuple[list[dict[str, Any]], BillPaid]] = {
    "by one payment": ([INVOICE_PAYMENT], BillPaid("pi_1", Money(9_900, "NOK"))),
    "at the second try": ([INVOICE_PAYMENT, OPEN], BillPaid("pi_1", Money(9_900, "NOK"))),
    "by a charge alone": ([{**INVOICE_PAYMENT, "payment": CHARGE}], BillPaid("ch_1", Money(9_900, "NOK"))),
    "in part": ([{**INVOICE_PAYMENT, "amount_paid": 900}], BillPaid("pi_1", Money(900, "NOK"))),
    "by nothing": ([], BillPaid(why=NO_PAYMENT)),
    "beside Stripe": ([{**INVOICE_PAYMENT, "payment": BESIDE}], BillPaid(why=NO_PAYMENT)),
    "by two": (
        [INVOICE_PAYMENT, {**INVOICE_PAYMENT, "id": "inpay_2"}],
        BillPaid(why="2 payments paid it, each a part"),
    ),
}


@pytest.mark.parametrize("name", PAID)
async def test_what_paid_a_bill(name: str) -> None:
    told, expected = PAID[name]
    assert await asked("fetch_bill_payment", "in_1", listed(*told)) == expected


async def test_the_session_that_a_subscription_began_in() -> None:
    assert await asked("fetch_session_of", "sub_1", listed(SESSION)) == "cs_test_a1"
    assert await asked("fetch_session_of", "sub_1", listed()) is None


@pytest.mark.parametrize(
    ("act", "answer"),
    [
        ("fetch_bill", {**BILL, "total": "9900"}),
        ("fetch_bill_lines", listed({**BILL_LINE, "taxes": [{"amount": 1, "tax_behavior": "new"}]})),
        ("fetch_bill_payment", listed({**INVOICE_PAYMENT, "payment": None})),
    ],
)
async def test_a_shape_that_is_not_known_is_never_read_as_nothing(act: str, answer: dict[str, Any]) -> None:
    with pytest.raises(Doubtful, match="shape"):
        await asked(act, "in_1", answer)


@pytest.mark.parametrize("act", ["fetch_bill", "fetch_bill_lines", "fetch_bill_payment", "fetch_session_of"])
async def test_ids_that_are_none_are_not_asked_for(act: str) -> None:
    with pytest.raises(Refused, match="no id"):
        await asked(act, "in_1/../charges")
