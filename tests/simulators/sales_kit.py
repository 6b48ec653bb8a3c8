"""What tests of sales at Stripe work with: forms as Stripe takes them, a shop with two prices, a clock to set."""

from typing import Any

from onpaid.simulators.kit import Json
from tests.simulators.kit import Client, HandClock, Start

DAY = 24 * 3600
SHOP = {
    "success_url": "https://shop.example/done?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.example/",
}


def form(params: Json, at: str = "") -> dict[str, str]:
    """Nested parameters as a form with brackets."""
    flat: dict[str, str] = {}
    for name, value in params.items():
        path = f"{at}[{name}]" if at else name
        if isinstance(value, dict):
            flat |= form(value, path)
        elif isinstance(value, list):
            flat |= form({str(nth): each for nth, each in enumerate(value)}, path)
        else:
            flat[path] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat


async def post(client: Client, path: str, *, key: str | None = None, **params: Any) -> Any:
    """A call that has to work."""
    headers = {} if key is None else {"Idempotency-Key": key}
    said = await client.stripe("POST", path, data=form(params), headers=headers)
    assert said.status == 200, said.text
    return said.json


async def get(client: Client, path: str) -> Any:
    said = await client.stripe("GET", path)
    assert said.status == 200, said.text
    return said.json


async def refused(
    client: Client, path: str, method: str = "POST", **params: Any
) -> tuple[int, str | None, str | None]:
    """The status, the code and the parameter that a refusal names."""
    said = await client.stripe(method, path, data=form(params))
    assert said.status >= 400, said.text
    wrong = said.json["error"]
    return said.status, wrong.get("code"), wrong.get("param")


class SetClock(HandClock):
    """A clock that is set; whoever sleeps is let go at once."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.set()
        self.at = float(int(self.at))


class Till:
    """A shop at Stripe that sells a course once, and the studio by the month, to one customer."""

    def __init__(self, client: Client, clock: SetClock) -> None:
        self.client, self.clock = client, clock

    async def open(self, mode: str = "payment", **more: Any) -> Any:
        """An open session over one piece."""
        price = self.course if mode == "payment" else self.studio
        asked: Json = {"mode": mode, "line_items": [{"price": price, "quantity": 1}], **SHOP, **more}
        if "customer" not in more and "customer_email" not in more:
            asked["customer"] = self.customer
        return await post(self.client, "/checkout/sessions", **asked)

    async def fill(self) -> None:
        await post(self.client, "/products", id="course", name="Course")
        await post(self.client, "/products", id="studio", name="Studio")
        self.course = (
            await post(self.client, "/prices", product="course", currency="nok", unit_amount=129_000)
        )["id"]
        monthly = {
            "product": "studio",
            "currency": "nok",
            "unit_amount": 9_900,
            "recurring": {"interval": "month"},
        }
        self.studio = (await post(self.client, "/prices", lookup_key="studio-month", **monthly))["id"]
        told = {"email": "ola@example.org", "metadata": {"userId": "u1"}}
        self.customer = (await post(self.client, "/customers", **told))["id"]

    @property
    def sales(self) -> Any:
        return self.client.simulators.sales

    def events(self, prefix: str = "") -> list[str]:
        """The types of all events, in the order in which they came about."""
        told = [event["type"] for event in self.client.simulators.stripe.events.values()]
        return [kind for kind in told if kind.startswith(prefix)]

    def last(self, kind: str) -> Any:
        """The last event of this type."""
        return [event for event in self.client.simulators.stripe.events.values() if event["type"] == kind][-1]


async def till(start: Start, **more: Any) -> Till:
    """A till, with webhooks that go nowhere unless a target is named."""
    clock = SetClock()
    client = await start(clock, **more)
    if "target" not in more:
        client.simulators.stripe.told.endpoint.change({"enabled_events": ["nothing.at_all"]})
    made = Till(client, clock)
    await made.fill()
    return made
