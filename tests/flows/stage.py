"""One service in virtual time, with the world around it, as the tests of flows tell it stories.

    async def story(stage):
        await stage.order("1001", line("77", "199.00"))
        await stage.pays("1001", "199.00")
        await stage.rest()
    tell(story)

Facts come in through the inbox, from a source that says them in our own words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from onpaid.app.inbox import Inbox
from onpaid.app.inbox import Receipt as Delivered
from onpaid.app.keeping import Keeping
from onpaid.clock import Instant, as_instant
from onpaid.domain.events import Envelope, Fact, Judged, OrderReceived
from onpaid.domain.money import Money as Amount
from onpaid.domain.orders import Address, Customer, OrderLine
from onpaid.domain.payments import PaymentChanged, PaymentDetails, PaymentSucceeded
from onpaid.domain.vat import VatRule, VatTable
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.operations import Operations
from onpaid.engine.pace import Pace
from onpaid.engine.testing import START, Process, VirtualClock, run_virtually
from onpaid.flows.expire_order import expire_order
from onpaid.flows.file_contact import file_contact
from onpaid.flows.file_ticket import file_ticket
from onpaid.flows.invoice_payment import invoice_payment
from onpaid.flows.open_issue import open_issue
from onpaid.flows.report_payment_change import report_payment_change
from onpaid.flows.report_problem import report_problem
from onpaid.flows.rules import Rules
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.problems import Problems
from onpaid.repositories.references import References
from onpaid.store.memory import MemoryStore
from onpaid.store.port import Store
from tests.flows.fates import Fates
from tests.flows.world import LANES, Accounts, Desk, Money, World

FLOWS = (
    invoice_payment,
    file_contact,
    expire_order,
    report_payment_change,
    file_ticket,
    report_problem,
    open_issue,
)
ACCOUNT = "stripe/default/test"
SHOP = "konverzky"
VAT = VatTable(
    tuple(
        VatRule(country, Decimal(rate), date(2022, 1, 1), kind, account)
        for country, rate, kind, account in (
            ("NO", "25", "HIGH", "3000"),
            ("NO", "15", "MEDIUM", "3000"),
            ("NO", "0", "EXEMPT", "3100"),
            ("*", "0", "EXEMPT_IMPORT_EXPORT", "3100"),
        )
    ),
    signed_off_by="Kari Revisor",
    signed_off_on=date(2025, 12, 1),
)
RULES = Rules(vat=VAT, cash_invoice=True)
KARI = Customer(
    id="cus_kari", name="Kari Lie", email="kari@example.org", address=Address(city="Oslo", country="NO")
)
KINDS: dict[str, type[Fact]] = {
    kind.__name__: kind for kind in (OrderReceived, PaymentSucceeded, PaymentChanged)
}
PACE = Pace(tick=timedelta(seconds=30))


def line(key: str, price: str, *, quantity: str = "1", vat: str = "25", name: str | None = None) -> OrderLine:
    """A line of an order."""
    return OrderLine(
        key, key.split("#")[0], name or f"Item {key}", Decimal(quantity), Decimal(price), Decimal(vat)
    )


class Herald:
    """A WebhookSource that says facts in our own words."""

    name = "herald"
    media: tuple[str, ...] = ("application/json",)
    event_id_header = ""

    def verify(
        self, headers: Mapping[str, str], body: bytes, now: Instant, *, token: str | None = None
    ) -> None:
        return None

    def read(self, body: bytes, now: Instant, *, token: str | None = None) -> Envelope:
        said = msgspec.json.decode(body)
        return Envelope(self.name, ACCOUNT, said["id"], said["kind"], live=False, created_at=now)

    def judge(self, envelope: Envelope, body: bytes, received_at: Instant) -> Judged:
        said = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return Judged((msgspec.json.decode(said["fact"], type=KINDS[envelope.type]),))


def body_of(fact: Fact, event: str) -> bytes:
    """What the herald sends."""
    return msgspec.json.encode({"id": event, "kind": type(fact).__name__, "fact": fact})


def order_received(
    number: str,
    *lines: OrderLine,
    currency: str | None = "NOK",
    total: str | None = None,
    gross: bool | None = None,
    customer: Customer | None = None,
    aliases: tuple[str, ...] = (),
    event: str = "",
) -> OrderReceived:
    """A shop's word about an order. Its digest is of its meaning."""
    meaning = msgspec.json.encode([lines, currency, gross, total, customer])
    return OrderReceived(
        shop=SHOP,
        number=number,
        aliases=aliases,
        live=False,
        lines=lines,
        digest=sha256(meaning).hexdigest(),
        event=event,
        received_at=START,
        currency=currency,
        prices_include_vat=gross,
        total=None if total is None else Decimal(total),
        customer=customer,
    )


