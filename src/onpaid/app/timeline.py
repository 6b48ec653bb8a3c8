"""What happened to an order and when: events, payments, steps and tickets merged into one timeline, oldest first.

One moment for one thing: an event that brought a revision or a payment is told as that. A step without a time of its
own (a rule, a write to our own store) stands where its run had come to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from onpaid.app import words
from onpaid.app.delivery_moments import left_out, moments_of
from onpaid.app.delivery_shown import Deliveries
from onpaid.app.journals import asked_of, attempt_shown, decoded
from onpaid.app.masking import Mask
from onpaid.app.shown import Mood
from onpaid.app.shown_orders import Moment
from onpaid.clock import Instant, as_datetime
from onpaid.domain.orders import Order
from onpaid.domain.payments import Payment
from onpaid.engine.journal import Attempt, Run, Step, Ticket
from onpaid.repositories.events import EventRecord

ENDINGS_LEFT_OUT = (
    "expire_order",
    "file_ticket",
    "file_contact",
    "open_checkout",
    "book_shipment",
    "cancel_shipment",
    "send_message",
    "keep_session",
    "keep_renewal",
)
"""Flows whose end is told by their last step, or is of no interest to whoever looks at an order."""


def timeline(
    order: Order | None,
    payments: Sequence[Payment],
    events: Sequence[EventRecord],
    runs: Sequence[Run],
    tickets: Sequence[Ticket],
    mask: Mask,
    deliveries: Deliveries | None = None,
) -> list[Moment]:
    """Everything that is known, in order of time."""
    kept = deliveries or Deliveries()
    told = [
        *moments_of(order, kept, mask),
        *_events(order, payments, left_out(events, kept), mask),
        *_unseen_payments(payments, events),
        *_waits_for_order(order, runs),
        *(moment for run in runs for moment in _steps(run, mask)),
        *(moment for ticket in tickets for moment in _ticket(ticket, mask)),
    ]
    told.sort(key=lambda moment: moment.at)
    before = None
    for nth, moment in enumerate(told):
        after = 0 if before is None else round((moment.at - before).total_seconds() * 1000)
        told[nth] = msgspec.structs.replace(moment, after_ms=after)
        before = moment.at
    return told


def _events(
    order: Order | None, payments: Sequence[Payment], events: Sequence[EventRecord], mask: Mask
) -> Iterator[Moment]:
    revisions = {revision.event: revision for revision in order.revisions} if order else {}
    paid = {payment.fact.event: payment for payment in payments}
    changes = {change.event: change for payment in payments for change in payment.changes}
    for event in events:
        envelope = event.envelope
        mood: Mood = "calm"
        who = "WhatsApp" if envelope.source == "whatsapp" else envelope.source.capitalize()
        source_id = envelope.event_id
        note = f"{envelope.type}{'' if envelope.live else ', test mode'}"
        if source_id in revisions:
            revision, mood = revisions[source_id], "good"
            lines = f"{len(revision.lines)} line{'' if len(revision.lines) == 1 else 's'}"
            what = (
                "the order" if revision.number == 1 else f"a change of the order, revision {revision.number}"
            )
            sentence = f"{who} sent {what}: {lines}"
        elif source_id in paid:
            sentence, mood = f"{who} reported a payment of {paid[source_id].fact.amount.format()}", "good"
        elif source_id in changes:
            change, mood = changes[source_id], "bad"
            sentence = f"{who} reported a change of the payment: {change.amount.format()}"
        elif event.verdict == "unrouted":
            sentence, mood = f"{who} sent an event that could not be understood", "bad"
        elif event.verdict == "ignored":
            sentence, note = f"{who} sent an event that means nothing here", f"{note}: {event.reason}"
        elif envelope.type.startswith("refund."):
            sentence = f"{who} told of the refund"
        else:
            sentence = f"{who} told of it as well: nothing new"
        yield Moment(
            at=as_datetime(event.received_at),
            kind="payment" if source_id in paid else "order" if source_id in revisions else "event",
            mood=mood,
            sentence=sentence,
            note=mask.text(note),
            event=event.key,
        )


def _unseen_payments(payments: Sequence[Payment], events: Iterable[EventRecord]) -> Iterator[Moment]:
    """Payments whose event is not at hand any more."""
    seen = {event.envelope.event_id for event in events}
    for payment in payments:
        if payment.fact.event not in seen:
            sentence = f"A payment of {payment.fact.amount.format()} was recorded"
            yield Moment(
                as_datetime(payment.recorded_at), "payment", "good", sentence, payment.fact.payment_id
            )


def _waits_for_order(order: Order | None, runs: Sequence[Run]) -> Iterator[Moment]:
    """Runs that began before their order came."""
    for run in runs:
        step = run.step("order")
        if order is not None and step is not None and step.kind == "wait" and run.started < order.received_at:
            sentence = "The order was not here yet, so the payment waited for it"
            yield Moment(as_datetime(run.started), "wait", "wait", sentence, run=run.id)


def _steps(run: Run, mask: Mask) -> Iterator[Moment]:
    reached: Instant = run.started
    for joined in run.joined:
        if joined.verdict in ("different", "ticket"):
            sentence = "A further fact arrived that says something else than the first"
            yield Moment(as_datetime(joined.at), "event", "bad", sentence, run=run.id)
    for step in run.steps:
        if step.attempts:
            yield from _attempts(run, step, mask)
            reached = max(reached, step.attempts[-1].ended or step.attempts[-1].at)
        elif words.is_told(step):
            yield Moment(
                at=as_datetime(reached),
                kind="rule",
                mood="good",
                sentence=words.step_sentence(step),
                run=run.id,
                step=step.name,
                answered=decoded(step.result, mask),
            )
    if run.ended is None or (run.flow in ENDINGS_LEFT_OUT and run.state != "cancelled"):
        return
    if run.state == "done":
        yield Moment(as_datetime(run.ended), "end", "good", f"{words.title_of(run.flow)}: done", run=run.id)
    else:
        sentence = f"{words.title_of(run.flow)}: {mask.text(run.reason) or 'cancelled'}"
        yield Moment(as_datetime(run.ended), "end", "todo", sentence, run=run.id)


def _attempts(run: Run, step: Step, mask: Mask) -> Iterator[Moment]:
    """One moment for each attempt; what was asked stands with the first act, what was answered with the last."""
    first = next((attempt for attempt in step.attempts if attempt.what == "act"), step.attempts[0])
    last = step.attempts[-1]
    for nth, attempt in enumerate(step.attempts):
        if _is_one_of_many(step.attempts, nth):
            continue
        shown = attempt_shown(step, attempt, mask)
        person = attempt.what == "person"
        yield Moment(
            at=shown.at,
            kind=attempt.what,
            mood=shown.mood,
            sentence=shown.sentence,
            note="" if person else shown.note,
            run=run.id,
            step=step.name,
            took_ms=None if person else shown.took_ms,
            asked=asked_of(step, mask) if attempt is first else None,
            answered=decoded(step.result, mask) if attempt is last else None,
        )


def _is_one_of_many(attempts: Sequence[Attempt], nth: int) -> bool:
    """Whether this is a vain look between two others like it: the first and the last of them are told."""
    if not 0 < nth < len(attempts) - 1:
        return False
    alike = {(each.what, each.outcome) for each in attempts[nth - 1 : nth + 2]}
    return len(alike) == 1 and attempts[nth].what == "look"


def _ticket(ticket: Ticket, mask: Mask) -> Iterator[Moment]:
    sentence = f"A ticket was opened: {mask.text(ticket.title)}"
    yield Moment(as_datetime(ticket.opened_at), "ticket", "bad", sentence, ticket=ticket.id)
    if ticket.closed_at is not None:
        note = mask.text(ticket.closed_by)
        at = as_datetime(ticket.closed_at)
        yield Moment(at, "ticket", "good", "The ticket was closed", note, ticket=ticket.id)
