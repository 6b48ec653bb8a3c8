"""Events of the provider's list that never arrived here: brought in, as if their webhooks had come.

Those that some endpoint has not acknowledged come first, then all: a webhook that was acknowledged and lost, or whose
endpoint was switched off, is in the second list only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from onpaid.app.inbox import Inbox
from onpaid.app.reconciling_night import Gate, Night, each
from onpaid.clock import Instant
from onpaid.domain.reconciliation import Span
from onpaid.errors import ProviderError, Refused, StoreError

MOST_TYPES: Final = 20
"""Types of events that one list may be asked for."""
KEPT_MS: Final = 30 * 86_400_000
"""How long events are listed."""
UNDELIVERED: Final = "undelivered events"


class EventLists(Protocol):
    """Lists events that it sent, or should have."""

    async def events_since(
        self,
        since: Instant,
        *,
        after: str | None = None,
        types: Sequence[str] = (),
        undelivered: bool = False,
    ) -> tuple[list[bytes], str | None]:
        """A page of events, newest first, as bodies for the inbox; and the next `after`."""
        ...


class Events:
    """Brings events in. `source` is the inbox's name of who lists them; `kept_as` the beginning of the ids of runs
    that keep a session, `number_of` an order's number by the session's id."""

    def __init__(
        self,
        lists: EventLists,
        inbox: Inbox,
        *,
        source: str,
        types: Sequence[str],
        number_of: Callable[[str], str],
        gate: Gate,
        kept_as: str = "keep_session:",
    ) -> None:
        self._lists = lists
        self._inbox = inbox
        self._source = source
        self._parts = [tuple(types[at : at + MOST_TYPES]) for at in range(0, len(types), MOST_TYPES)]
        self._number_of = number_of
        self._gate = gate
        self._kept_as = kept_as

    async def span(self, span: Span, night: Night) -> Span | None:
        """Bring in what the lists of a span hold; what is left of it. Raises NotPossible if another run took over."""
        anew = False
        try:
            while span.part < len(self._parts):
                if night.late():
                    return span
                try:
                    bodies, after = await self._page(span, night)
                except Refused:
                    if anew or not span.after:
                        raise
                    # Events are listed for thirty days: the one that the page begins after may be listed no more.
                    span, anew = msgspec.structs.replace(span, after="", skip=0), True
                    continue
                while span.skip < len(bodies):
                    if not night.room:
                        return span
                    # Each may bring a session, and the limit of a run is on sessions.
                    chosen = bodies[span.skip : span.skip + night.room]
                    await each(chosen, lambda body: self._bring(body, night))
                    span = msgspec.structs.replace(span, skip=span.skip + len(chosen))
                if after is None:
                    span = msgspec.structs.replace(span, part=span.part + 1, after="", skip=0)
                else:
                    span = msgspec.structs.replace(span, after=after, skip=0)
                await night.progress(span.what)
        except (ProviderError, StoreError) as error:
            await night.stopped(span.what, error)
            return span
        return None

    async def _page(self, span: Span, night: Night) -> tuple[list[bytes], str | None]:
        return await self._gate.ask(
            lambda: self._lists.events_since(
                span.since,
                after=span.after or None,
                types=self._parts[span.part],
                undelivered=span.what == UNDELIVERED,
            ),
            night.late,
        )

    async def _bring(self, body: bytes, night: Night) -> None:
        night.counts.events += 1
        try:
            receipt = await self._inbox.bring(self._source, body, dry=night.run.dry_run)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are brought in
            night.failed(_name_of(body), error)
            return
        if receipt.verdict == "duplicate":
            return
        night.counts.brought += 1
        night.counts.started += len(receipt.began)
        for run in receipt.began:
            if run.startswith(self._kept_as):
                session = run.rpartition("/")[2]
                night.counts.processed += 1
                night.created(self._number_of(session), session)


class _Named(msgspec.Struct):
    id: str


def _name_of(body: bytes) -> str:
    """The event's id, so that it can be looked at where it comes from."""
    try:
        return msgspec.json.decode(body, type=_Named).id[:100]
    except msgspec.MsgspecError:
        return "an event without an id"
