"""The demo's stack on the emulator, with small handlers: what is deployed, how it is reached, and how functions die."""

from __future__ import annotations

import asyncio
import json
import os
import select
import zipfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from onpaid.cli.demo.aws_clock import Ticking
from onpaid.cli.demo.aws_door import Door
from onpaid.cli.demo.aws_faults import Dice
from onpaid.cli.demo.aws_functions import Functions, children
from onpaid.cli.demo.aws_proxy import Proxy
from onpaid.cli.demo.aws_stack import PACKAGE, TEMPLATE, DeployFailed, Stack, as_toml, pointed_at
from onpaid.cli.demo.emulator import TOOLS
from onpaid.settings import BY_NAME, told
from tests.aws.test_proxy import Loaded
from tests.emulator import ROOT, running_emulator

SETTINGS = {"WHATSAPP_PROVIDER": "meta", "STRIPE_API_KEY": "sk_test_standin", "KONVERZKY_AUTH": "hmac"}


class Switched(Dice):
    """Dice that fall once, when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.next: list[str] = []

    def falls(self, name: str) -> bool:
        if name not in self.next:
            return False
        self.next.remove(name)
        self.hits[name] += 1
        return True


class Deployed:
    """A stack of stand-ins, and everything around it."""

    def __init__(self, stack: Stack, door: Door, proxy: Proxy, dice: Switched, functions: Functions) -> None:
        self.stack, self.door, self.proxy, self.dice, self.functions = stack, door, proxy, dice, functions

    async def post(self, path: str) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.door.url + path, data=b"{}", headers={"X-Tried": "yes"}) as reply,
        ):
            return reply.status, await reply.json()

    async def tick(self) -> dict[str, Any]:
        client = self.stack.emulator.client("lambda")
        payload = json.dumps({"schedule": "tick"}).encode()
        name = self.stack.functions["tick"]
        answer = await asyncio.to_thread(client.invoke, FunctionName=name, Payload=payload)
        assert "FunctionError" not in answer
        found: dict[str, Any] = json.load(answer["Payload"])
        return found

    async def written(self, name: str, wanted: int, seconds: float = 40.0) -> list[str]:
        """What was written under a name, once it is so many."""
        dynamodb = self.stack.emulator.client("dynamodb")
        async with asyncio.timeout(seconds):
            while True:
                answer = await asyncio.to_thread(
                    dynamodb.query,
                    TableName=self.stack.table,
                    KeyConditionExpression="PK = :name",
                    ExpressionAttributeValues={":name": {"S": name}},
                )
                found = [item["SK"]["S"] for item in answer["Items"]]
                if len(found) >= wanted:
                    return found
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with the real template, and stand-ins in the package."""
    root = tmp_path_factory.mktemp("checkout")
    (root / TOOLS).symlink_to(ROOT / TOOLS)
    for place in (TEMPLATE, PACKAGE):
        (root / place).parent.mkdir(parents=True)
    (root / TEMPLATE).symlink_to(ROOT / TEMPLATE)
    with zipfile.ZipFile(root / PACKAGE, "w") as package:
        package.writestr("onpaid/__init__.py", "")
        package.write(Path(__file__).with_name("standin.py"), "onpaid/aws_lambda.py")
    return root


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployed(folder: Path) -> AsyncIterator[Deployed]:
    with running_emulator() as emulator:
        stack, door, dice = Stack(emulator), Door(), Switched()
        await asyncio.to_thread(stack.deploy, folder, SETTINGS)
        functions = Functions(emulator.pid, dice, stack.tell)
        proxy = Proxy(emulator.url, dice, written=functions.written)
        await proxy.start()
        await door.start()
        more = {
            name: {f"AWS_ENDPOINT_URL_{service}": f"{proxy.url}/{name}" for service in ("DYNAMODB", "SQS")}
            for name in stack.functions
        }
        await asyncio.to_thread(stack.arrange, more, 200.0)
        door.api, door.gateway = stack.api, emulator.url
        yield Deployed(stack, door, proxy, dice, functions)
        await door.stop()
        await proxy.stop()


