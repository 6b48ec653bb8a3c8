"""The shop's webhooks: their bodies, and the three ways of showing who sent them."""

import re
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from stripe import WebhookSignature

from onpaid.simulators.basket import buyer, items
from onpaid.simulators.kit import Dice
from onpaid.simulators.konverzky import Order
from tests.simulators.kit import TARGET, Client, Receiver, Start

ITEMS = [
    {"id": 77, "name": "E-book", "quantity": "2", "unit_price": "199.00", "vat": "25"},
    {"id": 78, "name": "Audio", "unit_price": 100, "vat": 25},
]


async def order(client: Client, **more: Any) -> Any:
    said = await client.call(
        "POST", "/konverzky/_orders", json={"order_number": "1001", "items": ITEMS, **more}
    )
    assert said.status == 201, said.text
    return said.json


async def test_an_order_is_told_as_the_contract_says(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    customer = {"name": "Ola", "email": "ola@example.org", "address": {"country": "NO"}}
    assert await order(client, customer=customer) == {
        "order_number": "1001",
        "amount": 49800,
        "currency": "NOK",
    }
    await client.simulators.settled()
    told = receiver.orders()[0]
    assert set(told) == {"webhook_type", "webhook_id", "created_at", "order"}
    assert told["webhook_type"] == "order_paid"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["created_at"])
    assert str(told["order"].get("order_number") or told["order"]["id"]) == "1001"
    assert (told["order"]["total"], told["order"]["prices_include_vat"]) == ("498.00", True)
    assert [Decimal(str(item["unit_price"])) for item in told["order"]["items"]] == [
        Decimal(199),
        Decimal(100),
    ]
    assert told["order"]["customer"] == customer
    assert receiver.got[0][1]["content-type"] == "application/json"


