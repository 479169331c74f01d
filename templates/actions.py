"""CodePipeline actions and stages the product's two pipelines are made of.

Every value of an action's configuration must stay below 1000 characters (CodePipeline quota).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aws_cdk import Fn, Stack
from aws_cdk import aws_codepipeline as codepipeline

from templates import hub
from templates.settings import Settings

SOURCE_ARTIFACT = "SourceArtifact"
DEPLOY_ARTIFACT = "DeployArtifact"

_CATEGORIES = {
    "CodeCommit": "Source",
    "CodeBuild": "Build",
    "CloudFormation": "Deploy",
    "Manual": "Approval",
}


@dataclass(frozen=True, kw_only=True)
class Action:
    """One of AWS's actions: its name and provider, when it runs in its stage, what it takes and what it gives."""

    name: str
    provider: str
    configuration: dict[str, str]
    run_order: int = 1
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def declaration(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """The action as CloudFormation takes it."""
        return codepipeline.CfnPipeline.ActionDeclarationProperty(
            name=self.name,
            action_type_id=codepipeline.CfnPipeline.ActionTypeIdProperty(
                category=_CATEGORIES[self.provider], owner="AWS", provider=self.provider, version="1"
            ),
            configuration=self.configuration,
            input_artifacts=_artifacts(codepipeline.CfnPipeline.InputArtifactProperty, self.inputs),
            output_artifacts=_artifacts(codepipeline.CfnPipeline.OutputArtifactProperty, self.outputs),
            run_order=self.run_order,
        )


@dataclass(frozen=True, kw_only=True)
class Variable:
    """What a start of a pipeline may give, and must where there is no default."""

    name: str
    description: str
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class PipelineDefinition:
    """One pipeline: its stages in order (a name and its actions) and its variables."""

    logical_id: str
    name: str
    stages: tuple[tuple[str, tuple[Action, ...]], ...]
    variables: tuple[Variable, ...] = ()


def source(repository: str, settings: Settings) -> Action:
    """Take the main branch of a repository; the hub's router starts the pipeline, CodePipeline watches nothing."""
    return Action(
        name="Source",
        provider="CodeCommit",
        configuration={
            "RepositoryName": Fn.sub(repository),
            "BranchName": settings.branch,
            "PollForSourceChanges": "false",
        },
        outputs=(SOURCE_ARTIFACT,),
    )


def build(
    name: str, project: str, *, run_order: int = 1, environment: dict[str, str], outputs: tuple[str, ...] = ()
) -> Action:
    """Run a CodeBuild project on the source with these variables besides the project's own."""
    variables = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in environment.items()]
    configuration = {"ProjectName": project}
    if variables:
        configuration["EnvironmentVariables"] = json.dumps(variables, separators=(",", ":"))
    return Action(
        name=name,
        provider="CodeBuild",
        configuration=configuration,
        run_order=run_order,
        inputs=(SOURCE_ARTIFACT,),
        outputs=outputs,
    )


def deploy(
    name: str, *, stack_name: str, role_arn: str, stage: str, run_order: int, mode: str = "CREATE_UPDATE"
) -> Action:
    """Create or update an endpoint stack, without capabilities: what a deployment brings cannot make IAM entities."""
    return Action(
        name=name,
        provider="CloudFormation",
        configuration={
            "ActionMode": mode,
            "StackName": Fn.sub(stack_name),
            "RoleArn": role_arn,
            "TemplatePath": f"{DEPLOY_ARTIFACT}::template-export.yaml",
            "TemplateConfiguration": f"{DEPLOY_ARTIFACT}::{stage}-config-export.json",
        },
        run_order=run_order,
        inputs=(DEPLOY_ARTIFACT,),
    )


def approval(name: str, question: str) -> Action:
    """Wait for a person's answer to this question."""
    return Action(name=name, provider="Manual", configuration={"CustomData": question})


def add_pipeline(
    stack: Stack, definition: PipelineDefinition, *, role_arn: str, bucket: str
) -> codepipeline.CfnPipeline:
    """Make the pipeline. QUEUED: executions wait for one another, so that none overtakes or is dropped half-way."""
    return codepipeline.CfnPipeline(
        stack,
        definition.logical_id,
        name=Fn.sub(definition.name),
        pipeline_type="V2",
        execution_mode="QUEUED",
        role_arn=role_arn,
        artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
            type="S3",
            location=bucket,
            encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                id=hub.value(hub.Setting.KMS_KEY_ARN), type="KMS"
            ),
        ),
        stages=[
            codepipeline.CfnPipeline.StageDeclarationProperty(
                name=name, actions=[action.declaration() for action in stage_actions]
            )
            for name, stage_actions in definition.stages
        ],
        variables=[
            codepipeline.CfnPipeline.VariableDeclarationProperty(
                name=variable.name, description=variable.description, default_value=variable.default
            )
            for variable in definition.variables
        ]
        or None,
    )


def _artifacts(kind: type[Any], artifacts: tuple[str, ...]) -> list[Any] | None:
    return [kind(name=name) for name in artifacts] or None
