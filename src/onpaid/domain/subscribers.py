"""Who gets billing events by webhook, when a try is repeated, and how a delivery stands.

A subscriber that does not answer is tried for days, ever more rarely; it is never forgotten what it has not got.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.billing import BillingEvent, BillingType

SubscriberState = Literal["active", "paused", "removed"]
DeliveryState = Literal["wanted", "retrying", "held", "stopped", "delivered"]
"""`held`: kept back while its subscriber is paused or answers nobody; `stopped`: its failure paused the subscriber."""

MOST_SUBSCRIBERS: Final = 20
"""More than these need a topic: a commit that publishes an event also starts its deliveries."""
WAITS: Final = (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds from one try to the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, and 24 h from then on."""
SICK: Final = 5
"""Tries in a row, whatever the event, after which a subscriber is taken for one that answers nobody."""
PROBE: Final = 600_000
"""Milliseconds: so often a new event is tried all the same."""


class Subscriber(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who gets billing events by webhook. No types are all types; `failures` counts tries in a row."""

    id: str
    url: str
    secret: str
    created_at: Instant
    types: tuple[BillingType, ...] = ()
    state: SubscriberState = "active"
    why: str = ""
    failures: int = 0
    failing_since: Instant = 0
    tried_at: Instant = 0
    rounds: int = 0

    def wants(self, type_: str) -> bool:
        """Whether events of this type go there."""
        return not self.types or type_ in self.types

    @property
    def sick(self) -> bool:
        """Whether it answers nobody: then few are sent there."""
        return self.failures >= SICK

    def __repr__(self) -> str:
        return f"Subscriber({self.id!r}, {self.state!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("id", self.id), ("state", self.state)]


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event on its way to one subscriber. `after` is the delivery before it, of the same customer and round."""

    subscriber: str
    event: str
    round: int
    wanted_at: Instant
    state: DeliveryState = "wanted"
    after: str = ""
    attempt: int = 1
    tries: int = 0
    first_at: Instant = 0
    last_at: Instant = 0
    status: int = 0
    why: str = ""

    @property
    def key(self) -> str:
        """`sbr_1/be_2/0`."""
        return f"{self.subscriber}/{self.event}/{self.round}"


class Outgoing(msgspec.Struct, frozen=True):
    """What a try needs: where to, signed with what, and the event. Holds a secret: never journaled. `held` says that
    nothing is to be sent now."""

    url: str
    secret: str
    event: BillingEvent
    held: bool = False

    def __repr__(self) -> str:
        return f"Outgoing({self.event.id!r})"


def wait_after(tries: int, asked_s: int = 0) -> int:
    """Seconds until the next try, after so many. What the subscriber asked for counts if it is longer."""
    return max(WAITS[min(max(tries, 1), len(WAITS)) - 1], min(asked_s, WAITS[-1]))
