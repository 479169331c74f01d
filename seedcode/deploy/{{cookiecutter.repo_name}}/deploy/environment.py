"""The process environment, read here and nowhere else: what CodeBuild tells a build of this repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.errors import ConfigurationError

VARIABLES = {
    "project_name": "SAGEMAKER_PROJECT_NAME",
    "project_id": "SAGEMAKER_PROJECT_ID",
    "model_package_group": "MODEL_PACKAGE_GROUP_NAME",
    "model_package_arn": "MODEL_PACKAGE_ARN",
    "execution_role_arn": "SAGEMAKER_EXECUTION_ROLE_ARN",
    "artifact_bucket": "ARTIFACT_BUCKET",
    "kms_key_arn": "KMS_KEY_ARN",
    "region": "AWS_REGION",
}
MODES = ("verify", "test")


@dataclass(frozen=True)
class Environment:
    """Which model version to deploy, for which project, with what."""

    project_name: str
    project_id: str
    model_package_group: str
    model_package_arn: str
    execution_role_arn: str
    artifact_bucket: str
    kms_key_arn: str
    region: str

    def endpoint_name(self, stage: str) -> str:
        """Name of a stage's endpoint; at most 61 of SageMaker's 63 characters."""
        return f"{self.project_name}-{self.project_id}-{stage}"


@dataclass(frozen=True)
class Task:
    """What a build after the preparation does: MODE, and the STAGE it does it for."""

    mode: str
    stage: str


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Take the settings from environment variables.

    Raises:
        ConfigurationError: naming every variable that is not set.
    """
    missing = [f"{name} is not set" for name in VARIABLES.values() if not environ.get(name)]
    if missing:
        raise ConfigurationError("the environment", missing)
    return Environment(**{field: environ[name] for field, name in VARIABLES.items()})


def read_task(environ: Mapping[str, str], stages: tuple[str, ...]) -> Task:
    """Take MODE and STAGE from environment variables.

    Raises:
        ConfigurationError: one of them has no known value.
    """
    task = Task(environ.get("MODE", ""), environ.get("STAGE", ""))
    mistakes = []
    if task.mode not in MODES:
        mistakes.append(f"MODE must be one of {', '.join(MODES)}, not {task.mode!r}")
    if task.stage not in stages:
        mistakes.append(f"STAGE must be one of {', '.join(stages)}, not {task.stage!r}")
    if mistakes:
        raise ConfigurationError("the environment", mistakes)
    return task
