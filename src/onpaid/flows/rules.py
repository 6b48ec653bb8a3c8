"""What the operator decides and flows obey: how long to wait, how to invoice, which VAT rules apply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from onpaid.domain.vat import VatTable


@dataclass(frozen=True, slots=True)
class Rules:
    """Settings that stories depend on. Durations are uncompressed."""

    vat: VatTable
    cash_invoice: bool
    due_days: int = 30
    time_zone: str = "Europe/Oslo"
    order_wait: timedelta = timedelta(hours=48)
    look_again: timedelta = timedelta(seconds=30)
    mismatch_wait: timedelta = timedelta(hours=1)
    order_expires_after: timedelta = timedelta(days=14)
    change_wait: timedelta = timedelta(days=1)
    message_order_wait: timedelta = timedelta(minutes=15)
