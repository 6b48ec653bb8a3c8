"""Sessions of the provider's list against ours: missing ones start what their webhook would have, open ones are kept
in mind until they end, those that are kept are compared to the minor unit.

One session that cannot be compared is noted with its reason, and looked at again by the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from onpaid.app.reconciling_findings import compared, ended_without
from onpaid.app.reconciling_night import Gate, Night, answers_nobody, each
from onpaid.app.reconciling_roles import SessionLists, SessionRecords
from onpaid.clock import Clock, Instant
from onpaid.domain.reconciliation import Span
from onpaid.domain.sessions import Session, SessionChanged, SessionDetails, SessionTold
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, ProviderError, StoreError, StoreUnavailable, Unavailable
from onpaid.repositories.paid_sessions import SETUP

TRIES: Final = 20
MOST_UNSURE: Final = 100
"""Differences that wait to be looked at once more: what is as it should be by then is none."""
TOGETHER: Final = 8
"""Sessions that are asked about before we look at the time again."""

NOT_ENDED: Final = "sessions that have not ended"
MOST_AGAIN: Final = 1000
"""Sessions that the next run asks about because they could not be compared; if there are more, the list waits."""


class Sessions:
    """Compares sessions. `account` is the one whose sessions the till lists; `number_of` an order's number by the
    session's id; `settle` is waited before a difference counts, in seconds."""

    def __init__(
        self,
        till: SessionLists,
        records: SessionRecords,
        recorder: Recorder,
        clock: Clock,
        *,
        account: str,
        number_of: Callable[[str], str],
        gate: Gate,
        settle: float = 20.0,
    ) -> None:
        self.account = account
        self.number_of = number_of
        self._till = till
        self._records = records
        self._recorder = recorder
        self._clock = clock
        self._gate = gate
        self._settle = settle
        self._unsure: list[SessionDetails] = []

    async def span(self, span: Span, night: Night) -> Span | None:
        """Look through a stretch of the list; what is left of it. Raises NotPossible if another run took over."""
        try:
            while not night.late() and night.room:
                page, after = await self._page(span, night)
                chosen = page[span.skip : span.skip + night.room]
                await self._compare(chosen, night)
                if span.skip + len(chosen) < len(page):
                    span = msgspec.structs.replace(span, skip=span.skip + len(chosen))
                elif after is None:
                    return None
                else:
                    span = msgspec.structs.replace(span, after=after, skip=0)
                await night.progress("sessions")
        except (ProviderError, StoreError) as error:
            await night.stopped(span.what, error)
        return span

    async def _page(self, span: Span, night: Night) -> tuple[list[SessionDetails], str | None]:
        return await self._gate.ask(
            lambda: self._till.sessions_created(span.since, span.until, after=span.after or None), night.late
        )

    async def again(self, idents: Sequence[str], night: Night, most: int) -> list[str]:
        """Ask about sessions that could not be compared; those for whom there was no room, or no time."""
        asked = await self._ask(idents[: min(most, night.room)], night, "sessions that could not be compared")
        return list(idents[asked:])

    async def waiting(
        self, after: str, last: str, night: Night, *, before: Instant, most: int
    ) -> tuple[str, str, bool]:
        """Ask about those that have not ended, older than `before`: newer ones are in the list itself.

        Returns how far that went (the page's cursor and its last session), and whether some are left.
        """
        most = min(most, night.room)
        while True:
            page, following = await self._records.waiting(after or None)
            keys = [session.key for session in page]
            page = page[keys.index(last) + 1 :] if last in keys else page
            asked = [session for session in page if session.created_at < before]
            done = await self._ask([session.session_id for session in asked[:most]], night, NOT_ENDED)
            night.counts.asked += done
            if done < len(asked):
                return after, asked[done - 1].key if done else last, True
            most -= done
            if following is None:
                return "", "", False
            after, last = following, ""
            await night.progress(NOT_ENDED)

    async def differences(self, night: Night) -> None:
        """Look once more at what differed, now that what was under way has arrived: what still does is a finding."""
        unsure, self._unsure = self._unsure, []
        if not unsure:
            return
        if not night.late(self._settle):
            await self._clock.sleep(self._settle)
        known = await self._records.known([self._key(details.session_id) for details in unsure])
        for details, session in zip(unsure, known, strict=True):
            if session is not None and session.state == "paid":
                night.finds(compared(details, session))
            else:
                runs = await self._runs(self._fact(details))
                night.finds(ended_without(details, [run for run in runs if run is not None]))

    async def _ask(self, idents: Sequence[str], night: Night, phase: str) -> int:
        """Ask about these, a few at a time, while there is time; how many it were. Raises ProviderError if nobody is
        answered, NotPossible if another run took over."""
        for at in range(0, len(idents), TOGETHER):
            if night.late():
                return at
            await self._ask_some(idents[at : at + TOGETHER], night, again=phase != NOT_ENDED)
            await night.progress(phase)
        return len(idents)

    async def _ask_some(self, idents: Sequence[str], night: Night, *, again: bool) -> None:
        """`again` says that one which fails is to be noted: one that has not ended is asked about again anyhow."""
        found: list[SessionDetails] = []
        failed: list[tuple[str, ProviderError]] = []

        async def one(ident: str) -> None:
            try:
                found.append(await self._gate.ask(lambda: self._till.fetch_session(ident), night.late))
            except ProviderError as error:
                failed.append((ident, error))

        await each(idents, one)
        if not found and len(failed) > 1 and all(answers_nobody(error) for _, error in failed):
            raise failed[0][1]
        for ident, error in failed:
            self._failed(ident, error, night, again=again)
        await self._compare(found, night)

    async def _compare(self, page: Sequence[SessionDetails], night: Night) -> None:
        known = await self._records.known([self._key(details.session_id) for details in page])

        async def one(pair: tuple[SessionDetails, Session | None]) -> None:
            try:
                await self._one(*pair, night)
            except Exception as error:  # noqa: BLE001 - whatever it is, the others are compared
                self._failed(pair[0].session_id, error, night)

        await each(zip(page, known, strict=True), one)
        if len(self._unsure) >= MOST_UNSURE:
            await self.differences(night)
        if len(night.again) > MOST_AGAIN:
            raise Unavailable("too many sessions cannot be compared: something is wrong with all of them")

    async def _one(self, details: SessionDetails, session: Session | None, night: Night) -> None:
        state = details.state
        if state == "paid" and (session is None or session.state != "paid"):
            await self._start(details, night)
            return
        if session is not None and session.state == "paid":
            if session.origin == "nightly_sync" and session.synced_at >= night.run.started_at:
                return  # this very run brought it in, by its event
            if compared(details, session):
                self._unsure.append(details)
        elif state != "paid":
            await self._remember(details, session, night)
        night.counts.processed += 1
        night.counts.skipped += 1

    async def _start(self, details: SessionDetails, night: Night) -> None:
        """A paid session that we do not keep: its run may be at work, else it is started now."""
        fact = self._fact(details)
        runs = [run for run in await self._runs(fact) if run is not None]
        if runs and self._brought_now(runs, night):
            return
        if runs:
            if ended_without(details, runs):
                self._unsure.append(details)  # or it has its order since we looked
            night.counts.skipped += 1
        else:
            number = self.number_of(details.session_id)
            if not night.run.dry_run:
                night.counts.started += len(await self._recorder.record(facts=[fact]))
            if details.mode == SETUP:
                night.counts.skipped += 1  # it is kept, and sold nothing: it has no order
            else:
                night.created(number, details.session_id)
        night.counts.processed += 1

    def _fact(self, details: SessionDetails) -> SessionTold:
        return SessionTold(
            self.account, details.session_id, details.live, self._clock.now(), origin="nightly_sync"
        )

    async def _runs(self, fact: SessionTold) -> list[Run | None]:
        flows = self._recorder.flows.on(fact)
        return await RUNS.get_many(self._recorder.store, [flow.run_id(fact) for flow in flows])

    @staticmethod
    def _brought_now(runs: Sequence[Run], night: Night) -> bool:
        """Whether this very run started it, by an event: then it is counted already."""
        first = msgspec.json.decode(bytes(runs[0].fact), type=SessionTold)
        return first.origin == "nightly_sync" and runs[0].started >= night.run.started_at

    async def _remember(self, details: SessionDetails, session: Session | None, night: Night) -> None:
        state = details.state
        if session is None and state == "expired":
            return  # nobody paid, and nobody will
        if state in ("open", "unpaid"):
            night.counts.remembered += 1
        if session is not None and session.state in (state, "failed"):
            return  # a payment that failed looks as if it were still on its way
        if night.run.dry_run:
            return
        now = self._clock.now()
        changed = SessionChanged(
            self.account, details.session_id, state, details.created_at, now, details.user
        )
        for _ in range(TRIES):
            writes = await self._records.receive(changed, now)
            if not writes:
                return
            try:
                await self._recorder.record(writes)
            except Conflict:
                continue  # a webhook told of it at the same moment
            return
        raise StoreUnavailable("too many others wrote the same session at once")

    @staticmethod
    def _failed(ident: str, error: Exception, night: Night, *, again: bool = True) -> None:
        night.counts.processed += 1
        night.failed(ident, error)
        if again:
            night.again.append(ident)

    def _key(self, ident: str) -> str:
        return f"{self.account}/{ident}"
