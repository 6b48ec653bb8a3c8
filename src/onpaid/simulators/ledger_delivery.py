"""The ledger's part about parcels: what was paid at Razorpay, shipped by Shiprocket and told by WhatsApp.

An order is known by its number: Razorpay's receipt, Shiprocket's channel order id (perhaps with a suffix), a
message's first variable. Money that was wholly given back owes nothing, and forbids nothing that was done before.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from onpaid.simulators.carts import Cart, Carts
from onpaid.simulators.kit import Json
from onpaid.simulators.world import Simulators

CONFIRMED: Final = "order_confirmation"
SHIPPED: Final = "shipment_created"
FINGERPRINT: Final = "onpaid-fp-"
OURS: Final = "onpaid_order"
Rows = Sequence[Mapping[str, Any]]


@dataclass(slots=True)
class Order:
    """All that is known of one order number."""

    checkouts: list[Mapping[str, Any]] = field(default_factory=list)
    payments: list[Mapping[str, Any]] = field(default_factory=list)
    shipments: list[Mapping[str, Any]] = field(default_factory=list)
    messages: list[Mapping[str, Any]] = field(default_factory=list)
    cart: Cart | None = None

    @property
    def captured(self) -> bool:
        return any(payment["captured"] for payment in self.payments)

    @property
    def owed(self) -> bool:
        """Whether money was captured that was not wholly given back."""
        return any(
            payment["captured"] and payment["amount_refunded"] < payment["amount"]
            for payment in self.payments
        )

    @property
    def live(self) -> list[Mapping[str, Any]]:
        return [shipment for shipment in self.shipments if shipment["live"]]

    @property
    def shipped(self) -> bool:
        return any(shipment["awb"] and shipment["pickup"] for shipment in self.live)

    def told(self, template: str) -> list[Mapping[str, Any]]:
        """The messages of this template that were not given up."""
        return [each for each in self.messages if each["template"] == template and each["status"] != "failed"]


def delivery(simulators: Simulators) -> Json:
    """Everything about parcels, as it stands in the ledger."""
    money, carts = simulators.razorpay.rows(), simulators.carts
    shipments = simulators.shiprocket.rows()["shipments"]
    services = (simulators.meta, simulators.twilio, simulators.msg91, simulators.wati)
    messages = [row for service in services for row in service.rows()]
    orders = by_number(money["orders"], money["payments"], shipments, messages, carts)
    live = [shipment for shipment in shipments if shipment["live"]]
    counted: dict[str, Counter[str]] = defaultdict(Counter)
    for row in messages:
        counted[row["template"]][row["service"]] += 1
    issues = simulators.jira.rows()
    return {
        "counts": {
            "checkouts": sum(len(order.checkouts) for order in orders.values()),
            "paid": sum(order.captured for order in orders.values()),
            "refused": len(carts.refusals),
            "shipments": len(live),
            "awbs": sum(bool(shipment["awb"]) for shipment in live),
            "pickups": sum(bool(shipment["pickup"]) for shipment in live),
            "messages": {template: dict(services) for template, services in sorted(counted.items())},
            "issues": len(issues),
        },
        "verdict": verdict(orders, carts, simulators.settings.not_on_whatsapp, issues),
        "by_order": {number: _names(order) for number, order in orders.items()},
        "carts": carts.rows(),
        "refusals": list(carts.refusals),
        "razorpay": money,
        "shipments": shipments,
        "messages": messages,
        "issues": issues,
    }


def by_number(
    checkouts: Rows, payments: Rows, shipments: Rows, messages: Rows, carts: Carts
) -> dict[str, Order]:
    """All orders of ours by number, and with them every number that only a parcel or a message names."""
    orders: dict[str, Order] = defaultdict(Order)
    at_razorpay: dict[str, str] = {}
    for checkout in checkouts:
        if OURS in (checkout["notes"] or {}):
            at_razorpay[checkout["id"]] = str(checkout["receipt"])
            orders[str(checkout["receipt"])].checkouts.append(checkout)
    for payment in payments:
        number = at_razorpay.get(payment["order_id"])
        if number is not None:
            orders[number].payments.append(payment)
    for number, cart in carts.by_number.items():
        orders[number].cart = cart
    for shipment in shipments:
        reference = str(shipment["channel_order_id"])
        unsuffixed = reference.rpartition("-")[0]
        orders[reference if reference in orders or not unsuffixed else unsuffixed].shipments.append(shipment)
    for message in messages:
        orders[str(message["params"].get("orderNumber", ""))].messages.append(message)
    return dict(orders)


def verdict(orders: Mapping[str, Order], carts: Carts, excused: Collection[str], issues: Rows = ()) -> Json:
    """What is missing, double, unexplained, untold or wrong. Every list that is not empty is a finding."""
    found: dict[str, list[str]] = {name: [] for name in FINDINGS}
    sold: Counter[str] = Counter()
    for number, order in sorted(orders.items()):
        physical = order.cart is None or carts.physical(order.cart)
        for name in _of_money(order, carts) + _of_parcels(order, carts, physical=physical):
            found[name].append(number)
        for name, template in _of_messages(order, physical=physical, excused=excused):
            found[name].append(f"{number} {template}")
        if order.captured and order.cart is not None:
            sold.update(order.cart.units)
    open_issues = open_by_fingerprint(issues)
    found["double_issues"] = sorted(label for label, count in open_issues.items() if count > 1)
    due = [order for order in orders.values() if order.owed]
    return {
        "paid": len(due),
        "due": sum(order.cart is None or carts.physical(order.cart) for order in due),
        "shipped": sum(order.shipped for order in due),
        "confirmed": sum(bool(order.told(CONFIRMED)) for order in due),
        "told_shipped": sum(bool(order.told(SHIPPED)) for order in due),
        **found,
        "sold": dict(sorted(sold.items())),
        "open_issues": open_issues,
    }


FINDINGS: Final = {
    "missing": "an order with goods was paid, and no live shipment of it has an AWB and a pickup",
    "double": "an order has more than one live shipment",
    "unexplained": "there is a live shipment for an order that is unknown, or was never paid",
    "digital_shipped": "there is a live shipment for an order without goods",
    "wrong_goods": "a live shipment holds other goods than were bought",
    "unsent": "a paid order was never confirmed, or a shipped one never told of, where WhatsApp can reach",
    "told_twice": "one number was told the same of the same order more than once, by whichever service",
    "untrue": "an order was confirmed that is unknown or unpaid, or told to be shipped without that AWB",
    "strayed": "a message went to another number than the buyer's",
    "blank": "a message went out with an empty variable",
    "double_checkouts": "Razorpay has more than one order with one receipt",
    "mispriced": "Razorpay's order is over another amount than the cart's prices make",
    "without_cart": "an order was paid of which nobody noted the cart",
    "double_issues": "more than one open issue bears one fingerprint",
}
"""The lists of the verdict, and what stands in each."""


def open_by_fingerprint(issues: Rows) -> dict[str, int]:
    """How many open issues bear each fingerprint."""
    found = Counter(
        label
        for issue in issues
        if issue["open"]
        for label in issue["labels"]
        if str(label).startswith(FINGERPRINT)
    )
    return dict(sorted(found.items()))


def _of_money(order: Order, carts: Carts) -> list[str]:
    found = []
    if len(order.checkouts) > 1:
        found.append("double_checkouts")
    if order.captured and order.cart is None:
        found.append("without_cart")
    price = None if order.cart is None else carts.price(order.cart)
    if price is not None and any(checkout["amount"] != price for checkout in order.checkouts):
        found.append("mispriced")
    return found


def _of_parcels(order: Order, carts: Carts, *, physical: bool) -> list[str]:
    found = []
    if order.owed and physical and not order.shipped:
        found.append("missing")
    if len(order.live) > 1:
        found.append("double")
    if order.live and not order.captured:
        found.append("unexplained")
    elif order.live and not physical:
        found.append("digital_shipped")
    elif order.cart is not None and any(each["items"] != carts.goods(order.cart) for each in order.live):
        found.append("wrong_goods")
    return found


def _of_messages(order: Order, *, physical: bool, excused: Collection[str]) -> list[tuple[str, str]]:
    phone = "" if order.cart is None else order.cart.phone.removeprefix("+")
    found = []
    if order.owed and phone not in excused:
        wanted = {CONFIRMED: True, SHIPPED: physical and order.shipped}
        found += [("unsent", each) for each, due in wanted.items() if due and not order.told(each)]
    heard = Counter((each["to"], each["template"]) for each in order.messages if each["status"] != "failed")
    found += [("told_twice", template) for (_to, template), count in heard.items() if count > 1]
    awbs = {awb for shipment in order.shipments for awb in shipment["awbs"]}
    for each in order.messages:
        template, params = each["template"], each["params"]
        true = order.captured and (template != SHIPPED or params.get("awb") in awbs)
        found += [("untrue", template)] * (not true)
        found += [("strayed", template)] * (bool(phone) and each["to"] != phone)
        found += [("blank", template)] * (not all(params.values()))
    return found


def _names(order: Order) -> Json:
    """The ids that belong to an order."""
    return {
        "checkouts": [checkout["id"] for checkout in order.checkouts],
        "payments": [payment["id"] for payment in order.payments if payment["captured"]],
        "shipments": [shipment["shipment_id"] for shipment in order.live],
        "awbs": [shipment["awb"] for shipment in order.live if shipment["awb"]],
        "messages": [f"{each['service']} {each['template']}" for each in order.messages],
    }
