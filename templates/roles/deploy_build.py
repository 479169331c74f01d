"""The deploy-build role: CodeBuild prepares deployments and tests endpoints. It changes nothing in SageMaker."""

from __future__ import annotations

from templates import names
from templates.roles import shared
from templates.statements import Statement

STATEMENTS = (
    shared.write_build_logs(names.PREPARE, names.TEST),
    shared.LIST_BUCKET,
    shared.OBJECTS,
    shared.USE_KEY,
    Statement(
        sid="ReadModelVersion",
        actions=("sagemaker:DescribeModelPackage", "sagemaker:DescribeModelPackageGroup", "sagemaker:ListTags"),
        resources=(names.GROUP_ARN, names.MODEL_PACKAGES_ARN),
        reason="The project's own group and its versions; SageMaker may lower-case the project's name in the ARN.",
    ),
    Statement(
        sid="TestEndpoints",
        actions=(
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            "sagemaker:InvokeEndpoint",
            "sagemaker:ListTags",
        ),
        resources=(names.MODELS_ARN, names.ENDPOINT_CONFIGS_ARN, names.ENDPOINTS_ARN),
        reason="What carries the project's own id; SageMaker may lower-case the project's name in the ARN.",
    ),
    Statement(
        sid="ReadEndpointStacks",
        actions=("cloudformation:DescribeStacks",),
        resources=(names.ENDPOINT_STACKS_ARN,),
        reason="The project's staging and prod stacks; CloudFormation ends a stack's ARN with a generated id.",
    ),
    shared.DENY_APPROVAL,
)
