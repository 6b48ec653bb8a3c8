"""One field finds an order by whatever its customer, Stripe or the accounts call it."""

from __future__ import annotations

import pytest

from onpaid.repositories.orders import ALIASES, Alias
from tests.web.client import operator
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
