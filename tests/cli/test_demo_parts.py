"""Parts of the demo: what its operator may settle, when it passes, what it shows."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any

import msgspec
from rich.console import Console

from onpaid.app.proof_delivery import Row
from onpaid.cli.demo.allowance import KILLED, MAIL, MESSAGE, Allowance
from onpaid.cli.demo.house import House, Talk
from onpaid.cli.demo.operator import Operator
from onpaid.cli.demo.options import MESSENGERS, Options
from onpaid.cli.demo.progress import Now
from onpaid.cli.demo.report import Beside, Report, judge
from onpaid.cli.demo.report_delivery import with_lost_reports
from onpaid.cli.demo.report_proof import Proven, Reconciled
from onpaid.cli.demo.show import Show
from onpaid.cli.demo.show_report import proof_table
from onpaid.domain.money import Money
from onpaid.simulators import ALL
from onpaid.simulators.ledger_delivery import FINDINGS
from onpaid.simulators.ledger_sales import FINDINGS as SALES_FINDINGS


def test_the_allowance_is_what_chance_explains_and_no_more() -> None:
    acts = {MAIL: 60, MESSAGE: 120}
    none = Allowance(acts, [])
    assert (none.most(MAIL, "503"), none.most(MESSAGE, "commit-then-timeout")) == (0, 0)
    assert not none.take(MAIL, "503")
    some = Allowance(acts, ALL)
    most = some.most(MAIL, "503")
    assert 4 <= most <= 10
    assert most < some.most(MESSAGE, "503") <= 16
    assert some.most(MAIL, "slow") == some.most("create invoice", "503") == 0
    assert [some.take(MAIL, "503") for _ in range(most + 1)].count(True) == most
    some.give_back(MAIL, "503")
    assert some.take(MAIL, "503")
    assert Allowance({MAIL: 500}, ALL).most(MAIL, "503") < 500 * 0.05
    assert some.fault_behind(MAIL, "Fiken answered 503 to POST /send") == "503"
    assert some.fault_behind(MESSAGE, "no answer within 0.75 s") == "commit-then-timeout"
    assert Allowance(acts, ["late-landing"]).fault_behind(MAIL, "the answer is lost") == "late-landing"
    assert some.fault_behind(MAIL, "its worker is gone: nobody knows") == KILLED
    assert (some.most(MAIL, KILLED), some.most(MESSAGE, KILLED)) == (0, 0)
    dropped = Allowance(acts, [*ALL, "drop-webhook"])
    assert dropped.most(MESSAGE, "503") > some.most(MESSAGE, "503")
    assert dropped.most(MAIL, "503") == some.most(MAIL, "503")
    some.kills = 2
    assert (some.most(MAIL, KILLED), some.most(MESSAGE, KILLED)) == (2, 16)


MAIL_RUN = "invoice_payment:a/b"
MESSAGE_RUN = "send_message:shop/2045/order_confirmation"


def ticket(category: str, run: str | None, **facts: str) -> dict[str, Any]:
    return {
        "id": f"tkt_{category}_{run}",
        "category": category,
        "title": f"{category}?",
        "run": run,
        "facts": facts,
    }


class Desk(Talk):
    """Answers as both processes would, and keeps what it was asked to do."""

    def __init__(
        self,
        *,
        step: str = MAIL,
        landing: int = 0,
        mails: int = 0,
        sent: bool = False,
        forged: int = 0,
        tickets: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__("desk")
        self.step, self.landing, self.mails, self.sent, self.forged = step, landing, mails, sent, forged
        run = MESSAGE_RUN if step == MESSAGE else MAIL_RUN
        self.tickets = tickets if tickets is not None else [ticket("doubt", run)]
        self.asked: list[tuple[str, dict[str, Any]]] = []

    @property
    def done(self) -> list[dict[str, Any]]:
        return [body for _, body in self.asked]

    async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
        if path == "/api/tickets":
            return {"items": self.tickets, "cursor": None}
        if path == "/_ledger":
            message = {
                "service": "meta",
                "provider_id": "wamid.1",
                "template": "order_confirmation",
                "params": {"orderNumber": "2045"},
            }
            other = {**message, "params": {"orderNumber": "2046"}}
            return {
                "counts": {"landing": self.landing},
                "invoices": [{"invoice_id": 42, "mails": self.mails}],
                "delivery": {"by_order": {"2045": {}}, "messages": [other] + [message] * self.sent},
                "forged": {"sent": self.forged},
                "webhooks": {"waiting": 0},
                "sales": {
                    "refunds": [{"payment_intent": "pi_back"}],
                    "disputes": [{"payment_intent": "pi_disputed"}],
                },
            }
        if method == "POST":
            self.asked.append((path, body))
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


async def worked(desk: Desk, faults: str = "commit-then-timeout", seed: int = 0) -> Operator:
    allowance = Allowance({MAIL: 60, MESSAGE: 60}, [faults])
    operator = Operator(House(desk), desk, allowance, seed=seed)
    await operator.work()
    await operator.work()
    return operator


async def test_the_operator_looks_at_the_simulator_before_it_settles() -> None:
    sent = Desk(mails=1)
    assert (await worked(sent)).settled == Counter({MAIL: 2})
    assert sent.done[0] == {
        "step": MAIL,
        "attempt": 1,
        "done": True,
        "result": {"invoice_id": 42, "count": 1},
    }
    unsent = Desk(mails=0)
    await worked(unsent)
    assert (unsent.done[0]["done"], unsent.done[0]["result"]) == (False, None)


async def test_the_operator_looks_for_the_message_of_that_order() -> None:
    sent = Desk(step=MESSAGE, sent=True)
    assert (await worked(sent)).settled == Counter({MESSAGE: 2})
    assert sent.asked[0][0] == "/api/runs/send_message%3Ashop%2F2045%2Forder_confirmation/settle"
    assert sent.done[0]["result"] == {"provider": "meta", "provider_id": "wamid.1", "state": "accepted"}
    unsent = Desk(step=MESSAGE)
    await worked(unsent)
    assert (unsent.done[0]["done"], unsent.done[0]["result"]) == (False, None)
    unknown = Desk(step=MESSAGE, tickets=[ticket("doubt", "send_message:shop/9/order_confirmation")])
    assert "not at the simulator" in (await worked(unknown)).left["send_message:shop/9/order_confirmation"]
    assert unknown.done == []


async def test_the_operator_decides_about_oversold_orders_by_the_seed() -> None:
    held = [ticket("stock", f"ship_paid_order:{nth}", order=f"shop/{nth}") for nth in (1, 2, 3)]
    desk = Desk(tickets=held)
    operator = await worked(desk, seed=1)
    assert desk.asked == [
        ("/api/orders/1/decide", {"choice": "refund"}),
        ("/api/orders/2/decide", {"choice": "ship"}),
        ("/api/orders/3/decide", {"choice": "refund"}),
    ]
    assert operator.decided == Counter({"refund": 2, "ship": 1})


async def test_the_operator_puts_away_what_is_known_to_be_forged_and_nothing_else() -> None:
    forged = ticket("payment", None, source="razorpay", requests="8")
    known = Desk(tickets=[forged], forged=8)
    assert (await worked(known)).acknowledged == {"tkt_payment_None"}
    assert known.asked[0] == ("/api/tickets/tkt_payment_None/close", {})
    assert (await worked(Desk(tickets=[forged]))).left == {"tkt_payment_None": "payment?"}
    other = await worked(Desk(tickets=[ticket("settings", "a/b")], forged=8))
    assert other.left == {"a/b": "settings?"}


async def test_the_operator_takes_note_of_refunds_and_disputes_that_are_true() -> None:
    def change(payment: str, what: str) -> dict[str, Any]:
        run = f"report_payment_change:stripe/default/test/{payment}/{what}/100"
        return ticket("payment", run, payment=f"stripe/default/test/{payment}", what=what)

    true = [change("pi_back", "refund"), change("pi_disputed", "dispute opened")]
    desk = Desk(tickets=true)
    assert (await worked(desk)).booked == {each["run"] for each in true}
    assert desk.asked[0] == (
        "/api/runs/report_payment_change%3Astripe%2Fdefault%2Ftest%2Fpi_back%2Frefund%2F100/cancel",
        {"why": "booked by the demo's operator"},
    )
    false = [change("pi_back", "dispute opened"), change("pi_other", "refund")]
    desk = Desk(tickets=false)
    operator = await worked(desk)
    assert (desk.asked, operator.booked) == ([], set())
    assert set(operator.left) == {each["run"] for each in false}


async def test_what_was_left_alone_is_forgotten_once_its_ticket_is_closed() -> None:
    desk = Desk(tickets=[ticket("order", "a/b")])
    operator = await worked(desk)
    assert operator.left
    desk.tickets = []
    await operator.work()
    assert operator.left == {}


async def test_the_operator_waits_until_nothing_is_landing() -> None:
    desk = Desk(landing=1)
    operator = await worked(desk)
    assert (desk.done, operator.left) == ([], {})


async def test_the_operator_leaves_alone_what_the_engine_has_to_find() -> None:
    desk = Desk(step="create contact")
    operator = await worked(desk)
    assert desk.done == []
    assert "not for a person to settle" in operator.left[MAIL_RUN]


async def test_the_operator_stops_at_its_allowance() -> None:
    desk = Desk()
    operator = await worked(desk, faults="slow")
    assert desk.done == []
    assert "more doubts than 0" in operator.left[MAIL_RUN]


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
    "delivery": {
        "counts": {"checkouts": 2, "paid": 2},
        "verdict": {
            "paid": 2,
            "due": 2,
            "shipped": 2,
            "confirmed": 2,
            "told_shipped": 2,
            "sold": {"racket": 2},
            "open_issues": {"onpaid-fp-1": 1},
            **{name: [] for name in FINDINGS},
        },
    },
    "sales": {
        "counts": {
            "sessions": 1,
            "paid": 1,
            "bills": 0,
            "subscriptions": {"active": 1},
            "refunds": 0,
            "disputes": 0,
            "heard": {"a topic": 4, "sink books": 4},
            "repeats": {"a topic": 0, "sink books": 2},
        },
        "verdict": {name: [] for name in SALES_FINDINGS},
        "sessions": [{"paid": True, "mode": "payment"}],
    },
}
PROVEN = Proven(
    verdict="proven",
    sentence="Proven: 6 orders; nothing is off.",
    **dict.fromkeys(("orders", "payments", "invoices", "parcels", "messages", "events"), 6),
    missing=0,
    double=0,
    found={"missing": 0},
    under_way=0,
    waiting=0,
    unread={},
    findings=[],
)
DONE = Reconciled("success", 9, 0, 0, 0, 0, [], [], left=False)


WELL: dict[str, Any] = {
    "orders": 6,
    "carts": 3,
    "refused": 1,
    "sales": 1,
    "sold_orders": 1,
    "seconds": 1.0,
    "proof": PROVEN,
}


def reported(
    verdict: dict[str, Any] | None = None,
    ledger: dict[str, Any] | None = None,
    delivery: dict[str, Any] | None = None,
    sales: dict[str, Any] | None = None,
    **more: Any,
) -> Report:
    told = {**LEDGER, **(ledger or {}), "verdict": {**LEDGER["verdict"], **(verdict or {})}}
    of_delivery = LEDGER["delivery"]
    told["delivery"] = {**of_delivery, "verdict": {**of_delivery["verdict"], **(delivery or {})}}
    of_sales = LEDGER["sales"]
    told["sales"] = {**of_sales, "verdict": {**of_sales["verdict"], **(sales or {})}}
    return judge(told, Beside(**{**WELL, **more}))


UNPROVEN: tuple[dict[str, Any], ...] = (
    {"verdict": "off", "missing": 1},
    {"verdict": "unread", "unread": {"stripe": "401"}},
    {"under_way": 1},
    {"waiting": 1},
)


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
        reported(stock=["one"]),
        reported(findings=["it took too long"]),
        reported(orders=7),
        reported(proof=None),
        *(reported(proof=msgspec.structs.replace(PROVEN, **bad)) for bad in UNPROVEN),
        reported(reconciled=[DONE, msgspec.structs.replace(DONE, status="partial")]),
        reported(reconciled=[msgspec.structs.replace(DONE, failures=["webhook endpoint: 429"])]),
        reported(sold_orders=0),
        reported(sold_otherwise=["one"]),
        reported(sales={"untold": ["sink books: payment.successful pi_1"]}),
        *(reported(sales={name: ["cs_1"]}) for name in SALES_FINDINGS),
        reported(ledger={"forged": {"accepted": 1, "sent": 1}}),
        reported(ledger={"counts": {"concurrent_calls": 1}}),
        reported(carts=4, orders=7),
        reported(delivery={"shipped": 1}),
        *(reported(delivery={name: ["2045"]}) for name in FINDINGS),
    ):
        assert not bad.passed
        assert bad.findings


def test_a_checkout_that_nobody_paid_is_a_finding() -> None:
    unpaid = reported()
    assert unpaid.passed
    of_delivery = {**LEDGER["delivery"], "counts": {"checkouts": 2, "paid": 1}}
    told = judge({**LEDGER, "delivery": of_delivery}, Beside(**WELL))
    assert told.findings == ["only 1 of 2 checkouts were paid"]


def test_the_delivery_has_figures_of_its_own() -> None:
    told = reported(
        delivery={"missing": ["1"], "unsent": ["2"], "told_twice": ["3"], "strayed": ["4"]},
        decided={"ship": 1},
        stock=["of racket"],
    ).delivery
    assert (told.missing, told.double, told.unexplained) == (2, 1, 1)
    assert (told.carts, told.refused, told.checkouts, told.sold, told.issues) == (3, 1, 2, 2, 1)
    assert (told.oversold, told.stock_agrees) == ({"ship": 1}, False)


def test_sales_have_figures_of_their_own() -> None:
    told = reported(sales={"untold": ["a", "b"], "double_prices": ["c"], "misordered": ["d"]}).sales
    assert (told.missing, told.double, told.unexplained) == (2, 1, 1)
    assert (told.asked, told.paid, told.orders, told.events, told.repeats, told.listeners) == (
        1,
        1,
        1,
        4,
        2,
        2,
    )
    silent = {**LEDGER["sales"], "counts": {**LEDGER["sales"]["counts"], "heard": {}}}
    assert "nobody listens to billing events" in judge({**LEDGER, "sales": silent}, Beside(**WELL)).findings


def test_what_nobody_can_tell_us_is_counted_and_is_no_difference() -> None:
    row = Row(
        "p", "order_1", "pay_1", "shop/2045", Money(1, "INR"), "done", told={"order_confirmation": "accepted"}
    )
    failed = {"params": {"orderNumber": "2045"}, "template": "order_confirmation", "status": "failed"}
    rows, unheard = with_lost_reports([row], {"messages": [failed]})
    assert (rows[0].told, unheard) == ({"order_confirmation": "undeliverable"}, 1)
    assert with_lost_reports([row], {"messages": [{**failed, "status": "read"}]}) == ([row], 0)


def test_missing_counts_payments_and_double_counts_things() -> None:
    assert reported({"missing": ["pi_1"], "invoiced": 2, "mailed": 1, "unmailed": [5]}).missing == 2
    assert reported({"double": [1], "mailed_twice": [2], "doubled_contacts": ["a"]}).double == 3


def test_what_is_shown_on_a_terminal_fits_it() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, legacy_windows=False)
    with Show(console, Options(orders=6)) as show:
        show.tell(
            Now(
                orders=3,
                placed=2,
                paid=1,
                carts=3,
                bought=1,
                due=1,
                sales=1,
                sold=1,
                runs={"waiting": 1},
                faults={"slow": 2},
                doing="reconciling, 1",
            )
        )
    told = msgspec.structs.replace(DONE, events=7, asked_again=2)
    console.print(proof_table(reported(settled={MAIL: 1, MESSAGE: 2}, booked=1, reconciled=[told, DONE])))
    console.print(proof_table(reported({"double": [1]})))
    said = out.getvalue()
    assert "3 payments, 3 invoices, 3 mails; 2 parcels due, 2 shipped" in said
    assert "invoices are one too many: 1" in said
    assert "onpaid demo --orders 6 --parcels 3 --sales 1 " in said
    assert "7 events, 0 payments" in said
    assert "the service's own proof" in said


def test_orders_are_split_and_each_seed_has_another_messenger() -> None:
    day = Options(orders=61)
    assert (day.sold, day.sessions, day.subscriptions) == (10, 7, 3)
    assert (day.carts, day.shop_orders) == (25, 26)
    assert (Options(orders=5, parcels=0).carts, Options(orders=5, parcels=5).shop_orders) == (0, 0)
    assert (Options(orders=60, parcels=10).sold, Options(orders=60, parcels=10).shop_orders) == (0, 50)
    named = Options(orders=12, parcels=4, sales=6)
    assert (named.sold, named.carts, named.shop_orders, named.subscriptions) == (6, 4, 2, 2)
    assert (Options(orders=6, sales=1).subscriptions, Options(orders=6, sales=2).subscriptions) == (0, 1)
    assert {Options(seed=seed).messenger for seed in range(1, 5)} == set(MESSENGERS)
    assert Options(seed=1, messages="wati").messenger == "wati"


def test_only_a_day_that_loses_webhooks_is_reconciled() -> None:
    assert Options(faults="all,drop-webhook").loses_webhooks
    assert not Options(faults="all").loses_webhooks
    assert Options(faults="drop-webhook").patience > Options(faults="all").patience


def test_a_reconciliation_is_the_last_one_only_if_nothing_was_missing() -> None:
    assert DONE.last
    for more in (
        {"orders": 1},
        {"payments": 1},
        {"events": 1},
        {"runs_started": 1},
        {"left": True},
        {"failures": ["x"]},
        {"status": "partial"},
    ):
        assert not msgspec.structs.replace(DONE, **more).last
