"""Who holds the database, and what a command says where it cannot be asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from onpaid.cli import examining, reach
from onpaid.store.sqlite_lock import FileLock
from onpaid.store.sqlite_schema import MIGRATIONS
from tests.cli.kit import NOWHERE, Onpaid


@pytest.fixture
def held(stocked: Onpaid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FileLock]:
    """The database's lock, held by this process."""
    monkeypatch.setattr(reach, "PATIENCE", 0.05)
    lock = FileLock.take(str(tmp_path / "onpaid.db"))
    yield lock
    lock.release()


def test_a_holder_that_takes_no_requests_is_named(held: FileLock, stocked: Onpaid) -> None:
    for words in (("orders", "list"), ("runs", "retry", "x"), ("login-link",)):
        ran = stocked(*words)
        assert ran.code == 1
        assert f"process {os.getpid()} holds" in ran.err.replace("\n", " ")


def test_a_server_that_does_not_answer_is_named(held: FileLock, stocked: Onpaid) -> None:
    held.announce(NOWHERE)
    ran = stocked("orders", "list")
    assert (ran.code, f"the server at {NOWHERE} does not answer" in ran.err.replace("\n", " ")) == (1, True)
    assert f"the server at {NOWHERE} does not answer" in stocked("doctor").out.replace("\n", " ")


def test_a_lock_that_nobody_holds_any_more_is_no_obstacle(stocked: Onpaid, tmp_path: Path) -> None:
    FileLock.take(str(tmp_path / "onpaid.db")).release()
    assert stocked("orders", "list", "--json").well().json()["items"]


def test_a_command_lets_go_of_the_database(stocked: Onpaid, tmp_path: Path) -> None:
    stocked("orders", "list").well()
    FileLock.take(str(tmp_path / "onpaid.db")).release()


def test_an_older_file_is_not_upgraded_by_looking_at_it(
    stocked: Onpaid, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examining, "MIGRATIONS", [*MIGRATIONS, MIGRATIONS[-1]])
    said = stocked("doctor").out.replace("\n", " ")
    assert f"has format {len(MIGRATIONS)} and becomes {len(MIGRATIONS) + 1} at the next start" in said


def test_a_database_that_cannot_be_named_is_one_sentence(onpaid: Onpaid) -> None:
    ran = onpaid("orders", "list", ONPAID_DATABASE="postgres://somewhere")
    assert (ran.code, ran.err.startswith("onpaid: ONPAID_DATABASE is")) == (1, True)
    missing = onpaid("orders", "list", ONPAID_DATABASE="sqlite:////nowhere/at/all.db")
    assert (missing.code, "does not exist" in missing.err) == (1, True)
    assert "cannot be made" in onpaid("doctor", ONPAID_DATABASE="sqlite:////nowhere/at/all.db").out