@pytest.mark.asyncio(loop_scope="module")
async def test_from_the_door_to_the_table(deployed: Deployed) -> None:
    figures = deployed.proxy.figures
    had, taken = Counter(figures.calls), deployed.door.taken
    status, answer = await deployed.post("/webhooks/stripe/a%20b?x=12")
    assert status == 201
    assert answer["tried"] == "yes"
    assert answer["query"] == "x=12"
    assert await deployed.written(answer["path"], 2) == ["began", "done 1"]
    more = figures.calls - had
    assert more["web", "sqs.SendMessage"] == 1
    assert more["work", "dynamodb.TransactWriteItems"] == 2
    assert (deployed.door.taken - taken, deployed.door.unanswered) == (1, 0)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_functions_are_told(deployed: Deployed) -> None:
    emulator = deployed.stack.emulator
    environment = deployed.stack._environment["work"]
    kept = emulator.client("ssm").get_parameter(
        Name=environment["ONPAID_SETTINGS"].removeprefix("ssm:"), WithDecryption=True
    )
    plain = told(kept["Parameter"]["Value"], "the parameter")
    assert plain == {"WHATSAPP_PROVIDER": "meta", "KONVERZKY_AUTH": "hmac"}
    name = environment["STRIPE_API_KEY"].removeprefix("secretsmanager:")
    assert (
        emulator.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"] == "sk_test_standin"
    )
    assert {name for name in environment if name.startswith("ONPAID_")} <= BY_NAME.keys()
    assert len(deployed.stack.admin_token) >= 32
    queue = emulator.client("sqs").get_queue_attributes(QueueUrl=deployed.stack.queue, AttributeNames=["All"])
    assert queue["Attributes"]["VisibilityTimeout"] == "6"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_function_that_is_killed_while_it_writes_gets_its_message_again(deployed: Deployed) -> None:
    lost = deployed.functions.lost
    deployed.dice.next = ["lambda-killed"]
    _, answer = await deployed.post("/killed")
    assert await deployed.written(answer["path"], 2) == ["began", "done 2"]
    assert deployed.functions.lost == lost + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_function_that_hangs_does_not_keep_its_message(deployed: Deployed) -> None:
    lost = deployed.functions.lost
    deployed.dice.next = ["lambda-timeout"]
    _, answer = await deployed.post("/frozen")
    assert (await deployed.written(answer["path"], 2))[0] == "began"
    assert deployed.functions.lost == lost + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cold_start_is_another_process(deployed: Deployed) -> None:
    lost = deployed.functions.lost
    warm = {(await deployed.tick())["pid"] for _ in range(4)}
    assert len(warm) < 4, "a process that is there serves again, beside one that still ends an earlier call"
    deployed.dice.next = ["cold-start"]
    await deployed.functions.maybe_replace()
    assert (await deployed.tick())["pid"] not in warm
    assert deployed.functions.lost == lost + 1


@pytest.mark.asyncio(loop_scope="module")
async def test_ticks_come_twice_and_an_hour_late(deployed: Deployed) -> None:
    ticking = Ticking(deployed.stack, deployed.dice, deployed.functions, factor=200.0)
    deployed.dice.next = ["two-ticks", "late-tick"]
    ticking.start()
    assert await deployed.written("tick", 1) == ["now"]
    assert ticking.ahead == 0
    ticking.may_be_late = True
    assert sorted(await deployed.written("tick", 2)) == ["18s", "now"]
    await ticking.stop()
    assert ticking.ahead == 18.0
    assert deployed.dice.hits["two-ticks"] == 1


@pytest.mark.asyncio(loop_scope="module")
async def test_functions_end_with_the_emulator(folder: Path) -> None:
    with running_emulator() as emulator:
        stack = Stack(emulator)
        await asyncio.to_thread(stack.deploy, folder, SETTINGS)
        await Deployed(stack, Door(), Proxy(""), Switched(), None).tick()  # type: ignore[arg-type]
        handles = [os.pidfd_open(pid) for pid in children(emulator.pid)]
        assert handles
    for handle in handles:
        ready, _, _ = select.select([handle], [], [], 10)
        os.close(handle)
        assert ready, "a function lives on"


def test_without_a_package_it_says_how_to_make_one(tmp_path: Path) -> None:
    (tmp_path / TEMPLATE).parent.mkdir(parents=True)
    (tmp_path / TEMPLATE).write_text("Resources: {}")
    with pytest.raises(DeployFailed, match="make aws-package"):
        Stack(None).deploy(tmp_path, SETTINGS)  # type: ignore[arg-type]


def test_the_template_is_pointed_at_the_uploaded_package() -> None:
    text = "Globals:\n  Function:\n    CodeUri: ../dist/a.zip\n    MemorySize: 512\n"
    assert pointed_at(text, "s3://b/k") == text.replace("../dist/a.zip", "s3://b/k")
    with pytest.raises(DeployFailed, match="CodeUri"):
        pointed_at("Resources: {}", "s3://b/k")


def test_settings_come_out_of_the_parameter_as_they_went_in() -> None:
    given = {"STRIPE_API_KEY": 'a "quoted" \\ value', "ONPAID_TIME_FACTOR": "20.0"}
    assert told(as_toml(given), "the text") == given


def test_loaded_dice_are_dice() -> None:
    assert Loaded("cut").falls("cut")
    assert not Loaded("cut").falls("throttle")
