"""Small makers of what the tests of the trade need: lines, orders, a signed VAT table."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from onpaid.domain.invoices import InvoiceLine, draw_up
from onpaid.domain.money import Money
from onpaid.domain.orders import OrderLine
from onpaid.domain.vat import VatRule, VatTable

TODAY = date(2026, 11, 21)
_KINDS = {
    "25": "HIGH",
    "15": "MEDIUM",
    "12": "LOW",
    "11.11": "RAW_FISH",
    "0": "EXEMPT",
    "25.5": "HIGH",
    "100": "HIGH",
}
TABLE = VatTable(
    tuple(VatRule("NO", Decimal(rate), date(2022, 1, 1), kind, "3000") for rate, kind in _KINDS.items()),
    signed_off_by="Kari Revisor",
    signed_off_on=date(2026, 1, 2),
)


def line(
    key: str = "77",
    price: str = "199.00",
    *,
    quantity: str = "1",
    vat: str = "25",
    name: str | None = None,
) -> OrderLine:
    """An order line; its id is the key without the number of its appearance."""
    return OrderLine(
        key=key,
        id=key.split("#")[0],
        name=f"Item {key.split('#')[0]}" if name is None else name,
        quantity=Decimal(quantity),
        unit_price=Decimal(price),
        vat_percent=Decimal(vat),
    )


def invoice(
    lines: Iterable[OrderLine],
    paid: str | Money,
    *,
    gross: bool | None = True,
    currency: str = "NOK",
    order_currency: str | None = None,
    order_total: Decimal | None = None,
    table: VatTable = TABLE,
) -> tuple[InvoiceLine, ...]:
    """The invoice lines for a Norwegian who paid that much."""
    return draw_up(
        tuple(lines),
        vat=table,
        country="NO",
        on=TODAY,
        prices_include_vat=gross,
        captured=Money.parse(paid, currency) if isinstance(paid, str) else paid,
        order_currency=order_currency,
        order_total=order_total,
    )


def faults_of(drawn: Iterable[InvoiceLine], captured: Money) -> list[str]:
    """What does not add up in an invoice: its total, and each line by itself. In integers and decimals only."""
    drawn = tuple(drawn)
    found = []
    if sum(each.gross for each in drawn) != captured.minor:
        found.append(f"the total is {sum(each.gross for each in drawn)}, paid were {captured.minor}")
    for each in drawn:
        if each.net + each.vat != each.gross:
            found.append(f"{each.name}: {each.net} + {each.vat} is not {each.gross}")
        if abs(each.vat * 100 - each.net * each.vat_percent) > 100:
            found.append(f"{each.name}: {each.vat} is not {each.vat_percent} % of {each.net}")
        if each.quantity * each.unit_net != each.net:
            found.append(f"{each.name}: {each.quantity} times {each.unit_net} is not {each.net}")
        if each.quantity <= 0 or not 1 <= len(each.name) <= 200:
            found.append(f"{each.name}: cannot be printed")
        if any(type(amount) is not int for amount in (each.net, each.vat, each.gross, each.unit_net)):
            found.append(f"{each.name}: an amount is not a whole number")
    return found
