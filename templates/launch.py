"""What CloudFormation must be allowed to do, as the launch role, to make, read, change and remove one project.

The operations per resource type are those of the provider schemas' ``handlers.permissions`` (CloudFormation registry)
less what serves properties the template does not use; for AWS::CodeBuild::Project, whose schema states none, those of
the service authorization reference. ``launch-permissions.json`` carries them to the platform team's hub, whose launch
role mirrors the policy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from templates.statements import Condition

_ROLE_USES = ("build", "execution", "pipeline", "deploy")
_BOUNDARY: Condition = {"StringEquals": {"iam:PermissionsBoundary": "${ProjectBoundaryArn}"}}

PLACEHOLDERS = {
    "AWS::Partition": "pseudo parameter",
    "AWS::Region": "pseudo parameter",
    "AWS::AccountId": "pseudo parameter",
    "HubBucketName": "bucket that holds the seeds",
    "KmsKeyArn": "key the hub bucket is encrypted with",
    "ProjectBoundaryArn": "permissions boundary every project role must carry",
}


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What handlers of one resource type call, by handler, on which resources and under which condition."""

    sid: str
    resource_type: str
    handlers: Mapping[str, tuple[str, ...]]
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict)
    reason: str = ""

    def actions(self) -> list[str]:
        """Every operation of every handler, once, in order of name."""
        return sorted({action for actions in self.handlers.values() for action in actions})

    def statement(self) -> dict[str, Any]:
        """The grant as one statement of an identity policy, its placeholders in Fn::Sub syntax."""
        statement: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": self.actions(),
            "Resource": list(self.resources),
        }
        return statement | ({"Condition": dict(self.condition)} if self.condition else {})


def _regional(service: str, name: str) -> str:
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}"


