"""Orders as operators see them: in lists, by state, as a search finds them, and one with its whole story.

`personal` says whether the one who looks may see names and addresses; everything else that is private is masked for
everybody. A page of orders costs a few indexed reads a row, whether there are sixty orders or a million.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onpaid.app import delivery_milestones, journals, milestones, orders_shown, tickets_shown, words
from onpaid.app.about import MOST, About, names_of, sold_thing
from onpaid.app.delivery_shown import deliveries_of, delivery_shown
from onpaid.app.masking import Mask
from onpaid.app.orders_told import events_of
from onpaid.app.search import Search
from onpaid.app.shown_orders import Hit, OrderList, OrderRow, OrderShown, RevisionShown, StateCount
from onpaid.app.timeline import timeline
from onpaid.clock import Clock, as_datetime
from onpaid.domain.checkouts import CheckoutWanted
from onpaid.domain.events import OrderReceived
from onpaid.domain.messages import MessageWanted
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment, PaymentChanged, PaymentSucceeded
from onpaid.domain.shipments import ShipmentUnwanted, ShipmentWanted
from onpaid.engine.journal import ENDED, RUNS, TICKETS, Run, Ticket
from onpaid.engine.runner import Engine
from onpaid.errors import InvalidInput
from onpaid.repositories.events import Events
from onpaid.repositories.orders import Orders
from onpaid.repositories.payments import Payments
from onpaid.repositories.references import References
from onpaid.store.port import Store, make_cursor

CAP = 1000
"""Counting goes no further: beyond it the number changes no decision."""
_EACH = ("waiting", "doubtful", "failed", "done", "ready", "running", "sleeping", "cancelled")
GROUPS: dict[str, tuple[str, ...]] = {
    "underway": ("ready", "running", "sleeping"),
    **{state: (state,) for state in _EACH},
}
STATES = (*GROUPS, "unpaid")
ATTENTION = ("doubtful", "failed")
BESIDE = (CheckoutWanted, ShipmentWanted, ShipmentUnwanted, MessageWanted, PaymentChanged)
"""Facts about an order whose runs are looked at where one needs a person."""
CARDS = (
    ("done", "Done"),
    ("underway", "Under way"),
    ("waiting", "Waiting"),
    ("doubtful", "In doubt"),
    ("failed", "Failed"),
    ("unpaid", "Not paid yet"),
)


class OrderViews:
    """Orders, one by one and in lists."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        engine: Engine,
        orders: Orders,
        payments: Payments,
        events: Events,
        references: References,
        *,
        shops: Sequence[str] = ("konverzky",),
    ) -> None:
        """`shops` are those whose order numbers may be given without the shop's name."""
        self._store = store
        self._clock = clock
        self._engine = engine
        self._orders = orders
        self._payments = payments
        self._events = events
        self._about = About(store, payments, events)
        self._search = Search(store, orders, payments, events, references, shops)
        self._story = [flow.name for flow in engine.flows if flow.on is PaymentSucceeded]
        self._unpaid = [flow.name for flow in engine.flows if flow.on is OrderReceived]
        self._beside = [flow.name for flow in engine.flows if flow.on in BESIDE]
        self._opening = [flow.name for flow in engine.flows if flow.on is CheckoutWanted]
        self._filing = [flow.name for flow in engine.flows if flow.on is Ticket]

    async def orders(
        self,
        *,
        q: str = "",
        state: str = "",
        after: str | None = None,
        limit: int = 25,
        personal: bool = False,
    ) -> OrderList:
        """Orders, newest first: all, those in a state, or those that a search finds."""
        if q.strip():
            found = await self._search.orders(q.strip(), after=after, limit=limit)
            rows = await self._rows(found.orders, personal=personal)
            return OrderList(rows, found.cursor, [], found.by, [Hit(*each) for each in found.others])
        if state:
            keys, cursor = await self._keys_in(state, after, limit)
            return OrderList(await self._rows(await self._about.orders(keys), personal=personal), cursor)
        page = await self._orders.newest(after=after, limit=limit)
        rows = await self._rows([(order.key, order) for order in page.items], personal=personal)
        lost = [] if after else await self._without_order(personal=personal)
        return OrderList(rows, page.cursor, lost)

    async def counts(self) -> list[StateCount]:
        """How many payments are in each state, and how many orders nobody has paid."""
        counted: list[StateCount] = []
        for state, title in CARDS:
            number = 0
            for place in self._places(state):
                number += await self._store.count(RUNS.name, "flow-state", place, at_most=CAP)
            mood = words.run_mood("running" if state == "underway" else state)
            counted.append(StateCount(state, title, min(number, CAP), number >= CAP, mood))
        return counted

    async def problems(self) -> int:
        """How many tickets are open, counted to 100."""
        return await self._store.count(TICKETS.name, "state", "open", at_most=100)

    async def order(self, name: str, *, personal: bool = False) -> OrderShown | None:
        """One order by key, number or alias; or the money that came for an order which is not there."""
        for key in self._search.candidates(name):
            held = await self._orders.find(key)
            order = None if held is None else held.record
            payments = await self._about.payments(names_of(key, order))
            if order is not None or payments:
                return await self._shown(key, order, payments, personal=personal)
        return None

    async def _shown(
        self, key: str, order: Order | None, payments: list[Payment], *, personal: bool
    ) -> OrderShown:
        now, names = self._clock.now(), names_of(key, order)
        mask = Mask(orders_shown.private_of(order, payments))
        sold = sold_thing(order)
        runs = await self._about.with_children(await self._about.runs(names, sold))
        events = await self._about.events(names, sold)
        tickets = await self._about.tickets(names, sold)
        counting = self._counting(runs)
        state = orders_shown.state_of(order, counting)
        invoices = orders_shown.invoices_of(counting)
        told = orders_shown.telling(counting, state)
        why = mask.text("" if told is None else words.reason_in_short(told))
        kept = await deliveries_of(self._store, order)
        delivery = None
        if order is not None and order.fulfilment is not None:
            delivery = delivery_shown(order.fulfilment, kept, runs, mask, personal=personal)
            marks = delivery_milestones.delivery_milestones(order, payments, delivery, state)
            headline = delivery_milestones.delivery_headline(delivery, state, why)
        else:
            marks = milestones.milestones_of(order, payments, invoices, state)
            headline = milestones.headline_of(marks, len(payments), state, why)
        first = min((payment.recorded_at for payment in payments), default=now)
        by_id = {run.id: run for run in runs}
        return OrderShown(
            key=key if order is None else order.key,
            number=key.partition("/")[2] if order is None else order.number,
            shop=key.partition("/")[0] if order is None else order.shop,
            known=order is not None,
            state=state,
            mood=words.run_mood(state),
            headline=headline,
            at=as_datetime(first if order is None else order.received_at),
            live=all(payment.fact.live for payment in payments) if order is None else order.live,
            aliases=[] if order is None else list(order.aliases),
            customer=orders_shown.customer_of(order, payments, personal=personal),
            milestones=marks,
            revisions=[] if order is None else await self._revisions(order, mask),
            payments=[orders_shown.payment_shown(payment) for payment in payments],
            invoices=invoices,
            runs=[journals.run_shown(run, now, mask) for run in runs],
            tickets=[
                tickets_shown.ticket_shown(ticket, by_id.get(ticket.run or ""), mask) for ticket in tickets
            ],
            timeline=timeline(order, payments, events, runs, tickets, mask, kept),
            delivery=delivery,
            session="" if order is None else order.session,
            bill="" if order is None else order.bill,
            told=await events_of(self._store, order, payments),
        )

    async def _revisions(self, order: Order, mask: Mask) -> list[RevisionShown]:
        totals = [self._total(order, nth) for nth in range(len(order.revisions))]
        return orders_shown.revisions_of(order, await self._orders.allocation(order.key), totals, mask)

    async def _rows(self, found: Iterable[tuple[str, Order | None]], *, personal: bool) -> list[OrderRow]:
        rows: list[OrderRow] = []
        for key, order in found:
            runs = self._counting(await self._about.runs(names_of(key, order), sold_thing(order)))
            total = None if order is None else self._total(order, -1)
            mask = Mask(orders_shown.private_of(order, []))
            rows.append(orders_shown.order_row(key, order, runs, mask, total=total, personal=personal))
        return rows

    def _total(self, order: Order, nth: int) -> str | None:
        revision = order.revisions[nth]
        return orders_shown.total_of(revision, self._orders.prices_include_vat(revision))

    def _counting(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that say how an order stands: not those that file tickets or watch for its payment, nor a checkout
        that is open."""
        aside = {*self._filing, *self._unpaid}
        return [
            run
            for run in runs
            if run.flow not in aside and not (run.flow in self._opening and run.state in ENDED)
        ]

    def _places(self, state: str) -> list[str]:
        """The places of the index that together hold the runs in a state."""
        if state == "unpaid":
            return [f"{flow}:waiting" for flow in self._unpaid]
        if state not in GROUPS:
            raise InvalidInput(f"there is no state {state[:40]!r}: say one of {', '.join(STATES)}")
        flows = [*self._story, *self._beside] if state in ATTENTION else self._story
        return [f"{flow}:{each}" for flow in flows for each in GROUPS[state]]

    async def _keys_in(self, state: str, after: str | None, limit: int) -> tuple[list[str], str | None]:
        """The orders of the newest runs in a state. Several places are one list: they are sorted alike."""
        runs: list[Run] = []
        more = False
        for place in self._places(state):
            page = await RUNS.query(self._store, "flow-state", place, after=after, limit=limit)
            runs.extend(page.items)
            more = more or page.cursor is not None
        runs.sort(key=lambda run: (run.started, run.id), reverse=True)
        more = more or len(runs) > limit
        cursor = make_cursor(runs[limit - 1].started, runs[limit - 1].id) if more else None
        keys = [key for run in runs[:limit] if (key := journals.order_of(run.about))]
        return list(dict.fromkeys(keys)), cursor

    async def _without_order(self, *, personal: bool) -> list[OrderRow]:
        """Money that came for orders which are not there, among the newest that wait or stopped."""
        keys = [key for state in ("waiting", "failed") for key in (await self._keys_in(state, None, MOST))[0]]
        found = await self._about.orders(list(dict.fromkeys(keys)))
        return await self._rows([each for each in found if each[1] is None][:20], personal=personal)
