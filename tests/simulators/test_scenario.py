"""A shop day: as many payments as were wanted, whoever is down in between."""

import asyncio
import contextlib
from collections import Counter

from onpaid.simulators import Play, Progress, play
from tests.simulators.kit import Receiver, Start


async def test_exactly_as_many_payments_as_orders(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    seen: list[tuple[str, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.state, progress.paid))

    progress = await play(client.simulators, Play(orders=40, seed=3), watch)
    assert progress.shown() == {
        "orders": 40,
        "seed": 3,
        "state": "done",
        "placed": 40,
        "paid": 40,
        "expected": 40,
        "parcels": 0,
        "checkouts": 0,
        "checkouts_paid": 0,
        "refused": 0,
        "sessions": 0,
        "subscriptions": 0,
        "sessions_opened": 0,
        "sessions_paid": 0,
        "refunds": 0,
        "error": None,
    }
    assert seen[-1] == ("done", 40)
    told = client.ledger()
    assert (told["counts"]["orders"], told["counts"]["payments"], told["verdict"]["paid"]) == (40, 40, 40)
    assert {row["order_number"] for row in told["payments"]} == {str(n) for n in range(1001, 1041)}
    totals = {order["order_number"]: (order["total"], order["currency"]) for order in told["orders"]}
    assert all(totals[row["order_number"]] == (row["amount"], row["currency"]) for row in told["payments"])
    assert {row["currency"] for row in told["payments"]} == {"NOK", "EUR", "SEK"}
    assert told["webhooks"]["waiting"] == 0
    assert told["webhooks"]["delivered"] == told["webhooks"]["facts"] == len(receiver.got)


async def test_there_are_guests_people_who_return_captures_and_payments_before_orders(
    start: Start, receiver: Receiver
) -> None:
    client = await start(target=receiver.base)
    await play(client.simulators, Play(orders=60, seed=5, at_once=4))
    told = client.ledger()
    customers = Counter(row["customer"] for row in told["payments"])
    assert customers[None] > 5
    assert max(count for customer, count in customers.items() if customer) >= 2
    assert len(client.simulators.stripe.customers) == len(customers) - 1
    kinds = Counter(event["type"] for event in receiver.events())
    assert kinds["charge.captured"] == kinds["payment_intent.amount_capturable_updated"] > 3
    assert kinds["charge.succeeded"] == kinds["payment_intent.succeeded"] == 60
    first: dict[str, str] = {}
    for path, _headers, body in receiver.got:
        for number in range(1001, 1061):
            if str(number).encode() in body:
                first.setdefault(str(number), path.rsplit("/", 1)[1])
    assert set(first.values()) == {"stripe", "konverzky"}


async def test_an_upsell_is_a_second_payment_that_can_be_told_apart(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    progress = await play(client.simulators, Play(orders=10, upsells=1))
    assert (progress.expected, progress.paid, client.ledger()["verdict"]["paid"]) == (20, 20, 20)
    for number, row in client.ledger()["by_order"].items():
        assert (len(row["payments"]), row["ordered"]) == (2, True), number
    totals = {order["order_number"]: order["total"] for order in client.ledger()["orders"]}
    paid: Counter[str] = Counter()
    for row in client.ledger()["payments"]:
        paid[row["order_number"]] += row["amount"]
    assert paid == Counter(totals)


async def test_a_target_that_is_down_only_delays(start: Start, receiver: Receiver) -> None:
    client = await start(target="http://127.0.0.1:9")
    day = asyncio.create_task(play(client.simulators, Play(orders=6)))
    while client.simulators.sender.unreachable < 10:  # noqa: ASYNC110
        await asyncio.sleep(0.002)
    assert client.simulators.progress is not None
    assert client.simulators.progress.state in ("playing", "delivering")
    day.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await day
    assert client.simulators.progress.shown()["state"] == "stopped"
    await client.simulators.reset()

    answers = Counter[str]()

    def sometimes(path: str, _headers: dict[str, str], _body: bytes) -> int:
        answers[path] += 1
        return 503 if answers[path] % 3 else 200

    receiver.answer = sometimes
    progress = await play(client.simulators, Play(orders=6, target=receiver.base))
    counts = client.simulators.sender.counts()
    assert (progress.state, counts["waiting"]) == ("done", 0)
    assert counts["delivered"] == counts["facts"]
    assert counts["refused"]["503"] > counts["facts"]


async def test_a_second_day_goes_on_with_other_orders(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base)
    await play(client.simulators, Play(orders=3))
    await play(client.simulators, Play(orders=3, first_order=2001))
    assert client.ledger()["verdict"]["paid"] == 6
    failed = None
    try:
        await play(client.simulators, Play(orders=1))
    except* ValueError as group:
        failed = group
    assert failed is not None
    assert client.simulators.progress is not None
    assert client.simulators.progress.state == "failed"
    assert "already" in str(client.simulators.progress.error)
