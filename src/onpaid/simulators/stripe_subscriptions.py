"""Stripe's subscriptions: begun by a session that is paid, renewed, failing, mended and ended.

An ended one never comes back. Some are told of as incomplete first and active in the same second, as Stripe does;
which, the seed decides.
"""

from copy import deepcopy
from typing import Any, Final

from onpaid.simulators import stripe_billing_shapes as shapes
from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_invoices import Invoices
from onpaid.simulators.stripe_keys import no_such
from onpaid.simulators.stripe_periods import later

ENDED: Final = ("canceled", "incomplete_expired")
REASONS: Final = (
    "cancellation_requested",
    "payment_failed",
    "payment_disputed",
    "canceled_by_retention_policy",
    None,
)
Bought = list[tuple[Json, int]]


class Subscriptions:
    """The subscriptions of one account."""

    def __init__(self, stripe: Stripe, clock: Clock, invoices: Invoices) -> None:
        self._stripe, self._clock, self._invoices = stripe, clock, invoices
        self.forget()

    def forget(self) -> None:
        self.all: dict[str, Json] = {}
        self._ending: set[str] = set()

    def subscription(self, ident: str) -> Json:
        """The subscription, an ended one too; refused if there is none."""
        if ident not in self.all:
            raise no_such("subscription", ident)
        return self.all[ident]

    # -- its life --------------------------------------------------------------------------------------------------

    def begin(
        self,
        key: str,
        customer: str,
        bought: Bought,
        told: dict[str, str] | None = None,
        *,
        description: str | None = None,
        session: Json | None = None,
        delayed: bool = False,
        paid: bool = True,
    ) -> Json:
        """A subscription to what of it recurs; the rest is on the first invoice. Unless `paid` it stays incomplete.
        `session` is the session that it began in."""
        now, ident = int(self._clock.now()), self._stripe.ident("sub", key)
        items = [
            self._item(ident, nth, price, quantity, now)
            for nth, (price, quantity) in enumerate(bought)
            if price["recurring"] is not None
        ]
        about = {"created": now, "customer": customer, "livemode": self._stripe.livemode}
        made = shapes.subscription(ident, items, **about, metadata=told, description=description)
        self.all[ident] = made
        once = [(price, quantity) for price, quantity in bought if price["recurring"] is None]
        invoice = self._invoices.bill(made, "subscription_create", once)
        if session is not None:
            self._invoices.belongs(invoice, session)
        if not paid:
            self._tell(made, "created")
            return made
        twice = Dice(self._stripe.seed).at("subscription", key).chance("incomplete first", 0.5)
        if twice:
            self._tell(made, "created")
        if delayed:
            self._invoices.process(invoice)
        else:
            self._invoices.pay(invoice)
        made["status"] = "active"
        self._tell(made, "updated" if twice else "created", {"status": "incomplete"} if twice else None)
        return made

    def settle_first(self, ident: str, *, ok: bool) -> Json:
        """The delayed payment of the first invoice comes in, or does not."""
        made = self.all[ident]
        invoice = self._invoices.all[made["latest_invoice"]]
        if ok:
            self._invoices.pay(invoice)
        else:
            self._invoices.fail(invoice)
            self.change(made, status="past_due")
        return made

    def renew(self, ident: str) -> Json:
        """The next period begins, and is paid. ValueError if it has ended, KeyError if there is none."""
        made, before = self._next_period(ident)
        self._invoices.pay(self._invoices.all[made["latest_invoice"]])
        if made["status"] != "active":
            before["status"], made["status"] = made["status"], "active"
        self._tell(made, "updated", before)
        return made

    def fail(self, ident: str) -> Json:
        """The next period begins and its payment fails; where one has failed already, the next try fails."""
        made = self._living(ident)
        if made["status"] == "past_due":
            self._invoices.fail(self._invoices.all[made["latest_invoice"]])
            return made
        made, before = self._next_period(ident)
        self._tell(made, "updated", before)
        self._invoices.fail(self._invoices.all[made["latest_invoice"]])
        self.change(made, status="past_due")
        return made

    def recover(self, ident: str) -> Json:
        """What was owed is paid after all."""
        made = self._living(ident)
        self._invoices.pay(self._invoices.all[made["latest_invoice"]])
        self.change(made, status="active")
        return made

    def cancel(
        self,
        ident: str,
        reason: str | None = "cancellation_requested",
        *,
        at_period_end: bool = False,
        told: Json | None = None,
    ) -> Json:
        """It ends, at once or with its period. A reason of None is an end that was agreed on before; `told` is what
        the customer had to say.
        """
        made, now = self._living(ident), int(self._clock.now())
        if reason not in REASONS:
            raise ValueError(f"reason must be one of {', '.join(map(str, REASONS))}")
        details = {**made["cancellation_details"], **(told or {}), "reason": reason}
        if at_period_end:
            end = max(item["current_period_end"] for item in made["items"]["data"])
            ending = {"cancel_at_period_end": True, "cancel_at": end}
            self.change(made, **ending, canceled_at=now, cancellation_details=details)
            return made
        self._end(made, now, {"cancellation_details": details, "canceled_at": made["canceled_at"] or now})
        return made

    def give_up(self, ident: str) -> Json:
        """Nobody paid the first invoice within a day: an incomplete one is over."""
        made, now = self._living(ident), int(self._clock.now())
        if made["status"] != "incomplete":
            raise ValueError(f"the subscription is {made['status']}")
        self._invoices.void(self._invoices.all[made["latest_invoice"]])
        self.change(made, status="incomplete_expired", ended_at=now)
        return made

    def tick(self) -> None:
        """What the time brings: those that were to end by now have ended."""
        now = self._clock.now()
        for ident in sorted(self._ending):
            made = self.all[ident]
            if made["status"] not in ENDED and made["cancel_at"] is not None and made["cancel_at"] <= now:
                self._end(made, made["cancel_at"], {})

    def _end(self, made: Json, at: int, changes: Json) -> None:
        self._ending.discard(made["id"])
        made.update(changes, status="canceled", ended_at=at)
        self._tell(made, "deleted")

    def _living(self, ident: str) -> Json:
        self.tick()
        made = self.all[ident]
        if made["status"] in ENDED:
            raise ValueError(f"the subscription is {made['status']}")
        return made

    def _next_period(self, ident: str) -> tuple[Json, Json]:
        made = self._living(ident)
        before: Json = {"items": deepcopy(made["items"]), "latest_invoice": made["latest_invoice"]}
        for item in made["items"]["data"]:
            start = item["current_period_end"]
            item.update(
                current_period_start=start, current_period_end=later(start, item["price"]["recurring"])
            )
        self._invoices.bill(made, "subscription_cycle")
        return made, before

    def _item(self, of: str, nth: int, price: Json, quantity: int, start: int) -> Json:
        ident = self._stripe.ident("si", of, str(nth))
        end = later(start, price["recurring"])
        return shapes.subscription_item(ident, of, price, quantity, start, end)

    def change(self, made: Json, **changes: Any) -> None:
        """Set this, and tell of it if anything is another than before."""
        before = {name: made[name] for name, value in changes.items() if made[name] != value}
        made.update(changes)
        if made["cancel_at"] is not None:
            self._ending.add(made["id"])
        if before:
            self._tell(made, "updated", before)

    def _tell(self, made: Json, what: str, before: Json | None = None) -> None:
        self._stripe.tell(made["id"], f"customer.subscription.{what}", made, before)
