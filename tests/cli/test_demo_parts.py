"""Parts of the demo: what its operator may settle, when it passes, what it shows."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

from rich.console import Console

from onpaid.cli.demo.house import House, Talk
from onpaid.cli.demo.operator import KILLED, Allowance, Operator
from onpaid.cli.demo.options import Options
from onpaid.cli.demo.report import Report, judge
from onpaid.cli.demo.show import Now, Show, proof_table
from onpaid.simulators import ALL


def test_the_allowance_is_what_chance_explains_and_no_more() -> None:
    none = Allowance(60, [])
    assert (none.most("503"), none.most("commit-then-timeout"), none.take("503")) == (0, 0, False)
    some = Allowance(60, ALL)
    assert 4 <= some.most("503") <= 10
    assert some.most("slow") == 0
    assert [some.take("503") for _ in range(some.most("503") + 1)].count(True) == some.most("503")
    assert Allowance(500, ALL).most("503") < 500 * 0.05
    assert some.fault_behind("Fiken answered 503 to POST /send") == "503"
    assert some.fault_behind("no answer within 0.75 s") == "commit-then-timeout"
    assert Allowance(60, ["late-landing"]).fault_behind("the answer is lost") == "late-landing"
    assert some.fault_behind("its worker is gone: nobody knows") == KILLED
    assert some.most(KILLED) == 0


class Desk(Talk):
    """Answers as both processes would, and keeps what it was asked to do."""

    def __init__(self, *, step: str = "send receipt", landing: int = 0, mails: int = 0) -> None:
        super().__init__("desk")
        self.step, self.landing, self.mails = step, landing, mails
        self.done: list[dict[str, Any]] = []

    async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
        if path == "/api/tickets":
            return {
                "items": [{"category": "doubt", "run": "a/b"}, {"category": "order", "run": "c"}],
                "cursor": None,
            }
        if path == "/_ledger":
            return {
                "counts": {"landing": self.landing},
                "invoices": [{"invoice_id": 42, "mails": self.mails}],
            }
        if method == "POST":
            self.done.append(body)
            return {}
        attempts = [{"what": "act", "note": "no answer within 0.75 s"}, {"what": "look", "note": ""}]
        return {
            "settling": {"step": self.step, "attempt": 1},
            "may": ["settle"],
            "steps": [
                {"name": "create invoice", "answered": {"invoice_id": 42}, "attempts": []},
                {"name": self.step, "attempts": attempts},
            ],
        }


async def worked(desk: Desk, faults: str = "commit-then-timeout") -> Operator:
    operator = Operator(House(desk), desk, Allowance(60, [faults]))
    await operator.work()
    await operator.work()
    return operator


async def test_the_operator_looks_at_the_simulator_before_it_settles() -> None:
    sent = Desk(mails=1)
    assert (await worked(sent)).settled == Counter({"send receipt": 2})
    assert sent.done[0] == {
        "step": "send receipt",
        "attempt": 1,
        "done": True,
        "result": {"invoice_id": 42, "count": 1},
    }
    unsent = Desk(mails=0)
    await worked(unsent)
    assert (unsent.done[0]["done"], unsent.done[0]["result"]) == (False, None)


async def test_the_operator_waits_until_nothing_is_landing() -> None:
    desk = Desk(landing=1)
    operator = await worked(desk)
    assert (desk.done, operator.left) == ([], {})


async def test_the_operator_leaves_alone_what_the_engine_has_to_find() -> None:
    desk = Desk(step="create contact")
    operator = await worked(desk)
    assert desk.done == []
    assert "not for a person to settle" in operator.left["a/b"]


async def test_the_operator_stops_at_its_allowance() -> None:
    desk = Desk()
    operator = await worked(desk, faults="slow")
    assert desk.done == []
    assert "more doubts than 0" in operator.left["a/b"]


LEDGER: dict[str, Any] = {
    "seed": 7,
    "faults": [],
    "faults_injected": {},
    "counts": {"concurrent_calls": 0},
    "forged": {"accepted": 0, "sent": 2},
    "webhooks": {"attempts": 5},
    "verdict": {
        "paid": 3,
        "invoiced": 3,
        "mailed": 3,
        "missing": [],
        "double": [],
        "unexplained": [],
        "unmailed": [],
        "mailed_twice": [],
        "doubled_contacts": [],
    },
}


def reported(
    verdict: dict[str, Any] | None = None, ledger: dict[str, Any] | None = None, **more: Any
) -> Report:
    told = {**LEDGER, **(ledger or {}), "verdict": {**LEDGER["verdict"], **(verdict or {})}}
    asked: dict[str, Any] = {
        "orders": 3,
        "seconds": 1.0,
        "waiting_for_person": 0,
        "settled": {},
        "differences": [],
        "findings": [],
        **more,
    }
    return judge(told, **asked)


def test_a_demo_passes_only_if_everything_fits() -> None:
    assert reported().passed
    for bad in (
        reported({"missing": ["pi_1"], "invoiced": 2, "mailed": 2}),
        reported({"mailed": 2, "unmailed": [1]}),
        reported({"double": [1]}),
        reported({"mailed_twice": [1]}),
        reported({"doubled_contacts": ["a@example.org"]}),
        reported({"unexplained": [1]}),
        reported(waiting_for_person=1),
        reported(differences=["one"]),
        reported(findings=["it took too long"]),
        reported(orders=4),
        reported(ledger={"forged": {"accepted": 1, "sent": 1}}),
        reported(ledger={"counts": {"concurrent_calls": 1}}),
    ):
        assert not bad.passed
        assert bad.findings


def test_missing_counts_payments_and_double_counts_things() -> None:
    assert reported({"missing": ["pi_1"], "invoiced": 2, "mailed": 1, "unmailed": [5]}).missing == 2
    assert reported({"double": [1], "mailed_twice": [2], "doubled_contacts": ["a"]}).double == 3


def test_what_is_shown_on_a_terminal_fits_it() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, legacy_windows=False)
    with Show(console, Options(orders=3)) as show:
        show.tell(Now(orders=3, placed=2, paid=1, runs={"waiting": 1}, faults={"slow": 2}))
    console.print(proof_table(reported(settled={"send receipt": 1})))
    console.print(proof_table(reported({"double": [1]})))
    said = out.getvalue()
    assert "3 payments, 3 invoices, 3 mails" in said
    assert "invoices are one too many: 1" in said
    assert "onpaid demo --orders 3 --seed 7" in said
