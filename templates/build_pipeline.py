"""Commit -> build -> SageMaker pipeline -> registry."""

from __future__ import annotations

from aws_cdk import Fn, Stack
from aws_cdk import aws_codepipeline as codepipeline

from templates import actions, names
from templates.builds import Build, add_build, project_environment
from templates.permissions import ProjectRoles
from templates.settings import Settings

RETRAIN_REASON = actions.Variable(
    name="RetrainReason",
    description="Why to train again although nothing was changed; none if there is no reason",
    default="none",  # a default cannot be empty (API reference, PipelineVariableDeclaration)
)


def add_build_pipeline(stack: Stack, settings: Settings, roles: ProjectRoles, bucket: str) -> codepipeline.CfnPipeline:
    """Make the pipeline that runs the build repository's buildspec for a commit."""
    environment = {"LOCKGATE_RETRAIN": f"#{{variables.{RETRAIN_REASON.name}}}"}
    project = add_build(stack, settings, _build(settings, roles, bucket))
    definition = actions.PipelineDefinition(
        logical_id="BuildPipeline",
        name=names.MODELBUILD,
        stages=(
            ("Source", (actions.source(names.MODELBUILD, settings),)),
            ("Build", (actions.build("Build", project.ref, environment=environment),)),
        ),
        variables=(RETRAIN_REASON,),
    )
    return actions.add_pipeline(stack, definition, role_arn=roles.pipeline.attr_arn, bucket=bucket)


def _build(settings: Settings, roles: ProjectRoles, bucket: str) -> Build:
    environment = project_environment(roles.execution.attr_arn, bucket)
    return Build(
        logical_id="BuildProject",
        name=names.MODELBUILD,
        description="Tests the model build code and runs its SageMaker pipeline",
        buildspec="buildspec.yml",
        role_arn=roles.build.attr_arn,
        minutes=settings.build_minutes,
        environment=environment | {"SAGEMAKER_PIPELINE_NAME": Fn.sub(names.SAGEMAKER_PIPELINE)},
    )
