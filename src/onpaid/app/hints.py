"""What the result of a step looks like: for the person who settles a doubt by hand.

What was asked is filled in where the result repeats it; the rest is an example, to be replaced.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from onpaid.engine.journal import Step

_ASKED: Final[dict[str, dict[str, Any]]] = {
    "create_contact": {"contact_id": 1234567},
    "create_invoice": {"invoice_id": 1234567},
    "send_receipt": {"invoice_id": 1234567, "count": 1},
    "file_ticket": {"reference": "TICKET-1"},
    "create_checkout": {"checkout_id": "order_...", "amount": {"minor": 0, "currency": "INR"}, "receipt": ""},
    "refund": {"refund_id": "rfnd_...", "amount": {"minor": 0, "currency": "INR"}, "status": "processed"},
    "create_order": {"reference": "", "order_id": "123456789", "shipment_id": "123456789"},
    "assign_awb": {"awb": "123456789012", "courier": "Blue Dart"},
    "request_pickup": {"at": "2026-11-22 14:00:00"},
    "cancel_order": {"reference": "", "order_id": "", "shipment_id": "", "cancelled": True},
    "send_message": {"provider": "", "provider_id": "the service's id of it", "state": "accepted"},
    "create_issue": {"reference": "OPS-1"},
    "comment": {"reference": "OPS-1"},
    "alert": {"reference": "told"},
}
_RENAMED: Final = {"number": "receipt"}
"""What is asked under one name and answered under another."""


def hint_for(step: Step) -> str:
    """What a result of this step looks like, as JSON."""
    provider, _, method = step.act.rpartition(".")
    hint = dict(_ASKED.get(method, {}))
    if "provider" in hint:
        hint["provider"] = provider.lower()
    asked = _asked(step)
    for name, value in asked.items():
        field = _RENAMED.get(name, name)
        if field in hint:
            hint[field] = value
    return msgspec.json.format(msgspec.json.encode(hint), indent=0).decode() if hint else "{}"


def _asked(step: Step) -> dict[str, Any]:
    """What the step was asked for, if it is one object."""
    try:
        told = msgspec.json.decode(step.input) if step.input else None
    except msgspec.DecodeError:
        return {}
    first = told[0] if isinstance(told, list) and told else None
    return first if isinstance(first, dict) else {}
