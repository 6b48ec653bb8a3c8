"""What a demo is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

FACTOR = 40.0
"""Forty times as fast as life: quiet periods of 65 s pass in 1.6 s, which still outlasts whatever lands late by
honest means. The simulators' own times are not compressed."""
EMULATED_FACTOR = 20.0
"""On the emulated AWS each look at the table takes milliseconds, and a lease must outlast many of them."""
LOST: Final = "drop-webhook"
"""The fault that only a reconciliation makes good."""
TARGETS: Final = ("processes", "aws-emulator")
"""What the service runs on: one process, or the AWS form on an emulator."""
SALES_SHARE: Final = 6
"""Of how many orders one is a sale at Stripe."""
MESSENGERS: Final = ("meta", "twilio", "msg91", "wati")
"""Who sends messages: each seed takes the next."""


@dataclass(frozen=True, slots=True)
class Options:
    """As given on the command line. `orders` are all orders.

    `sales` of them are sold at Stripe: by default a sixth, or none where `parcels` are named. `parcels` of them are to
    be shipped: by default half of the rest.
    """

    orders: int = 60
    faults: str = "all"
    seed: int = 1
    once: bool = False
    as_json: bool = False
    database: Path | None = None
    factor: float = FACTOR
    port: int = 0
    upsells: float = 0.0
    parcels: int | None = None
    messages: str | None = None
    sales: int | None = None
    target: str = "processes"

    @property
    def carts(self) -> int:
        """How many orders are carts at our own checkout."""
        return (self.orders - self.sold) // 2 if self.parcels is None else self.parcels

    @property
    def sold(self) -> int:
        """How many orders are sales at Stripe."""
        if self.sales is not None:
            return self.sales
        return self.orders // SALES_SHARE if self.parcels is None else 0

    @property
    def subscriptions(self) -> int:
        """How many of the sales are paid again and again: a third."""
        return (self.sold + 1) // 3

    @property
    def sessions(self) -> int:
        """How many of the sales are paid once: two thirds."""
        return self.sold - self.subscriptions

    @property
    def shop_orders(self) -> int:
        """How many orders are placed at the shop that only has them invoiced."""
        return self.orders - self.carts - self.sold

    @property
    def messenger(self) -> str:
        """Who sends messages."""
        return self.messages or MESSENGERS[self.seed % len(MESSENGERS)]

    @property
    def loses_webhooks(self) -> bool:
        """Whether some webhooks never come, and somebody has to reconcile."""
        return LOST in self.faults.split(",")

    @property
    def patience(self) -> float:
        """Seconds after which a demo that has not come to its end is given up, and counts as failed."""
        patience = (120.0 + 1.5 * self.orders) * self.slowness
        return 2 * patience if self.loses_webhooks else patience

    @property
    def slowness(self) -> float:
        """How many times as long as in one process anything may take."""
        return 5.0 if self.target == "aws-emulator" else 1.0
