"""Stripe's lists and expansions: newest first, cut by object id, narrowed by time of creation."""

from itertools import islice
from typing import Any, Final

from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.stripe_keys import error
from onpaid.simulators.stripe_sales import Sales

FIRST_LINES: Final = 10
DEEPEST: Final = 4
ON_THE_WAY: Final = frozenset(
    {"data", "items", "lines", "parent", "payment", "subscription_details", "price"}
)
EXPANDABLE: Final = frozenset(
    {
        "charge",
        "customer",
        "default_price",
        "invoice",
        "latest_charge",
        "latest_invoice",
        "line_items",
        "payment_intent",
        "payments",
        "product",
        "subscription",
    }
)


def missing(kind: str, ident: str) -> Answer:
    """The answer where there is no such object."""
    return error(404, "invalid_request_error", f"No such {kind}: '{ident}'", "resource_missing", "id")


def page(items: list[Json], params: Json) -> Answer:
    """One page of what is given oldest first: newest first, cut by id as Stripe does."""
    limit, wanted = int(params.get("limit", 10)), params.get("created")
    if not 1 <= limit <= 100:
        return error(400, "invalid_request_error", "limit must be from 1 to 100", param="limit")
    cut = {name: len(items) for name in ("starting_after", "ending_before") if name in params}
    for name in cut:
        at = next((nth for nth, item in enumerate(items) if item["id"] == params[name]), None)
        if at is None:
            message = f"No such object: '{params[name]}'"
            return error(400, "invalid_request_error", message, "resource_missing", name)
        cut[name] = at
    if "ending_before" in cut:
        newer = range(cut["ending_before"] + 1, len(items))
        shown = _first(items, newer, wanted, limit + 1)
        more, shown = len(shown) > limit, shown[:limit][::-1]
    else:
        older = range(cut.get("starting_after", len(items)) - 1, -1, -1)
        shown = _first(items, older, wanted, limit + 1)
        more, shown = len(shown) > limit, shown[:limit]
    return Answer(200, {"object": "list", "data": shown, "has_more": more, "url": "/v1/objects"})


def _first(items: list[Json], order: range, created: Any, most: int) -> list[Json]:
    """The first ones in this order that were created in time."""
    return list(islice((items[nth] for nth in order if _in_time(items[nth]["created"], created)), most))


def _in_time(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return created == int(wanted)
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](int(bound)) is True for name, bound in wanted.items() if name in tests)


def expanded(answer: Answer, params: Json, sales: Sales) -> Answer:
    """The answer with whole objects in place of the ids that `expand` names."""
    body = answer.body
    for path in params.get("expand") or ():
        names = str(path).split(".")
        if names[-1] not in EXPANDABLE or not set(names[:-1]) <= EXPANDABLE | ON_THE_WAY:
            return error(
                400, "invalid_request_error", f"This property cannot be expanded ({path}).", param="expand"
            )
        if len(names) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property: {path}"
            return error(400, "invalid_request_error", message, param="expand")
        if answer.status == 200:
            body = _expand(body, names, sales)
    return Answer(answer.status, body, answer.headers)


def _expand(value: Any, names: list[str], sales: Sales) -> Any:
    if isinstance(value, list):
        return [_expand(each, names, sales) for each in value]
    if not isinstance(value, dict) or not names:
        return value
    name, rest = names[0], names[1:]
    inner: Any = value[name] if name in value else _hidden(value, name, sales)
    if isinstance(inner, str):
        inner = sales.find(inner) or inner
    elif inner is None and name not in value:
        return value
    return {**value, name: _expand(inner, rest, sales)}


def _hidden(of: Json, name: str, sales: Sales) -> Json | None:
    """What an object has and does not show unasked: the first lines of a session, the payments of an invoice."""
    if name == "line_items" and of.get("object") == "checkout.session":
        lines = sales.sessions.lines[of["id"]]
        rows, url = lines[:FIRST_LINES], f"/v1/checkout/sessions/{of['id']}/line_items"
        return {"object": "list", "data": rows, "has_more": len(lines) > FIRST_LINES, "url": url}
    if name == "payments" and of.get("object") == "invoice":
        rows = [each for each in sales.invoices.payments.values() if each["invoice"] == of["id"]]
        return {"object": "list", "data": rows, "has_more": False, "url": "/v1/invoice_payments"}
    return None
