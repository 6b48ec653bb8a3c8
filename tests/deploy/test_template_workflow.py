"""The workflow that deploys: by a role and never by a key, with what the Makefile builds, under the project's name."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.deploy.template import source
from tests.emulator import ROOT

FILE = ROOT / ".github" / "workflows" / "deploy.yml"
TEXT = FILE.read_text(encoding="utf-8")
TERRAFORM = "env.TOOL == 'terraform'"
SAM = "env.TOOL == 'sam'"


def workflow() -> dict[Any, Any]:
    parsed: dict[Any, Any] = yaml.safe_load(TEXT)
    return parsed


def job() -> dict[str, Any]:
    told: dict[str, Any] = workflow()["jobs"]["deploy"]
    return told


def steps(*tools: str) -> list[dict[str, Any]]:
    """Its steps, those that only one tool needs where it is among `tools`."""
    return [each for each in job()["steps"] if each.get("if") in (None, *tools)]


def scripts(*tools: str) -> str:
    return "\n".join(each.get("run", "") for each in steps(*tools))


def test_it_is_a_workflow() -> None:
    told = workflow()
    assert told["name"] == "deploy"
    asked = told[True]  # YAML takes the word `on` for a truth value.
    assert asked["push"] == {"branches": ["main"]}
    assert asked["workflow_dispatch"]["inputs"]["tool"]["options"] == ["sam", "terraform"]
    assert asked["workflow_dispatch"]["inputs"]["environment"]["options"] == ["dev", "staging", "prod"]


def test_without_a_role_nothing_happens_and_no_key_is_stored() -> None:
    assert job()["if"] == "vars.AWS_DEPLOY_ROLE_ARN != ''"
    (login,) = [
        each for each in steps() if each.get("uses", "").startswith("aws-actions/configure-aws-credentials@")
    ]
    assert login["with"] == {
        "role-to-assume": "${{ vars.AWS_DEPLOY_ROLE_ARN }}",
        "aws-region": "${{ env.AWS_REGION }}",
    }
    assert "secrets." not in TEXT
    assert "access-key" not in TEXT.lower()


def test_it_may_ask_for_a_token_and_read_the_sources_and_nothing_else() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    assert job()["permissions"] == {"contents": "read", "id-token": "write"}
    (checkout,) = [each for each in steps() if each.get("uses", "").startswith("actions/checkout@")]
    assert checkout["with"]["persist-credentials"] is False


def test_actions_are_pinned_to_a_major_version() -> None:
    used = [each["uses"] for each in job()["steps"] if "uses" in each]
    assert len(used) == 5
    assert not [each for each in used if not re.fullmatch(r"[a-z-]+/[a-z-]+@v\d+", each)]


def test_the_project_is_called_as_the_repository_says_or_onpaid() -> None:
    assert job()["env"]["PROJECT_NAME"] == "${{ vars.PROJECT_NAME || 'onpaid' }}"
    assert source()["Parameters"]["ProjectName"]["Default"] == "onpaid"
    assert '"ProjectName=$PROJECT_NAME" "Environment=$ENVIRONMENT"' in scripts(SAM)
    (applied,) = [each for each in steps(TERRAFORM) if "terraform apply" in each.get("run", "")]
    assert applied["env"]["TF_VAR_project_name"] == "${{ env.PROJECT_NAME }}"
    assert applied["env"]["TF_VAR_environment"] == "${{ env.ENVIRONMENT }}"


def test_every_environment_can_be_deployed() -> None:
    pattern = source()["Parameters"]["Environment"]["AllowedPattern"]
    options = workflow()[True]["workflow_dispatch"]["inputs"]["environment"]["options"]
    assert not [each for each in options if not re.fullmatch(pattern, each)]


def test_one_deployment_at_a_time_and_none_is_cut_off() -> None:
    told = workflow()["concurrency"]
    assert told["cancel-in-progress"] is False
    assert told["group"].startswith("deploy-${{")


def test_it_builds_and_checks_before_it_is_anybody_at_aws() -> None:
    order = [each.get("run") or each.get("uses", "") for each in steps()]
    login = next(nth for nth, each in enumerate(order) if "configure-aws-credentials" in each)
    assert any("make aws-package" in each for each in order[:login])
    assert any("make aws-lint" in each for each in order[:login])


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make ([a-z-]+)", TEXT))))
def test_every_target_that_it_makes_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_sam_deploys_the_template_without_asking() -> None:
    told = scripts(SAM)
    assert "sam deploy --template-file deploy/aws/template.yaml" in told
    for flag in (
        "--resolve-s3",
        "--capabilities CAPABILITY_IAM",
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
    ):
        assert flag in told
    assert "terraform" not in told


def test_terraform_keeps_its_state_where_nobody_else_reads_it() -> None:
    told = scripts(TERRAFORM)
    assert "create-bucket" in told
    assert "Status=Enabled" in told
    assert (
        "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true" in told
    )
    assert '-backend-config="use_lockfile=true"' in told
    assert "sam deploy" not in told


def test_nothing_from_outside_is_pasted_into_a_script() -> None:
    assert "${{" not in scripts(SAM, TERRAFORM)


def test_a_deployment_that_does_not_answer_has_failed() -> None:
    last = job()["steps"][-1]["run"]
    assert "aws lambda invoke" in last
    assert '{"test": true}' in last
    assert "FunctionError" in last
