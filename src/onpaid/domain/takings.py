"""Money as the provider that took it lists it: what a period's payments are, asked of the source and not of us.

A taking names the payment as `PaymentSucceeded` does, so that both can be held against each other by their key.
"""

from __future__ import annotations

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money


class Taking(msgspec.Struct, frozen=True, omit_defaults=True):
    """One payment in a provider's list. `amount` is what was captured, `refunded` what went back of it since.

    `payment_id` is the id under which we keep the payment (Stripe's PaymentIntent, Razorpay's order), `charge_id` the
    single taking of money under it. `taken_at` is when it was made there, in whole seconds; `order` is the order's
    number where the payment names one, and `ours` says that it bears a sign of ours: other money comes to the same
    account. `captured` is false for money that was only authorised or whose payment failed. `trouble` says why nobody
    can tell its order, where it bears our sign and names none that could be one.
    """

    account: str
    payment_id: str
    charge_id: str
    amount: Money
    refunded: Money
    taken_at: Instant
    live: bool
    captured: bool
    ours: bool = False
    order: str = ""
    customer_id: str = ""
    status: str = ""
    reference: str = ""
    trouble: str = ""

    @property
    def key(self) -> str:
        """The payment's key in the store: `stripe/default/live/pi_3Q`."""
        return f"{self.account}/{self.payment_id}"
