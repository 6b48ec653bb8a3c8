"""`onpaid prove`: begin a proof, work on it while the bar moves, tell its orders, and end with an exit code.

0 is a proof that holds, 1 one with findings, 2 is no proof: a provider could not be read, or nothing is set up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from onpaid.cli.output import MOODS, console, fail, money, print_json, say, when
from onpaid.cli.reach import Api, Json, api
from onpaid.errors import OnpaidError

SECONDS: Final = 2
"""How long each request works, so that the bar moves."""
PAUSE: Final = 0.5
CODES: Final = {"proven": 0, "off": 1, "unread": 2}
WIDTH = 27
"""Of a payment's id, which is the name of what has no order."""


def prove(since: str, until: str, *, off_only: bool, as_json: bool) -> int:
    """Prove a period; the exit code."""

    def prove_it() -> int:
        with api(whole=True) as ask:
            return run(ask, since, until, off_only=off_only, as_json=as_json)

    return code_of(prove_it)


def code_of(proving: Callable[[], int]) -> int:
    """The exit code of a proof; 2 of one that came to no end. 1 would say that something is off, and nobody knows."""
    try:
        return proving()
    except OnpaidError as why:
        fail(why)
    except KeyboardInterrupt:
        fail("stopped: nothing is proven. A service that runs works on, and its console shows what it finds")
    return 2


def run(
    ask: Api,
    since: str,
    until: str,
    *,
    off_only: bool,
    as_json: bool,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """As `prove`, by this API. Raises NotPossible, Unreachable."""
    proof = _proven(ask, ask.post("proofs", body={"since": since, "until": until}), pause)
    show = "off" if off_only else "all"
    if as_json:
        print_json({**proof, "orders": list(_lines(ask, proof["id"], show))})
    else:
        _tell(ask, proof, show)
    return CODES[proof["verdict"]]


def _proven(ask: Api, proof: Json, pause: Callable[[float], None]) -> Json:
    """Work on it until it has ended. The bar is on standard error, so that the output stays clean."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[read]} read"))
    with Progress(*columns, console=console(errors=True), transient=True) as progress:
        bar = progress.add_task("proving", total=len(proof["stages"]), read=0)
        before = None
        while proof["verdict"] == "under way":
            proof = ask.post("proofs", proof["id"], "go-on", body={"seconds": SECONDS})
            stages: list[Json] = proof["stages"]
            done = sum(stage["state"] in ("done", "unread") for stage in stages)
            now = next((stage["says"] for stage in stages if stage["state"] == "now"), "")
            read = sum(stage["read"] for stage in stages)
            progress.update(bar, completed=done, description=proof["trouble"] or now, read=f"{read:,}")
            if before == (done, read, proof["totals"]["asked"]):  # somebody else works on it, or it waits
                pause(PAUSE)
            before = (done, read, proof["totals"]["asked"])
    return proof


def _lines(ask: Api, ident: str, show: str) -> Any:
    cursor: str | None = None
    while True:
        page = ask.get("proofs", ident, "orders", show=show, cursor=cursor)
        yield from page["items"]
        cursor = page["cursor"]
        if cursor is None:
            return


def _tell(ask: Api, proof: Json, show: str) -> None:
    """One line for each order as it comes, each finding below it, and one line of totals at the end."""
    told = 0
    for line in _lines(ask, proof["id"], show):
        told += 1
        _print(
            f"{line['order']:<{WIDTH}}  ", (f"{line['state']:<10}", MOODS[line["mood"]]), f"  {_made(line)}"
        )
        for finding in line["findings"]:
            _print(f"    {_finding(finding)}")
    if not told:
        say("No order is off." if show == "off" else "No order was paid in this time.", "dim")
    for what in proof["left_out"]:
        say(f"Not looked at: {what}", "dim")
    for source, why in proof["unread"].items():
        say(f"Could not be read: {source}. {why}", "red")
    style = {"proven": "bold green", "off": "bold red"}.get(proof["verdict"], "bold magenta")
    _print((_total(proof), style))


def _print(*parts: Any) -> None:
    """One line, whole: a terminal wraps it, and a pipe gets it as it is. Nothing in it is read as markup."""
    from rich.text import Text

    console().print(Text.assemble(*parts), soft_wrap=True)


def _made(line: Json) -> str:
    """What was paid for an order, and what there is of it."""
    parts = [" + ".join(money(amount) for amount in line["paid"]) or "nothing paid"]
    for name in ("invoices", "parcels"):
        if line[name]:
            parts.append(f"{name[:-1] if len(line[name]) == 1 else name} {', '.join(line[name])}")
    for name, one in (("messages", "message"), ("events", "billing event")):
        if line[name]:
            parts.append(f"{line[name]} {one}{'' if line[name] == 1 else 's'}")
    if line["refunded"]:
        parts.append(f"{' + '.join(money(amount) for amount in line['refunded'])} given back, not mirrored")
    parts += [f"{each} under way" for each in line["under_way"]]
    return ", ".join(parts)


def _finding(finding: Json) -> str:
    told = f"{finding['kind']}: {finding['what']}"
    told += f" ({finding['cause']})" if finding["cause"] else ""
    told += f" [{finding['ticket']}]" if finding["ticket"] else ""
    return f"{told}. To do: {finding['command']}" if finding["command"] else told


def _total(proof: Json) -> str:
    totals = proof["totals"]
    counted = {
        "order": totals["orders"],
        "payment": totals["payments"],
        "invoice": totals["invoices"],
        "parcel": totals["parcels"],
        "message": totals["messages"],
        "billing event": totals["events"],
    }
    counts = ", ".join(
        f"{count:,} {name}{'' if count == 1 else 's'}"
        for name, count in counted.items()
        if count or name == "order"
    )
    found = ", ".join(f"{count} {name}" for name, count in totals["found"].items())
    paid = " + ".join(money(amount) for amount in totals["paid"]) or "nothing"
    back = " + ".join(money(amount) for amount in totals["refunded"])
    more = f", {back} given back" if back else ""
    more += f", {totals['under_way']} under way" if totals["under_way"] else ""
    more += f", {totals['waiting']} waiting for a person" if totals["waiting"] else ""
    return f"{proof['sentence']} {counts}; {paid} paid{more}. {found}. {when(proof['since'])} to {when(proof['until'])} UTC."
