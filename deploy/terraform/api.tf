# The way in. Every path and every method: the routes are the application's, and stand there only.

resource "aws_apigatewayv2_api" "http_api" {
  name          = "${local.name}-api"
  protocol_type = "HTTP"
}

resource "aws_apigatewayv2_integration" "web_integration" {
  api_id                 = aws_apigatewayv2_api.http_api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.web_function.arn
  payload_format_version = "2.0"
  # Longer than the function's own limit, so that its end is told as what it is.
  timeout_milliseconds = 29000
}

resource "aws_apigatewayv2_route" "web_route" {
  api_id    = aws_apigatewayv2_api.http_api.id
  route_key = "$default"
  target    = "integrations/${aws_apigatewayv2_integration.web_integration.id}"
}

# The same function; what these have of their own is an allowance. Pages that are flooded use up theirs and not that
# of webhooks, and opening a checkout, which writes before anybody has paid, has a small one.
locals {
  allowances = {
    webhooks_route     = { route = "POST /webhooks/{proxy+}", burst = 500, rate = 200 }
    razorpay_route     = { route = "POST /payment/webhook", burst = 500, rate = 200 }
    stripe_route       = { route = "POST /stripe/webhook", burst = 500, rate = 200 }
    create_order_route = { route = "POST /payment/create-order", burst = 30, rate = 10 }
    checkout_route     = { route = "POST /api/checkout/orders", burst = 30, rate = 10 }
  }
}

resource "aws_apigatewayv2_route" "with_an_allowance" {
  for_each  = local.allowances
  api_id    = aws_apigatewayv2_api.http_api.id
  route_key = each.value.route
  target    = "integrations/${aws_apigatewayv2_integration.web_integration.id}"
}

resource "aws_apigatewayv2_stage" "web_stage" {
  api_id      = aws_apigatewayv2_api.http_api.id
  name        = "$default"
  auto_deploy = true
  depends_on  = [aws_apigatewayv2_route.with_an_allowance]

  # A provider takes 429 for "later" and sends again; a bill for somebody's flood is not sent back.
  default_route_settings {
    throttling_burst_limit = 500
    throttling_rate_limit  = 200
  }

  dynamic "route_settings" {
    for_each = local.allowances
    content {
      route_key              = route_settings.value.route
      throttling_burst_limit = route_settings.value.burst
      throttling_rate_limit  = route_settings.value.rate
    }
  }

  # Without path and address: paths of customers' links and of some webhooks are secrets.
  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api_logs.arn
    format          = "{\"requestId\":\"$context.requestId\",\"at\":\"$context.requestTime\",\"method\":\"$context.httpMethod\",\"status\":\"$context.status\",\"milliseconds\":\"$context.responseLatency\",\"error\":\"$context.integrationErrorMessage\"}"
  }
}

resource "aws_lambda_permission" "web_permission" {
  function_name = aws_lambda_function.web_function.function_name
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "arn:${local.partition}:execute-api:${local.region}:${local.account}:${aws_apigatewayv2_api.http_api.id}/*/*"
}

locals {
  has_domain = var.domain_name != ""
  url        = local.has_domain ? "https://${var.domain_name}" : "https://${aws_apigatewayv2_api.http_api.id}.execute-api.${local.region}.${data.aws_partition.current.dns_suffix}"
}

resource "aws_apigatewayv2_domain_name" "custom_domain" {
  count       = local.has_domain ? 1 : 0
  domain_name = var.domain_name

  domain_name_configuration {
    certificate_arn = var.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }

  lifecycle {
    precondition {
      condition     = var.certificate_arn != ""
      error_message = "certificate_arn is needed with domain_name."
    }
  }
}

resource "aws_apigatewayv2_api_mapping" "custom_domain_mapping" {
  count       = local.has_domain ? 1 : 0
  api_id      = aws_apigatewayv2_api.http_api.id
  domain_name = aws_apigatewayv2_domain_name.custom_domain[0].domain_name
  stage       = aws_apigatewayv2_stage.web_stage.name
}
