"""Stripe's list of webhook endpoints, held against what we need: is ours there, switched on, and told everything?

Stripe switches an endpoint off whose answers fail for days, and says so by mail only. Each finding is a sentence that
says what to do. Endpoints of other systems of the account are none of our business.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from onpaid.acts import act
from onpaid.domain.reconciliation import Finding
from onpaid.providers import stripe_billing_events
from onpaid.providers.stripe_sdk import API_VERSION, TIMEOUT, StripeSdk
from onpaid.providers.stripe_wire import known_version

PATHS: Final = ("/webhooks/stripe", "/stripe/webhook")
"""Where Stripe's webhooks are taken, under any host."""
PAYMENTS: Final = (
    "charge.succeeded",
    "charge.captured",
    "payment_intent.succeeded",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
)
BILLING: Final = (
    *stripe_billing_events.TYPES,
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.updated",
)
_INSTEAD: Final = {"charge.refunded": "refund.created"}
"""Types that need not be told where another one is that tells the same."""


def needed_types(*, billing: bool) -> tuple[str, ...]:
    """The types that an endpoint must be told, as `docs/webhooks.md` lists them."""
    return (*PAYMENTS, *BILLING) if billing else PAYMENTS


class Endpoint(msgspec.Struct):
    """A webhook endpoint of the account."""

    id: str
    url: str
    status: str
    enabled_events: list[str]
    api_version: str | None = None


class StripeEndpoints:
    """Looks at the account's endpoints. `public_url` is where the world reaches us, None if that is not known."""

    def __init__(
        self, sdk: StripeSdk, *, public_url: str | None, billing: bool, paths: Collection[str] = PATHS
    ) -> None:
        self._sdk = sdk
        self._host = _host(public_url) if public_url else None
        base = _path(public_url or "")
        self._paths = frozenset((*paths, *(base + path for path in paths)))
        self._address = f"{(public_url or 'https://<this service>').rstrip('/')}{PATHS[0]}"
        self._billing = billing

    @act(repeatable=True, lane="stripe", timeout=TIMEOUT)
    async def probe(self) -> list[Finding]:
        """What is wrong with our endpoint; nothing if it is as it should be. Raises ProviderError if our key may not
        list endpoints."""
        there, _ = await self._sdk.listed(self._sdk.v1.webhook_endpoints.list_async, {}, Endpoint)
        return self.judge(there)

    def judge(self, there: Sequence[Endpoint]) -> list[Finding]:
        """The findings of a list of endpoints."""
        known = [each for each in there if _path(each.url) in self._paths]
        ours = [each for each in known if self._host in (None, _host(each.url))]
        if not ours:
            return [self._elsewhere(each) for each in known] or [self._none()]
        enabled = [each for each in ours if each.status == "enabled"]
        if not enabled:
            return [_disabled(each) for each in ours]
        found = [finding for each in enabled if (finding := _version(each)) is not None]
        told = {kind for each in enabled for kind in each.enabled_events}
        missing = [kind for kind in needed_types(billing=self._billing) if not _is_told(kind, told)]
        if missing:
            found.append(_missing(enabled[0], missing))
        return found

    def _none(self) -> Finding:
        sentence = (
            f"Stripe sends its webhooks to no endpoint of ours: add {self._address} there, with API version "
            f"{API_VERSION}, and put its signing secret into STRIPE_WEBHOOK_SECRET."
        )
        return Finding("endpoint missing", self._address, sentence)

    def _elsewhere(self, each: Endpoint) -> Finding:
        sentence = (
            f"Stripe's endpoint {each.id} leads to {each.url}, and this service is at {self._address}: change its "
            "address there, or ONPAID_PUBLIC_URL here."
        )
        return Finding("endpoint elsewhere", each.id, sentence)


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _host(url: str) -> str:
    """Scheme, host and port, as they are compared; a part that cannot be read is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"
    except ValueError:
        return ""


def _is_told(kind: str, told: Collection[str]) -> bool:
    return bool({"*", kind, _INSTEAD.get(kind, kind)} & set(told))


def _disabled(each: Endpoint) -> Finding:
    sentence = (
        f"Stripe's endpoint {each.id} ({each.url}) is switched off, so no webhook comes: switch it on there. "
        "`onpaid reconcile` brings in what was missed, up to 30 days."
    )
    return Finding("endpoint disabled", each.id, sentence)


def _version(each: Endpoint) -> Finding | None:
    if known_version(each.api_version):
        return None
    what = f"has API version {each.api_version}, which we do not know"
    if not each.api_version:
        what = "has no API version of its own, so that a change of the account's default changes what arrives"
    sentence = f"Stripe's endpoint {each.id} ({each.url}) {what}: make it anew with {API_VERSION}."
    return Finding("endpoint version", each.id, sentence)


def _missing(each: Endpoint, missing: Sequence[str]) -> Finding:
    sentence = f"Stripe's endpoint {each.id} ({each.url}) is not told {', '.join(missing)}: add them to its events there."
    return Finding("endpoint events", each.id, sentence, {"missing": ", ".join(missing)})
