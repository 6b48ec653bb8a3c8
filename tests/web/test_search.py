"""One field finds an order by whatever its customer, Stripe or the accounts call it."""

from __future__ import annotations

import pytest

from onpaid.repositories.orders import ALIASES, Alias, phone_digits
from tests.web.client import operator
from tests.web.deliveries import key_of
from tests.web.world import World


@pytest.mark.parametrize(
    ("q", "number", "by"),
    [
        ("10044", "10044", "order number"),
        ("  10044 ", "10044", "order number"),
        ("konverzky/10044", "10044", "order number"),
        ("ola.hansen@example.org", "10041", "e-mail"),
        ("OLA.Hansen@Example.org", "10041", "e-mail"),
        ("pi_3Q10044bK", "10044", "payment"),
        ("ch_3Q10044bK", "10044", "payment"),
        ("20245", "10044", "invoice number"),
        ("7700245", "10044", "invoice id"),
        ("10049", "10049", "order number"),
        ("pi_3Q10049bK", "10049", "payment"),
    ],
)
async def test_an_order_is_found(shop: World, q: str, number: str, by: str) -> None:
    found = await shop.views.orders(q=q, personal=True)
    assert number in [row.number for row in found.items]
    assert found.found_by == by


AWB = "1904170554337"


@pytest.mark.parametrize(
    ("q", "by"),
    [
        ("number", "order number"),
        ("order_RB58Mi008SFYyM", "order number, payment"),
        ("pay_RB58Mi008SFYyM", "payment"),
        (AWB, "AWB"),
        ("347001207", "shipment id"),
        ("348456307", "courier’s order id"),
        ("shipment", "shipment id"),
        ("+919876543210", "phone"),
        ("+91 98765 43210", "phone"),
        ("0091 98765-43210", "phone"),
        ("9876543210", "phone"),
        ("asha.rao@example.in", "e-mail"),
    ],
)
async def test_a_delivery_is_found(market: World, q: str, by: str) -> None:
    order = await market.delivery.orders.find(key_of("on its way"))
    assert order is not None
    assert order.record.fulfilment is not None
    assert order.record.fulfilment.parcel is not None
    q = {"number": order.record.number, "shipment": order.record.fulfilment.parcel.shipment}.get(q, q)
    found = await market.views.orders(q=q, personal=True)
    assert [row.number for row in found.items] == [order.record.number]
    assert set(found.found_by.split(", ")) <= set(by.split(", "))


@pytest.mark.parametrize(
    ("given", "digits"),
    [
        ("+919876543210", "919876543210"),
        ("+91 (98765) 432-10", "919876543210"),
        ("9876543210", "919876543210"),
        ("00 47 912 34 567", "4791234567"),
        ("+47 912 34 567", "4791234567"),
        ("2950855205991", "2950855205991"),
        ("12345", ""),
        ("٩٨٧٦٥٤٣٢١٠", ""),
        ("9876543210 x", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_a_phone_number_is_looked_up_however_it_is_written(given: str, digits: str) -> None:
    assert phone_digits(given) == digits


async def test_a_phone_number_finds_every_order_under_it_page_by_page(market: World) -> None:
    """Shops' orders as well: their numbers are kept as they were sent."""
    first = await market.views.orders(q="+47 912 34 10", limit=1, personal=True)
    assert (first.found_by, first.items[0].customer) == ("phone", "Kari Nordmann")
    second = await market.views.orders(q="+47 912 34 10", limit=1, after=first.cursor, personal=True)
    assert {first.items[0].number, second.items[0].number} == {"10044", "10000"}


async def test_an_alias_finds_its_order(shop: World) -> None:
    await shop.store.commit([ALIASES.insert(Alias("konverzky/web-77", "konverzky/10044"))])
    assert [row.number for row in (await shop.views.orders(q="web-77")).items] == ["10044"]


@pytest.mark.parametrize(
    ("q", "kind"),
    [
        ("invoice_payment:stripe/default/test/pi_3Q10041bK", "run"),
        ("stripe/default/test/evt_1Qodd", "event"),
    ],
)
async def test_other_things_are_found_by_their_id(shop: World, q: str, kind: str) -> None:
    found = await shop.views.orders(q=q)
    assert [(hit.kind, hit.id) for hit in found.hits] == [(kind, q)]
    ticket = (await shop.views.tickets()).items[0].id
    assert [hit.kind for hit in (await shop.views.orders(q=ticket)).hits] == ["ticket"]


@pytest.mark.parametrize(
    "q", ["nobody@example.org", "0", "%", "'", "order:", "/", "@", "\u202e", "x" * 300, "tkt_x"]
)
async def test_nothing_is_found_and_nothing_breaks(shop: World, q: str) -> None:
    found = await shop.views.orders(q=q)
    assert (found.items, found.hits) == ([], [])


async def test_a_customer_of_many_orders_has_pages(shop: World) -> None:
    first = await shop.views.orders(q="kari.nordmann@example.org", limit=1)
    assert [row.number for row in first.items] == ["10044"]
    second = await shop.views.orders(q="kari.nordmann@example.org", limit=1, after=first.cursor)
    assert [row.number for row in second.items] == ["10000"]


async def test_the_page_says_what_it_found(shop: World) -> None:
    answer = await operator(shop).get("/console?q=20245")
    assert "Found 1 for “20245” by invoice number" in answer.text
    nothing = await operator(shop).get("/console?q=nobody")
    assert "Nothing is known by that name" in nothing.text
