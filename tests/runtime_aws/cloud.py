"""AWS as these tests have it: a table in memory, a queue, secrets, and functions whose sandboxes come and go.

Time is virtual, and passes only while something runs or a test lets it. The providers are the fakes of the flows'
tests, which note what no caller may do.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from onpaid.aws_lambda import Doors
from onpaid.aws_sandbox import Sandbox
from onpaid.compose_aws import House, build_aws
from onpaid.domain.money import Money as Amount
from onpaid.domain.orders import Address, Customer
from onpaid.engine.journal import RUNS, TICKETS, Run, Ticket
from onpaid.engine.testing import VirtualClock
from onpaid.engine.testing.virtual import VirtualLoop
from onpaid.errors import SettingsError
from onpaid.settings import Settings
from onpaid.store.port import Store
from tests.app.post import SHOP_SECRET, STRIPE_SECRET, charge, shop_event, signed, stripe_event
from tests.flows.fates import Fates
from tests.flows.stage import RULES, details_of, paid_for
from tests.flows.world import LANES, Accounts, Desk, Money, World
from tests.runtime_aws.events import Event, http_api, messages
from tests.runtime_aws.line import Invocation, Line, Table

ADMIN = "operator-token-for-tests-1"
ENVIRONMENT = {
    "ONPAID_DATABASE": "dynamodb://onpaid-test",
    "ONPAID_WORK_QUEUE_URL": "https://sqs.eu-north-1.amazonaws.com/123456789012/onpaid-test-work",
    "ONPAID_ADMIN_TOKEN": ADMIN,
    "ONPAID_PUBLIC_URL": "https://pay.example.org",
    "ONPAID_PROJECT": "onpaid",
    "ONPAID_ENVIRONMENT": "test",
    "STRIPE_API_KEY": "sk_test_1",
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
    "KONVERZKY_WEBHOOK_SECRET": SHOP_SECRET,
    "FIKEN_API_TOKEN": "a-token-of-fiken",
    "FIKEN_COMPANY_SLUG": "shop-as",
    "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "1920:10002",
}
GRO = Customer(name="Gro Gjest", email="gro@example.org", address=Address(country="NO", city="Oslo"))
BOOK = ("77", "1", "199.00")
"""The line of every order here: 199.00 with VAT."""


class Ledger(Accounts):
    """The accounts, with the lanes that a provider declares."""

    lanes = LANES

    async def doctor(self) -> list[str]:
        """Never asked: the lane is strict."""
        raise AssertionError


class Cloud:
    """Everything that outlives a sandbox."""

    def __init__(self, *, store: Store | None = None, fates: Fates | None = None, **environment: str) -> None:
        self.loop, self.clock = VirtualLoop(), VirtualClock()
        self.store: Store = store or Table()
        self.line = Line(self.loop)
        self.world = World(fates or Fates())
        self.secrets: dict[str, str] = {}
        self.asked: list[str] = []
        self.figures: list[dict[str, Any]] = []
        self.environment = {**ENVIRONMENT, **environment}
        self.houses: list[House] = []
        self.heard: list[Settings] = []
        self._invocations = 0

    def fetch(self, scheme: str, name: str) -> str:
        """What is kept under a reference."""
        self.asked.append(f"{scheme}:{name}")
        if name not in self.secrets:
            raise SettingsError(f"{scheme}:{name} cannot be read: AWS answered ResourceNotFoundException")
        return self.secrets[name]

    async def build(self, settings: Settings) -> House:
        """A house of this cloud."""
        others = {
            "payment_source": Money(self.world),
            "invoicing": Ledger(self.world),
            "ticketing": Desk(self.world),
            "rules": RULES,
        }
        house = await build_aws(
            settings,
            write=lambda line: self.figures.append(json.loads(line)),
            store=self.store,
            queue=self.line,
            clock=self.clock,
            others=others,
        )
        self.houses.append(house)
        return house

    def function(self) -> Function:
        """A function whose sandbox starts cold."""
        return Function(self)

    def invocation(self, limit: float) -> Invocation:
        self._invocations += 1
        return Invocation(self.loop, limit, self._invocations)

    def run(self, main: Any) -> Any:
        """Do something of the test's own, in virtual time."""
        return self.loop.run_until_complete(main)

    def wait(self, seconds: float) -> None:
        """Let time pass in which nothing is invoked."""
        self.run(asyncio.sleep(seconds))

    def now(self) -> int:
        """The wall clock."""

        async def read() -> int:
            return self.clock.now()

        return int(self.run(read()))

    def runs(self) -> dict[str, Run]:
        """Every run, by its id."""

        async def read() -> dict[str, Run]:
            found: dict[str, Run] = {}
            for state in (
                "ready",
                "running",
                "waiting",
                "sleeping",
                "doubtful",
                "failed",
                "done",
                "cancelled",
            ):
                page = await RUNS.query(self.store, "state", state, limit=1000)
                found |= {run.id: run for run in page.items}
            return found

        return dict(self.run(read()))

    def tickets(self) -> list[Ticket]:
        """The tickets that are open."""
        page = self.run(TICKETS.query(self.store, "state", "open", limit=1000))
        return list(page.items)

    def exists(self, payment: str, minor: int, number: str) -> None:
        """The payment source knows this payment."""
        paid = paid_for(number, Amount(minor, "NOK"), payment=payment, customer=None, billing=GRO)
        self.world.payments[payment] = details_of(paid)

    def paid(self, number: str = "1001", payment: str = "pi_1", event: str = "evt_1") -> Event:
        """Stripe's word that an order was paid, signed now."""
        self.exists(payment, 19_900, number)
        body = stripe_event("charge.succeeded", charge(payment, 19_900, number), event)
        return http_api("/webhooks/stripe", body, signed("stripe", body, self.now()))

    def ordered(self, number: str = "1001") -> Event:
        """The shop's word about an order, signed now."""
        body = shop_event(number, [BOOK])
        return http_api("/webhooks/konverzky", body, signed("konverzky", body, self.now()))

    def play(self, work: Function, tick: Function | None, seconds: float) -> None:
        """Let time pass as AWS does: messages are handed over as they fall due, ten at most; a tick each minute."""
        until = self.loop.time() + seconds
        while self.loop.time() < until:
            bodies = self.line.take()
            if bodies:
                assert work.work(messages(*bodies)) == {"batchItemFailures": []}
                continue
            if tick is not None and self.loop.time() // 60 != (self.loop.time() + 1) // 60:
                tick.tick()
            self.wait(1.0)


class Function:
    """A function of Lambda, with one sandbox. Its handlers are those that Lambda calls."""

    def __init__(self, cloud: Cloud, **environment: str) -> None:
        self.cloud = cloud
        self.sandbox = Sandbox(
            {**cloud.environment, **environment},
            cloud.build,
            heard=cloud.heard.append,
            fetch=cloud.fetch,
            clock=cloud.clock,
            loop=cloud.loop,
        )
        self.doors = Doors(self.sandbox)

    def web(self, event: Event, limit: float = 25) -> dict[str, Any]:
        return self._quiet(self.doors.web(event, self.cloud.invocation(limit)))

    def work(self, event: Event, limit: float = 120) -> dict[str, Any]:
        return self._quiet(self.doors.work(event, self.cloud.invocation(limit)))

    def tick(self, event: Event | None = None, limit: float = 55) -> dict[str, Any]:
        given = {"schedule": "tick"} if event is None else event
        return self._quiet(self.doors.tick(given, self.cloud.invocation(limit)))

    def _quiet(self, said: dict[str, Any]) -> dict[str, Any]:
        """What was said; nothing may be left that a thaw would wake."""
        assert not asyncio.all_tasks(self.cloud.loop)
        return said
