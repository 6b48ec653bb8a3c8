"""One application for all: the provider APIs, and beside them what tests and the demo steer by.

Underscored paths are ours: `/_ledger` tells what happened, `/_faults` sets what goes wrong, `/_play` plays a shop
day, `/_target` says where webhooks go, `/_reset` forgets. A few more place an order or make a payment by hand.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from decimal import InvalidOperation
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onpaid.simulators.checkout_page import CheckoutPage
from onpaid.simulators.faults import FAULTS, UnknownFault
from onpaid.simulators.fiken import FikenApi
from onpaid.simulators.jira_api import JiraApi
from onpaid.simulators.kit import Json
from onpaid.simulators.konverzky_steering import TABLE as SHOP
from onpaid.simulators.ledger import ledger
from onpaid.simulators.losses import TABLE as LOSSES
from onpaid.simulators.meta_api import MetaApi
from onpaid.simulators.msg91_api import Msg91Api
from onpaid.simulators.progress import Play
from onpaid.simulators.razorpay_api import RazorpayApi
from onpaid.simulators.scenario import play
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_api import ShiprocketApi
from onpaid.simulators.sink_api import SinkApi
from onpaid.simulators.sns_api import SnsApi
from onpaid.simulators.stripe import Pay, Payment
from onpaid.simulators.stripe_api import StripeApi
from onpaid.simulators.stripe_keys import Refused
from onpaid.simulators.stripe_page import StripePage
from onpaid.simulators.stripe_steering import TABLE as SALES
from onpaid.simulators.twilio_api import TwilioApi
from onpaid.simulators.wati_api import WatiApi
from onpaid.simulators.world import Simulators

APIS = (
    StripeApi,
    FikenApi,
    RazorpayApi,
    ShiprocketApi,
    MetaApi,
    TwilioApi,
    Msg91Api,
    WatiApi,
    JiraApi,
    CheckoutPage,
    StripePage,
    SinkApi,
    SnsApi,
)
RATES = ("rate", "api_rate", "drop_rate")
Steer = Callable[[Simulators, Json], Awaitable[tuple[int, Json]]]


def create_app(what: Simulators | Settings | None = None) -> Starlette:
    """The application; `app.state.simulators` are the simulators in it."""
    simulators = what if isinstance(what, Simulators) else Simulators(what)
    table: list[tuple[str, str, Steer]] = [
        ("GET", "/_ledger", _ledger),
        ("GET", "/_faults", _faults),
        ("PUT", "/_faults", _set_faults),
        ("PUT", "/_target", _aim),
        ("POST", "/_reset", _reset),
        ("POST", "/_play", _play),
        ("GET", "/_play", _progress),
        ("POST", "/_carts", _cart),
        ("POST", "/stripe/_charges", _charge),
        ("POST", "/stripe/_captures", _capture),
        ("POST", "/stripe/_refunds", _refund),
        ("POST", "/stripe/_events/resend", _resend),
        *SHOP,
        *SALES,
        *LOSSES,
    ]
    own = [Route(path, _steered(simulators, act), methods=[method]) for method, path, act in table]
    app = Starlette(routes=own + [route for api in APIS for route in api(simulators).routes()])
    app.state.simulators = simulators
    return app


def _steered(simulators: Simulators, act: Steer) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
            if not isinstance(body, dict):
                raise ValueError("the body must be a JSON object")
            status, answer = await act(simulators, body)
        except Refused as refused:
            return JSONResponse({"error": str(refused)}, refused.answer.status)
        except UnknownFault as unknown:
            return JSONResponse({"error": str(unknown), "known": ["all", "none", *sorted(FAULTS)]}, 400)
        except KeyError as missing:
            return JSONResponse({"error": f"there is no {missing}"}, 404)
        except (ValueError, TypeError, InvalidOperation) as bad:
            return JSONResponse({"error": str(bad)}, 400)
        return JSONResponse(answer, status)

    return endpoint


async def _ledger(simulators: Simulators, _body: Json) -> tuple[int, Json]:
    return 200, ledger(simulators)


async def _faults(simulators: Simulators, _body: Json) -> tuple[int, Json]:
    plan = simulators.plan
    return 200, {
        "faults": sorted(plan.active),
        "seed": plan.seed,
        "rate": plan.rate,
        "api_rate": plan.api_rate,
        "drop_rate": plan.drop_rate,
        "injected": dict(sorted(plan.injected.items())),
        "known": FAULTS,
    }


async def _set_faults(simulators: Simulators, body: Json) -> tuple[int, Json]:
    unknown = body.keys() - {"faults", "seed", *RATES}
    if unknown:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    rates = {name: float(body[name]) for name in RATES if body.get(name) is not None}
    if not all(0 <= rate <= 1 for rate in rates.values()):
        raise ValueError("a rate must be from 0 to 1")
    seed = int(body.get("seed", simulators.plan.seed))
    simulators.plan.set(body.get("faults", "none"), seed=seed, **rates)
    return await _faults(simulators, {})


async def _aim(simulators: Simulators, body: Json) -> tuple[int, Json]:
    simulators.aim_at(str(body.get("base") or simulators.target.base))
    return 200, {"base": simulators.target.base}


async def _reset(simulators: Simulators, _body: Json) -> tuple[int, Json]:
    await simulators.reset()
    return 200, {"reset": True}


async def _cart(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """Note the cart of an order that somebody checked out by hand, so that the ledger knows what is due."""
    units = body.get("units")
    if not isinstance(units, dict) or not all(isinstance(count, int) for count in units.values()):
        raise ValueError("units must be an object of whole numbers by product")
    number, order = str(body["order_number"]), str(body.get("razorpay_order", ""))
    simulators.carts.note(number, order, units, str(body.get("phone", "")))
    return 201, {"order_number": number}


async def _play(simulators: Simulators, body: Json) -> tuple[int, Json]:
    wanted = Play.read(body)
    now = simulators.progress
    if now is not None and now.state in ("playing", "delivering"):
        return 409, {"error": "a scenario is being played", **now.shown()}

    async def run() -> None:
        with contextlib.suppress(Exception):  # a failure is told by the progress
            await play(simulators, wanted)

    simulators.errands.start(run())
    await asyncio.sleep(0)  # so that the answer already tells of this scenario
    return 202, (await _progress(simulators, {}))[1]


async def _progress(simulators: Simulators, _body: Json) -> tuple[int, Json]:
    progress = simulators.progress
    shown = {"state": "idle"} if progress is None else progress.shown()
    return 200, {**shown, "webhooks": simulators.sender.counts(), "landing": len(simulators.landing)}


async def _charge(simulators: Simulators, body: Json) -> tuple[int, Json]:
    """Make a payment, by a known customer's id, a new customer (`customer` as an object) or a guest."""
    stripe, number = simulators.stripe, body.get("order_number")
    order = simulators.konverzky.orders.get(str(number))
    customer: Any = body.get("customer")
    if isinstance(customer, dict):
        customer = stripe.add_customer(customer)["id"]
    payment = stripe.pay(
        Pay(
            int(body.get("amount", order.minor_units() if order else 0)),
            str(body.get("currency", order.currency if order else "NOK")),
            None if number is None else str(number),
            customer=customer,
            billing=body.get("guest"),
            captured=bool(body.get("captured", True)),
            metadata={str(name): str(value) for name, value in (body.get("metadata") or {}).items()},
            announce=bool(body.get("send", True)),
            chatter=bool(body.get("chatter", False)),
        )
    )
    return 201, _shown(simulators, payment)


def _shown(simulators: Simulators, payment: Payment) -> Json:
    charge, intent = payment.charge["id"], payment.intent["id"]
    about = {charge, intent}
    events = [
        ident for ident, event in simulators.stripe.events.items() if event["data"]["object"]["id"] in about
    ]
    return {
        "charge": charge,
        "payment_intent": intent,
        "customer": payment.charge["customer"],
        "events": events,
    }


async def _capture(simulators: Simulators, body: Json) -> tuple[int, Json]:
    return 200, _shown(simulators, simulators.stripe.capture(str(body.get("charge")), body.get("amount")))


async def _refund(simulators: Simulators, body: Json) -> tuple[int, Json]:
    status = str(body.get("status", "succeeded"))
    if status not in ("succeeded", "pending"):
        raise ValueError("a refund is succeeded or pending at first")
    charge, amount = str(body.get("charge")), body.get("amount")
    return 201, simulators.stripe.refund(charge, amount, body.get("reason"), status=status)


async def _resend(simulators: Simulators, body: Json) -> tuple[int, Json]:
    simulators.stripe.told.resend(str(body.get("event")))
    return 200, {"sent": body.get("event")}
