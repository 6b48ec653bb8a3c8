"""Stripe's Checkout Sessions: made by the API, and paid, failed, left or paid late by whoever plays the customer.

A session is open for a day at most by the simulators' clock. It has no PaymentIntent before somebody tries to pay,
and a delayed payment completes it unpaid; metadata goes only where it was sent.
"""

import base64
import hashlib
import heapq
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from onpaid.simulators import stripe_sales_shapes as shapes
from onpaid.simulators import stripe_session_rules as rules
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe import Pay, Stripe
from onpaid.simulators.stripe_catalogue import Catalogue
from onpaid.simulators.stripe_keys import Refused, no_such
from onpaid.simulators.stripe_subscriptions import Subscriptions
from onpaid.simulators.stripe_troubles import Troubles
from onpaid.simulators.stripe_values import metadata

How = Literal["paid", "delayed", "failed", "action"]
WAYS: Final = get_args(How)
ID_LENGTH: Final = 48


class Sessions:
    """The sessions of one account. `page` is the address under which each can be paid by hand."""

    def __init__(
        self,
        stripe: Stripe,
        clock: Clock,
        catalogue: Catalogue,
        subscriptions: Subscriptions,
        troubles: Troubles,
    ) -> None:
        self._stripe, self._clock = stripe, clock
        self._catalogue, self._subscriptions, self._troubles = catalogue, subscriptions, troubles
        self.page = "/stripe/checkout"
        self.prefix = "BC-"
        self.forget()

    def forget(self) -> None:
        self.all: dict[str, Json] = {}
        self.lines: dict[str, list[Json]] = {}
        self._asked: dict[str, Json] = {}
        self._ends: list[tuple[int, str]] = []

    def number(self, session_id: str) -> str:
        """The number of the order that a paid session makes, as the shop derives it from its id; an invoice likewise."""
        digest = hashlib.sha256(session_id.encode()).digest()
        return self.prefix + base64.b32encode(digest).decode()[:8]

    def session(self, ident: str) -> Json:
        """The session; refused if there is none."""
        if ident not in self.all:
            raise no_such("checkout.session", ident)
        return self.all[ident]

    def create(self, params: Json) -> Json:
        """An open session."""
        now, mode = int(self._clock.now()), str(params.get("mode"))
        rules.check(params, self._stripe)
        expires = rules.ends_at(params, now)
        told = metadata({}, params.get("metadata"))
        items = [] if mode == "setup" else rules.bought(params, self._catalogue)
        ident = self._ident(params, items)
        lines = [self._line(ident, nth, price, count, more) for nth, (price, count, more) in enumerate(items)]
        creation = params.get("invoice_creation") or {"enabled": False}
        who: Mapping[str, Any] = self._stripe.customers.get(params.get("customer", ""), {})
        self.all[ident] = shapes.session(
            ident,
            params,
            created=now,
            expires_at=expires,
            livemode=self._stripe.livemode,
            metadata=told,
            total=None if mode == "setup" else sum(line["amount_total"] for line in lines),
            currency=items[0][0]["currency"] if items else None,
            customer_creation=params.get("customer_creation", "if_required")
            if mode == "payment" and "customer" not in params
            else None,
            invoice_creation={"enabled": creation["enabled"] in (True, "true"), "invoice_data": {}}
            if mode == "payment"
            else None,
            who=who or ({"email": params["customer_email"]} if "customer_email" in params else None),
            url=f"{self.page}/{ident}",
        )
        self.lines[ident], self._asked[ident] = lines, dict(params)
        heapq.heappush(self._ends, (expires, ident))
        return self.all[ident]

    def _ident(self, params: Json, items: list[tuple[Json, int, Json]]) -> str:
        who = params.get("customer") or params.get("customer_email") or "guest"
        name = self._stripe.numbered(f"session {who} {[price['id'] for price, _count, _more in items]}")
        digest = "".join(self._stripe.ident(f"cs{part}", name).rpartition("_3")[2] for part in "abc")
        return f"cs_{'live' if self._stripe.livemode else 'test'}_a1{digest[:ID_LENGTH]}"

    def _line(self, session: str, nth: int, price: Json, quantity: int, more: Json) -> Json:
        amount = int((Decimal(price["unit_amount_decimal"]) * quantity).to_integral_value())
        name = self._catalogue.products[price["product"]]["name"]
        ident = self._stripe.ident("li", session, str(nth))
        return shapes.line(ident, price, name=name, quantity=quantity, amount=amount, metadata=more)

    # -- what the customer does ------------------------------------------------------------------------------------

    def complete(self, ident: str, how: How = "paid", who: Mapping[str, Any] | None = None) -> Json:
        """The customer tries to pay. ValueError if the session is not open, KeyError if there is none.

        `delayed` completes it while the money is on its way, `failed` and `action` leave it open.
        """
        self.tick()
        session = self.all[ident]
        if session["status"] != "open":
            raise ValueError(f"the session is {session['status']}")
        if how not in WAYS:
            raise ValueError(f"how must be one of {', '.join(WAYS)}")
        if how != "paid" and not session["amount_total"]:
            raise ValueError("there is nothing to pay")
        self._know(session, who or {})
        if how in ("failed", "action"):
            act = self._troubles.fail if how == "failed" else self._troubles.require_action
            intent = act(self._pay(session))
            if session["mode"] == "payment":
                session["payment_intent"] = intent["id"]
            return session
        session.update(status="complete", url=None)
        if session["mode"] == "subscription":
            self._subscribe(session, delayed=how == "delayed")
        elif not session["amount_total"]:
            session["payment_status"] = "no_payment_required"
        elif how == "delayed":
            session["payment_intent"] = self._troubles.process(self._pay(session))["id"]
        else:
            session["payment_intent"] = self._stripe.pay(self._pay(session)).intent["id"]
            session["payment_status"] = "paid"
        self._stripe.tell(ident, "checkout.session.completed", session)
        return session

    def settle(self, ident: str, *, ok: bool) -> Json:
        """A delayed payment comes in, or does not. ValueError if the session does not wait for one."""
        session = self.all[ident]
        if (session["status"], session["payment_status"]) != ("complete", "unpaid"):
            raise ValueError(f"the session is {session['status']} and {session['payment_status']}")
        if not self.waits(ident):
            raise ValueError("its payment has failed already")
        self._asked[ident]["settled"] = ok
        if session["mode"] == "subscription":
            self._subscriptions.settle_first(session["subscription"], ok=ok)
        elif ok:
            self._stripe.pay(self._pay(session))
        else:
            self._troubles.fail(self._pay(session), "payment_failed")
        if ok:
            session["payment_status"] = "paid"
        kind = f"checkout.session.async_payment_{'succeeded' if ok else 'failed'}"
        self._stripe.tell(ident, kind, session)
        return session

    def waits(self, ident: str) -> bool:
        """Whether its money is on its way."""
        session = self.all[ident]
        unpaid = (session["status"], session["payment_status"]) == ("complete", "unpaid")
        return unpaid and "settled" not in self._asked[ident]

    def settled(self, ident: str) -> bool | None:
        """Whether its delayed payment came; None if it had none, or has not settled."""
        found: bool | None = self._asked.get(ident, {}).get("settled")
        return found

    def expire(self, ident: str) -> Json:
        """Nobody can pay it any more; refused if it is not open."""
        session = self.session(ident)
        if session["status"] != "open":
            message = 'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a '
            raise Refused(f"{message}status of `{session['status']}`.")
        session.update(status="expired", url=None)
        self._stripe.tell(ident, "checkout.session.expired", session)
        return session

    def tick(self) -> None:
        """What the time brings: sessions that nobody paid in time are over."""
        now = self._clock.now()
        while self._ends and self._ends[0][0] <= now:
            _at, ident = heapq.heappop(self._ends)
            if self.all[ident]["status"] == "open":
                self.expire(ident)

    def _know(self, session: Json, who: Mapping[str, Any]) -> None:
        """Who pays: the customer that was named, or whoever types an e-mail address; a customer is made if due."""
        if session["customer"] is not None:
            known: Mapping[str, Any] = self._stripe.customers[session["customer"]]
        else:
            email = who.get("email") or session["customer_email"] or "guest@example.org"
            known = {**who, "email": email}
            always = session["customer_creation"] == "always" or session["mode"] == "subscription"
            if always:
                known = self._stripe.add_customer(known)
                session["customer"] = known["id"]
        session["customer_details"] = shapes.details({**known, **who})

    def _pay(self, session: Json) -> Pay:
        """The payment of a session, under the same name at every try."""
        data = self._asked[session["id"]].get("payment_intent_data") or {}
        return Pay(
            session["amount_total"] or 0,
            session["currency"],
            customer=session["customer"],
            billing=session["customer_details"],
            metadata=metadata({}, data.get("metadata")),
            key=session["id"],
            number=self.number(session["id"]) if session["mode"] == "payment" else None,
        )

    def _subscribe(self, session: Json, *, delayed: bool) -> None:
        data = self._asked[session["id"]].get("subscription_data") or {}
        bought = [(line["price"], line["quantity"]) for line in self.lines[session["id"]]]
        made = self._subscriptions.begin(
            session["id"],
            session["customer"],
            bought,
            metadata({}, data.get("metadata")),
            description=data.get("description"),
            session=session,
            delayed=delayed,
        )
        session.update(subscription=made["id"], invoice=made["latest_invoice"])
        session["payment_status"] = "unpaid" if delayed else "paid"

    # -- lists -----------------------------------------------------------------------------------------------------

    def listed(self, params: Json) -> list[Json]:
        """Those that the filters let through, oldest first."""
        names = ("customer", "payment_intent", "payment_link", "status", "subscription")
        email = (params.get("customer_details") or {}).get("email")
        if not params.keys() & {*names, "customer_details"}:
            return list(self.all.values())
        return [
            each
            for each in self.all.values()
            if all(name not in params or each[name] == params[name] for name in names)
            and (email is None or (each["customer_details"] or {}).get("email") == email)
        ]
