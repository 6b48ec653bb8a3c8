"""A shop of invoices with providers that list what a test gives them, and a prover over it. Time is virtual.

await books.sell(3)     three orders that were paid, invoiced and told of; then books.stripe, books.accounts can be spoilt
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act
from onpaid.app.proving import Prover
from onpaid.app.proving_ours import PaidSessions
from onpaid.app.proving_sources import Followed, Outside, Paged
from onpaid.clock import Clock, Instant
from onpaid.domain.billing import BillingEvent, BillingNews, BillingType
from onpaid.domain.invoices import InvoiceRef
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, Revision
from onpaid.domain.payments import Payment, PaymentSucceeded
from onpaid.domain.proof_rows import Line
from onpaid.domain.shipments import CourierOrder
from onpaid.domain.takings import Taking
from onpaid.engine.bell import Silence
from onpaid.engine.journal import RUNS, Run, Step
from onpaid.engine.lanes import Lanes
from onpaid.engine.pace import Pace
from onpaid.engine.testing import run_virtually
from onpaid.engine.testing.virtual import START, VirtualClock
from onpaid.engine.visits import Visits
from onpaid.providers.roles_proving import IssuedInvoice
from onpaid.repositories.orders import ORDERS, Orders
from onpaid.repositories.payments import PAYMENTS
from onpaid.repositories.proofs import Proof
from onpaid.repositories.references import References
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store

ACCOUNT = "stripe/default/test"
DAY = 86_400_000
PAID_AT: Instant = START - DAY
PAGE = 4
Troubles = list[Exception]


class Source:
    """Something that lists. `troubles` are raised first, one a call; `calls` counts."""

    def __init__(self) -> None:
        self.troubles: Troubles = []
        self.calls = 0
        self.always: Exception | None = None
        self.nameless: Exception | None = None
        """What whoever asks by name is told."""
        self.troubles_by_name: list[Exception | None] = []
        self.slow = 0.01

    async def _called(self) -> None:
        await asyncio.sleep(self.slow)
        self.calls += 1
        if self.troubles:
            raise self.troubles.pop(0)
        if self.always is not None:
            raise self.always


class FakeStripe(Source):
    """A FollowedTakings, PAGE a page. `hidden` are not in the list, and answer to their name."""

    def __init__(self) -> None:
        super().__init__()
        self.takings: list[Taking] = []
        self.hidden: list[Taking] = []
        self.bills: dict[str, str] = {}
        self.troubles_by_bill: list[Exception] = []

    @act(repeatable=True, lane="stripe")
    async def charges_created(
        self, since: Instant, until: Instant, *, after: str | None = None
    ) -> tuple[list[Taking], str | None]:
        await self._called()
        listed = [each for each in self.takings if since <= each.taken_at <= until]
        start = int(after or 0)
        end = start + PAGE
        return listed[start:end], str(end) if end < len(listed) else None

    @act(repeatable=True, lane="stripe")
    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        await self._called()
        trouble = self.troubles_by_name.pop(0) if self.troubles_by_name else None
        if trouble is not None:
            raise trouble
        return next((each for each in [*self.takings, *self.hidden] if each.payment_id == payment_id), None)

    @act(repeatable=True, lane="stripe")
    async def bill_of(self, payment_id: str) -> str | None:
        await self._called()
        if self.troubles_by_bill:
            raise self.troubles_by_bill.pop(0)
        return self.bills.get(payment_id)


class FakeRazorpay(FakeStripe):
    """A PagedTakings."""

    @act(repeatable=True, lane="razorpay")
    async def payments_between(self, since: Instant, until: Instant, skip: int) -> list[Taking]:
        await self._called()
        return self.takings[skip : skip + 100]


class FakeAccounts(Source):
    """An Accounts, PAGE a page."""

    def __init__(self) -> None:
        super().__init__()
        self.invoices: list[IssuedInvoice] = []
        self.credits: dict[int, Money] = {}
        self.creditless: Exception | None = None
        self.hidden: list[IssuedInvoice] = []

    @act(repeatable=True, lane="fiken")
    async def invoices_issued(self, since: date, until: date, page: int) -> tuple[list[IssuedInvoice], bool]:
        await self._called()
        start = page * PAGE
        return self.invoices[start : start + PAGE], start + PAGE < len(self.invoices)

    @act(repeatable=True, lane="fiken")
    async def invoice_named(self, invoice_id: int) -> IssuedInvoice | None:
        await self._called()
        trouble = self.troubles_by_name.pop(0) if self.troubles_by_name else self.nameless
        if trouble is not None:
            raise trouble
        known = [*self.invoices, *self.hidden]
        return next((each for each in known if each.invoice_id == invoice_id), None)

    @act(repeatable=True, lane="fiken")
    async def invoices_numbered(self, number: str) -> list[IssuedInvoice]:
        await self._called()
        if self.nameless is not None:
            raise self.nameless
        return [each for each in [*self.invoices, *self.hidden] if each.order_reference == number]

    @act(repeatable=True, lane="fiken")
    async def credit_named(self, credit: int) -> Money | None:
        await self._called()
        if self.creditless is not None:
            raise self.creditless
        return self.credits.get(credit)


class FakeCourier(Source):
    """A Courier."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[CourierOrder] = []

    @act(repeatable=True, lane="shiprocket")
    async def orders_created(self, since: date, until: date, page: int) -> tuple[list[CourierOrder], bool]:
        await self._called()
        return (self.orders if page == 1 else []), False

    @act(repeatable=True, lane="shiprocket")
    async def find_cancelled(self, order: CourierOrder) -> Finding[CourierOrder]:
        await self._called()
        for each in self.orders:
            if each.order_id == order.order_id:
                return Found(each) if each.cancelled else Absent()
        return Unsure("there is no such order", final=True)


