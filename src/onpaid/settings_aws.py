"""The settings of the form that runs on AWS: its queue, further settings by reference, and other services' tables.

Each table that the requirements document has its documented name here. Where one is set, the records of its kind are
kept there too, with the documented keys; where it is not, they are kept in our own table alone.
"""

from __future__ import annotations

from datetime import timedelta

from onpaid.settings_readers import Setting, duration, text, whole

AWS: tuple[Setting, ...] = (
    Setting("ONPAID_WORK_QUEUE_URL", text, None, "the SQS queue whose messages name runs that are due"),
    Setting("STRIPE_RETRY_QUEUE_URL", text, None, "another name of ONPAID_WORK_QUEUE_URL, which goes before"),
    Setting(
        "ONPAID_SETTINGS",
        text,
        None,
        "further settings as TOML: a file; on Lambda also a reference (ssm:/path, secretsmanager:NAME)",
    ),
    Setting("ONPAID_PROJECT", text, "onpaid", "the first part of every name at AWS; a dimension of metrics"),
    Setting(
        "ONPAID_BARE_PATH",
        text,
        None,
        "where Lambda's `web` takes an event that is only a body: the path that it would have been posted to",
    ),
    Setting(
        "ONPAID_CLOCK_AHEAD",
        duration,
        timedelta(0),
        "how far Lambda's clock goes ahead; for demonstrations only",
    ),
    Setting("DDB_TABLE", text, None, "orders of the shop, by order number"),
    Setting("DDB_TABLE_KEY", text, "orderId", "what the key of DDB_TABLE is called"),
    Setting("ORDERS_TABLE_NAME", text, None, "orders of the checkout"),
    Setting("PAYMENTS_TABLE_NAME", text, None, "payments of the checkout"),
    Setting("PRODUCTS_TABLE_NAME", text, None, "products and their stock"),
    Setting("PRODUCTS_TABLE_NAME_KEY", text, "productId", "what the key of PRODUCTS_TABLE_NAME is called"),
    Setting("SELLERS_TABLE_NAME", text, None, "sellers and what they sold"),
    Setting("SELLERS_TABLE_NAME_KEY", text, "sellerId", "what the key of SELLERS_TABLE_NAME is called"),
    Setting("CUSTOMERS_TABLE_NAME", text, None, "customers of the checkout"),
    Setting("ADDRESSES_TABLE_NAME", text, None, "where parcels go"),
    Setting("SHIPMENTS_TABLE_NAME", text, None, "parcels, found by order through OrderIdIndex"),
    Setting("STRIPE_CUSTOMERS_TABLE", text, None, "users and their Stripe customers, found both ways"),
    Setting("WEBHOOK_IDEMPOTENCY_TABLE", text, None, "events of Stripe that were taken"),
    Setting("COMMERCE_TABLE", text, None, "orders by user, and the state of the nightly reconciliation"),
    Setting("ORDER_TTL_DAYS", whole, 0, "for how many days orders stay in COMMERCE_TABLE; 0: for ever"),
    Setting("PRODUCTS_TABLE", text, None, "another service's products; nothing is written there yet"),
    Setting("PRICES_TABLE", text, None, "another service's prices; nothing is written there yet"),
)
