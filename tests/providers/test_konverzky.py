"""The shop's contract, field by field."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onpaid.clock import as_instant, iso
from onpaid.domain.events import Envelope, Judged, OrderReceived
from onpaid.domain.orders import Address, Customer, OrderLine
from onpaid.errors import InvalidInput, Problem, SettingsError
from onpaid.providers.konverzky import Konverzky, Settings
from tests.providers.samples import NOW, ORDER, altered

SHOP = Konverzky(Settings(secrets=("x" * 20,)))


def as_body(value: Any) -> bytes:
    return json.dumps(value).encode()


def received(body: bytes | dict[str, Any], source: Konverzky = SHOP) -> OrderReceived:
    raw = body if isinstance(body, bytes) else as_body(body)
    (fact,) = source.judge(source.read(raw, NOW), raw, NOW).facts
    assert isinstance(fact, OrderReceived)
    return fact


def with_number(field: str, literal: str) -> bytes:
    """The body with a number's literal put in as it is."""
    return as_body(altered(ORDER, f"order.items.0.{field}", "@@")).replace(b'"@@"', literal.encode())


def test_the_order_as_the_contract_shows_it() -> None:
    order = received(ORDER)
    assert order == OrderReceived(
        shop="konverzky",
        number="10042",
        aliases=(),
        live=False,
        lines=(
            OrderLine("77", "77", "E-book", Decimal(2), Decimal("199.00"), Decimal(25)),
            OrderLine("78", "78", "Upsell: audio", Decimal(1), Decimal(100), Decimal(25)),
        ),
        digest=order.digest,
        event=order.event,
        received_at=NOW,
        told_at=SHOP.read(as_body(ORDER), NOW).created_at,
        currency="NOK",
        prices_include_vat=True,
        total=Decimal("498.00"),
        customer=Customer(
            name="Ola Nordmann",
            email="ola@example.org",
            address=Address(line1="Storgata 1", postal_code="0155", city="Oslo", country="NO"),
        ),
    )


def test_the_envelope() -> None:
    body = as_body({**ORDER, "webhook_id": "wh_1"})
    envelope = SHOP.read(body, NOW)
    assert envelope == Envelope(
        "konverzky", "konverzky/konverzky/test", "wh_1", "order_paid", False, envelope.created_at
    )
    assert envelope.created_at is not None
    assert iso(envelope.created_at) == "2026-11-20T10:15:30.000Z"
    live = Konverzky(Settings(shop="books", live=True)).read(body, NOW)
    assert (live.account, live.live) == ("konverzky/books/live", True)


def test_the_least_that_an_order_needs() -> None:
    """The only fields that a real integration was seen to read."""
    least = {
        "webhook_type": "upsell_paid",
        "order": {"id": 7, "items": [{"name": "E", "id": 1, "quantity": 1, "unit_price": 19.99, "vat": 21}]},
    }
    order = received(least)
    assert (order.number, order.currency, order.prices_include_vat, order.total, order.customer) == (
        "7",
        None,
        None,
        None,
        None,
    )
    assert order.lines[0].unit_price == Decimal("19.99")


@pytest.mark.parametrize(
    ("order_id", "order_number", "number", "aliases"),
    [
        ("10042", "10042", "10042", ()),
        (7, "10042", "10042", ("7",)),
        ("7", None, "7", ()),
        (None, 10042, "10042", ()),
        (" 7 ", "", "7", ()),
        (7, " 7", "7", ()),
    ],
)
def test_number_and_id_name_the_same_order(
    order_id: Any, order_number: Any, number: str, aliases: Any
) -> None:
    order = received(altered(altered(ORDER, "order.id", order_id), "order.order_number", order_number))
    assert (order.number, order.aliases) == (number, aliases)


@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize(
    "literal",
    ["19.99", "0.1", "0.300000000004", "123456789012345.123456789012", "1.005", "1e2", "1.5E1", "0.07"],
)
def test_no_digit_is_lost(literal: str, quoted: bool) -> None:
    body = with_number("unit_price", f'"{literal}"' if quoted else literal)
    assert received(body).lines[0].unit_price == Decimal(literal)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
