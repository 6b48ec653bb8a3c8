"""`onpaid prove`: one line an order, one of totals, and an exit code that is never green where nothing is known."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from onpaid.cli.proving import code_of, run
from onpaid.cli.reach import Api
from onpaid.errors import NotPossible, Unauthorised, Unavailable
from tests.cli.kit import Onpaid
from tests.web.client import operator
from tests.web.proofs import books_of
from tests.web.world import World, make_world


class Asked:
    """The API of a service in this process, asked one request at a time."""

    def __init__(self, runner: asyncio.Runner, world: World) -> None:
        self._runner, self._client = runner, operator(world)
        self.targets: list[str] = []

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        self.targets.append(f"{method} {target}")
        given = {} if body is None else {"data": json.loads(body)}
        answer = self._runner.run(self._client.ask(method, target, **given))
        return answer.status, answer.body


class Shop:
    """A shop of nine orders, and its API."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.world = make_world()
        self.books = runner.run(books_of(self.world))
        self.asked = Asked(runner, self.world)
        self.pauses: list[float] = []

    def prove(self, since: str = "2d", **more: Any) -> int:
        options = {"off_only": False, "as_json": False, **more}

        def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            self.world.clock.at += 61_000

        return run(Api(self.asked), since, "", pause=pause, **options)


@pytest.fixture
def shop() -> Iterator[Shop]:
    with asyncio.Runner() as runner:
        yield Shop(runner)


def test_a_period_that_holds_is_exit_code_0(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    assert shop.prove() == 0
    told = capsys.readouterr().out
    assert [line.split()[:2] for line in told.splitlines()[:9]] == [
        [f"{1000 + nth}", "proven"] for nth in range(9)
    ]
    assert "Proven: 9 orders; nothing is off. 9 orders, 9 payments, 9 invoices, 9 billing events" in told


def test_findings_are_exit_code_1_and_name_cause_and_command(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    del shop.books.accounts.invoices[2]
    assert shop.prove(off_only=True) == 1
    told = capsys.readouterr().out
    assert "missing: no invoice in the accounts for stripe/default/test/pi_2" in told
    assert (
        "(it was made as 3, and is gone from the accounts). To do: make one in the accounts by hand" in told
    )
    assert "1 missing, 0 unexplained, 0 differs, 0 double" in told
    assert "1003" not in told


def test_a_provider_that_could_not_be_read_is_exit_code_2(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.books.accounts.always = Unauthorised("Fiken answered 401")
    assert shop.prove() == 2
    told = capsys.readouterr().out
    assert "Could not be read: the accounts’ invoices. Fiken answered 401" in told
    assert "Nothing is proven" in told


def test_scripts_get_one_json_value(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    del shop.books.accounts.invoices[2]
    assert shop.prove(as_json=True) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["totals"]["found"]["missing"]) == ("off", 1)
    assert [row["order"] for row in told["orders"]][:2] == ["1002", "1000"]
    assert len(told["orders"]) == 9


def test_while_somebody_else_works_on_it_the_command_waits(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.books.stripe.troubles = [Unavailable("429", 5.0)]

    async def no_sleep(seconds: float) -> None:
        shop.world.clock.at += round(seconds * 1000)

    shop.world.clock.sleep = no_sleep  # type: ignore[method-assign]
    assert shop.prove() == 0
    assert "POST /api/proofs" in shop.asked.targets
    assert capsys.readouterr().out


@pytest.mark.parametrize("since", ["yesterday", "900d"])
def test_what_is_no_period_is_said_in_a_sentence(shop: Shop, since: str) -> None:
    with pytest.raises(NotPossible, match=r"is no time|more than 100 days"):
        shop.prove(since)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Unavailable("no answer")])
def test_a_proof_that_is_stopped_is_not_taken_for_one_with_findings(
    stop: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped() -> int:
        raise stop

    assert code_of(stopped) == 2
    assert capsys.readouterr().err.startswith("onpaid: ")


def test_where_nothing_can_be_proven_the_exit_code_is_2_and_not_1(onpaid: Onpaid) -> None:
    ran = onpaid("prove", STRIPE_API_KEY="")
    assert ran.code == 2
    assert ran.err.startswith("onpaid: ")
