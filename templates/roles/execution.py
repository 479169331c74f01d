"""The execution role: SageMaker runs the pipeline's jobs, registers the model and serves it with this role."""

from __future__ import annotations

from templates import names
from templates.roles import shared
from templates.statements import Statement

STATEMENTS = (
    Statement(
        sid="RunJobs",
        actions=(
            "sagemaker:AddTags",
            "sagemaker:CreateProcessingJob",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:StopProcessingJob",
            "sagemaker:StopTrainingJob",
        ),
        resources=(
            names.arn("sagemaker", "processing-job/pipelines-*"),
            names.arn("sagemaker", "training-job/pipelines-*"),
        ),
        reason="SageMaker Pipelines names its jobs pipelines-<execution id>-<step>-<suffix>.",
    ),
    Statement(
        sid="RegisterPending",
        actions=("sagemaker:CreateModelPackage",),
        resources=(names.GROUP_ARN, names.MODEL_PACKAGES_ARN),
        condition={"StringEquals": {"sagemaker:ModelApprovalStatus": "PendingManualApproval"}},
        reason="New versions of the project's own group; SageMaker may lower-case the project's name in the ARN.",
    ),
    shared.READ_REGISTRY,
    shared.LIST_BUCKET,
    shared.OBJECTS,
    shared.USE_KEY,
    shared.GRANT_KEY_TO_VOLUMES,
    Statement(
        sid="WriteJobLogs",
        actions=("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"),
        resources=(names.arn("logs", "log-group:/aws/sagemaker/*"),),
        reason="SageMaker keeps the logs of all jobs of a kind in one group and names groups of endpoints itself.",
    ),
    Statement(
        sid="PublishJobMetrics",
        actions=("cloudwatch:PutMetricData",),
        resources=("*",),
        condition={"StringLike": {"cloudwatch:namespace": "/aws/sagemaker/*"}},
        reason="cloudwatch:PutMetricData has no resource-level permission; the namespace limits it.",
    ),
    Statement(
        sid="SignInToRegistry",
        actions=("ecr:GetAuthorizationToken",),
        resources=("*",),
        reason="ecr:GetAuthorizationToken has no resource-level permission.",
    ),
    Statement(
        sid="PullSageMakerImages",
        # A registered version records its image's digest: DescribeImages (AmazonSageMakerModelRegistryFullAccess).
        actions=(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer",
        ),
        resources=("arn:${AWS::Partition}:ecr:${AWS::Region}:*:repository/sagemaker-*",),
        reason="AWS's images are in accounts of AWS that differ by region and framework.",
    ),
    shared.PASS_EXECUTION_ROLE,
    shared.KEEP_PIPELINE_ARTIFACTS,
    shared.DENY_APPROVAL,
)
