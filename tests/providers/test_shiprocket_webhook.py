"""Shiprocket's tracking webhook: who may tell, what is told, and what is passed over."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.domain.shipments import ParcelTold, Scan
from onpaid.domain.tracking import advanced
from onpaid.errors import BadSignature, InvalidInput
from onpaid.providers import shiprocket_wire as wire
from onpaid.providers.shiprocket import Settings
from onpaid.providers.shiprocket_webhook import ShiprocketTracking
from onpaid.simulators import Served, serve
from tests.providers.parcels import AT_ONCE, PARCEL, at
from tests.providers.samples import NOW, altered

NEW, OLD = "Jq3vV0yXwT7pLr2NnK5sHd8f", "mZ8kT1bWc4Rd6Xe0Yf2Gh3Jk"
PUSH: dict[str, Any] = {
    "awb": "00041424751540",
    "courier_name": "Delhivery Surface",
    "current_status": "IN TRANSIT",
    "current_status_id": 20,
    "shipment_status": "IN TRANSIT",
    "shipment_status_id": 18,
    "current_timestamp": "23 05 2026 11:43:52",
    "order_id": "2045861230417_150876814",
    "sr_order_id": 348456385,
    "awb_assigned_date": "2026-05-19 11:59:16",
    "pickup_scheduled_date": "2026-05-19 11:59:17",
    "etd": "2026-05-23 15:40:19",
    "scans": [
        {
            "date": "2026-05-19 15:32:17",
            "status": "X-PPOM",
            "activity": "Shipment picked up",
            "location": "Chomu (Rajasthan)",
            "sr-status": "42",
            "sr-status-label": "PICKED UP",
        },
        {
            "date": "2026-05-19 17:19:14",
            "status": "X-DBL1F",
            "activity": "Added to Bag",
            "location": "Jaipur",
            "sr-status": "NA",
            "sr-status-label": "NA",
        },
    ],
    "is_return": 0,
    "channel_id": 3422553,
    "pod": "Not Available",
}
SOURCE = ShiprocketTracking(Settings(webhook_tokens=(NEW, OLD)))


def body(**changes: Any) -> bytes:
    return json.dumps({**PUSH, **changes}).encode()


def judged(raw: bytes) -> Any:
    return SOURCE.judge(SOURCE.read(raw, NOW), raw, NOW)


def told(raw: bytes) -> ParcelTold:
    (fact,) = judged(raw).facts
    assert isinstance(fact, ParcelTold)
    return fact


def test_either_of_two_tokens_opens_and_nothing_else_does() -> None:
    for token in (NEW, OLD):
        SOURCE.verify({"x-api-key": token}, body(), NOW)
    for wrong in ("", NEW[:-1], NEW + "x", NEW.lower(), f"{NEW},{OLD}", "\udcff", "é"):
        with pytest.raises(BadSignature):
            SOURCE.verify({"x-api-key": wrong}, body(), NOW)
    for headers in ({}, {"authorization": f"Bearer {NEW}"}, {"X-Api-Key": NEW}):
        with pytest.raises(BadSignature):
            SOURCE.verify(headers, body(), NOW, token=NEW)


@pytest.mark.parametrize("tokens", [(), ("",), ("  ",)])
def test_without_a_token_the_endpoint_is_closed(tokens: tuple[str, ...]) -> None:
    closed = ShiprocketTracking(Settings(webhook_tokens=tokens))
    for headers in ({}, {"x-api-key": ""}, {"x-api-key": "  "}):
        with pytest.raises(BadSignature, match="closed"):
            closed.verify(headers, body(), NOW)


def test_what_a_webhook_tells() -> None:
    envelope = SOURCE.read(body(), NOW)
    assert (envelope.source, envelope.account, envelope.type, envelope.live) == (
        "tracking",
        "tracking/shiprocket/live",
        "parcel.status",
        True,
    )
    assert told(body()) == ParcelTold(
        awb="00041424751540",
        number=18,
        status="IN TRANSIT",
        told_at=wire.moment("2026-05-23 11:43:52"),
        order_id="348456385",
        reference="2045861230417",
        expected="2026-05-23 15:40:19",
        scans=(
            Scan("2026-05-19T15:32:17", "Shipment picked up", "Chomu (Rajasthan)", 42),
            Scan("2026-05-19T17:19:14", "Added to Bag", "Jaipur"),
        ),
        event=envelope.event_id,
    )
    assert envelope.created_at == told(body()).told_at


def test_the_orders_numbering_is_never_read() -> None:
    """7 among orders is delivered too, but 8 is a failed payment there and a cancellation here."""
    for shipment, order in ((18, 7), (None, 7), ("NA", 5)):
        fact = told(body(shipment_status_id=shipment, current_status_id=order, current_status="DELIVERED"))
        assert fact.number == (18 if shipment == 18 else None)
        assert advanced("in_transit", fact) == "in_transit"


def test_an_unknown_number_is_kept_and_moves_nothing() -> None:
    fact = told(body(shipment_status_id=991, shipment_status="HELD IN ORBIT"))
    assert (fact.number, fact.status) == (991, "HELD IN ORBIT")
    assert advanced("in_transit", fact) == "in_transit"


def test_a_parcel_of_the_account_that_is_not_ours_is_no_error() -> None:
    fact = told(body(awb="70000000001", order_id="OTHER-1", sr_order_id=1))
    assert (fact.awb, fact.reference) == ("70000000001", "OTHER-1")


def test_the_same_told_again_is_the_same_event_however_it_is_written() -> None:
    first = SOURCE.read(body(), NOW).event_id
    backwards = json.dumps(dict(reversed(PUSH.items())), indent=1).encode()
    as_text = body(shipment_status_id="18", sr_order_id="348456385")
    assert {SOURCE.read(raw, NOW + 5).event_id for raw in (backwards, as_text)} == {first}
    others = [
        body(awb="00041424751541"),
        body(shipment_status_id=17),
        body(current_timestamp="23 05 2026 11:43:53"),
        body(scans=PUSH["scans"][:1]),
        body(etd="2026-05-24 15:40:19"),
        body(is_return=1),
    ]
    assert len({SOURCE.read(raw, NOW).event_id for raw in others} | {first}) == len(others) + 1


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"event":"test"}', b'{"awb":null,"sr_order_id":""}', b'{"awb":"N/A"}']
)
def test_what_names_no_parcel_is_let_in_and_passed_over(raw: bytes) -> None:
    """The panel tries an address before it takes it, and takes only a 200 for an answer."""
    envelope = SOURCE.read(raw, NOW)
    assert envelope.type == "other"
    assert judged(raw).facts == ()
    assert judged(raw).ignored


def test_what_a_customer_sends_back_is_not_followed() -> None:
    for sign in (1, "1", "2"):
        assert judged(body(is_return=sign)).ignored
    for sign in (0, "0", None, ""):
        assert judged(body(is_return=sign)).facts


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b'"x"', b"{", b"\xff", b'{"awb":NaN}', b'{"awb":1,"awb":2}']
)
def test_a_body_that_is_none_is_refused_in_a_sentence(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        SOURCE.read(raw, NOW)


def test_fields_that_are_not_as_they_should_be_count_as_not_there() -> None:
    odd = body(
        shipment_status_id=[18],
        shipment_status=None,
        current_status={"x": 1},
        current_timestamp="soon",
        etd=False,
        order_id=7,
        scans=[None, "x", {"date": "never"}, {"date": "2026-05-19 15:32:17"}, {"activity": "no time"}],
    )
    assert told(odd) == ParcelTold(
        "00041424751540",
        None,
        "",
        order_id="348456385",
        reference="7",
        event=SOURCE.read(odd, NOW).event_id,
    )
    assert told(body(scans={"date": "2026-05-19 15:32:17", "activity": "one"})).scans != ()


def test_very_long_lists_of_scans_keep_their_newest() -> None:
    scans = [
        {"date": f"2026-05-19 15:{n // 60 % 60:02}:{n % 60:02}", "activity": f"{n} " * 400}
        for n in range(800)
    ]
    kept = told(body(scans=scans)).scans
    assert len(kept) == wire.MOST_SCANS
    assert kept[-1].what.startswith("799 ")
    assert all(len(scan.what) <= wire.LONGEST_TEXT for scan in kept)


VALUES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.text(max_size=8) | st.just([]) | st.just({})


@given(
    path=st.sampled_from([*PUSH, "scans.0", *(f"scans.0.{name}" for name in PUSH["scans"][0])]), value=VALUES
)
def test_fields_of_any_kind(path: str, value: Any) -> None:
    raw = json.dumps(altered(PUSH, path, value)).encode()
    with suppress(InvalidInput):
        judgement = judged(raw)
        assert bool(judgement.facts) is not bool(judgement.ignored)


async def test_the_doctor() -> None:
    assert await SOURCE.doctor() == []
    assert "SHIPROCKET_WEBHOOK_TOKEN" in (await ShiprocketTracking(Settings()).doctor())[0]
    assert "longer" in (await ShiprocketTracking(Settings(webhook_tokens=("short",))).doctor())[0]


class Post:
    """Takes the simulator's webhooks."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.came = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        message = await receive()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.got.append((headers, message.get("body", b"")))
        self.came.set()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def next_about(self, awb: str, nth: int) -> tuple[dict[str, str], bytes]:
        """The nth webhook about this parcel; the account's other parcels are told of in between."""
        while True:
            ours = [one for one in self.got if json.loads(one[1])["awb"] == awb]
            if len(ours) >= nth:
                return ours[nth - 1]
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), 5)


async def test_what_the_simulator_sends_is_understood(simulate: Callable[..., Any]) -> None:
    post = Post()
    target = await serve(app=post)
    served: Served = await simulate(times=AT_ONCE, parcels_move=False)
    served.simulators.shiprocket.aim(f"{target.base}/webhooks/tracking", NEW)
    shiprocket = at(served)
    made = await shiprocket.create_order(PARCEL)
    awb = (await shiprocket.assign_awb(made)).awb
    ways = (("PICKED UP", 42), ("DELIVERED", 7), ("RTO DELIVERED", 10))
    for nth, (status, number) in enumerate(ways, 1):
        served.simulators.shiprocket.advance(awb, status)
        headers, raw = await post.next_about(awb, nth)
        SOURCE.verify(headers, raw, NOW)
        fact = told(raw)
        assert (fact.awb, fact.order_id, fact.reference, fact.number) == (
            awb,
            made.order_id,
            PARCEL.reference,
            number,
        )
        assert fact.told_at is not None
    assert len(fact.scans) >= 3
    await shiprocket.close()
    await served.simulators.settled()
    await target.stop()
