"""Stripe's lists and expansions: newest first, cut by object id, narrowed by time of creation."""

from typing import Any, Final

from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_keys import error

EXPANDABLE: Final = frozenset({"customer", "payment_intent", "latest_charge", "charge"})


def missing(kind: str, ident: str) -> Answer:
    """The answer where there is no such object."""
    return error(404, "invalid_request_error", f"No such {kind}: '{ident}'", "resource_missing", "id")


def page(items: list[Json], params: Json) -> Answer:
    """One page, newest first, cut by id as Stripe does."""
    items = [item for item in reversed(items) if _in_time(item["created"], params.get("created"))]
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        return error(400, "invalid_request_error", "limit must be from 1 to 100", param="limit")
    ids = [item["id"] for item in items]
    for name in ("starting_after", "ending_before"):
        if name in params and params[name] not in ids:
            return error(
                400, "invalid_request_error", f"No such object: '{params[name]}'", "resource_missing", name
            )
    if "ending_before" in params:
        items = items[: ids.index(params["ending_before"])]
        shown, more = items[-limit:], len(items) > limit
    else:
        start = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
        shown, more = items[start : start + limit], len(items) > start + limit
    return Answer(200, {"object": "list", "data": shown, "has_more": more, "url": "/v1/objects"})


def _in_time(created: int, wanted: Any) -> bool:
    if wanted is None:
        return True
    if not isinstance(wanted, dict):
        return created == int(wanted)
    tests = {"gt": created.__gt__, "gte": created.__ge__, "lt": created.__lt__, "lte": created.__le__}
    return all(tests[name](int(bound)) is True for name, bound in wanted.items() if name in tests)


def expanded(answer: Answer, params: Json, stripe: Stripe) -> Answer:
    """The answer with whole objects in place of the ids that `expand` names."""
    body = answer.body
    for path in params.get("expand") or ():
        name = path.removeprefix("data.")
        if name not in EXPANDABLE:
            return error(
                400, "invalid_request_error", f"This property cannot be expanded ({name}).", param="expand"
            )
        if answer.status == 200 and body.get("object") == "list":
            body = {**body, "data": [_expand(each, name, stripe) for each in body["data"]]}
        elif answer.status == 200:
            body = _expand(body, name, stripe)
    return Answer(answer.status, body, answer.headers)


def _expand(body: Json, name: str, stripe: Stripe) -> Json:
    for table in (stripe.customers, stripe.intents, stripe.charges):
        if body.get(name) in table:
            return {**body, name: table[body[name]]}
    return body
