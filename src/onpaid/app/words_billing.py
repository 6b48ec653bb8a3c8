"""How the runs of sales and of billing events are told to people: who acts, what each step did, what a flow is called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WHO: Final[Mapping[str, str]] = {
    "BillingTopic": "the topic",
    "NoTopic": "nobody, since there is no topic",
    "SubscriberDoors": "the subscriber",
    "StripeBills": "Stripe",
    "StripeCatalogue": "Stripe",
    "StripeTill": "Stripe",
}
DONE: Final[Mapping[str, str]] = {
    "note event": "Kept the billing event, with its customer’s next number",
    "publish": "Handed the event to {who}",
    "note published": "Noted that it is out, and sent it on its way to subscribers",
    "take reading": "Took the number of this reading",
    "read subscription": "Asked {who} for the subscription as it is now",
    "note subscription": "Noted the subscription, and told what changed",
    "deliver": "Tried {who}",
    "note delivery": "Noted what came of the try",
    "take page": "Started a page of deliveries",
    "read session": "Read the session at {who}",
    "read lines": "Read what was bought in it from {who}",
    "read bill": "Read the subscription’s bill at {who}",
    "find session": "Asked {who} whether the subscription began in a session",
    "read bill lines": "Read the lines of the bill from {who}",
    "read invoice payment": "Asked {who} which payment paid it",
    "store order": "Kept the order, and started what follows from it",
    "note state": "Noted how the session ended",
    "read price": "Looked up the price",
    "take version": "Took the number of its version",
    "look customer": "Looked up the user’s customer",
    "read customer": "Asked {who} whether the customer is still there",
    "note replaced": "Noted that the customer is gone, and why",
    "create customer": "Made the customer at {who}",
    "note customer": "Noted whose customer it is",
    "create session": "Opened the session at {who}",
    "note session": "Noted the session",
    "create product": "Filed the product at {who}",
    "create price": "Filed the price at {who}",
    "archive price": "Took the earlier price off sale at {who}",
    "note filed": "Noted under which id the price is filed",
}
TITLES: Final[Mapping[str, str]] = {
    "publish_billing_event": "Tell a billing event",
    "follow_subscription": "Follow the subscription",
    "deliver_billing_event": "Deliver a billing event",
    "replay_billing_events": "Replay billing events",
    "open_session": "Open the session",
    "file_customer": "File the customer at Stripe",
    "file_price": "File the price at Stripe",
    "archive_price": "Take a price off sale at Stripe",
    "keep_session": "Keep the paid session",
    "keep_renewal": "Keep what a subscription paid",
}
