"""Puts the web application together from a service and its settings: for the server, and for commands without one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from onpaid import __version__
from onpaid.compose import Service
from onpaid.settings import Settings
from onpaid.web.app import create_app
from onpaid.web.settings import WebSettings


def web_settings(
    settings: Settings, *, admin_token: str | None = None, address: str | None = None
) -> WebSettings:
    """What the web face needs of the settings. `address` is where it listens. Raises SettingsError."""
    where = address or f"http://{settings['ONPAID_HOST']}:{settings['ONPAID_PORT']}"
    return WebSettings(
        admin_token=admin_token or settings["ONPAID_ADMIN_TOKEN"] or "",
        viewer_token=settings["ONPAID_VIEWER_TOKEN"] or "",
        session_secret=settings["ONPAID_SESSION_SECRET"] or "",
        public_url=settings["ONPAID_PUBLIC_URL"] or where,
        time_zone=settings["COMPANY_TIME_ZONE"],
        version=__version__,
        checkout_origins=settings["CHECKOUT_ORIGINS"],
        webhook_paths=_other_paths(settings),
        checkouts_each=settings["CHECKOUT_PER_ADDRESS"],
        checkouts_together=settings["CHECKOUT_PER_MINUTE"],
        bench_noop=settings["ONPAID_BENCH_NOOP"],
    )


def _other_paths(settings: Settings) -> dict[str, str]:
    """The paths of webhooks that requirements name, each with its source."""
    paths = {"/stripe/webhook": "stripe"} if settings["STRIPE_WEBHOOK_SECRET"] else {}
    return paths | ({"/payment/webhook": "razorpay"} if settings["RAZORPAY_KEY_ID"] else {})


def application(service: Service, settings: WebSettings, ready: Callable[[], Awaitable[list[str]]]) -> Any:
    """The web application over this service."""
    return create_app(
        inbox=service.inbox,
        engine=service.engine,
        operations=service.operations,
        views=service.views,
        settings=settings,
        ready=ready,
        delivery=service.delivery,
        forgeries=service.forgeries,
        handshakes=service.handshakes,
        sales=service.sales,
        reconciler=service.reconciling,
        prover=service.prover,
    )
