"""Razorpay: takes an Indian customer's money for an order of ours.

What it is: an order with our number as its receipt, paid in Razorpay's own form in the browser; https://api.razorpay.com.
How a thing is found again: an order by `receipt` (which Razorpay does not reliably keep unique, and takes no idempotency
key for), a refund by its idempotency header and by our receipt on it.
Its limits: not published; 429 says when it is too much. Webhooks must be answered within 5 s.
How it signs: see `razorpay_webhooks.py`; the customer's page by HMAC-SHA256 under the API secret (`verify_page`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta

from onpaid.acts import Absent, Finding, Found, LaneLimit, Unsure, act, current_call
from onpaid.clock import Instant
from onpaid.domain.checkouts import CapturedPayment, CheckoutRef, CheckoutWanted, RefundRef, RefundWanted
from onpaid.domain.money import Money
from onpaid.domain.payments import PaymentChanged, PaymentSucceeded
from onpaid.domain.takings import Taking
from onpaid.errors import InvalidInput, ProviderError, Refused
from onpaid.providers import http
from onpaid.providers import razorpay_wire as wire
from onpaid.providers.masking import masked
from onpaid.providers.razorpay_webhooks import RazorpayWebhooks
from onpaid.providers.signatures import as_keys

TIMEOUT = timedelta(seconds=15)
KEY_LIFE = timedelta(hours=24)
"""How long the refund header is surely remembered. Not documented: a day is what others keep at the least."""
MOST_LISTED = 100
FAILED = "failed"
_ID = re.compile(r"[A-Za-z0-9_]{1,40}", re.ASCII)


def key_mode(key_id: str) -> bool:
    """Whether a key works in live mode."""
    return key_id.startswith("rzp_live_")


@dataclass(frozen=True)
class Settings:
    """`shop` is the name of our checkout, part of its orders' keys."""

    key_id: str = ""
    key_secret: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    live: bool = False
    shop: str = "shop"
    api_base: str = "https://api.razorpay.com"


