# The queue that rings, and the topics. What must never be lost lies in the table.

resource "aws_sqs_queue" "work_queue" {
  name = "${local.name}-work"
  # Six times the function's limit, as AWS advises: a batch that is still worked on is not handed out again.
  visibility_timeout_seconds = 720
  delay_seconds              = 0
  message_retention_seconds  = 345600
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.work_dead_letter_queue.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "work_dead_letter_queue" {
  name                      = "${local.name}-work-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = ["arn:${local.partition}:sqs:${local.region}:${local.account}:${local.name}-work"]
  })
}

# Not under AWS's own key: alarms may not use that one, and would be lost in silence.
resource "aws_sns_topic" "alerts_topic" {
  name = "${local.name}-alerts"
}

resource "aws_sns_topic_policy" "alerts_topic_policy" {
  arn = aws_sns_topic.alerts_topic.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alerts_topic.arn
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_sns_topic_subscription" "alerts_by_mail" {
  count     = var.alert_email != "" ? 1 : 0
  topic_arn = aws_sns_topic.alerts_topic.arn
  protocol  = "email"
  endpoint  = var.alert_email
}

resource "aws_sns_topic" "billing_events_topic" {
  name              = "${local.name}-billing-events"
  kms_master_key_id = "alias/aws/sns"
}
