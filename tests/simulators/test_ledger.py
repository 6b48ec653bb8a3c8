"""The verdict: what counts as missing, double, unexplained or unmailed."""

from typing import Any

import pytest

from onpaid.simulators.ledger import by_order, verdict


def payment(order: str | None, amount: int, name: str = "pi", *, captured: bool = True) -> dict[str, Any]:
    return {
        "order_number": order,
        "amount": amount,
        "currency": "NOK",
        "payment_intent": name,
        "captured": captured,
    }


def invoice(ident: int, order: str, gross: int, mails: int = 1, customer: int = 9) -> dict[str, Any]:
    row = {"invoice_id": ident, "order_reference": order, "gross": gross, "currency": "NOK", "mails": mails}
    return {**row, "customer_id": customer}


@pytest.mark.parametrize(
    ("payments", "invoices", "wrong"),
    [
        ([payment("1", 100)], [invoice(1, "1", 100)], {}),
        ([payment("1", 100)], [], {"missing": ["pi"]}),
        ([payment("1", 100, captured=False)], [], {}),
        ([payment(None, 100)], [], {}),
        ([payment("1", 100)], [invoice(1, "1", 100), invoice(2, "1", 100)], {"double": [2]}),
        ([payment("1", 100)], [invoice(1, "1", 99)], {"missing": ["pi"], "unexplained": [1]}),
        ([payment("1", 100)], [invoice(1, "2", 100)], {"missing": ["pi"], "unexplained": [1]}),
        ([payment("1", 100)], [invoice(1, "1", 100, mails=0)], {"unmailed": [1]}),
        ([payment("1", 100)], [invoice(1, "1", 100, mails=2)], {"mailed_twice": [1]}),
        ([payment("1", 100), payment("1", 50)], [invoice(1, "1", 50), invoice(2, "1", 100)], {}),
        ([payment("1", 100, "a"), payment("1", 100, "b")], [invoice(1, "1", 100)], {"missing": ["a"]}),
    ],
)
def test_verdict(payments: list[Any], invoices: list[Any], wrong: dict[str, Any]) -> None:
    found = verdict(payments, invoices, [])
    lists = {name: value for name, value in found.items() if isinstance(value, list) and value}
    assert lists == wrong
    paid = sum(1 for p in payments if p["captured"] and p["order_number"])
    assert found["paid"] == paid
    assert found["invoiced"] == paid - len(wrong.get("missing", []))
    assert found["mailed"] == found["invoiced"] - len(wrong.get("unmailed", []))


def test_contacts_of_one_email_are_double_unless_inactive() -> None:
    contacts: list[dict[str, Any]] = [
        {"email": "a@x", "inactive": False},
        {"email": "a@x", "inactive": False},
        {"email": "b@x", "inactive": False},
        {"email": "b@x", "inactive": True},
        {"email": None, "inactive": False},
        {"email": None, "inactive": False},
    ]
    assert verdict([], [], contacts)["doubled_contacts"] == ["a@x"]


def test_by_order_names_every_id() -> None:
    rows = by_order(["1", "2"], [payment("1", 100, "pi_1")], [invoice(7, "1", 100, 2), invoice(8, "3", 5)])
    assert rows["1"] == {"ordered": True, "payments": ["pi_1"], "contacts": [9], "invoices": [7], "mails": 2}
    assert rows["2"]["invoices"] == []
    assert (rows["3"]["ordered"], rows["3"]["invoices"]) == (False, [8])
