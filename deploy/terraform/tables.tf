# Tables outlive the rest. A template retains them; here destroying them is refused until they have been handed over by
# `terraform state rm`, each by its address. DynamoDB encrypts at rest by itself, under a key of its own.

# Everything that onpaid knows.
resource "aws_dynamodb_table" "onpaid_table" {
  name                        = "${local.name}-onpaid"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "PK"
  range_key                   = "SK"
  deletion_protection_enabled = true

  attribute {
    name = "PK"
    type = "S"
  }

  attribute {
    name = "SK"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}

# The documented ones: contracts with other services, with the keys and indexes that those know. `setting` tells the
# functions the table's name, `writers` are those that may write it, and `ends` says whether its items do.
locals {
  documented_tables = {
    konverzky_orders_table = {
      name    = "konverzky-orders"
      setting = "DDB_TABLE"
      keys    = ["orderId"]
      indexes = {}
      ends    = false
      writers = ["web", "work", "tick", "reconcile"]
    }
    orders_table = {
      name    = "orders"
      setting = "ORDERS_TABLE_NAME"
      keys    = ["orderId", "createdAt"]
      indexes = {}
      ends    = false
      writers = ["web", "work", "tick", "reconcile"]
    }
    payments_table = {
      name    = "payments"
      setting = "PAYMENTS_TABLE_NAME"
      keys    = ["paymentId", "orderId"]
      indexes = {}
      ends    = false
      writers = ["web", "work", "tick", "reconcile"]
    }
    products_table = {
      name    = "products"
      setting = "PRODUCTS_TABLE_NAME"
      keys    = ["productId"]
      indexes = {}
      ends    = false
      writers = ["web", "work"]
    }
    sellers_table = {
      name    = "sellers"
      setting = "SELLERS_TABLE_NAME"
      keys    = ["sellerId"]
      indexes = {}
      ends    = false
      writers = ["work"]
    }
    customers_table = {
      name    = "customers"
      setting = "CUSTOMERS_TABLE_NAME"
      keys    = ["customerId"]
      indexes = {}
      ends    = false
      writers = []
    }
    addresses_table = {
      name    = "addresses"
      setting = "ADDRESSES_TABLE_NAME"
      keys    = ["addressId", "ownerId"]
      indexes = {}
      ends    = false
      writers = ["web"]
    }
    shipments_table = {
      name    = "shipments"
      setting = "SHIPMENTS_TABLE_NAME"
      keys    = ["shipmentId", "orderId"]
      indexes = { OrderIdIndex = "orderId" }
      ends    = false
      writers = ["web", "work", "tick"]
    }
    stripe_customers_table = {
      name    = "stripe-customers"
      setting = "STRIPE_CUSTOMERS_TABLE"
      keys    = ["userId"]
      indexes = { "stripeCustomerId-index" = "stripeCustomerId" }
      ends    = false
      writers = ["web", "work"]
    }
    webhook_idempotency_table = {
      name    = "stripe-webhook-idempotency"
      setting = "WEBHOOK_IDEMPOTENCY_TABLE"
      keys    = ["eventId"]
      indexes = {}
      ends    = true
      writers = ["web", "tick", "reconcile"]
    }
    commerce_table = {
      name    = "commerce"
      setting = "COMMERCE_TABLE"
      keys    = ["PK", "SK"]
      indexes = {}
      ends    = true
      writers = ["web", "work", "tick", "reconcile"]
    }
  }

  documented = { for key, table in local.documented_tables : key => table if var.documented_tables }
}

resource "aws_dynamodb_table" "documented" {
  for_each     = local.documented
  name         = "${local.name}-${each.value.name}"
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = each.value.keys[0]
  range_key    = length(each.value.keys) > 1 ? each.value.keys[1] : null

  dynamic "attribute" {
    for_each = toset(concat(each.value.keys, [for index, key in each.value.indexes : key]))
    content {
      name = attribute.value
      type = "S"
    }
  }

  dynamic "global_secondary_index" {
    for_each = each.value.indexes
    content {
      name            = global_secondary_index.key
      hash_key        = global_secondary_index.value
      projection_type = "ALL"
    }
  }

  dynamic "ttl" {
    for_each = each.value.ends ? ["ttl"] : []
    content {
      attribute_name = ttl.value
      enabled        = true
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
