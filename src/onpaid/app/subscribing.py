"""Subscribers as people handle them: add, pause, resume, remove, try, and send a time's events once more.

A secret is made here or given, kept with its subscriber, and answered once: to whoever added it. It is in no list, no
log and no journal.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from typing import Any, get_args

import msgspec

from onpaid.clock import Clock, Instant
from onpaid.domain.billing import BillingType
from onpaid.domain.subscribers import MOST_SUBSCRIBERS, Delivery, Subscriber
from onpaid.engine.recorder import Recorder
from onpaid.errors import Conflict, InvalidInput, NotPossible, SettingsError
from onpaid.providers.addresses import checked_address
from onpaid.repositories.replays import Replays
from onpaid.repositories.subscriber_records import SUBSCRIBERS, subscriber_thing
from onpaid.repositories.subscribers import Subscribers
from onpaid.store.port import Write
from onpaid.store.records import Records, Versioned

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes that a secret has, by Standard Webhooks."""
LONGEST_URL = 1000
TYPES: frozenset[str] = frozenset(get_args(BillingType))
TRIES = 5


class SubscriberDesk:
    """What may be done to subscribers. `private` lets them be on this machine or a private network."""

    def __init__(
        self,
        subscribers: Subscribers,
        replays: Replays,
        recorder: Recorder,
        clock: Clock,
        *,
        private: bool = False,
    ) -> None:
        self.records = subscribers
        self._replays = replays
        self._recorder = recorder
        self._clock = clock
        self._private = private

    async def all(self) -> list[Subscriber]:
        """Every subscriber, oldest first."""
        return await self.records.all()

    async def get(self, subscriber: str) -> Subscriber | None:
        """One subscriber, or None."""
        return await self.records.get(subscriber)

    async def deliveries(
        self, subscriber: str, *, state: str = "", after: str | None = None, limit: int = 50
    ) -> Records[Delivery]:
        """The deliveries to a subscriber, newest first."""
        return await self.records.deliveries(subscriber, state=state, after=after, limit=limit)

    async def add(self, url: str, types: Sequence[str] = (), secret: str = "") -> Subscriber:
        """A new subscriber, with the secret that is told this once. Raises InvalidInput, NotPossible."""
        if len(url) > LONGEST_URL:
            raise InvalidInput(f"the address has more than {LONGEST_URL} characters")
        try:
            url = checked_address(url, "the subscriber", public=not self._private)
        except SettingsError as wrong:
            raise InvalidInput(str(wrong)) from None
        for type_ in types:
            if type_ not in TYPES:
                raise InvalidInput(
                    f"there is no billing event {type_[:60]!r}; there are {', '.join(sorted(TYPES))}"
                )
        if len(await self.all()) >= MOST_SUBSCRIBERS:
            raise NotPossible(f"there are {MOST_SUBSCRIBERS} subscribers already: use a topic for more")
        subscriber = Subscriber(
            id=f"sbr_{secrets.token_hex(8)}",
            url=url,
            secret=_checked_secret(secret) if secret else _new_secret(),
            created_at=self._clock.now(),
            types=msgspec.convert(sorted(set(types)), tuple[BillingType, ...]),
        )
        await self._recorder.record([SUBSCRIBERS.insert(subscriber)])
        return subscriber

    async def pause(self, subscriber: str, *, by: str) -> None:
        """Deliver nothing more until it is resumed; what comes meanwhile is held back."""
        for _ in range(TRIES):
            held = await self._held(subscriber)
            if held.record.state == "paused":
                return
            paused = msgspec.structs.replace(held.record, state="paused", why=f"paused by {by}")
            if await self._done([SUBSCRIBERS.update(paused, held.version)]):
                return
        raise NotPossible("it changed at the same moment: try again")

    async def resume(self, subscriber: str) -> None:
        """Deliver again, beginning with what was held back, oldest first."""
        for _ in range(TRIES):
            writes, facts = await self.records.resumed(await self._held(subscriber))
            if await self._done(writes, facts, subscriber):
                return
        raise NotPossible("it changed at the same moment: try again")

    async def remove(self, subscriber: str) -> None:
        """Deliver nothing more, for good, and forget its secret. What it got stays told."""
        for _ in range(TRIES):
            held = await self._held(subscriber)
            gone = msgspec.structs.replace(held.record, state="removed", secret="", why="removed")
            if await self._done([SUBSCRIBERS.update(gone, held.version)], (), subscriber):
                return
        raise NotPossible("it changed at the same moment: try again")

    async def test(self, subscriber: str) -> str:
        """Deliver the newest event that it wants once more; the event's id. Raises NotPossible if there is none."""
        for _ in range(TRIES):
            held = await self._active(subscriber)
            writes, facts, event = await self._replays.once_more(held)
            if event is None:
                raise NotPossible("there is no event yet that it wants: nothing can be delivered")
            if await self._done(writes, facts):
                return event.id
        raise NotPossible("it changed at the same moment: try again")

    async def replay(self, subscriber: str, since: Instant, until: Instant, type_: str = "") -> str:
        """Deliver the events of a time once more, oldest first; the id of the run that begins it."""
        if since > until:
            raise InvalidInput(
                "the replay would begin after its end, which is now unless `until` says otherwise"
            )
        if type_ and type_ not in TYPES:
            raise InvalidInput(f"there is no billing event {type_[:60]!r}")
        for _ in range(TRIES):
            held = await self._active(subscriber)
            writes, wish = await self._replays.wish(held, since=since, until=until, type_=type_)
            if await self._done(writes, [wish]):
                return f"replay_billing_events:{wish.subscriber}/{wish.round}/1"
        raise NotPossible("it changed at the same moment: try again")

    async def _held(self, subscriber: str) -> Versioned[Subscriber]:
        held = await self.records.held(subscriber)
        if held is None:
            raise NotPossible(f"there is no subscriber {subscriber}")
        return held

    async def _active(self, subscriber: str) -> Versioned[Subscriber]:
        held = await self._held(subscriber)
        if held.record.state != "active":
            raise NotPossible(f"{subscriber} is paused: resume it first")
        return held

    async def _done(self, writes: list[Write], facts: Sequence[Any] = (), wakes: str = "") -> bool:
        """Commit; False if somebody else changed it meanwhile."""
        try:
            await self._recorder.record(writes, facts=facts, wakes=[subscriber_thing(wakes)] if wakes else [])
        except Conflict:
            return False
        return True


def _new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def _checked_secret(secret: str) -> str:
    """The secret as it was given. Raises InvalidInput, which does not repeat it."""
    try:
        raw = base64.b64decode(secret.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raw = b""
    if not secret.startswith(PREFIX) or not LEAST <= len(raw) <= MOST:
        raise InvalidInput(
            f"a secret is {PREFIX} and Base64 of {LEAST} to {MOST} bytes; leave it out to have one made"
        )
    return secret
