"""Deploys the AWS form to the emulator, as `sam deploy` would to AWS: the same template, the same package but for the
machine it is for, settings in SSM, secrets in Secrets Manager.

What only a demo needs is done afterwards and here alone: functions are told addresses on loopback, and the function's
time limit and the queue's visibility pass as fast as every other wait.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onpaid.cli.demo.emulator import Emulator
from onpaid.errors import OnpaidError

TEMPLATE: Final = Path("deploy/aws/template.yaml")
PACKAGE: Final = Path("dist/onpaid-aws-host.zip")
PROJECT: Final = "onpaid"
ENVIRONMENT: Final = "demo"
BUCKET: Final = "onpaid-demo-packages"
START_SECONDS = 90.0
FUNCTIONS: Final = {"web": "WebFunction", "work": "WorkFunction", "tick": "TickFunction"}
SECRETS: Final[dict[str, str | dict[str, str]]] = {
    "stripe-secret-key": "STRIPE_API_KEY",
    "stripe-webhook-secret": "STRIPE_WEBHOOK_SECRET",
    "jwt-access-token-secret": "JWT_ACCESS_TOKEN_SECRET",
    "konverzky-webhook-secret": "KONVERZKY_WEBHOOK_SECRET",
    "fiken-api-token": "FIKEN_API_TOKEN",
    "razorpay": {
        "key_id": "RAZORPAY_KEY_ID",
        "key_secret": "RAZORPAY_KEY_SECRET",
        "webhook_secret": "RAZORPAY_WEBHOOK_SECRET",
    },
    "shiprocket": {"email": "SHIPROCKET_EMAIL", "password": "SHIPROCKET_PASSWORD"},
    "shiprocket-webhook-token": "SHIPROCKET_WEBHOOK_TOKEN",
    "whatsapp-api-key": "WHATSAPP_API_KEY",
    "whatsapp-app-secret": "WHATSAPP_APP_SECRET",
    "whatsapp-verify-token": "WHATSAPP_VERIFY_TOKEN",
    "whatsapp-webhook-token": "WHATSAPP_WEBHOOK_TOKEN",
    "jira-api-token": "JIRA_API_TOKEN",
}
"""The secrets that the template names, and the setting, or the settings by field, that each holds."""

FILES: Final = {"INVOICE_VAT_RULES": "vat-rules", "WHATSAPP_TEMPLATES": "templates"}
LEAST_TIMEOUT: Final = 15
"""Seconds that a function gets at least: compressed too far, it could begin nothing."""


class DeployFailed(OnpaidError):
    """The emulator did not take the template, or something it needs is not there."""


@dataclass
class Stack:
    """What was deployed. `functions` are their names by door, `environment` what each was told."""

    emulator: Emulator
    api: str = ""
    table: str = ""
    queue: str = ""
    dead_letters: str = ""
    topic: str = ""
    functions: dict[str, str] = field(default_factory=dict)
    admin_token: str = ""
    session_secret: str = ""
    _environment: dict[str, dict[str, str]] = field(default_factory=dict)

    def deploy(self, root: Path, settings: Mapping[str, str]) -> None:
        """Deploy it with these settings, secrets among them. Blocks. Raises DeployFailed."""
        template, package = root / TEMPLATE, root / PACKAGE
        for needed, made_by in ((template, "a checkout of onpaid"), (package, "make aws-package")):
            if not needed.exists():
                raise DeployFailed(f"{needed} is missing: {made_by}")
        plain = self._keep_secrets(settings) | self._keep_files(settings)
        name = f"/{PROJECT}/{ENVIRONMENT}/settings"
        self.emulator.client("ssm").put_parameter(Name=name, Value=as_toml(plain), Type="SecureString")
        s3 = self.emulator.client("s3", s3={"addressing_style": "path"})
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        s3.put_object(Bucket=BUCKET, Key=package.name, Body=package.read_bytes())
        body = pointed_at(template.read_text(encoding="utf-8"), f"s3://{BUCKET}/{package.name}")
        s3.put_object(Bucket=BUCKET, Key=template.name, Body=body.encode())
        self._create(f"{self.emulator.url}/{BUCKET}/{template.name}", settings)

    def _keep_secrets(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Keep each secret where the template looks for it; the settings that are none."""
        plain = dict(settings)
        client = self.emulator.client("secretsmanager")
        for last, names in SECRETS.items():
            if isinstance(names, str):
                value = plain.pop(names, "")
            else:
                held = {kept: plain.pop(name, "") for kept, name in names.items()}
                value = json.dumps(held) if all(held.values()) else ""
            client.create_secret(
                Name=f"{PROJECT}-{ENVIRONMENT}-{last}", SecretString=value or secrets.token_hex(16)
            )
        return plain

    def _keep_files(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Keep what a setting names a file for as a parameter, since a function finds no file of ours."""
        kept = {}
        for setting, last in FILES.items():
            if setting in settings:
                name = f"/{PROJECT}/{ENVIRONMENT}/{last}"
                text = Path(settings[setting]).read_text(encoding="utf-8")
                self.emulator.client("ssm").put_parameter(
                    Name=name, Value=text, Type="String", Tier="Advanced"
                )
                kept[setting] = f"ssm:{name}"
        return kept

    def _create(self, template: str, settings: Mapping[str, str]) -> None:
        cloud = self.emulator.client("cloudformation")
        told = {
            "ProjectName": PROJECT,
            "Environment": ENVIRONMENT,
            "SettingsParameter": "settings",
            "Invoicing": "fiken",
            "Checkout": "razorpay",
            "Parcels": "shiprocket",
            "Messages": settings["WHATSAPP_PROVIDER"],
            "Issues": "jira",
            "Sales": "stripe" if "BILLING_EVENTS" in settings else "none",
            "DocumentedTables": "yes",
            "WorkConcurrency": "2",
        }
        cloud.create_stack(
            StackName=f"{PROJECT}-{ENVIRONMENT}",
            TemplateURL=template,
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        given_up = time.monotonic() + START_SECONDS
        while (stack := cloud.describe_stacks(StackName=f"{PROJECT}-{ENVIRONMENT}")["Stacks"][0])[
            "StackStatus"
        ] == "CREATE_IN_PROGRESS":
            if time.monotonic() > given_up:
                raise DeployFailed(f"the stack was not there within {START_SECONDS:.0f} s")
            time.sleep(0.1)
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise DeployFailed(
                f"{stack['StackStatus']}: {stack.get('StackStatusReason', '')} {self._why(cloud)}"
            )
        self._look(cloud)

    def _why(self, cloud: Any) -> str:
        events = cloud.describe_stack_events(StackName=f"{PROJECT}-{ENVIRONMENT}")["StackEvents"]
        bad = [
            f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]
        return "; ".join(bad)[:2000]

    def _look(self, cloud: Any) -> None:
        rows = cloud.describe_stack_resources(StackName=f"{PROJECT}-{ENVIRONMENT}")["StackResources"]
        found = {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in rows}
        self.api, self.table = found["HttpApi"], found["OnpaidTable"]
        self.queue, self.dead_letters = found["WorkQueue"], found["WorkDeadLetterQueue"]
        self.topic = found["BillingEventsTopic"]
        self.functions = {door: found[logical] for door, logical in FUNCTIONS.items()}
        kept = self.emulator.client("secretsmanager")
        self.admin_token, self.session_secret = (
            kept.get_secret_value(SecretId=f"{PROJECT}-{ENVIRONMENT}-{last}")["SecretString"]
            for last in ("admin-token", "session-secret")
        )

    def arrange(self, told: Mapping[str, Mapping[str, str]], factor: float) -> None:
        """Tell each function more, and let its limits pass as fast as the rest. Blocks."""
        functions = self.emulator.client("lambda")
        for door, more in told.items():
            had = functions.get_function_configuration(FunctionName=self.functions[door])
            self._environment[door] = had["Environment"]["Variables"] | dict(more)
            self._tell(
                door,
                Timeout=max(LEAST_TIMEOUT, round(had["Timeout"] / factor))
                if door == "work"
                else had["Timeout"],
            )
        queue = self.emulator.client("sqs")
        seen = queue.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["VisibilityTimeout"])[
            "Attributes"
        ]
        shorter = max(6, round(int(seen["VisibilityTimeout"]) / factor))
        queue.set_queue_attributes(QueueUrl=self.queue, Attributes={"VisibilityTimeout": str(shorter)})

    def tell(self, doors: Mapping[str, Mapping[str, str]]) -> None:
        """Change what functions are told: they start anew with it. Blocks."""
        for door, more in doors.items():
            self._environment[door] |= dict(more)
            self._tell(door)

    def _tell(self, door: str, **more: Any) -> None:
        self.emulator.client("lambda").update_function_configuration(
            FunctionName=self.functions[door], Environment={"Variables": self._environment[door]}, **more
        )


def as_toml(settings: Mapping[str, str]) -> str:
    """Settings as the text that a parameter keeps."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in sorted(settings.items()))


def pointed_at(template: str, package: str) -> str:
    """The template with its package where it was uploaded to, as `sam package` writes it. Raises DeployFailed."""
    written, times = re.subn(r"(?m)^(\s+CodeUri:).*$", rf"\1 {package}", template)
    if not times:
        raise DeployFailed("the template names no CodeUri")
    return written
