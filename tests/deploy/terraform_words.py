"""What Terraform's words are called in CloudFormation, for every kind of resource that the module has.

What is not in here is told nobody: an attribute without a word, or a resource of another kind, is a difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Words = Mapping[str, "str | tuple[str, Words]"]
"""The property of each attribute. A block that is told once is a property with words of its own."""


class Kind(NamedTuple):
    """A kind of resource, and what its attributes are called."""

    type: str
    words: Words


KINDS: dict[str, Kind] = {
    "aws_apigatewayv2_api": Kind("AWS::ApiGatewayV2::Api", {"name": "Name", "protocol_type": "ProtocolType"}),
    "aws_apigatewayv2_integration": Kind(
        "AWS::ApiGatewayV2::Integration",
        {
            "api_id": "ApiId",
            "integration_type": "IntegrationType",
            "integration_uri": "IntegrationUri",
            "payload_format_version": "PayloadFormatVersion",
            "timeout_milliseconds": "TimeoutInMillis",
        },
    ),
    "aws_apigatewayv2_route": Kind(
        "AWS::ApiGatewayV2::Route", {"api_id": "ApiId", "route_key": "RouteKey", "target": "Target"}
    ),
    "aws_apigatewayv2_stage": Kind(
        "AWS::ApiGatewayV2::Stage",
        {
            "api_id": "ApiId",
            "name": "StageName",
            "auto_deploy": "AutoDeploy",
            "default_route_settings": (
                "DefaultRouteSettings",
                {
                    "throttling_burst_limit": "ThrottlingBurstLimit",
                    "throttling_rate_limit": "ThrottlingRateLimit",
                },
            ),
            "route_settings": (
                "RouteSettings",
                {
                    "route_key": "RouteKey",
                    "throttling_burst_limit": "ThrottlingBurstLimit",
                    "throttling_rate_limit": "ThrottlingRateLimit",
                },
            ),
            "access_log_settings": (
                "AccessLogSettings",
                {"destination_arn": "DestinationArn", "format": "Format"},
            ),
        },
    ),
    "aws_apigatewayv2_domain_name": Kind(
        "AWS::ApiGatewayV2::DomainName",
        {
            "domain_name": "DomainName",
            "domain_name_configuration": (
                "DomainNameConfigurations",
                {
                    "certificate_arn": "CertificateArn",
                    "endpoint_type": "EndpointType",
                    "security_policy": "SecurityPolicy",
                },
            ),
        },
    ),
    "aws_apigatewayv2_api_mapping": Kind(
        "AWS::ApiGatewayV2::ApiMapping", {"api_id": "ApiId", "domain_name": "DomainName", "stage": "Stage"}
    ),
    "aws_cloudwatch_dashboard": Kind(
        "AWS::CloudWatch::Dashboard", {"dashboard_name": "DashboardName", "dashboard_body": "DashboardBody"}
    ),
    "aws_cloudwatch_event_rule": Kind(
        "AWS::Events::Rule",
        {
            "name": "Name",
            "description": "Description",
            "schedule_expression": "ScheduleExpression",
            "state": "State",
        },
    ),
    "aws_cloudwatch_log_group": Kind(
        "AWS::Logs::LogGroup", {"name": "LogGroupName", "retention_in_days": "RetentionInDays"}
    ),
    "aws_cloudwatch_metric_alarm": Kind(
        "AWS::CloudWatch::Alarm",
        {
            "alarm_name": "AlarmName",
            "alarm_description": "AlarmDescription",
            "namespace": "Namespace",
            "metric_name": "MetricName",
            "dimensions": "Dimensions",
            "statistic": "Statistic",
            "period": "Period",
            "evaluation_periods": "EvaluationPeriods",
            "threshold": "Threshold",
            "comparison_operator": "ComparisonOperator",
            "treat_missing_data": "TreatMissingData",
            "alarm_actions": "AlarmActions",
            "ok_actions": "OKActions",
        },
    ),
    "aws_dynamodb_table": Kind(
        "AWS::DynamoDB::Table",
        {
            "name": "TableName",
            "billing_mode": "BillingMode",
            "deletion_protection_enabled": "DeletionProtectionEnabled",
            "ttl": ("TimeToLiveSpecification", {"attribute_name": "AttributeName", "enabled": "Enabled"}),
            "point_in_time_recovery": (
                "PointInTimeRecoverySpecification",
                {"enabled": "PointInTimeRecoveryEnabled"},
            ),
        },
    ),
    "aws_iam_role": Kind("AWS::IAM::Role", {"assume_role_policy": "AssumeRolePolicyDocument"}),
    "aws_lambda_event_source_mapping": Kind(
        "AWS::Lambda::EventSourceMapping",
        {
            "event_source_arn": "EventSourceArn",
            "function_name": "FunctionName",
            "batch_size": "BatchSize",
            "function_response_types": "FunctionResponseTypes",
            "scaling_config": ("ScalingConfig", {"maximum_concurrency": "MaximumConcurrency"}),
        },
    ),
    "aws_lambda_function": Kind(
        "AWS::Lambda::Function",
        {
            "function_name": "FunctionName",
            "description": "Description",
            "handler": "Handler",
            "runtime": "Runtime",
            "architectures": "Architectures",
            "filename": "Code",
            "memory_size": "MemorySize",
            "timeout": "Timeout",
            "role": "Role",
            "reserved_concurrent_executions": "ReservedConcurrentExecutions",
            "environment": ("Environment", {"variables": "Variables"}),
            "tracing_config": ("TracingConfig", {"mode": "Mode"}),
            "logging_config": ("LoggingConfig", {"log_format": "LogFormat", "log_group": "LogGroup"}),
        },
    ),
    "aws_lambda_function_event_invoke_config": Kind(
        "AWS::Lambda::EventInvokeConfig",
        {
            "function_name": "FunctionName",
            "qualifier": "Qualifier",
            "maximum_retry_attempts": "MaximumRetryAttempts",
            "maximum_event_age_in_seconds": "MaximumEventAgeInSeconds",
        },
    ),
    "aws_lambda_permission": Kind(
        "AWS::Lambda::Permission",
        {
            "function_name": "FunctionName",
            "action": "Action",
            "principal": "Principal",
            "source_arn": "SourceArn",
        },
    ),
    "aws_secretsmanager_secret": Kind(
        "AWS::SecretsManager::Secret", {"name": "Name", "description": "Description"}
    ),
    "aws_sns_topic": Kind("AWS::SNS::Topic", {"name": "TopicName", "kms_master_key_id": "KmsMasterKeyId"}),
    "aws_sns_topic_policy": Kind("AWS::SNS::TopicPolicy", {"arn": "Topics", "policy": "PolicyDocument"}),
    "aws_sns_topic_subscription": Kind(
        "AWS::SNS::Subscription", {"topic_arn": "TopicArn", "protocol": "Protocol", "endpoint": "Endpoint"}
    ),
    "aws_sqs_queue": Kind(
        "AWS::SQS::Queue",
        {
            "name": "QueueName",
            "visibility_timeout_seconds": "VisibilityTimeout",
            "delay_seconds": "DelaySeconds",
            "message_retention_seconds": "MessageRetentionPeriod",
            "sqs_managed_sse_enabled": "SqsManagedSseEnabled",
            "redrive_policy": "RedrivePolicy",
            "redrive_allow_policy": "RedriveAllowPolicy",
        },
    ),
}
ATTRIBUTES: dict[str, dict[str, str]] = {
    "AWS::ApiGatewayV2::Api": {"Ref": "id"},
    "AWS::ApiGatewayV2::DomainName": {
        "Ref": "domain_name",
        "RegionalDomainName": "domain_name_configuration.target_domain_name",
    },
    "AWS::ApiGatewayV2::Integration": {"Ref": "id"},
    "AWS::ApiGatewayV2::Stage": {"Ref": "name"},
    "AWS::DynamoDB::Table": {"Ref": "name", "Arn": "arn"},
    "AWS::IAM::Role": {"Arn": "arn"},
    "AWS::Lambda::Function": {"Ref": "function_name", "Arn": "arn"},
    "AWS::Logs::LogGroup": {"Ref": "name", "Arn": "arn"},
    "AWS::SNS::Topic": {"Ref": "arn"},
    "AWS::SQS::Queue": {"Ref": "url", "Arn": "arn", "QueueName": "name"},
}
"""What a reference to a resource means, by Terraform's name for it. CloudFormation's ARN of a log ends in `:*`."""
