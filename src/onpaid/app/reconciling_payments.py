"""Payments of a provider's list against ours, where the provider does not list its events.

A captured one that is missing is told as its webhook would have told it, by its provider itself, and so starts the
same run; refunds that are missing are noted likewise. Money mostly goes back long after it was taken, so the list of
refunds is gone through as well: it names older payments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from onpaid.app.inbox import Inbox
from onpaid.app.reconciling_findings import payment_compared, refund_compared
from onpaid.app.reconciling_night import Gate, Night, answers_nobody, each
from onpaid.clock import Instant
from onpaid.domain.payments import Payment, PaymentChanged, PaymentSucceeded
from onpaid.domain.reconciliation import Span
from onpaid.domain.takings import Taking
from onpaid.errors import ProviderError, StoreError
from onpaid.repositories.payments import PAYMENTS
from onpaid.store.port import Store

PAGE: Final = 100
"""A page that is shorter is the last."""
WHOLE: Final = "whole"
"""How a change says that nothing is left of the payment: its amount is then all that went back."""


class PaymentLists(Protocol):
    """Lists the payments that it took."""

    async def payments_between(self, since: Instant, until: Instant, skip: int) -> list[Taking]:
        """A page of the payments made in this time, whatever became of them."""
        ...

    async def refunded_between(self, since: Instant, until: Instant, skip: int) -> list[str]:
        """The payments of a page of the refunds begun in this time, by the ids of their charges."""
        ...

    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment as it is now, or None where there is none of this id."""
        ...

    def told_by(self, taking: Taking) -> PaymentSucceeded:
        """What the webhook of this payment would have told."""
        ...

    async def refunds_of(self, taking: Taking) -> tuple[list[PaymentChanged], bool]:
        """What the webhooks of its refunds would have told, one for each that moved money; and whether some are
        still on their way. A read."""
        ...


class Payments:
    """Compares payments."""

    def __init__(self, lists: PaymentLists, inbox: Inbox, store: Store, gate: Gate) -> None:
        self._lists = lists
        self._inbox = inbox
        self._store = store
        self._gate = gate

    async def span(self, span: Span, night: Night) -> Span | None:
        """Look through a stretch of the list; what is left of it. Raises NotPossible if another run took over."""
        try:
            while not night.late():
                seen = await (self._refunded(span, night) if span.part else self._taken(span, night))
                if seen < PAGE and span.part:
                    return None
                follows = {"skip": span.skip + seen} if seen >= PAGE else {"part": 1, "skip": 0}
                span = msgspec.structs.replace(span, **follows)
                await night.progress("payments")
        except (ProviderError, StoreError) as error:
            await night.stopped(span.what, error)
        return span

    async def _taken(self, span: Span, night: Night) -> int:
        """Compare a page of the payments made in this time; how many it has."""
        page = await self._gate.ask(
            lambda: self._lists.payments_between(span.since, span.until, span.skip), night.late
        )
        await self._compare(page, night)
        return len(page)

    async def _refunded(self, span: Span, night: Night) -> int:
        """Compare older payments of which money went back in this time; how many refunds their page has."""
        page = await self._gate.ask(
            lambda: self._lists.refunded_between(span.since, span.until, span.skip), night.late
        )
        older: list[Taking] = []

        async def one(charge: str) -> None:
            try:
                taking = await self._gate.ask(lambda: self._lists.taking_named("", charge), night.late)
            except ProviderError as error:
                if answers_nobody(error):
                    raise
                night.failed(charge, error)
                return
            if taking is not None and taking.taken_at < span.since:  # the others were in the list of payments
                older.append(taking)

        await each(dict.fromkeys(page), one)
        await self._compare(older, night)
        return len(page)

    async def _compare(self, page: Sequence[Taking], night: Night) -> None:
        taken = [taking for taking in page if taking.captured and taking.ours]
        known = await PAYMENTS.get_many(self._store, [taking.key for taking in taken])

        async def one(pair: tuple[Taking, Payment | None]) -> None:
            try:
                await self._one(*pair, night)
            except Exception as error:
                if isinstance(error, StoreError) or answers_nobody(error):
                    raise
                # Whatever it is, the others are compared.
                night.failed(pair[0].charge_id, error)

        await each(zip(taken, known, strict=True), one)

    async def _one(self, taking: Taking, payment: Payment | None, night: Night) -> None:
        night.counts.payments += 1
        if payment is None:
            fact = self._lists.told_by(taking)
            if not night.run.dry_run:
                night.counts.started += len(await self._inbox.learn((fact,)))
            night.counts.payments_created += 1
        else:
            night.finds(payment_compared(taking, payment))
            if payment.fact.charge_id not in (None, taking.charge_id):
                return  # another payment of the same order, whose refunds are its own
        noted = 0 if payment is None else went_back(payment.changes)
        if taking.refunded.minor == noted:
            return
        if not night.run.dry_run:
            changes, pending = await self._gate.ask(lambda: self._lists.refunds_of(taking), night.late)
            for change in changes:
                night.counts.started += len(await self._inbox.learn((change,)))
            held = await PAYMENTS.get(self._store, taking.key)
            if held is not None and not pending:
                night.finds(refund_compared(taking, went_back(held.record.changes)))


def went_back(changes: Sequence[PaymentChanged]) -> int:
    """How much of a payment went back, in minor units, as its changes tell."""
    whole = [change.amount.minor for change in changes if change.what.endswith(WHOLE)]
    return max(whole) if whole else sum(change.amount.minor for change in changes)
