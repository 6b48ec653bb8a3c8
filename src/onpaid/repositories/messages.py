"""Messages to customers, each under its reference: one for each order and template, whatever happens.

What services tell of them moves them forward only. A customer's messages take turns, since WhatsApp refuses two to one
number within seconds: a turn is taken by one conditional write on the number's own record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from onpaid.acts import act
from onpaid.clock import Clock, Instant
from onpaid.domain.links import Links
from onpaid.domain.messages import RANK, Message, MessageTold, MessageWanted, OutMessage, Sent
from onpaid.domain.orders import Order
from onpaid.domain.templates import COURIER_TRACKING, Templates
from onpaid.repositories.orders import Orders
from onpaid.store.local import Done, Local, NotYet
from onpaid.store.port import Entry, Store, Write
from onpaid.store.records import Kind, Records

TRACK = "track"
"""The purpose of a tracking link."""
MOST_TOLD = 30


class Turn(msgspec.Struct, frozen=True):
    """When the next message to one number may leave."""

    number: str
    free_at: Instant


class Prepared(msgspec.Struct, frozen=True):
    """A message that is ready to go, `wait_ms` (uncompressed) from now."""

    message: OutMessage
    wait_ms: int


@dataclass(frozen=True, slots=True)
class Wording:
    """What messages are made of, beside the order. `spacing` is between two messages to one number; `factor`
    compresses it, as it does every other wait."""

    templates: Templates
    links: Links
    public_url: str
    estimated_delivery: str = "3-5 business days"
    link_life: timedelta = timedelta(days=180)
    spacing: timedelta = timedelta(seconds=7)
    factor: float = 1.0


def _entries(message: Message) -> Iterator[Entry]:
    yield Entry("all", "", message.wanted_at)
    yield Entry("order", message.order, message.wanted_at)
    if message.provider_id:
        yield Entry("id", f"{message.provider}:{message.provider_id}", message.wanted_at)


MESSAGES = Kind("message", Message, key=lambda each: each.ref, entries=_entries)
TURNS = Kind("message-turn", Turn, key=lambda each: each.number)


def message_ref(order: str, template: str, nth: int = 1) -> str:
    """Our reference of a message, which goes along with it."""
    return f"onpaid:{order}:{template}" + ("" if nth == 1 else f":{nth}")


def message_thing(ref: str) -> str:
    """The name under which runs wait for a message to be out."""
    return f"message:{ref}"


class Messages:
    """The messages of a store."""

    def __init__(self, store: Store, orders: Orders, wording: Wording, clock: Clock) -> None:
        self._store = store
        self._orders = orders
        self._wording = wording
        self._clock = clock

    async def of_order(self, order: str) -> list[Message]:
        """The messages about an order, oldest first."""
        return (await MESSAGES.query(self._store, "order", order, newest_first=False, limit=100)).items

    async def newest(self, *, after: str | None = None, limit: int = 100) -> Records[Message]:
        """Messages, newest first."""
        return await MESSAGES.query(self._store, "all", "", after=after, limit=limit)

    async def heard(self, ref: str) -> Sent | None:
        """What a status told of a message, if one came: then it went out, whatever became of the answer."""
        held = await MESSAGES.get(self._store, ref)
        if held is None or RANK[held.record.state] <= RANK["accepted"]:
            return None
        told = held.record
        return Sent(told.provider, told.provider_id, told.state, told.reason)

    async def look_out(self, order: str, template: str) -> Local[bool]:
        """Whether an earlier message about the order is out; one that nobody asked for is not waited for."""
        ref = message_ref(order, template)
        held = await MESSAGES.get(self._store, ref)
        if held is None or held.record.state != "queued":
            return Done(True)
        return NotYet(
            (message_thing(ref),), (MESSAGES.check(ref, held.version),), f"waits until {template} is out"
        )

    @act(local=True)
    async def prepare(self, wanted: MessageWanted) -> Local[Prepared]:
        """Write the message, and take its turn."""
        held = await self._orders.find(wanted.order)
        if held is None or held.record.fulfilment is None:
            raise AssertionError("messages are about orders of our own checkout")
        order, now = held.record, self._clock.now()
        ref = message_ref(order.key, wanted.template, wanted.nth)
        to = held.record.fulfilment.recipient.phone
        out = self._wording.templates.fill(wanted.template, ref, to, self._words(order))
        turn = await TURNS.get(self._store, to)
        spacing = round(self._wording.spacing.total_seconds() * 1000 / self._wording.factor)
        free_at = now if turn is None else max(now, turn.record.free_at)
        taken = Turn(to, free_at + spacing)
        writes: list[Write] = [
            MESSAGES.put(Message(ref, order.key, wanted.template, to, now)),
            TURNS.insert(taken) if turn is None else TURNS.update(taken, turn.version),
        ]
        return Done(Prepared(out, round((free_at - now) * self._wording.factor)), tuple(writes))

    @act(local=True)
    async def note_sent(self, ref: str, sent: Sent) -> Local[str]:
        """Keep what the service said; a status that came before it counts more. Answers the state."""
        held = await MESSAGES.get(self._store, ref)
        if held is None:
            raise AssertionError(f"there is no message {ref}")
        told = _moved(held.record, sent.state, self._clock.now(), sent.reason)
        told = msgspec.structs.replace(
            told, provider=sent.provider, provider_id=sent.provider_id or told.provider_id
        )
        return Done(told.state, (MESSAGES.update(told, held.version),), (message_thing(ref),))

    async def receive(self, told: MessageTold) -> tuple[list[Write], list[str], str | None]:
        """The writes that a status comes to, whom they wake, and the order that it is about, if it is ours."""
        ref = await self._ref(told)
        held = None if ref is None else await MESSAGES.get(self._store, ref)
        if held is None:
            return [], [], None
        old = held.record
        new = _moved(old, told.state, told.told_at or self._clock.now(), told.reason or told.code)
        new = msgspec.structs.replace(
            new, provider=told.provider, provider_id=told.provider_id or old.provider_id
        )
        if new == old:
            return [], [], old.order
        return [MESSAGES.update(new, held.version)], [message_thing(old.ref)], old.order

    def track_link(self, order: Order) -> str:
        """The text of the link that opens the tracking page of an order."""
        ends = order.received_at + round(self._wording.link_life.total_seconds() * 1000)
        return self._wording.links.make(TRACK, order.key, ends)

    def track_url(self, order: Order) -> str:
        """The address of the tracking page of an order."""
        return f"{self._wording.public_url.rstrip('/')}/track/{self.track_link(order)}"

    def tracked(self, link: str, now: Instant) -> str | None:
        """The order that a tracking link opens, or None."""
        return self._wording.links.read(TRACK, link, now)

    async def _ref(self, told: MessageTold) -> str | None:
        if told.ref:
            return told.ref
        place = f"{told.provider}:{told.provider_id}"
        found = (await MESSAGES.query(self._store, "id", place, limit=2)).items if told.provider_id else []
        return found[0].ref if len(found) == 1 else None

    def _words(self, order: Order) -> dict[str, str]:
        fulfilment = order.fulfilment
        assert fulfilment is not None  # noqa: S101 - looked at before
        parcel = fulfilment.parcel
        awb = "" if parcel is None else parcel.awb
        return {
            "order_number": order.number,
            "order_amount": fulfilment.amount.format(),
            "customer_name": fulfilment.recipient.name,
            "estimated_delivery": self._wording.estimated_delivery,
            "track_url": self.track_url(order),
            "track_path": self.track_link(order),
            "awb": awb,
            "courier": "" if parcel is None else parcel.courier,
            "courier_track_url": COURIER_TRACKING + awb,
        }


def _moved(message: Message, state: str, at: Instant, reason: str) -> Message:
    """The message in the higher of two states."""
    if RANK[state] <= RANK[message.state]:  # type: ignore[index]
        return message
    history = (*message.history, (state, at))[-MOST_TOLD:]
    return msgspec.structs.replace(message, state=state, history=history, reason=reason or message.reason)
