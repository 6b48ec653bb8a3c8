"""What a demo came to, as a table with a sentence: the ledger's figures, and whether our own records say the same."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from onpaid.cli.demo.allowance import MAIL, MESSAGE
from onpaid.cli.demo.report import Report
from onpaid.cli.demo.report_delivery import DeliveryReport
from onpaid.cli.demo.report_proof import Proven, Reconciled
from onpaid.cli.demo.report_sales import SalesReport

WHO_CANNOT_TELL = {
    MAIL: "Fiken cannot tell whether a mail went out",
    MESSAGE: "nothing tells of a message that never reached its service",
}


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
    if report.sales.asked:
        table.add_section()
        for name, figure, bad in _sales_figures(report.sales):
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
    if report.booked:
        table.add_row("refunds and disputes it took note of", str(report.booked))
    table.add_row("faults injected", str(sum(report.faults_injected.values())))
    table.add_row("webhooks delivered", str(report.webhooks))
    table.add_row(
        "our database and the ledger",
        Text("agree" if report.agrees else "differ", style=_mood(report.agrees)),
    )
    green = report.proof is not None and report.proof.green
    table.add_row("the service's own proof", Text("holds" if green else "does not hold", style=_mood(green)))
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
    parts += [Text(_made_good(each, nth), style="dim") for nth, each in enumerate(report.reconciliations, 1)]
    if report.proof is not None:
        parts.append(Text(f"The proof: {_proof_line(report.proof)}", style="dim"))
    parts += [Text(f"- {finding}", style="red") for finding in report.findings]
    verdict = (
        _all_well(report)
        if report.passed
        else f"This demo failed. The same again: onpaid demo --orders {report.orders} --parcels "
        f"{report.delivery.carts} --sales {report.sales.asked} --seed {report.seed} --faults {','.join(report.faults) or 'none'}"
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
        ("not on WhatsApp", report.unreachable + report.unheard, False),
        ("missing", report.missing, report.missing > 0),
        ("double", report.double, report.double > 0),
    ]


def _sales_figures(report: SalesReport) -> list[Figure]:
    subscribed = sum(report.subscriptions.values())
    return [
        ("paid at Stripe's checkout", report.paid, False),
        ("orders made of these", report.orders, report.orders != report.paid),
        ("subscriptions", subscribed, False),
        ("paid by these", report.bills, False),
        ("billing events, each told once", report.events, report.double > 0),
        ("missing", report.missing, report.missing > 0),
        ("double", report.double, report.double > 0),
    ]


def _made_good(told: Reconciled, nth: int) -> str:
    brought = (
        f"{told.events} events, {told.payments} payments and {told.orders} orders of sessions brought in"
    )
    asked = (
        f"; the shop was asked for {told.asked_again} orders that nobody lists" if told.asked_again else ""
    )
    return f"Reconciliation {nth}: {told.looked_at} looked at, {brought}{asked}."


def _proof_line(proof: Proven) -> str:
    counted = f"{proof.orders} orders, {proof.payments} payments, {proof.invoices} invoices, {proof.parcels} parcels"
    return f"{counted}, {proof.events} billing events; {proof.missing} missing, {proof.double} double. {proof.sentence}"


def _all_well(report: Report) -> str:
    told = f"{report.paid} payments, {report.invoiced} invoices, {report.mailed} mails"
    if report.delivery.carts:
        delivery = report.delivery
        told += f"; {delivery.due} parcels due, {delivery.shipped} shipped"
    if report.sales.asked:
        told += f"; {report.sales.paid} sales, {report.sales.events} billing events"
    return f"{told}: none missing, none twice."


def _mood(good: bool) -> str:
    return "bold green" if good else "bold red"
