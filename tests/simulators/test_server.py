"""What tests and the demo steer by: `/_ledger`, `/_faults`, `/_play`, `/_target`, `/_reset`; and the process itself."""

import asyncio
import json
import sys

import aiohttp
import pytest

from onpaid.simulators import FAULTS, Simulators, create_app, serve
from onpaid.simulators.__main__ import arguments
from tests.simulators.kit import Receiver, Start


async def test_faults_are_set_and_told(start: Start) -> None:
    client = await start()
    body = {"faults": ["duplicate", "slow"], "seed": 7, "rate": 0.4}
    said = await client.call("PUT", "/_faults", json=body)
    assert said.status == 200
    told = (await client.call("GET", "/_faults")).json
    assert (told["faults"], told["seed"], told["rate"], told["api_rate"]) == (
        ["duplicate", "slow"],
        7,
        0.4,
        0.2,
    )
    assert told["known"] == FAULTS
    await client.call("PUT", "/_faults", json={"faults": "all", "api_rate": 0.1})
    told = (await client.call("GET", "/_faults")).json
    assert (len(told["faults"]), told["seed"], told["rate"], told["api_rate"]) == (13, 7, 0.3, 0.1)
    await client.call("PUT", "/_faults", json={"faults": "none"})
    assert (await client.call("GET", "/_faults")).json["faults"] == []


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"faults": ["gremlins"]}, "unknown fault: gremlins"),
        ({"fault": "all"}, "unknown: fault"),
        ({"faults": "all", "rate": 2}, "a rate must be from 0 to 1"),
        ({"faults": "all", "seed": "x"}, "invalid literal"),
        ([], "must be a JSON object"),
    ],
)
async def test_what_makes_no_sense_is_refused(start: Start, body: object, sentence: str) -> None:
    client = await start(faults="slow")
    said = await client.call("PUT", "/_faults", json=body)
    assert said.status == 400
    assert sentence in said.json["error"]
    assert (await client.call("GET", "/_faults")).json["faults"] == ["slow"]


async def test_unknown_faults_are_answered_with_the_known_ones(start: Start) -> None:
    client = await start()
    said = await client.call("PUT", "/_faults", json={"faults": "all,gremlins"})
    assert set(said.json["known"]) == {"all", "none", *FAULTS}


async def test_a_day_is_played_on_request(start: Start, receiver: Receiver) -> None:
    client = await start()
    assert (await client.call("GET", "/_play")).json["state"] == "idle"
    said = await client.call("POST", "/_play", json={"orders": 5, "seed": 1, "target": receiver.base})
    assert (said.status, said.json["orders"], said.json["expected"]) == (202, 5, 5)
    assert (await client.call("POST", "/_play", json={"orders": 5})).status == 409
    await client.simulators.errands.finished()
    told = (await client.call("GET", "/_play")).json
    assert (told["state"], told["paid"], told["webhooks"]["waiting"], told["landing"]) == ("done", 5, 0, 0)
    ledger = (await client.call("GET", "/_ledger")).json
    assert ledger == client.ledger()
    assert ledger["counts"]["orders"] == 5
    for bad in ({"oders": 5}, {"orders": "5"}, {"pause": True}):
        assert (await client.call("POST", "/_play", json=bad)).status == 400


async def test_reset_forgets_what_happened_and_keeps_what_is_set(start: Start, receiver: Receiver) -> None:
    client = await start(target=receiver.base, faults="duplicate", seed=9)
    await client.contact()
    await client.call("POST", "/stripe/_charges", json={"order_number": "1", "amount": 100})
    await client.call("POST", "/konverzky/_orders", json={"order_number": "1"})
    await client.call("POST", "/_reset")
    told = client.ledger()
    assert set(told["counts"].values()) == {0}
    assert (told["faults"], told["seed"], told["faults_injected"]) == (["duplicate"], 9, {})
    assert told["webhooks"]["waiting"] == 0
    assert (await client.call("PUT", "/_target", json={"base": "http://127.0.0.1:8/"})).json["base"][
        -2:
    ] == ":8"


