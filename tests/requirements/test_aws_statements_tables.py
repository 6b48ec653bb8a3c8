"""The tables that the requirements document, as the template makes them: keys, indexes, ends, names, and who may do
what. What the requirements say is written down here once more, so that neither code nor template can change it alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from onpaid.repositories.documented_tables import TABLES
from onpaid.store import dynamodb_table
from tests.requirements.template import FUNCTIONS, template

WHOLE = template(ProjectName="shop", Environment="staging", DocumentedTables="yes")
MEANT = {table.variable: table for table in TABLES}
WRITES = frozenset({"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"})

DOCUMENTED_WRITES = {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}
"""An update sets our fields and leaves those of others; what has no record any more is deleted."""
AS_AGREED = {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"}


class Said(NamedTuple):
    """What the requirements say about a table. Where they give no key, ours stands here."""

    variable: str
    resource: str
    keys: tuple[str, ...]
    name: str
    found_by: tuple[str, str] | None = None
    ends: bool = False


SAID = (
    Said("DDB_TABLE", "KonverzkyOrdersTable", ("orderId",), "konverzky-orders"),
    Said("ORDERS_TABLE_NAME", "OrdersTable", ("orderId", "createdAt"), "orders"),
    Said("PAYMENTS_TABLE_NAME", "PaymentsTable", ("paymentId", "orderId"), "payments"),
    Said("PRODUCTS_TABLE_NAME", "ProductsTable", ("productId",), "products"),
    Said("SELLERS_TABLE_NAME", "SellersTable", ("sellerId",), "sellers"),
    Said("CUSTOMERS_TABLE_NAME", "CustomersTable", ("customerId",), "customers"),
    Said("ADDRESSES_TABLE_NAME", "AddressesTable", ("addressId", "ownerId"), "addresses"),
    Said(
        "SHIPMENTS_TABLE_NAME",
        "ShipmentsTable",
        ("shipmentId", "orderId"),
        "shipments",
        found_by=("OrderIdIndex", "orderId"),
    ),
    Said(
        "STRIPE_CUSTOMERS_TABLE",
        "StripeCustomersTable",
        ("userId",),
        "stripe-customers",
        found_by=("stripeCustomerId-index", "stripeCustomerId"),
    ),
    Said(
        "WEBHOOK_IDEMPOTENCY_TABLE",
        "WebhookIdempotencyTable",
        ("eventId",),
        "stripe-webhook-idempotency",
        ends=True,
    ),
    Said("COMMERCE_TABLE", "CommerceTable", ("PK", "SK"), "commerce", ends=True),
)
each_table = pytest.mark.parametrize("said", SAID, ids=lambda said: said.variable)
each_function = pytest.mark.parametrize("function", FUNCTIONS)


def keys(schema: list[dict[str, str]]) -> tuple[str, ...]:
    """The attributes of a key, the partition's first."""
    assert [each["KeyType"] for each in schema] == ["HASH", "RANGE"][: len(schema)]
    return tuple(each["AttributeName"] for each in schema)


def indexes(resource: str) -> dict[str, tuple[str, ...]]:
    told: list[dict[str, Any]] = WHOLE.properties(resource).get("GlobalSecondaryIndexes", [])
    return {each["IndexName"]: keys(each["KeySchema"]) for each in told}


def actions_on(function: str, resource: str) -> set[str]:
    """What a function may do with a table and its indexes."""
    return {
        action
        for statement in WHOLE.rights(function)
        for action in statement.actions
        if any(each.startswith(f"<{resource}.Arn>") for each in statement.resources)
    }


def writers(resource: str) -> list[str]:
    return [name for name in FUNCTIONS if actions_on(name, resource) & WRITES]


# -- shape -------------------------------------------------------------------------------------------------------


@each_table
def test_a_documented_table_has_its_keys(said: Said) -> None:
    told = WHOLE.properties(said.resource)
    assert keys(told["KeySchema"]) == said.keys
    types = {each["AttributeName"]: each["AttributeType"] for each in told["AttributeDefinitions"]}
    assert set(types.values()) == {"S"}


@each_table
def test_code_and_template_mean_the_same_table(said: Said) -> None:
    """Of tables that we never touch, the code need not know the shape."""
    table = MEANT[said.variable]
    shape = (table.keys, table.index, bool(table.ttl))
    assert shape == (said.keys, said.found_by, said.ends) or not table.writers


@each_table
def test_a_table_has_the_indexes_that_are_said_and_no_other(said: Said) -> None:
    assert indexes(said.resource) == (
        {} if said.found_by is None else {said.found_by[0]: (said.found_by[1],)}
    )


