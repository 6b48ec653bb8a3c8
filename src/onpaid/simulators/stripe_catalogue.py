"""Stripe's products and prices: ids of one's own for products, names that move for prices, amounts that never change.

A name (`lookup_key`) belongs to one active price at a time. It is taken over only where that is said, and then at
once: no list ever shows it twice, or not at all.
"""

from decimal import Decimal
from typing import Any, Final

from onpaid.simulators import stripe_sales_shapes as shapes
from onpaid.simulators.kit import Clock, Json
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_keys import Refused, no_such
from onpaid.simulators.stripe_values import decimal, flag, metadata, short, wanted, whole

LONGEST_KEY: Final = 200
MOST_KEYS: Final = 10
LARGEST: Final = 99_999_999_999
LONGEST_INTERVAL: Final = {"day": 1095, "week": 156, "month": 36, "year": 3}
ONLY_ONE: Final = "You may only specify one of these parameters: {}."
NOT_SIMULATED: Final = ("tiers", "tiers_mode", "custom_unit_amount", "transform_quantity", "currency_options")


class Catalogue:
    """What one account sells."""

    def __init__(self, stripe: Stripe, clock: Clock) -> None:
        self._stripe, self._clock = stripe, clock
        self.forget()

    def forget(self) -> None:
        self.products: dict[str, Json] = {}
        self.prices: dict[str, Json] = {}

    # -- products --------------------------------------------------------------------------------------------------

    def product(self, ident: str, param: str | None = None) -> Json:
        """The product; refused if there is none."""
        if ident not in self.products:
            raise no_such("product", ident, param)
        return self.products[ident]

    def add_product(self, params: Json) -> Json:
        """A product, under the id that was asked for if there is one."""
        name = str(wanted(params, "name"))
        if "id" in params:
            ident = short(wanted(params, "id"), "id", 255)
        else:
            ident = self._stripe.ident("prod", self._stripe.numbered(f"product {name}"))
        if ident in self.products:
            raise Refused(f"Product already exists: {ident}", "resource_already_exists", "id")
        created = int(self._clock.now())
        made = shapes.product(ident, params, created=created, livemode=self._stripe.livemode)
        made["metadata"] = metadata({}, params.get("metadata"))
        made["active"] = flag(params.get("active", True))
        self.products[ident] = made
        if "default_price_data" in params:
            try:
                first = self.add_price({**params["default_price_data"], "product": ident})
            except Refused:
                del self.products[ident]
                raise
            made["default_price"] = first["id"]
        return made

    def change_product(self, params: Json, ident: str) -> Json:
        """Set what is named."""
        known = self.product(ident)
        changes: Json = {}
        for name, value in params.items():
            if name in ("name", "default_price"):
                changes[name] = wanted(params, name)
            elif name not in ("metadata", "active", "expand") and name in known:
                changes[name] = None if value == "" else value
        if "default_price" in changes:
            price = self.price(str(changes["default_price"]), "default_price")
            if price["product"] != ident:
                raise Refused("The price does not belong to this product.", None, "default_price")
        changes["metadata"] = metadata(known["metadata"], params.get("metadata"))
        if "active" in params:
            changes["active"] = flag(params["active"])
        known.update(changes, updated=int(self._clock.now()))
        return known

    # -- prices ----------------------------------------------------------------------------------------------------

    def price(self, ident: str, param: str | None = None) -> Json:
        """The price; refused if there is none."""
        if ident not in self.prices:
            raise no_such("price", ident, param)
        return self.prices[ident]

    def add_price(self, params: Json, at: str = "") -> Json:
        """A price, and its product where `product_data` tells one. `at` is where in the call it is described."""
        currency = str(wanted(params, "currency", at + "currency")).lower()
        if not (currency.isalpha() and currency.isascii() and len(currency) == 3):
            raise Refused(f"Invalid currency: {currency}", "parameter_invalid", at + "currency")
        for name in NOT_SIMULATED:
            if name in params:
                raise Refused(f"{at}{name} is not simulated", None, at + name)
        amount, recurring = _amount(params, at), _recurring(params, at)
        ways = [name for name in ("product", "product_data") if name in params]
        if len(ways) > 1:
            raise Refused(ONLY_ONE.format("product, product_data"), None, at + "product")
        if not ways:
            raise Refused(f"Missing required param: {at}product.", "parameter_missing", at + "product")
        key = (
            short(wanted(params, "lookup_key"), "lookup_key", LONGEST_KEY) if "lookup_key" in params else None
        )
        told = metadata({}, params.get("metadata"))
        active = flag(params.get("active", True))
        if key is not None:
            self._check_key(key, params, active=active)
        if ways == ["product"]:
            product = self.product(str(params["product"]), at + "product")["id"]
        else:
            product = self.add_product(params["product_data"])["id"]
        asked = f"price {product} {key} {currency} {amount} {recurring and recurring['interval']}"
        made = shapes.price(
            self._stripe.ident("price", self._stripe.numbered(asked)),
            params,
            amount=amount,
            recurring=recurring,
            created=int(self._clock.now()),
            livemode=self._stripe.livemode,
            product=product,
        )
        made.update(active=active, metadata=told)
        if key is not None:
            self._name(made, key)
        self.prices[made["id"]] = made
        return made

    def change_price(self, params: Json, ident: str) -> Json:
        """Set what is named; the amount, the currency and the interval cannot be."""
        known = self.price(ident)
        active = flag(params.get("active", known["active"]))
        if not active and self.products[known["product"]]["default_price"] == ident:
            message = "This price cannot be archived because it is the default price of its product."
            raise Refused(message, None, "active")
        behaviour = params.get("tax_behavior", known["tax_behavior"])
        if known["tax_behavior"] != "unspecified" and behaviour != known["tax_behavior"]:
            raise Refused(
                "You cannot change the tax_behavior of a price once it is set.", None, "tax_behavior"
            )
        key = params.get("lookup_key", known["lookup_key"]) or None
        if key is not None:
            self._check_key(short(key, "lookup_key", LONGEST_KEY), params, active=active, but=ident)
        changes = {"active": active, "tax_behavior": behaviour}
        changes["metadata"] = metadata(known["metadata"], params.get("metadata"))
        if "nickname" in params:
            changes["nickname"] = params["nickname"] or None
        known.update(changes)
        if key is None:
            known["lookup_key"] = None
        elif key != known["lookup_key"] or flag(params.get("transfer_lookup_key")):
            self._name(known, key)
        return known

    def _check_key(self, key: str, params: Json, *, active: bool, but: str = "") -> None:
        """Refused if another active price bears the name, and it is not to be taken over."""
        if flag(params.get("transfer_lookup_key")) or not active:
            return
        for other in self.prices.values():
            if other["lookup_key"] == key and other["active"] and other["id"] != but:
                message = f"A price (`{other['id']}`) already uses that lookup key."
                raise Refused(message, "resource_already_exists", "lookup_key")

    def _name(self, price: Json, key: str) -> None:
        """Give the name to this price, and take it from the active one that had it."""
        for other in self.prices.values():
            if other["lookup_key"] == key and other["active"]:
                other["lookup_key"] = None
        price["lookup_key"] = key

    # -- lists -----------------------------------------------------------------------------------------------------

    def products_listed(self, params: Json) -> list[Json]:
        """Those that the filters let through, oldest first."""
        ids = params.get("ids")
        return [
            each
            for each in self.products.values()
            if _fits(each, params, "url", "shippable", "type") and (ids is None or each["id"] in ids)
        ]

    def prices_listed(self, params: Json) -> list[Json]:
        """As `products_listed`."""
        keys = params.get("lookup_keys")
        if keys is not None and (not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS):
            message = f"You can specify from 1 to {MOST_KEYS} lookup_keys"
            raise Refused(message, "parameter_invalid", "lookup_keys")
        recurring = params.get("recurring") or {}
        return [
            each
            for each in self.prices.values()
            if _fits(each, params, "product", "type", "currency")
            and (keys is None or each["lookup_key"] in keys)
            and all((each["recurring"] or {}).get(name) == value for name, value in recurring.items())
        ]


