"""Approved model version -> staging -> approval -> production, always the version the execution was started for."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Stack
from aws_cdk import aws_codepipeline as codepipeline

from templates import actions, names
from templates.builds import Build, add_build, project_environment
from templates.permissions import ProjectRoles
from templates.settings import Settings

MODEL_PACKAGE_ARN = "#{variables.ModelPackageArn}"


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What the stages refer to."""

    settings: Settings
    prepare: str
    test: str
    role_arn: str

    def test_action(self, name: str, mode: str, stage: str, run_order: int) -> actions.Action:
        environment = {"MODE": mode, "STAGE": stage, "MODEL_PACKAGE_ARN": MODEL_PACKAGE_ARN}
        return actions.build(name, self.test, run_order=run_order, environment=environment)


def add_deploy_pipeline(stack: Stack, settings: Settings, roles: ProjectRoles, bucket: str) -> codepipeline.CfnPipeline:
    """Make the pipeline that takes one approved model version to production."""
    prepare = add_build(stack, settings, _build(settings, roles, bucket, test=False))
    test = add_build(stack, settings, _build(settings, roles, bucket, test=True))
    parts = _Parts(settings=settings, prepare=prepare.ref, test=test.ref, role_arn=roles.deploy.attr_arn)
    definition = actions.PipelineDefinition(
        logical_id="DeployPipeline",
        name=names.MODELDEPLOY,
        stages=(
            ("Source", (actions.source(names.MODELDEPLOY, settings),)),
            ("Prepare", (_prepare(parts),)),
            ("Staging", _staging(parts)),
            ("Production", _production(parts)),
        ),
        variables=(
            actions.Variable(name="ModelPackageArn", description="ARN of the approved model version to deploy"),
        ),
    )
    return actions.add_pipeline(stack, definition, role_arn=roles.pipeline.attr_arn, bucket=bucket)


def _prepare(parts: _Parts) -> actions.Action:
    environment = {"MODEL_PACKAGE_ARN": MODEL_PACKAGE_ARN}
    return actions.build("Prepare", parts.prepare, environment=environment, outputs=(actions.DEPLOY_ARTIFACT,))


def _staging(parts: _Parts) -> tuple[actions.Action, ...]:
    return (
        # No update repairs a stack whose creation failed. Nothing depends on staging: it may be replaced.
        actions.deploy(
            "DeployStaging",
            stack_name=names.STAGING_STACK,
            role_arn=parts.role_arn,
            stage="staging",
            run_order=1,
            mode="REPLACE_ON_FAILURE",
        ),
        parts.test_action("TestStaging", "test", "staging", 2),
    )


def _production(parts: _Parts) -> tuple[actions.Action, ...]:
    question = f"Deploy model version {MODEL_PACKAGE_ARN} to production? It passed the tests of the staging endpoint."
    return (
        actions.approval("ApproveProduction", question),
        parts.test_action("VerifyModelVersion", "verify", "prod", 2),
        actions.deploy(
            "DeployProduction", stack_name=names.PRODUCTION_STACK, role_arn=parts.role_arn, stage="prod", run_order=3
        ),
        parts.test_action("VerifyProduction", "test", "prod", 4),
    )


def _build(settings: Settings, roles: ProjectRoles, bucket: str, *, test: bool) -> Build:
    return Build(
        logical_id="TestProject" if test else "PrepareProject",
        name=names.TEST if test else names.PREPARE,
        description="Tests an endpoint and verifies what it serves" if test else "Prepares the endpoint template",
        buildspec="buildspec.test.yml" if test else "buildspec.yml",
        role_arn=roles.deploy_build.attr_arn,
        minutes=settings.deploy_minutes,
        environment=project_environment(roles.execution.attr_arn, bucket),
    )
