"""Refunds at Razorpay: when money can go back, how a refund goes on, and the one idempotency key of the API.

A refund is taken on at once and processed a while later. Under a key the same body is the same refund;
another body is refused, and while the first request still runs, a repeat is a conflict.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from onpaid.simulators import razorpay_shapes as shape
from onpaid.simulators.kit import Answer, Clock, Dice, Json
from onpaid.simulators.razorpay_events import Teller
from onpaid.simulators.razorpay_rules import Wrong

KEY: Final = re.compile(r"[A-Za-z0-9_-]{10,}")


def refundable(payment: Json, amount: int | None) -> int:
    """How much goes back: what was asked for, or all that is left; Wrong if it cannot."""
    if payment["status"] == "refunded":
        raise Wrong("The payment has been fully refunded already")
    if payment["status"] != "captured":
        raise Wrong("The payment status should be captured for action to be taken")
    left: int = payment["amount"] - payment["amount_refunded"]
    back = left if amount is None else amount
    if not isinstance(back, int) or isinstance(back, bool) or back < 1:
        raise Wrong("The amount must be an integer", "amount")
    if back > left:
        raise Wrong("The total refund amount is greater than the refund payment amount", "amount")
    return back


class Refunds:
    """The refunds of one account."""

    def __init__(self, clock: Clock, lag: float, teller: Teller) -> None:
        self._clock, self._lag, self._teller = clock, lag, teller
        self.forget()

    def forget(self) -> None:
        self._made: dict[str, Json] = {}
        self._processed_at: dict[str, float] = {}

    def now(self) -> dict[str, Json]:
        """All of them; those whose time has come are processed."""
        for ident in [each for each, at in self._processed_at.items() if at <= self._clock.now()]:
            self._made[ident]["status"] = "processed"
            del self._processed_at[ident]
        return self._made

    def add(
        self,
        ident: str,
        dice: Dice,
        payment: Json,
        back: int,
        given: Mapping[str, Any],
        *,
        name: str,
        fails: bool = False,
    ) -> Json:
        """Give this much back and tell of it. One that `fails` moves no money."""
        now = self._clock.now()
        refund = shape.refund(ident, payment, dice, given, amount=back, created=int(now))
        self._made[ident] = refund
        if not fails:
            gone = payment["amount_refunded"] + back
            whole = gone == payment["amount"]
            payment.update(amount_refunded=gone, refund_status="full" if whole else "partial")
            payment["status"] = "refunded" if whole else payment["status"]
        self._teller.tell(name, "refund.created", {"refund": refund, "payment": payment})
        if fails:
            refund["status"] = "failed"
            self._teller.tell(name, "refund.failed", {"refund": refund, "payment": payment})
            return refund
        self._processed_at[ident] = now + self._lag
        done = {**refund, "status": "processed"}
        self._teller.tell(name, "refund.processed", {"refund": done, "payment": payment}, after=self._lag)
        return refund


@dataclass(slots=True)
class Kept:
    """What is known about one key; `answer` is None while its first request runs."""

    fingerprint: str
    answer: Answer | None = None


class RefundKeys:
    """The values of `X-Refund-Idempotency`. A request that was refused leaves its key free."""

    def __init__(self) -> None:
        self._kept: dict[str, Kept] = {}

    def forget(self) -> None:
        self._kept.clear()

    def begin(self, key: str, fingerprint: str) -> Answer | None:
        """None where the request is to be executed; its key counts as running from now on."""
        if KEY.fullmatch(key) is None:
            return shape.error(400, "The idempotency key must have ten or more letters, digits, - or _")
        kept = self._kept.get(key)
        if kept is None:
            self._kept[key] = Kept(fingerprint)
            return None
        if kept.fingerprint != fingerprint:
            message = "Different request with the same idempotency key has already been processed."
            return shape.error(400, message)
        if kept.answer is None:
            return shape.error(409, "Another request with the same idempotency key is still running.")
        return kept.answer

    def finish(self, key: str, answer: Answer) -> None:
        """Keep what the first request was answered, or free the key if it was refused.

        The refund itself is kept and not a copy: a repeat tells it as it is by then.
        """
        if answer.status == 200:
            self._kept[key] = Kept(self._kept[key].fingerprint, answer)
        else:
            self.abandon(key)

    def abandon(self, key: str) -> None:
        """The request was never executed: the key is free again."""
        self._kept.pop(key, None)
