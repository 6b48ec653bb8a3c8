# Alarms are about facts, not about averages. Most look back in periods of five minutes. Each tells when it is over, too.

locals {
  of_installation = { Project = var.project_name, Environment = var.environment }

  sources = {
    web          = { namespace = "AWS/Lambda", dimensions = { FunctionName = aws_lambda_function.web_function.function_name } }
    work         = { namespace = "AWS/Lambda", dimensions = { FunctionName = aws_lambda_function.work_function.function_name } }
    tick         = { namespace = "AWS/Lambda", dimensions = { FunctionName = aws_lambda_function.tick_function.function_name } }
    reconcile    = { namespace = "AWS/Lambda", dimensions = { FunctionName = aws_lambda_function.reconcile_function.function_name } }
    api          = { namespace = "AWS/ApiGateway", dimensions = { ApiId = aws_apigatewayv2_api.http_api.id } }
    queue        = { namespace = "AWS/SQS", dimensions = { QueueName = aws_sqs_queue.work_queue.name } }
    dead_letters = { namespace = "AWS/SQS", dimensions = { QueueName = aws_sqs_queue.work_dead_letter_queue.name } }
    table        = { namespace = "AWS/DynamoDB", dimensions = { TableName = aws_dynamodb_table.onpaid_table.name } }
    installation = { namespace = "Onpaid", dimensions = local.of_installation }
  }

  # More than none, unless it says otherwise; and what is not measured is well.
  alarms = {
    web_errors = {
      description = "Web ended in errors. Nothing is lost; look into its log."
      source      = "web"
      metric      = "Errors"
      statistic   = "Sum"
      periods     = 1
    }
    web_throttles = {
      description = "Web was refused an execution. Raise the account's concurrency or WorkConcurrency."
      source      = "web"
      metric      = "Throttles"
      statistic   = "Sum"
      periods     = 2
    }
    work_errors = {
      description = "Work ended in errors. Nothing is lost; look into its log."
      source      = "work"
      metric      = "Errors"
      statistic   = "Sum"
      periods     = 1
    }
    work_throttles = {
      description = "Work was refused an execution. Raise the account's concurrency or WorkConcurrency."
      source      = "work"
      metric      = "Throttles"
      statistic   = "Sum"
      periods     = 2
    }
    tick_errors = {
      description = "Tick ended in errors. Nothing is lost; look into its log."
      source      = "tick"
      metric      = "Errors"
      statistic   = "Sum"
      periods     = 1
    }
    tick_throttles = {
      description = "Tick was refused an execution. Raise the account's concurrency or WorkConcurrency."
      source      = "tick"
      metric      = "Throttles"
      statistic   = "Sum"
      periods     = 3
    }
    tick_missing = {
      description = "The clock stands still. Nothing that waits goes on."
      source      = "tick"
      metric      = "Invocations"
      statistic   = "Sum"
      periods     = 1
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
    }
    reconcile_errors = {
      description = "The nightly reconciliation ended in errors within a day. The next one does what was left; look into its log."
      source      = "reconcile"
      metric      = "Errors"
      statistic   = "Sum"
      period      = 86400
      periods     = 1
      threshold   = 1
      comparison  = "GreaterThanOrEqualToThreshold"
    }
    reconcile_throttles = {
      description = "Reconcile was refused an execution. Raise the account's concurrency or WorkConcurrency."
      source      = "reconcile"
      metric      = "Throttles"
      statistic   = "Sum"
      periods     = 2
    }
    # It stops by itself thirty seconds before its end.
    reconcile_slow = {
      description = "The nightly reconciliation was about to be killed. A provider or the table answers very slowly."
      source      = "reconcile"
      metric      = "Duration"
      statistic   = "Maximum"
      periods     = 1
      threshold   = 290000
      comparison  = "GreaterThanOrEqualToThreshold"
    }
    reconcile_missing = {
      made        = local.runs_reconciliation
      description = "No reconciliation ran for two days. What webhooks missed stays unseen."
      source      = "reconcile"
      metric      = "Invocations"
      statistic   = "Sum"
      period      = 86400
      periods     = 2
      threshold   = 1
      comparison  = "LessThanThreshold"
      missing     = "breaching"
    }
    api_errors = {
      description = "The service answered 5xx. Providers will send again."
      source      = "api"
      metric      = "5xx"
      statistic   = "Sum"
      periods     = 1
    }
    dead_letters = {
      description = "Rings for runs failed again and again. The runs are still in the table; the log says why."
      source      = "dead_letters"
      metric      = "ApproximateNumberOfMessagesVisible"
      statistic   = "Maximum"
      periods     = 1
    }
    oldest_message = {
      description = "A ring has waited for fifteen minutes. Work does not keep up."
      source      = "queue"
      metric      = "ApproximateAgeOfOldestMessage"
      statistic   = "Maximum"
      periods     = 1
      threshold   = 900
      comparison  = "GreaterThanOrEqualToThreshold"
    }
    # Doubts settle themselves after their quiet period: only one that stays is told.
    runs_doubtful = {
      description = "Runs are in doubt for longer than it takes to look. Settle them in the console."
      source      = "installation"
      metric      = "RunsDoubtful"
      statistic   = "Minimum"
      periods     = 4
    }
    runs_failed = {
      description = "Runs have failed and wait for a person."
      source      = "installation"
      metric      = "RunsFailed"
      statistic   = "Maximum"
      periods     = 1
    }
    runs_overdue = {
      description = "Runs are due and nobody takes them."
      source      = "installation"
      metric      = "RunsDueOverdue"
      statistic   = "Minimum"
      periods     = 2
    }
    critical_tickets = {
      description = "Critical tickets are open."
      source      = "installation"
      metric      = "CriticalTickets"
      statistic   = "Maximum"
      periods     = 1
    }
    lanes_stalled = {
      description = "A lane has been paused for fifteen minutes. What needs its provider waits."
      source      = "installation"
      metric      = "LanesPaused"
      statistic   = "Minimum"
      periods     = 3
    }
    steps_failed = {
      description = "Steps fail in numbers. A provider is refusing or out of reach."
      source      = "installation"
      metric      = "StepsFailed"
      statistic   = "Sum"
      periods     = 1
      threshold   = 25
    }
    table_read_throttles = {
      description = "DynamoDB refused reads of our table for a while."
      source      = "table"
      metric      = "ReadThrottleEvents"
      statistic   = "Sum"
      periods     = 2
    }
    table_write_throttles = {
      description = "DynamoDB refused writes of our table for a while."
      source      = "table"
      metric      = "WriteThrottleEvents"
      statistic   = "Sum"
      periods     = 2
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each            = { for key, alarm in local.alarms : key => alarm if lookup(alarm, "made", true) }
  alarm_name          = "${local.name}-${replace(each.key, "_", "-")}"
  alarm_description   = each.value.description
  namespace           = local.sources[each.value.source].namespace
  dimensions          = local.sources[each.value.source].dimensions
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  period              = lookup(each.value, "period", 300)
  evaluation_periods  = each.value.periods
  threshold           = lookup(each.value, "threshold", 0)
  comparison_operator = lookup(each.value, "comparison", "GreaterThanThreshold")
  treat_missing_data  = lookup(each.value, "missing", "notBreaching")
  alarm_actions       = [aws_sns_topic.alerts_topic.arn]
  ok_actions          = [aws_sns_topic.alerts_topic.arn]
}

# A documented table that is throttled holds up the record that is written with it.
resource "aws_cloudwatch_metric_alarm" "documented" {
  for_each            = { for key, table in local.documented : replace(key, "_table", "_throttles") => table if length(table.writers) > 0 }
  alarm_name          = "${local.name}-${each.value.name}-throttles"
  alarm_description   = "DynamoDB refused writes of this documented table for a while."
  namespace           = "AWS/DynamoDB"
  dimensions          = { TableName = aws_dynamodb_table.documented[replace(each.key, "_throttles", "_table")].name }
  metric_name         = "WriteThrottleEvents"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  threshold           = 0
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts_topic.arn]
  ok_actions          = [aws_sns_topic.alerts_topic.arn]
}
