"""A demo from beginning to end: the stage is set up, the day played, the proof shown, the console left open.

Whatever ends it, its processes and files go with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
from rich.console import Console

from onpaid.cli.demo.aws_show import aws_tables
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.play import play
from onpaid.cli.demo.report import Report
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.show_report import proof_table
from onpaid.cli.demo.stage import Stage
from onpaid.cli.demo.staging import Staging
from onpaid.clock import SystemClock
from onpaid.errors import StoreUnusable
from onpaid.repositories.events import EVENTS
from onpaid.store.sqlite import SqliteStore
from onpaid.web.access import make_login_link
from onpaid.web.settings import WebSettings

Staged = Callable[[Staging], Awaitable[None]]


async def run(options: Options, console: Console, *, staged: Staged | None = None) -> int:
    """Play it and show it; the process's exit code. `staged` is told when the stage is up: for tests."""
    with interrupted_by(signal.SIGTERM), tempfile.TemporaryDirectory(prefix="onpaid-demo-") as folder:
        stage = await _stage_for(options, Path(folder))
        try:
            with Show(console, options) as show:
                await stage.start()
                if staged is not None:
                    await staged(stage)
                report = await play(stage, options, show)
            _tell(report, options, console)
            if not options.once:
                await _stay_open(stage, console)
        finally:
            codes = await asyncio.shield(stage.stop())
        if codes and codes[0] != 0 and report.passed:
            console.print(f"The service did not end well: exit code {codes[0]}", style="bold red")
            return 1
        return 0 if report.passed else 1


async def _stage_for(options: Options, folder: Path) -> Staging:
    """A stage of what was asked for."""
    if options.target == "aws-emulator":
        from onpaid.cli.demo.aws_stage import AwsStage

        return AwsStage(options, folder, Path.cwd())
    database = options.database or folder / "onpaid.db"
    await _must_be_unused(database)
    return Stage(options, folder, database.resolve())


@contextlib.contextmanager
def interrupted_by(number: signal.Signals) -> Iterator[None]:
    """Treat this signal as Ctrl-C: the present task is cancelled, and cleans up."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None  # noqa: S101 - we run in one
    loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


async def _must_be_unused(database: Path) -> None:
    """A demo in a database that holds something would prove nothing, and spoil it."""
    if not await asyncio.to_thread(database.exists):
        return
    store = await SqliteStore.open(database, exclusive=True)
    try:
        held = await store.count(EVENTS.name, "all", "", at_most=1)
    finally:
        await store.close()
    if held:
        raise StoreUnusable(f"{database} holds events already: name a new file for the demo")


def _tell(report: Report, options: Options, console: Console) -> None:
    if options.as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
        sys.stdout.flush()
    else:
        console.print(proof_table(report))
        if report.aws is not None:
            console.print(aws_tables(report.aws))


def login_link(stage: Staging) -> str:
    """A link that logs a browser in at the stage's service, once."""
    web = WebSettings(
        admin_token=stage.admin_token, session_secret=stage.session_secret, public_url=stage.service_url
    )
    return make_login_link(web, "operator", SystemClock().now())


async def _stay_open(stage: Staging, console: Console) -> None:
    """Until Ctrl-C, or until one of the processes ends. Enter prints another link, since each works once."""
    loop, asked = asyncio.get_running_loop(), sys.stdin.isatty()

    def tell_link() -> None:
        console.print(login_link(stage), soft_wrap=True)

    def entered() -> None:
        if sys.stdin.readline():
            tell_link()
        else:
            loop.remove_reader(sys.stdin)

    console.print("\nThe console stays open. This link logs your browser in, once:")
    tell_link()
    enter = "Enter prints another link. " if asked else ""
    console.print(f"{enter}Ctrl-C ends the demo and removes everything it made.", style="dim")
    if asked:
        loop.add_reader(sys.stdin, entered)
    try:
        while True:
            stage.check()
            await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        return
    finally:
        if asked:
            loop.remove_reader(sys.stdin)
