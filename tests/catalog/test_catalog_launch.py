"""The launch role and the projects' boundary, held against what the project template needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from catalog.project_template import fill_settings
from tests.catalog.fake_account import OUTPUTS
from tests.catalog.hub import policy
from tests.support import template_rules as rules
from tests.support.iam_decision import allowed
from tests.support.template_values import Values

VERSIONS = sorted((Path(__file__).parents[2] / "templates" / "versions").iterdir())
PROJECT = {"SageMakerProjectName": "Fraud", "SageMakerProjectId": "p-idy6c3e1fiqj"}
MANAGED_POLICY_QUOTA = 6144
"""Characters of a managed policy, white space not counted (IAM quotas)."""

ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj-build"
HUB_ROLE = "arn:aws:iam::111122223333:role/lockgate/sagemaker-lockgate-approver"
BOUNDARY = {"iam:PermissionsBoundary": OUTPUTS["ProjectBoundaryArn"]}
GROUP = "arn:aws:sagemaker:us-east-1:111122223333:model-package/fraud-p-idy6c3e1fiqj/2"


def one_request(statement: dict[str, Any]) -> dict[str, str]:
    """A request context that meets a statement's condition."""
    return {
        key: str(rules.as_list(values)[0]).replace("*", "x")
        for keys in statement.get("Condition", {}).values()
        for key, values in keys.items()
    }


def needed(version: Path) -> list[tuple[str, str, dict[str, str]]]:
    """Each action, resource and request context that launching this version needs."""
    text = (version / "launch-permissions.json").read_text(encoding="utf-8")
    values = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "111122223333", **OUTPUTS}
    text = re.sub(r"\$\{([^}]+)\}", lambda match: values[match[1]], text)
    return [
        (action, resource.replace("*", "p-idy6c3e1fiqj") if resource != "*" else "*", one_request(statement))
        for statement in json.loads(text)["PolicyDocument"]["Statement"]
        for action in rules.as_list(statement["Action"])
        for resource in rules.as_list(statement["Resource"])
    ]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_the_launch_role_may_do_what_launching_a_version_needs(version: Path) -> None:
    """Every action listed with the version is allowed on a resource of the listed form."""
    statements = policy("LaunchPolicy")
    requests = needed(version)
    assert len(requests) > 50
    assert [request for request in requests if not allowed(statements, *request)] == []


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.name)
def test_the_boundary_allows_what_the_projects_roles_are_granted(version: Path, tmp_path: Path) -> None:
    """Nothing a role of the project template says is cut off by the hub."""
    settings = {**OUTPUTS, "BuildSeedKey": "seeds/build.zip", "DeploySeedKey": "seeds/deploy.zip"}
    copy = tmp_path / "project.template.yaml"
    committed = (version / "project.template.yaml").read_text(encoding="utf-8")
    copy.write_text(fill_settings(committed, settings), encoding="utf-8")
    template = rules.load_template(copy)
    granted = [s for s in rules.identity_statements(template) if s.allows]
    bodies = [(str(s), Values(template, PROJECT).resolve(s.body)) for s in granted]
    requests = [
        (where, action, resource.replace("*", "x"), one_request(body))
        for where, body in bodies
        for action in rules.as_list(body["Action"])
        for resource in rules.as_list(body["Resource"])
    ]
    assert len(requests) > 100
    boundary = policy("ProjectBoundary")
    assert [(where, *request) for where, *request in requests if not allowed(boundary, *request)] == []


@pytest.mark.parametrize("name", ["ProjectBoundary", "LaunchPolicy", "ApproverPolicy", "RouterPolicy"])
def test_managed_policies_fit_their_quota(name: str) -> None:
    """Also in the region with the longest name."""
    text = json.dumps({"Version": "2012-10-17", "Statement": policy(name)}, separators=(",", ":"))
    assert len(text.replace("us-east-1", "ap-southeast-1")) <= MANAGED_POLICY_QUOTA


def test_the_launch_role_makes_roles_only_inside_the_boundary() -> None:
    """Without the projects' boundary, with another one, or outside the path no role can be made or widened."""
    statements = policy("LaunchPolicy")
    for action in ("iam:CreateRole", "iam:PutRolePolicy"):
        assert allowed(statements, action, ROLE, BOUNDARY)
        assert not allowed(statements, action, ROLE)
        assert not allowed(statements, action, ROLE, {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/Admin"})
        assert not allowed(statements, action, ROLE.replace("/lockgate/", "/"), BOUNDARY)
        assert not allowed(statements, action, ROLE.replace("sagemaker-", "admin-"), BOUNDARY)


@pytest.mark.parametrize(
    "action",
    [
        "iam:CreatePolicyVersion",
        "iam:DeletePolicy",
        "iam:DeletePolicyVersion",
        "iam:SetDefaultPolicyVersion",
        "iam:DeleteRolePermissionsBoundary",
        "iam:AttachRolePolicy",
    ],
)
def test_the_launch_role_cannot_loosen_a_boundary(action: str) -> None:
    """Neither by changing the boundary nor by taking it off a role nor by attaching a policy."""
    statements = policy("LaunchPolicy")
    for resource in (OUTPUTS["ProjectBoundaryArn"], ROLE, HUB_ROLE):
        assert not allowed(statements, action, resource, BOUNDARY)


@pytest.mark.parametrize(
    "action", ["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:DeleteRole", "iam:PassRole", "iam:TagRole"]
)
def test_the_launch_role_cannot_touch_the_hubs_own_roles(action: str) -> None:
    """The approver's trust, above all, is not the launch role's to write."""
    context = {**BOUNDARY, "iam:PassedToService": "codebuild.amazonaws.com"}
    assert not allowed(policy("LaunchPolicy"), action, HUB_ROLE, context)
    assert allowed(policy("LaunchPolicy"), action, ROLE, context)


@pytest.mark.parametrize("action", rules.APPROVAL_ACTIONS)
@pytest.mark.parametrize("status", ["Approved", "Rejected"])
def test_who_may_decide_about_model_versions(action: str, status: str) -> None:
    """Of the hub's four policies only the approver's allows it, and only by updating an existing version."""
    context = {"sagemaker:ModelApprovalStatus": status}
    may = {
        name
        for name in ("ProjectBoundary", "LaunchPolicy", "ApproverPolicy", "RouterPolicy")
        if allowed(policy(name), action, GROUP, context)
    }
    assert may == ({"ApproverPolicy"} if action == "sagemaker:UpdateModelPackage" else set())


def test_a_project_may_register_what_is_not_decided() -> None:
    """The boundary leaves pending versions to the projects."""
    context = {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}
    assert allowed(policy("ProjectBoundary"), "sagemaker:CreateModelPackage", GROUP, context)


def test_the_approver_decides_and_nothing_else() -> None:
    """No other change of a version, no start of a pipeline, no role."""
    statements = policy("ApproverPolicy")
    pipeline = "arn:aws:codepipeline:us-east-1:111122223333:sagemaker-fraud-p-idy6c3e1fiqj-modeldeploy"
    assert allowed(statements, "codepipeline:PutApprovalResult", f"{pipeline}/Production/ApproveProduction")
    assert not allowed(statements, "codepipeline:StartPipelineExecution", pipeline)
    assert not allowed(statements, "sagemaker:UpdateModelPackage", GROUP)
    assert not allowed(statements, "iam:PassRole", ROLE)
