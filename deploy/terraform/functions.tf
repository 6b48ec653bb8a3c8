# Four functions of one package, what they are told, and who calls them. Secrets are told by their names.

locals {
  runs_invoicing = var.invoicing != "none"
  runs_checkout  = var.checkout != "none"
  runs_sales     = var.sales != "none"
  runs_stripe    = local.runs_invoicing || local.runs_sales
  runs_parcels   = var.parcels != "none"
  runs_messages  = var.messages != "none"
  runs_meta      = var.messages == "meta"
  runs_issues    = var.issues != "none"
  # These prove who they are by a part of the path.
  runs_by_path = contains(["msg91", "wati"], var.messages)

  # Where nothing is listed by anybody, there is nothing to compare.
  runs_reconciliation = local.runs_stripe || local.runs_checkout

  secret = "secretsmanager:${local.name}"

  chosen = {
    ONPAID_DATABASE          = "dynamodb://${aws_dynamodb_table.onpaid_table.name}"
    ONPAID_WORK_QUEUE_URL    = aws_sqs_queue.work_queue.url
    ONPAID_PUBLIC_URL        = local.url
    ONPAID_PROJECT           = var.project_name
    ONPAID_ENVIRONMENT       = var.environment
    ONPAID_SETTINGS          = var.settings_parameter != "" ? "ssm:/${var.project_name}/${var.environment}/${var.settings_parameter}" : null
    ALERT_TOPIC_ARN          = aws_sns_topic.alerts_topic.arn
    ONPAID_LINK_SECRET       = "${local.secret}-link-secret"
    STRIPE_API_KEY           = local.runs_stripe ? "${local.secret}-stripe-secret-key" : null
    STRIPE_WEBHOOK_SECRET    = local.runs_stripe ? "${local.secret}-stripe-webhook-secret" : null
    KONVERZKY_WEBHOOK_SECRET = local.runs_invoicing ? "${local.secret}-konverzky-webhook-secret" : null
    FIKEN_API_TOKEN          = local.runs_invoicing ? "${local.secret}-fiken-api-token" : null
    JWT_ACCESS_TOKEN_SECRET  = local.runs_sales ? "${local.secret}-jwt-access-token-secret" : null
    BILLING_EVENTS           = local.runs_sales ? "true" : null
    BILLING_EVENTS_TOPIC_ARN = local.runs_sales ? aws_sns_topic.billing_events_topic.arn : null
    RAZORPAY_SECRET_NAME     = local.runs_checkout ? "${local.secret}-razorpay" : null
    SHIPROCKET_SECRET_NAME   = local.runs_parcels ? "${local.secret}-shiprocket" : null
    SHIPROCKET_WEBHOOK_TOKEN = local.runs_parcels ? "${local.secret}-shiprocket-webhook-token" : null
    WHATSAPP_API_KEY         = local.runs_messages ? "${local.secret}-whatsapp-api-key" : null
    WHATSAPP_APP_SECRET      = local.runs_meta ? "${local.secret}-whatsapp-app-secret" : null
    WHATSAPP_VERIFY_TOKEN    = local.runs_meta ? "${local.secret}-whatsapp-verify-token" : null
    WHATSAPP_WEBHOOK_TOKEN   = local.runs_by_path ? "${local.secret}-whatsapp-webhook-token" : null
    JIRA_API_TOKEN           = local.runs_issues ? "${local.secret}-jira-api-token" : null
    USE_AWS_SECRETS          = local.runs_parcels ? "true" : null
    WHATSAPP_PROVIDER        = var.messages
  }

  told = merge(
    { for setting, value in local.chosen : setting => value if value != null },
    { for key, table in local.documented : table.setting => aws_dynamodb_table.documented[key].name },
  )
}

resource "aws_lambda_function" "web_function" {
  function_name    = "${local.name}-web"
  description      = "Webhooks, API, console and customers' pages."
  handler          = "onpaid.aws_lambda.web"
  runtime          = "python3.12"
  architectures    = ["arm64"]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = 512
  timeout          = 25
  role             = aws_iam_role.web_role.arn

  environment {
    variables = merge(local.told, {
      ONPAID_ADMIN_TOKEN    = "${local.secret}-admin-token"
      ONPAID_VIEWER_TOKEN   = "${local.secret}-viewer-token"
      ONPAID_SESSION_SECRET = "${local.secret}-session-secret"
    })
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.web_logs.name
  }

  depends_on = [aws_iam_role_policy.web_role]
}

resource "aws_lambda_function" "work_function" {
  function_name    = "${local.name}-work"
  description      = "Advances the runs that the queue names."
  handler          = "onpaid.aws_lambda.work"
  runtime          = "python3.12"
  architectures    = ["arm64"]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = 512
  timeout          = 120
  role             = aws_iam_role.work_role.arn

  environment {
    variables = local.told
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.work_logs.name
  }

  depends_on = [aws_iam_role_policy.work_role]
}

