"""What a ticket may tell: ids that a person needs stay, people do not; and a tracker that is not there says so."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from onpaid.errors import Refused
from onpaid.providers.ticket_texts import ids_in, order_number, title_of, told_facts, told_text
from onpaid.providers.trackers import NoTracker
from tests.providers.test_jira import TICKET


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("customerEmail", "kari@example.org", "***"),
        ("customer_phone", "9999999999", "***"),
        ("recipient-name", "Kari Lie", "***"),
        ("customer", "Kari Lie", "***"),
        ("customer", "cus_9s6XKzkNRiz8i3", "cus_9s6XKzkNRiz8i3"),
        ("pincode", "400001", "***"),
        ("vpa", "kari@upi", "***"),
        ("to", "+919876543210", "***"),
        ("api_key_secret", "abc", "***"),
        ("email", "", ""),
        ("order", "shop/2045861230417", "shop/2045861230417"),
        ("orders", "2045861230417,2045861230418", "2045861230417,2045861230418"),
        ("shipment_id", "348456385", "348456385"),
        ("awb", "19041211125783", "19041211125783"),
        ("paymentId", "pay_29QQoUBi66xm2f", "pay_29QQoUBi66xm2f"),
        ("amount", "JPY 12345678", "JPY 12345678"),
        ("paid", "INR -12,345,678.50", "INR -12,345,678.50"),
        ("why", "no reply to 98765 43210 of kari@example.org", "no reply to *** of ***"),
        ("error", "bad key sk_test_abcdef0123", "bad key ***"),
        ("step", "book parcel", "book parcel"),
        ("payment", "card 4242 4242 4242 4242", "card ***"),
        ("reference", "+919876543210", "***"),
    ],
)
def test_a_fact(name: str, value: str, told: str) -> None:
    assert told_facts({name: value}) == {name: told}


def test_ids_of_the_facts_stay_in_every_text() -> None:
    facts = {
        "awb": "19041211125783",
        "order": "shop/2045861230417",
        "error": "AWB 19041211125783 of 2045861230417",
    }
    assert told_facts(facts) == facts
    assert "19041211125783" in ids_in(facts)
    assert (
        told_text("for 19041211125783, call 19041211125784", ids_in(facts)) == "for 19041211125783, call ***"
    )
    assert told_text("+19041211125783", ["19041211125783"]) == "***", (
        "a telephone number that looks like an id"
    )


def test_an_order_is_named_as_people_know_it() -> None:
    assert order_number(TICKET) == "2045861230417"
    assert order_number(replace(TICKET, order="1001")) == "1001"
    assert order_number(replace(TICKET, order=None)) is None
    titled = replace(TICKET, title="Order 2045861230417 of kari@example.org\nfailed", facts={})
    assert title_of(titled) == "Order 2045861230417 of *** failed"


@given(st.text(max_size=400), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_comes_out_on_one_short_line(text: str, kept: list[str]) -> None:
    told = told_text(f"{text} mail kari@example.org", kept)
    assert "\n" not in told or any("\n" in word for word in kept)
    assert "kari@example.org" not in told


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("create_issue", (TICKET,)),
        ("find_issue", (TICKET,)),
        ("issue_is_open", ("OPS-1",)),
        ("comment", ("OPS-1", "marker", "text")),
        ("find_comment", ("OPS-1", "marker", "text")),
    ],
)
async def test_a_tracker_that_is_not_there_refuses(method: str, given: tuple[Any, ...]) -> None:
    tracker = NoTracker()
    assert (tracker.present, tracker.lanes, await tracker.doctor()) == (False, (), [])
    with pytest.raises(Refused, match="no issue tracker"):
        await getattr(tracker, method)(*given)