def _roles(*uses: str) -> tuple[str, ...]:
    return tuple(f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/lockgate/sagemaker-*-{use}" for use in uses)


def grants() -> tuple[Grant, ...]:
    """Every grant, in the order the template creates things."""
    return (*_storage(), *_repositories(), *_registry(), *_roles_of_a_project(), *_pipelines())


def _storage() -> tuple[Grant, ...]:
    bucket = ("arn:${AWS::Partition}:s3:::sagemaker-project-*",)
    put = (
        "s3:PutBucketLogging",
        "s3:PutBucketOwnershipControls",
        "s3:PutBucketPublicAccessBlock",
        "s3:PutBucketTagging",
        "s3:PutBucketVersioning",
        "s3:PutEncryptionConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:TagResource",
    )
    read = (
        "s3:GetBucketLogging",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketTagging",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:ListBucket",
        "s3:ListTagsForResource",
    )
    return (
        Grant(
            sid="ArtifactBucket",
            resource_type="AWS::S3::Bucket",
            handlers={
                "create": ("s3:CreateBucket", *put, "s3:ListBucket"),
                "read": read,
                "update": (*put, "s3:UntagResource"),
                "delete": ("s3:DeleteBucket", "s3:ListBucket"),
            },
            resources=bucket,
        ),
        Grant(
            sid="ArtifactBucketPolicy",
            resource_type="AWS::S3::BucketPolicy",
            handlers={
                "create": ("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
                "read": ("s3:GetBucketPolicy",),
                "update": ("s3:GetBucketPolicy", "s3:PutBucketPolicy"),
                "delete": ("s3:GetBucketPolicy", "s3:DeleteBucketPolicy"),
            },
            resources=bucket,
        ),
        Grant(
            sid="BuildLogs",
            resource_type="AWS::Logs::LogGroup",
            handlers={
                "create": (
                    "logs:AssociateKmsKey",
                    "logs:CreateLogGroup",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                ),
                "read": ("logs:GetDataProtectionPolicy", "logs:ListTagsForResource"),
                "update": (
                    "logs:AssociateKmsKey",
                    "logs:PutRetentionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                ),
                "delete": ("logs:DeleteLogGroup",),
            },
            resources=(_regional("logs", "log-group:/aws/codebuild/sagemaker-*"),),
        ),
        Grant(
            sid="FindLogGroups",
            resource_type="AWS::Logs::LogGroup",
            handlers={"read": ("logs:DescribeIndexPolicies", "logs:DescribeLogGroups")},
            resources=("*",),
            reason="Neither has a resource-level permission; a group is found by its name.",
        ),
    )


def _repositories() -> tuple[Grant, ...]:
    return (
        Grant(
            sid="Repositories",
            resource_type="AWS::CodeCommit::Repository",
            handlers={
                "create": ("codecommit:CreateCommit", "codecommit:CreateRepository", "codecommit:TagResource"),
                "read": (
                    "codecommit:GetRepository",
                    "codecommit:GetRepositoryTriggers",
                    "codecommit:ListTagsForResource",
                ),
                "update": (
                    "codecommit:TagResource",
                    "codecommit:UntagResource",
                    "codecommit:UpdateRepositoryDescription",
                ),
                "delete": ("codecommit:DeleteRepository",),
            },
            resources=(_regional("codecommit", "sagemaker-*"),),
        ),
        Grant(
            sid="FindRepositories",
            resource_type="AWS::CodeCommit::Repository",
            handlers={"read": ("codecommit:ListRepositories",)},
            resources=("*",),
            reason="codecommit:ListRepositories has no resource-level permission; a repository is found by its id.",
        ),
        Grant(
            sid="ReadSeeds",
            resource_type="AWS::CodeCommit::Repository",
            handlers={"create": ("s3:GetObject", "s3:GetObjectVersion")},
            resources=("arn:${AWS::Partition}:s3:::${HubBucketName}/*",),
        ),
        Grant(
            sid="DecryptSeeds",
            resource_type="AWS::CodeCommit::Repository",
            handlers={"create": ("kms:Decrypt",)},
            resources=("${KmsKeyArn}",),
            condition={"StringEquals": {"kms:ViaService": "s3.${AWS::Region}.amazonaws.com"}},
        ),
    )


def _registry() -> tuple[Grant, ...]:
    return (
        Grant(
            sid="CodeRepositories",
            resource_type="AWS::SageMaker::CodeRepository",
            handlers={
                "create": ("sagemaker:AddTags", "sagemaker:CreateCodeRepository"),
                "read": ("sagemaker:DescribeCodeRepository", "sagemaker:ListTags"),
                "update": ("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:UpdateCodeRepository"),
                "delete": ("sagemaker:DeleteCodeRepository",),
            },
            resources=(_regional("sagemaker", "code-repository/*-p-*"),),
        ),
        Grant(
            sid="ModelPackageGroup",
            resource_type="AWS::SageMaker::ModelPackageGroup",
            handlers={
                "create": (
                    "sagemaker:AddTags",
                    "sagemaker:CreateModelPackageGroup",
                    "sagemaker:DescribeModelPackageGroup",
                    "sagemaker:ListTags",
                ),
                "read": (
                    "sagemaker:DescribeModelPackageGroup",
                    "sagemaker:GetModelPackageGroupPolicy",
                    "sagemaker:ListTags",
                ),
                "update": ("sagemaker:AddTags", "sagemaker:DeleteTags", "sagemaker:ListTags"),
                "delete": ("sagemaker:DeleteModelPackageGroup", "sagemaker:DeleteModelPackageGroupPolicy"),
            },
            resources=(_regional("sagemaker", "model-package-group/*-p-*"),),
        ),
    )


def _roles_of_a_project() -> tuple[Grant, ...]:
    return (
        Grant(
            sid="BoundedRoles",
            resource_type="AWS::IAM::Role",
            handlers={
                "create": ("iam:CreateRole", "iam:PutRolePolicy"),
                "update": ("iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"),
                "delete": ("iam:DeleteRolePolicy",),
            },
            resources=_roles(*_ROLE_USES),
            condition=_BOUNDARY,
        ),
        Grant(
            sid="Roles",
            resource_type="AWS::IAM::Role",
            handlers={
                "create": ("iam:GetRole", "iam:GetRolePolicy", "iam:TagRole"),
                "read": ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
                "update": (
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:UpdateRole",
                    "iam:UpdateRoleDescription",
                ),
                "delete": ("iam:DeleteRole",),
            },
            resources=_roles(*_ROLE_USES),
        ),
    )


def _pipelines() -> tuple[Grant, ...]:
    return (
        Grant(
            sid="BuildProjects",
            resource_type="AWS::CodeBuild::Project",
            handlers={
                "create": ("codebuild:CreateProject",),
                "read": ("codebuild:BatchGetProjects",),
                "update": ("codebuild:UpdateProject",),
                "delete": ("codebuild:DeleteProject",),
            },
            resources=(_regional("codebuild", "project/sagemaker-*"),),
        ),
        Grant(
            sid="PassBuildRoles",
            resource_type="AWS::CodeBuild::Project",
            handlers={"create": ("iam:PassRole",), "update": ("iam:PassRole",)},
            resources=_roles("build"),
            condition={"StringEquals": {"iam:PassedToService": "codebuild.amazonaws.com"}},
        ),
        Grant(
            sid="Pipelines",
            resource_type="AWS::CodePipeline::Pipeline",
            handlers={
                "create": ("codepipeline:CreatePipeline", "codepipeline:TagResource"),
                "read": (
                    "codepipeline:GetPipeline",
                    "codepipeline:GetPipelineState",
                    "codepipeline:ListTagsForResource",
                ),
                "update": ("codepipeline:TagResource", "codepipeline:UntagResource", "codepipeline:UpdatePipeline"),
                "delete": ("codepipeline:DeletePipeline",),
            },
            resources=(_regional("codepipeline", "sagemaker-*"),),
        ),
        Grant(
            sid="PassPipelineRole",
            resource_type="AWS::CodePipeline::Pipeline",
            handlers={"create": ("iam:PassRole",), "update": ("iam:PassRole",)},
            resources=_roles("pipeline"),
            condition={"StringEquals": {"iam:PassedToService": "codepipeline.amazonaws.com"}},
        ),
    )


def policy_document() -> dict[str, Any]:
    """The whole of it as one identity policy."""
    return {"Version": "2012-10-17", "Statement": [grant.statement() for grant in grants()]}


def launch_permissions(version: str) -> str:
    """The text of ``launch-permissions.json`` for this version of the template."""
    described = [
        {
            "Sid": grant.sid,
            "ResourceType": grant.resource_type,
            "Handlers": {name: list(actions) for name, actions in grant.handlers.items()},
        }
        | ({"Reason": grant.reason} if grant.reason else {})
        for grant in grants()
    ]
    content = {
        "TemplateVersion": version,
        "Placeholders": PLACEHOLDERS,
        "Handlers": described,
        "PolicyDocument": policy_document(),
    }
    return json.dumps(content, indent=2) + "\n"
