"""The probe of our webhook endpoint at Stripe: what is found, and what is none of our business."""

from typing import Any

import pytest

from onpaid.domain.reconciliation import Finding
from onpaid.errors import Unauthorised
from onpaid.providers.stripe import MOST_TYPES, Settings, Stripe
from onpaid.providers.stripe_endpoints import PATHS, Endpoint, StripeEndpoints, needed_types
from onpaid.providers.stripe_events import TYPES
from onpaid.providers.stripe_sdk import API_VERSION, StripeSdk
from onpaid.providers.stripe_sdk import Settings as Access
from tests.providers.sales_samples import KEY, listed
from tests.providers.scripted import reply, scripted

URL = "https://pay.example.org"
SDK = StripeSdk(Access(KEY))


def endpoint(**changes: Any) -> Endpoint:
    whole = {
        "id": "we_1",
        "url": f"{URL}/webhooks/stripe",
        "status": "enabled",
        "enabled_events": ["*"],
        "api_version": API_VERSION,
    }
    return Endpoint(**{**whole, **changes})


def found(*there: Endpoint, url: str | None = URL, billing: bool = True) -> list[Finding]:
    return StripeEndpoints(SDK, public_url=url, billing=billing).judge(there)


@pytest.mark.parametrize(
    "url",
    [
        f"{URL}/webhooks/stripe",
        f"{URL}/stripe/webhook",
        f"{URL}:443/webhooks/stripe/",
        "https://PAY.example.org/webhooks/stripe?x=1",
    ],
)
def test_an_endpoint_as_it_should_be(url: str) -> None:
    assert found(endpoint(url=url)) == []
    assert found(endpoint(url="https://[bad/x", status="disabled"), endpoint(url=url)) == []


def test_a_service_behind_a_prefix() -> None:
    stage = "https://abc.execute-api.eu-north-1.amazonaws.com/prod"
    assert found(endpoint(url=f"{stage}/stripe/webhook"), url=stage) == []


def test_none_of_ours() -> None:
    (finding,) = found(endpoint(url="https://other.example/hooks"))
    assert finding.kind == "endpoint missing"
    assert f"{URL}/webhooks/stripe" in finding.sentence
    assert API_VERSION in finding.sentence
    assert found() == [finding]


def test_ours_at_another_host() -> None:
    (finding,) = found(endpoint(url="https://old.example.org/webhooks/stripe"))
    assert (finding.kind, finding.subject) == ("endpoint elsewhere", "we_1")
    assert "https://old.example.org/webhooks/stripe" in finding.sentence
    assert [each.kind for each in found(endpoint(url=f"{URL}:8443{PATHS[0]}"))] == ["endpoint elsewhere"]
    assert [each.kind for each in found(endpoint(url=f"http://pay.example.org{PATHS[0]}"))] == [
        "endpoint elsewhere"
    ]
    assert found(endpoint(url=f"https://old.example.org{PATHS[0]}"), endpoint()) == []
    assert found(endpoint(url=f"https://old.example.org{PATHS[0]}"), url=None) == []


def test_switched_off() -> None:
    (finding,) = found(endpoint(status="disabled"))
    assert finding.kind == "endpoint disabled"
    assert "switched off" in finding.sentence
    assert found(endpoint(status="disabled"), endpoint(id="we_2")) == []


def test_a_version_that_is_not_known_or_not_fixed() -> None:
    (unknown,) = found(endpoint(api_version="2031-01-01.kale"))
    assert (unknown.kind, "2031-01-01.kale" in unknown.sentence) == ("endpoint version", True)
    (unfixed,) = found(endpoint(api_version=None))
    assert "no API version of its own" in unfixed.sentence
    assert found(endpoint(api_version="2025-03-31.basil")) == []


def test_types_that_are_not_told() -> None:
    some = [kind for kind in needed_types(billing=True) if not kind.startswith("invoice.")]
    (finding,) = found(endpoint(enabled_events=some))
    assert finding.facts == {"missing": "invoice.paid, invoice.payment_failed"}
    assert found(endpoint(enabled_events=some), billing=False) == []
    second = endpoint(id="we_2", enabled_events=["invoice.paid", "invoice.payment_failed"])
    assert found(endpoint(enabled_events=some), second) == []
    off = endpoint(id="we_2", enabled_events=["invoice.paid"], status="disabled")
    assert [each.kind for each in found(endpoint(enabled_events=some), off)] == ["endpoint events"]


def test_refunds_may_be_told_either_way() -> None:
    some = [kind for kind in needed_types(billing=False) if kind != "charge.refunded"]
    assert [each.facts["missing"] for each in found(endpoint(enabled_events=some), billing=False)] == [
        "charge.refunded"
    ]
    assert found(endpoint(enabled_events=[*some, "refund.created"]), billing=False) == []


def test_what_is_needed_is_understood() -> None:
    billing = Stripe(Settings(billing=True))
    assert set(needed_types(billing=True)) <= set(billing.types)
    assert set(needed_types(billing=False)) <= set(TYPES)
    assert len(set(needed_types(billing=True))) == len(needed_types(billing=True)) > MOST_TYPES


async def test_the_probe_over_http() -> None:
    told = [{"id": "we_1", "url": f"{URL}/webhooks/stripe", "status": "disabled", "enabled_events": ["*"]}]
    async with scripted(reply(200, listed(*told)), reply(403, {"error": {}})) as server:
        sdk = StripeSdk(Access(KEY, api_base=server.base))
        probe = StripeEndpoints(sdk, public_url=URL, billing=True)
        assert [each.kind for each in await probe.probe()] == ["endpoint disabled"]
        with pytest.raises(Unauthorised):
            await probe.probe()
        await sdk.close()
