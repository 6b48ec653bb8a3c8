"""Baskets by the thousand: does every invoice come to exactly what was paid?

`baskets(n, seed)` makes up orders, lets a shop round them in each of the ways that shops do, draws up the invoice and
checks it with arithmetic of its own (decimals and quantize; the product uses fractions). As a control, each basket
is also paid with an amount that no rounding explains: that must be refused.

    python -m tests.domain.baskets 100000 1
"""

from __future__ import annotations

import random
import sys
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from onpaid.domain.money import Money
from onpaid.domain.orders import OrderLine
from onpaid.errors import Problem
from tests.domain.examples import faults_of, invoice, line

PLACES = {"NOK": 2, "EUR": 2, "HUF": 2, "JPY": 0, "KWD": 3, "ISK": 0}
"""Decimals in life; ISK has two more on the wire."""
WIRE = {**PLACES, "ISK": 2}
RATES = ("25", "15", "12", "0", "11.11")
QUANTITIES = ("1", "1", "1", "2", "3", "7", "0.5", "1.25", "0.333", "2.5")


def make_basket(dice: random.Random) -> tuple[list[OrderLine], bool, str]:
    """Some order lines, whether their prices include VAT, and the currency."""
    currency = dice.choice(("NOK", "NOK", "NOK", "EUR", "HUF", "JPY", "KWD", "ISK"))
    places = PLACES[currency] + (2 if dice.random() < 0.1 else 0)
    lines = []
    for nth in range(dice.randint(1, dice.choice((1, 3, 8)))):
        price = Decimal(dice.randint(1, 10 ** dice.randint(3, 7))).scaleb(-places)
        if nth and dice.random() < 0.05:
            price = -price / 1000  # a discount as a line
        each = line(str(nth), str(price), quantity=dice.choice(QUANTITIES), vat=dice.choice(RATES))
        lines.append(each)
    return lines, dice.random() < 0.5, currency


def shop_totals(lines: list[OrderLine], gross: bool, currency: str) -> tuple[dict[str, int], list[int]]:
    """What a shop may charge, in minor units, by its way of rounding; and what each line comes to, rounded."""
    with localcontext() as context:
        context.prec = 60
        smallest = Decimal(1).scaleb(-PLACES[currency])
        charged = Decimal("0.01") if currency == "KWD" else smallest
        exact = [
            each.quantity * each.unit_price * (1 if gross else 1 + each.vat_percent / 100) for each in lines
        ]
        rounded = [one.quantize(smallest, ROUND_HALF_UP) for one in exact]
        totals = {
            "half-up": sum(exact, Decimal(0)).quantize(charged, ROUND_HALF_UP),
            "half-even": sum(exact, Decimal(0)).quantize(charged, ROUND_HALF_EVEN),
            "by line": sum(rounded, Decimal(0)),
        }
        wire = WIRE[currency]
        return {way: int(total.scaleb(wire)) for way, total in totals.items()}, [
            int(one.scaleb(wire)) for one in rounded
        ]


def baskets(n: int, seed: int) -> dict[str, Any]:
    """The score of n made-up baskets. All is well if `off`, `inconsistent`, `spread`, `refused` and `let_through`
    are 0; `examples` names the first faults."""
    dice = random.Random(seed)
    score: dict[str, Any] = dict.fromkeys(("baskets", "lines", "rounded", "off", "inconsistent", "spread"), 0)
    score |= {"refused": 0, "let_through": 0, "examples": []}
    while score["baskets"] < n:
        lines, gross, currency = make_basket(dice)
        totals, by_line = shop_totals(lines, gross, currency)
        way = dice.choice(sorted(totals))
        if totals[way] <= 0:
            continue
        score["baskets"] += 1
        score["lines"] += len(lines)
        paid = Money(totals[way], currency)
        faults: list[str] = []
        try:
            drawn = invoice(lines, paid, gross=gross, currency=currency)
        except Problem as problem:
            score["refused"] += 1
            faults.append(str(problem))
        else:
            faults += faults_of(drawn, paid)
            score["off"] += sum(each.gross for each in drawn) != paid.minor
            score["inconsistent"] += bool(faults)
            moved = [nth for nth, each in enumerate(drawn) if each.gross != by_line[nth]]
            score["rounded"] += bool(moved)
            if moved not in ([], [by_line.index(max(by_line))]):
                score["spread"] += 1
                faults.append(f"the rounding is on lines {moved}")
        wrong = max(totals.values()) + dice.choice((1, 10, 100, 10_000)) * 10 ** (
            WIRE[currency] - PLACES[currency]
        )
        # KWD may be charged in tens: the amounts up to the next ten above may all be explained.
        wrong += 10 if currency == "KWD" else 0
        try:
            invoice(lines, Money(wrong, currency), gross=gross, currency=currency)
        except Problem:
            pass
        else:
            score["let_through"] += 1
            faults.append(f"{wrong} was let through, {totals} are right")
        if faults and len(score["examples"]) < 5:
            score["examples"].append({"faults": faults, "lines": lines, "gross": gross, "paid": paid})
    return score


if __name__ == "__main__":
    print(baskets(int(sys.argv[1]), int(sys.argv[2])))
