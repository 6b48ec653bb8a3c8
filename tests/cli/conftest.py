"""Fixtures: `onpaid` runs a command in this process against a database of its own, `stocked` has something in it."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from onpaid.cli import main
from onpaid.settings import BY_NAME
from tests.cli.kit import Onpaid, Ran, settings_of, stock


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """Commands set up logging for a whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def onpaid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Onpaid:
    """Runs a command as a user would, but for the process. Further settings are given by name."""
    for name in (*BY_NAME, "ONPAID_SETTINGS"):
        monkeypatch.delenv(name, raising=False)
    environment = settings_of(tmp_path)

    def run(*words: str, **more: str) -> Ran:
        with monkeypatch.context() as patch:
            for name, value in {**environment, **more}.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["onpaid", *words])
            capsys.readouterr()
            with pytest.raises(SystemExit) as left:
                main()
        said = capsys.readouterr()
        code = left.value.code
        return Ran(code if isinstance(code, int) else 0 if code is None else 1, said.out, said.err)

    run.environment = environment  # type: ignore[attr-defined]
    return run  # type: ignore[return-value]


@pytest.fixture(scope="session")
def stocked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with something in it, to be copied."""
    folder = tmp_path_factory.mktemp("stocked")
    stock(settings_of(folder))
    return folder


@pytest.fixture
def stocked(onpaid: Onpaid, stocked_folder: Path, tmp_path: Path) -> Onpaid:
    """`onpaid` over a copy of the stocked database."""
    shutil.copy(stocked_folder / "onpaid.db", tmp_path / "onpaid.db")
    return onpaid
