"""What a change of a subscription means: created, updated, canceled or expired.

Stripe knows one way to end. Whether the customer wanted it (canceled) or it ran out (expired) is told by the reason
and the dates, which always go along, so that whoever disagrees can decide otherwise.
"""

from __future__ import annotations

import hashlib

import msgspec

from onpaid.clock import Instant, iso
from onpaid.domain.billing import BillingNews, BillingType, SubscriptionDetails, SubscriptionTold, Value

ENDED = frozenset(("canceled", "incomplete_expired"))
RAN_OUT = frozenset(("payment_failed", "payment_disputed", "canceled_by_retention_policy"))


def has_ended(details: SubscriptionDetails) -> bool:
    """Whether it has ended for good: nothing brings it back."""
    return details.status in ENDED


def ended_as(details: SubscriptionDetails) -> BillingType:
    """Whether an ended subscription was canceled or has expired."""
    if details.status == "incomplete_expired" or details.reason in RAN_OUT:
        return "subscription.expired"
    planned = 0 < details.cancel_at <= details.ended_at
    if not details.reason and planned:
        return "subscription.expired"
    return "subscription.canceled"


def news_of(
    told: SubscriptionTold,
    before: SubscriptionDetails | None,
    now: SubscriptionDetails,
    number: int,
) -> BillingNews | None:
    """What others are told, or None if nothing changed. `number` counts the states that were noted."""
    if before is not None and _told(before) == _told(now):
        return None
    type_: BillingType
    mark, happened = "", told.told_at
    if has_ended(now):
        type_, happened = ended_as(now), now.ended_at or now.canceled_at or told.told_at
    elif before is None:
        type_, happened = "subscription.created", now.created_at or told.told_at
    else:
        # The state goes into the mark: after a restored backup the number is given once more, to another state.
        state = hashlib.sha256(msgspec.json.encode(_told(now))).hexdigest()[:16]
        type_, mark = "subscription.updated", f"{number}/{state}"
    return BillingNews(
        account=told.account,
        type=type_,
        subject=now.subscription_id,
        happened_at=happened,
        live=now.live,
        mark=mark,
        customer_id=now.customer_id,
        user=now.user,
        event=told.event,
        data=data_of(before, now),
    )


def data_of(before: SubscriptionDetails | None, now: SubscriptionDetails) -> dict[str, Value]:
    """The fields of a subscription's event. Dates are ISO 8601, null where there is none."""
    return {
        "status": now.status,
        "previousStatus": None if before is None else before.status,
        "productIds": list(now.products),
        "priceIds": list(now.prices),
        "quantities": list(now.quantities),
        "createdAt": _date(now.created_at),
        "currentPeriodEnd": _date(now.period_end),
        "trialEnd": _date(now.trial_end),
        "cancelAt": _date(now.cancel_at),
        "cancelAtPeriodEnd": now.cancel_at_period_end,
        "canceledAt": _date(now.canceled_at),
        "endedAt": _date(now.ended_at),
        "reason": now.reason or None,
        "paused": now.paused,
    }


def _told(details: SubscriptionDetails) -> tuple[str, str, dict[str, Value]]:
    """All of it that others are told: metadata is not, so a change of it is no news."""
    return details.customer_id, details.user, data_of(None, details)


def _date(instant: Instant) -> str | None:
    return iso(instant) if instant else None
