"""Stripe's invoices for subscriptions: made with each period, paid, or tried again and again in vain.

Their charges bear no metadata of ours: what they are for is known from the invoice alone, which an invoice payment
leads to.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from onpaid.simulators import stripe_billing_shapes as shapes
from onpaid.simulators import stripe_invoice_shapes as invoice_shapes
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe import Pay, Stripe
from onpaid.simulators.stripe_keys import no_such
from onpaid.simulators.stripe_troubles import Troubles

NEXT_TRY = 3 * 24 * 3600
FIRST_LINES: Final = 10
"""An invoice shows so many of its lines; the others are in a list of their own."""


class Invoices:
    """The invoices of one account, and the invoice payments between them and PaymentIntents."""

    def __init__(
        self, stripe: Stripe, clock: Clock, troubles: Troubles, number_of: Callable[[str], str]
    ) -> None:
        """`number_of` is how the shop derives an order's number from an id."""
        self._stripe, self._clock, self._troubles = stripe, clock, troubles
        self._number_of = number_of
        self.forget()

    def number(self, ident: str) -> str:
        """The number of the order that it becomes when it is paid: its session's, where a subscription began in one."""
        return self._numbers.get(ident) or self._number_of(ident)

    def belongs(self, invoice: Json, session: Json) -> None:
        """The session in which it came about, whose order it is paid for; whoever paid there pays from now on, with the
        name and address that belong to the card."""
        self._numbers[invoice["id"]] = self._number_of(session["id"])
        self._cards[_subscription(invoice)] = session["customer_details"] or {}

    def forget(self) -> None:
        self.all: dict[str, Json] = {}
        self.lines: dict[str, list[Json]] = {}
        self.payments: dict[str, Json] = {}
        self._numbers: dict[str, str] = {}
        self._cards: dict[str, Mapping[str, Any]] = {}

    def invoice(self, ident: str) -> Json:
        """The invoice; refused if there is none."""
        if ident not in self.all:
            raise no_such("invoice", ident)
        return self.all[ident]

    def bill(self, of: Json, why: str, once: list[tuple[Json, int]] | None = None) -> Json:
        """An open invoice over the subscription's present period, with what is bought `once` on top."""
        key = self._stripe.numbered(f"invoice {of['id']}")
        ident = self._stripe.ident("in", key)
        items = list(of["items"]["data"])
        lines = [
            shapes.invoice_line(self._stripe.ident("il", key, str(nth)), ident, item, _amount(item))
            for nth, item in enumerate(items)
        ]
        for nth, (price, quantity) in enumerate(once or []):
            lines.append(self._once(f"{key} {nth}", ident, of, price, quantity))
        who = self._stripe.customers.get(of["customer"], {})
        number = f"SIM-{len(self.all) + 1:05d}"
        now = int(self._clock.now())
        made = invoice_shapes.invoice(ident, lines, of, who, created=now, billing_reason=why, number=number)
        self.all[ident], self.lines[ident] = made, lines
        made["lines"].update(data=lines[:FIRST_LINES], has_more=len(lines) > FIRST_LINES)
        of["latest_invoice"] = ident
        if made["amount_due"]:
            between = self._stripe.ident("inpay", key)
            intent = self._stripe.ident("pi", ident)
            self.payments[between] = invoice_shapes.invoice_payment(between, made, intent, created=now)
        return made

    def _once(self, key: str, of: str, subscription: Json, price: Json, quantity: int) -> Json:
        item = {
            "id": self._stripe.ident("ii", key),
            "price": price,
            "quantity": quantity,
            "subscription": subscription["id"],
            "current_period_start": subscription["created"],
            "current_period_end": subscription["created"],
        }
        made = shapes.invoice_line(self._stripe.ident("il", key), of, item, _amount(item))
        about = {"invoice_item": item["id"], "proration": False, "proration_details": None}
        made["parent"] = {
            "invoice_item_details": {**about, "subscription": subscription["id"]},
            "subscription_item_details": None,
            "type": "invoice_item_details",
        }
        return made

    def pay(self, invoice: Json) -> None:
        """The invoice is paid."""
        if invoice["status"] != "open":
            raise ValueError(f"the invoice is {invoice['status']}")
        now, due = int(self._clock.now()), invoice["amount_due"]
        if due:
            self._stripe.pay(self._pay(invoice))
            self._tried(invoice)
            between = self._between(invoice)
            between.update(status="paid", amount_paid=due)
            between["status_transitions"]["paid_at"] = now
        invoice.update(status="paid", amount_paid=due, amount_remaining=0, next_payment_attempt=None)
        invoice["status_transitions"]["paid_at"] = now
        self._stripe.tell(invoice["id"], "invoice.paid", invoice)
        self._stripe.tell(invoice["id"], "invoice.payment_succeeded", invoice)

    def fail(self, invoice: Json) -> None:
        """A try to pay it fails."""
        if invoice["status"] != "open":
            raise ValueError(f"the invoice is {invoice['status']}")
        self._troubles.fail(self._pay(invoice))
        self._tried(invoice)
        invoice["next_payment_attempt"] = int(self._clock.now()) + NEXT_TRY
        self._stripe.tell(invoice["id"], "invoice.payment_failed", invoice)

    def process(self, invoice: Json) -> None:
        """Its money is on its way."""
        self._troubles.process(self._pay(invoice))
        self._tried(invoice)

    def void(self, invoice: Json) -> None:
        """Nobody owes it any more."""
        invoice["status"] = "void"
        invoice["status_transitions"]["voided_at"] = int(self._clock.now())
        self._stripe.tell(invoice["id"], "invoice.voided", invoice)

    def _tried(self, invoice: Json) -> None:
        invoice.update(attempted=True, attempt_count=invoice["attempt_count"] + 1)

    def _between(self, invoice: Json) -> Json:
        return next(each for each in self.payments.values() if each["invoice"] == invoice["id"])

    def _pay(self, invoice: Json) -> Pay:
        who = self._stripe.customers.get(invoice["customer"])
        known = who if who and not who.get("deleted") else None
        return Pay(
            invoice["amount_due"],
            invoice["currency"],
            customer=invoice["customer"],
            billing=self._cards.get(_subscription(invoice)) or known,
            key=invoice["id"],
            number=self.number(invoice["id"]),
        )

    def listed(self, params: Json) -> list[Json]:
        """Those that the filters let through, oldest first."""
        of = params.get("subscription")
        return [
            each
            for each in self.all.values()
            if all(
                name not in params or each[name] == params[name]
                for name in ("customer", "status", "collection_method")
            )
            and (of is None or each["parent"]["subscription_details"]["subscription"] == of)
        ]

    def payments_listed(self, params: Json) -> list[Json]:
        """Invoice payments, by invoice or by the PaymentIntent that pays."""
        intent = (params.get("payment") or {}).get("payment_intent")
        return [
            each
            for each in self.payments.values()
            if all(name not in params or each[name] == params[name] for name in ("invoice", "status"))
            and (intent is None or each["payment"]["payment_intent"] == intent)
        ]


def _subscription(invoice: Json) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])


def _amount(item: Json) -> int:
    price = item["price"]
    if price["unit_amount"] is None:
        raise ValueError("a recurring price has no fractions here")
    return int(price["unit_amount"]) * int(item["quantity"])
