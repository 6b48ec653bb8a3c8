"""The settings of the service itself, and those of the story of invoices."""

from __future__ import annotations

from datetime import timedelta

from onpaid.settings_readers import (
    Setting,
    decimal_factor,
    duration,
    one_of,
    secrets,
    text,
    whole,
    yes_or_no,
    zone,
)

SERVICE: tuple[Setting, ...] = (
    Setting("ONPAID_DATABASE", text, "sqlite:///onpaid.db", "where everything is kept"),
    Setting("ONPAID_HOST", text, "127.0.0.1", "the address that `onpaid serve` listens on"),
    Setting("ONPAID_PORT", whole, 8080, "its port; 0 takes a free one"),
    Setting("ONPAID_PUBLIC_URL", text, None, "how the outside reaches this service: links are built from it"),
    Setting(
        "ONPAID_ADMIN_TOKEN", text, None, "lets its bearer act: retry, settle, cancel, pause", secret=True
    ),
    Setting(
        "ONPAID_VIEWER_TOKEN", text, None, "lets its bearer look, with personal data masked", secret=True
    ),
    Setting(
        "ONPAID_SESSION_SECRET",
        text,
        None,
        "signs the console's sessions; random at each start if unset",
        secret=True,
    ),
    Setting(
        "ONPAID_TICKET_LOG",
        text,
        "tickets.jsonl",
        "the file that tickets are appended to, a JSON object a line; - for the service's own log",
    ),
    Setting(
        "ONPAID_ENVIRONMENT",
        text,
        "production",
        "what tickets and issues call this installation: staging and production are told apart by it",
    ),
    Setting(
        "ONPAID_LINK_SECRET", secrets, (), "signs customers' links; made once and kept if unset", secret=True
    ),
    Setting("ONPAID_LOG_LEVEL", one_of("debug", "info", "warning", "error"), "info", "what the log tells"),
    Setting(
        "ONPAID_LOG_FORMAT", one_of("json", "text"), "json", "one JSON object a line, or text for reading"
    ),
    Setting("ONPAID_TIME_FACTOR", decimal_factor, 1.0, "compresses every wait; for demonstrations only"),
    Setting(
        "ONPAID_LIFT_LANES", yes_or_no, False, "ignores the lanes' calls per second; for benchmarks only"
    ),
    Setting(
        "ONPAID_BENCH_NOOP", yes_or_no, False, "answers /webhooks/noop without storing; for benchmarks only"
    ),
    Setting(
        "ONPAID_ALLOW_NETWORK_DISK",
        yes_or_no,
        False,
        "opens a database on a network file system, at your risk",
    ),
)

INVOICING: tuple[Setting, ...] = (
    Setting(
        "STRIPE_API_KEY",
        text,
        None,
        "the secret or restricted key; its mode decides which events count",
        secret=True,
    ),
    Setting("STRIPE_WEBHOOK_SECRET", secrets, (), "the endpoint's signing secrets (whsec_...)", secret=True),
    Setting("STRIPE_API_BASE", text, "https://api.stripe.com", "where Stripe is"),
    Setting(
        "STRIPE_RETRY_DELAY_SECONDS",
        duration,
        timedelta(seconds=30),
        "how often a payment looks again for its order",
    ),
    Setting("STRIPE_ORDER_NUMBER_KEY", text, "order_number", "the metadata key that names the order"),
    Setting(
        "KONVERZKY_WEBHOOK_SECRET", secrets, (), "signing keys, header values or path tokens", secret=True
    ),
    Setting("KONVERZKY_AUTH", one_of("hmac", "header", "path"), "hmac", "how the shop proves who it is"),
    Setting("KONVERZKY_SHOP", text, "konverzky", "the shop's name: part of the key of its orders"),
    Setting(
        "KONVERZKY_PRICES_INCLUDE_VAT",
        yes_or_no,
        None,
        "whether unit prices are gross, where an order does not say",
    ),
    Setting("FIKEN_API_TOKEN", text, None, "the personal API token", secret=True),
    Setting("FIKEN_COMPANY_SLUG", text, None, "the company, as in its Fiken address"),
    Setting("FIKEN_BANK_ACCOUNT_CODE", text, None, "the bank account on invoices, such as 1920:10001"),
    Setting("FIKEN_PAYMENT_ACCOUNT", text, None, "where card money is booked, such as 1920:10002"),
    Setting("FIKEN_API_BASE", text, "https://api.fiken.no/api/v2", "where Fiken is"),
    Setting(
        "INVOICE_KIND", one_of("cash", "receivable"), "cash", "a cash invoice, or a receivable due later"
    ),
    Setting("INVOICE_DUE_DAYS", whole, 30, "when a receivable is due"),
    Setting("INVOICE_VAT_RULES", text, None, "the VAT table (TOML) that you sign off"),
    Setting("COMPANY_TIME_ZONE", zone, "Europe/Oslo", "the time zone of the dates on documents"),
    Setting("ORDER_WAIT", duration, timedelta(hours=48), "how long a payment waits for its order"),
    Setting(
        "ORDER_MISMATCH_WAIT",
        duration,
        timedelta(hours=1),
        "how long a payment that fits no lines waits for a change",
    ),
    Setting("ORDER_EXPIRES_AFTER", duration, timedelta(days=14), "when an order that nobody paid expires"),
)
