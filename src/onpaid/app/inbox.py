"""The inbox: an event is verified, recorded and routed; then, and only then, acknowledged.

The event row, what it tells us (an order, a payment) and the runs that it starts are one commit. Recording never
depends on routing: an event that we cannot make sense of is kept as unrouted, with a ticket, and judged again later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
import structlog

from onpaid.app.keeping import Keeping
from onpaid.clock import Clock, Instant
from onpaid.domain.bills import SubscriptionPaid
from onpaid.domain.events import Envelope, Fact, Judged
from onpaid.domain.sessions import SessionTold
from onpaid.engine.journal import RUNS, Ticket
from onpaid.engine.recorder import Recorder
from onpaid.engine.tickets import new_ticket
from onpaid.errors import Conflict, InvalidInput, Problem, StoreUnavailable
from onpaid.metrics import EVENTS as EVENTS_METRIC
from onpaid.providers.roles import WebhookSource
from onpaid.repositories.events import EVENTS, READ, EventRecord, digest_of, event_key, pack
from onpaid.store.records import Versioned

log = structlog.get_logger("onpaid.inbox")

TRIES = 50
_EVENT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery."""

    event: str
    verdict: Literal["routed", "ignored", "unrouted", "duplicate"]
    reason: str = ""
    began: tuple[str, ...] = ()
    """Runs that an event that was brought in started: they were not there before."""


