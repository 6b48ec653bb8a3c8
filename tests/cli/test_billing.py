"""The commands of billing events: what they say, and that who follows sees each event once, in order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from onpaid.cli import billing
from onpaid.cli.reach import Api
from onpaid.domain.billing import BillingEvent, DeliveryWanted
from onpaid.domain.subscribers import SICK
from onpaid.errors import InvalidInput, NotPossible
from tests.flows.billing_scenes import KEPT
from tests.web.billed import Billed, make_billed
from tests.web.client import Client
from tests.web.world import OPERATOR

GIVEN = "whsec_" + "YSBzZWNyZXQgb2YgdGhlIHRlc3RzLCBpdCBpcyBsb25n"


class Desk:
    """A service that a command asks, on a loop of its own."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.billed: Billed = self.runner.run(make_billed())
        self.asked = 0

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        self.asked += 1
        more = {} if body is None else {"body": body, "headers": {"content-type": "application/json"}}
        answer = self.runner.run(Client(self.billed.app, OPERATOR).ask(method, target, **more))  # type: ignore[arg-type]
        return answer.status, answer.body

    @contextmanager
    def api(self) -> Iterator[Api]:
        yield Api(self)

    def published(self, subject: str, type_: str = "payment.successful") -> BillingEvent:
        self.billed.world.clock.move(timedelta(seconds=1))
        return self.runner.run(self.billed.published(subject=subject, type_=type_))


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.runner.close()


Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: capsys.readouterr().out


def test_the_latest_events_are_shown_oldest_first(desk: Desk, said: Said) -> None:
    for number in range(3):
        desk.published(f"pi_{number}")
    billing.tail(follow=False, only=None, limit=2, as_json=False, reach=desk.api)
    lines = said().splitlines()
    assert [line.split()[-1] for line in lines] == ["pi_1", "pi_2"]
    assert "cus_1 #3" in lines[-1]
    billing.tail(follow=False, only=None, limit=2, as_json=True, reach=desk.api)
    assert [json.loads(line)["sequence"] for line in said().splitlines()] == [2, 3]
    billing.tail(follow=False, only="invoice.paid", limit=2, as_json=True, reach=desk.api)
    assert said() == ""
    with pytest.raises(NotPossible, match="no server runs"):
        billing.tail(follow=True, only=None, limit=2, as_json=True, reach=desk.api)


def test_who_follows_sees_each_event_once_and_in_order(desk: Desk) -> None:
    first = desk.published("pi_first")
    steps: list[list[str]] = [["pi_a"], [], ["pi_b", "pi_c"], [f"pi_{n}" for n in range(120)]]
    made: list[str] = []

    def pause(_seconds: float) -> None:
        if not steps:
            raise KeyboardInterrupt
        made.extend(desk.published(subject).id for subject in steps.pop(0))

    with desk.api() as ask:
        latest = ask.get("billing-events", state="published", limit=20)["items"]
        assert [event["id"] for event in latest] == [first.id]
        following = billing.following(ask, None, latest, pause)
        seen = [next(following)["id"] for _ in range(123)]
        with pytest.raises(KeyboardInterrupt):
            next(following)
    assert seen == made


def test_who_follows_is_not_told_what_was_published_before(desk: Desk) -> None:
    made = [desk.published(f"pi_{number}") for number in range(5)]
    with desk.api() as ask:
        latest = ask.get("billing-events", state="published", limit=2)["items"]
        assert [event["id"] for event in latest] == [made[4].id, made[3].id]
        following = billing.following(
            ask, None, latest, lambda _seconds: made.append(desk.published("pi_new"))
        )
        assert next(following)["id"] == made[5].id


