"""`onpaid move`: from file to file and to a table, killed on the way, taken back, and refused where it would harm."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from onpaid.cli.demo.emulator import ACCOUNT
from onpaid.store.dynamodb_table import create_table
from onpaid.store.moved import arrival_of
from onpaid.store.port import Entry, Put
from onpaid.store.sqlite import SqliteStore
from onpaid.store.sqlite_lock import FileLock, read_announcement
from tests.cli.kit import Onpaid, Ran, start, until
from tests.emulator import REGION, Emulator, table


@pytest.fixture
def there(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'there.db'}"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[None]:
    """Somebody holds the source."""
    lock = FileLock.take(str(tmp_path / "onpaid.db"))
    lock.announce("http://127.0.0.1:8080")
    yield
    lock.release()


def refused(ran: Ran) -> str:
    """What a command said that could not do what was asked."""
    assert (ran.code, ran.out) == (1, "")
    assert "Traceback" not in ran.err
    return " ".join(ran.err.split())


def numbers(ran: Ran) -> list[str]:
    return [row["number"] for row in ran.well().json()["items"]]


def test_from_file_to_file(stocked: Onpaid, there: str) -> None:
    told = stocked("move", "--to", there, "--json").well().json()
    assert told["from"] == stocked.environment["ONPAID_DATABASE"]
    assert (told["to"], told["verified"], told["earlier"]) == (there, True, False)
    assert told["documents"] == sum(kind["documents"] for kind in told["kinds"].values())
    assert told["kinds"]["run"]["documents"] >= 2
    assert len(told["kinds"]["run"]["digest"]) == 64
    assert numbers(stocked("orders", "list", "--json", ONPAID_DATABASE=there)) == ["10042"]
    said = refused(stocked("orders", "list", "--json"))
    assert f"is at {there} now: set ONPAID_DATABASE to that" in said


def test_it_is_told_to_a_person(stocked: Onpaid, there: str) -> None:
    said = " ".join(stocked("move", "--to", there).well().out.split())
    assert f"Set ONPAID_DATABASE={there} and start the service" in said
    assert "order 1 " in said
    again = " ".join(stocked("move", "--to", there).well().out.split())
    assert "This move came to its end before" in again


def test_the_server_refuses_a_database_that_was_moved(stocked: Onpaid, there: str) -> None:
    stocked("move", "--to", there).well()
    assert "set ONPAID_DATABASE to that" in refused(stocked("serve", "--until-input-ends"))


def test_taken_back_and_made_again(stocked: Onpaid, there: str) -> None:
    stocked("move", "--to", there).well()
    assert stocked("move", "--undo", "--json").well().json()["undone"] is True
    assert numbers(stocked("orders", "list", "--json")) == ["10042"]
    assert "was not moved" in refused(stocked("move", "--undo"))
    stocked("move", "--to", there).well()
    said = stocked("move", "--undo", "--to", there).well().out
    assert "The move is taken back" in said


def test_not_taken_back_once_somebody_worked_there(stocked: Onpaid, there: str) -> None:
    stocked("move", "--to", there).well()
    stocked("orders", "list", ONPAID_DATABASE=there).well()
    assert "was opened for work at" in refused(stocked("move", "--undo"))


def test_a_lost_target(stocked: Onpaid, there: str, tmp_path: Path) -> None:
    stocked("move", "--to", there).well()
    (tmp_path / "there.db").unlink()
    assert "there is no database at" in refused(stocked("move", "--undo"))
    assert not (tmp_path / "there.db").exists()
    stocked("move", "--undo", "--target-gone").well()
    assert numbers(stocked("orders", "list", "--json")) == ["10042"]


def test_from_another_directory_it_is_the_same_database(
    stocked: Onpaid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    told = stocked("move", "--from", "sqlite:///../onpaid.db", "--to", "sqlite:///new.db", "--json").well()
    assert told.json()["to"] == f"sqlite:///{tmp_path}/sub/new.db"
    monkeypatch.chdir(tmp_path)
    again = stocked("move", "--to", "sqlite:///sub/new.db", "--json").well()
    assert again.json()["earlier"] is True


def test_a_source_that_is_served_is_refused(stocked: Onpaid, there: str, served: None) -> None:
    said = refused(stocked("move", "--to", there))
    assert f"process {os.getpid()} works on" in said
    assert "at http://127.0.0.1:8080: stop it first" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--to is missing"),
        (("--to", "postgres://x"), "names no database: say sqlite:///path or dynamodb://table"),
        (("--to", "sqlite:///"), "names no database"),
        (("--to", "dynamodb://"), "names no database"),
        (("--from", "sqlite:///nope.db", "--to", "sqlite:///there.db"), "there is no database at"),
        (("--target-gone", "--to", "sqlite:///there.db"), "--target-gone goes with --undo"),
        (("--undo",), "was not moved"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    stocked: Onpaid, words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert said in refused(stocked("move", *words))
    assert not (tmp_path / "there.db").exists()


def test_one_database_is_not_moved_onto_itself(stocked: Onpaid) -> None:
    assert "the same database" in refused(stocked("move", "--to", stocked.environment["ONPAID_DATABASE"]))


def test_a_target_with_other_data_is_refused(stocked: Onpaid, there: str, tmp_path: Path) -> None:
    stocked("move", "--to", there).well()
    stocked("orders", "list", ONPAID_DATABASE=there).well()
    further = there.replace("there", "further")
    stocked("backup", str(tmp_path / "copy.db"), ONPAID_DATABASE=there).well()
    stocked("restore", str(tmp_path / "copy.db"), ONPAID_DATABASE=further).well()
    said = refused(stocked("move", "--from", further, "--to", there))
    assert "holds other data already (" in said
    assert numbers(stocked("orders", "list", "--json", ONPAID_DATABASE=further)) == ["10042"]


def test_a_target_that_was_only_looked_at_is_empty(stocked: Onpaid, there: str) -> None:
    stocked("orders", "list", ONPAID_DATABASE=there).well()
    stocked("move", "--to", there).well()
    assert numbers(stocked("orders", "list", "--json", ONPAID_DATABASE=there)) == ["10042"]


async def fill(path: Path, documents: int) -> None:
    store = await SqliteStore.open(path)
    for first in range(0, documents, 100):
        await store.commit(
            [
                Put("event", f"e{n}", os.urandom(800), (Entry("all", "", n),))
                for n in range(first, first + 100)
            ]
        )
    await store.close()


async def state_of(path: Path) -> str:
    store = await SqliteStore.open(path)
    arrived = await arrival_of(store)
    await store.close()
    return "" if arrived is None else arrived.record.state


def test_a_process_that_is_killed_in_the_middle(onpaid: Onpaid, there: str, tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path / "onpaid.db", 12_000))
    moving = start("move", "--to", there, environment=onpaid.environment)
    until(lambda: read_announcement(tmp_path / "there.db"))
    until(lambda: asyncio.run(state_of(tmp_path / "there.db")) in ("copying", "copied", "verified"))
    moving.send_signal(signal.SIGKILL)
    moving.communicate()
    if asyncio.run(state_of(tmp_path / "there.db")) != "verified":
        assert "not verified yet" in refused(onpaid("orders", "list", ONPAID_DATABASE=there))
    assert "set ONPAID_DATABASE to that" in refused(onpaid("orders", "list"))
    told = onpaid("move", "--to", there, "--json").well().json()
    assert told["kinds"]["event"]["documents"] == 12_000
    onpaid("orders", "list", ONPAID_DATABASE=there).well()


def test_from_file_to_table_and_taken_back(stocked: Onpaid, emulator: Emulator) -> None:
    name = table()
    create_table(emulator.client("dynamodb"), name)
    aws = {
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "emulated",
    }
    told = stocked("move", "--to", f"dynamodb://{name}", "--json", **aws).well().json()
    assert (told["to"], told["kinds"]["run"]["documents"] >= 2) == (f"dynamodb://{name}", True)
    assert f"is at dynamodb://{name} now" in refused(stocked("orders", "list", **aws))
    stocked("move", "--undo", **aws).well()
    assert numbers(stocked("orders", "list", "--json")) == ["10042"]
    again = stocked("move", "--to", f"dynamodb://{name}", "--json", **aws).well().json()
    assert again["kinds"] == told["kinds"] | {"meta": again["kinds"]["meta"]}
