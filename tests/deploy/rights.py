"""What each function may do at AWS, and the call of ours that needs it.

A right without a call is one too many, a call without its right fails in production only. Both are compared: with the
template's roles, and with the modules that are named here. What Lambda itself does for a function has no module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from onpaid.repositories.documented_tables import TABLES

WEB, WORK, TICK, RECONCILE = ("WebRole",), ("WorkRole",), ("TickRole",), ("ReconcileRole",)
ALL = (*WEB, *WORK, *TICK, *RECONCILE)
LAMBDA = "Lambda"
AGREED = "agreed"
"""The module of a right that a requirement names and no code of ours uses."""


class Right(NamedTuple):
    """An action that some roles have on a resource. `call` is what `module` holds that asks for it."""

    roles: tuple[str, ...]
    action: str
    resource: str
    module: str
    call: str = ""


OWN = "${OnpaidTable.Arn}"
READING, BATCH = "store/dynamodb_reading.py", "store/dynamodb_batch.py"
SECRET = (
    "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}"
    ":secret:${ProjectName}-${Environment}-%s-??????"
)
"""The six characters behind a secret's name are AWS's own."""
PARAMETERS = (
    "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/${ProjectName}/${Environment}/*"
)
SIGNS_IN = ("admin-token", "viewer-token", "session-secret")
"""Secrets that only the function with the console needs."""
SHARED = {
    "link-secret": "ONPAID_LINK_SECRET",
    "stripe-secret-key": "STRIPE_API_KEY",
    "stripe-webhook-secret": "STRIPE_WEBHOOK_SECRET",
    "jwt-access-token-secret": "JWT_ACCESS_TOKEN_SECRET",
    "konverzky-webhook-secret": "KONVERZKY_WEBHOOK_SECRET",
    "fiken-api-token": "FIKEN_API_TOKEN",
    "razorpay": "RAZORPAY_SECRET_NAME",
    "shiprocket": "SHIPROCKET_SECRET_NAME",
    "shiprocket-webhook-token": "SHIPROCKET_WEBHOOK_TOKEN",
    "whatsapp-api-key": "WHATSAPP_API_KEY",
    "whatsapp-app-secret": "WHATSAPP_APP_SECRET",
    "whatsapp-verify-token": "WHATSAPP_VERIFY_TOKEN",
    "whatsapp-webhook-token": "WHATSAPP_WEBHOOK_TOKEN",
    "jira-api-token": "JIRA_API_TOKEN",
    "alert-webhook-url": "ALERT_WEBHOOK_URL",
    "smtp-password": "SMTP_PASSWORD",
}
"""Kinds of secrets with the setting that takes them. Every function composes every story, and so reads all of them."""
KINDS = {
    "admin-token": "ONPAID_ADMIN_TOKEN",
    "viewer-token": "ONPAID_VIEWER_TOKEN",
    "session-secret": "ONPAID_SESSION_SECRET",
} | SHARED
TABLE_OF = {
    "DDB_TABLE": "KonverzkyOrdersTable",
    "ORDERS_TABLE_NAME": "OrdersTable",
    "PAYMENTS_TABLE_NAME": "PaymentsTable",
    "PRODUCTS_TABLE_NAME": "ProductsTable",
    "SELLERS_TABLE_NAME": "SellersTable",
    "ADDRESSES_TABLE_NAME": "AddressesTable",
    "SHIPMENTS_TABLE_NAME": "ShipmentsTable",
    "STRIPE_CUSTOMERS_TABLE": "StripeCustomersTable",
    "WEBHOOK_IDEMPOTENCY_TABLE": "WebhookIdempotencyTable",
    "COMMERCE_TABLE": "CommerceTable",
}
"""The documented tables that are written, by the setting that names them."""

RIGHTS: tuple[Right, ...] = (
    Right(ALL, "dynamodb:GetItem", OWN, READING, "get_item"),
    Right(ALL, "dynamodb:BatchGetItem", OWN, READING, "batch_get_item"),
    Right(ALL, "dynamodb:Query", OWN, "store/dynamodb_querying.py", '"query"'),
    Right(ALL, "dynamodb:PutItem", OWN, BATCH, '"Put"'),
    Right(ALL, "dynamodb:DeleteItem", OWN, BATCH, '"Delete"'),
    Right(ALL, "dynamodb:ConditionCheckItem", OWN, BATCH, '"ConditionCheck"'),
    Right(ALL, "dynamodb:BatchWriteItem", OWN, "store/dynamodb_copying.py", "batch_write_item"),
    Right(ALL, "sqs:SendMessage", "${WorkQueue.Arn}", "runtime/aws.py", "send_message_batch"),
    Right((*WEB, *TICK), "sqs:GetQueueAttributes", "${WorkQueue.Arn}", "runtime/aws.py", "get_queue_attributes"),
    Right(WORK, "sqs:ReceiveMessage", "${WorkQueue.Arn}", LAMBDA),
    Right(WORK, "sqs:DeleteMessage", "${WorkQueue.Arn}", LAMBDA),
    Right(WORK, "sqs:GetQueueAttributes", "${WorkQueue.Arn}", LAMBDA),
    Right(WORK, "sns:Publish", "${AlertsTopic}", "providers/alert_topic.py", '"publish"'),
    Right(WEB, "sns:GetTopicAttributes", "${AlertsTopic}", "providers/alert_topic.py", '"get_topic_attributes"'),
    Right(WORK, "sns:Publish", "${BillingEventsTopic}", "providers/billing_topic.py", '"publish"'),
    Right(WEB, "sns:GetTopicAttributes", "${BillingEventsTopic}", "providers/billing_topic.py",
          '"get_topic_attributes"'),
    *(
        Right(RECONCILE, f"dynamodb:{verb}", resource, AGREED)
        for verb in ("GetItem", "PutItem", "Query")
        for resource in ("${CommerceTable.Arn}", "${CommerceTable.Arn}/index/*")
    ),
    Right(ALL, "ssm:GetParameter", PARAMETERS, "settings_secrets.py", "get_parameter"),
    *(
        Right((role,), f"logs:{verb}", f"${{{role.removesuffix('Role')}Logs.Arn}}", LAMBDA)
        for role in ALL
        for verb in ("CreateLogStream", "PutLogEvents")
    ),
    Right(ALL, "xray:PutTraceSegments", "*", LAMBDA),
    Right(ALL, "xray:PutTelemetryRecords", "*", LAMBDA),
    *(
        Right(ALL if kind in SHARED else WEB, "secretsmanager:GetSecretValue", SECRET % kind,
              "settings_secrets.py", "get_secret_value")
        for kind in KINDS
    ),
    *(
        Right(tuple(f"{writer.capitalize()}Role" for writer in table.writers), action,
              f"${{{TABLE_OF[table.variable]}.Arn}}", BATCH, call)
        for table in TABLES
        if table.writers
        for action, call in (("dynamodb:UpdateItem", '"Update"'), ("dynamodb:DeleteItem", '"Delete"'))
    ),
)  # fmt: skip
UNAVOIDABLE = frozenset({"xray:PutTraceSegments", "xray:PutTelemetryRecords"})
"""Actions for which AWS knows no resource."""


def meant(role: str) -> set[tuple[str, str]]:
    """What a role may do, by this table."""
    return {(each.action, each.resource) for each in RIGHTS if role in each.roles}


def too_wide(rights: set[tuple[str, str]]) -> Iterator[str]:
    """Actions and resources that name more than one thing, where they could name it."""
    for action, resource in sorted(rights):
        if "*" in action or "?" in action:
            yield f"{action} is more than one action"
        if resource == "*" and action not in UNAVOIDABLE:
            yield f"{action} is allowed on everything"
        narrow = resource.removesuffix("/${Environment}/*").removesuffix("${CommerceTable.Arn}/index/*")
        if "*" in narrow and resource != "*":
            yield f"{action} is allowed on {resource}"
