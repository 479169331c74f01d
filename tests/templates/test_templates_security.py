"""The security rules every template of the product keeps, over the committed project template."""

from __future__ import annotations

from typing import Any

from templates.permissions import ROLES
from tests.support import template_rules as rules
from tests.support.template_values import Values

KEPT = {"AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::CodeCommit::Repository", "AWS::SageMaker::ModelPackageGroup"}
WILDCARDS = {"PublishJobMetrics": "cloudwatch:PutMetricData", "SignInToRegistry": "ecr:GetAuthorizationToken"}


def reasons() -> dict[str, str]:
    """Why each statement that is on a pattern of resources is."""
    return {statement.sid: statement.reason for role in ROLES for statement in role.statements if statement.patterns()}


def test_a_project_has_five_roles(template: dict[str, Any], values: Values) -> None:
    """Five roles, each trusted by one service for its own purpose, under the path the boundary policy governs."""
    roles = [values.resolve(properties) for _, properties in rules.resources_of(template, "AWS::IAM::Role")]
    assert {role["Path"] for role in roles} == {"/lockgate/"}
    assert {
        role["RoleName"].removeprefix("sagemaker-p-idy6c3e1fiqj-"): role["AssumeRolePolicyDocument"]["Statement"][0][
            "Principal"
        ]["Service"]
        for role in roles
    } == {
        "build": "codebuild.amazonaws.com",
        "execution": "sagemaker.amazonaws.com",
        "pipeline": "codepipeline.amazonaws.com",
        "deploy": "cloudformation.amazonaws.com",
        "deploy-build": "codebuild.amazonaws.com",
    }


def test_permissions_come_and_go_with_their_role(template: dict[str, Any]) -> None:
    """Each role has one inline policy and nothing attached, so that no moment exists with half of it."""
    for _, role in rules.resources_of(template, "AWS::IAM::Role"):
        assert len(role["Policies"]) == 1
        assert "ManagedPolicyArns" not in role
    assert not list(rules.resources_of(template, "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"))


def test_every_role_is_inside_the_boundary(template: dict[str, Any]) -> None:
    """Every role carries the hub's permissions boundary."""
    assert rules.roles_without_boundary(template) == []
    boundaries = [role["PermissionsBoundary"] for _, role in rules.resources_of(template, "AWS::IAM::Role")]
    assert boundaries == [{"Fn::FindInMap": ["Hub", "Settings", "ProjectBoundaryArn"]}] * 5


def test_no_pattern_of_actions_is_granted(template: dict[str, Any]) -> None:
    """Every granted action is named."""
    assert rules.wildcard_actions(template) == []


def test_every_resource_is_granted_for_a_reason_only(template: dict[str, Any]) -> None:
    """Grants on every resource are the two calls that know no resources, and each states its reason."""
    assert rules.unreasoned_resources(template, reasons()) == []
    granted = {
        statement.body["Sid"]: statement.actions
        for statement in rules.identity_statements(template)
        if statement.allows and "*" in statement.resources
    }
    assert granted == {sid: [action] for sid, action in WILDCARDS.items()}


def test_services_are_trusted_on_behalf_of_this_account_only(template: dict[str, Any]) -> None:
    """Every trust names the account the service must act for."""
    assert rules.unconditional_trusts(template) == []


