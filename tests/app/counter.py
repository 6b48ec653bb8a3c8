"""The counter where webhooks are handed in: a stage whose inbox has the real sources."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from onpaid.app.inbox import Receipt
from onpaid.domain.money import Money
from onpaid.domain.orders import Address, Customer
from onpaid.engine.testing import run_virtually
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.events import EVENTS, EventRecord
from onpaid.store.port import Store
from tests.app.post import charge, intent, shop_event, signed, sources, stripe_event
from tests.flows.fates import Fates
from tests.flows.stage import Stage, details_of, paid_for
from tests.flows.world import World

GRO = Customer(name="Gro Gjest", email="gro@example.org", address=Address(country="NO", city="Oslo"))
BOOK = ("77", "1", "199.00")
AUDIO = ("78", "1", "100.00")


class Counter(Stage):
    """A stage that is told by signed webhooks."""

    def __init__(
        self,
        world: World | None = None,
        *,
        store: Store | None = None,
        live: bool = False,
        given: Mapping[str, WebhookSource] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(world or World(Fates()), store=store, sources=given or sources(live=live), **more)

    async def post(self, source: str, body: bytes, *, headers: Mapping[str, str] | None = None) -> Receipt:
        """Hand a body in, signed now."""
        shown = signed(source, body, self.clock.now()) if headers is None else headers
        return await self.inbox.receive(source, shown, body)

    def exists(self, payment: str, minor: int, number: str, **changes: Any) -> None:
        """A payment is known to the payment source."""
        paid = paid_for(number, Money(minor, "NOK"), payment=payment, customer=None, billing=GRO)
        self.world.payments[payment] = details_of(paid, **changes)

    async def told_paid(
        self, number: str, minor: int, payment: str = "pi_1", event: str = "evt_1"
    ) -> Receipt:
        """A charge that succeeded."""
        self.exists(payment, minor, number)
        return await self.post(
            "stripe", stripe_event("charge.succeeded", charge(payment, minor, number), event)
        )

    async def told_intent(
        self, number: str, minor: int, payment: str = "pi_1", event: str = "evt_2"
    ) -> Receipt:
        """The same money, told of its PaymentIntent."""
        self.exists(payment, minor, number)
        body = stripe_event("payment_intent.succeeded", intent(payment, minor, number), event)
        return await self.post("stripe", body)

    async def told_order(self, number: str, *items: tuple[str, str, str], **more: Any) -> Receipt:
        """An order of the shop."""
        return await self.post("konverzky", shop_event(number, items or (BOOK,), **more))

    async def events(self) -> list[EventRecord]:
        """Every event that was kept, oldest first."""
        return (await EVENTS.query(self.store, "all", "", newest_first=False, limit=1000)).items


def at_the_counter(story: Callable[[Counter], Awaitable[None]], **more: Any) -> Counter:
    """Tell a story in virtual time."""

    async def main() -> Counter:
        counter = Counter(**more)
        await story(counter)
        assert not counter.world.faults, counter.world.faults
        return counter

    return run_virtually(main)
