"""Who may come in at Shiprocket: e-mail and password make a token that lives for days and cannot be renewed.

A few wrong passwords in a row lock the account for a while, also for the right one; so a client that tries in
a loop is seen to harm itself.
"""

import base64
import json
import math
from hmac import compare_digest
from typing import Final

from onpaid.simulators.kit import Clock, Dice, Json
from onpaid.simulators.plan import FaultPlan
from onpaid.simulators.settings import Settings
from onpaid.simulators.shiprocket_checks import invalid, refused
from onpaid.simulators.shiprocket_shipment import stamp

COMPANY: Final = 25149
MOST_FAILURES: Final = 5
LOCKED_FOR: Final = 1800.0


class Sessions:
    """The tokens that were given out."""

    def __init__(self, plan: FaultPlan, clock: Clock, settings: Settings) -> None:
        self._plan, self._clock, self._settings = plan, clock, settings
        self.forget()

    def forget(self) -> None:
        """Every token is dead from now on."""
        self._tokens: dict[str, float] = {}
        self.logins = self.failures = 0
        self._in_a_row = 0
        self._locked_until = 0.0

    def log_in(self, body: Json) -> Json:
        """A new token; older ones stay good."""
        missing = [
            name for name in ("email", "password") if not isinstance(body.get(name), str) or not body[name]
        ]
        if missing:
            raise invalid({name: [f"The {name} field is required."] for name in missing})
        now = self._clock.now()
        if now < self._locked_until:
            raise refused(403, "Too many failed login attempts. Please try again later.")
        known = self._settings
        given = (body["email"].encode(), body["password"].encode())
        right = (known.shiprocket_email.encode(), known.shiprocket_password.encode())
        if not (compare_digest(given[0], right[0]) & compare_digest(given[1], right[1])):
            self._fail(now)
            raise refused(400, "Invalid email and password combination")
        self._in_a_row = 0
        self.logins += 1
        return {
            "id": 4711,
            "first_name": "API",
            "last_name": "USER",
            "email": body["email"],
            "company_id": COMPANY,
            "created_at": stamp(now),
            "token": self._issue(now),
        }

    def _fail(self, now: float) -> None:
        self.failures += 1
        self._in_a_row += 1
        if self._in_a_row >= MOST_FAILURES:
            self._in_a_row, self._locked_until = 0, now + LOCKED_FOR

    def _issue(self, now: float) -> str:
        until = now + self._settings.shiprocket_token_life
        dice = Dice(self._plan.seed).at("shiprocket", "token", str(self.logins))
        claims = {
            "sub": 4711,
            "source": "sr-auth-int",
            "iat": int(now),
            "nbf": int(now),
            "exp": math.ceil(until),
            "jti": dice.digest("jti")[:16],
            "cid": COMPANY,
        }
        token = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}.{dice.digest(_part(claims))}"
        self._tokens[token] = until
        return token

    def check(self, authorization: str | None) -> None:
        """Refused, unless the header shows a token that lives."""
        token = (authorization or "").removeprefix("Bearer ")
        until = self._tokens.get(token)
        if until is None or not (authorization or "").startswith("Bearer "):
            raise refused(401, "Unauthorized.")
        if self._clock.now() >= until:
            raise refused(401, "Token has expired")


def _part(of: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(of).encode()).decode().rstrip("=")
