"""What scenario to play, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_type_hints

from onpaid.simulators.kit import Json


@dataclass(frozen=True, slots=True)
class Play:
    """A shop day and, beside it, a day of `parcels` carts at the Indian shop, and one of sales at Stripe: `sessions`
    purchases that are paid once, `subscriptions` that are paid again and again.

    The shares are of all orders; an upsell is a second payment, so `upsells` makes more than `orders`. `returning`
    is of carts and purchases too, `abandoned` of those only: they are checked out and never paid. `invoice_patience`: who
    regrets a purchase waits so many seconds for its invoice first, and lets it be if there is none; 0 is not to wait.
    Without a seed the fault plan's is taken; without a target webhooks go where they went before.
    """

    orders: int = 60
    parcels: int = 0
    sessions: int = 0
    subscriptions: int = 0
    seed: int | None = None
    target: str | None = None
    first_order: int = 1001
    at_once: int = 8
    pause: float = 0.0
    guests: float = 0.25
    returning: float = 0.2
    authorised: float = 0.15
    payment_first: float = 0.3
    upsells: float = 0.0
    chatter: float = 0.2
    abandoned: float = 0.0
    invoice_patience: float = 0.0

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Play":
        """From JSON; ValueError for a name that is unknown or a value of another kind."""
        kinds = get_type_hints(cls)
        for name, value in given.items():
            if name not in kinds:
                raise ValueError(f"unknown: {name}. Known: {', '.join(each.name for each in fields(cls))}")
            kind = kinds[name]
            if isinstance(value, bool) or not isinstance(value, int | float if kind is float else kind):
                raise ValueError(f"{name}: {value!r} is of the wrong kind")
        return cls(**given)


@dataclass(slots=True)
class Progress:
    """How far a scenario is. `expected` counts the shop's payments, each of which is to yield an invoice and a mail.

    Of `parcels` carts some are `refused` for stock, the others are `checkouts`, each of which is to be paid once.
    `sessions_paid` counts paid sessions of both kinds; those paid once are owed an invoice and a mail, too.
    """

    orders: int
    seed: int
    state: Literal["playing", "delivering", "done", "failed", "stopped"] = "playing"
    placed: int = 0
    paid: int = 0
    expected: int = 0
    parcels: int = 0
    checkouts: int = 0
    checkouts_paid: int = 0
    refused: int = 0
    sessions: int = 0
    subscriptions: int = 0
    sessions_opened: int = 0
    sessions_paid: int = 0
    refunds: int = 0
    error: str | None = None

    def shown(self) -> Json:
        return {field.name: getattr(self, field.name) for field in fields(self)}