class FakeBilling:
    """A BillingNoted."""

    def __init__(self) -> None:
        self.events: dict[str, BillingEvent] = {}

    async def get(self, event: str) -> BillingEvent | None:
        return self.events.get(event)

    async def noted_since(
        self, kind: BillingType, since: Instant, after: str | None = None
    ) -> tuple[list[BillingEvent], str | None]:
        told = [each for each in self.events.values() if each.news.type == kind and each.noted_at >= since]
        start = int(after or 0)
        end = start + PAGE
        return told[start:end], str(end) if end < len(told) else None


class Books:
    """The shop, its providers and its prover."""

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        self.store = store or MemoryStore()
        self.clock = clock or VirtualClock()
        self.stripe, self.accounts, self.courier = FakeStripe(), FakeAccounts(), FakeCourier()
        self.billing = FakeBilling()
        self.pace = Pace()
        self.lanes = Lanes([LaneLimit("fiken", at_once=1, strict=True)], self.clock, self.pace, Silence())
        self.prover = self.another()

    def another(
        self,
        *,
        razorpay: FakeRazorpay | None = None,
        owner: str = "one",
        sessions: PaidSessions | None = None,
        sole: bool = False,
        **left: Any,
    ) -> Prover:
        """A prover over the same store, as another process has one. What is named in `left` is left out."""
        visits = Visits(self.store, self.lanes, self.clock, self.pace, Silence(), owner=owner)
        asked: dict[str, Any] = {
            "takings": {"stripe": Followed(visits, self.stripe)},
            "accounts": self.accounts,
            "courier": self.courier,
            "billing": self.billing,
            "messages": True,
            "shops": ("konverzky",),
            **left,
        }
        if razorpay is not None:
            asked["takings"]["razorpay"] = Paged(visits, razorpay)
        return Prover(
            self.store,
            Orders(self.store),
            References(self.store),
            self.clock,
            visits,
            Outside(**asked),
            owner=owner,
            zone=ZoneInfo("Europe/Oslo"),
            sessions=sessions,
            sole=sole,
        )

    async def sell(self, count: int, *, first: int = 0, at: Instant = PAID_AT) -> None:
        """So many orders that were paid, invoiced and told of."""
        for nth in range(first, first + count):
            await self.keep(nth, at=at)
            self.take(nth, at=at)
            self.accounts.invoices.append(self.invoice(nth))

    async def keep(self, nth: int, *, at: Instant = PAID_AT, state: str = "done", **more: Any) -> Run:
        """Our records of one order."""
        order = Order("konverzky", f"{1000 + nth}", False, at, (Revision(1, "d", (), at, f"evt_{nth}"),), ())
        paid = PaymentSucceeded(
            ACCOUNT, f"pi_{nth}", order.key, self.amount(nth), at, False, f"ch_{nth}", event=f"evt_{nth}"
        )
        result = msgspec.Raw(msgspec.json.encode(InvoiceRef(5000 + nth, nth + 1)))
        steps = [Step("create invoice", "Fiken", "find", "done", result=result)] if state == "done" else []
        run = Run(
            f"invoice_payment:{paid.key}",
            "invoice_payment",
            msgspec.Raw(msgspec.json.encode(paid)),
            at,
            state,  # type: ignore[arg-type]
            steps=steps,
            **more,
        )
        await self.store.commit([ORDERS.put(order), PAYMENTS.put(Payment(paid, at + 1000)), RUNS.put(run)])
        return run

    def take(self, nth: int, *, at: Instant = PAID_AT, **more: Any) -> Taking:
        """What Stripe says of one order's money, and the billing event about it."""
        zero = Money(0, "NOK")
        taking = Taking(
            ACCOUNT,
            f"pi_{nth}",
            f"ch_{nth}",
            self.amount(nth),
            zero,
            at,
            live=False,
            captured=True,
            ours=True,
            order=f"{1000 + nth}",
        )
        taking = msgspec.structs.replace(taking, **more)
        self.stripe.takings.append(taking)
        news = BillingNews(ACCOUNT, "payment.successful", f"pi_{nth}", at, live=False)
        self.billing.events[news.id] = BillingEvent(news.id, news, at, 1, at + 1)
        return taking

    def invoice(self, nth: int, **more: Any) -> IssuedInvoice:
        """What the accounts say of one order."""
        made = IssuedInvoice(5000 + nth, nth + 1, self.amount(nth), f"{1000 + nth}", f"pi_{nth}")
        return msgspec.structs.replace(made, **more)

    @staticmethod
    def amount(nth: int) -> Money:
        """What an order costs."""
        return Money(10_000 + nth, "NOK")

    async def begin(self, prover: Prover | None = None, days: int = 2) -> Proof:
        """A proof of the last days."""
        return await (prover or self.prover).begin(self.clock.now() - days * DAY, self.clock.now(), "ann")

    async def proven(self, prover: Prover | None = None) -> tuple[Proof, list[Line]]:
        """A proof that has ended, and its orders."""
        prover = prover or self.prover
        return await self.finished(prover, (await self.begin(prover)).id)

    async def finished(self, prover: Prover, ident: str) -> tuple[Proof, list[Line]]:
        """This proof when it has ended, and its orders."""
        async with asyncio.timeout(3600):
            while True:
                proof = await prover.advance(ident, timedelta(seconds=60))
                assert proof is not None
                if proof.ended:
                    break
                await self.clock.sleep(1)
        lines = [line async for page in prover.proofs.pages(proof, "off") for line in page.lines]
        lines += [line async for page in prover.proofs.pages(proof, "lines") for line in page.lines]
        return proof, lines

    async def findings(self, prover: Prover | None = None) -> list[tuple[str, str, str]]:
        """What a proof finds: order, kind and effect."""
        _, lines = await self.proven(prover)
        return [(line.order, each.kind, each.effect) for line in lines for each in line.findings]


def story(tell: Callable[[Books], Coroutine[Any, Any, None]], store: Store | None = None) -> None:
    """Tell it with books of its own, in virtual time."""

    async def main() -> None:
        await tell(Books(store))

    run_virtually(main)
