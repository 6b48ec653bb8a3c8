output "url" {
  description = "Where the service answers. Webhooks go to /webhooks/{source} below it."
  value       = local.url
}

output "domain_target" {
  description = "What the domain's CNAME (or alias) must point to."
  value       = local.has_domain ? aws_apigatewayv2_domain_name.custom_domain[0].domain_name_configuration[0].target_domain_name : null
}

output "admin_token_secret" {
  description = "The secret with the token that opens the console."
  value       = "${local.name}-admin-token"
}

output "table" {
  description = "The table that holds everything."
  value       = aws_dynamodb_table.onpaid_table.name
}

output "work_queue_url" {
  description = "The queue that rings."
  value       = aws_sqs_queue.work_queue.url
}

output "dead_letter_queue_url" {
  description = "Where rings end that failed again and again."
  value       = aws_sqs_queue.work_dead_letter_queue.url
}

output "alerts_topic_arn" {
  description = "Where alarms and critical tickets are published."
  value       = aws_sns_topic.alerts_topic.arn
}

output "billing_events_topic_arn" {
  description = "Where billing events are published for other services."
  value       = aws_sns_topic.billing_events_topic.arn
}