class Inbox:
    """Where webhooks end up, whoever carries them in."""

    def __init__(
        self,
        recorder: Recorder,
        keeping: Keeping,
        sources: Mapping[str, WebhookSource],
        clock: Clock,
    ) -> None:
        self._recorder = recorder
        self._keeping = keeping
        self.sources = sources
        self._clock = clock

    async def receive(
        self, source_name: str, headers: Mapping[str, str], body: bytes, *, token: str | None = None
    ) -> Receipt:
        """Record one delivery, durably. Raises BadSignature, InvalidInput, StoreError (nothing was kept)."""
        source = self.sources[source_name]
        now = self._clock.now()
        source.verify(headers, body, now, token=token)
        envelope = _named(source.read(body, now, token=token), headers.get(source.event_id_header, ""))
        receipt = await self._record(source, envelope, body, now)
        EVENTS_METRIC.labels(source_name, receipt.verdict).inc()
        return receipt

    async def bring(self, source_name: str, body: bytes, *, dry: bool = False) -> Receipt:
        """Record an event that we read from its sender ourselves: it bears no signature, and needs none.

        One that is here is skipped, so a webhook of the same event at the same moment is one event with it. `dry` only
        tells what would be made of it. Raises InvalidInput, StoreError.
        """
        source, now = self.sources[source_name], self._clock.now()
        envelope = source.read(body, now)
        key = event_key(envelope)
        if await EVENTS.get(self._recorder.store, key) is not None:
            return Receipt(key, "duplicate")
        if dry:
            judged, _ = self._judge(source, envelope, key, body, now)
            return Receipt(key, "unrouted" if judged is None else "ignored" if judged.ignored else "routed")
        try:
            receipt = await self._compose(source, envelope, key, body, now, None, origin=READ)
        except Conflict:
            return Receipt(key, "duplicate")
        EVENTS_METRIC.labels(source_name, receipt.verdict).inc()
        return receipt

    async def learn(self, facts: tuple[Fact, ...]) -> tuple[str, ...]:
        """Keep facts that a provider told without an event; the runs that they started. Raises StoreError."""
        for _ in range(TRIES):
            kept = await self._keeping.keep(facts, self._clock.now())
            began = await self._new_ones(self._runs(facts))
            tickets = [self._ticket(problem, READ, kept.about) for problem in kept.problems]
            try:
                await self._recorder.record(kept.writes, facts=facts, wakes=kept.wakes, tickets=tickets)
            except Conflict:
                continue
            return began
        raise StoreUnavailable("too many others wrote the same records at once: try again")

    async def judge_again(self, key: str) -> Receipt:
        """Judge a kept event anew: after an upgrade, or because an operator asks. Raises InvalidInput."""
        held = await EVENTS.get(self._recorder.store, key)
        if held is None:
            raise InvalidInput(f"there is no event {key}")
        record = held.record
        source = self.sources.get(record.envelope.source)
        if source is None:
            raise InvalidInput(f"the source {record.envelope.source} of {key} is not set up here")
        return await self._compose(source, record.envelope, key, record.raw(), record.received_at, held)

    async def judge_unrouted_again(self, most: int = 1000) -> int:
        """Judge anew the events that nobody could make sense of, newest first. Returns how many were judged."""
        found = await EVENTS.query(self._recorder.store, "verdict", "unrouted", limit=most)
        judged = 0
        for record in found.items:
            if record.envelope.source in self.sources:
                await self.judge_again(record.key)
                judged += 1
        return judged

    async def _record(self, source: WebhookSource, envelope: Envelope, body: bytes, now: Instant) -> Receipt:
        key = event_key(envelope)
        try:
            return await self._compose(source, envelope, key, body, now, None)
        except Conflict:
            held = await EVENTS.get(self._recorder.store, key)
        if held is None:
            raise StoreUnavailable("the event could not be written: send it again")
        if held.record.digest == digest_of(body) or held.record.origin == READ:
            # What we read says the same in other bytes.
            if held.record.verdict == "unrouted":
                return await self._compose(source, envelope, key, body, held.record.received_at, held)
            return Receipt(key, "duplicate")
        other = f"{key}#{digest_of(body).hex()[:12]}"
        try:
            return await self._compose(source, envelope, other, body, now, None)
        except Conflict:
            return Receipt(other, "duplicate")

    async def _compose(
        self,
        source: WebhookSource,
        envelope: Envelope,
        key: str,
        body: bytes,
        received_at: Instant,
        held: Versioned[EventRecord] | None,
        origin: str = "",
    ) -> Receipt:
        """Judge and commit. Raises Conflict only if the event itself is there already."""
        origin = origin if held is None else held.record.origin
        judged, tickets = self._judge(source, envelope, key, body, received_at)
        verdict: Literal["routed", "ignored", "unrouted"] = "routed"
        if judged is None:
            verdict, reason = "unrouted", tickets[0].title
        else:
            reason = judged.ignored or ""
            verdict = "ignored" if judged.ignored else "routed"
        facts = () if judged is None else tuple(_as_learnt(fact, origin) for fact in judged.facts)
        for _ in range(TRIES):
            kept = await self._keeping.keep(facts, self._clock.now())
            began = await self._new_ones(self._runs(facts)) if origin and held is None else ()
            found = [*tickets, *(self._ticket(problem, key, kept.about) for problem in kept.problems)]
            event = EventRecord(
                key,
                envelope,
                received_at,
                digest_of(body) if held is None else held.record.digest,
                pack(body) if held is None else held.record.body,
                verdict,
                reason,
                self._runs(facts),
                kept.about,
                origin,
            )
            own = EVENTS.insert(event) if held is None else EVENTS.update(event, held.version)
            try:
                await self._recorder.record(
                    [own, *kept.writes], facts=facts, event=key, wakes=kept.wakes, tickets=found
                )
            except Conflict as conflict:
                if (EVENTS.name, key) in conflict.keys:
                    raise
                continue
            log.info("event recorded", key=key, type=envelope.type, verdict=verdict, reason=reason)
            return Receipt(key, verdict, reason, began)
        raise StoreUnavailable("too many others wrote the same order at once: send it again")

    def _runs(self, facts: tuple[Fact, ...]) -> list[str]:
        return [flow.run_id(fact) for fact in facts for flow in self._recorder.flows.on(fact)]

    async def _new_ones(self, runs: list[str]) -> tuple[str, ...]:
        there = await RUNS.get_many(self._recorder.store, runs) if runs else []
        return tuple(run for run, held in zip(runs, there, strict=True) if held is None)

    def _judge(
        self, source: WebhookSource, envelope: Envelope, key: str, body: bytes, received_at: Instant
    ) -> tuple[Judged | None, list[Ticket]]:
        try:
            return source.judge(envelope, body, received_at), []
        except Problem as problem:
            return None, [self._ticket(problem, key, [])]
        except Exception as error:
            log.exception("routing broke", key=key)
            broken = Problem(
                f"An event could not be understood ({type(error).__name__}); it is kept, and judged again after an "
                f"upgrade or by `onpaid events replay {key}`",
                category="internal",
                severity="critical",
                facts={"event": key, "type": envelope.type},
            )
            return None, [self._ticket(broken, key, [])]

    def _ticket(self, problem: Problem, key: str, about: list[str]) -> Ticket:
        return new_ticket(
            None,
            subject=f"event:{key}",
            cause=problem.title,
            title=problem.title,
            category=problem.category,
            severity=problem.severity,
            facts={**problem.facts, "event": key},
            now=self._clock.now(),
            about=about,
        )


def _as_learnt(fact: Fact, origin: str) -> Fact:
    """The fact as whoever told it first: an order that a webhook missed says so for good."""
    if origin == READ and isinstance(fact, SessionTold | SubscriptionPaid):
        return msgspec.structs.replace(fact, origin="nightly_sync")
    return fact


def _named(envelope: Envelope, given: str) -> Envelope:
    """The envelope under the id that the sender put into a header, where it does so."""
    if not given:
        return envelope
    if not _EVENT_ID.fullmatch(given):
        raise InvalidInput("the header with the event's id holds odd characters, or too many")
    return msgspec.structs.replace(envelope, event_id=given)
