"""Terraform itself, where it is: a copy of the module, with the provider from this machine and AWS being the emulator.

Neither the binary nor its provider can be had from a package index, so they may be missing. Then what needs them is
skipped, and said so at the end of the run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from onpaid.cli.demo.emulator import credentials
from tests.deploy.terraform_module import FOLDER
from tests.emulator import Emulator

PLUGINS = "TERRAFORM_PLUGINS"
"""Names the folder that holds registry.terraform.io/hashicorp/aws, if it is not in one of the usual places."""
USUAL = ("/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "~/.terraform.d/plugins")
SERVICES = (
    "apigatewayv2",
    "cloudwatch",
    "dynamodb",
    "events",
    "iam",
    "lambda",
    "logs",
    "secretsmanager",
    "sns",
    "sqs",
    "sts",
)
UNPROTECTED = """
resource "aws_dynamodb_table" "onpaid_table" {
  deletion_protection_enabled = false
  lifecycle {
    prevent_destroy = false
  }
}

resource "aws_dynamodb_table" "documented" {
  lifecycle {
    prevent_destroy = false
  }
}

resource "aws_secretsmanager_secret" "link_secret" {
  lifecycle {
    prevent_destroy = false
  }
}
"""
"""Takes away what protects data. Nothing like it is in the module."""


@cache
def plugins() -> Path | None:
    """The folder with the provider, or None."""
    told = os.environ.get(PLUGINS)
    places = [Path(told)] if told else [Path(each).expanduser() for each in USUAL]
    places += [] if told else sorted(Path("/opt").glob("*plugins*"))
    return next((each for each in places if (each / "registry.terraform.io/hashicorp/aws").is_dir()), None)


def missing() -> str:
    """What is missing here, or nothing."""
    if shutil.which("terraform") is None:
        return "terraform: not on this machine; deploy/terraform is compared, but not validated"
    if plugins() is None:
        return f"terraform: no provider for AWS on this machine ({PLUGINS} names its folder); not validated"
    return ""


class Terraform:
    """A copy of the module in `folder`, with everything that a command needs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(
            FOLDER, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*")
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        self._environment = {
            **kept,
            **credentials(),
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }

    def run(self, *asked: str) -> subprocess.CompletedProcess[str]:
        """What comes of a command, well or not."""
        return subprocess.run(
            ["terraform", *asked], cwd=self.folder, env=self._environment, capture_output=True, text=True
        )

    def done(self, *asked: str) -> str:
        """What a command says that must go well."""
        ran = self.run(*asked)
        assert ran.returncode == 0, ran.stdout[-1000:] + ran.stderr[-3000:]
        return ran.stdout

    def ready(self) -> None:
        """Make it ready, without asking anybody for the provider."""
        self.done("init", "-input=false", "-no-color", f"-plugin-dir={plugins()}")

    def write(self, name: str, text: str) -> None:
        """Put a file beside the module's."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def at(self, emulator: Emulator, package: bytes, variables: dict[str, Any]) -> None:
        """Let AWS be the emulator, and these be the package and the variables."""
        (self.folder / "package.zip").write_bytes(package)
        told = "".join(f'    {service} = "{emulator.url}"\n' for service in SERVICES)
        skipped = "".join(
            f"  skip_{each} = true\n" for each in ("credentials_validation", "region_validation")
        )
        self.write("emulator.tf", f'provider "aws" {{\n{skipped}  endpoints {{\n{told}  }}\n}}\n')
        self.write("emulator.auto.tfvars.json", json.dumps({"package": "package.zip", **variables}))

    def resources(self, *shown: str) -> dict[tuple[str, str, str], dict[str, Any]]:
        """What `terraform show` has of every resource that is kept, by its type, its label and its key."""
        told = json.loads(self.done("show", "-json", *shown))
        values = told.get("planned_values") or told.get("values") or {}
        rows = values.get("root_module", {}).get("resources", [])
        return {
            (row["type"], row["name"], str(row.get("index", ""))): {"values": {}} | row
            for row in rows
            if row["mode"] == "managed" and not row["address"].startswith("ephemeral.")
        }


@pytest.fixture
def terraform(tmp_path: Path) -> Terraform:
    """The module ready for a command."""
    if said := missing():
        pytest.skip(said)
    made = Terraform(tmp_path / "module")
    made.ready()
    return made