def test_any_price_comes_through(price: Decimal) -> None:
    assert received(with_number("unit_price", str(price))).lines[0].unit_price == price


@pytest.mark.parametrize("told", ['"25"', "25", '"25%"', '"25 %"', '" 25.00 "', "25.0", "2.5e1"])
def test_vat_in_all_its_spellings(told: str) -> None:
    assert received(with_number("vat", told)).lines[0].vat_percent == 25


def test_the_same_meaning_is_the_same_order() -> None:
    """Other spelling, other order of lines, other order of fields, unknown fields."""
    base = received(ORDER)
    items = ORDER["order"]["items"]
    alike = [
        altered(ORDER, "order.items.0.quantity", 2),
        altered(ORDER, "order.items.0.unit_price", 199),
        altered(ORDER, "order.items.0.vat", "25 %"),
        altered(ORDER, "order.items", items[::-1]),
        altered(ORDER, "order.total", 498),
        altered(ORDER, "order.currency", "nok"),
        altered(ORDER, "order.items.0.name", " E-book "),
        altered(ORDER, "order.customer.phone", ""),
        {"extra": [1, {"a": 2}], **dict(reversed(ORDER.items()))},
    ]
    for body in alike:
        assert (received(body).digest, received(body).event) == (base.digest, base.event)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("order.items.0.quantity", "3"),
        ("order.items.0.unit_price", "199.01"),
        ("order.items.0.vat", 15),
        ("order.items.0.name", "E-Book"),
        ("order.items.0.id", "79"),
        ("order.currency", "SEK"),
        ("order.prices_include_vat", False),
        ("order.prices_include_vat", None),
        ("order.total", None),
        ("order.customer.email", "kari@example.org"),
    ],
)
def test_another_meaning_is_another_revision(path: str, value: Any) -> None:
    assert received(altered(ORDER, path, value)).digest != received(ORDER).digest


def test_an_event_without_an_id_is_known_by_its_meaning() -> None:
    base = SHOP.read(as_body(ORDER), NOW).event_id
    assert base.startswith("by-meaning-")
    assert SHOP.read(as_body({**ORDER, "webhook_id": "  "}), NOW).event_id == base
    assert SHOP.read(as_body(altered(ORDER, "order.items.0.vat", 25)), NOW + 9).event_id == base
    others = [
        altered(ORDER, "webhook_type", "upsell_paid"),
        altered(ORDER, "created_at", "2026-11-20T10:15:31Z"),
        altered(altered(ORDER, "order.order_number", "10043"), "order.id", "10043"),
        altered(ORDER, "order.items.0.quantity", 3),
    ]
    ids = {SHOP.read(as_body(body), NOW).event_id for body in others}
    assert len(ids - {base}) == len(others)


def test_the_type_does_not_make_a_revision() -> None:
    assert received(altered(ORDER, "webhook_type", "product_paid")).digest == received(ORDER).digest


def test_lines_of_one_item_have_keys_of_their_own() -> None:
    items = ORDER["order"]["items"]
    twice = altered(ORDER, "order.items", [items[0], items[1], {**items[0], "unit_price": 1}, items[0]])
    assert [line.key for line in received(twice).lines] == ["77", "78", "77#2", "77#3"]


def test_other_types_are_ignored_whatever_they_hold() -> None:
    for body in (
        {"webhook_type": "cart_abandoned"},
        {"webhook_type": "order_refunded", "order": {"items": "x"}},
    ):
        raw = as_body(body)
        envelope = SHOP.read(raw, NOW)
        assert envelope.event_id == SHOP.read(raw, NOW + 1).event_id
        result = SHOP.judge(envelope, raw, NOW)
        assert result == Judged(
            ignored=f"webhooks of type {body['webhook_type']} do not tell of a paid order"
        )


