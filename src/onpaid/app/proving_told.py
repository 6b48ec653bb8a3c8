"""What we told others in a period, for the other direction of a proof: each word has its payment, or nothing explains it.

Billing events and messages are our own records, read by time. A message is only a row if no payment of its order is
here: that there is one, in whichever period, explains it.
"""

from __future__ import annotations

from typing import Final

from onpaid.app.proving_ours import Ours
from onpaid.app.proving_sources import Outside
from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent
from onpaid.domain.messages import Message
from onpaid.domain.proof_rows import ToldRow
from onpaid.domain.proving_effects import OUT
from onpaid.repositories.messages import MESSAGES

EVENT: Final = "event"
MESSAGE: Final = "message"
EARLIER_MS: Final = 3_600_000
"""An event may be noted by a clock that is a little behind its provider's."""
PAGE: Final = 100


class Told:
    """Reads what was told of the payments of a period."""

    def __init__(self, ours: Ours, outside: Outside, since: Instant, until: Instant) -> None:
        self._ours, self._outside = ours, outside
        self._since, self._until = since, until

    async def page(self, cursor: str) -> tuple[list[ToldRow], str]:
        """A page of it, and where the next one begins; empty at the end."""
        kind, _, after = cursor.partition(":")
        if kind != MESSAGE and self._outside.billing is not None:
            return await self._events(after or None)
        return await self._messages(after or None) if self._outside.messages else ([], "")

    async def _events(self, after: str | None) -> tuple[list[ToldRow], str]:
        billing = self._outside.billing
        assert billing is not None  # noqa: S101 - only read where billing is told
        since = max(0, self._since - EARLIER_MS)
        found, following = await billing.noted_since("payment.successful", since, after)
        told = [
            each
            for each in found
            if each.published_at and self._since <= each.news.happened_at <= self._until
        ]
        rows = [await self._event_row(each) for each in told]
        return rows, f"{EVENT}:{following}" if following else MESSAGE

    async def _event_row(self, event: BillingEvent) -> ToldRow:
        news = event.news
        payment = f"{news.account}/{news.subject}"
        number = await self._ours.order_number(payment)
        return ToldRow(number or news.subject, "billing event", event.id, payment, news.subject)

    async def _messages(self, after: str | None) -> tuple[list[ToldRow], str]:
        found = await MESSAGES.query(
            self._ours.store,
            "all",
            "",
            after=after,
            limit=PAGE,
            newest_first=False,
            sort_from=self._since,
            sort_to=self._until,
        )
        rows = [await self._message_row(each) for each in found.items if each.state in OUT]
        kept = [each for each in rows if each is not None]
        return kept, f"{MESSAGE}:{found.cursor}" if found.cursor else ""

    async def _message_row(self, message: Message) -> ToldRow | None:
        order = await self._ours.order(message.order)
        if order is None or await self._ours.of_order(order):
            return None  # an order that was erased says nothing any more
        return ToldRow(order.number, "messages", message.template)
