"""Plays a demo from beginning to end: stage, scenario, operator, proof; and leaves the console open if asked to.

It comes to its end when every webhook is acknowledged, no run can go on by itself, nothing is landing any more and
the operator has nothing left to settle. What it then reports is the simulators' ledger, held against our database.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
from rich.console import Console

from onpaid.app import proof
from onpaid.cli.demo.house import House, NoAnswer, Talk
from onpaid.cli.demo.operator import Allowance, Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report, judge
from onpaid.cli.demo.show import STATES, Now, Show, proof_table, shown_doing
from onpaid.cli.demo.stage import Stage
from onpaid.clock import SystemClock
from onpaid.engine.journal import RUNS
from onpaid.errors import StoreUnusable
from onpaid.repositories.events import EVENTS
from onpaid.simulators import parse
from onpaid.store.sqlite import SqliteStore
from onpaid.web.access import make_login_link
from onpaid.web.settings import WebSettings

TELLS = ("invoice_payment", "file_contact", "file_ticket")
"""The flows that have to come to their end. An order's own run waits for days whether somebody pays."""
EVERY = 0.25
GENTLY = 15
"""How much longer than a look to wait until the next: looking must not slow down what is looked at."""
MOST = 1_000_000

Staged = Callable[[Stage], Awaitable[None]]


async def run(options: Options, console: Console, *, staged: Staged | None = None) -> int:
    """Play it and show it; the process's exit code. `staged` is told when the stage is up: for tests."""
    with interrupted_by(signal.SIGTERM), tempfile.TemporaryDirectory(prefix="onpaid-demo-") as folder:
        database = options.database or Path(folder) / "onpaid.db"
        await _must_be_unused(database)
        stage = Stage(options, Path(folder), database.resolve())
        try:
            with Show(console, options) as show:
                await stage.start()
                if staged is not None:
                    await staged(stage)
                report = await _play(stage, options, show)
            await _tell(report, stage, options, console)
            if not options.once:
                await _stay_open(stage, console)
        finally:
            codes = await asyncio.shield(stage.stop())
        if codes and codes[0] != 0 and report.passed:
            console.print(f"The service did not end well: exit code {codes[0]}", style="bold red")
            return 1
        return 0 if report.passed else 1


@contextlib.contextmanager
def interrupted_by(number: signal.Signals):  # type: ignore[no-untyped-def]
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


@contextlib.asynccontextmanager
async def _reading(database: Path) -> AsyncIterator[SqliteStore]:
    """The service's database, read beside it."""
    store = await SqliteStore.open(database, exclusive=False)
    try:
        yield store
    finally:
        await store.close()


async def _play(stage: Stage, options: Options, show: Show) -> Report:
    headers = {"Authorization": f"Bearer {stage.admin_token}"}
    async with (
        Talk("service", headers) as house,
        Talk("simulators") as simulators,
        _reading(stage.database) as store,
    ):
        house.base, simulators.base = stage.service_url, stage.simulators_url
        begun = time.monotonic()
        asked = {"orders": options.orders, "target": stage.service_url, "upsells": options.upsells}
        await simulators.post("/_play", asked)
        allowance = Allowance(options.orders, parse(options.faults))
        operator = Operator(House(house), simulators, allowance)
        findings: list[str] = []
        while True:
            stage.check()
            looked = time.monotonic()
            now, over = await _look(store, simulators, options)
            took = time.monotonic() - looked
            now.seconds, now.settled = time.monotonic() - begun, operator.settled.total()
            show.tell(now)
            if over and not now.runs.get("doubtful", 0) - len(operator.left):
                break
            if now.seconds > options.patience:
                findings.append(f"it had not come to its end after {options.patience:.0f} s")
                break
            if now.runs.get("doubtful") and stage.service is not None:
                allowance.kills = stage.kills
                with contextlib.suppress(NoAnswer):  # it may be starting again: the next round asks again
                    await operator.work()
            await asyncio.sleep(max(EVERY, GENTLY * took))
        ledger = await simulators.get("/_ledger")
        seconds = time.monotonic() - begun
        ours = [row async for row in proof.rows(store)]
        told = await proof.proof(store)
        findings += [f"{run} was left alone: {why}" for run, why in operator.left.items()]
        return judge(
            ledger,
            orders=options.orders,
            seconds=seconds,
            waiting_for_person=max(told.waiting_for_person, told.open_tickets),
            settled=dict(operator.settled),
            differences=proof.compare(ours, ledger),
            findings=findings,
        )


async def _look(store: SqliteStore, simulators: Talk, options: Options) -> tuple[Now, bool]:
    """How far it is, and whether nothing will happen any more by itself."""
    told = await simulators.get("/_play")
    ledger = await simulators.get("/_ledger")
    counts = ledger["counts"]
    now = shown_doing(told, counts["invoices"], counts["mails"], orders=options.orders)
    now.faults = ledger["faults_injected"]
    runs = {
        state: sum(
            [await store.count(RUNS.name, "flow-state", f"{flow}:{state}", at_most=MOST) for flow in TELLS]
        )
        for state in STATES
    }
    for state in STATES:
        now.runs[state] = await store.count(RUNS.name, "flow-state", f"{TELLS[0]}:{state}", at_most=MOST)
    now.runs["doubtful"] = runs["doubtful"]
    still = sum(runs[state] for state in ("ready", "running", "waiting", "sleeping"))
    over = told["state"] in ("done", "failed") and not still and not told["landing"] and not counts["landing"]
    return now, over


async def _tell(report: Report, stage: Stage, options: Options, console: Console) -> None:
    if options.as_json:
        Console(soft_wrap=True).out(msgspec.json.encode(report).decode(), highlight=False)
    else:
        console.print(proof_table(report))


def login_link(stage: Stage) -> str:
    """A link that logs a browser in at the stage's service, once."""
    web = WebSettings(
        admin_token=stage.admin_token, session_secret=stage.session_secret, public_url=stage.service_url
    )
    return make_login_link(web, "operator", SystemClock().now())


async def _stay_open(stage: Stage, console: Console) -> None:
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
