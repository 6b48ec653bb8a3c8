"""The desk that opens sessions: a user with a token asks for a page to pay at, and gets its address.

Prices are ours, never the request's. The request and the run that asks Stripe are one commit; a repeated request with
the same key gets the first one's session, also after a restart. Stripe makes the payment only when the user pays: until
then `paymentIntentId` is null, and `session` fills it in later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from random import Random
from typing import Final

import msgspec

from onpaid.app.outcomes import looks
from onpaid.app.session_request import SessionAsked, read_session_request
from onpaid.app.till_visits import TillReadings
from onpaid.clock import Clock, Instant
from onpaid.domain.sessions import Session, SessionDetails, SessionRef, SessionState, SessionWanted, User
from onpaid.engine.journal import RUNS, Run
from onpaid.engine.recorder import Recorder
from onpaid.errors import (
    Conflict,
    InvalidInput,
    NotPossible,
    ProviderError,
    Refused,
    StoreUnavailable,
    Unavailable,
)
from onpaid.repositories.prices import Prices
from onpaid.repositories.session_requests import SessionRequest, SessionRequests, digest_of, reference_of
from onpaid.repositories.sessions import Sessions

FLOW: Final = "open_session"
TRIES: Final = 8
READ_EVERY: Final = 5_000
"""Milliseconds between two readings of one session at Stripe, however often its user asks."""
MOST_READ: Final = 1_000


class SessionOpened(msgspec.Struct, frozen=True, rename="camel"):
    """Where to send the user. `payment_intent_id` is null until Stripe makes the payment, as the user pays."""

    checkout_url: str
    payment_intent_id: str | None
    customer_id: str
    session_id: str


class SessionSeen(msgspec.Struct, frozen=True, rename="camel"):
    """How far a session has come. `order_number` is there once it is paid and stored."""

    session_id: str
    state: SessionState
    payment_intent_id: str | None
    customer_id: str
    order_number: str | None


@dataclass(slots=True)
class _Reading:
    at: Instant
    details: SessionDetails


class SessionDesk:
    """Takes users' wishes to pay. `origins` are the web pages that a session may lead back to."""

    def __init__(
        self,
        recorder: Recorder,
        requests: SessionRequests,
        prices: Prices,
        sessions: Sessions,
        till: TillReadings,
        clock: Clock,
        random: Random,
        origins: Collection[str],
    ) -> None:
        self._recorder = recorder
        self._requests = requests
        self._prices = prices
        self._sessions = sessions
        self._till = till
        self._clock = clock
        self._random = random
        self._origins = tuple(origins)
        self._read: dict[str, _Reading] = {}

    async def create(self, body: bytes, user: User, idempotency_key: str = "") -> SessionOpened:
        """Open a session for `user`.

        Raises InvalidInput (also for a price that is not sold), NotPossible (another request under this key),
        Refused (Stripe said no, and somebody was told), Unavailable (no answer yet).
        """
        asked = read_session_request(body, self._origins)
        digest = digest_of(asked)
        for _ in range(TRIES):
            reference = reference_of(user.id, idempotency_key) if idempotency_key else self._reference()
            before = await self._requests.under(reference)
            if before is None:
                await self._check_price(asked.price_id)
                try:
                    await self._record(
                        SessionRequest(reference, user.id, digest, self._clock.now()), asked, user
                    )
                except Conflict:
                    continue  # the same request at the same moment
            elif not idempotency_key:
                continue
            elif before.digest != digest:
                raise NotPossible(
                    "this Idempotency-Key was used for another request: take a new one for each"
                )
            return await self._outcome(reference)
        raise StoreUnavailable("too many others wrote at once: send it again")

    async def session(self, session_id: str, user: User) -> SessionSeen | None:
        """A session of this user's, as far as it has come; None if there is none, or it is somebody else's.

        What our record does not know yet is read at Stripe, every few seconds at most.
        """
        kept = await self._sessions.named(session_id)
        if kept is None or kept.user != user.id:
            return None
        payment, state, customer = kept.payment_id, kept.state, kept.customer_id
        if not payment and state in ("open", "unpaid"):
            details = await self._details(kept)
            if details is not None:
                payment, customer = details.payment_id or "", details.customer_id or customer
                state = details.state if state == "open" else state
        return SessionSeen(kept.session_id, state, payment or None, customer, kept.order_number or None)

    async def _check_price(self, ident: str) -> None:
        prices = self._prices
        price = await prices.price(ident) or await prices.price(await prices.of_stripe(ident) or "")
        if price is None or not price.active:
            raise InvalidInput("there is no price of this id for sale")

    async def _record(self, request: SessionRequest, asked: SessionAsked, user: User) -> None:
        wanted = SessionWanted(
            reference=request.reference,
            user=user,
            price=asked.price_id,
            success_url=asked.success_url,
            cancel_url=asked.cancel_url,
            quantity=asked.quantity,
        )
        await self._recorder.record([self._requests.kept(request)], facts=(wanted,))

    def _reference(self) -> str:
        """A reference that nobody has: dice that fell alike before a restart meet another time."""
        return f"os_{self._clock.now():x}{self._random.getrandbits(128):032x}"

    async def _outcome(self, reference: str) -> SessionOpened:
        """Stripe's session, once the run has it."""
        async for run in looks(self._recorder.store, self._clock, f"{FLOW}:{reference}"):
            if run.state == "done":
                ref = msgspec.json.decode(run.result, type=SessionRef)
                kept = await self._sessions.named(ref.session_id)
                payment = ref.payment_id or ("" if kept is None else kept.payment_id)
                return SessionOpened(ref.url, payment or None, ref.customer_id, ref.session_id)
            if run.state in ("failed", "cancelled"):
                raise Refused(
                    "this session could not be opened: whoever runs the shop was told why. Ask again later, with "
                    "another Idempotency-Key"
                )
            if run.state == "waiting" and await self._hindered(run):
                raise Refused(
                    "this session cannot be opened yet: whoever runs the shop was told why. Ask again later, with the "
                    "same Idempotency-Key"
                )
        raise Unavailable("Stripe has not answered yet: repeat the request with the same Idempotency-Key")

    async def _hindered(self, run: Run) -> bool:
        """Whether it waits for a run that has failed: the user's customer, or the price."""
        others = [thing.removeprefix("run:") for thing in run.wake if thing.startswith("run:")]
        found = [await RUNS.get(self._recorder.store, other) for other in others]
        return any(each is not None and each.record.state == "failed" for each in found)

    async def _details(self, kept: Session) -> SessionDetails | None:
        """The session as Stripe tells it, not older than a few seconds; None if it does not answer."""
        now, ident = self._clock.now(), kept.session_id
        reading = self._read.get(ident)
        if reading is not None and 0 <= now - reading.at < READ_EVERY:
            return reading.details
        try:
            details = await self._till.fetch_session(ident)
        except ProviderError:
            return None
        if len(self._read) >= MOST_READ:
            self._read.clear()
        self._read[ident] = _Reading(now, details)
        return details
