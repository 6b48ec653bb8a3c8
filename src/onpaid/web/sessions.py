"""The doors of sessions: a user with a token of their own asks for a page to pay at, and later how it went.

Only a user's bearer token opens them: neither our own tokens nor a session of the console are a user's. Browsers of
other origins are let in where CHECKOUT_ORIGINS names them.
"""

from __future__ import annotations

import re

from starlette.responses import Response

from onpaid.app.session_desk import SessionOpened, SessionSeen
from onpaid.app.session_request import SessionAsked
from onpaid.errors import Refused
from onpaid.web.answers import json_answer, problem
from onpaid.web.table import Ask, Door, NotThere

_ID = re.compile(r"[A-Za-z0-9_]{1,255}")


async def create(ask: Ask) -> Response:
    key = ask.request.headers.get("idempotency-key", "").strip()
    try:
        return json_answer(await ask.parts.selling.desk.create(ask.raw, ask.user, key))
    except Refused as no:
        return problem(502, f"{str(no)[:1].upper()}{str(no)[1:]}.")


async def show(ask: Ask) -> Response:
    ident = ask.named("id")
    seen = await ask.parts.selling.desk.session(ident, ask.user) if _ID.fullmatch(ident) else None
    if seen is None:
        raise NotThere("you have no session of this id")
    return json_answer(seen)


def _opening(path: str) -> Door:
    return Door(
        "POST",
        path,
        create,
        "user",
        "Open a session: a page at Stripe where the user pays. Safe to repeat under an Idempotency-Key. "
        "`paymentIntentId` is null until the user pays.",
        body=SessionAsked,
        answers=SessionOpened,
        statuses=(404, 409, 502),
    )


DOORS = (
    _opening("/stripe/payment-intent"),
    _opening("/api/checkout/sessions"),
    Door(
        "GET",
        "/api/checkout/sessions/{id}",
        show,
        "user",
        "How far a session of this user has come, with its `paymentIntentId` once there is one.",
        answers=SessionSeen,
        statuses=(404,),
    ),
)
PATHS = re.compile(r"/stripe/payment-intent|/api/checkout/sessions(?:/[^/]+)?")
"""What a shop's own page may call from a user's browser."""