class Razorpay(RazorpayWebhooks):
    """A WebhookSource, and a Checkouts."""

    lanes = (LaneLimit("razorpay", at_once=16, per_second=25),)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.webhook_secrets, live=settings.live, shop=settings.shop)
        self.settings = settings
        secret = b64encode(f"{settings.key_id}:{settings.key_secret}".encode()).decode()
        self._http = http.Http("Razorpay", settings.api_base, headers={"Authorization": f"Basic {secret}"})

    @act(
        lane="razorpay",
        timeout=TIMEOUT,
        settles=timedelta(seconds=30),
        claim=lambda made: f"razorpay:{made.checkout_id}",
    )
    async def create_checkout(self, wanted: CheckoutWanted) -> CheckoutRef:
        """Razorpay's order for ours, with our number as its receipt."""
        asked = {
            "amount": wanted.amount.minor,
            "currency": wanted.amount.currency,
            "receipt": wanted.number,
            "notes": {wire.OUR_MARK: wanted.number},
        }
        answer = await self._http.post("v1", "orders", json=asked)
        return _checkout(answer.read(wire.OrderWire), wanted.number)

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def find_checkout(self, wanted: CheckoutWanted) -> Finding[CheckoutRef]:
        """The order with our receipt, over exactly our amount."""
        params: dict[str, str | int | bool] = {"receipt": wanted.number, "count": MOST_LISTED}
        page = (await self._http.get("v1", "orders", params=params)).read(wire.Orders)
        found = [order for order in page.items if order.receipt == wanted.number]
        if not found:
            full = len(page.items) >= MOST_LISTED
            return Unsure("Razorpay listed a hundred orders, and none with our receipt") if full else Absent()
        if len(found) > 1:
            return Unsure(f"Razorpay has {len(found)} orders with the receipt {wanted.number}", final=True)
        made = _checkout(found[0], wanted.number)
        if made.amount != wanted.amount:
            return Unsure(f"Razorpay's order {made.checkout_id} is over {made.amount.format()}", final=True)
        return Found(made)

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def fetch_captured(self, paid: PaymentSucceeded) -> CapturedPayment:
        """The payment as it is now, and what its order says of whose it is."""
        told = (await self._http.get("v1", "payments", _checked(paid.charge_id or ""))).read(wire.PaymentWire)
        order = (await self._http.get("v1", "orders", _checked(paid.payment_id))).read(wire.OrderWire)
        if told.order_id != order.id:
            raise Refused(f"Razorpay: the payment {told.id} is for another order than {order.id}")
        return CapturedPayment(
            payment_id=told.id,
            checkout_id=order.id,
            amount=_money(told.amount, told.currency, told.id),
            captured=told.taken,
            refunded=_money(told.amount_refunded or 0, told.currency, told.id),
            method=told.method or "",
            receipt=order.receipt or "",
            ours=order.ours,
        )

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def payments_between(self, since: Instant, until: Instant, skip: int) -> list[Taking]:
        """A page of the payments made in this time (both inclusive, whole seconds), newest first, whatever became of
        them; the next `skip` is this one and the page's length. A page shorter than a hundred is the last."""
        params: dict[str, str | int | bool] = {
            "from": since // 1000,
            "to": until // 1000,
            "count": MOST_LISTED,
            "skip": skip,
        }
        page = (await self._http.get("v1", "payments", params=params)).read(wire.Payments)
        return [self._taking(each) for each in page.items]

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def refunded_between(self, since: Instant, until: Instant, skip: int) -> list[str]:
        """The payments of a page of the refunds that were begun in this time: as `payments_between`, by their ids."""
        params: dict[str, str | int | bool] = {
            "from": since // 1000,
            "to": until // 1000,
            "count": MOST_LISTED,
            "skip": skip,
        }
        page = (await self._http.get("v1", "refunds", params=params)).read(wire.Refunds)
        return [each.payment_id for each in page.items]

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def refunds_of(self, taking: Taking) -> tuple[list[PaymentChanged], bool]:
        """What the webhooks of a payment's refunds would have told, and whether some are still on their way."""
        path = ("v1", "payments", _checked(taking.charge_id), "refunds")
        page = (await self._http.get(*path, params={"count": MOST_LISTED})).read(wire.Refunds)
        pending = any(each.status not in ("processed", FAILED) for each in page.items)
        return self.refunds_told(taking, page.items), pending

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def taking_named(self, payment_id: str, charge_id: str) -> Taking | None:
        """One payment as Razorpay knows it now, or None where it has none of this id."""
        answer = await self._http.get("v1", "payments", _checked(charge_id or payment_id), accept=(400, 404))
        if answer.status == 404 or (answer.status == 400 and "does not exist" in answer.text()):
            return None
        return self._taking(self._http.settled(answer).read(wire.PaymentWire))

    @act(key_life=KEY_LIFE, lane="razorpay", timeout=TIMEOUT, settles=timedelta(seconds=30))
    async def refund(self, wanted: RefundWanted) -> RefundRef:
        """Give all of it back. A repeat under the same header is the same refund."""
        call = current_call.get()
        key = hashlib.sha256((call.key if call else wanted.reference).encode()).hexdigest()[:40]
        asked = {
            "amount": wanted.amount.minor,
            "speed": "normal",
            "receipt": _receipt(wanted),
            "notes": {"onpaid_refund": _receipt(wanted)},
        }
        path = ("v1", "payments", _checked(wanted.payment_id), "refund")
        answer = await self._http.post(*path, json=asked, headers={"X-Refund-Idempotency": key})
        made = answer.read(wire.RefundWire)
        if made.status == FAILED:
            raise Refused(f"Razorpay: the refund {made.id} failed, so the customer has no money back yet")
        return _refund(made)

    @act(repeatable=True, lane="razorpay", timeout=TIMEOUT)
    async def find_refund(self, wanted: RefundWanted) -> Finding[RefundRef]:
        """The refund with our receipt. One that failed moved no money, and is none."""
        path = ("v1", "payments", _checked(wanted.payment_id), "refunds")
        page = (await self._http.get(*path, params={"count": MOST_LISTED})).read(wire.Refunds)
        found = [each for each in page.items if each.receipt == _receipt(wanted) and each.status != FAILED]
        if len(found) > 1:
            return Unsure(f"Razorpay has {len(found)} refunds of ours for this payment", final=True)
        if found:
            return Found(_refund(found[0]))
        return Unsure("Razorpay listed a hundred refunds") if len(page.items) >= MOST_LISTED else Absent()

    def _taking(self, told: wire.PaymentWire) -> Taking:
        """A payment without an order (a link, a page) was not made by our checkout: it is named by itself."""
        return Taking(
            account=self._account,
            payment_id=told.order_id or told.id,
            charge_id=told.id,
            amount=_money(told.amount, told.currency, told.id),
            refunded=_money(told.amount_refunded or 0, told.currency, told.id),
            taken_at=told.created_at * 1000,
            live=self.settings.live,
            captured=told.taken,
            ours=bool(told.order_id),
            status=told.status,
        )

    def verify_page(self, checkout_id: str, payment_id: str, signature: str) -> bool:
        """Whether Razorpay's form gave the customer's page this signature. No proof of capture."""
        keys = as_keys([self.settings.key_secret])
        if not keys or not _ID.fullmatch(payment_id):
            return False
        expected = hmac.digest(keys[0], f"{checkout_id}|{payment_id}".encode(), "sha256").hex()
        return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "backslashreplace"))

    async def doctor(self) -> list[str]:
        """What is wrong with our access, in sentences."""
        found = []
        if not self._keys:
            found.append("Razorpay: no webhook secret is set, so every webhook is refused.")
        try:
            await self._http.get("v1", "orders", params={"count": 1})
        except ProviderError as bad:
            found.append(str(bad))
        return found

    def warm(self) -> None:
        """Import what the first call would import otherwise."""
        http.warm()

    async def close(self) -> None:
        """Let go of all connections."""
        await self._http.close()


def _checkout(order: wire.OrderWire, receipt: str) -> CheckoutRef:
    amount = _money(order.amount, order.currency, order.id)
    return CheckoutRef(order.id, amount, order.receipt or receipt, order.status)


def _refund(refund: wire.RefundWire) -> RefundRef:
    return RefundRef(refund.id, _money(refund.amount, refund.currency, refund.id), refund.status)


def _money(minor: int, currency: str, what: str) -> Money:
    try:
        return wire.money(minor, currency)
    except InvalidInput as bad:
        raise Refused(f"Razorpay: the amount of {what} cannot be read: {bad}") from None


def _receipt(wanted: RefundWanted) -> str:
    """At most 40 characters, the same for every try."""
    return "onpaid-" + hashlib.sha256(wanted.reference.encode()).hexdigest()[:24]


def _checked(ident: str) -> str:
    if not _ID.fullmatch(ident):
        raise Refused(f"Razorpay: {masked(ident)[:40]!r} is no id of an object")
    return ident
