"""The process environment, read here and nowhere else: what CodeBuild tells a build of this repository.

The same names work on a laptop; credentials and, for another AWS endpoint, AWS_ENDPOINT_URL are boto3's own
business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from pipeline.errors import ConfigurationError

VARIABLES = {
    "project_name": "SAGEMAKER_PROJECT_NAME",
    "project_id": "SAGEMAKER_PROJECT_ID",
    "model_package_group": "MODEL_PACKAGE_GROUP_NAME",
    "pipeline_name": "SAGEMAKER_PIPELINE_NAME",
    "execution_role_arn": "SAGEMAKER_EXECUTION_ROLE_ARN",
    "artifact_bucket": "ARTIFACT_BUCKET",
    "kms_key_arn": "KMS_KEY_ARN",
    "region": "AWS_REGION",
    "commit": "CODEBUILD_RESOLVED_SOURCE_VERSION",
}
RETRAIN = "LOCKGATE_RETRAIN"
NO_REASON = "none"  # the default of the pipeline's variable, which cannot be empty
REASON_LENGTH = 500


@dataclass(frozen=True)
class Environment:
    """Where this build runs and on whose behalf: names and ARNs given by the project's template."""

    project_name: str
    project_id: str
    model_package_group: str
    pipeline_name: str
    execution_role_arn: str
    artifact_bucket: str
    kms_key_arn: str
    region: str
    commit: str
    retrain_reason: str = ""

    @property
    def repository(self) -> str:
        """Name of the CodeCommit repository the project's template made for this code."""
        return f"sagemaker-{self.project_name}-{self.project_id}-modelbuild"


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Take the build's settings from environment variables.

    Raises:
        ConfigurationError: naming every variable that is not set.
    """
    missing = [f"{name} is not set" for name in VARIABLES.values() if not environ.get(name)]
    if missing:
        raise ConfigurationError("the environment", missing)
    given = {field: environ[name] for field, name in VARIABLES.items()}
    return Environment(**given, retrain_reason=_reason(environ.get(RETRAIN, "")))


def _reason(text: str) -> str:
    """A reason to train again as one line that fits a version's description; empty if there is none."""
    line = re.sub(r"\s+", " ", text).strip()
    return "" if line.lower() == NO_REASON else line[:REASON_LENGTH]


def prepare_sdk(environ: MutableMapping[str, str], region: str) -> None:
    """Set what the SageMaker Python SDK reads from the environment; call before importing it.

    Importing sagemaker 3 without a default region raises NoRegionError. Its own role validation would need
    iam:SimulatePrincipalPolicy, which a build must not have: SageMaker checks the role itself at
    CreatePipeline.
    """
    environ.setdefault("AWS_DEFAULT_REGION", region)
    environ["SAGEMAKER_VALIDATE_ROLE"] = "false"
