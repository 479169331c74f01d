"""Names and ARNs of a project's resources, in Fn::Sub syntax.

In SageMaker ARNs the project's name is matched with ``*``, because SageMaker may lower-case it there; the project's id,
which SageMaker generates, is matched exactly.
"""

from __future__ import annotations

PROJECT_NAME = "${SageMakerProjectName}"
PROJECT_ID = "${SageMakerProjectId}"
PROJECT = f"{PROJECT_NAME}-{PROJECT_ID}"

BUCKET = f"sagemaker-project-{PROJECT_ID}"
MODEL_PACKAGE_GROUP = PROJECT
SAGEMAKER_PIPELINE = f"sagemaker-{PROJECT}"
MODELBUILD = f"sagemaker-{PROJECT}-modelbuild"
MODELDEPLOY = f"sagemaker-{PROJECT}-modeldeploy"
PREPARE = f"{MODELDEPLOY}-prepare"
TEST = f"{MODELDEPLOY}-test"
STAGING_STACK = f"sagemaker-{PROJECT}-deploy-staging"
PRODUCTION_STACK = f"sagemaker-{PROJECT}-deploy-prod"

ROLE_PATH = "/lockgate/"


def arn(service: str, name: str) -> str:
    """The ARN of a resource of this account and region."""
    return f"arn:${{AWS::Partition}}:{service}:${{AWS::Region}}:${{AWS::AccountId}}:{name}"


def role_name(use: str) -> str:
    """The name of the project's role for this use (build, execution, pipeline, deploy, deploy-build)."""
    return f"sagemaker-{PROJECT_ID}-{use}"


def role_arn(use: str) -> str:
    """The ARN of the project's role for this use."""
    return f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role{ROLE_PATH}{role_name(use)}"


def log_group(build_project: str) -> str:
    """The log group CodeBuild writes a build project's logs to by default."""
    return f"/aws/codebuild/{build_project}"


PROJECT_ARN = arn("sagemaker", f"project/{PROJECT_NAME}")
BUCKET_ARN = f"arn:${{AWS::Partition}}:s3:::{BUCKET}"
OBJECTS_ARN = f"{BUCKET_ARN}/*"
GROUP_ARN = arn("sagemaker", f"model-package-group/*-{PROJECT_ID}")
MODEL_PACKAGES_ARN = arn("sagemaker", f"model-package/*-{PROJECT_ID}/*")
ENDPOINTS_ARN = arn("sagemaker", f"endpoint/*-{PROJECT_ID}-*")
ENDPOINT_CONFIGS_ARN = arn("sagemaker", f"endpoint-config/*-{PROJECT_ID}-*")
MODELS_ARN = arn("sagemaker", f"model/*-{PROJECT_ID}-*")
ENDPOINT_STACKS_ARN = arn("cloudformation", f"stack/sagemaker-{PROJECT}-deploy-*/*")
DRIFT_ALARM_ARNS = tuple(arn("cloudwatch", f"alarm:sagemaker-{PROJECT}-{stage}-drift") for stage in ("staging", "prod"))
