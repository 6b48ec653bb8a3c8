"""What the agreements say of their tables, field by field, written down a second time and apart from the code; and
records to show there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from onpaid.domain.checkouts import Checkout, CheckoutTry
from onpaid.domain.events import Envelope
from onpaid.domain.fulfilment import Fulfilment, ParcelNote, Recipient
from onpaid.domain.money import Money
from onpaid.domain.orders import Address as Postal
from onpaid.domain.orders import Customer, Order, OrderLine, Revision
from onpaid.domain.products import Seller, Stock
from onpaid.domain.sessions import Session, SessionLine, UserCustomer
from onpaid.domain.shipments import Shipment
from onpaid.repositories.catalogue import SELLERS, STOCK
from onpaid.repositories.checkouts import ADDRESSES, CHECKOUTS, Address
from onpaid.repositories.documented import Told, documented_shadows
from onpaid.repositories.documented_tables import TABLES
from onpaid.repositories.events import EVENTS, EventRecord, digest_of, pack
from onpaid.repositories.orders import ORDERS
from onpaid.repositories.sessions import SESSIONS
from onpaid.repositories.shipments import SHIPMENTS
from onpaid.repositories.user_customers import USER_CUSTOMERS
from onpaid.store.dynamodb_shadows import Shadow
from onpaid.store.records import Kind

Number = (int, Decimal)
AT = 1_763_719_200_123
ISO = "2025-11-21T10:00:00.123Z"
SECOND = 1_763_719_200


@dataclass(frozen=True)
class Agreed:
    """One table: its keys and fields with their types, those that need not be there, and those that are ours."""

    keys: Mapping[str, type]
    fields: Mapping[str, type | tuple[type, ...]]
    optional: frozenset[str] = frozenset()
    ours: frozenset[str] = frozenset()


AGREED: Mapping[str, Agreed] = {
    "DDB_TABLE": Agreed(
        {"orderId": str},
        {"items": list},
        ours=frozenset({"currency", "total", "createdAt", "updatedAt"}),
    ),
    "ORDERS_TABLE_NAME": Agreed(
        {"orderId": str, "createdAt": str},
        {
            "customerId": str,
            "status": str,
            "paymentStatus": str,
            "totalAmount": Number,
            "orderItems": list,
            "shippingAddressId": str,
            "shipmentId": str,
            "awb": str,
            "shipmentStatus": str,
            "shipmentCreatedAt": str,
        },
        frozenset(
            {
                "customerId",
                "shippingAddressId",
                "shipmentId",
                "awb",
                "shipmentStatus",
                "shipmentCreatedAt",
            }
        ),
        frozenset({"currency"}),
    ),
    "PAYMENTS_TABLE_NAME": Agreed(
        {"paymentId": str, "orderId": str},
        {"status": str, "method": str, "razorpayOrderId": str},
        frozenset({"method", "razorpayOrderId"}),
        frozenset({"amount", "currency", "razorpayPaymentId", "createdAt"}),
    ),
    "PRODUCTS_TABLE_NAME": Agreed({"productId": str}, {"stock": int}),
    "SELLERS_TABLE_NAME": Agreed({"sellerId": str}, {"totalSales": Number}),
    "ADDRESSES_TABLE_NAME": Agreed(
        {"addressId": str, "ownerId": str},
        {},
        ours=frozenset({"name", "line1", "line2", "city", "state", "pincode", "country"}),
    ),
    "SHIPMENTS_TABLE_NAME": Agreed(
        {"shipmentId": str, "orderId": str},
        {
            "customerId": str,
            "shiprocketOrderId": str,
            "trackingNumber": str,
            "status": str,
            "courierName": str,
            "courierAWB": str,
            "pickupScheduledDate": str,
            "deliveryExpectedDate": str,
            "createdAt": str,
            "updatedAt": str,
        },
        frozenset(
            {
                "customerId",
                "trackingNumber",
                "courierName",
                "courierAWB",
                "pickupScheduledDate",
                "deliveryExpectedDate",
            }
        ),
    ),
    "COMMERCE_TABLE": Agreed(
        {"PK": str, "SK": str},
        {
            "orderId": str,
            "orderNumber": str,
            "status": str,
            "source": str,
            "syncedAt": str,
            "ttl": int,
        },
        frozenset({"ttl", "syncedAt"}),
        frozenset(
            {
                "createdAt",
                "mode",
                "amountTotal",
                "amountRefunded",
                "currency",
                "items",
                "stripeCustomerId",
                "paymentIntentId",
                "subscriptionId",
            }
        ),
    ),
    "STRIPE_CUSTOMERS_TABLE": Agreed(
        {"userId": str},
        {"stripeCustomerId": str, "role": str, "email": str, "createdAt": str, "updatedAt": str},
        frozenset({"role", "email"}),
    ),
    "WEBHOOK_IDEMPOTENCY_TABLE": Agreed({"eventId": str}, {"processedAt": str, "status": str, "ttl": int}),
}

NAMES = {table.variable: f"acme-{table.variable.lower().replace('_', '-')}" for table in TABLES}
"""A name for each documented table."""


def told(**more: Any) -> dict[str, Any]:
    """Settings with every documented table set, and changes."""
    options = {table.key_setting: None for table in TABLES if table.key_setting}
    days = {table.days_setting: 0 for table in TABLES if table.days_setting}
    return {"ONPAID_DATABASE": "dynamodb://onpaid", **NAMES, **options, **days, **more}


def untold(**only: Any) -> dict[str, Any]:
    """Settings with no documented table set but `only`."""
    return {**told(), **dict.fromkeys(NAMES), **only}


def shown(kind: Kind[Any], record: msgspec.Struct, settings: Told | None = None) -> list[Shadow]:
    """The items of a record, by way of its body as the store gets it."""
    of_kind = documented_shadows(told() if settings is None else settings).get(kind.name)
    written = kind.put(record)
    return [] if of_kind is None else list(of_kind(written.key, written.body))


def in_table(variable: str, shadows: Sequence[Shadow]) -> list[Shadow]:
    """Those of one documented table."""
    return [each for each in shadows if each.table == NAMES[variable]]


# -- records -----------------------------------------------------------------------------------------------------

PERSON = ("Asha Rao", "+919876543210", "asha@example.org", "12 MG Road", "560001")
"""What is personal in these records, beside the customer's id."""
RECIPIENT = Recipient(
    "Asha Rao",
    "+919876543210",
    "asha@example.org",
    "12 MG Road",
    "2nd floor",
    "Bengaluru",
    "Karnataka",
    "560001",
)
BUYER = Customer("cst_123", "Asha Rao", "Asha@Example.org ", "+919876543210", address=Postal("12 MG Road"))
RACKET = OrderLine("racket", "racket", "Racket", Decimal(2), Decimal("1500.00"), Decimal(18))
LACES = OrderLine("laces", "laces", "Laces", Decimal(1), Decimal("49.50"), Decimal(12))
PARCEL = ParcelNote("5d3c", "s77", "in_transit", AT + 9_000, "0012345", "Blue Dart", "2025-11-22 14:00:00")


