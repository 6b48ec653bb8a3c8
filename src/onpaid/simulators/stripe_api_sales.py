"""Stripe's REST API about sales: which call does what with products, prices, sessions, subscriptions and invoices.

Only the table and what lists are narrowed by; keys, parameters and faults are dealt with in `stripe_api.py`.
"""

from collections.abc import Callable

from onpaid.simulators.kit import Answer, Json
from onpaid.simulators.stripe_keys import Refused
from onpaid.simulators.stripe_lists import page
from onpaid.simulators.stripe_subscription_calls import SubscriptionCalls
from onpaid.simulators.stripe_values import flag
from onpaid.simulators.world import Simulators

Act = Callable[[Json, str], Answer]
Row = tuple[str, str, str, Act]
UNTIMED = 0


def _given(found: Callable[[Json, str], Json]) -> Act:
    return lambda params, ident: Answer(200, found(params, ident))


def _paged(found: Callable[[Json], list[Json]]) -> Act:
    return lambda params, _ident: page(found(params), params)


class SalesCalls:
    """The calls about sales, about what happened, and about where that is told."""

    def __init__(self, simulators: Simulators) -> None:
        self._all = simulators
        self._sales, self._stripe = simulators.sales, simulators.stripe

    def rows(self) -> list[Row]:
        """Method, path, the operation's name in the schemas, and what it does."""
        catalogue, sessions = self._sales.catalogue, self._sales.sessions
        subscriptions, invoices = self._sales.subscriptions, self._sales.invoices
        calls = SubscriptionCalls(self._all.clock, catalogue, subscriptions)
        product, price, session = "/v1/products/{id}", "/v1/prices/{price}", "/v1/checkout/sessions/{session}"
        subscription = "/v1/subscriptions/{subscription}"
        table: list[tuple[str, str, str, Act]] = [
            ("GET", "/products", "/v1/products", _paged(catalogue.products_listed)),
            ("POST", "/products", "/v1/products", _given(lambda params, _id: catalogue.add_product(params))),
            ("GET", "/products/{id}", product, _given(lambda _params, ident: catalogue.product(ident))),
            ("POST", "/products/{id}", product, _given(catalogue.change_product)),
            ("GET", "/prices", "/v1/prices", _paged(catalogue.prices_listed)),
            ("POST", "/prices", "/v1/prices", _given(lambda params, _id: catalogue.add_price(params))),
            ("GET", "/prices/{id}", price, _given(lambda _params, ident: catalogue.price(ident))),
            ("POST", "/prices/{id}", price, _given(catalogue.change_price)),
            ("GET", "/checkout/sessions", "/v1/checkout/sessions", _paged(sessions.listed)),
            (
                "POST",
                "/checkout/sessions",
                "/v1/checkout/sessions",
                _given(lambda params, _id: sessions.create(params)),
            ),
            (
                "GET",
                "/checkout/sessions/{id}",
                session,
                _given(lambda _params, ident: sessions.session(ident)),
            ),
            ("GET", "/checkout/sessions/{id}/line_items", f"{session}/line_items", self._lines),
            (
                "POST",
                "/checkout/sessions/{id}/expire",
                f"{session}/expire",
                _given(lambda _params, ident: sessions.expire(ident)),
            ),
            ("GET", "/subscriptions", "/v1/subscriptions", _paged(calls.listed)),
            (
                "GET",
                "/subscriptions/{id}",
                subscription,
                _given(lambda _params, ident: subscriptions.subscription(ident)),
            ),
            ("POST", "/subscriptions/{id}", subscription, _given(calls.update)),
            ("DELETE", "/subscriptions/{id}", subscription, _given(calls.cancel)),
            ("GET", "/invoices", "/v1/invoices", _paged(invoices.listed)),
            (
                "GET",
                "/invoices/{id}",
                "/v1/invoices/{invoice}",
                _given(lambda _p, ident: invoices.invoice(ident)),
            ),
            ("GET", "/invoices/{id}/lines", "/v1/invoices/{invoice}/lines", self._invoice_lines),
            ("GET", "/invoice_payments", "/v1/invoice_payments", _paged(invoices.payments_listed)),
            ("GET", "/disputes", "/v1/disputes", _paged(self._disputes)),
            ("GET", "/disputes/{id}", "/v1/disputes/{dispute}", self._one("dispute", self._all_disputes)),
            (
                "GET",
                "/refunds/{id}",
                "/v1/refunds/{refund}",
                self._one("refund", lambda: self._stripe.refunds),
            ),
            ("GET", "/events", "/v1/events", _paged(self._events)),
            ("GET", "/events/{id}", "/v1/events/{id}", self._one("event", self._stripe.told.listed)),
            (
                "GET",
                "/webhook_endpoints",
                "/v1/webhook_endpoints",
                _paged(lambda _params: [self._endpoint()]),
            ),
        ]
        return [(method, path, f"{method} {operation}", act) for method, path, operation, act in table]

    def _one(self, kind: str, found: Callable[[], dict[str, Json]]) -> Act:
        def act(_params: Json, ident: str) -> Answer:
            if ident not in found():
                raise Refused(f"No such {kind}: '{ident}'", "resource_missing", "id", status=404)
            return Answer(200, found()[ident])

        return act

    def _all_disputes(self) -> dict[str, Json]:
        return self._sales.troubles.disputes

    def _lines(self, params: Json, ident: str) -> Answer:
        self._sales.sessions.session(ident)
        return self._in_order(self._sales.sessions.lines[ident], params)

    def _invoice_lines(self, params: Json, ident: str) -> Answer:
        self._sales.invoices.invoice(ident)
        return self._in_order(self._sales.invoices.lines[ident], params)

    def _in_order(self, lines: list[Json], params: Json) -> Answer:
        """In the order of what they are of: lines have no time, so the list is turned for `page`, which turns it back."""
        answer = page([{**line, "created": UNTIMED} for line in reversed(lines)], params)
        if answer.status == 200:
            bare = [
                {name: value for name, value in line.items() if name != "created"}
                for line in answer.body["data"]
            ]
            answer.body["data"] = bare
        return answer

    def _disputes(self, params: Json) -> list[Json]:
        names = ("charge", "payment_intent")
        return [
            each
            for each in self._all_disputes().values()
            if all(name not in params or each[name] == params[name] for name in names)
        ]

    def _events(self, params: Json) -> list[Json]:
        """Of an event that no endpoint was to hear of, nothing has failed: it counts as delivered."""
        types = set(params.get("types") or ()) | ({params["type"]} if "type" in params else set())
        if len(types) > 20:
            raise Refused("You can only specify up to 20 types", None, "types")
        delivered = params.get("delivery_success")
        kept = [each for each in self._stripe.told.listed().values() if not types or each["type"] in types]
        if delivered is None:
            return kept
        return [each for each in kept if (each["pending_webhooks"] == 0) is flag(delivered)]

    def _endpoint(self) -> Json:
        told = self._stripe.told
        return {
            "id": "we_simulated",
            "object": "webhook_endpoint",
            "api_version": told.endpoint.api_version,
            "application": None,
            "created": 0,
            "description": None,
            "enabled_events": list(told.endpoint.enabled_events),
            "livemode": self._stripe.livemode,
            "metadata": {},
            "status": told.endpoint.status,
            "url": told.url,
        }
