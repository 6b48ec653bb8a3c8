"""A small shop that tests play sales days against: it opens sessions at Stripe, and passes on what webhooks tell."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators import Served, Target, serve
from onpaid.simulators.price_list import PRICES
from onpaid.simulators.settings import TOPICS
from onpaid.simulators.sink import FIRST_SECRET
from tests.simulators.kit import Client
from tests.simulators.sales_kit import form

BY_ID = {sold.ident: sold for sold in PRICES}
SIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=AK/20261121/us-east-1/sns/aws4_request, Signature=0"}
ENDED = ("canceled", "incomplete_expired")


@dataclass
class SalesShop:
    """What it was asked and what it did. `failing` are statuses that the next clicks get; `mute` tells nobody."""

    simulators: Served
    served: Served | None = None
    secret: str = Target().jwt_secret
    asked: list[tuple[str, Any, Any]] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)
    wrong: Any = None
    mute: bool = False
    forgets_user: bool = False
    opened: dict[str, Any] = field(default_factory=dict)
    filed: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    sequences: Counter[str] = field(default_factory=Counter)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    session: aiohttp.ClientSession | None = None

    async def create(self, request: Request) -> Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, self.secret, algorithms=["HS256"], options={"verify_aud": False})
        key, body = request.headers["idempotency-key"], json.loads(await request.body())
        self.asked.append((key, claims, body))
        if self.failing:
            return JSONResponse({"detail": "not now"}, self.failing.pop())
        if self.wrong is not None:
            return JSONResponse(self.wrong)
        async with self.locks["one at a time"]:
            if key not in self.opened:
                self.opened[key] = await self._open(key, claims, body)
        return JSONResponse(self.opened[key])

    async def _open(self, key: str, claims: Any, body: Any) -> Any:
        sold, user = BY_ID[body["priceId"]], claims["userId"]
        told = {} if self.forgets_user else {"userId": user}
        customer = await self._file(
            f"customer {user}", "/customers", {"email": claims["email"], "metadata": {"userId": user}}
        )
        product = await self._file(
            f"product {sold.product}", "/products", {"id": f"shop_{sold.product}", "name": sold.name}
        )
        asked: dict[str, Any] = {
            "product": product,
            "currency": sold.currency.lower(),
            "unit_amount": sold.amount,
        }
        asked["lookup_key"] = sold.ident
        if sold.interval:
            asked["recurring"] = {"interval": sold.interval}
        price = await self._file(f"price {sold.ident}", "/prices", asked)
        at = "subscription_data" if sold.interval else "payment_intent_data"
        made = await self._stripe(
            "/checkout/sessions",
            {
                "mode": "subscription" if sold.interval else "payment",
                "customer": customer,
                "client_reference_id": key,
                "line_items": [{"price": price, "quantity": 1}],
                "success_url": body["successUrl"],
                "cancel_url": body["cancelUrl"],
                "metadata": {"userId": user},
                **({at: {"metadata": told}} if told else {}),
            },
            f"session {key}",
        )
        return {"checkoutUrl": made["url"], "paymentIntentId": None, "customerId": customer}

    async def _file(self, name: str, path: str, asked: Any) -> str:
        if name not in self.filed:
            self.filed[name] = (await self._stripe(path, asked, name))["id"]
        return self.filed[name]

    async def _stripe(self, path: str, asked: Any, key: str) -> Any:
        """The object, whatever happens: a 500 that is kept under the key says nothing about what was made."""
        url, headers = (
            f"{self.simulators.stripe_base}/v1{path}",
            {"Authorization": "Bearer sk_test_simulated"},
        )
        while True:
            made = await self._until_done(url, form(asked), {**headers, "Idempotency-Key": key})
            if made is not None:
                return made
            found = [each for each in await self._listed(url, headers) if same(each, asked)]
            if found:
                return found[0]
            key += "'"

    async def _listed(self, url: str, headers: Any) -> list[Any]:
        assert self.session is not None
        while True:
            try:
                async with self.session.get(f"{url}?limit=100", headers=headers) as reply:
                    if reply.status == 200:
                        return list((await reply.json())["data"])
            except (aiohttp.ClientError, TimeoutError):
                continue

    async def _until_done(self, url: str, data: Any, headers: Any) -> Any:
        """The answer to a call that is repeated until it has one; None for a 500 that is kept under its key."""
        assert self.session is not None
        while True:
            try:
                async with self.session.post(url, data=data, headers=headers) as reply:
                    text = await reply.text()
                    if reply.status == 200:
                        return json.loads(text) if text.startswith("{") else text
                    if reply.status == 500 and "Idempotency-Key" in headers:
                        return None
                    assert reply.status in (409, 429, 500, 503), text
            except (aiohttp.ClientError, TimeoutError):
                continue

    async def webhook(self, request: Request) -> Response:
        event = json.loads(await request.body())
        if event["id"].endswith("forged"):
            return Response(status_code=401)
        async with self.locks[str(event["data"]["object"].get("customer"))]:
            for kind, subject, about in news(event):
                await self._tell(kind, subject, about)
        return Response(status_code=200)

    async def _tell(self, kind: str, subject: str, about: Any) -> None:
        """Once for each happening; nothing of a subscription after its end."""
        end = f"subscription.end {subject}"
        mark = (
            end
            if kind in ("subscription.canceled", "subscription.expired")
            else f"{kind} {subject} {about['mark']}"
        )
        if self.mute or mark in self.told or end in self.told:
            return
        self.told.add(mark)
        customer = about["customer"] or subject
        self.sequences[customer] += 1
        ident = "be_" + hashlib.sha256(mark.encode()).hexdigest()[:32]
        message = json.dumps(
            {
                "id": ident,
                "type": kind,
                "subject": subject,
                "customerId": about["customer"],
                "sequence": self.sequences[customer],
                "data": {"mark": about["mark"]},
            }
        )
        named = {"Action": "Publish", "TopicArn": TOPICS[1], "Message": message, "MessageGroupId": customer}
        await self._until_done(self.simulators.sns_base, {**named, "MessageDeduplicationId": ident}, SIGNED)
        stamp = str(int(time.time()))
        secret = base64.b64decode(FIRST_SECRET.removeprefix("whsec_"))
        sealed = hmac.new(secret, f"{ident}.{stamp}.{message}".encode(), hashlib.sha256).digest()
        headers = {"webhook-id": ident, "webhook-timestamp": stamp}
        headers["webhook-signature"] = "v1," + base64.b64encode(sealed).decode()
        await self._until_done(self.simulators.sink("crm"), message, headers)


def same(there: Any, asked: Any) -> bool:
    """Whether an object at Stripe is the one that was asked for."""
    names = ("id", "lookup_key", "client_reference_id")
    if any(name in asked for name in names):
        return any(asked[name] == there.get(name) for name in names if name in asked)
    return bool(asked["metadata"] == there["metadata"])


def news(event: Any) -> Iterator[tuple[str, str, Any]]:
    """What an event of Stripe's tells, as billing events: type, subject, and what tells two of a kind apart."""
    it, kind = event["data"]["object"], event["type"]
    about = {"customer": it.get("customer"), "mark": ""}
    if kind == "payment_intent.succeeded":
        yield "payment.successful", it["id"], about
    elif kind in ("checkout.session.completed", "checkout.session.async_payment_succeeded"):
        if it["payment_status"] != "unpaid":
            yield "checkout.completed", it["id"], about
        if kind.endswith("async_payment_succeeded"):
            yield "checkout.payment_succeeded", it["id"], about
    elif kind == "checkout.session.async_payment_failed":
        yield "checkout.payment_failed", it["id"], about
    elif kind == "invoice.paid":
        yield "invoice.paid", it["id"], about
    elif kind == "customer.subscription.deleted":
        yield "subscription.canceled", it["id"], about
    elif kind in ("customer.subscription.created", "customer.subscription.updated"):
        yield "subscription.created", it["id"], about
    elif kind in ("refund.created", "refund.failed"):
        name = "payment.refunded" if kind == "refund.created" else "payment.refund_failed"
        yield name, it["payment_intent"], {**about, "mark": it["id"]}
    elif kind in ("charge.dispute.created", "charge.dispute.closed"):
        name = "dispute.opened" if kind.endswith("created") else "dispute.closed"
        yield name, it["payment_intent"], {**about, "mark": it["id"]}


async def sales_shop_for(client: Client) -> SalesShop:
    """A shop that uses these simulators, which aim at it from now on."""
    shop = SalesShop(client.served)
    routes = [
        Route("/stripe/payment-intent", shop.create, methods=["POST"]),
        Route("/webhooks/{rest:path}", shop.webhook, methods=["POST"]),
    ]
    shop.served = await serve(app=Starlette(routes=routes))
    shop.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.5))
    client.simulators.aim_at(shop.served.base)
    return shop
