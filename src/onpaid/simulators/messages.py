"""What the four WhatsApp services share: a record of each message, and its statuses, told by webhook in time.

A message is accepted, then sent, delivered and read, each a moment after the other; some are never read, and
where the chat was open nobody tells of `delivered`. What the service cannot deliver is told to have failed
instead. The status at a given time is reckoned, not stored, so nothing has to run for it.
"""

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from onpaid.simulators.kit import Clock, Dice, Json, Times
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.sender import Parcel, Sender
from onpaid.simulators.settings import Settings
from onpaid.simulators.switches import Switches

UNREAD_SHARE: Final = 0.3
SKIPPED_SHARE: Final = 0.2
NUMBER: Final = re.compile(r"[1-9]\d{7,14}")
"""A phone number in digits, with its country code."""
UNFIT: Final = re.compile(r"[\n\r\t]| {5,}")
"""What WhatsApp does not take in the value of a variable."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was accepted and still never arrives."""

    code: int
    reason: str


@dataclass(slots=True)
class Message:
    """One message. `ladder` is its future: what it will be, and from when on."""

    key: str
    ident: str
    to: str
    template: str
    params: Mapping[str, str]
    ref: str
    at: float
    ladder: tuple[tuple[float, str], ...] = ()
    failure: Failure | None = None
    about: Json = field(default_factory=dict)

    def status(self, now: float) -> str:
        """accepted, sent, delivered, read or failed."""
        reached = [word for since, word in self.ladder if since <= now]
        return reached[-1] if reached else "accepted"


@dataclass(frozen=True, slots=True)
class Notice:
    """A status webhook as it goes over the wire."""

    url: str
    body: bytes
    headers: Callable[[], Mapping[str, str]]


class MessageService(Switches):
    """The state of one service: its messages. Each service says how it tells of a status."""

    NAME: ClassVar[str]

    def __init__(self, plan: FaultPlan, clock: Clock, sender: Sender, settings: Settings) -> None:
        self._plan, self._clock, self._sender, self._settings = plan, clock, sender, settings
        self.forget()

    def forget(self) -> None:
        self.messages: dict[str, Message] = {}
        self._counted: Counter[str] = Counter()

    def rows(self) -> list[Json]:
        """What was sent, oldest first. `params` are by name, also where the service counts."""
        now = self._clock.now()
        return [
            {
                "service": self.NAME,
                "to": message.to,
                "template": message.template,
                "params": dict(message.params),
                "ref": message.ref,
                "provider_id": message.ident,
                "status": message.status(now),
                "at": message.at,
                **({"reason": message.failure.reason} if message.failure else {}),
            }
            for message in self.messages.values()
        ]

    @abstractmethod
    def notice(self, message: Message, word: str, at: float, forgery: str | None) -> Notice | None:
        """The webhook that tells of a status, or one that must not be believed; None if none is due."""

    def dice(self, message: Message) -> Dice:
        return Dice(self._plan.seed).at(self.NAME, message.key)

    def named(self, template: str, values: list[str]) -> dict[str, str]:
        """Values that came in order, by name; those beyond the template's variables by their place."""
        names = self._settings.whatsapp_templates.get(template, ())
        return {names[nth] if nth < len(names) else str(nth + 1): value for nth, value in enumerate(values)}

    def keep(
        self,
        *,
        to: str,
        template: str,
        params: Mapping[str, str],
        ref: str,
        ident: Callable[[Dice], str],
        failure: Failure | None = None,
        about: Json | None = None,
    ) -> Message:
        """Accept a message, and tell of it when the time comes."""
        key = f"{ref or to} {template}"
        self._counted[key] += 1
        key, now = f"{key}#{self._counted[key]}", self._clock.now()
        message = Message(key, "", to, template, params, ref, now, failure=failure, about=about or {})
        dice = self.dice(message)
        message.ident = ident(dice)
        message.ladder = ladder(dice, now, self._settings.times, failed=failure is not None)
        self.messages[message.ident] = message
        for at, word in message.ladder:
            self._tell(message, word, at)
        return message

    def _tell(self, message: Message, word: str, at: float) -> None:
        name = f"{word} {message.key}"
        genuine = self.notice(message, word, at, None)
        if genuine is None:
            return
        mischief = self._plan.for_webhook(self.NAME, name)
        if mischief.forgery is not None:
            self._forge(message, name, at, mischief.forgery)
        if mischief.dropped:
            self._sender.dropped += 1
            return
        self._sender.send(
            Parcel(
                self.NAME,
                name,
                genuine.url,
                genuine.body,
                genuine.headers,
                hold=at - self._clock.now() + mischief.hold,
                copies=mischief.copies,
                together=mischief.together,
            )
        )

    def _forge(self, message: Message, name: str, at: float, forgery: str) -> None:
        forged = self.notice(message, "failed", at, forgery)
        if forged is not None:
            named = f"{name} ({forgery})"
            self._sender.send(Parcel(self.NAME, named, forged.url, forged.body, forged.headers, forged=True))


def ladder(dice: Dice, now: float, times: Times, *, failed: bool) -> tuple[tuple[float, str], ...]:
    """What will become of a message that is accepted now."""
    step = times.status_after
    if failed:
        return ((now + step, "failed"),)
    steps = [(now + step, "sent"), (now + 2 * step, "delivered"), (now + 3 * step, "read")]
    if dice.chance("never read", UNREAD_SHARE):
        return tuple(steps[:2])
    return (steps[0], steps[2]) if dice.chance("delivered skipped", SKIPPED_SHARE) else tuple(steps)