def _fits(each: Json, params: Json, *names: str) -> bool:
    if "active" in params and each["active"] is not flag(params["active"]):
        return False
    return all(name not in params or str(each[name]) == str(params[name]) for name in names)


def _amount(params: Json, at: str) -> Decimal:
    """What one piece costs, in minor units."""
    ways = [name for name in ("unit_amount", "unit_amount_decimal") if params.get(name) is not None]
    if len(ways) > 1:
        raise Refused(ONLY_ONE.format("unit_amount, unit_amount_decimal"), None, at + "unit_amount")
    if not ways:
        raise Refused(f"Missing required param: {at}unit_amount.", "parameter_missing", at + "unit_amount")
    if ways == ["unit_amount"]:
        amount = Decimal(whole(params["unit_amount"], at + "unit_amount"))
        if amount < 0:
            raise Refused("Invalid non-negative integer", "parameter_invalid_integer", at + "unit_amount")
    else:
        amount = decimal(params["unit_amount_decimal"], at + "unit_amount_decimal")
    if amount > LARGEST:
        raise Refused(f"Amount must be no more than {LARGEST}", "amount_too_large", at + ways[0])
    return amount


def _recurring(params: Json, at: str) -> Json | None:
    given: Any = params.get("recurring")
    if given is None:
        return None
    interval = str(wanted(given, "interval", f"{at}recurring[interval]"))
    if interval not in LONGEST_INTERVAL:
        message = f"Invalid recurring[interval]: must be one of {', '.join(LONGEST_INTERVAL)}"
        raise Refused(message, "parameter_invalid", f"{at}recurring[interval]")
    count = whole(given.get("interval_count", 1), f"{at}recurring[interval_count]")
    if not 1 <= count <= LONGEST_INTERVAL[interval]:
        raise Refused(
            "The maximum interval is three years", "parameter_invalid", f"{at}recurring[interval_count]"
        )
    return shapes.recurrence(interval, count)
