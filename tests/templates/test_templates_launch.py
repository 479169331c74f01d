"""What the launch role is asked to grant: enough to make, read, change and remove a project, and no more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import cfnlint
import pytest

from templates.app import LAUNCH_FILE
from tests.support.iam_decision import allowed
from tests.support.template_rules import as_list, unbound_pass_role, wildcard_actions
from tests.support.template_values import Values

ACCOUNT = "111122223333"
BASE = f"us-east-1:{ACCOUNT}"
ROLES = f"arn:aws:iam::{ACCOUNT}:role/lockgate"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/lockgate/sagemaker-lockgate-project-boundary"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f9a"
HUB_VALUES = {"HubBucketName": "sagemaker-lockgate-hub", "KmsKeyArn": KEY, "ProjectBoundaryArn": BOUNDARY}
# CodeBuild's schema states no permissions: its four calls are those of the service authorization reference.
UNSTATED = {"AWS::CodeBuild::Project"}
# Granted though no schema states it: the bucket the seeds are read from is encrypted with the hub's key.
BEYOND_SCHEMA = {"kms:Decrypt"}


@pytest.fixture(scope="module")
def permissions(committed: Path) -> dict[str, Any]:
    """The committed launch permissions."""
    content: dict[str, Any] = json.loads((committed.parent / LAUNCH_FILE).read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def statements(permissions: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements with the hub's values put in."""
    document = json.loads(json.dumps(permissions["PolicyDocument"]))
    values = Values({}, HUB_VALUES)
    return [_substituted(values, statement) for statement in document["Statement"]]


def _substituted(values: Values, value: Any) -> Any:
    if isinstance(value, str):
        return values.resolve({"Fn::Sub": value})
    if isinstance(value, dict):
        return {key: _substituted(values, item) for key, item in value.items()}
    return [_substituted(values, item) for item in value]


@cache
def schema_permissions(kind: str) -> frozenset[str]:
    """The permissions the provider schema of a resource type states for its handlers and tags."""
    schemas = Path(cfnlint.__file__).parent / "data" / "schemas"
    index = json.loads((schemas / "providers" / "us-east-1.json").read_text(encoding="utf-8"))
    schema = json.loads((schemas / "resources" / f"{index[kind]}.json").read_text(encoding="utf-8"))
    stated = [handler["permissions"] for handler in schema.get("handlers", {}).values()]
    stated.append((schema.get("tagging") or {}).get("permissions", []))
    return frozenset(permission for permissions in stated for permission in permissions)


