"""What a demo looks like while it runs: bars on a terminal, a line every few seconds elsewhere.

What it came to is shown by `show_report.py`.
"""

from __future__ import annotations

import time

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from onpaid.cli.demo.counting import STATES
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.progress import Now

PLAIN_EVERY = 5.0
BAR = 36


class Show:
    """Draws on a terminal; writes a plain line every few seconds where there is none."""

    def __init__(self, console: Console, options: Options) -> None:
        self._console = console
        self._options = options
        self._now = Now.of(options)
        self._live: Live | None = None
        self._last = 0.0

    def __enter__(self) -> Show:
        options = self._options
        asked = f"{options.orders} orders ({options.carts} to be shipped, told by {options.messenger}; "
        asked += f"{options.sold} sold at Stripe), "
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
                f"{now.seconds:4.0f} s  paid {now.paid}  invoiced {now.invoiced} of {now.invoices_due}  mailed {now.mailed}  "
                f"bought {now.bought}  shipped {now.shipped}  told {now.told_shipped}  sold {now.sold}  "
                f"events {now.heard}  faults {sum(now.faults.values())}  settled {now.settled}  {now.doing}".rstrip()
            )

    def _drawn(self) -> RenderableType:
        now = self._now
        bars = Table.grid(padding=(0, 2))
        due = max(now.expected, now.orders)
        sold = now.carts - now.refused
        of_shop = (
            ("placed at the shop", now.placed, now.orders, "cyan"),
            ("paid at Stripe", now.paid, due, "cyan"),
        )
        of_accounts = (
            ("invoiced at Fiken", now.invoiced, now.invoices_due, "green"),
            ("mailed by Fiken", now.mailed, now.invoices_due, "green"),
        )
        of_sales = (
            ("sold at Stripe", now.sold, now.sales, "cyan"),
            ("of these subscribed", now.subscribed, now.sold, "cyan"),
        )
        of_checkout = (
            ("paid at Razorpay", now.bought, sold, "cyan"),
            ("confirmed by WhatsApp", now.confirmed, sold, "green"),
            ("shipped by Shiprocket", now.shipped, now.due, "green"),
            ("told of their parcel", now.told_shipped, now.due, "green"),
        )
        invoiced = of_accounts if now.orders or now.sales else ()
        shown = (*(of_shop if now.orders else ()), *(of_sales if now.sales else ()), *invoiced)
        for name, figure, most, colour in (*shown, *(of_checkout if now.carts else ())):
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
        if now.sales:
            rest.add_row("billing events", f"{now.heard} heard")
        rest.add_row("time", f"{now.seconds:.0f} s" + (f", {now.doing}" if now.doing else ""))
        return Group(bars, rest)
