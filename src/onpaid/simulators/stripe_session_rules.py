"""What Stripe refuses when a Checkout Session is to be made, before anything is kept.

Every sentence here is a 400, and names the parameter that is to blame.
"""

from typing import Any, Final

from onpaid.simulators.kit import Json
from onpaid.simulators.stripe import Stripe
from onpaid.simulators.stripe_catalogue import Catalogue
from onpaid.simulators.stripe_keys import Refused, no_such
from onpaid.simulators.stripe_values import address, metadata, short, wanted, whole

MODES: Final = ("payment", "subscription", "setup")
SOONEST: Final = 30 * 60
LATEST: Final = 24 * 3600
MOST_LINES: Final = 100
MOST_RECURRING: Final = 20
ONLY_IN: Final = {
    "payment_intent_data": "payment",
    "invoice_creation": "payment",
    "submit_type": "payment",
    "customer_creation": "payment",
    "subscription_data": "subscription",
    "setup_intent_data": "setup",
}


def check(params: Json, stripe: Stripe) -> None:
    """Refused where the call makes no sense, whatever its prices are."""
    mode = str(wanted(params, "mode"))
    if mode not in MODES:
        raise Refused(f"Invalid mode: must be one of {', '.join(MODES)}", "parameter_invalid", "mode")
    address(params, "success_url")
    if "cancel_url" in params:
        address(params, "cancel_url")
    for name, only in ONLY_IN.items():
        if name in params and mode != only:
            raise Refused(f"You can not pass `{name}` in `{mode}` mode.", None, name)
    for name in params.get("subscription_data") or {}:
        if name.startswith(("trial_", "billing_cycle")):
            raise Refused(f"{name} is not simulated", None, f"subscription_data[{name}]")
    _check_customer(params, stripe)
    if "client_reference_id" in params:
        short(wanted(params, "client_reference_id"), "client_reference_id", 200)
    for at in ("payment_intent_data", "subscription_data"):
        metadata({}, (params.get(at) or {}).get("metadata"), f"{at}[metadata]")
    if mode == "setup" and "line_items" in params:
        raise Refused("You can not pass `line_items` in `setup` mode.", None, "line_items")


def _check_customer(params: Json, stripe: Stripe) -> None:
    if "customer" in params and "customer_email" in params:
        message = "You may only specify one of these parameters: customer, customer_email."
        raise Refused(message, None, "customer")
    if "customer" in params:
        known = stripe.customers.get(params["customer"])
        if known is None or known.get("deleted"):
            raise no_such("customer", str(params["customer"]), "customer")
        if "customer_creation" in params:
            raise Refused("`customer_creation` can not be used with `customer`.", None, "customer_creation")


def ends_at(params: Json, now: int) -> int:
    """When the session ends if nobody pays it."""
    if "expires_at" not in params:
        return now + LATEST
    asked = whole(params["expires_at"], "expires_at")
    if asked < now + SOONEST:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise Refused(message, None, "expires_at")
    if asked > now + LATEST:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise Refused(message, None, "expires_at")
    return asked


def bought(params: Json, catalogue: Catalogue) -> list[tuple[Json, int, Json]]:
    """The price, the quantity and the metadata of each line. Prices that were only described are made here."""
    given = params.get("line_items")
    if not isinstance(given, list) or not given:
        raise Refused("Missing required param: line_items.", "parameter_missing", "line_items")
    if len(given) > MOST_LINES:
        raise Refused(f"A session may have at most {MOST_LINES} line items", None, "line_items")
    for nth, line in enumerate(given):
        _check_line(line, f"line_items[{nth}]", catalogue)
    _check_mode(str(params["mode"]), [_is_recurring(line, catalogue) for line in given])
    currencies = {_currency(line, catalogue) for line in given}
    if len(currencies) > 1:
        message = "All line items of a session must have the same currency: " + ", ".join(sorted(currencies))
        raise Refused(message, None, "line_items")
    read = []
    for nth, line in enumerate(given):
        at = f"line_items[{nth}]"
        if "price_data" in line:
            price = catalogue.add_price({**line["price_data"], "active": False}, f"{at}[price_data]")
        else:
            price = catalogue.price(str(line["price"]), f"{at}[price]")
        read.append((price, whole(line["quantity"], f"{at}[quantity]"), metadata({}, line.get("metadata"))))
    return read


def _check_line(line: Any, at: str, catalogue: Catalogue) -> None:
    if not isinstance(line, dict) or ("price" in line) == ("price_data" in line):
        raise Refused(f"{at} needs either `price` or `price_data`.", "parameter_missing", f"{at}[price]")
    if "quantity" not in line:
        message = f"Quantity is required. Add `quantity` to `{at}`"
        raise Refused(message, "parameter_missing", f"{at}[quantity]")
    if whole(line["quantity"], f"{at}[quantity]") < 1:
        message = "This value must be greater than or equal to 1."
        raise Refused(message, "parameter_invalid_integer", f"{at}[quantity]")
    if "price" in line:
        price = catalogue.price(str(line["price"]), f"{at}[price]")
        if not price["active"]:
            message = "The price specified is inactive. This field only accepts active prices."
            raise Refused(message, "price_inactive", f"{at}[price]")
        if not catalogue.products[price["product"]]["active"]:
            raise Refused("The product of this price is inactive.", "product_inactive", f"{at}[price]")


def _check_mode(mode: str, recurring: list[bool]) -> None:
    if mode == "payment" and any(recurring):
        message = (
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode "
        )
        raise Refused(message + "or use only one-time prices.", None, "line_items")
    if mode == "subscription" and not any(recurring):
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise Refused(message, None, "line_items")
    if sum(recurring) > MOST_RECURRING:
        raise Refused(f"A session may have at most {MOST_RECURRING} recurring prices", None, "line_items")


def _is_recurring(line: Json, catalogue: Catalogue) -> bool:
    of = line["price_data"] if "price_data" in line else catalogue.prices[line["price"]]
    return of.get("recurring") is not None


def _currency(line: Json, catalogue: Catalogue) -> str:
    of = line["price_data"] if "price_data" in line else catalogue.prices[line["price"]]
    return str(of.get("currency")).lower()
