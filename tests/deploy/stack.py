"""A deployment of the template on the emulator, under a project's name of its own."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from tests.deploy.template import Fault, source, spoilt
from tests.emulator import REGION, Emulator

BUCKET = "template-packages"
SECONDS = 30.0


class Stack:
    """One stack, all of whose functions are the package that is handed in. `faults` are planted in its template."""

    def __init__(
        self, emulator: Emulator, package: bytes, parameters: dict[str, str], *faults: Fault
    ) -> None:
        self.emulator = emulator
        self.project = f"t{uuid.uuid4().hex[:10]}"
        self._cloud = emulator.client("cloudformation")
        self._package = package
        self._parameters = {"ProjectName": self.project, **parameters}
        self._faults = faults

    def deploy(self) -> None:
        """Make it, or find out why not."""
        s3 = self.emulator.client("s3", s3={"addressing_style": "path"})
        if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        key = f"{self.project}.zip"
        s3.put_object(Bucket=BUCKET, Key=key, Body=self._package)
        template = spoilt(source(), *self._faults)
        template["Globals"]["Function"]["CodeUri"] = f"s3://{BUCKET}/{key}"
        s3.put_object(Bucket=BUCKET, Key=f"{self.project}.json", Body=json.dumps(template).encode())
        self._cloud.create_stack(
            StackName=self.project,
            TemplateURL=f"{self.emulator.url}/{BUCKET}/{self.project}.json",
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in self._parameters.items()
            ],
        )
        given_up = time.monotonic() + SECONDS
        while (state := self._state()).endswith("_IN_PROGRESS"):
            assert time.monotonic() < given_up
        assert state == "CREATE_COMPLETE", [
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in self._cloud.describe_stack_events(StackName=self.project)["StackEvents"]
            if each["ResourceStatus"].endswith("_FAILED")
        ]

    def _state(self) -> str:
        (stack,) = self._cloud.describe_stacks(StackName=self.project)["Stacks"]
        return str(stack["StackStatus"])

    def name(self, kind: str) -> str:
        """How something of this stack is called."""
        return f"{self.project}-prod-{kind}"

    def made(self) -> dict[str, str]:
        """Every resource with how the emulator calls it."""
        rows = self._cloud.describe_stack_resources(StackName=self.project)["StackResources"]
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}

    def invoke(self, door: str, event: Any) -> Any:
        """What a function answers."""
        functions = self.emulator.client("lambda")
        answer = functions.invoke(FunctionName=self.name(door), Payload=json.dumps(event))
        told = json.load(answer["Payload"])
        assert "FunctionError" not in answer, told
        return told

    def log(self, door: str) -> str:
        """What a function has told so far."""
        group = f"/aws/lambda/{self.name(door)}"
        rows = self.emulator.client("logs").filter_log_events(logGroupName=group).get("events", [])
        return "\n".join(row["message"] for row in rows)

    def delete(self) -> None:
        """Take it away, its clock above all."""
        self._cloud.delete_stack(StackName=self.project)