async def test_two_can_run_in_one_process_and_stop_at_once() -> None:
    one, two = await serve(), await serve(Simulators())
    assert one.base != two.base
    assert one.fiken_base == one.base + "/fiken/api/v2"
    assert one.stripe_base == one.base + "/stripe"
    one.simulators.plan.set("commit-then-timeout", api_rate=1)
    async with aiohttp.ClientSession() as session:
        headers = {"Authorization": "Bearer fiken_simulated"}

        async def call(nth: int) -> None:
            async with session.get(f"{one.fiken_base}/companies?n={nth}", headers=headers):
                pass

        hanging = [asyncio.create_task(call(nth)) for nth in range(4)]
        await asyncio.sleep(0.02)
        async with asyncio.timeout(1):
            await one.stop()
            await two.stop()
        outcomes = await asyncio.gather(*hanging, return_exceptions=True)
    assert any(isinstance(outcome, aiohttp.ClientError) for outcome in outcomes)


def test_an_application_knows_its_simulators() -> None:
    simulators = Simulators()
    assert create_app(simulators).state.simulators is simulators
    assert isinstance(create_app().state.simulators, Simulators)


def test_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    asked = arguments(["--faults", "slow,429", "--seed", "3"])
    assert (asked.faults, asked.seed, asked.port, asked.parcels_move) == ("429,slow", 3, 0, False)
    assert arguments(["--parcels-move"]).parcels_move
    with pytest.raises(SystemExit):
        arguments(["--faults", "gremlins"])
    assert "faults" in capsys.readouterr().err


async def test_a_cart_that_was_checked_out_by_hand_is_noted(start: Start) -> None:
    client = await start()
    cart = {
        "order_number": "77",
        "razorpay_order": "order_1",
        "units": {"racket-garuda": 2},
        "phone": "+919812345678",
    }
    assert (await client.call("POST", "/_carts", json=cart)).status == 201
    (row,) = client.ledger()["delivery"]["carts"]
    assert (row["order_number"], row["physical"], row["price"]) == ("77", True, 490_000)
    for wrong, status in (
        ({"units": {"racket-garuda": "2"}}, 400),
        ({"units": []}, 400),
        ({"units": {"x": 1}}, 400),
    ):
        assert (await client.call("POST", "/_carts", json={**cart, **wrong})).status == status
    assert (await client.call("POST", "/_carts", json={"units": {}})).status == 404


async def test_every_provider_has_an_address_that_answers(start: Start) -> None:
    client = await start()
    served = client.served
    assert set(served.bases()) == {
        "stripe",
        "fiken",
        "razorpay",
        "shiprocket",
        "meta",
        "twilio",
        "msg91",
        "wati",
        "jira",
        "sns",
    }
    for name in ("razorpay", "shiprocket", "meta", "twilio", "msg91", "wati", "jira", "sns"):
        assert served.bases()[name] == getattr(served, f"{name}_base")
    no_key = {
        "razorpay": "/v1/payments",
        "shiprocket": "/v1/external/orders",
        "meta": "/v25.0/106540352242922",
        "twilio": f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json",
        "wati": "/api/v1/getMessageTemplates",
        "jira": "/rest/api/3/myself",
    }
    for name, path in no_key.items():
        assert (await client.call("GET", f"/{name}{path}")).status == 401, name


async def test_as_a_process_of_its_own() -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "onpaid.simulators",
        "--faults",
        "all",
        "--seed",
        "5",
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    bases = json.loads(await child.stdout.readline())
    async with aiohttp.ClientSession() as session, session.get(bases["base"] + "/_ledger") as reply:
        told = await reply.json()
    assert (told["seed"], len(told["faults"])) == (5, 13)
    child.terminate()
    assert await child.wait() == 0
