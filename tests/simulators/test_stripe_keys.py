"""Idempotency keys: what is kept, what is refused, and what a fault does to them."""

import asyncio
from typing import Any

import aiohttp

from onpaid.simulators import Times
from onpaid.simulators.stripe_keys import KEY_LIFE
from tests.simulators.kit import QUICK, Client, HandClock, Said, Start


async def create(client: Client, key: str, email: str = "a@example.org", **more: Any) -> Said:
    return await client.stripe(
        "POST", "/customers", headers={"Idempotency-Key": key}, data={"email": email, **more}
    )


async def test_the_first_answer_is_given_again(start: Start) -> None:
    client = await start()
    first, again = await create(client, "k"), await create(client, "k")
    assert first.json == again.json
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Idempotency-Key"] == "k"
    await client.stripe("POST", f"/customers/{first.json['id']}", data={"name": "Changed"})
    assert (await create(client, "k")).json == first.json
    assert client.ledger()["counts"]["customers"] == 1


async def test_another_body_or_another_address_under_the_key_is_refused(start: Start) -> None:
    client = await start()
    made = (await create(client, "k")).json["id"]
    other = await create(client, "k", "b@example.org")
    assert (other.status, other.json["error"]["type"]) == (400, "idempotency_error")
    headers = {"Idempotency-Key": "k"}
    elsewhere = await client.stripe(
        "POST", f"/customers/{made}", headers=headers, data={"email": "a@example.org"}
    )
    assert (elsewhere.status, elsewhere.json["error"]["type"]) == (400, "idempotency_error")
    assert (await create(client, "k" * 256)).status == 400


async def test_a_key_that_still_runs_is_a_conflict(start: Start) -> None:
    clock = HandClock()
    client = await start(clock, times=Times(answer=1))
    first = asyncio.create_task(create(client, "k"))
    await clock.asleep.wait()
    second = await create(client, "k")
    assert (second.status, second.json["error"]["code"]) == (409, "idempotency_key_in_use")
    clock.gate.set()
    assert (await first).status == 200
    assert (await create(client, "k")).headers["Idempotent-Replayed"] == "true"


async def test_a_refusal_before_execution_keeps_nothing(start: Start) -> None:
    client = await start()
    assert (await create(client, "k", colour="red")).status == 400
    assert (await create(client, "k")).status == 200


async def test_an_error_of_the_execution_is_kept(start: Start) -> None:
    client = await start()
    headers = {"Idempotency-Key": "k"}
    first = await client.stripe("POST", "/customers/cus_none", headers=headers, data={"name": "A"})
    again = await client.stripe("POST", "/customers/cus_none", headers=headers, data={"name": "A"})
    assert (first.status, again.status) == (404, 404)
    assert again.headers["Idempotent-Replayed"] == "true"


async def test_a_key_dies_after_a_day(start: Start) -> None:
    clock = HandClock()
    client = await start(clock)
    first = await create(client, "k")
    clock.at += KEY_LIFE - 1
    assert (await create(client, "k")).json["id"] == first.json["id"]
    clock.at += 1
    assert (await create(client, "k")).json["id"] != first.json["id"]


async def test_server_errors_with_and_without_effect_and_a_500_that_is_kept(start: Start) -> None:
    client = await start(times=QUICK)
    client.simulators.plan.set("503", seed=1, api_rate=1)
    first = {f"k{n}": await create(client, f"k{n}", f"{n}@example.org") for n in range(40)}
    assert {said.status for said in first.values()} == {500, 503}
    await client.simulators.settled()
    landed = {known["email"] for known in client.simulators.stripe.customers.values()}
    assert 0 < len(landed) < 40
    client.simulators.plan.set("none")
    second = {key: await create(client, key, f"{key[1:]}@example.org") for key in first}
    assert all(second[key].status == 500 for key in first if first[key].status == 500)
    assert all(second[key].status == 200 for key in first if first[key].status == 503)
    kept = {key for key in first if second[key].headers.get("Idempotent-Replayed") == "true"}
    assert {f"{key[1:]}@example.org" for key in first if first[key].status == 503 and key in kept} <= landed
    without = {key for key in first if first[key].status == 500 and f"{key[1:]}@example.org" not in landed}
    assert without  # a 500 may be kept for a request that did nothing
    emails = [known["email"] for known in client.simulators.stripe.customers.values()]
    assert len(emails) == len(set(emails))


async def test_a_lost_request_holds_its_key_until_it_lands(start: Start) -> None:
    clock = HandClock()
    client = await start(clock)
    client.simulators.plan.set("late-landing", api_rate=1)
    try:
        await create(client, "k")
        raise AssertionError("the answer was to be lost")
    except aiohttp.ClientError:
        pass
    client.simulators.plan.set("none")
    assert (await create(client, "k")).status == 409
    clock.gate.set()
    await client.simulators.settled()
    assert (await create(client, "k")).headers["Idempotent-Replayed"] == "true"
    assert client.ledger()["counts"]["customers"] == 1
