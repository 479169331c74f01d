"""The pipeline role: CodePipeline reads the repositories, starts builds and has CloudFormation deploy."""

from __future__ import annotations

from templates import names
from templates.roles import shared
from templates.statements import Statement

STATEMENTS = (
    Statement(
        sid="ReadRepositories",
        actions=(
            "codecommit:CancelUploadArchive",
            "codecommit:GetBranch",
            "codecommit:GetCommit",
            "codecommit:GetUploadArchiveStatus",
            "codecommit:UploadArchive",
        ),
        resources=(names.arn("codecommit", names.MODELBUILD), names.arn("codecommit", names.MODELDEPLOY)),
    ),
    shared.LIST_BUCKET,
    shared.OBJECTS,
    shared.USE_KEY,
    Statement(
        sid="RunBuilds",
        actions=("codebuild:BatchGetBuilds", "codebuild:StartBuild"),
        resources=tuple(
            names.arn("codebuild", f"project/{project}") for project in (names.MODELBUILD, names.PREPARE, names.TEST)
        ),
    ),
    Statement(
        sid="DeployEndpointStacks",
        actions=(
            "cloudformation:CreateChangeSet",
            "cloudformation:CreateStack",
            "cloudformation:DeleteChangeSet",
            "cloudformation:DeleteStack",
            "cloudformation:DescribeChangeSet",
            "cloudformation:DescribeStacks",
            "cloudformation:ExecuteChangeSet",
            "cloudformation:TagResource",
            "cloudformation:UpdateStack",
        ),
        resources=(names.ENDPOINT_STACKS_ARN,),
        reason="The project's staging and prod stacks; CloudFormation ends a stack's ARN with a generated id.",
    ),
    Statement(
        sid="PassDeployRole",
        actions=("iam:PassRole",),
        resources=(names.role_arn("deploy"),),
        condition={"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}},
    ),
    shared.DENY_APPROVAL,
)