def test_services_are_trusted_on_behalf_of_this_project_s_resources(template: dict[str, Any], values: Values) -> None:
    """Every trust names the ARNs the service must act for; SageMaker's jobs and models have none known before.

    CodePipeline, and CloudFormation for a stack's role, do not document that they state one: it counts if they do.
    """
    operators = {"cloudformation.amazonaws.com": "ArnLikeIfExists", "codepipeline.amazonaws.com": "ArnLikeIfExists"}
    arns = {
        service + role["RoleName"].removeprefix("sagemaker-p-idy6c3e1fiqj-"): statement["Condition"][
            operators.get(service, "ArnLike")
        ]["aws:SourceArn"]
        for _, raw in rules.resources_of(template, "AWS::IAM::Role")
        for role in (values.resolve(raw),)
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        for service in (statement["Principal"]["Service"],)
    }
    name, account = "sagemaker-Fraud-Detection-p-idy6c3e1fiqj", "us-east-1:111122223333"
    assert arns == {
        "codebuild.amazonaws.combuild": [f"arn:aws:codebuild:{account}:project/{name}-modelbuild"],
        "sagemaker.amazonaws.comexecution": [f"arn:aws:sagemaker:{account}:*"],
        "codepipeline.amazonaws.compipeline": [
            f"arn:aws:codepipeline:{account}:{name}-modelbuild",
            f"arn:aws:codepipeline:{account}:{name}-modeldeploy",
        ],
        "cloudformation.amazonaws.comdeploy": [
            f"arn:aws:cloudformation:{account}:stack/{name}-deploy-staging/*",
            f"arn:aws:cloudformation:{account}:stack/{name}-deploy-prod/*",
        ],
        "codebuild.amazonaws.comdeploy-build": [
            f"arn:aws:codebuild:{account}:project/{name}-modeldeploy-prepare",
            f"arn:aws:codebuild:{account}:project/{name}-modeldeploy-test",
        ],
    }


def test_no_role_is_open_to_everyone(template: dict[str, Any]) -> None:
    """No trust is for every principal."""
    assert rules.trusts_of_everyone(template) == []


def test_roles_are_passed_to_named_services_only(template: dict[str, Any]) -> None:
    """Every iam:PassRole names roles and the service they go to."""
    assert rules.unbound_pass_role(template) == []


def test_no_project_role_can_approve(template: dict[str, Any]) -> None:
    """Every role is denied to write an approval, on creation and on update."""
    assert rules.roles_that_may_approve(template) == []


def test_the_bucket_is_strong(template: dict[str, Any]) -> None:
    """The artifact bucket is encrypted, versioned, private, logged, cleaned up, kept and TLS-only."""
    assert rules.weak_buckets(template) == []


def test_the_bucket_takes_no_access_lists(template: dict[str, Any]) -> None:
    """Objects belong to the bucket's owner whoever writes them."""
    for _, bucket in rules.resources_of(template, "AWS::S3::Bucket"):
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}


def test_pipelines_are_queued_and_encrypted(template: dict[str, Any]) -> None:
    """Both pipelines are V2, QUEUED, and encrypt artifacts with the hub's key."""
    assert rules.weak_pipelines(template) == []


def test_builds_are_encrypted_and_unprivileged(template: dict[str, Any]) -> None:
    """Build projects use the hub's key, have no Docker privileges and log."""
    assert rules.weak_builds(template) == []


def test_logs_are_encrypted_and_end(template: dict[str, Any]) -> None:
    """Log groups have a retention and the hub's key."""
    assert rules.endless_log_groups(template) == []
    groups = [properties for _, properties in rules.resources_of(template, "AWS::Logs::LogGroup")]
    assert all(group["KmsKeyId"] == {"Fn::FindInMap": ["Hub", "Settings", "KmsKeyArn"]} for group in groups)


def test_what_holds_work_outlives_the_project(template: dict[str, Any]) -> None:
    """Artifacts, code and model versions are kept on deletion and replacement, but not if making the project fails."""
    for resource in template["Resources"].values():
        policies = (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        expected = ("RetainExceptOnCreate", "Retain") if resource["Type"] in KEPT else (None, None)
        assert policies == expected


def test_only_deployments_reach_the_deploy_role(template: dict[str, Any], values: Values) -> None:
    """The deploy role is passed by the pipeline role alone, the execution role never by the pipeline role."""
    passed = {
        statement.owner: values.resolve(statement.resources)
        for statement in rules.identity_statements(template)
        if "iam:PassRole" in statement.actions
    }
    prefix = "arn:aws:iam::111122223333:role/lockgate/sagemaker-p-idy6c3e1fiqj"
    assert passed == {
        "BuildRole": [f"{prefix}-execution"],
        "ExecutionRole": [f"{prefix}-execution"],
        "PipelineRole": [f"{prefix}-deploy"],
        "DeployRole": [f"{prefix}-execution"],
    }
