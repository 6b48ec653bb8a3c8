"""What tests and the demo steer sales at Stripe by: JSON in, JSON out, at underscored paths of ours under `/stripe`.

What is asked of a session or a subscription is one word, as the customer, the bank or the dashboard would do it.
"""

from onpaid.simulators.kit import Json
from onpaid.simulators.world import Simulators


async def session(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """`{"session": "cs_…", "do": "paid"}`: paid, failed, action, delayed, arrived, bounced, expired."""
    sales, ident, do = simulators.sales, str(body["session"]), str(body.get("do", "paid"))
    if do in ("arrived", "bounced"):
        return 200, sales.settle_delayed(ident, do == "arrived")
    if do == "expired":
        return 200, sales.sessions.expire(ident)
    return 200, sales.sessions.complete(ident, do, body.get("who"))  # type: ignore[arg-type]


async def subscription(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """`{"subscription": "sub_…", "do": "renew"}`: renew, fail, recover, cancel, give_up; or begin one."""
    sales, do = simulators.sales, str(body.get("do", "renew"))
    if do == "begin":
        return 201, _begin(simulators, body)
    ident = str(body["subscription"])
    if do == "cancel":
        reason = body.get("reason", "cancellation_requested")
        return 200, sales.cancel(ident, reason, at_period_end=bool(body.get("at_period_end", False)))
    acts = {
        "renew": sales.renew,
        "fail": sales.fail,
        "recover": sales.recover,
        "give_up": sales.subscriptions.give_up,
    }
    if do not in acts:
        raise ValueError(f"a subscription can begin, cancel, {', '.join(acts)}")
    return 200, acts[do](ident)


def _begin(simulators: Simulators, body: Json) -> Json:
    """A subscription that no session made."""
    sales, customer = simulators.sales, str(body["customer"])
    if customer not in simulators.stripe.customers:
        raise KeyError(customer)
    price = sales.catalogue.prices[str(body["price"])]
    if price["recurring"] is None:
        raise ValueError("the price is not recurring")
    key = simulators.stripe.numbered(f"subscription {customer} {price['id']}")
    told = {str(name): str(value) for name, value in (body.get("metadata") or {}).items()}
    return sales.subscribe(
        customer,
        [(price, int(body.get("quantity", 1)))],
        key=key,
        metadata=told,
        paid=bool(body.get("paid", True)),
    )


async def dispute(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """`{"charge": "ch_…"}` makes one; `{"dispute": "dp_…", "do": "answer"}`: answer, won, lost."""
    troubles = simulators.sales.troubles
    if "charge" in body:
        reason = str(body.get("reason", "fraudulent"))
        return 201, troubles.dispute(str(body["charge"]), body.get("amount"), reason)
    ident, do = str(body["dispute"]), body.get("do")
    if do == "answer":
        return 200, troubles.answer_dispute(ident)
    if do not in ("won", "lost"):
        raise ValueError("a dispute can be answered, won or lost")
    return 200, troubles.close_dispute(ident, won=do == "won")


async def settle_refund(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """`{"refund": "re_…", "ok": false}`: a refund bounces, or comes through."""
    return 200, simulators.sales.troubles.settle_refund(str(body["refund"]), ok=bool(body.get("ok", True)))


async def endpoint(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """The webhook endpoint: set what is named, and show it."""
    told = simulators.stripe.told
    told.endpoint.change(body)
    return 200, {
        "status": told.endpoint.status,
        "enabled_events": list(told.endpoint.enabled_events),
        "api_version": told.endpoint.api_version,
        "url": told.url,
    }


async def tick(simulators: Simulators, _body: Json) -> tuple[int, Json]:
    """Let the time do its work now: sessions expire, subscriptions end."""
    simulators.sales.tick()
    sessions = simulators.sales.sessions.all.values()
    return 200, {"open_sessions": sum(each["status"] == "open" for each in sessions)}


TABLE = [
    ("POST", "/stripe/_sessions", session),
    ("POST", "/stripe/_subscriptions", subscription),
    ("POST", "/stripe/_disputes", dispute),
    ("POST", "/stripe/_refunds/settle", settle_refund),
    ("GET", "/stripe/_endpoint", endpoint),
    ("PUT", "/stripe/_endpoint", endpoint),
    ("POST", "/stripe/_tick", tick),
]
