"""What Terraform itself says of the module, where it is on the machine. Applying it is `make aws-terraform`."""

from __future__ import annotations

import json

from tests.deploy.terraform_run import Terraform, terraform

__all__ = ["terraform"]


def test_it_is_written_as_terraform_writes_it_and_valid(terraform: Terraform) -> None:
    assert terraform.run("fmt", "-check", "-diff").stdout == ""
    assert json.loads(terraform.done("validate", "-json"))["diagnostics"] == []


def test_what_refers_to_nothing_is_found(terraform: Terraform) -> None:
    terraform.write("fault.tf", 'output "fault" {\n  value = aws_sqs_queue.wrok_queue.url\n}\n')
    told = json.loads(terraform.run("validate", "-json").stdout)["diagnostics"]
    assert [each["summary"] for each in told] == ["Reference to undeclared resource"]
