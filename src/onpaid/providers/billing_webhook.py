"""Billing events by webhook, to whoever subscribed.

What it is: one POST of the event's JSON with the three headers of Standard Webhooks.
How a thing is found again: it is not. An event is told twice rather than never, under the same `webhook-id`.
Its limits: the subscriber's; any 2xx will do, of which a few kilobytes are read at most. No redirect is followed, and
no address on this machine or a private network is called, unless a setting allows it.
How it signs: HMAC-SHA256 over id, time and body with the subscriber's own secret, as `standardwebhooks` does.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from onpaid.acts import LaneLimit, act, current_call
from onpaid.clock import Clock, as_datetime
from onpaid.domain.billing import Answered
from onpaid.domain.billing_body import bytes_of
from onpaid.domain.subscribers import Outgoing
from onpaid.errors import ProviderError, SettingsError
from onpaid.providers.addresses import checked_address, socket_to, socket_to_public
from onpaid.providers.answers import Answer, retry_after
from onpaid.providers.http import Http
from onpaid.providers.masking import masked

LANE = "subscribers"
SERVICE = "the subscriber"
TIMEOUT = timedelta(seconds=20)
OF_IT = 0.75
"""The part of the time that the subscriber has to answer: the rest is for telling that it did not."""
LARGEST_ANSWER = 16 * 1024
MOST_HOSTS = 50
GONE = 410


class Directory(Protocol):
    """Knows what a try needs."""

    async def outgoing(self, subscriber: str, event: str) -> Outgoing | None:
        """Where to, signed with what, and the event; None if there is nobody to deliver to."""
        ...


@dataclass(frozen=True)
class Settings:
    """`private` lets subscribers be on this machine or a private network."""

    private: bool = False


class SubscriberDoors:
    """The doors of subscribers."""

    lanes = (LaneLimit(LANE, at_once=16),)

    def __init__(self, settings: Settings, directory: Directory, clock: Clock) -> None:
        self.settings = settings
        self._directory = directory
        self._clock = clock
        self._hosts: OrderedDict[str, Http] = OrderedDict()

    @act(repeatable=True, lane=LANE, timeout=TIMEOUT)
    async def deliver(self, subscriber: str, event: str) -> Answered:
        """One try. What the subscriber makes of it is an answer, never an error."""
        outgoing = await self._directory.outgoing(subscriber, event)
        if outgoing is None:
            return Answered(False, why="there is nobody to deliver to", gone=True)
        if outgoing.held:
            return Answered(False, unsent=True)
        call = current_call.get()
        patience = (call.timeout if call else TIMEOUT.total_seconds()) * OF_IT
        try:
            async with asyncio.timeout(patience):
                answer = await self._post(outgoing)
        except TimeoutError:
            return Answered(False, why=f"no answer within {patience:g} s")
        except (ProviderError, SettingsError) as error:
            return Answered(False, why=_discreet(str(error), outgoing.url))
        if 200 <= answer.status < 300:
            return Answered(True, answer.status)
        asked = round(retry_after(answer.headers) or 0) if answer.status in (429, 503) else 0
        return Answered(False, answer.status, f"it answered {answer.status}", answer.status == GONE, asked)

    async def doctor(self) -> list[str]:
        """Nothing can be asked of addresses that only take events; `onpaid subscribers test` tries one."""
        return []

    async def close(self) -> None:
        """Let go of all connections."""
        hosts, self._hosts = list(self._hosts.values()), OrderedDict()
        for http in hosts:
            await http.close()

    async def _post(self, outgoing: Outgoing) -> Answer:
        url = checked_address(outgoing.url, SERVICE, public=not self.settings.private)
        body = bytes_of(outgoing.event)
        now = as_datetime(self._clock.now())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": outgoing.event.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(outgoing.secret).sign(outgoing.event.id, now, body.decode()),
        }
        http = await self._http(url)
        return await http.exchange("POST", url, headers, body)

    async def _http(self, url: str) -> Http:
        """The client of the address's host; the one that was used least lately makes room."""
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        http = self._hosts.pop(base, None) or Http(
            SERVICE,
            base,
            largest=LARGEST_ANSWER,
            cut=True,
            socket_factory=socket_to if self.settings.private else socket_to_public,
        )
        self._hosts[base] = http
        if len(self._hosts) > MOST_HOSTS:
            await self._hosts.popitem(last=False)[1].close()
        return http


def _discreet(text: str, url: str) -> str:
    """The error without the address's path and query, which may be secret."""
    parts = urlsplit(url)
    for part in (parts.query, parts.path):
        if len(part) > 1:
            text = text.replace(part, "...")
    return masked(text)[:300]
