"""Buyers and goods of the shop that delivers: table tennis, all over India. All of them are made up."""

from __future__ import annotations

from decimal import Decimal

from onpaid.domain.money import Money
from onpaid.domain.products import Dimensions, Product

_BUYERS = """
    Asha Rao, 12 MG Road, Bengaluru, Karnataka, 560001
    Vikram Desai, 8 Linking Road, Mumbai, Maharashtra, 400050
    Meera Iyer, 44 Anna Salai, Chennai, Tamil Nadu, 600002
    Arjun Banerjee, 3 Lake View Lane, Kolkata, West Bengal, 700019
    Fatima Sheikh, 21 Charminar Street, Hyderabad, Telangana, 500002
    Rohan Kulkarni, 5 Fergusson Lane, Pune, Maharashtra, 411004
    Ishita Kapoor, 77 Ring Road, Delhi, Delhi, 110024
    Dev Menon, 9 Marine Drive, Kochi, Kerala, 682031
    Kavya Reddy, 31 Beach Road, Visakhapatnam, Andhra Pradesh, 530003
    Sanjay Gupta, 16 Hazratganj, Lucknow, Uttar Pradesh, 226001
    Nisha Patel, 2 Ashram Road, Ahmedabad, Gujarat, 380009
    Farhan Ali, 60 Mall Road, Shimla, Himachal Pradesh, 171001
"""
BOX = Dimensions(length=Decimal(30), breadth=Decimal(20), height=Decimal(5), weight=Decimal("0.45"))


def buyer(nth: int) -> dict[str, str]:
    """The nth buyer, each with a number of their own; the same each time."""
    rows = [[part.strip() for part in line.split(",")] for line in _BUYERS.strip().splitlines()]
    name, line1, city, state, pincode = rows[nth % len(rows)]
    return {
        "id": f"cst_{nth:03}",
        "name": name,
        "email": f"{name.lower().replace(' ', '.')}@example.in",
        "phone": phone(nth),
        "line1": line1,
        "line2": "",
        "city": city,
        "state": state,
        "pincode": pincode,
    }


def phone(nth: int) -> str:
    """The nth buyer's number."""
    return f"+9198765{43210 + nth}"


def products() -> list[tuple[Product, int]]:
    """What is sold, with its stock."""
    return [
        (_goods("balls-12", "Match balls, three stars, 12", 89_900, "TB-12", "lotus-tt"), 140),
        (_goods("case", "Racket case, grey", 74_900, "TC-1"), 36),
        (Product("lesson", "Video lesson: the forehand", _inr(29_900), Decimal(18), digital=True), 5_000),
        (Product("net", "Net and posts", _inr(129_900), Decimal(18), "TN-4", "9506", "garuda"), 12),
        (_goods("racket-5", "Carbon racket Viper 5", 449_900, "TR-5"), 40),
        (_goods("racket-9", "Carbon racket Viper 9, limited", 899_900, "TR-9"), 1),
        (_goods("wooden", "Wooden racket", 59_900, "TW-1", active=False), 3),
    ]


def _goods(
    ident: str, name: str, price: int, sku: str, seller: str = "garuda", *, active: bool = True
) -> Product:
    return Product(ident, name, _inr(price), Decimal(12), sku, "9506", seller, active=active, packed=BOX)


def _inr(paise: int) -> Money:
    return Money(paise, "INR")
