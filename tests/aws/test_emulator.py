"""The emulator itself: it answers, it is alone, and it ends with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

from onpaid.cli.demo.emulator import Emulator, EmulatorMissing
from tests.emulator import ROOT, running_emulator, table


def test_tables_and_queues_of_ones_own(emulator: Emulator) -> None:
    dynamodb, name = emulator.client("dynamodb"), table()
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=name, Item={"PK": {"S": "a"}})
    assert dynamodb.get_item(TableName=name, Key={"PK": {"S": "a"}})["Item"] == {"PK": {"S": "a"}}
    assert emulator.client("dynamodb") is dynamodb
    assert table() != name


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    with open("/proc/net/tcp") as told:
        rows = [line.split() for line in told][1:]
    port = f"{emulator.port:04X}"
    assert [row[1] for row in rows if row[1].endswith(f":{port}") and row[3] == "0A"] == [f"0100007F:{port}"]


def test_stopping_ends_its_process_and_removes_its_files() -> None:
    with running_emulator() as own:
        pid, folder = own.pid, own.folder
        assert folder is not None
        assert folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not folder.exists()


def test_it_ends_with_the_process_that_started_it() -> None:
    program = textwrap.dedent("""
        import sys, time
        from tests.emulator import running_emulator
        with running_emulator() as own:
            print(own.pid, own.folder, flush=True)
            time.sleep(600)
    """)
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    pid, folder = child.stdout.readline().split()
    handle = os.pidfd_open(int(pid))
    child.send_signal(signal.SIGKILL)
    child.wait()
    _ended(handle)
    os.close(handle)
    assert not os.path.exists(folder)


def _ended(handle: int) -> None:
    """Wait until the process behind it is gone."""
    import select

    ready, _, _ = select.select([handle], [], [], 20)
    assert ready, "it lives on"


def test_without_the_tools_it_says_how_to_get_them(tmp_path: object) -> None:
    from pathlib import Path

    with pytest.raises(EmulatorMissing, match="make aws-tools"):
        Emulator(Path(str(tmp_path))).start()
