"""Customers and goods for the seeded shop. All of them are made up."""

from __future__ import annotations

from decimal import Decimal

from onpaid.domain.orders import Address, Customer, OrderLine

_NAMES = """
    Kari Nordmann|Ola Hansen|Ingrid Solberg|Jonas Lund|Åse Bjørnstad|Mei Tanaka|Liam Olsen|Zoë Martin|Noah Dahl
    Priya Nair|Sofia Rossi|Emil Haugen|Nora Vik|Thea Strand|Oskar Moen|Maja Berge|Filip Aas|Iben Holm|Sander Lie
    Amalie Ruud
"""
_GOODS = (
    ("Merino sweater, moss", "899.00", "25"),
    ("Wool socks, 2 pairs", "199.00", "25"),
    ("Enamel mug", "149.00", "25"),
    ("Filter coffee, 250 g", "129.00", "15"),
    ("Field notebook", "89.00", "25"),
    ("Oak cutting board", "449.00", "25"),
    ("Linen tea towel", "119.00", "25"),
    ("Gift wrapping", "49.00", "25"),
)


def person(nth: int) -> Customer:
    """The nth customer; the same each time."""
    names = [name.strip() for name in _NAMES.replace("\n", "|").split("|") if name.strip()]
    name = names[nth % len(names)]
    mail = name.lower().translate(str.maketrans("åøë ", "aoe."))
    return Customer(
        id=f"cus_{nth:03}",
        name=name,
        email=f"{mail}@example.org",
        phone=f"+47 912 34 {nth % 90 + 10}",
        address=Address(line1=f"Storgata {nth + 1}", postal_code="0155", city="Oslo", country="NO"),
    )


def goods(*wanted: int) -> tuple[OrderLine, ...]:
    """Lines of the catalogue, by their place in it."""
    return tuple(
        OrderLine(
            key=str(701 + nth),
            id=str(701 + nth),
            name=_GOODS[nth][0],
            quantity=Decimal(1),
            unit_price=Decimal(_GOODS[nth][1]),
            vat_percent=Decimal(_GOODS[nth][2]),
        )
        for nth in wanted
    )


def price(lines: tuple[OrderLine, ...]) -> int:
    """What the lines cost, in minor units."""
    return int(sum(line.unit_price * line.quantity for line in lines) * 100)
