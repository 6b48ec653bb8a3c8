"""A message: one WhatsApp template sent to one customer, and what became of it.

Templates are told in both forms at once, in order and by name, since three services count and one names.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from onpaid.clock import Instant

MessageState = Literal["queued", "logged", "accepted", "sent", "delivered", "read", "failed", "undeliverable"]
"""`failed`: the service gave up on it; `undeliverable`: the number cannot be reached by WhatsApp, for good."""

RANK: Final[dict[MessageState, int]] = {
    "queued": 0,
    "logged": 1,
    "accepted": 1,
    "sent": 2,
    "failed": 3,
    "undeliverable": 3,
    "delivered": 4,
    "read": 5,
}
"""States move to a higher rank only; `delivered` may be skipped, and a `failed` that was delivered after all counts so."""


class Parameter(msgspec.Struct, frozen=True):
    """One variable of a template."""

    name: str
    value: str


class MessageWanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A customer is to be told something: the fact that starts `send_message`. `template` is our name of it
    ("order_confirmation", "shipment_created"); `after` is a template that should be out before, if it was wanted."""

    order: str
    template: str
    after: str = ""
    nth: int = 1


class OutMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message as it goes out. `to` is E.164; `ref` is ours, goes along, and finds it again; `template` is the
    service's name of it; `url_suffix` is for a button whose address ends in a variable."""

    ref: str
    to: str
    template: str
    language: str
    parameters: tuple[Parameter, ...]
    url_suffix: str = ""


class Sent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a service said to a message. `accepted` is not delivered; a final no is an answer too, with its reason."""

    provider: str
    provider_id: str
    state: MessageState = "accepted"
    reason: str = ""


class MessageTold(msgspec.Struct, frozen=True, omit_defaults=True):
    """A service's word about a message of ours: a fact. `ref` or `provider_id` tells which; `code` is the service's."""

    provider: str
    state: MessageState
    provider_id: str = ""
    ref: str = ""
    told_at: Instant | None = None
    code: str = ""
    reason: str = ""
    event: str = ""


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message as it is kept, under its `ref`. `history` names the states with their times, oldest first."""

    ref: str
    order: str
    template: str
    to: str
    wanted_at: Instant
    state: MessageState = "queued"
    provider: str = ""
    provider_id: str = ""
    reason: str = ""
    history: tuple[tuple[str, Instant], ...] = ()