MALFORMED: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "JSON"),
    "half": (as_body(ORDER)[:200], "JSON"),
    "a form": (b"webhook_type=order_paid", "JSON"),
    "a list": ([], "object"),
    "no type": (altered(ORDER, "webhook_type", ...), "webhook_type"),
    "an empty type": (altered(ORDER, "webhook_type", ""), "webhook_type"),
    "a type of many lines": (altered(ORDER, "webhook_type", "a\nb"), "webhook_type"),
    "a type as number": (altered(ORDER, "webhook_type", 7), "webhook_type"),
    "a webhook id that is too long": ({**ORDER, "webhook_id": "x" * 256}, "webhook_id"),
    "a time without offset": (altered(ORDER, "created_at", "2026-11-20T10:15:30"), "created_at"),
    "a time that is none": (altered(ORDER, "created_at", "yesterday"), "created_at"),
    "no order": (altered(ORDER, "order", ...), "`order`"),
    "a null order": (altered(ORDER, "order", None), "`order`"),
    "an order that is a list": (altered(ORDER, "order", []), "object"),
    "no number": (altered(altered(ORDER, "order.id", None), "order.order_number", ""), "order_number"),
    "a number with a control character": (
        altered(ORDER, "order.order_number", "1\x07"),
        "order.order_number",
    ),
    "a number that is too long": (altered(ORDER, "order.id", "1" * 65), "order.id"),
    "a number with a fraction": (altered(ORDER, "order.id", 1.5), "id"),
    "a number that is true": (altered(ORDER, "order.id", True), "id"),
    "no items": (altered(ORDER, "order.items", ...), "items"),
    "an order without items": (altered(ORDER, "order.items", []), "order.items must hold 1 to 200"),
    "201 items": (altered(ORDER, "order.items", [ORDER["order"]["items"][0]] * 201), "not 201"),
    "no item name": (altered(ORDER, "order.items.0.name", ...), "name"),
    "an empty item name": (altered(ORDER, "order.items.0.name", " \n "), r"items\[0\].name"),
    "an item name of 201": (altered(ORDER, "order.items.1.name", "x" * 201), r"items\[1\].name"),
    "no item id": (altered(ORDER, "order.items.0.id", ...), "id"),
    "an empty item id": (altered(ORDER, "order.items.0.id", ""), r"items\[0\].id"),
    "an item id like a second appearance": (
        altered(
            ORDER,
            "order.items",
            [{**ORDER["order"]["items"][0], "id": ident} for ident in (77, "77", "77#2")],
        ),
        "second appearance",
    ),
    "a zero quantity": (
        altered(ORDER, "order.items.0.quantity", 0),
        r"items\[0\].quantity must be greater than 0",
    ),
    "a negative quantity": (
        altered(ORDER, "order.items.0.quantity", "-1"),
        "quantity must be greater than 0",
    ),
    "no quantity": (altered(ORDER, "order.items.0.quantity", ...), "quantity"),
    "a null quantity": (altered(ORDER, "order.items.0.quantity", None), "quantity must be a number"),
    "a true quantity": (altered(ORDER, "order.items.0.quantity", True), "quantity must be a number"),
    "a quantity in words": (
        altered(ORDER, "order.items.0.quantity", "two"),
        "quantity is not a plain decimal",
    ),
    "a price as a list": (altered(ORDER, "order.items.0.unit_price", [1]), "unit_price must be a number"),
    "a price with a comma": (altered(ORDER, "order.items.0.unit_price", "199,00"), "unit_price"),
    "a price with its currency": (altered(ORDER, "order.items.0.unit_price", "199 kr"), "unit_price"),
    "a price of NaN in quotes": (altered(ORDER, "order.items.0.unit_price", "NaN"), "unit_price"),
    "a huge price": (altered(ORDER, "order.items.0.unit_price", 10**15), "unit_price"),
    "a price with an exponent like a bomb": (with_number("unit_price", "1e999999999"), "too large"),
    "a quoted exponent like a bomb": (with_number("unit_price", '"1e999999999"'), "unit_price"),
    "a quoted price of many digits": (with_number("unit_price", '"1.' + "1" * 5000 + '"'), "unit_price"),
    "a price of 5,000 digits": (with_number("unit_price", "9" * 5000), "digits"),
    "a price finer than anything": (with_number("unit_price", "0.0000000000000000001"), "unit_price"),
    "a price of NaN": (with_number("unit_price", "NaN"), "no number"),
    "no VAT": (altered(ORDER, "order.items.0.vat", ...), "vat"),
    "VAT above 100": (altered(ORDER, "order.items.0.vat", 101), "percentage from 0 to 100"),
    "negative VAT": (altered(ORDER, "order.items.0.vat", -1), "percentage from 0 to 100"),
    "VAT in words": (altered(ORDER, "order.items.0.vat", "high"), "vat is not a plain decimal"),
    "VAT with two signs": (altered(ORDER, "order.items.0.vat", "25%%"), "vat"),
    "an unknown currency": (altered(ORDER, "order.currency", "ZZZ"), "order.currency 'ZZZ'"),
    "a currency as number": (altered(ORDER, "order.currency", 578), "currency"),
    "a total in words": (altered(ORDER, "order.total", "much"), "order.total"),
    "prices_include_vat as text": (altered(ORDER, "order.prices_include_vat", "true"), "prices_include_vat"),
    "a country in words": (altered(ORDER, "order.customer.address.country", "Norway"), "country"),
    "a country that is none": (altered(ORDER, "order.customer.address.country", "ZZ"), "country"),
    "a customer as text": (altered(ORDER, "order.customer", "Ola"), "customer"),
    "a customer name of a book": (altered(ORDER, "order.customer.name", "x" * 501), "customer.name"),
    "twin keys": (as_body(ORDER).replace(b'"quantity"', b'"quantity": 1, "quantity"', 1), "given twice"),
    "nested too deeply": (
        as_body(altered(ORDER, "order.total", "@@")).replace(b'"@@"', b"[" * 50_000 + b"]" * 50_000),
        "too deep",
    ),
    "a lone surrogate": (as_body(altered(ORDER, "order.items.0.name", "\ud800")), "JSON"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_refused_by_a_sentence(name: str) -> None:
    body, why = MALFORMED[name]
    with pytest.raises(InvalidInput, match=why):
        SHOP.read(body if isinstance(body, bytes) else as_body(body), NOW)


def test_a_stored_order_that_is_refused_today_goes_to_a_person() -> None:
    """Rules may become stricter after an event was taken in."""
    envelope = SHOP.read(as_body(ORDER), NOW)
    with pytest.raises(Problem, match="quantity") as caught:
        SHOP.judge(envelope, as_body(altered(ORDER, "order.items.0.quantity", 0)), NOW)
    assert caught.value.category == "order"


def test_names_on_several_lines_are_put_on_one() -> None:
    order = received(altered(ORDER, "order.items.0.name", " E-book\r\n\tfor\x00you  "))
    assert order.lines[0].name == "E-book for you"
    family = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{GIRL}"
    assert received(altered(ORDER, "order.items.0.name", family)).lines[0].name == family


def test_numbers_of_a_customer_may_be_numbers() -> None:
    told = altered(
        altered(ORDER, "order.customer.organization_number", 913312465), "order.customer.phone", 91234567
    )
    customer = received(told).customer
    assert customer is not None
    assert (customer.organization_number, customer.phone) == ("913312465", "91234567")


@pytest.mark.parametrize("shop", ["", "A", "a/b", "a b", "ø", "x" * 41])
def test_a_shop_needs_a_proper_name(shop: str) -> None:
    with pytest.raises(SettingsError, match="name"):
        Settings(shop=shop)


def test_a_mode_is_one_of_three() -> None:
    with pytest.raises(SettingsError, match="mode"):
        Settings(mode="none")  # type: ignore[arg-type]


async def test_the_doctor() -> None:
    assert await SHOP.doctor() == []
    assert "no webhook secret" in (await Konverzky(Settings()).doctor())[0]
    assert "16 characters" in (await Konverzky(Settings(secrets=("short",))).doctor())[0]


def test_the_envelopes_time_is_an_instant() -> None:
    from datetime import datetime

    told = SHOP.read(as_body(altered(ORDER, "created_at", "2026-11-20T11:15:30+01:00")), NOW).created_at
    assert told == as_instant(datetime.fromisoformat("2026-11-20T10:15:30+00:00"))
    assert SHOP.read(as_body(altered(ORDER, "created_at", None)), NOW).created_at is None
