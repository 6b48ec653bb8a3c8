"""A session: one checkout page at Stripe, who was sent there for what, and how it ended.

Sessions are made by us, by payment links, or by other programs of the same account; all of them become orders once
they are paid. `open` and `unpaid` ones are asked about again until they end, however late that is.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from onpaid.clock import Instant
from onpaid.domain.money import Money
from onpaid.domain.orders import Customer

SessionState = Literal["open", "unpaid", "paid", "failed", "expired"]
"""`unpaid`: completed, and the money is still on its way (bank debits take days); `failed`: it never came."""
Origin = Literal["webhook", "nightly_sync"]


class User(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who asks, as their token says."""

    id: str
    role: str = ""
    email: str = ""


class CustomerWanted(msgspec.Struct, frozen=True):
    """A user is to have a customer at Stripe: starts `file_customer`. `generation` counts replaced customers.

    `wanted_at` is when it was first wanted; a lost one without an e-mail address is looked for from there on.
    """

    user: User
    generation: int = 1
    wanted_at: Instant = 0


class CustomerRef(msgspec.Struct, frozen=True):
    """A customer at Stripe; `deleted` ones are only a name."""

    customer_id: str
    email: str = ""
    user: str = ""
    deleted: bool = False


class Replaced(msgspec.Struct, frozen=True):
    """A customer that a user no longer has, and why."""

    customer_id: str
    why: str
    at: Instant


class UserCustomer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A user and their customer at Stripe. The requirement's record, found by either id.

    `live` is the mode of the key that the customer was made with; `customer_id` is empty between two customers.
    """

    user: str
    customer_id: str
    created_at: Instant
    updated_at: Instant
    role: str = ""
    email: str = ""
    generation: int = 1
    replaced: tuple[Replaced, ...] = ()
    live: bool = False


class SessionWanted(msgspec.Struct, frozen=True):
    """A user wants to pay: starts `open_session`. `reference` is ours: it names the run, and goes along to Stripe."""

    reference: str
    user: User
    price: str
    success_url: str
    cancel_url: str
    quantity: int = 1


class SessionDraft(msgspec.Struct, frozen=True):
    """A session as Stripe is asked to make it."""

    reference: str
    customer_id: str
    user: User
    price_id: str
    recurring: bool
    success_url: str
    cancel_url: str
    quantity: int = 1


class SessionRef(msgspec.Struct, frozen=True):
    """A session that was made. `payment_id` is mostly not known yet: Stripe makes it when the customer pays."""

    session_id: str
    url: str
    customer_id: str
    payment_id: str | None = None


class SessionDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session as Stripe tells it now. `total` is None while there is nothing to pay yet (set-up sessions).

    `invoice_id` is its bill, where a subscription began in it.
    """

    session_id: str
    mode: str
    status: str
    payment_status: str
    created_at: Instant
    live: bool
    total: Money | None = None
    payment_id: str | None = None
    subscription_id: str | None = None
    customer_id: str | None = None
    customer: Customer | None = None
    user: str = ""
    reference: str = ""
    url: str = ""
    refunded: int | None = None
    """What went back of it, in minor units; None where that was not asked."""
    invoice_id: str | None = None

    @property
    def bill(self) -> str:
        """The bill that knows which payment paid, where the session does not; empty where none is needed."""
        owed = self.total is not None and self.total.minor > 0
        return self.invoice_id or "" if owed and self.payment_id is None else ""

    @property
    def state(self) -> SessionState:
        """How far it has come. A failed delayed payment looks like `unpaid` here: its event tells."""
        if self.status == "expired":
            return "expired"
        if self.status != "complete":
            return "open"
        return "unpaid" if self.payment_status == "unpaid" else "paid"


class SessionLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a session or a bill, in minor units of its currency, below 0 for a credit. `total` has discount and
    tax in it."""

    id: str
    name: str
    quantity: int
    subtotal: int
    discount: int
    tax: int
    total: int
    currency: str
    price_id: str = ""
    product_id: str = ""
    lookup_key: str = ""


class SessionTold(msgspec.Struct, frozen=True):
    """A session is paid, as an event or the nightly reconciliation tells: starts `keep_session`, once for each."""

    account: str
    session_id: str
    live: bool
    told_at: Instant
    origin: Origin = "webhook"
    event: str = ""

    @property
    def key(self) -> str:
        """The session's key in the store: `stripe/default/live/cs_live_a1`."""
        return f"{self.account}/{self.session_id}"


class SessionChanged(msgspec.Struct, frozen=True):
    """A session was seen in a state that is not `paid`: only noted, so that it is asked about again, or no more."""

    account: str
    session_id: str
    state: SessionState
    created_at: Instant
    seen_at: Instant
    user: str = ""

    @property
    def key(self) -> str:
        """As SessionTold's."""
        return f"{self.account}/{self.session_id}"


class Session(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session as it is kept: its state, and once it is paid its order and what it came to.

    `order` is the order's key, `refunded` what went back since, in minor units: it follows from `refunds`, each by its
    id (below 0 if it failed), and from `refunded_whole`, the most that was told as the whole. `owner` is under whom the
    order is listed: the user, else the e-mail address, else the customer. `why_no_invoice` says why a person must make
    it.
    """

    key: str
    session_id: str
    state: SessionState
    created_at: Instant
    seen_at: Instant
    user: str = ""
    customer_id: str = ""
    mode: str = ""
    order: str = ""
    order_number: str = ""
    payment_id: str = ""
    subscription_id: str = ""
    total: Money | None = None
    refunded: int = 0
    refunds: dict[str, int] = {}
    refunded_whole: int = 0
    origin: Origin = "webhook"
    synced_at: Instant = 0
    paid_at: Instant = 0
    lines: tuple[SessionLine, ...] = ()
    owner: str = ""
    why_no_invoice: str = ""
