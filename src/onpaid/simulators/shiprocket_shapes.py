"""What Shiprocket says of an order and its shipment: made, given its AWB, fetched, shown alone or in a list.

The shapes are as uneven as the real ones: an AWB that is not there is null here and an empty text there,
money is now a number and now a text, and each answer writes its times in a way of its own.
"""

from onpaid.simulators.kit import Json
from onpaid.simulators.shiprocket_sessions import COMPANY
from onpaid.simulators.shiprocket_shipment import CANCELED, Courier, Shipment, india


def created(shipment: Shipment) -> Json:
    """The answer to an order that was made, or was there before: only its status tells which."""
    return {
        "order_id": shipment.order_id,
        "channel_order_id": shipment.number,
        "shipment_id": shipment.shipment_id,
        "status": shipment.status.of_order,
        "status_code": shipment.status.order,
        "onboarding_completed_now": 0,
        "awb_code": shipment.awb or ("" if shipment.status is CANCELED else None),
        "courier_company_id": None if shipment.courier is None else shipment.courier.ident,
        "courier_name": shipment.courier_name or None,
    }


def moment_of(moment: float) -> Json:
    """A time as PHP turns it into JSON."""
    return {
        "date": india(moment).strftime("%Y-%m-%d %H:%M:%S.%f"),
        "timezone_type": 3,
        "timezone": "Asia/Kolkata",
    }


def assigned(shipment: Shipment, courier: Courier) -> Json:
    """The answer to an AWB that was assigned."""
    return {
        "awb_assign_status": 1,
        "response": {
            "data": {
                "courier_company_id": courier.ident,
                "awb_code": shipment.awb,
                "cod": int(shipment.asked["payment_method"] == "COD"),
                "order_id": shipment.order_id,
                "shipment_id": shipment.shipment_id,
                "awb_code_status": 1,
                "assigned_date_time": moment_of(shipment.assigned),
                "applied_weight": _weight(shipment),
                "company_id": COMPANY,
                "courier_name": courier.name,
                "child_courier_name": None,
                "pickup_scheduled_date": shipment.pickup or None,
                "routing_code": "",
                "rto_routing_code": "",
                "invoice_no": "",
                "transporter_id": "",
                "transporter_name": "",
            }
        },
    }


def not_assigned(message: str, *, inside: bool) -> Json:
    """The answer to an AWB that was refused: a 200 as well, and the reason in one of two places."""
    if inside:
        return {"awb_assign_status": 0, "response": {"data": {"awb_assign_error": message}}}
    return {"awb_assign_status": 0, "message": message, "status_code": 350}


def picked_up(shipment: Shipment, now: float) -> Json:
    """The answer to a pickup that was booked; `others` is JSON inside a text."""
    return {
        "pickup_status": 1,
        "response": {
            "pickup_scheduled_date": shipment.pickup,
            "pickup_token_number": shipment.pickup_token,
            "status": 3,
            "others": '{"tier_id":5,"etd_zone":"z_d","etd_hours":"{\\"assign_to_pick\\":6.2}"}',
            "pickup_generated_date": moment_of(now),
            "data": f"Pickup is confirmed by {shipment.courier_name} For AWB :- {shipment.awb}",
        },
    }


def shown_shipment(shipment: Shipment) -> Json:
    """`GET /shipments/{id}`: here the status is the shipment's number, and a missing AWB is null."""
    there = shipment.consignee
    return {
        "id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "channel_id": shipment.asked.get("channel_id"),
        "company_id": COMPANY,
        "courier": shipment.courier_name or None,
        "sr_courier_id": None if shipment.courier is None else shipment.courier.ident,
        "awb": shipment.awb or None,
        "awb_assign_date": india(shipment.assigned).strftime("%Y-%m-%d %H:%M:%S") if shipment.awb else None,
        "pickup_generated_date": shipment.pickup or None,
        "pickup_token_number": shipment.pickup_token or None,
        "method": "Standard",
        "weight": f"{_weight(shipment):.3f}",
        "dimensions": _dimensions(shipment),
        "quantity": len(shipment.asked["order_items"]),
        "total": f"{shipment.paise() / 100:.2f}",
        "shipping_address": {
            name: there(name) for name in ("city", "state", "address", "country", "pincode", "address_2")
        },
        "status": shipment.status.shipment,
        "created_at": moment_of(shipment.made),
        "updated_at": moment_of(max(shipment.made, shipment.assigned)),
    }


def shown_order(shipment: Shipment, *, awb: str) -> Json:
    """An order as lists show it; `awb` is what the list knows of it by now."""
    asked = shipment.asked
    return {
        "id": shipment.order_id,
        "channel_id": asked.get("channel_id"),
        "channel_name": "CUSTOM",
        "base_channel_code": "CS",
        "channel_order_id": shipment.number,
        "customer_name": asked["billing_customer_name"],
        "customer_email": asked["billing_email"],
        "customer_phone": str(asked["billing_phone"]),
        "pickup_location": asked["pickup_location"],
        "payment_status": "",
        "total": f"{shipment.paise() / 100:.2f}",
        "status": shipment.status.of_order,
        "status_code": shipment.status.order,
        "payment_method": asked["payment_method"].lower(),
        "created_at": india(shipment.made).strftime("%d %b %Y, %I:%M %p"),
        "products": [
            {"name": item["name"], "channel_sku": item["sku"], "quantity": item["units"]}
            for item in asked["order_items"]
        ],
        "shipments": [_brief(shipment, awb)],
        "errors": [],
    }


def _brief(shipment: Shipment, awb: str) -> Json:
    return {
        "id": shipment.shipment_id,
        "isd_code": "+91",
        "courier": shipment.courier_name if awb else "",
        "weight": _weight(shipment),
        "dimensions": _dimensions(shipment),
        "pickup_scheduled_date": shipment.pickup or None,
        "pickup_token_number": shipment.pickup_token or None,
        "awb": awb,
        "return_awb": "",
        "etd": "NA",
        "delivered_date": None,
    }


def _weight(shipment: Shipment) -> float:
    return float(shipment.asked["weight"])


def _dimensions(shipment: Shipment) -> str:
    return "x".join(f"{float(shipment.asked[name]):.2f}" for name in ("length", "breadth", "height"))
