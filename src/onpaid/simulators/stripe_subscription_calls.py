"""What Stripe's API can do with a subscription: list it, change it, cancel it.

An ended one takes metadata and a word about why, and nothing else.
"""

from copy import deepcopy

from onpaid.simulators import stripe_billing_shapes as shapes
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe_catalogue import Catalogue
from onpaid.simulators.stripe_keys import Refused, no_such
from onpaid.simulators.stripe_subscriptions import ENDED, Subscriptions
from onpaid.simulators.stripe_values import flag, metadata, whole


class SubscriptionCalls:
    """The calls about subscriptions."""

    def __init__(self, clock: Clock, catalogue: Catalogue, subscriptions: Subscriptions) -> None:
        self._clock, self._catalogue, self._subscriptions = clock, catalogue, subscriptions

    def cancel(self, params: Json, ident: str) -> Json:
        """End it at once; one that has ended is not found, as with the real one."""
        if self._subscriptions.subscription(ident)["status"] in ENDED:
            raise no_such("subscription", ident)
        given = params.get("cancellation_details") or {}
        told = {name: given[name] for name in ("comment", "feedback") if name in given}
        return self._subscriptions.cancel(ident, told=told)

    def update(self, params: Json, ident: str) -> Json:
        """Set what is named. An ended one takes its metadata only."""
        made = self._subscriptions.subscription(ident)
        if made["status"] in ENDED and params.keys() - {"metadata", "cancellation_details", "expand"}:
            message = "A canceled subscription can only update its cancellation_details and metadata."
            raise Refused(message)
        changes: Json = {"metadata": metadata(made["metadata"], params.get("metadata"))}
        if "description" in params:
            changes["description"] = params["description"] or None
        if "pause_collection" in params:
            changes["pause_collection"] = params["pause_collection"] or None
        changes |= self._ending(made, params)
        if "items" in params:
            changes["items"] = shapes.listed(self._items(made, params["items"]), made["items"]["url"])
        self._subscriptions.change(made, **changes)
        return made

    def _ending(self, made: Json, params: Json) -> Json:
        now, end = int(self._clock.now()), None
        if "cancel_at_period_end" not in params and "cancel_at" not in params:
            return {}
        at_end = flag(params.get("cancel_at_period_end", False))
        if at_end:
            end = max(item["current_period_end"] for item in made["items"]["data"])
        elif params.get("cancel_at"):
            end = whole(params["cancel_at"], "cancel_at")
            if end <= now:
                raise Refused("`cancel_at` must be in the future.", None, "cancel_at")
        details = {**made["cancellation_details"], **(params.get("cancellation_details") or {})}
        details["reason"] = "cancellation_requested" if end is not None else None
        gone = None if end is None else now
        told = {"cancel_at": end, "canceled_at": gone, "cancellation_details": details}
        return {"cancel_at_period_end": at_end, **told}

    def _items(self, made: Json, given: list[Json]) -> list[Json]:
        """The items with other prices or quantities."""
        items = {item["id"]: deepcopy(item) for item in made["items"]["data"]}
        for nth, each in enumerate(given):
            at = f"items[{nth}]"
            if each.get("id") not in items:
                raise no_such("subscription_item", str(each.get("id")), f"{at}[id]")
            item = items[each["id"]]
            if "price" in each:
                price = self._catalogue.price(str(each["price"]), f"{at}[price]")
                if price["recurring"] is None:
                    raise Refused("The price is not recurring.", None, f"{at}[price]")
                item.update(price=dict(price), plan=shapes.plan(price))
            if "quantity" in each:
                item["quantity"] = whole(each["quantity"], f"{at}[quantity]")
        return list(items.values())

    def listed(self, params: Json) -> list[Json]:
        """Those that the filters let through, oldest first; ended ones only where they are asked for."""
        status = params.get("status")
        found = list(self._subscriptions.all.values())
        if status is None:
            found = [each for each in found if each["status"] != "canceled"]
        elif status != "all":
            states = ENDED if status == "ended" else (status,)
            found = [each for each in found if each["status"] in states]
        prices = params.get("price")
        return [
            each
            for each in found
            if ("customer" not in params or each["customer"] == params["customer"])
            and (prices is None or any(item["price"]["id"] == prices for item in each["items"]["data"]))
        ]