def paid_for(
    number: str,
    amount: str | Amount,
    *,
    payment: str = "pi_1",
    customer: Customer | None = KARI,
    billing: Customer | None = None,
    paid_at: Instant = START,
    currency: str = "NOK",
) -> PaymentSucceeded:
    """Money that came for an order."""
    return PaymentSucceeded(
        account=ACCOUNT,
        payment_id=payment,
        order=f"{SHOP}/{number}",
        amount=Amount.parse(amount, currency) if isinstance(amount, str) else amount,
        paid_at=paid_at,
        live=False,
        charge_id=payment.replace("pi_", "ch_"),
        customer_id=customer.id if customer else None,
        billing=billing,
    )


def details_of(paid: PaymentSucceeded, **changes: Any) -> PaymentDetails:
    """The payment as its provider tells it."""
    told = PaymentDetails(
        payment_id=paid.payment_id,
        charge_id=paid.charge_id or paid.payment_id,
        amount=paid.amount,
        refunded=Amount.zero(paid.amount.currency),
        disputed=False,
        captured=True,
        live=paid.live,
        customer_id=paid.customer_id,
        billing=paid.billing,
    )
    return msgspec.structs.replace(told, **changes)


def guests(
    world: World, store: Store, rules: Rules = RULES, *, prices_include_vat: bool | None = True
) -> dict[str, Any]:
    """What the flows of one process are handed."""
    return {
        "payment_source": Money(world),
        "invoicing": Accounts(world),
        "ticketing": Desk(world),
        "problems": Problems(store, environment="test"),
        "tracker": world.tracker,
        "alerting": world.alerting,
        "orders": Orders(store, prices_include_vat=prices_include_vat),
        "payments": Payments(store),
        "references": References(store),
        "rules": rules,
    }