def test_shipments_are_found_by_their_order() -> None:
    assert indexes("ShipmentsTable") == {"OrderIdIndex": ("orderId",)}
    (index,) = WHOLE.properties("ShipmentsTable")["GlobalSecondaryIndexes"]
    assert index["Projection"] == {"ProjectionType": "ALL"}


def test_customers_are_found_both_ways() -> None:
    assert keys(WHOLE.properties("StripeCustomersTable")["KeySchema"]) == ("userId",)
    assert indexes("StripeCustomersTable") == {"stripeCustomerId-index": ("stripeCustomerId",)}


@each_table
def test_items_that_end_do(said: Said) -> None:
    told = WHOLE.properties(said.resource).get("TimeToLiveSpecification")
    assert told == ({"AttributeName": "ttl", "Enabled": True} if said.ends else None)


def test_our_own_table_is_the_one_that_the_store_makes() -> None:
    told = WHOLE.properties("OnpaidTable")
    made = tuple((each["AttributeName"], each["KeyType"]) for each in told["KeySchema"])
    assert made == dynamodb_table.KEYS
    assert told["TimeToLiveSpecification"]["AttributeName"] == dynamodb_table.TTL


@pytest.mark.parametrize("resource", ["OnpaidTable", *(said.resource for said in SAID)])
def test_tables_are_kept_and_can_be_restored_to_any_moment(resource: str) -> None:
    told = WHOLE.resources[resource]
    assert (told["DeletionPolicy"], told["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert told["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert told["Properties"]["BillingMode"] == "PAY_PER_REQUEST"


# -- names -------------------------------------------------------------------------------------------------------


@each_table
def test_functions_are_told_their_tables(said: Said) -> None:
    assert WHOLE.text(WHOLE.properties(said.resource)["TableName"]) == f"shop-staging-{said.name}"
    for function in FUNCTIONS:
        assert WHOLE.text(WHOLE.variables(function)[said.variable]) == f"<{said.resource}>"


def test_webhook_records_have_the_documented_name() -> None:
    told = WHOLE.properties("WebhookIdempotencyTable")["TableName"]
    assert WHOLE.text(told) == "shop-staging-stripe-webhook-idempotency"


@each_table
def test_without_documented_tables_nobody_is_told_of_any(said: Said) -> None:
    bare = template(DocumentedTables="no")
    assert bare.resources[said.resource]["Condition"] == "HasDocumentedTables"
    assert [bare.text(bare.variables(function)[said.variable]) for function in FUNCTIONS] == [""] * len(
        FUNCTIONS
    )
    assert not [
        statement
        for function in FUNCTIONS
        for statement in bare.rights(function)
        if f"<{said.resource}.Arn>" in statement.resources
    ]


# -- rights ------------------------------------------------------------------------------------------------------


@each_table
def test_a_documented_table_is_written_and_never_read(said: Said) -> None:
    """But for the rights that requirement 4 lists for its function on one of them, which no code of ours uses."""
    for function in FUNCTIONS:
        agreed = AS_AGREED if (function, said.variable) == ("ReconcileFunction", "COMMERCE_TABLE") else set()
        assert actions_on(function, said.resource) - agreed in (set(), DOCUMENTED_WRITES)


@each_table
def test_a_function_writes_the_tables_of_its_records_and_no_other(said: Said) -> None:
    wanted = [f"{writer.capitalize()}Function" for writer in MEANT[said.variable].writers]
    assert writers(said.resource) == wanted


def test_the_shops_table_may_be_written_and_not_read() -> None:
    """An order of the shop changes with its webhooks, with its invoice, and when its time is over."""
    for function in FUNCTIONS:
        assert actions_on(function, "KonverzkyOrdersTable") == DOCUMENTED_WRITES


def test_customers_are_never_written() -> None:
    assert writers("CustomersTable") == []


def test_addresses_are_written_by_web_only() -> None:
    assert writers("AddressesTable") == ["WebFunction"]


@each_function
def test_no_function_asks_an_index(function: str) -> None:
    asked = [
        each for statement in WHOLE.rights(function) for each in statement.resources if "/index/" in each
    ]
    assert set(asked) <= ({"<CommerceTable.Arn>/index/*"} if function == "ReconcileFunction" else set())


@each_function
def test_no_function_may_make_change_or_drop_a_table(function: str) -> None:
    actions = {action for statement in WHOLE.rights(function) for action in statement.actions}
    dynamo = {each for each in actions if each.startswith("dynamodb:")}
    assert dynamo <= WRITES | {
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:Query",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DescribeTable",
    }