def revision(number: int = 1, *lines: OrderLine, **more: Any) -> Revision:
    """One state of an order."""
    return Revision(
        number,
        f"d{number}",
        lines or (RACKET, LACES),
        AT + number - 1,
        f"e{number}",
        **{"currency": "INR", "total": Decimal("3049.50"), "customer": BUYER, **more},
    )


def checked_out(**more: Any) -> Order:
    """An order of our own checkout; `more` goes into its fulfilment."""
    fulfilment = Fulfilment(
        RECIPIENT,
        Money(304_950, "INR"),
        **{"ships": True, "customer_id": "cst_123", "address_id": "address-of-2950001", **more},
    )
    return Order("shop", "2950001", True, AT, (revision(),), ("order_X",), fulfilment=fulfilment)


def sent(*revisions: Revision, **more: Any) -> Order:
    """An order that a shop told us of."""
    return Order("konverzky", "10042", True, AT, revisions or (revision(),), ("A-7",), **more)


def parcel_of(**more: Any) -> Shipment:
    """A parcel."""
    given = {"awb": "0012345", "courier": "Blue Dart", "customer_id": "cst_123", **more}
    return Shipment("5d3c", "shop/2950001", "2950001", "o55", "s77", AT, AT + 5_000, **given)


def event_of(verdict: Any = "routed", source: str = "stripe", key: str = "", at: int = AT) -> EventRecord:
    """An event."""
    envelope = Envelope(source, f"{source}/default/test", "evt_1", "charge.succeeded", False)
    body = b'{"email": "asha@example.org"}'
    return EventRecord(key or f"{envelope.account}/evt_1", envelope, at, digest_of(body), pack(body), verdict)