# A run may ring for the next one. Each ring is another run, or a step further: what looks like a loop ends.
resource "aws_lambda_function_recursion_config" "work_function" {
  function_name  = aws_lambda_function.work_function.function_name
  recursive_loop = "Allow"
}

resource "aws_lambda_function" "tick_function" {
  function_name    = "${local.name}-tick"
  description      = "Finds what is due and rings for it; runs what is scheduled."
  handler          = "onpaid.aws_lambda.tick"
  runtime          = "python3.12"
  architectures    = ["arm64"]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  memory_size      = 512
  timeout          = 55
  role             = aws_iam_role.tick_role.arn
  # -1 reserves none.
  reserved_concurrent_executions = var.reserve_tick ? 1 : -1

  environment {
    variables = local.told
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.tick_logs.name
  }

  depends_on = [aws_iam_role_policy.tick_role]
}

# Looks through what providers list for what their webhooks missed. What it cannot end it leaves to the next night.
resource "aws_lambda_function" "reconcile_function" {
  function_name    = "${local.name}-reconcile"
  description      = "Compares what providers list with what is here; brings in what was missed."
  handler          = "lambda_function.lambda_handler"
  runtime          = "python3.12"
  architectures    = ["arm64"]
  filename         = var.package
  source_code_hash = filebase64sha256(var.package)
  # It mostly waits for answers, and nobody waits for it.
  memory_size = 256
  timeout     = 300
  role        = aws_iam_role.reconcile_role.arn

  environment {
    variables = local.told
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.reconcile_logs.name
  }

  depends_on = [aws_iam_role_policy.reconcile_role]
}

resource "aws_lambda_event_source_mapping" "work_mapping" {
  event_source_arn = aws_sqs_queue.work_queue.arn
  function_name    = aws_lambda_function.work_function.function_name
  # More than ten at once would need a window to gather them in, which is a delay.
  batch_size              = 10
  function_response_types = ["ReportBatchItemFailures"]

  scaling_config {
    maximum_concurrency = var.work_concurrency
  }
}

# A schedule is a rule whose input names it. The permission below covers every rule of this installation, so that
# another schedule of the tick is one more rule and a name that it knows.
resource "aws_cloudwatch_event_rule" "tick_rule" {
  name                = "${local.name}-tick"
  description         = "The clock of every wait and every repeat."
  schedule_expression = "rate(1 minute)"
  state               = "ENABLED"
}

resource "aws_cloudwatch_event_target" "tick_rule" {
  rule      = aws_cloudwatch_event_rule.tick_rule.name
  target_id = "tick"
  arn       = aws_lambda_function.tick_function.arn
  input     = jsonencode({ schedule = "tick" })
}

resource "aws_lambda_permission" "tick_permission" {
  function_name = aws_lambda_function.tick_function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.name}-*"
}

# A tick that failed is not repeated: the next one is there within the minute and finds the same things due.
resource "aws_lambda_function_event_invoke_config" "tick_invocations" {
  function_name                = aws_lambda_function.tick_function.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 0
  maximum_event_age_in_seconds = 60
}

# Enabled where there is something to compare. Another hour: change the expression, which is in UTC.
resource "aws_cloudwatch_event_rule" "reconcile_rule" {
  name                = "${local.name}-nightly-reconciliation"
  description         = "Looks each night for what webhooks missed."
  schedule_expression = "cron(0 2 * * ? *)"
  state               = local.runs_reconciliation ? "ENABLED" : "DISABLED"
}

resource "aws_cloudwatch_event_target" "reconcile_rule" {
  rule      = aws_cloudwatch_event_rule.reconcile_rule.name
  target_id = "reconcile"
  arn       = aws_lambda_function.reconcile_function.arn
  input     = jsonencode({ schedule = "nightly-reconciliation" })
}

resource "aws_lambda_permission" "reconcile_permission" {
  function_name = aws_lambda_function.reconcile_function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.name}-nightly-reconciliation"
}

# A night that failed is tried twice more. A lease in the table keeps two from working at once.
resource "aws_lambda_function_event_invoke_config" "reconcile_invocations" {
  function_name                = aws_lambda_function.reconcile_function.function_name
  qualifier                    = "$LATEST"
  maximum_retry_attempts       = 2
  maximum_event_age_in_seconds = 21600
}

resource "aws_cloudwatch_log_group" "web_logs" {
  name              = "/aws/lambda/${local.name}-web"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "work_logs" {
  name              = "/aws/lambda/${local.name}-work"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "tick_logs" {
  name              = "/aws/lambda/${local.name}-tick"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "reconcile_logs" {
  name              = "/aws/lambda/${local.name}-reconcile"
  retention_in_days = var.log_retention_days
}

resource "aws_cloudwatch_log_group" "api_logs" {
  name              = "/aws/vendedlogs/${local.name}-api"
  retention_in_days = var.log_retention_days
}
