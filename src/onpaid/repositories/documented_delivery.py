"""How orders of our own checkout, their payments, addresses, goods and parcels look in the tables agreed for delivery.

Amounts are major units (1500 is 1,500 rupees), exact. Where the agreement has a word for a state and the word is true,
it is used; where it has none we write ours, since a reader does less harm with an unknown word than with a wrong one.
Every key follows from the record alone, so that the same record always is the same item.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from onpaid.clock import iso
from onpaid.domain.checkouts import Checkout
from onpaid.domain.fulfilment import ParcelNote, ParcelState
from onpaid.domain.money import Money
from onpaid.domain.orders import Order, OrderLine
from onpaid.domain.products import Seller, Stock
from onpaid.domain.shipments import Shipment
from onpaid.repositories.checkouts import Address
from onpaid.repositories.documented_tables import Place, exact, number_of
from onpaid.store.dynamodb_shadows import Shadow

CURRENCY: Final = "INR"
"""The only one that our checkout sells in: what a seller's total is counted in."""

_ON_ORDERS: Final[dict[ParcelState, str]] = {"out_for_delivery": "in_transit"}
_ON_SHIPMENTS: Final[dict[ParcelState, str]] = {"picked_up": "in_transit", "out_for_delivery": "in_transit"}


def order_items(order: Order, place: Place) -> Sequence[Shadow]:
    """An order of our own checkout, from the cart on. `createdAt` is when we recorded it, and never changes."""
    fulfilment = order.fulfilment
    if fulfilment is None:
        return ()
    fields = {
        "customerId": fulfilment.customer_id,
        "status": fulfilment.status,
        "paymentStatus": fulfilment.payment_status,
        "totalAmount": exact(fulfilment.amount.to_decimal()),
        "currency": fulfilment.amount.currency,
        "orderItems": [_line(line) for line in order.latest.lines],
        "shippingAddressId": fulfilment.address_id if fulfilment.ships else None,
        **_parcel(fulfilment.parcel),
    }
    return (place.item((order.number, iso(order.received_at)), fields),)


def _line(line: OrderLine) -> dict[str, Any]:
    return {
        "productId": line.id,
        "name": line.name,
        "quantity": exact(line.quantity),
        "price": exact(line.unit_price),
    }


def _parcel(parcel: ParcelNote | None) -> Mapping[str, Any]:
    """What an order says of its parcel: four fields, or none of them."""
    if parcel is None:
        return dict.fromkeys(("shipmentId", "awb", "shipmentStatus", "shipmentCreatedAt"))
    return {
        "shipmentId": parcel.shipment_id,
        "awb": parcel.awb,
        "shipmentStatus": _ON_ORDERS.get(parcel.state, parcel.state),
        "shipmentCreatedAt": iso(parcel.created_at),
    }


def payment_items(checkout: Checkout, place: Place) -> Sequence[Shadow]:
    """The payment of an order, from the moment it is asked for; before it comes it has no id but this."""
    number = number_of(checkout.order)
    fields = {
        "status": checkout.status,
        "method": checkout.method,
        "amount": exact(checkout.amount.to_decimal()),
        "currency": checkout.amount.currency,
        "razorpayOrderId": checkout.checkout_id,
        "razorpayPaymentId": checkout.payment_id,
        "createdAt": iso(checkout.created_at),
    }
    return (place.item((f"payment-of-{number}", number), fields),)


def address_items(address: Address, place: Place) -> Sequence[Shadow]:
    """Where a parcel goes: the name on it and the place. How its owner is reached is no part of an address."""
    given = address.recipient
    if not given.line1:
        return ()
    fields = {
        "name": given.name,
        "line1": given.line1,
        "line2": given.line2,
        "city": given.city,
        "state": given.state,
        "pincode": given.pincode,
        "country": given.country,
    }
    return (place.item((address.id, address.owner), fields),)


def stock_items(stock: Stock, place: Place) -> Sequence[Shadow]:
    """How many units of a product are left. Its name and price are not ours to write."""
    return (place.item((stock.product,), {"stock": stock.left}),)


def seller_items(seller: Seller, place: Place) -> Sequence[Shadow]:
    """What a seller has sold through us, in major units."""
    sold = Money(seller.sales.get(CURRENCY, 0), CURRENCY)
    return (place.item((seller.id,), {"totalSales": exact(sold.to_decimal())}),)


def shipment_items(shipment: Shipment, place: Place) -> Sequence[Shadow]:
    """One parcel. `shipmentId` follows from order and number, so one parcel never is two items."""
    fields = {
        "customerId": shipment.customer_id,
        "shiprocketOrderId": shipment.order_id,
        "trackingNumber": shipment.awb,
        "status": _on_shipments(shipment),
        "courierName": shipment.courier,
        "courierAWB": shipment.awb,
        "pickupScheduledDate": shipment.pickup_at,
        "deliveryExpectedDate": shipment.expected,
        "createdAt": iso(shipment.created_at),
        "updatedAt": iso(shipment.updated_at),
    }
    return (place.item((shipment.id, number_of(shipment.order)), fields),)


def _on_shipments(shipment: Shipment) -> str:
    if shipment.state == "pending_pickup":
        return "pickup_scheduled" if shipment.pickup_at else "pending"
    return _ON_SHIPMENTS.get(shipment.state, shipment.state)
