"""Statements that several of a project's roles carry."""

from __future__ import annotations

from templates import names
from templates.hub import Setting, lookup
from templates.statements import Statement

PIPELINE_ARTIFACTS = (f"{names.BUCKET_ARN}/*/SourceArti*", f"{names.BUCKET_ARN}/*/DeployArti*")
"""Where CodePipeline keeps its artifacts: ``<pipeline, 20 characters>/<artifact, 10 characters>/``."""

DENY_APPROVAL = Statement(
    sid="NeverApprove",
    effect="Deny",
    actions=("sagemaker:CreateModelPackage", "sagemaker:UpdateModelPackage"),
    resources=("*",),
    condition={"StringEquals": {"sagemaker:ModelApprovalStatus": ("Approved", "Rejected")}},
)

KEEP_PIPELINE_ARTIFACTS = Statement(
    sid="KeepPipelineArtifacts",
    effect="Deny",
    actions=("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObject"),
    resources=PIPELINE_ARTIFACTS,
)
"""The build and its jobs share the bucket with the pipelines; without this they could replace what gets deployed."""

LIST_BUCKET = Statement(
    sid="ListArtifactBucket",
    actions=("s3:GetBucketAcl", "s3:GetBucketLocation", "s3:GetBucketVersioning", "s3:ListBucket"),
    resources=(names.BUCKET_ARN,),
)
"""CodePipeline and CodeBuild read ACL and location to learn who owns the bucket (their documented role policies)."""

OBJECTS = Statement(
    sid="ArtifactObjects",
    actions=("s3:AbortMultipartUpload", "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"),
    resources=(names.OBJECTS_ARN,),
    reason="Objects of the project's own bucket.",
)

USE_KEY = Statement(
    sid="UseHubKey",
    actions=("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
    resources=(lookup(Setting.KMS_KEY_ARN),),
)

GRANT_KEY_TO_VOLUMES = Statement(
    sid="GrantKeyToVolumes",
    actions=("kms:CreateGrant",),
    resources=(lookup(Setting.KMS_KEY_ARN),),
    condition={"Bool": {"kms:GrantIsForAWSResource": "true"}},
)

PASS_EXECUTION_ROLE = Statement(
    sid="PassExecutionRole",
    actions=("iam:PassRole",),
    resources=(names.role_arn("execution"),),
    condition={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
)

READ_REGISTRY = Statement(
    sid="ReadModelVersions",
    actions=(
        "sagemaker:DescribeModelPackage",
        "sagemaker:DescribeModelPackageGroup",
        "sagemaker:ListModelPackages",
        "sagemaker:ListTags",
    ),
    resources=(names.GROUP_ARN, names.MODEL_PACKAGES_ARN),
    reason="The project's own group and its versions; SageMaker may lower-case the project's name in the ARN.",
)


def write_build_logs(*build_projects: str) -> Statement:
    """Let a build write to the log groups of these build projects, and to nothing else."""
    groups = tuple(names.arn("logs", f"log-group:{names.log_group(project)}") for project in build_projects)
    return Statement(
        sid="WriteBuildLogs",
        actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
        resources=(*groups, *(f"{group}:*" for group in groups)),
        reason="Streams of the build project's own log group; CodeBuild names them.",
    )
