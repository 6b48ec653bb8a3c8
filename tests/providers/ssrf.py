"""Where a service's sockets go if its addresses are set by somebody who means harm.

    python -m tests.providers.ssrf      prints {"tried": ..., "refused": ..., "reached": [...], "outside": [...]}

`reached` are the services that called the one server of ours, which redirects them: the control. Runs in a process of
its own: an audit hook sees every connection that is begun, and stops those to anywhere but the one server of ours. What names resolve to is made up, since no name server is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import structlog

from onpaid.clock import SystemClock
from onpaid.domain.messages import OutMessage, Parameter
from onpaid.errors import OnpaidError
from onpaid.providers import (
    alert_topic,
    alert_webhook,
    fiken,
    jira,
    meta,
    msg91,
    razorpay,
    shiprocket,
    stripe,
    twilio,
    wati,
)
from onpaid.providers.roles import FiledTicket
from tests.providers.ssrf_addresses import NAMES, NEVER, REBINDING, REDIRECTS

SECONDS = 3.0
Make = Callable[[str], Any]
TICKET = FiledTicket(
    "tkt_1", "internal", "critical", "A title", {}, "2026-01-01T00:00:00Z", fingerprint="f" * 12
)
MESSAGE = OutMessage("ref", "+919876543210", "HX" + "1" * 32, "en", (Parameter("orderNumber", "1"),))


async def _heard(_ref: str) -> None:
    return None


SERVICES: dict[str, Make] = {
    "Stripe": lambda base: stripe.Stripe(stripe.Settings(api_key="sk_test_1", api_base=base)),
    "Fiken": lambda base: fiken.Fiken(_fiken(base)),
    "Razorpay": lambda base: razorpay.Razorpay(razorpay.Settings("rzp_test_1", "s", ("w",), api_base=base)),
    "Shiprocket": lambda base: shiprocket.Shiprocket(
        shiprocket.Settings("a@example.org", "p", "Primary", api_base=base), SystemClock()
    ),
    "Meta": lambda base: meta.Meta(meta.Settings("t", "106540352242922", api_base=base), _heard),
    "Twilio": lambda base: twilio.Twilio(
        twilio.Settings("AC" + "0" * 32, "t", "whatsapp:+14155238886", "https://shop.example", base), _heard
    ),
    "MSG91": lambda base: msg91.Msg91(msg91.Settings("k", "919876500000", "", base), _heard),
    "WATI": lambda base: wati.Wati(wati.Settings("t", base), _heard, SystemClock()),
    "Jira": lambda base: jira.Jira(jira.Settings(base, "a@example.org", "t", "OPS")),
    "ALERT_WEBHOOK_URL": lambda base: alert_webhook.AlertWebhook(alert_webhook.Settings(base)),
    "SNS": lambda base: alert_topic.AlertTopic(
        alert_topic.Settings("arn:aws:sns:eu-north-1:123456789012:alerts", endpoint=base)
    ),
}


def _fiken(base: str) -> Any:
    return fiken.Settings(
        api_token="t",
        company_slug="shop",
        bank_account_code="1920:10001",
        payment_account="1920:10002",
        api_base=base,
    )


class Spy:
    """Notes what sockets do, and lets them reach only one port of this machine."""

    def __init__(self) -> None:
        self.allowed = 0
        self.connected: list[str] = []
        self.inside = 0
        self.watching = False

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        """See `sys.addaudithook`."""
        if not self.watching or event not in ("socket.connect", "socket.sendto", "open"):
            return
        if event == "open":
            if str(args[0]).startswith("/etc/passwd"):
                self.connected.append("/etc/passwd")
            return
        address = args[1]
        inside = isinstance(address, tuple) and address[:2] == ("127.0.0.1", self.allowed)
        self.inside += inside
        if not inside:
            self.connected.append(str(address))
            raise ConnectionRefusedError("outside")


def resolve(host: Any, port: Any, *_more: Any, **_rest: Any) -> list[Any]:
    """A name server that answers for the names in the table, and for literal addresses."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    found = REBINDING.get(name.rstrip("."), name)
    family = socket.AF_INET6 if ":" in found else socket.AF_INET
    with contextlib.suppress(OSError):
        socket.inet_pton(family, found)
        address: Any = (found, int(port or 0)) if family == socket.AF_INET else (found, int(port or 0), 0, 0)
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)]
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


async def _call(service: Any) -> None:
    """Whatever makes the service call out."""
    with contextlib.suppress(OnpaidError, TimeoutError):
        async with asyncio.timeout(SECONDS):
            if hasattr(service, "alert"):
                await service.alert(TICKET)
            elif hasattr(service, "send_message"):
                await service.send_message(MESSAGE)
            else:
                await service.doctor()


async def _try(make: Make, base: str, spy: Spy) -> bool:
    """Whether the base was refused before anything was done."""
    try:
        service = make(base)
    except OnpaidError:
        return True
    await _call(service)
    await service.close()
    return False


async def _redirecting(target: str) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            said = (
                f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            writer.write(said.encode())
            await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def try_all(spy: Spy) -> dict[str, Any]:
    """Every base for every service: what was refused, and which sockets went outside."""
    found: dict[str, Any] = {"tried": 0, "refused": 0, "reached": [], "outside": []}

    def note(service: str, base: str) -> None:
        found["outside"] += [f"{service}, {base!r}: {each}" for each in spy.connected]
        spy.connected.clear()

    for service, make in SERVICES.items():
        for base in (*NEVER, *NAMES):
            found["tried"] += 1
            spy.watching = True
            found["refused"] += await _try(make, base, spy)
            spy.watching = False
            note(service, base)
        spy.inside = 0
        for target in REDIRECTS:
            server = await _redirecting(target)
            spy.allowed = server.sockets[0].getsockname()[1]
            spy.watching = True
            await _try(make, f"http://127.0.0.1:{spy.allowed}", spy)
            spy.watching = False
            found["tried"] += 1
            server.close()
            note(service, f"redirected to {target}")
        if spy.inside >= len(REDIRECTS):
            found["reached"].append(service)
    return found


def main() -> None:
    """Print what was found, as JSON."""
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    socket.getaddrinfo = resolve  # type: ignore[assignment]
    spy = Spy()
    sys.addaudithook(spy.hook)
    sys.stdout.write(json.dumps(asyncio.run(try_all(spy))) + "\n")


if __name__ == "__main__":
    main()
