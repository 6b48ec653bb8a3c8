"""How a command reaches the service: through the running server, or else the same API inside this process.

A database has one holder. If a server holds it, its address stands in the lock file and commands speak HTTP with it;
if nobody does, this process takes the lock, builds the service without starting it, and asks its web application
directly. Either way a command asks the same questions and gets the same answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import msgspec

from onpaid.errors import NotPossible, OnpaidError, SettingsError, StoreUnusable
from onpaid.settings import TABLE, Settings, load

Json = dict[str, Any]

settings_file: Path | None = None
"""As `--settings` names it."""

PATIENCE = 3.0
LOOK_AGAIN = 0.1


class Unreachable(OnpaidError):
    """The server that holds the database could not be asked."""


class Caller(Protocol):
    """Sends one request, and brings back status and body."""

    def send(self, method: str, target: str, body: bytes | None) -> tuple[int, bytes]:
        """`target` is path and query."""
        ...


class Api:
    """The JSON API, whoever answers it."""

    def __init__(self, caller: Caller, *, served: bool = False) -> None:
        self._caller = caller
        self.served = served
        """Whether a server answers, which works on what is asked for meanwhile."""

    def get(self, *path: str, **params: Any) -> Json:
        """Read. Segments are quoted, parameters of None left out. Raises NotPossible for what is not there."""
        from urllib.parse import urlencode

        query = urlencode({name: value for name, value in params.items() if value is not None})
        return self._ask("GET", _target(path) + (f"?{query}" if query else ""), None)

    def post(self, *path: str, body: Mapping[str, Any] | None = None) -> Json:
        """Ask for something to be done. Raises NotPossible if the state of things does not allow it."""
        return self._ask("POST", _target(path), msgspec.json.encode(body or {}))

    def _ask(self, method: str, target: str, body: bytes | None) -> Json:
        status, said = self._caller.send(method, target, body)
        try:
            told: Any = msgspec.json.decode(said) if said else {}
        except msgspec.DecodeError:
            told = {}
        if 200 <= status < 300:
            return told if isinstance(told, dict) else {"items": told}
        problem = told if isinstance(told, dict) else {}
        why = str(problem.get("detail") or problem.get("title") or f"the server answered {status}")
        if status == 401:
            raise SettingsError(
                "the server does not know this ONPAID_ADMIN_TOKEN: set the one that it was started with"
            )
        if status == 403:
            raise SettingsError("ONPAID_VIEWER_TOKEN may only look: set ONPAID_ADMIN_TOKEN to act")
        if 400 <= status < 500:
            raise NotPossible(why)
        raise Unreachable(f"{why} (status {status}): look at the server's log")


STAND_INS = {
    "STRIPE_API_KEY": "sk_test_not_set",
    "STRIPE_WEBHOOK_SECRET": "not-set-and-nobody-is-asked",
    "KONVERZKY_WEBHOOK_SECRET": "not-set-and-nobody-is-asked",
    "FIKEN_API_TOKEN": "not-set",
    "FIKEN_COMPANY_SLUG": "not-set",
    "FIKEN_BANK_ACCOUNT_CODE": "1920:10001",
    "FIKEN_PAYMENT_ACCOUNT": "1920:10001",
}
"""What stands for a setting of invoices that is missing, where no provider is called and no event judged."""
DELIVERY_STAND_INS = {
    "RAZORPAY_KEY_ID": "rzp_test_not_set",
    "RAZORPAY_KEY_SECRET": "not-set",
    "RAZORPAY_WEBHOOK_SECRET": "not-set-and-nobody-is-asked",
}


def settings() -> Settings:
    """The settings of this command. Raises SettingsError."""
    return load(os.environ, settings_file)


def settings_to_look(**more: str) -> Settings:
    """The settings (with `more` over them), with stand-ins for what only providers and rules need."""
    return load({**os.environ, **_stand_ins(settings()), **more}, settings_file)


def _stand_ins(given: Settings) -> dict[str, str]:
    """What has to be said so that a service can be built: a story that is set up in part is looked at all the same."""
    from onpaid import compose_billing, compose_delivery, compose_invoicing, compose_messages, compose_telling

    filled = {"INVOICE_VAT_RULES": "", "WHATSAPP_TEMPLATES": ""}
    delivers, sells = compose_delivery.wanted(given), compose_billing.wanted(given)
    wanted = DELIVERY_STAND_INS if delivers else {}
    needs: tuple[str, ...] = compose_invoicing.NEEDS
    if sells:
        wanted = {**wanted, **{name: STAND_INS[name] for name in compose_billing.NEEDS}}
        needs = compose_invoicing.ACCOUNTS
        # No user's token is checked by whoever only looks, so none can be too weak for it.
        filled |= {"JWT_ACCESS_TOKEN_SECRET": "", "JWT_JWKS": "", "BILLING_EVENTS": "true"}
    if compose_invoicing.wanted(given, beside_sales=sells) or not (delivers or sells):
        wanted = {**wanted, **{name: STAND_INS[name] for name in needs}}
    live = any("live_" in (given[name] or "") for name in ("STRIPE_API_KEY", "RAZORPAY_KEY_ID"))
    for name in given.missing(*wanted):
        filled[name] = wanted[name].replace("test", "live") if live else wanted[name]
    if given.missing(*compose_messages.NEEDS[given["WHATSAPP_PROVIDER"]]):
        filled["WHATSAPP_PROVIDER"] = "none"
    if given.missing(*compose_delivery.LIVE_NEEDS):
        filled["SHIPROCKET_DRY_RUN"] = "true"
    if given.missing(*compose_telling.JIRA_NEEDS):
        filled["JIRA_BASE_URL"] = ""
    if given.missing("SMTP_HOST", "SMTP_FROM"):
        filled["ALERT_EMAIL"] = ""
    return filled


def secrets_of(values: Settings) -> list[str]:
    """Every secret that is set, so that it can be kept out of logs."""
    found: list[str] = []
    for setting in TABLE:
        if setting.secret:
            value = values[setting.name]
            found += [value] if isinstance(value, str) else list(value or ())
    return found


@contextmanager
def api(*, whole: bool = False) -> Iterator[Api]:
    """The API of the database that is set. `whole` says that the sources' settings are needed, as for a replay."""
    from onpaid.cli.callers import InProcess, OverHttp

    values = settings()
    address = holder(database(values))
    if address is not None:
        token = values["ONPAID_ADMIN_TOKEN"] or values["ONPAID_VIEWER_TOKEN"]
        if not token:
            raise SettingsError(
                f"a server at {address} holds the database, and ONPAID_ADMIN_TOKEN is not set: set the one that it "
                "was started with, or stop it first"
            )
        yield Api(OverHttp(address, token), served=True)
        return
    with InProcess.open(values if whole else settings_to_look()) as caller:
        yield Api(caller)


def database(values: Settings) -> Path:
    """The database's file."""
    from onpaid.compose_store import database_path

    return database_path(values)


def holder(database: Path) -> str | None:
    """The address of the server that holds the database, None if nobody holds it. Waits for one that is starting."""
    from onpaid.store.sqlite_lock import read_announcement

    until = time.monotonic() + PATIENCE
    while True:
        told = read_announcement(database)
        if told is None:
            return None
        if told.address:
            return told.address
        if time.monotonic() > until:
            raise StoreUnusable(
                f"process {told.pid} holds {database} and takes no requests: it is starting, stopping or another "
                "command. Try again, or stop it"
            )
        time.sleep(LOOK_AGAIN)


def _target(path: tuple[str, ...]) -> str:
    return "/api/" + "/".join(quote(part, safe="") for part in path)
