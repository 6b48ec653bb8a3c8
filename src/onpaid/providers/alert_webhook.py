"""Alerts as a POST of JSON to an address of the operator's: a chat service, a pager, a script.

What it is: one request with the alert as JSON; `text` is what chat services show.
How a thing is found again: it is not. An alert is told twice rather than never; `id` and `times` mark a repeat.
Its limits: the receiver's. Any 2xx will do.
How it signs: by the address alone, which is a secret therefore and stands in no error.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from onpaid.acts import act
from onpaid.errors import ProviderError, SettingsError
from onpaid.providers.addresses import checked_base
from onpaid.providers.alert_words import LANE, LIMIT, alert_of, mark
from onpaid.providers.http import Http
from onpaid.providers.roles import FiledTicket, TicketRef


@dataclass(frozen=True)
class Settings:
    """`url` is the whole address."""

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        checked_base(self.url.partition("?")[0], "the alert webhook")
        if not self.url.isascii() or not self.url.isprintable() or any(c in self.url for c in ' \\#"<>'):
            raise SettingsError("the alert webhook: the address holds a blank or another odd character")


class AlertWebhook:
    """An Alerting."""

    lanes = (LIMIT,)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        parts = urlsplit(settings.url)
        self._secret = parts.path + (f"?{parts.query}" if parts.query else "")
        self._http = Http("the alert webhook", f"{parts.scheme}://{parts.netloc}")

    @act(repeatable=True, lane=LANE, timeout=timedelta(seconds=15))
    async def alert(self, ticket: FiledTicket) -> TicketRef:
        """Post the alert."""
        try:
            answer = await self._http.exchange(
                "POST",
                self.settings.url if self._secret else f"{self.settings.url}/",
                {"Content-Type": "application/json"},
                msgspec.json.encode(alert_of(ticket)),
                private=(self._secret,),
            )
            self._http.settled(answer)
        except ProviderError as error:
            error.args = (self._discreet(str(error)), *error.args[1:])
            raise
        return TicketRef(f"webhook#{mark(ticket)}")

    async def doctor(self) -> list[str]:
        """Nothing can be asked of an address that only takes alerts."""
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()

    def _discreet(self, text: str) -> str:
        path = self._secret.partition("?")[0]
        for secret in (self._secret, path):
            if len(secret) > 1:
                text = text.replace(secret, "(its address)")
        return text
