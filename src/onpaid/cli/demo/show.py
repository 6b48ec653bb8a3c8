"""What a demo looks like: bars while it runs, the proof when it is done."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from onpaid.cli.demo.allowance import MAIL, MESSAGE
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report
from onpaid.cli.demo.report_delivery import DeliveryReport

STATES = ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done")
PLAIN_EVERY = 5.0
BAR = 36
WHO_CANNOT_TELL = {
    MAIL: "Fiken cannot tell whether a mail went out",
    MESSAGE: "nothing tells of a message that never reached its service",
}


@dataclass(slots=True)
class Now:
    """How far it is. `runs` counts the payments' runs by state, `faults` what was injected so far.

    Of the `carts`, `refused` were not sold and `bought` are paid; a parcel is `due` for those with goods."""

    orders: int = 0
    placed: int = 0
    paid: int = 0
    expected: int = 0
    invoiced: int = 0
    mailed: int = 0
    carts: int = 0
    refused: int = 0
    bought: int = 0
    due: int = 0
    shipped: int = 0
    confirmed: int = 0
    told_shipped: int = 0
    runs: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    settled: int = 0
    seconds: float = 0.0


class Show:
    """Draws on a terminal; writes a plain line every few seconds where there is none."""

    def __init__(self, console: Console, options: Options) -> None:
        self._console = console
        self._options = options
        self._now = Now(orders=options.shop_orders, carts=options.carts)
        self._live: Live | None = None
        self._last = 0.0

    def __enter__(self) -> Show:
        options = self._options
        asked = f"{options.orders} orders ({options.carts} to be shipped, told by {options.messenger}), "
        asked += f"faults {options.faults}, seed {options.seed}"
        self._console.print(
            f"[bold]onpaid demo[/bold]: {asked}, {self._options.factor:g} times as fast as life"
        )
        if self._console.is_terminal:
            self._live = Live(self._drawn(), console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, now: Now) -> None:
        """Show how far it is."""
        self._now = now
        if self._live is not None:
            self._live.update(self._drawn())
        elif time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            self._console.print(
                f"{now.seconds:4.0f} s  paid {now.paid}  invoiced {now.invoiced}  mailed {now.mailed}  "
                f"bought {now.bought}  shipped {now.shipped}  told {now.told_shipped}  faults {sum(now.faults.values())}  settled {now.settled}"
            )

    def _drawn(self) -> RenderableType:
        now = self._now
        bars = Table.grid(padding=(0, 2))
        due = max(now.expected, now.orders)
        sold = now.carts - now.refused
        of_shop = (
            ("placed at the shop", now.placed, now.orders, "cyan"),
            ("paid at Stripe", now.paid, due, "cyan"),
            ("invoiced at Fiken", now.invoiced, due, "green"),
            ("mailed by Fiken", now.mailed, due, "green"),
        )
        of_checkout = (
            ("paid at Razorpay", now.bought, sold, "cyan"),
            ("confirmed by WhatsApp", now.confirmed, sold, "green"),
            ("shipped by Shiprocket", now.shipped, now.due, "green"),
            ("told of their parcel", now.told_shipped, now.due, "green"),
        )
        both = (*(of_shop if now.orders else ()), *(of_checkout if now.carts else ()))
        for name, figure, most, colour in both:
            bar = ProgressBar(total=max(most, 1), completed=figure, width=BAR, complete_style=colour)
            bars.add_row(name, bar, f"{figure} of {most}")
        runs = (
            "  ".join(f"{state} {now.runs[state]}" for state in STATES if now.runs.get(state)) or "none yet"
        )
        faults = ", ".join(f"{name} {count}" for name, count in sorted(now.faults.items())) or "none"
        rest = Table.grid(padding=(0, 2))
        rest.add_column(style="dim", no_wrap=True)
        rest.add_column()
        rest.add_row("runs", runs)
        rest.add_row(f"{sum(now.faults.values())} faults", faults)
        rest.add_row("time", f"{now.seconds:.0f} s")
        return Group(bars, rest)


def proof_table(report: Report) -> RenderableType:
    """The proof, as a table with a sentence."""
    table = Table(
        title="What happened, by the simulators' own ledger",
        title_justify="left",
        title_style="bold",
        show_header=False,
        min_width=48,
    )
    table.add_column()
    table.add_column(justify="right")
    for name, figure, bad in _shop_figures(report):
        table.add_row(name, Text(str(figure), style="bold red" if bad else "bold"))
    if report.delivery.carts:
        table.add_section()
        for name, figure, bad in _delivery_figures(report.delivery):
            table.add_row(name, Text(str(figure), style="bold red" if bad else "bold"))
        agrees = report.delivery.stock_agrees
        table.add_row("stock: start minus sold", Text("agrees" if agrees else "differs", style=_mood(agrees)))
    table.add_section()
    waiting = report.waiting_for_person
    table.add_row("waiting for a person", Text(str(waiting), style="bold red" if waiting else "bold"))
    table.add_row("settled by the demo's operator", Text(str(sum(report.settled.values())), style="bold"))
    table.add_row(
        "decided by the demo's operator", Text(str(sum(report.delivery.oversold.values())), style="bold")
    )
    table.add_row("faults injected", str(sum(report.faults_injected.values())))
    table.add_row("webhooks delivered", str(report.webhooks))
    table.add_row(
        "our database and the ledger",
        Text("agree" if report.agrees else "differ", style=_mood(report.agrees)),
    )
    table.add_row("seconds", f"{report.seconds:g}")
    parts: list[RenderableType] = [table]
    for step, count in report.settled.items():
        times = f"{count} {'time' if count == 1 else 'times'}"
        parts.append(
            Text(
                f"“{step}” was in doubt {times}: the answer was lost, and {WHO_CANNOT_TELL[step]}. That is for a "
                "person; here the demo looked.",
                style="dim",
            )
        )
    parts += [Text(f"- {finding}", style="red") for finding in report.findings]
    verdict = (
        _all_well(report)
        if report.passed
        else f"This demo failed. The same again: onpaid demo --orders {report.orders} --parcels "
        f"{report.delivery.carts} --seed {report.seed} --faults {','.join(report.faults) or 'none'}"
    )
    return Group(*parts, Text(verdict, style=_mood(report.passed)))


Figure = tuple[str, int, bool]


def _shop_figures(report: Report) -> list[Figure]:
    return [
        ("paid", report.paid, False),
        ("invoiced", report.invoiced, report.invoiced != report.paid),
        ("mailed", report.mailed, report.mailed != report.paid),
        ("missing", report.missing, report.missing > 0),
        ("double", report.double, report.double > 0),
    ]


def _delivery_figures(report: DeliveryReport) -> list[Figure]:
    return [
        ("paid at our own checkout", report.paid, False),
        ("refused for want of stock", report.refused, False),
        ("to be shipped", report.due, False),
        ("shipped", report.shipped, report.shipped != report.due),
        ("told of the order", report.confirmed, False),
        ("told of the parcel", report.told_shipped, False),
        ("not on WhatsApp", report.unreachable, False),
        ("missing", report.missing, report.missing > 0),
        ("double", report.double, report.double > 0),
    ]


def _all_well(report: Report) -> str:
    told = f"{report.paid} payments, {report.invoiced} invoices, {report.mailed} mails"
    if report.delivery.carts:
        delivery = report.delivery
        told += f"; {delivery.due} parcels due, {delivery.shipped} shipped"
    return f"{told}: none missing, none twice."


def _mood(good: bool) -> str:
    return "bold green" if good else "bold red"
