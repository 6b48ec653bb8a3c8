"""Razorpay's lists: of orders, payments and refunds, one page at a time.

A list has no total and no cursor. It comes with the newest second first, and within a second in no order
that means anything, so that whoever wants an order has to sort. Something new moves everything behind it to
a later place.
"""

from collections.abc import Iterable, Mapping

from onpaid.simulators import razorpay_shapes as shape
from onpaid.simulators.kit import Json
from onpaid.simulators.razorpay_rules import LARGEST_COUNT, LATEST, USUAL_COUNT, WINDOW, Wrong, only, whole


def page(items: Iterable[Json], params: Mapping[str, str], *more: str) -> Json:
    """One page of those created in the window; `more` are parameters that are looked at elsewhere."""
    only(params, WINDOW | set(more))
    count = whole(params, "count", USUAL_COUNT, 1, LARGEST_COUNT)
    skip = whole(params, "skip", 0, 0, LATEST)
    since, until = whole(params, "from", 0, 0, LATEST), whole(params, "to", LATEST, 0, LATEST)
    if since > until:
        raise Wrong("The from must be before the to.", "from")
    within = [each for each in items if since <= each["created_at"] <= until]
    within.sort(key=lambda each: (each["created_at"], each["id"]), reverse=True)
    return shape.collection(within[skip : skip + count])


def orders(all_orders: Mapping[str, Json], payments: Mapping[str, Json], params: Mapping[str, str]) -> Json:
    """One page of orders, by receipt or by whether one of their payments is only authorised."""
    found = list(all_orders.values())
    if "receipt" in params:
        found = [each for each in found if each["receipt"] == params["receipt"]]
    if "authorized" in params:
        wanted = whole(params, "authorized", 0, 0, 1) == 1
        held = {each["order_id"] for each in payments.values() if each["status"] == "authorized"}
        found = [each for each in found if (each["id"] in held) is wanted]
    made = page(found, params, "receipt", "authorized", "expand[]")
    if params.get("expand[]", "payments") != "payments":
        raise Wrong("Only payments can be expanded.", "expand")
    if "expand[]" in params:
        made["items"] = [{**each, "payments": _paid(each, payments)} for each in made["items"]]
    return made


def _paid(order: Json, payments: Mapping[str, Json]) -> Json:
    return shape.collection([each for each in payments.values() if each["order_id"] == order["id"]])
