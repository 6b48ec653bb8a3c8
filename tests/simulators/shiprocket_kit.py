"""What the tests of the Shiprocket simulator work with: an order that is right, and a desk, logged in."""

from dataclasses import replace
from typing import Any

from tests.simulators.kit import QUICK, Client, Said, Start

BASE = "/shiprocket/v1/external"
NUMBER = "2045861230417"
LOGIN = {"email": "api@simulated.example", "password": "shiprocket_simulated"}
ORDER: dict[str, Any] = {
    "order_id": NUMBER,
    "order_date": "2026-11-20 11:20",
    "pickup_location": "Primary",
    "channel_id": 3422553,
    "billing_customer_name": "Asha",
    "billing_last_name": "",
    "billing_address": "House 1, Lane 2",
    "billing_address_2": "",
    "billing_city": "New Delhi",
    "billing_pincode": "110002",
    "billing_state": "Delhi",
    "billing_country": "India",
    "billing_email": "asha@example.com",
    "billing_phone": "9999999999",
    "shipping_is_billing": True,
    "order_items": [
        {"name": "Racket", "sku": "RKT-1", "units": 1, "selling_price": "1499.50", "hsn": "9506"}
    ],
    "payment_method": "Prepaid",
    "sub_total": 1499.5,
    "length": 30,
    "breadth": 20,
    "height": 5,
    "weight": 0.5,
}
SHIPPING = {
    "shipping_is_billing": False,
    "shipping_customer_name": "Ravi",
    "shipping_address": "Flat 9",
    "shipping_city": "Pune",
    "shipping_pincode": "411001",
    "shipping_state": "Maharashtra",
    "shipping_country": "India",
    "shipping_email": "ravi@example.com",
    "shipping_phone": "9888888888",
}
FAST = replace(QUICK, search_lag=0, scan_after=0.005)


class Desk:
    """Calls Shiprocket with a token."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.token = ""

    async def log_in(self, **other: str) -> Said:
        said = await self.client.call("POST", f"{BASE}/auth/login", json={**LOGIN, **other})
        if said.status == 200:
            self.token = said.json["token"]
        return said

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Said:
        headers = {"Authorization": f"Bearer {self.token}"}
        more = {} if method == "GET" else {"json": body}
        return await self.client.call(method, BASE + path, headers=headers, params=query, **more)

    async def get(self, path: str, **query: Any) -> Any:
        said = await self.call("GET", path, **query)
        assert said.status == 200, said.text
        return said.json

    async def create(self, number: str = NUMBER, **changes: Any) -> Any:
        said = await self.call("POST", "/orders/create/adhoc", {**ORDER, "order_id": number, **changes})
        assert said.status == 200, said.text
        return said.json

    async def assign(self, shipment_id: Any, **more: Any) -> Said:
        return await self.call("POST", "/courier/assign/awb", {"shipment_id": shipment_id, **more})

    async def pickup(self, shipment_id: int, **more: Any) -> Said:
        return await self.call("POST", "/courier/generate/pickup", {"shipment_id": [shipment_id], **more})

    async def awb(self, number: str = NUMBER, **changes: Any) -> str:
        """An order with an AWB. The courier is one that books no pickup by itself."""
        made = await self.create(number, **changes)
        said = await self.assign(made["shipment_id"], courier_id=43)
        assert said.json["awb_assign_status"] == 1, said.text
        return str(said.json["response"]["data"]["awb_code"])

    async def scan(self, awb: str, status: str) -> Said:
        return await self.client.call("POST", "/shiprocket/_scans", json={"awb": awb, "status": status})

    def rows(self) -> Any:
        return self.client.simulators.shiprocket.rows()


async def desk(start: Start, clock: Any = None, **settings: Any) -> Desk:
    """Simulators with somebody logged in at Shiprocket."""
    made = Desk(await start(clock, **{"times": FAST, **settings}))
    await made.log_in()
    return made