async def test_amounts_come_as_text_and_as_numbers(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    for number in range(12):
        await order(client, order_number=str(number))
    await client.simulators.settled()
    kinds = {type(item["unit_price"]) for told in receiver.orders() for item in told["order"]["items"]}
    assert kinds >= {str}
    assert kinds & {int, float}
    assert {isinstance(told["order"]["id"], str) for told in receiver.orders()} == {True, False}
    assert {
        str(item["vat"]).endswith("%") for told in receiver.orders() for item in told["order"]["items"]
    } == {
        True,
        False,
    }


async def test_net_prices_are_a_setting(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base, prices_include_vat=False)
    assert (await order(client))["amount"] == 62250
    await client.simulators.settled()
    assert receiver.orders()[0]["order"]["prices_include_vat"] is False


async def test_an_upsell_repeats_the_order_with_more(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    await order(client)
    await client.simulators.settled()
    assert (await order(client, items=[{"id": 90, "unit_price": "50.00"}]))["amount"] == 54800
    await client.simulators.settled()
    first, second = receiver.orders()
    assert (second["webhook_type"], first["webhook_id"] != second["webhook_id"]) == ("upsell_paid", True)
    assert second["order"]["items"][:2] == first["order"]["items"]
    assert client.ledger()["orders"][0]["webhooks"] == ["order_paid", "upsell_paid"]


async def test_signed(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    await order(client)
    await client.simulators.settled()
    path, headers, body = receiver.got[0]
    assert path == "/webhooks/konverzky"
    WebhookSignature.verify_header(body.decode(), headers["x-onpaid-signature"], "shop_new", 300)


async def test_with_a_secret_in_a_header(start: Start, receiver: Receiver) -> None:
    client = await start()
    client.simulators.aim(replace(TARGET, base=receiver.base, konverzky_auth="header"))
    for number in range(8):
        await order(client, order_number=str(number))
    await client.simulators.settled()
    shown = {
        headers.get("authorization") or headers.get("x-onpaid-secret")
        for _path, headers, _body in receiver.got
    }
    assert shown == {"Bearer shop_new", "shop_new"}
    assert not any("x-onpaid-signature" in headers for _path, headers, _body in receiver.got)


async def test_with_a_secret_in_the_path(start: Start, receiver: Receiver) -> None:
    client = await start()
    client.simulators.aim(replace(TARGET, base=receiver.base, konverzky_auth="path"))
    await order(client)
    await client.simulators.settled()
    assert receiver.got[0][0] == "/webhooks/konverzky/shop_new"
    assert {"authorization", "x-onpaid-secret", "x-onpaid-signature"}.isdisjoint(receiver.got[0][1])


@pytest.mark.parametrize("auth", ["hmac", "header", "path"])
async def test_old_secrets_and_forgeries_in_each_mode(start: Start, receiver: Receiver, auth: Any) -> None:
    client = await start()
    client.simulators.aim(replace(TARGET, base=receiver.base, konverzky_auth=auth))
    client.simulators.plan.set("old-secret,bad-signature", seed=1, rate=1)

    def shown(path: str, headers: dict[str, str], body: bytes) -> set[str]:
        if auth == "hmac":
            good = set()
            for secret in TARGET.konverzky_secrets:
                try:
                    WebhookSignature.verify_header(
                        body.decode(), headers.get("x-onpaid-signature", ""), secret, 300
                    )
                except Exception:
                    continue
                stamp = int(headers["x-onpaid-signature"].split(",")[0].removeprefix("t="))
                good |= {secret} if abs(stamp - time.time()) <= 300 else set()
            return good
        secret = path.rsplit("/", 1)[1] if auth == "path" else (headers.get("x-onpaid-secret") or "")
        secret = secret or headers["authorization"].removeprefix("Bearer ")
        return {secret} & set(TARGET.konverzky_secrets)

    receiver.answer = lambda path, headers, body: 200 if shown(path, headers, body) else 401
    for number in range(8):
        await order(client, order_number=str(number))
    await client.simulators.settled()
    assert client.ledger()["forged"] == {"sent": 8, "refused": 8, "accepted": 0, "accepted_names": []}
    used = [shown(*got) for got in receiver.got]
    assert any("shop_old" in secrets for secrets in used)
    prices = {item["unit_price"] for told in receiver.orders() for item in told["order"]["items"]}
    assert "0.01" in prices


async def test_an_order_number_is_used_once(start: Start) -> None:
    client = await start()
    client.simulators.konverzky.place("1", "NOK", [])
    with pytest.raises(ValueError, match="1 already"):
        client.simulators.konverzky.place("1", "NOK", [])


@pytest.mark.parametrize("includes_vat", [True, False])
def test_every_basket_comes_to_whole_minor_units(includes_vat: bool) -> None:
    seen = set()
    for nth in range(400):
        who = buyer(Dice(nth), nth, guest=False)
        chosen = items(Dice(nth), who, prices_include_vat=includes_vat)
        total = (
            sum(i.unit_price * i.quantity * (1 if includes_vat else (100 + i.vat) / 100) for i in chosen)
            * 100
        )
        assert total == Order("1", who.currency, chosen, None, includes_vat).minor_units() > 0
        seen |= {(who.currency, who.norwegian, int(item.vat)) for item in chosen}
    assert {("NOK", True, rate) for rate in (25, 15, 12, 0)} <= seen
    assert {("EUR", False, 0), ("SEK", False, 0), ("NOK", False, 0)} <= seen
    assert all(norwegian or rate == 0 for _currency, norwegian, rate in seen)


async def test_what_was_never_told_is_told_when_somebody_asks_for_it(
    start: Start, receiver: Receiver
) -> None:
    client = await start(target=receiver.base)
    client.simulators.plan.set("drop-webhook", drop_rate=1)
    await order(client, customer={"email": "ola@example.org"})
    await client.simulators.settled()
    assert (receiver.orders(), client.simulators.sender.dropped) == ([], 1)
    again = "/konverzky/_orders/resend"
    for _ in range(2):
        assert (await client.call("POST", again, json={"order_number": "1001"})).status == 200
    await client.simulators.settled()
    first, second = receiver.orders()
    assert first["order"]["customer"] == {"email": "ola@example.org"}
    assert first["webhook_id"] == second["webhook_id"]
    assert (await client.call("POST", again, json={"order_number": "9"})).status == 404
    client.simulators.plan.set("none")
    await order(client, order_number="7", send=False)
    assert (await client.call("POST", again, json={"order_number": "7"})).status == 404
