"""Drawing up: the invoice comes to what was paid, every line adds up, or there is no invoice."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.amounts import gross_of, rounded_gross
from onpaid.domain.invoices import InvoiceLine, split
from onpaid.domain.money import Money, smallest
from onpaid.domain.orders import OrderLine
from onpaid.errors import Problem
from tests.domain.examples import TABLE, faults_of, invoice, line

CURRENCIES = ("NOK", "EUR", "HUF", "JPY", "KWD", "ISK")
rates = st.sampled_from(["0", "11.11", "12", "15", "25", "25.5", "100"])
quantities = st.sampled_from(["1", "2", "3", "7", "0.5", "1.25", "0.333", "2.5", "1000"])
prices = st.decimals("0", "100000", places=2) | st.decimals("0", "10", places=4)


@st.composite
def orders(draw: st.DrawFn) -> list[OrderLine]:
    """Lines of an order; some are discounts."""
    lines = []
    for nth in range(draw(st.integers(1, 7))):
        price = draw(prices)
        if nth and draw(st.integers(0, 9)) == 0:
            price = -price / 100
        lines.append(line(str(nth), str(price), quantity=draw(quantities), vat=draw(rates)))
    return lines


def test_an_invoice_line_in_full() -> None:
    (drawn,) = invoice([line(quantity="2", name="E-book")], "398.00")
    assert drawn == InvoiceLine(
        name="E-book",
        quantity=Decimal(2),
        unit_net=15_920,
        net=31_840,
        vat=7_960,
        gross=39_800,
        vat_percent=Decimal(25),
        vat_type="HIGH",
        income_account="3000",
    )


@pytest.mark.parametrize(
    ("price", "quantity", "vat", "gross", "paid", "name", "printed", "unit_net"),
    [
        ("199.00", "1", "25", True, "199.00", "E-book", "1", 15_920),
        ("159.20", "1", "25", False, "199.00", "E-book", "1", 15_920),
        ("10.00", "3", "25", True, "30.00", "E-book", "3", 800),
        ("9.99", "3", "25", True, "29.97", "3 × E-book", "1", 2_398),
        ("10.00", "1.5", "0", True, "15.00", "E-book", "1.5", 1_000),
        ("10.00", "0.50", "25", True, "5.00", "E-book", "0.50", 800),
        ("9.99", "2.50", "25", True, "24.98", "2.5 × E-book", "1", 1_998),
        ("0", "5", "25", True, None, "E-book", "5", 0),
    ],
)
def test_a_unit_price_that_does_not_multiply_out_goes_into_the_name(
    price: str, quantity: str, vat: str, gross: bool, paid: str | None, name: str, printed: str, unit_net: int
) -> None:
    lines = [line("77", price, quantity=quantity, vat=vat, name="E-book"), line("78", "1.00", vat="0")]
    total = "1.00" if paid is None else str(Decimal(paid) + 1)
    drawn = invoice(lines, total, gross=gross)
    assert (drawn[0].name, drawn[0].quantity, drawn[0].unit_net) == (name, Decimal(printed), unit_net)
    assert faults_of(drawn, Money.parse(total, "NOK")) == []


@pytest.mark.parametrize(
    ("given_name", "printed"),
    [
        ("  Two \n words\t", "Two words"),
        ("", "77"),
        (" \n ", "77"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("y " * 150, "y " * 99 + "y…"),
        ("{order} %s <b>", "{order} %s <b>"),
    ],
)
def test_names_fit_on_an_invoice(given_name: str, printed: str) -> None:
    (drawn,) = invoice([line(name=given_name)], "199.00")
    assert drawn.name == printed
    assert len(drawn.name) <= 200


def test_a_long_name_keeps_its_quantity() -> None:
    (drawn,) = invoice([line("77", "9.99", quantity="3", name="x" * 200)], "29.97")
    assert drawn.name == "3 × " + "x" * 195 + "…"


@pytest.mark.parametrize("paid", ["30.01", "30.00"])
def test_rounding_goes_to_the_largest_line_alone(paid: str) -> None:
    """Three times 5.002 and one 15.00 are 30.006: half-up 30.01, line by line 30.00."""
    lines = [line("1", "5.002"), line("2", "15.00"), line("3", "5.002"), line("4", "5.002")]
    drawn = invoice(lines, paid)
    assert [each.gross for each in drawn] == [500, 1501 if paid == "30.01" else 1500, 500, 500]
    assert faults_of(drawn, Money.parse(paid, "NOK")) == []


def test_of_equally_large_lines_the_first_is_rounded() -> None:
    drawn = invoice([line(str(nth), "5.004") for nth in range(3)], "15.01")
    assert [each.gross for each in drawn] == [501, 500, 500]


@pytest.mark.parametrize("paid", ["29.99", "30.02", "30.10", "3001.00", "0.01"])
def test_one_minor_unit_off_is_no_invoice(paid: str) -> None:
    lines = [line("1", "5.002"), line("2", "15.00"), line("3", "5.002"), line("4", "5.002")]
    with pytest.raises(Problem, match=f"come to NOK 30.01, but NOK {Decimal(paid):,} were paid") as caught:
        invoice(lines, paid)
    assert caught.value.category == "invoice"
    assert caught.value.facts["order"] == "NOK 30.01"
    assert caught.value.facts["paid"] == f"NOK {Decimal(paid):,}"


def test_prices_read_the_wrong_way_are_guessed_for_the_ticket_only() -> None:
    with pytest.raises(Problem) as caught:
        invoice([line()], "248.75")
    assert "without VAT: check KONVERZKY_PRICES_INCLUDE_VAT" in caught.value.facts["hint"]
    with pytest.raises(Problem) as caught:
        invoice([line()], "199.00", gross=False)
    assert "with VAT: check" in caught.value.facts["hint"]
    with pytest.raises(Problem) as caught:
        invoice([line()], "200.00")
    assert "hint" not in caught.value.facts


def test_unset_means_refuse() -> None:
    with pytest.raises(Problem, match="KONVERZKY_PRICES_INCLUDE_VAT"):
        invoice([line(vat="0")], "199.00", gross=None)


def test_another_currency_is_no_invoice() -> None:
    with pytest.raises(Problem, match="in SEK, but NOK were paid"):
        invoice([line()], "199.00", order_currency="SEK")
    assert invoice([line()], "199.00", order_currency="NOK")


@pytest.mark.parametrize("paid", [0, -19_900])
def test_no_money_no_invoice(paid: int) -> None:
    with pytest.raises(Problem, match="nothing to invoice"):
        invoice([line()], Money(paid, "NOK"))


def test_no_lines_no_invoice() -> None:
    with pytest.raises(Problem, match=r"come to NOK 0\.00"):
        invoice([], "199.00")


@pytest.mark.parametrize(("field", "value"), [("quantity", "0"), ("quantity", "-1"), ("vat_percent", "101")])
def test_odd_lines_are_no_invoice(field: str, value: str) -> None:
    odd = msgspec.structs.replace(line(), **{field: Decimal(value)})
    with pytest.raises(Problem, match="cannot be invoiced"):
        invoice([odd, line("78")], "199.00")


def test_vat_that_does_not_fit_the_table_is_no_invoice() -> None:
    with pytest.raises(Problem, match="NO at 20 % VAT"):
        invoice([line(), line("78", vat="20")], "398.00")


def test_an_unsigned_table_is_no_invoice() -> None:
    with pytest.raises(Problem, match="not signed off"):
        invoice([line()], "199.00", table=msgspec.structs.replace(TABLE, signed_off_by=None))


def test_the_shops_own_total_is_a_gate() -> None:
    assert invoice([line()], "199.00", order_total=Decimal("199"))
    for total in ("189.00", "199.01", "199.001", "0"):
        with pytest.raises(Problem, match="the shop says") as caught:
            invoice([line()], "199.00", order_total=Decimal(total))
        assert set(caught.value.facts) == {"shop_total", "paid"}


def test_a_discount_may_be_a_line() -> None:
    drawn = invoice([line(), line("d", "-50.00", name="Discount")], "149.00")
    assert [each.gross for each in drawn] == [19_900, -5_000]
    assert faults_of(drawn, Money.parse("149", "NOK")) == []


def test_the_largest_amount_there_is() -> None:
    most = "9999999999998.00"
    assert faults_of(invoice([line(price=most)], most), Money.parse(most, "NOK")) == []


@pytest.mark.parametrize(
    ("currency", "price", "paid"),
    [
        ("JPY", "1338", "1338"),
        ("KWD", "1.234", "1.230"),
        ("KWD", "1.235", "1.240"),
        ("ISK", "1990", "1990"),
        ("HUF", "10.45", "10.45"),
    ],
)
def test_currencies_with_other_decimals(currency: str, price: str, paid: str) -> None:
    drawn = invoice([line(price=price)], paid, currency=currency)
    assert faults_of(drawn, Money.parse(paid, currency)) == []


@given(st.integers(-(10**12), 10**12), rates)
def test_splitting_is_exact_and_leads_back_where_it_can(gross: int, percent: str) -> None:
    rate = Decimal(percent)
    net, vat = split(gross, rate)
    assert net + vat == gross
    assert abs(vat * 100 - net * rate) <= 100
    for other in range(net - 2, net + 3):
        again = other + round(other * rate / 100)
        if again == gross and 2 * other * rate % 100 != 0:
            assert other == net, "another net leads back to this gross, but was not found"


@given(
    orders(), st.booleans(), st.sampled_from(CURRENCIES), st.sampled_from(["half-up", "half-even", "by line"])
)
def test_every_basket_comes_to_what_was_paid(
    lines: list[OrderLine], gross: bool, currency: str, way: str
) -> None:
    total, step = gross_of(lines, gross, currency), smallest(currency)
    exact = {
        "half-up": (2 * total.exact + step) // (2 * step) * step,
        "half-even": round(total.exact / step) * step,
    }
    paid = int(exact.get(way, total.rounded))
    if paid <= 0:
        return
    drawn = invoice(lines, Money(paid, currency), gross=gross, currency=currency)
    assert faults_of(drawn, Money(paid, currency)) == []
    alone = [rounded_gross(each, gross, currency) for each in lines]
    moved = [nth for nth, each in enumerate(drawn) if each.gross != alone[nth]]
    assert moved in ([], [alone.index(max(alone))])


@given(orders(), st.booleans(), st.sampled_from(CURRENCIES), st.integers(-300, 300))
def test_what_does_not_fit_is_never_drawn_up(
    lines: list[OrderLine], gross: bool, currency: str, off: int
) -> None:
    total = gross_of(lines, gross, currency)
    paid = total.rounded + off
    if abs(off) <= 10 * len(lines) + 50 * (currency == "ISK") or paid <= 0:
        return
    with pytest.raises(Problem, match="were paid"):
        invoice(lines, Money(paid, currency), gross=gross, currency=currency)
