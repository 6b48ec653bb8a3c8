# What a person looks at first.

locals {
  functions = [
    aws_lambda_function.web_function.function_name,
    aws_lambda_function.work_function.function_name,
    aws_lambda_function.tick_function.function_name,
    aws_lambda_function.reconcile_function.function_name,
  ]

  widgets = [
    {
      title   = "Events and steps"
      stat    = "Sum"
      at      = [0, 0, 12]
      metrics = [for metric in ["EventsRecorded", "StepsFailed"] : ["Onpaid", metric, "Project", var.project_name, "Environment", var.environment]]
    },
    {
      title   = "What needs a person"
      stat    = "Maximum"
      at      = [12, 0, 12]
      metrics = [for metric in ["RunsDoubtful", "RunsFailed", "CriticalTickets", "LanesPaused", "RunsDueOverdue"] : ["Onpaid", metric, "Project", var.project_name, "Environment", var.environment]]
    },
    {
      title   = "Requests"
      stat    = "Sum"
      at      = [0, 6, 12]
      metrics = [for metric in ["Count", "4xx", "5xx"] : ["AWS/ApiGateway", metric, "ApiId", aws_apigatewayv2_api.http_api.id]]
    },
    {
      title = "Answering, milliseconds (p95)"
      stat  = "p95"
      at    = [12, 6, 12]
      metrics = concat(
        [["AWS/ApiGateway", "Latency", "ApiId", aws_apigatewayv2_api.http_api.id]],
        [for name in local.functions : ["AWS/Lambda", "Duration", "FunctionName", name]],
      )
    },
    {
      title = "Functions"
      stat  = "Sum"
      at    = [0, 12, 12]
      metrics = concat([
        for name in local.functions : [
          for metric in ["Invocations", "Errors", "Throttles"] : ["AWS/Lambda", metric, "FunctionName", name]
        ]
      ]...)
    },
    {
      title = "Queue"
      stat  = "Maximum"
      at    = [12, 12, 12]
      metrics = [
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.work_queue.name],
        ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", aws_sqs_queue.work_queue.name],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", aws_sqs_queue.work_dead_letter_queue.name],
      ]
    },
    {
      title   = "Table"
      stat    = "Sum"
      at      = [0, 18, 24]
      metrics = [for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents"] : ["AWS/DynamoDB", metric, "TableName", aws_dynamodb_table.onpaid_table.name]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "dashboard" {
  dashboard_name = "${local.name}-dashboard"

  dashboard_body = jsonencode({
    widgets = [
      for widget in local.widgets : {
        type   = "metric"
        x      = widget.at[0]
        y      = widget.at[1]
        width  = widget.at[2]
        height = 6
        properties = {
          title   = widget.title
          region  = local.region
          stat    = widget.stat
          period  = 300
          view    = "timeSeries"
          metrics = widget.metrics
        }
      }
    ]
  })
}
