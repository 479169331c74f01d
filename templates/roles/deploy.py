"""The deploy role: CloudFormation makes the models, configurations, endpoints and alarms of both stages."""

from __future__ import annotations

from templates import names
from templates.roles import shared
from templates.statements import Statement

_OWN_NAMES = "Names that carry the project's own id; CloudFormation or the deploy code ends them with a suffix."

STATEMENTS = (
    Statement(
        sid="HostModels",
        actions=(
            "sagemaker:AddTags",
            "sagemaker:CreateEndpoint",
            "sagemaker:CreateEndpointConfig",
            "sagemaker:CreateModel",
            "sagemaker:DeleteEndpoint",
            "sagemaker:DeleteEndpointConfig",
            "sagemaker:DeleteModel",
            "sagemaker:DeleteTags",
            "sagemaker:DescribeEndpoint",
            "sagemaker:DescribeEndpointConfig",
            "sagemaker:DescribeModel",
            "sagemaker:ListTags",
            "sagemaker:UpdateEndpoint",
        ),
        resources=(names.MODELS_ARN, names.ENDPOINT_CONFIGS_ARN, names.ENDPOINTS_ARN),
        reason=_OWN_NAMES,
    ),
    Statement(
        # AWS's policies for registries let CreateModel act on the version as well (model-registry-deploy-xaccount).
        sid="DeployModelVersion",
        actions=("sagemaker:CreateModel", "sagemaker:DescribeModelPackage"),
        resources=(names.MODEL_PACKAGES_ARN,),
        reason="Versions of the project's own group; SageMaker may lower-case the project's name in the ARN.",
    ),
    Statement(
        sid="WatchForDrift",
        actions=(
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
        ),
        resources=names.DRIFT_ALARM_ARNS,
    ),
    shared.USE_KEY,
    shared.GRANT_KEY_TO_VOLUMES,
    shared.PASS_EXECUTION_ROLE,
    shared.DENY_APPROVAL,
)