class Stage:
    """A service that lives, and the world."""

    def __init__(
        self,
        world: World,
        *,
        rules: Rules = RULES,
        prices_include_vat: bool | None = True,
        store: Store | None = None,
        generation: int = 0,
        clock: VirtualClock | None = None,
        sources: Mapping[str, WebhookSource] | None = None,
        alive: bool = True,
    ) -> None:
        """A stage that is not `alive` takes events in and advances no run."""
        self.world = world
        self.rules = rules
        self.store: Store = store or MemoryStore()
        self.clock = clock or VirtualClock()
        self.guests = guests(world, self.store, rules, prices_include_vat=prices_include_vat)
        self.process = Process(
            self.store,
            FLOWS,
            self.guests,
            self.clock,
            pace=PACE,
            lanes=LANES,
            generation=generation,
            ringing=alive,
        )
        self.inbox = Inbox(
            self.process.engine.recorder,
            Keeping(self.process.engine.store, self.guests["orders"], self.guests["payments"]),
            {Herald.name: Herald(), **(sources or {})},
            self.clock,
        )
        self.operations = Operations(self.process.engine)
        self.begin(alive=alive)

    def begin(self, *, alive: bool = True) -> None:
        """Begin to live."""
        self._events = 0
        self._nudged = asyncio.Event()
        self._life = asyncio.get_running_loop().create_task(self._live() if alive else asyncio.sleep(0))

    def at(self, moment: datetime) -> None:
        """Set the wall clock."""
        self.clock.step(timedelta(milliseconds=as_instant(moment) - self.clock.now()))

    async def hear(self, fact: Fact, *, event: str = "") -> Delivered:
        """Take a fact in, as a new event unless it is named."""
        self._events += 1
        name = event or f"evt_{self._events}"
        return await self.inbox.receive(Herald.name, {}, body_of(fact, name))

    async def order(self, number: str, *lines: OrderLine, **more: Any) -> Delivered:
        """The shop tells of an order."""
        return await self.hear(order_received(number, *lines, **more))

    async def pays(
        self, number: str, amount: str | Amount, *, changes: Mapping[str, Any] | None = None, **more: Any
    ) -> Delivered:
        """The customer pays, and the payment source tells of it. `changes` are what became of the payment since."""
        more.setdefault("paid_at", self.clock.now())
        paid = paid_for(number, amount, **more)
        customer = more.get("customer", KARI)
        if customer is not None and customer.id and customer.name:
            self.world.customers[customer.id] = customer
        self.world.payments[paid.payment_id] = details_of(paid, **(changes or {}))
        return await self.hear(paid)

    async def _live(self) -> None:
        while True:
            await self.process.live(at_most=timedelta(days=3650))
            # Nothing is due, and nothing will be by itself: no need to tick for ever.
            self._nudged.clear()
            await self._nudged.wait()

    async def rest(self, at_most: timedelta = timedelta(days=3)) -> None:
        """Until nothing moves any more."""
        end = self.clock.monotonic() + at_most.total_seconds()
        self._nudged.set()
        await self.clock.sleep(1)
        while await self._moves() and self.clock.monotonic() < end:
            if self._life.done():
                self._life.result()
            await self.clock.sleep(PACE.tick.total_seconds())

    async def _moves(self) -> bool:
        for state in ("ready", "running", "waiting", "sleeping"):
            if await self.store.count("run", "state", state, at_most=1):
                return True
        return False

    async def wait(self, duration: timedelta) -> None:
        """Let that much time pass."""
        self._nudged.set()
        await self.clock.sleep(duration.total_seconds())

    async def stop(self) -> None:
        """End the process. Its store, its clock and the world stay."""
        self._life.cancel()
        await self.process.kill()

    async def run(self, flow: str, key: str) -> Run:
        """A run, by its flow and the end of its key."""
        (found,) = [run for run in await self.runs(flow) if run.id.endswith(key)]
        return found

    async def runs(self, flow: str) -> list[Run]:
        """All runs of a flow, oldest first."""
        found: list[Run] = []
        for state in ("ready", "running", "waiting", "sleeping", "doubtful", "failed", "done", "cancelled"):
            page = await RUNS.query(self.store, "flow-state", f"{flow}:{state}", limit=1000)
            found.extend(page.items)
        return sorted(found, key=lambda run: (run.started, run.id))

    async def tickets(self, state: str = "open") -> list[Ticket]:
        """The tickets in this state, oldest first."""
        return (await TICKETS.query(self.store, "state", state, newest_first=False, limit=1000)).items

    async def ticket(self) -> Ticket:
        """The only open ticket."""
        (found,) = await self.tickets()
        return found


def tell(
    story: Callable[[Stage], Awaitable[None]],
    *,
    fates: Mapping[str, list[str]] | None = None,
    **more: Any,
) -> Stage:
    """Tell a story in virtual time. `fates` are planned by operation; the rest is the stage's."""

    async def main() -> Stage:
        stage = Stage(World(Fates(fates or {})), **more)
        await story(stage)
        assert not stage.world.faults, stage.world.faults
        return stage

    return run_virtually(main)
