"""Canaries in every field of what is shown: none is seen, and what a person needs stays."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from onpaid.app.masking import Mask
from onpaid.app.masks import mask_customer, mask_email, mask_recipient, recipient_words
from onpaid.domain.events import Envelope
from onpaid.domain.fulfilment import Recipient
from onpaid.domain.links import Links
from onpaid.domain.orders import Address, Customer
from onpaid.repositories.events import EVENTS, EventRecord, digest_of, event_key, pack
from tests.web.client import operator
from tests.web.people import person
from tests.web.telling import Story
from tests.web.world import NOON, World

CANARIES = {
    "secret key": "sk_live_51CanaryCanaryCanary",
    "webhook secret": "whsec_CanaryCanaryCanary1234",
    "bearer": "Bearer canary-canary-token-123456",
    "web token": "eyJhbGciOiJub25lIn0.eyJjYW5hcnkiOjF9.",
    "card": "4242 4242 4242 4242",
    "card in one": "5555555555554444",
    "phone": "+47 912 34 567",
    "e-mail": "canary.bird@example.org",
}
FIELDS = ("note", "description", "name", "id", "message", "metadata", "x", "error", "statement_descriptor")


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
@pytest.mark.parametrize("field", FIELDS)
def test_no_canary_is_seen_in_any_field(canary: str, field: str) -> None:
    tree = {"a": [{field: f"about {canary}, then more"}, {field: {"deep": canary}}], canary: 1}
    assert canary not in json.dumps(Mask().tree(tree))


@pytest.mark.parametrize(
    "tree",
    [
        {
            "customer": {"name": "Kari Nordmann", "email": "k@n.no"},
            "message": "Hei Kari Nordmann!",
            "note": "for Kari",
        },
        {"to_name": "Kari Nordmann", "text": "Dear Kari"},
        {"billing_details": {"name": "Kari Nordmann", "address": {"line1": "Nordmann gate 1"}}},
        {"shipping": {"name": "Kari Nordmann", "phone": "91234567"}},
        {"contact": {"fullName": "Kari Nordmann", "organization_number": "999888777"}},
        {"cardholder_name": "KARI NORDMANN", "company": "Nordmann AS"},
    ],
)
def test_a_name_is_hidden_wherever_it_appears(tree: dict[str, Any]) -> None:
    shown = json.dumps(Mask().tree(tree)).lower()
    for word in ("nordmann", "kari", "91234567", "999888777"):
        assert word not in shown


PRIVATE = ("919876543210", "9876543210", "Asha Rao", "asha@okaxis", "12 MG Road", "560001")


@pytest.mark.parametrize(
    "tree",
    [
        {"contact": "+919876543210", "vpa": "asha@okaxis", "card": {"name": "Asha Rao", "last4": "1111"}},
        {"contacts": [{"profile": {"name": "Asha Rao"}, "wa_id": "919876543210"}]},
        {"statuses": [{"recipient_id": "919876543210", "status": "read"}], "from": "919876543210"},
        {"To": "whatsapp:+919876543210", "MessageStatus": "read"},
        {"waId": "919876543210", "senderName": "Asha Rao"},
        {"customerNumber": "919876543210", "integratedNumber": "919876543210", "mobile": 919876543210},
        {"billing_customer_name": "Asha Rao", "billing_address": "12 MG Road", "billing_pincode": "560001"},
        {
            "recipient": {"name": "Asha Rao", "phone": "+919876543210", "line1": "12 MG Road"},
            "note": "for Asha",
        },
        {"note": "told whatsapp:+919876543210 of it", "to": "+919876543210"},
    ],
)
def test_what_payment_courier_and_message_services_tell_of_a_customer_is_hidden(tree: dict[str, Any]) -> None:
    shown = json.dumps(Mask().tree(tree))
    for word in PRIVATE:
        assert word not in shown


def test_what_such_services_tell_of_the_order_stays() -> None:
    tree = {
        "awb": "1904170554337",
        "order_number": "2950855205991",
        "orderNumber": 2950855205994,
        "shipment_status": "IN TRANSIT",
        "payment_id": "pay_RB58MiP5SPFYyM",
        "to": "2026-11-21",
        "from": "Mumbai_Andheri_C",
        "ref": "onpaid:shop/2950855205991:order_confirmation",
        "state": "in_transit",
    }
    assert Mask().tree(tree) == tree


def test_a_customers_link_is_hidden_wherever_it_stands() -> None:
    link = Links(["a secret"]).make("track", "shop/2950855205991", NOON)
    shown = Mask().text(f"see https://pay.example/track/{link}, or {link}.")
    assert link.split(".")[2] not in shown
    assert shown == "see https://pay.example/track/***, or ***."
    assert Mask().text("version 1.2.3 of onpaid.app.masking") == "version 1.2.3 of onpaid.app.masking"


def test_whoever_gets_a_parcel_is_hidden_but_for_the_state() -> None:
    recipient = Recipient(
        "Asha Rao", "+919876543210", "a@b.in", "12 MG Road", "", "Bengaluru", "Karnataka", "560001"
    )
    assert mask_recipient(recipient) == Recipient("A*** R***", "***10", "a***@b.in", state="Karnataka")
    assert set(recipient_words(recipient)) >= {"+919876543210", "919876543210", "9876543210", "12 MG Road"}


async def test_an_event_that_came_as_a_form_is_shown_masked(world: World) -> None:
    envelope = Envelope("twilio", "twilio/default/test", "SM1", "message status", False)
    body = b"MessageSid=SM1&MessageStatus=read&To=whatsapp%3A%2B919876543210"
    record = EventRecord(
        event_key(envelope), envelope, NOON, digest_of(body), pack(body), "routed", "", [], []
    )
    await world.store.commit([EVENTS.insert(record)])
    shown = await world.views.event(event_key(envelope))
    assert shown is not None
    assert shown.body == {"MessageSid": "SM1", "MessageStatus": "read", "To": "***10"}


def test_what_a_person_needs_stays() -> None:
    tree = {
        "id": "pi_3QxYz",
        "customer": "cus_123",
        "amount": 109800,
        "created": 1795262400,
        "at": 1795262400123,
        "name": "Merino sweater",
        "order": "10044",
        "invoice": 4242424242,
        "reference": "8812-7781-0042",
        "state": "done",
        "ok": True,
        "none": None,
        "price": 1.5,
    }
    assert Mask().tree(tree) == tree


def test_masks_keep_a_shape() -> None:
    assert mask_email("kari@example.org") == "k***@example.org"
    assert mask_email("nothing") == "***"
    assert Mask().text("call +4791234567 or pay by 4242424242424242") == "call ***67 or pay by ***4242"
    assert Mask(["Ola Test"]).text("Ola Test paid order test") == "O*** T*** paid order test"
    customer = Customer(
        id="cus_1",
        name="Kari N",
        email="k@n.no",
        phone="12345678",
        company="X",
        address=Address("a", country="NO"),
    )
    assert mask_customer(customer).address == Address(country="NO")
    assert Mask().tree({"pin": "1234", "password": "x", "number": 4242424242424242}) == {
        "pin": "***",
        "password": "***",
        "number": "***4242",
    }


def test_odd_trees_end() -> None:
    deep: Any = "bottom"
    for _ in range(200):
        deep = [deep]
    assert "…" in json.dumps(Mask().tree(deep), ensure_ascii=False)
    assert "characters more" in Mask().text("x" * 5000)
    Mask(["a" * 5000, "x", ""]).text("@" * 5000 + "+4" * 2000 + "eyJ" * 2000)


async def test_no_canary_is_seen_on_any_page(world: World) -> None:
    """The whole of it: canaries in step inputs, results, notes, reasons, tickets and events."""
    text = " and ".join(CANARIES.values())
    story = Story("777", NOON - 60_000, person(0), ()).ordered(_lines(text)).later(1).pays(100)
    story.step("read payment", "Stripe.fetch_payment", asked={"q": text}, answered={"metadata": {"x": text}})
    tries = [("act", "refused", 10, text)]
    story.step("create invoice", "Fiken.create_invoice", "find", state="failed", tries=tries, asked=[text])
    story.rests("failed", f"Refused: {text}").ticket(f"Refused: {text}", "provider", error=text)
    await story.write(world.store)
    ticket = (await world.views.tickets()).items[0].id
    run = f"invoice_payment:{story.paid[0].key}"
    for path in (
        "/console",
        "/console/problems",
        "/console/orders/konverzky/777",
        f"/console/runs/{run}",
        "/console/events/konverzky/konverzky/test/wh_777_1",
        "/api/orders",
        "/api/orders/777",
        f"/api/runs/{run}",
        "/api/runs?state=failed",
        "/api/tickets",
        f"/api/tickets/{ticket}",
        "/api/events/konverzky/konverzky/test/wh_777_1",
        "/metrics",
    ):
        answer = await operator(world).get(path)
        assert answer.status == 200, path
        for name, canary in CANARIES.items():
            assert canary not in answer.text, (path, name)


def _lines(text: str) -> Any:
    from tests.web.people import goods

    return (msgspec.structs.replace(goods(0)[0], name=f"Gift for {text}"),)
