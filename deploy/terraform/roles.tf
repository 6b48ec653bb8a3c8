# One role a function, and each right because of a call: tests/deploy/rights.py names the call.

locals {
  # Every function composes every story, and so reads the secrets of all of them.
  shared_secrets = [
    "link-secret",
    "stripe-secret-key",
    "stripe-webhook-secret",
    "jwt-access-token-secret",
    "konverzky-webhook-secret",
    "fiken-api-token",
    "razorpay",
    "shiprocket",
    "shiprocket-webhook-token",
    "whatsapp-api-key",
    "whatsapp-app-secret",
    "whatsapp-verify-token",
    "whatsapp-webhook-token",
    "jira-api-token",
    "alert-webhook-url",
    "smtp-password",
  ]
  # Only the function with the console needs these.
  console_secrets = ["admin-token", "viewer-token", "session-secret"]

  # The six characters behind a secret's name are AWS's own.
  secret_arn = "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${local.name}"

  called_by_lambda = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })

  own_table = {
    Sid    = "OwnTable"
    Effect = "Allow"
    Action = [
      "dynamodb:GetItem",
      "dynamodb:BatchGetItem",
      "dynamodb:Query",
      "dynamodb:PutItem",
      "dynamodb:DeleteItem",
      "dynamodb:ConditionCheckItem",
      "dynamodb:BatchWriteItem",
    ]
    Resource = [aws_dynamodb_table.onpaid_table.arn]
  }

  write_documented = {
    for writer in ["web", "work", "tick", "reconcile"] : writer => {
      Sid      = "DocumentedTables"
      Effect   = "Allow"
      Action   = ["dynamodb:UpdateItem", "dynamodb:DeleteItem"]
      Resource = [for key, table in local.documented : aws_dynamodb_table.documented[key].arn if contains(table.writers, writer)]
    }
  }

  ring = {
    Sid      = "Ring"
    Effect   = "Allow"
    Action   = ["sqs:SendMessage"]
    Resource = [aws_sqs_queue.work_queue.arn]
  }

  see_how_deep_the_queue_is = {
    Sid      = "SeeHowDeepTheQueueIs"
    Effect   = "Allow"
    Action   = ["sqs:GetQueueAttributes"]
    Resource = [aws_sqs_queue.work_queue.arn]
  }

  shared_secrets_only = {
    Sid      = "OwnSecrets"
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue"]
    Resource = [for kind in local.shared_secrets : "${local.secret_arn}-${kind}-??????"]
  }

  own_settings = {
    Sid      = "OwnSettings"
    Effect   = "Allow"
    Action   = ["ssm:GetParameter"]
    Resource = ["arn:${local.partition}:ssm:${local.region}:${local.account}:parameter/${var.project_name}/${var.environment}/*"]
  }

  log = {
    Sid    = "Log"
    Effect = "Allow"
    Action = ["logs:CreateLogStream", "logs:PutLogEvents"]
  }

  # X-Ray knows no resource.
  trace = {
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = ["*"]
  }
}

resource "aws_iam_role" "web_role" {
  name               = "${local.name}-web-${local.region}"
  assume_role_policy = local.called_by_lambda
}

resource "aws_iam_role_policy" "web_role" {
  name = "web"
  role = aws_iam_role.web_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([local.own_table], var.documented_tables ? [local.write_documented["web"]] : [], [
      local.ring,
      local.see_how_deep_the_queue_is,
      {
        Sid      = "SeeTheTopic"
        Effect   = "Allow"
        Action   = ["sns:GetTopicAttributes"]
        Resource = [aws_sns_topic.alerts_topic.arn]
      },
      ], local.runs_sales ? [{
        Sid      = "SeeTheTopicOfBillingEvents"
        Effect   = "Allow"
        Action   = ["sns:GetTopicAttributes"]
        Resource = [aws_sns_topic.billing_events_topic.arn]
      }] : [], [
      {
        Sid      = "OwnSecrets"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [for kind in concat(local.console_secrets, local.shared_secrets) : "${local.secret_arn}-${kind}-??????"]
      },
      local.own_settings,
      merge(local.log, { Resource = ["${aws_cloudwatch_log_group.web_logs.arn}:*"] }),
      local.trace,
    ])
  })
}

resource "aws_iam_role" "work_role" {
  name               = "${local.name}-work-${local.region}"
  assume_role_policy = local.called_by_lambda
}

resource "aws_iam_role_policy" "work_role" {
  name = "work"
  role = aws_iam_role.work_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([local.own_table], var.documented_tables ? [local.write_documented["work"]] : [], [
      {
        Sid      = "TakeFromTheQueue"
        Effect   = "Allow"
        Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.work_queue.arn]
      },
      local.ring,
      {
        Sid      = "Alert"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [aws_sns_topic.alerts_topic.arn]
      },
      ], local.runs_sales ? [{
        Sid      = "TellBillingEvents"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [aws_sns_topic.billing_events_topic.arn]
      }] : [], [
      local.shared_secrets_only,
      local.own_settings,
      merge(local.log, { Resource = ["${aws_cloudwatch_log_group.work_logs.arn}:*"] }),
      local.trace,
    ])
  })
}

resource "aws_iam_role" "tick_role" {
  name               = "${local.name}-tick-${local.region}"
  assume_role_policy = local.called_by_lambda
}

resource "aws_iam_role_policy" "tick_role" {
  name = "tick"
  role = aws_iam_role.tick_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([local.own_table], var.documented_tables ? [local.write_documented["tick"]] : [], [
      local.ring,
      local.see_how_deep_the_queue_is,
      local.shared_secrets_only,
      local.own_settings,
      merge(local.log, { Resource = ["${aws_cloudwatch_log_group.tick_logs.arn}:*"] }),
      local.trace,
    ])
  })
}

resource "aws_iam_role" "reconcile_role" {
  name               = "${local.name}-reconcile-${local.region}"
  assume_role_policy = local.called_by_lambda
}

resource "aws_iam_role_policy" "reconcile_role" {
  name = "reconcile"
  role = aws_iam_role.reconcile_role.id

  policy = jsonencode({
    Version = "2012-10-17"
    # What its agreement names. Our records are written by an update, which leaves alone what others added.
    Statement = concat([local.own_table], var.documented_tables ? [{
      Sid    = "AsAgreed"
      Effect = "Allow"
      Action = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"]
      Resource = [
        aws_dynamodb_table.documented["commerce_table"].arn,
        "${aws_dynamodb_table.documented["commerce_table"].arn}/index/*",
      ]
      }] : [], var.documented_tables ? [local.write_documented["reconcile"]] : [], [
      local.ring,
      local.shared_secrets_only,
      local.own_settings,
      merge(local.log, { Resource = ["${aws_cloudwatch_log_group.reconcile_logs.arn}:*"] }),
      local.trace,
    ])
  })
}