SOLD = SessionLine("li_1", "Course", 2, 20_000, 2_000, 3_600, 18_000, "nok", "price_1", "course", "course-1")


def session_of(**more: Any) -> Session:
    """A paid session that webhooks told of; some of its money went back."""
    given = {
        "user": "u1",
        "owner": "u1",
        "customer_id": "cus_1",
        "mode": "payment",
        "order": "stripe/BC-ABC23456",
        "order_number": "BC-ABC23456",
        "payment_id": "pi_1",
        "subscription_id": "sub_1",
        "total": Money(18_000, "NOK"),
        "refunded": 5_050,
        "synced_at": AT + 60_000,
        "paid_at": AT + 50_000,
        "lines": (SOLD,),
        **more,
    }
    return Session("stripe/default/test/cs_1", "cs_1", given.pop("state", "paid"), AT, AT, **given)


CHECKOUT = Checkout(
    "shop/2950001",
    Money(304_950, "INR"),
    AT,
    "completed",
    "order_X",
    "pay_1",
    "upi",
    (CheckoutTry("pay_0", AT, "no"),),
)
FULL: Sequence[tuple[str, Kind[Any], msgspec.Struct]] = (
    ("DDB_TABLE", ORDERS, sent()),
    ("ORDERS_TABLE_NAME", ORDERS, checked_out(payment_status="paid", status="shipped", parcel=PARCEL)),
    ("PAYMENTS_TABLE_NAME", CHECKOUTS, CHECKOUT),
    ("PRODUCTS_TABLE_NAME", STOCK, Stock("racket", 7)),
    ("SELLERS_TABLE_NAME", SELLERS, Seller("s1", "Garuda", 3, {"INR": 304_950, "NOK": 5})),
    ("ADDRESSES_TABLE_NAME", ADDRESSES, Address("address-of-2950001", "cst_123", RECIPIENT)),
    ("SHIPMENTS_TABLE_NAME", SHIPMENTS, parcel_of(pickup_at="2025-11-22", expected="2025-11-25")),
    ("COMMERCE_TABLE", SESSIONS, session_of()),
    (
        "STRIPE_CUSTOMERS_TABLE",
        USER_CUSTOMERS,
        UserCustomer("u1", "cus_1", AT, AT, "student", "asha@example.org"),
    ),
    ("WEBHOOK_IDEMPOTENCY_TABLE", EVENTS, event_of()),
)
"""For each table a record with all that there can be."""
BARE: Sequence[tuple[str, Kind[Any], msgspec.Struct]] = (
    ("DDB_TABLE", ORDERS, sent(revision(currency=None, total=None, customer=None))),
    ("ORDERS_TABLE_NAME", ORDERS, checked_out(customer_id="", address_id="", ships=False)),
    ("PAYMENTS_TABLE_NAME", CHECKOUTS, Checkout("shop/2950001", Money(304_950, "INR"), AT)),
    ("PRODUCTS_TABLE_NAME", STOCK, Stock("racket", 0)),
    ("SELLERS_TABLE_NAME", SELLERS, Seller("s1")),
    ("SHIPMENTS_TABLE_NAME", SHIPMENTS, parcel_of(awb="", courier="", customer_id="", dry_run=True)),
    (
        "COMMERCE_TABLE",
        SESSIONS,
        session_of(payment_id="", customer_id="", total=Money(0, "NOK"), refunded=0, lines=()),
    ),
    ("STRIPE_CUSTOMERS_TABLE", USER_CUSTOMERS, UserCustomer("u1", "cus_1", AT, AT)),
    ("WEBHOOK_IDEMPOTENCY_TABLE", EVENTS, event_of("unrouted")),
)
"""And one with as little as there can be."""
