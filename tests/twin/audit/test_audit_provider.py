"""What CloudFormation may need beyond a run, by the provider schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lockgate_twin.audit.findings import find
from lockgate_twin.audit.provider import Needs
from lockgate_twin.audit.run import open_run

from tests.twin.audit.audited_run import allow, arn, record, role, snapshot, write

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/site/*"
MODEL = "arn:aws:sagemaker:us-east-1:111122223333:model/m"
MAY = allow("Models", ["sagemaker:CreateModel", "sagemaker:DescribeModel", "cloudformation:CreateStack"], "*")


def stack(kind: str, role_arn: str | None) -> dict[str, Any]:
    """Return a stack of one resource."""
    made = {"logical_id": "Made", "type": kind, "physical_id": "made"}
    return {"name": "site", "role_arn": role_arn, "template": '{"Resources": {}}', "resources": [made]}


def needs(folder: Path, made: dict[str, Any], *records: dict[str, Any]) -> dict[str, dict[str, Needs]]:
    """Return what CloudFormation may need, by role and handler."""
    roles = (role("launch", MAY), role("deploy", MAY))
    found = find(open_run(write(folder, snapshot(*roles, stacks=[made]), list(records))))
    return {f.role.name: {need.handler: need for need in f.cloudformation} for f in found}


def test_it_is_told_for_the_role_that_called_and_by_handler(tmp_path: Path) -> None:
    """Exercised actions are not listed; the others are granted or not."""
    called = record("launch", "cloudformation:CreateStack", STACK)
    found = needs(
        tmp_path, stack("AWS::SageMaker::Model", None), called, record("launch", "sagemaker:CreateModel", MODEL)
    )
    assert not found["deploy"]
    assert found["launch"]["create"].not_granted == ("iam:PassRole", "sagemaker:AddTags")
    assert found["launch"]["read"].granted == ("sagemaker:DescribeModel",)
    assert found["launch"]["delete"].not_granted == ("sagemaker:DeleteModel",)


def test_a_stacks_service_role_is_the_one_that_needs_them(tmp_path: Path) -> None:
    """Whoever calls CreateStack with a role needs nothing of what the handlers do."""
    called = record("launch", "cloudformation:CreateStack", STACK)
    found = needs(tmp_path, stack("AWS::SageMaker::Model", arn("deploy")), called)
    assert not found["launch"]
    assert found["deploy"]["create"].granted == ("sagemaker:CreateModel",)


@pytest.mark.parametrize("kind", ["AWS::CodeBuild::Project", "Custom::Thing"])
def test_a_type_whose_schema_states_nothing_is_told_to_be_unknown(tmp_path: Path, kind: str) -> None:
    """No schema is not 'needs nothing'."""
    called = record("launch", "cloudformation:CreateStack", STACK)
    assert [need.unknown for need in needs(tmp_path, stack(kind, None), called)["launch"].values()] == [True]