def grants(permissions: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Resource type, handler and actions of every grant."""
    for grant in permissions["Handlers"]:
        for handler, actions in grant["Handlers"].items():
            yield grant["ResourceType"], handler, actions


def test_every_type_of_the_template_can_be_made_read_and_removed(
    permissions: dict[str, Any], template: dict[str, Any]
) -> None:
    """Each resource type of the template has grants for creation, reading and deletion; no other type has any."""
    handlers: dict[str, set[str]] = {}
    for kind, handler, _ in grants(permissions):
        handlers.setdefault(kind, set()).add(handler)
    assert set(handlers) == {resource["Type"] for resource in template["Resources"].values()}
    assert all({"create", "read", "delete"} <= present for present in handlers.values())


def test_grants_are_those_of_the_provider_schemas(permissions: dict[str, Any]) -> None:
    """Nothing is granted that the type's handlers do not call; the one exception is named here."""
    beyond = {
        action
        for kind, _, actions in grants(permissions)
        if kind not in UNSTATED
        for action in actions
        if action not in schema_permissions(kind)
    }
    assert beyond == BEYOND_SCHEMA


def test_the_policy_is_exactly_the_grants(permissions: dict[str, Any]) -> None:
    """The policy document holds the grants' actions, statement by statement."""
    granted = {
        grant["Sid"]: sorted({action for actions in grant["Handlers"].values() for action in actions})
        for grant in permissions["Handlers"]
    }
    assert {item["Sid"]: item["Action"] for item in permissions["PolicyDocument"]["Statement"]} == granted


def test_the_policy_fits_a_role(permissions: dict[str, Any]) -> None:
    """It leaves room in a role's 10,240 characters of inline policies for what the hub adds."""
    assert len(json.dumps(permissions["PolicyDocument"], separators=(",", ":"))) <= 7_500


def test_grants_on_every_resource_are_reasoned(permissions: dict[str, Any]) -> None:
    """Only the two searches that know no resources are granted on every resource, each with its reason."""
    everywhere = {
        item["Sid"]: item["Action"] for item in permissions["PolicyDocument"]["Statement"] if item["Resource"] == ["*"]
    }
    assert everywhere == {
        "FindLogGroups": ["logs:DescribeIndexPolicies", "logs:DescribeLogGroups"],
        "FindRepositories": ["codecommit:ListRepositories"],
    }
    reasons = {grant["Sid"]: grant.get("Reason") for grant in permissions["Handlers"]}
    assert all(reasons[sid] for sid in everywhere)


def test_the_policy_keeps_the_rules(permissions: dict[str, Any]) -> None:
    """It names every action and binds every passed role to a service."""
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyDocument": permissions["PolicyDocument"]}}
    template = {"Resources": {"Launch": policy}}
    assert wildcard_actions(template) == []
    assert unbound_pass_role(template) == []


def test_every_placeholder_is_declared(permissions: dict[str, Any]) -> None:
    """Each ``${...}`` of the policy is explained to who fills it in, and nothing else is."""
    text = json.dumps(permissions["PolicyDocument"])
    used = {part.split("}")[0] for part in text.split("${")[1:]}
    assert used == set(permissions["Placeholders"])


@pytest.mark.parametrize("use", ["build", "execution", "pipeline", "deploy", "deploy-build"])
def test_project_roles_can_be_made_inside_the_boundary_only(statements: list[dict[str, Any]], use: str) -> None:
    """A project's role can be made with the boundary and not without it, or with another."""
    role = f"{ROLES}/sagemaker-p-idy6c3e1fiqj-{use}"
    for action in ("iam:CreateRole", "iam:PutRolePolicy"):
        assert allowed(statements, action, role, {"iam:PermissionsBoundary": BOUNDARY})
        assert not allowed(statements, action, role)
        assert not allowed(statements, action, role, {"iam:PermissionsBoundary": f"{BOUNDARY}-2"})


@pytest.mark.parametrize("name", ["launch", "router", "approver"])
def test_the_hub_s_roles_are_out_of_reach(statements: list[dict[str, Any]], name: str) -> None:
    """Launching cannot change, pass or remove the hub's own roles, the boundary or itself."""
    role = f"{ROLES}/sagemaker-lockgate-{name}"
    actions = {
        action for statement in statements for action in as_list(statement["Action"]) if action.startswith("iam:")
    }
    context = {"iam:PermissionsBoundary": BOUNDARY, "iam:PassedToService": "codebuild.amazonaws.com"}
    assert actions
    assert not any(allowed(statements, action, role, context) for action in actions)
    assert not allowed(statements, "iam:DeleteRolePermissionsBoundary", f"{ROLES}/sagemaker-p-1-build", context)


def test_only_project_roles_that_services_run_with_can_be_passed(statements: list[dict[str, Any]]) -> None:
    """CodeBuild gets build roles, CodePipeline the pipeline role; nobody gets the deploy or execution role here."""
    passed = {
        (use, service)
        for use in ("build", "execution", "pipeline", "deploy", "deploy-build")
        for service in ("codebuild", "codepipeline", "cloudformation", "sagemaker")
        if allowed(
            statements,
            "iam:PassRole",
            f"{ROLES}/sagemaker-p-idy6c3e1fiqj-{use}",
            {"iam:PassedToService": f"{service}.amazonaws.com"},
        )
    }
    assert passed == {("build", "codebuild"), ("deploy-build", "codebuild"), ("pipeline", "codepipeline")}


@pytest.mark.parametrize(
    ("action", "resource", "granted"),
    [
        ("s3:CreateBucket", "arn:aws:s3:::sagemaker-project-p-idy6c3e1fiqj", True),
        ("s3:PutBucketPolicy", "arn:aws:s3:::sagemaker-lockgate-hub", False),
        ("s3:DeleteBucket", "arn:aws:s3:::sagemaker-lockgate-logs", False),
        ("s3:GetObject", "arn:aws:s3:::sagemaker-lockgate-hub/seeds/build.zip", True),
        ("s3:PutObject", "arn:aws:s3:::sagemaker-lockgate-hub/seeds/build.zip", False),
        ("s3:GetObject", "arn:aws:s3:::sagemaker-project-p-idy6c3e1fiqj/model.tar.gz", False),
        ("codecommit:CreateRepository", f"arn:aws:codecommit:{BASE}:sagemaker-a-p-1-modelbuild", True),
        ("codecommit:DeleteRepository", f"arn:aws:codecommit:{BASE}:other", False),
        ("logs:CreateLogGroup", f"arn:aws:logs:{BASE}:log-group:/aws/codebuild/sagemaker-a-p-1-modelbuild", True),
        ("logs:DeleteLogGroup", f"arn:aws:logs:{BASE}:log-group:/aws/lambda/sagemaker-lockgate-router", False),
        ("codebuild:CreateProject", f"arn:aws:codebuild:{BASE}:project/sagemaker-a-p-1-modelbuild", True),
        ("codebuild:StartBuild", f"arn:aws:codebuild:{BASE}:project/sagemaker-a-p-1-modelbuild", False),
        ("codepipeline:CreatePipeline", f"arn:aws:codepipeline:{BASE}:sagemaker-a-p-1-modeldeploy", True),
        ("codepipeline:StartPipelineExecution", f"arn:aws:codepipeline:{BASE}:sagemaker-a-p-1-modeldeploy", False),
        ("sagemaker:CreateModelPackageGroup", f"arn:aws:sagemaker:{BASE}:model-package-group/a-p-1", True),
        ("sagemaker:DeleteModelPackageGroup", f"arn:aws:sagemaker:{BASE}:model-package-group/another", False),
        ("sagemaker:CreateModelPackage", f"arn:aws:sagemaker:{BASE}:model-package/a-p-1/1", False),
        ("sagemaker:UpdateModelPackage", f"arn:aws:sagemaker:{BASE}:model-package/a-p-1/1", False),
        ("sagemaker:CreateCodeRepository", f"arn:aws:sagemaker:{BASE}:code-repository/a-p-1-build", True),
    ],
)
def test_launching_reaches_projects_not_the_hub(
    statements: list[dict[str, Any]], action: str, resource: str, *, granted: bool
) -> None:
    """A project's resources can be made; what runs them, the hub's resources and other teams' are out of reach."""
    assert allowed(statements, action, resource) is granted


def test_seeds_are_decrypted_through_s3_only(statements: list[dict[str, Any]]) -> None:
    """The hub's key serves reading the seeds and nothing else."""
    assert allowed(statements, "kms:Decrypt", KEY, {"kms:ViaService": "s3.us-east-1.amazonaws.com"})
    assert not allowed(statements, "kms:Decrypt", KEY, {"kms:ViaService": "sqs.us-east-1.amazonaws.com"})
    assert not allowed(statements, "kms:Decrypt", KEY)