def test_who_follows_waits_for_a_server_that_restarts(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    steps = ["pi_a", "away", "away", "back", "pi_c"]

    class Restarting(Desk):
        def __init__(self) -> None:
            self.away = False

        def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
            return (503, b"{}") if self.away else desk.send(method, target, body)

    asked = Restarting()

    def pause(_seconds: float) -> None:
        what = steps.pop(0)
        asked.away = what == "away"
        if what != "back":
            desk.published("pi_b" if asked.away and "away" in steps else what)

    following = billing.following(Api(asked), None, [], pause)
    assert [next(following)["subject"] for _ in range(4)] == ["pi_a", "pi_b", "away", "pi_c"]
    assert capsys.readouterr().err.count("onpaid:") == 1, "an outage is told once"


def test_who_follows_from_nothing_sees_the_first(desk: Desk) -> None:
    def pause(_seconds: float) -> None:
        desk.published("pi_1")

    with desk.api() as ask:
        assert next(billing.following(ask, None, [], pause))["subject"] == "pi_1"


def test_a_secret_is_shown_once(desk: Desk, said: Said, tmp_path: Path) -> None:
    billing.add("https://new.example.org/in", ["invoice.paid"], None, as_json=False, reach=desk.api)
    shown = said()
    secret = shown.splitlines()[-1]
    assert secret.startswith("whsec_")
    billing.subscribers(as_json=False, reach=desk.api)
    billing.subscribers(as_json=True, reach=desk.api)
    billing.show(shown.split()[0], limit=5, after=None, as_json=False, reach=desk.api)
    later = said()
    assert "https://new.example.org/in" in later
    assert "invoice.paid" in later
    assert secret not in later
    file = tmp_path / "secret"
    file.write_text(GIVEN + "\n")
    billing.add("https://b.example.org/", [], file, as_json=True, reach=desk.api)
    assert json.loads(said())["secret"] == GIVEN
    with pytest.raises(InvalidInput, match="cannot be read"):
        billing.add("https://c.example.org/", [], tmp_path / "none", as_json=True, reach=desk.api)
    with pytest.raises(NotPossible, match="must be on the internet"):
        billing.add("https://127.0.0.1/", [], None, as_json=True, reach=desk.api)


def test_pause_resume_replay_and_remove(desk: Desk, said: Said) -> None:
    billing.act(KEPT.id, "pause", as_json=False, reach=desk.api)
    billing.act(KEPT.id, "resume", as_json=False, reach=desk.api)
    assert said().split("\n")[:2] == ["sbr_1 is paused.", "sbr_1 is active."]
    billing.replay(KEPT.id, since="2026-11-20", until=None, only=None, as_json=True, reach=desk.api)
    assert json.loads(said())["run"] == "replay_billing_events:sbr_1/2/1"
    billing.replay(KEPT.id, since="2026-11-20", until=None, only=None, as_json=False, reach=desk.api)
    assert "The replay began" in said()
    with pytest.raises(NotPossible, match="say --yes"):
        billing.remove(KEPT.id, yes=False, as_json=False, reach=desk.api)
    billing.remove(KEPT.id, yes=True, as_json=False, reach=desk.api)
    assert said() == "sbr_1 is removed.\n"
    with pytest.raises(NotPossible, match="no subscriber"):
        billing.act(KEPT.id, "pause", as_json=False, reach=desk.api)


def test_a_test_says_what_came_of_it(desk: Desk, said: Said) -> None:
    with pytest.raises(NotPossible, match="no event yet"):
        billing.try_out(KEPT.id, as_json=False, reach=desk.api)
    event = desk.published("pi_1")
    billing.try_out(KEPT.id, as_json=False, reach=desk.api)
    assert f"{event.id} is on its way" in said()
    billing.try_out(KEPT.id, as_json=True, reach=desk.api)
    assert json.loads(said())["delivery"]["state"] == "wanted"


def test_a_test_of_a_subscriber_that_answers_nobody_says_what_to_do(desk: Desk, said: Said) -> None:
    event = desk.published("pi_1")
    for _ in range(SICK):
        desk.runner.run(desk.billed.failed(event))

    class Working(Desk):
        """The server has come to the delivery by the time that it is asked about."""

        def __init__(self) -> None:
            pass

        def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
            if "deliveries" in target:
                turn = desk.billed.subscribers.look_turn(DeliveryWanted(KEPT.id, event.id, 1))
                desk.runner.run(desk.billed.commit(desk.runner.run(turn)))
            return desk.send(method, target, body)

    billing.try_out(KEPT.id, as_json=False, reach=Working().api)
    assert f"{event.id} is held back" in said()
    billing.act(KEPT.id, "resume", as_json=False, reach=desk.api)
    assert said() == "sbr_1 is active.\n"
