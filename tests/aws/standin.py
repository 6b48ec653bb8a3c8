"""Handlers that do as little as shows that the stack is put together rightly: a request rings, a ring is written down.

Runs inside the emulator's function processes, so it imports nothing of ours.
"""

import json
import os
import time

import boto3

table = os.environ["ONPAID_DATABASE"].removeprefix("dynamodb://")
dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")


def web(event, context):
    path = event["rawPath"]
    sqs.send_message(QueueUrl=os.environ["ONPAID_WORK_QUEUE_URL"], MessageBody=json.dumps({"run": path}))
    told = {
        "path": path,
        "query": event["rawQueryString"],
        "tried": event["headers"].get("x-tried"),
        "pid": os.getpid(),
    }
    return {"statusCode": 201, "headers": {"content-type": "application/json"}, "body": json.dumps(told)}


def work(event, context):
    failed = []
    for record in event["Records"]:
        run = json.loads(record["body"])["run"]
        try:
            _write(run, "began")
            _write(run, f"done {record['attributes']['ApproximateReceiveCount']}")
        except Exception:
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def tick(event, context):
    _write(event["schedule"], os.environ.get("ONPAID_CLOCK_AHEAD", "now"))
    return {"pid": os.getpid(), "seconds": context.get_remaining_time_in_millis() / 1000, "at": time.time()}


def _write(name, what):
    item = {"PK": {"S": name}, "SK": {"S": what}}
    dynamodb.transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}])
