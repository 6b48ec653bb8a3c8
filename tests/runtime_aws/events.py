"""What AWS hands to a function, as it was recorded: API Gateway in both payloads, a Function URL, SQS, EventBridge."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

Event = dict[str, Any]

HOST = "abc123.execute-api.eu-north-1.amazonaws.com"


def http_api(
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    query: str = "",
    stage: str = "$default",
    cookies: Sequence[str] = (),
    encoded: bool = False,
) -> Event:
    """API Gateway's HTTP API, payload 2.0: names of headers in lower case, cookies apart, no key without a value."""
    given = {"host": HOST, "content-type": "application/json", "x-forwarded-proto": "https"}
    given |= {name.lower(): value for name, value in (headers or {}).items()}
    before = "" if stage == "$default" else f"/{stage}"
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": f"{before}{path}",
        "rawQueryString": query,
        "headers": given,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc123",
            "domainName": HOST,
            "http": {
                "method": method,
                "path": f"{before}{path}",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "Stripe/1.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "21/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1795262400000,
        },
        "isBase64Encoded": encoded,
    }
    if cookies:
        event["cookies"] = list(cookies)
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if encoded else body.decode()
    return event


def function_url(path: str, body: bytes, headers: Mapping[str, str], **more: Any) -> Event:
    """A Function URL: as the HTTP API, under another domain, with an empty key for what is not there."""
    event = http_api(path, body, headers, **more)
    event["requestContext"]["domainName"] = "xyz.lambda-url.eu-north-1.on.aws"
    return event


def rest_api(
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "POST",
    query: str = "",
    encoded: bool = False,
) -> Event:
    """API Gateway's REST API: names of headers as the sender wrote them, None for what is not there."""
    given = {"Host": HOST, "Content-Type": "application/json", "X-Forwarded-Proto": "https"}
    given |= headers or {}
    asked = parse_qs(query, keep_blank_values=True)
    text = None if body is None else base64.b64encode(body).decode() if encoded else body.decode()
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": given,
        "multiValueHeaders": {name: [value] for name, value in given.items()},
        "queryStringParameters": {name: each[-1] for name, each in asked.items()} or None,
        "multiValueQueryStringParameters": asked or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "192.0.2.1", "userAgent": "Stripe/1.0"},
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "apiId": "abc123",
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


def messages(*bodies: str) -> Event:
    """A batch of a queue. The ids are m-1, m-2 ..."""
    return {
        "Records": [
            {
                "messageId": f"m-{nth}",
                "receiptHandle": f"handle-{nth}",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795262400000"},
                "messageAttributes": {},
                "md5OfBody": "7b270e59b47ff90a553787216d55d91d",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-north-1:123456789012:onpaid-test-work",
                "awsRegion": "eu-north-1",
            }
            for nth, body in enumerate(bodies, 1)
        ]
    }


def minute() -> Event:
    """A rule of EventBridge without an input of its own."""
    return {
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "123456789012",
        "time": "2026-11-21T12:00:00Z",
        "region": "eu-north-1",
        "resources": ["arn:aws:events:eu-north-1:123456789012:rule/onpaid-test-tick"],
        "detail": {},
    }
