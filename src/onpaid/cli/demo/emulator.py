"""Starts the AWS emulator on loopback, in a process group of its own, and ends it with all that it started.

The emulator is MiniStack, installed in `.venv-aws` by `make aws-tools`; nothing of it is imported here. It watches
its standard input, which ends when this process does, however that happens: then it removes its files and kills its
group, the functions' processes included. No setting and no credential of the user's AWS account gets in.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from onpaid.errors import OnpaidError

TOOLS: Final = ".venv-aws"
REGION: Final = "eu-north-1"
ACCOUNT: Final = "000000000000"
"""The emulator takes twelve digits given as the access key for the account's number."""
START_SECONDS = 40.0
LOOK_AGAIN = 0.05
TRIES = 3
MEMORY: Final = "/dev/shm"  # noqa: S108 - a folder of our own is made in there
ROOM: Final = 2_000_000_000
_MAIN: Final = """
import os, shutil, signal, sys, threading
def watch():
    while os.read(0, 65536):
        pass
    shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
    os.killpg(os.getpgrp(), signal.SIGKILL)
threading.Thread(target=watch, daemon=True).start()
from ministack.app import main
sys.argv = ["ministack"]
main()
"""
_OURS: Final = ("AWS_", "ONPAID_", "PYTEST_", "COV_")


class EmulatorMissing(OnpaidError):
    """The emulator is not installed, or did not come up."""


def credentials() -> dict[str, str]:
    """What the emulator takes for a login. It is nobody's."""
    return {
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "emulated",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


class Emulator:
    """One emulated account. `told` are environment variables that its functions find beside their own."""

    def __init__(self, root: Path, *, told: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.port = 0
        self._told = dict(told or {})
        self._process: subprocess.Popen[bytes] | None = None
        self.folder: Path | None = None
        """Its files, while it runs."""
        self._clients: dict[tuple[str, str], Any] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process, whose children are the functions' processes."""
        assert self._process is not None  # noqa: S101 - asked only while it runs
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it still does."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What it told, or nothing once it is stopped."""
        if self.folder is None:
            return ""
        return (self.folder / "emulator.log").read_text(encoding="utf-8", errors="replace")

    def start(self, port: int = 0) -> None:
        """Start it and wait until it answers. Raises EmulatorMissing."""
        python = self.root / TOOLS / "bin" / "python"
        if not python.exists():
            raise EmulatorMissing(f"there is no {TOOLS} in {self.root}: make aws-tools")
        for attempt in range(TRIES):
            self.port = port or free_port()
            self.folder = Path(tempfile.mkdtemp(prefix="onpaid-emulator-", dir=_in_memory()))
            self._launch(python, self.folder)
            try:
                self._wait()
            except EmulatorMissing:
                self.stop()
                if port or attempt == TRIES - 1:
                    raise
            else:
                return

    def _launch(self, python: Path, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        with (folder / "emulator.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own words
                [str(python), "-c", _MAIN],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                env=kept
                | credentials()
                | {
                    "BIND_HOST": "127.0.0.1",
                    "NO_PROXY": "127.0.0.1,localhost",
                    "GATEWAY_PORT": str(self.port),
                    "MINISTACK_REGION": REGION,
                    "TMPDIR": str(folder),
                    "LOG_LEVEL": "WARNING",
                    "PERSIST_STATE": "0",
                    "LAMBDA_EXECUTOR": "local",
                    "SFTP_ENABLED": "0",
                    "IOT_MTLS_ENABLED": "0",
                }
                | self._told,
            )

    def _wait(self) -> None:
        """Until it answers. A port that somebody else took in between ends it at once."""
        assert self._process is not None  # noqa: S101 - launched just before
        given_up = time.monotonic() + START_SECONDS
        while time.monotonic() < given_up:
            if self._process.poll() is not None:
                raise EmulatorMissing(f"the emulator ended by itself: {self.log[-800:]}")
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=2) as answer:  # noqa: S310
                    json.load(answer)
                return
            except (urllib.error.URLError, OSError, ValueError):
                time.sleep(LOOK_AGAIN)
        raise EmulatorMissing(f"the emulator did not answer within {START_SECONDS:.0f} s: {self.log[-800:]}")

    def stop(self) -> None:
        """End it, its functions and its files."""
        process, self._process = self._process, None
        self._clients.clear()
        if process is not None:
            assert process.stdin is not None  # noqa: S101 - asked for above
            process.stdin.close()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder = None

    def client(self, service: str, *, url: str | None = None, **settings: Any) -> Any:
        """A boto3 client for one service, kept. `url` puts something in between; `settings` are botocore's Config."""
        known = (service, f"{url}{sorted(settings.items())}")
        if known not in self._clients:
            self._clients[known] = client_of(service, url or self.url, **settings)
        return self._clients[known]


def client_of(service: str, url: str, **settings: Any) -> Any:
    """A new boto3 client at this address, with the emulator's login and no look at any file of the user's."""
    try:
        import botocore.config
        import botocore.session
    except ImportError:
        raise EmulatorMissing("boto3 is not installed: pip install 'onpaid[aws]'") from None
    session = botocore.session.Session(
        session_vars={"config_file": (None, None, os.devnull, None), "profile": (None, None, None, None)}
    )
    config = botocore.config.Config(**({"max_pool_connections": 32} | settings))
    return session.create_client(
        service,
        region_name=REGION,
        endpoint_url=url,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="emulated",  # noqa: S106 - nobody's
        config=config,
    )


@contextmanager
def running(root: Path, *, told: Mapping[str, str] | None = None) -> Iterator[Emulator]:
    """An emulator for as long as the block."""
    emulator = Emulator(root, told=told)
    emulator.start()
    try:
        yield emulator
    finally:
        emulator.stop()


def _in_memory() -> str | None:
    """Where files are kept in memory, if there is room: each process of a function unpacks thousands of them."""
    with suppress(OSError):
        if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
            return MEMORY
    return None


def free_port() -> int:
    """A port that is free now. Whoever takes it in between makes the emulator end, and another is tried."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
