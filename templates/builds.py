"""CodeBuild projects as every build of the product has them: run by a pipeline, logged, encrypted, unprivileged."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Fn, Stack
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_logs as logs

from templates import hub, names
from templates.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Build:
    """One CodeBuild project: its logical id and name, the repository file it runs, its role and its environment."""

    logical_id: str
    name: str
    description: str
    buildspec: str
    role_arn: str
    minutes: int
    environment: dict[str, str]


def add_build(stack: Stack, settings: Settings, build: Build) -> codebuild.CfnProject:
    """Make the project and the log group it writes to."""
    log_group = logs.CfnLogGroup(
        stack,
        f"{build.logical_id}Logs",
        log_group_name=Fn.sub(names.log_group(build.name)),
        kms_key_id=hub.value(hub.Setting.KMS_KEY_ARN),
        retention_in_days=settings.log_days,
    )
    return codebuild.CfnProject(
        stack,
        build.logical_id,
        name=Fn.sub(build.name),
        description=build.description,
        service_role=build.role_arn,
        encryption_key=hub.value(hub.Setting.KMS_KEY_ARN),
        timeout_in_minutes=build.minutes,
        source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=build.buildspec),
        artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
        environment=_environment(settings, build.environment),
        logs_config=codebuild.CfnProject.LogsConfigProperty(
            cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                status="ENABLED", group_name=log_group.ref
            )
        ),
    )


def project_environment(execution_role_arn: str, bucket: str) -> dict[str, str]:
    """What the code in both repositories knows of its project."""
    return {
        "SAGEMAKER_PROJECT_NAME": Fn.ref("SageMakerProjectName"),
        "SAGEMAKER_PROJECT_ID": Fn.ref("SageMakerProjectId"),
        "SAGEMAKER_PROJECT_ARN": Fn.sub(names.PROJECT_ARN),
        "MODEL_PACKAGE_GROUP_NAME": Fn.sub(names.MODEL_PACKAGE_GROUP),
        "SAGEMAKER_EXECUTION_ROLE_ARN": execution_role_arn,
        "ARTIFACT_BUCKET": bucket,
        "KMS_KEY_ARN": hub.value(hub.Setting.KMS_KEY_ARN),
    }


def _environment(settings: Settings, variables: dict[str, str]) -> codebuild.CfnProject.EnvironmentProperty:
    return codebuild.CfnProject.EnvironmentProperty(
        type="LINUX_CONTAINER",
        compute_type=settings.compute_type,
        image=settings.image,
        privileged_mode=False,
        environment_variables=[
            codebuild.CfnProject.EnvironmentVariableProperty(name=name, type="PLAINTEXT", value=value)
            for name, value in variables.items()
        ],
    )
