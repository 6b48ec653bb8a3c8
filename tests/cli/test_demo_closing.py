"""The end of a demo's day: what its operator asks for, in which order, and what it does when an answer is lost."""

from __future__ import annotations

from typing import Any

import pytest

from onpaid.cli.demo.closing import Closing
from onpaid.cli.demo.goods import subscribe
from onpaid.cli.demo.house import NoAnswer, Talk
from onpaid.errors import NotPossible
from onpaid.simulators import Simulators, serve

TOTALS = {
    **dict.fromkeys(("orders", "payments", "invoices", "parcels", "messages", "events"), 3),
    "found": {"missing": 1, "double": 0},
    "under_way": 0,
    "waiting": 0,
}


def run(ident: str, status: str = "success", **more: Any) -> dict[str, Any]:
    """A reconciliation as the API tells it."""
    counts = dict.fromkeys(
        ("processed", "payments", "events", "created", "paymentsCreated", "eventsBrought", "runsStarted"), 0
    )
    lists: dict[str, Any] = {"findings": [], "failures": [], "left": []}
    return {"id": ident, "status": status, "waitingLeft": False, **counts, **lists, **more}


class House(Talk):
    """Answers as the service would. `lost` answers to posts are lost after they took effect."""

    def __init__(self, *, lost: int = 0, waiting: list[dict[str, Any]] | None = None) -> None:
        super().__init__("service")
        self.lost, self.waiting = lost, waiting or []
        self.runs: list[dict[str, Any]] = []
        self.looks = 0
        self.asked: list[tuple[str, str, Any]] = []

    async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
        self.asked.append((method, path, body))
        if path == "/api/reconcile":
            self.runs.insert(0, run(f"rec_{len(self.runs)}", "running"))
            return self._answered(self.runs[0])
        if path == "/api/reconciliations":
            return {"items": self.runs[:1], "cursor": None}
        if path.startswith("/api/reconciliations/"):
            self.looks += 1
            done = run(self.runs[0]["id"], created=2, eventsBrought=5, processed=7)
            return self.runs[0] if self.looks < 2 else done
        if path == "/api/runs":
            half = len(self.waiting) // 2
            later = "cursor" in params
            return {
                "items": self.waiting[half:] if later else self.waiting[:half],
                "cursor": None if later else "2",
            }
        if path == "/api/proofs":
            return self._answered({"id": "proof_1", "verdict": "under way"})
        if path.endswith("/go-on"):
            self.looks += 1
            verdict = "off" if self.looks > 2 else "under way"
            return {
                "id": "proof_1",
                "verdict": verdict,
                "sentence": "1 finding.",
                "totals": TOTALS,
                "unread": {},
            }
        if path == "/api/proofs/proof_1/orders":
            assert params == {"show": "off"}
            finding = {"kind": "missing", "what": "no invoice in the accounts"}
            return {"items": [{"order": "1001", "findings": [finding]}], "cursor": None}
        raise AssertionError(path)

    def _answered(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.lost:
            self.lost -= 1
            raise NoAnswer("the answer is lost")
        return told

    def posted(self, path: str) -> int:
        return sum(each[:2] == ("POST", path) for each in self.asked)


class Shop(Talk):
    """A shop that has only some of the orders."""

    def __init__(self, *orders: str) -> None:
        super().__init__("simulators")
        self.orders = orders
        self.sent: list[str] = []

    async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
        assert (method, path) == ("POST", "/konverzky/_orders/resend")
        if body["order_number"] not in self.orders:
            raise NotPossible("there is no such order")
        self.sent.append(body["order_number"])
        return {}


async def at_once(_seconds: float) -> None:
    """Nobody waits here."""


def closing_of(house: House, shop: Shop | None = None) -> Closing:
    return Closing(house, shop or Shop(), at_once)


async def test_a_reconciliation_is_waited_for() -> None:
    house = House()
    told = await closing_of(house).reconcile()
    assert (told.status, told.orders, told.events, told.looked_at) == ("success", 2, 5, 7)
    assert house.posted("/api/reconcile") == 1


async def test_one_whose_answer_was_lost_is_not_begun_twice() -> None:
    house = House(lost=1)
    desk = closing_of(house)
    await desk.reconcile()
    assert house.posted("/api/reconcile") == 1
    house.lost, house.looks = 1, 0
    await desk.reconcile()
    assert (house.posted("/api/reconcile"), len(desk.reconciled)) == (2, 2)


async def test_a_service_that_never_answers_is_given_up() -> None:
    class Mute(House):
        async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
            raise NoAnswer("nothing")

    with pytest.raises(NoAnswer):
        await closing_of(Mute()).reconcile()


async def test_the_shop_is_asked_for_the_orders_that_payments_wait_for() -> None:
    def waits(order: str | None, flow: str = "invoice_payment") -> dict[str, Any]:
        return {"flow": flow, "order": order}

    rows = [waits("konverzky/1002"), waits("konverzky/1001"), waits("konverzky/1001")]
    rows += [waits("konverzky/9"), waits(None), waits("konverzky/1003", "expire_order")]
    shop = Shop("1001", "1002", "1003")
    desk = closing_of(House(waiting=rows), shop)
    await desk.reconcile()
    assert await desk.ask_shop() == 2
    assert shop.sent == ["1001", "1002"]
    assert desk.reconciled[-1].asked_again == 2


async def test_a_proof_is_worked_on_until_it_has_ended() -> None:
    house = House(lost=1)
    told = await closing_of(house).prove()
    assert (told.verdict, told.missing, told.double, told.green) == ("off", 1, 0, False)
    assert told.findings == ["order 1001: missing: no invoice in the accounts"]
    assert house.posted("/api/proofs/proof_1/go-on") == 3


async def test_a_subscriber_is_added_once_though_the_answer_is_lost() -> None:
    """Against real HTTP on the simulators' side: the sink has to know the secret before anything is sent to it."""
    simulators = Simulators()
    served = await serve(simulators)
    kept: list[dict[str, Any]] = []

    class Desk(House):
        async def _ask(self, method: str, path: str, body: Any, params: Any) -> dict[str, Any]:
            if method == "GET":
                return {"items": [{"id": f"sbr_{nth}", **each} for nth, each in enumerate(kept)]}
            kept.append(body)
            return self._answered({"subscriber": {"id": "sbr_0"}, "secret": body["secret"]})

    desk = Desk(lost=1)
    try:
        assert await subscribe(desk, served.base, at_once) == "sbr_0"
    finally:
        await served.stop()
    assert [each["url"] for each in kept] == [f"{served.base}/_sink/books"]
    assert simulators.sinks.sink("books").secrets == (kept[0]["secret"],)
