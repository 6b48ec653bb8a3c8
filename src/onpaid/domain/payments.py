"""Money that was taken for an order, and the facts about it that start a flow."""

from __future__ import annotations

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer


class PaymentSucceeded(msgspec.Struct, frozen=True):
    """Money was captured for an order.

    `payment_id` is the PaymentIntent if there is one, else the charge, so that every event about the same money
    names the same payment. `account` tells whose money ("stripe/default/live"), `order` is the order's key.
    """

    account: str
    payment_id: str
    order: str
    amount: Money
    paid_at: Instant
    live: bool
    charge_id: str | None = None
    customer_id: str | None = None
    billing: Customer | None = None
    event: str = ""
    expects: tuple[str, ...] = ("invoice",)
    """What a paid order of this source must yield; each flow starts only where its effect is expected."""

    @property
    def key(self) -> str:
        """The payment's key in the store: `stripe/default/live/pi_3Q`."""
        return f"{self.account}/{self.payment_id}"


class PaymentChanged(msgspec.Struct, frozen=True):
    """Something happened to a payment after it was captured: refunded, disputed.

    `what` is the event's type; `event` its id, which makes each change a fact of its own. `refund` is the id of the one
    refund that is told of, with its own amount; empty where `amount` is the whole that went back so far. `failed`: that
    refund did not reach the customer, after all.
    """

    account: str
    payment_id: str
    what: str
    amount: Money
    event: str
    happened_at: Instant
    order: str | None = None
    expects: tuple[str, ...] = ("invoice",)
    refund: str = ""
    failed: bool = False


class Payment(msgspec.Struct, frozen=True):
    """A payment as it is kept: the fact, and what we learnt of it since."""

    fact: PaymentSucceeded
    recorded_at: Instant
    changes: tuple[PaymentChanged, ...] = ()

    @property
    def key(self) -> str:
        """As the fact's."""
        return self.fact.key


class PaymentDetails(msgspec.Struct, frozen=True):
    """A payment as its provider tells it now. `amount` is what was captured."""

    payment_id: str
    charge_id: str
    amount: Money
    refunded: Money
    disputed: bool
    captured: bool
    live: bool
    customer_id: str | None = None
    billing: Customer | None = None
