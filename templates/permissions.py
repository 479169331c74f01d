"""A project's five roles: who may assume each, what it may do, and the boundary around all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Acknowledgment, Fn, Stack, Validations
from aws_cdk import aws_iam as iam

from templates import hub, names
from templates.roles import build, deploy, deploy_build, execution, pipeline
from templates.statements import WILDCARD_REASONS, Statement, policy_document, substituted


@dataclass(frozen=True, kw_only=True)
class RoleDefinition:
    """One role: the AWS service that assumes it on behalf of these sources, and its statements.

    A condition on a key that the service leaves out bars the service for good. Where AWS does not document that a
    service states aws:SourceAccount or aws:SourceArn, the operator is the one with ``IfExists``.
    """

    use: str
    logical_id: str
    description: str
    service: str
    sources: tuple[str, ...]
    statements: tuple[Statement, ...]
    account_operator: str = "StringEquals"
    sources_operator: str = "ArnLike"


@dataclass(frozen=True, kw_only=True)
class ProjectRoles:
    """The five roles of a project."""

    build: iam.CfnRole
    execution: iam.CfnRole
    pipeline: iam.CfnRole
    deploy: iam.CfnRole
    deploy_build: iam.CfnRole


BUILD = RoleDefinition(
    use="build",
    logical_id="BuildRole",
    description="CodeBuild: test the model build code and run its SageMaker pipeline",
    service="codebuild.amazonaws.com",
    sources=(names.arn("codebuild", f"project/{names.MODELBUILD}"),),
    statements=build.STATEMENTS,
)
EXECUTION = RoleDefinition(
    use="execution",
    logical_id="ExecutionRole",
    description="SageMaker: run the pipeline's jobs, register the model, serve it",
    service="sagemaker.amazonaws.com",
    sources=(names.arn("sagemaker", "*"),),
    statements=execution.STATEMENTS,
)
PIPELINE = RoleDefinition(
    use="pipeline",
    logical_id="PipelineRole",
    description="CodePipeline: run the build and the deploy pipeline",
    service="codepipeline.amazonaws.com",
    sources=(names.arn("codepipeline", names.MODELBUILD), names.arn("codepipeline", names.MODELDEPLOY)),
    statements=pipeline.STATEMENTS,
    account_operator="StringEqualsIfExists",
    sources_operator="ArnLikeIfExists",
)
DEPLOY = RoleDefinition(
    use="deploy",
    logical_id="DeployRole",
    description="CloudFormation: make the project's endpoints",
    service="cloudformation.amazonaws.com",
    sources=(
        names.arn("cloudformation", f"stack/{names.STAGING_STACK}/*"),
        names.arn("cloudformation", f"stack/{names.PRODUCTION_STACK}/*"),
    ),
    # Documented for stack sets and extensions, not for the service role of a stack.
    sources_operator="ArnLikeIfExists",
    statements=deploy.STATEMENTS,
)
DEPLOY_BUILD = RoleDefinition(
    use="deploy-build",
    logical_id="DeployBuildRole",
    description="CodeBuild: prepare deployments and test endpoints",
    service="codebuild.amazonaws.com",
    sources=(names.arn("codebuild", f"project/{names.PREPARE}"), names.arn("codebuild", f"project/{names.TEST}")),
    statements=deploy_build.STATEMENTS,
)
ROLES = (BUILD, EXECUTION, PIPELINE, DEPLOY, DEPLOY_BUILD)


def add_roles(stack: Stack) -> ProjectRoles:
    """Make the roles."""
    return ProjectRoles(
        build=_role(stack, BUILD),
        execution=_role(stack, EXECUTION),
        pipeline=_role(stack, PIPELINE),
        deploy=_role(stack, DEPLOY),
        deploy_build=_role(stack, DEPLOY_BUILD),
    )


def acknowledge_patterns(stack: Stack) -> None:
    """Acknowledge each pattern of resources, one by one and with its reason, to cdk-nag."""
    Validations.of(stack).acknowledge(
        *(Acknowledgment(id=rule, reason=reason) for rule, reason in acknowledgements().items())
    )


def acknowledgements() -> dict[str, str]:
    """The reason for each granular finding of cdk-nag's AwsSolutions-IAM5; a blanket acknowledgement has no effect."""
    return {
        f"AwsSolutions-IAM5[Resource::{pattern.replace('${', '<').replace('}', '>')}]": statement.reason
        for role in ROLES
        for statement in role.statements
        for pattern in statement.patterns()
    }


def _role(stack: Stack, definition: RoleDefinition) -> iam.CfnRole:
    role = iam.CfnRole(
        stack,
        definition.logical_id,
        assume_role_policy_document=_trust(definition),
        description=definition.description,
        path=names.ROLE_PATH,
        permissions_boundary=hub.value(hub.Setting.PROJECT_BOUNDARY_ARN),
        policies=[
            iam.CfnRole.PolicyProperty(
                policy_name=definition.use, policy_document=policy_document(definition.statements)
            )
        ],
        role_name=Fn.sub(names.role_name(definition.use)),
    )
    role.add_metadata(WILDCARD_REASONS, {s.sid: s.reason for s in definition.statements if s.patterns()})
    return role


def _trust(definition: RoleDefinition) -> dict[str, Any]:
    """Trust the service only when it acts for this account and for these resources (confused deputy)."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": definition.service},
                "Condition": substituted(
                    {
                        definition.account_operator: {"aws:SourceAccount": "${AWS::AccountId}"},
                        definition.sources_operator: {"aws:SourceArn": definition.sources},
                    }
                ),
            }
        ],
    }
