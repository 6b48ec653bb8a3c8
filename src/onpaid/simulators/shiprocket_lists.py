"""What else Shiprocket can be asked: pickup addresses, channels, couriers that serve a place; pages of lists.

An address where parcels are fetched is known by its nickname, which an order has to name to the letter.
"""

from typing import Any, Final

from onpaid.simulators.kit import Json
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_sessions import COMPANY
from onpaid.simulators.shiprocket_shipment import COURIERS, india

PICKUP_PINCODE: Final = "560001"


def page(rows: list[Json], number: int, size: int) -> Json:
    """One page of a list."""
    pages = max(1, -(-len(rows) // size))
    shown = rows[(number - 1) * size : number * size]
    links = {"next": f"/v1/external/orders?page={number + 1}"} if number < pages else {}
    counted = {"total": len(rows), "count": len(shown), "per_page": size}
    return {
        "data": shown,
        "meta": {"pagination": {**counted, "current_page": number, "total_pages": pages, "links": links}},
    }


def serving(now: float, *, cod: bool) -> Json:
    """The couriers that serve a place."""
    offers: list[Any] = [
        {
            "courier_company_id": courier.ident,
            "courier_name": courier.name,
            "freight_charge": float(courier.rate),
            "rate": float(courier.rate) + (30.0 if cod else 0.0),
            "cod_charges": 30.0 if cod else 0.0,
            "etd": india(now + 86_400 * courier.days).strftime("%b %d, %Y"),
            "etd_hours": 24 * courier.days,
            "estimated_delivery_days": str(courier.days),
            "rating": 4.1,
            "is_surface": courier.surface,
            "min_weight": 0.5,
            "blocked": 0,
        }
        for courier in COURIERS
    ]
    data = {
        "available_courier_companies": offers,
        "blocked_courier_companies": [],
        "recommended_courier_company_id": COURIERS[0].ident,
    }
    return {"status": 200, "currency": "INR", "company_auto_shipment_insurance_setting": False, "data": data}


def pickup_addresses(settings: Settings) -> Json:
    """The places where parcels are fetched, each known by its nickname."""
    more = {
        "allow_more": "1",
        "is_blackbox_seller": False,
        "company_name": "Simulated Shop",
        "recent_addresses": [],
    }
    return {"data": {"shipping_address": _addresses(settings), **more}}


def channels(settings: Settings) -> Json:
    """The channels that orders may come from."""
    return {
        "data": [
            {
                "id": ident,
                "name": "CUSTOM",
                "status": "Active",
                "base_channel_code": "CS",
                "base_channel": None,
            }
            for ident in settings.shiprocket_channels
        ]
    }


def _addresses(settings: Settings) -> list[Json]:
    return [
        {
            "id": 1001 + nth,
            "pickup_location": name,
            "address_type": None,
            "address": "4 Simulated Road",
            "address_2": "",
            "city": "Bengaluru",
            "state": "Karnataka",
            "country": "India",
            "pin_code": PICKUP_PINCODE,
            "email": "store@simulated.example",
            "phone": "9000000001",
            "name": "Simulated Shop",
            "company_id": COMPANY,
            "status": 2,
            "phone_verified": 1,
            "is_primary_location": int(nth == 0),
        }
        for nth, name in enumerate(settings.shiprocket_pickup_locations)
    ]


def wrong_pickup_location(settings: Settings) -> Json:
    """A refusal that comes with a 200."""
    return {
        "message": "Wrong Pickup location entered. Please choose one location from the data given",
        "data": {"data": _addresses(settings)},
    }
