"""Checking a pipeline's structure before it is stored.

Source: "CodePipeline pipeline structure reference" (User Guide) for the rules; the messages that AWS is known to give
are kept word for word. All mistakes are reported together, under the code of the first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.services.codepipeline.condition_validation import condition_problems, refuse_conditions
from lockgate_twin.services.codepipeline.declaration import Action, Pipeline, Stage
from lockgate_twin.services.codepipeline.providers import PROVIDERS, Provider
from lockgate_twin.services.codepipeline.variables import PIPELINE_VARIABLES, SERVICE, SERVICE_NAMES, references

Problem = tuple[str, str]
STRUCTURE = "InvalidStructureException"
ACTION = "InvalidActionDeclarationException"
STAGE = "InvalidStageDeclarationException"
_ACTION_NOT_IMPLEMENTED = ("commands", "outputVariables", "environmentVariables")
_STAGE_NOT_IMPLEMENTED = ("blockers",)


def validate(pipeline: Pipeline) -> None:
    """Check a pipeline.

    Raises:
        NotImplementedByTwin: it uses what the twin would otherwise ignore.
        ApiError: its structure is not valid.
    """
    _refuse_unknown(pipeline)
    problems = [
        *_structure(pipeline),
        *condition_problems(pipeline),
        *_actions(pipeline),
        *_artifacts(pipeline),
        *_variables(pipeline),
    ]
    if problems:
        raise ApiError(problems[0][0], "; ".join(message for _, message in problems))


def _refuse_unknown(pipeline: Pipeline) -> None:
    raw = pipeline.raw
    if raw.get("artifactStores"):
        raise NotImplementedByTwin("CodePipeline's artifactStores")
    if raw.get("triggers"):
        # Source: PipelineTriggerDeclaration (API Reference), whose only provider type is CodeStarSourceConnection.
        message = "CodePipeline's triggers, which need a source action with a connection (CodeConnections)"
        raise NotImplementedByTwin(f"{message}: for CodeCommit, use an EventBridge rule")
    for stage in raw["stages"]:
        refuse_conditions(stage)
        _refuse_members(stage, _STAGE_NOT_IMPLEMENTED, f"of stage {stage['name']}")
        for action in stage["actions"]:
            _refuse_action(action, pipeline.region)


def _refuse_action(action: Mapping[str, Any], region: str) -> None:
    _refuse_members(action, _ACTION_NOT_IMPLEMENTED, f"of action {action['name']}")
    if action.get("region", region) != region:
        raise NotImplementedByTwin(f"CodePipeline's action {action['name']} in another region")
    kind = action["actionTypeId"]
    provider = PROVIDERS.get(kind["provider"])
    if provider is None or kind["owner"] != "AWS" or kind["version"] != "1":
        what = f"{kind['owner']} {kind['category']} provider {kind['provider']} version {kind['version']}"
        raise NotImplementedByTwin(f"CodePipeline's {what} (action {action['name']})")
    if refused := provider.refused(action["configuration"]):
        raise NotImplementedByTwin(f"{refused} (CodePipeline action {action['name']})")


def _refuse_members(raw: Mapping[str, Any], members: Iterable[str], where: str) -> None:
    for member in members:
        if raw.get(member):
            raise NotImplementedByTwin(f"CodePipeline's {member} {where}")


def _structure(pipeline: Pipeline) -> Iterator[Problem]:
    stages, raw = pipeline.stages, pipeline.raw
    if len(stages) < 2:
        message = f"Pipeline has only {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        yield STRUCTURE, message
    if not pipeline.bucket:
        yield STRUCTURE, "The pipeline needs an artifactStore"
    for name in _repeated(stage.name for stage in stages):
        yield STRUCTURE, f"Stage names must be unique within the pipeline. {name} has been used more than once."
    if stages and any(action.type.category != "Source" for action in stages[0].actions):
        yield STRUCTURE, "Pipeline should start with a stage that only contains source actions"
    for stage in stages[1:]:
        for action in stage.actions:
            if action.type.category == "Source":
                yield STRUCTURE, f"Source action {action.name} must be in the first stage, not in {stage.name}"
    if raw["pipelineType"] == "V1" and (raw["executionMode"] != "SUPERSEDED" or raw.get("variables")):
        yield STRUCTURE, "Execution modes QUEUED and PARALLEL and pipeline variables need pipeline type V2"


def _actions(pipeline: Pipeline) -> Iterator[Problem]:
    for stage in pipeline.stages:
        if not stage.actions:
            yield STAGE, f"Stage {stage.name} has no actions"
        for name in _repeated(action.name for action in stage.actions):
            yield STRUCTURE, f"Action names must be unique within a stage. {name} has been used more than once."
        for action in stage.actions:
            yield from _action(action, PROVIDERS[action.type.provider])


def _action(action: Action, provider: Provider) -> Iterator[Problem]:
    if action.type.category not in provider.categories:
        kind = f"Category: '{action.type.category}', Provider: '{action.type.provider}', Owner: 'AWS', Version: '1'"
        yield ACTION, f"ActionType ({kind}) in action '{action.name}' is not available"
    for kind, names, (least, most) in (
        ("input", action.inputs, provider.inputs),
        ("output", action.outputs, provider.outputs),
    ):
        said = f"Action {action.name} declares {len(names)} {kind} artifacts which is"
        if len(names) < least:
            yield ACTION, f"{said} less than the minimum count ({least})"
        if len(names) > most:
            yield ACTION, f"{said} more than the maximum count ({most})"
    needed = provider.required | provider.needed(action.configuration)
    for key in sorted(needed - set(action.configuration)):
        yield ACTION, f"Action configuration for action '{action.name}' is missing required configuration '{key}'"
    for key in sorted(set(action.configuration) - provider.required - provider.optional):
        yield ACTION, f"Action configuration for action '{action.name}' contains unknown configuration '{key}'"
    if action.timeout_minutes is not None and action.type.category != "Approval":
        yield ACTION, f"Action {action.name} cannot have a timeout: only manual approvals can"
    yield from _artifact_names(action)


def _artifact_names(action: Action) -> Iterator[Problem]:
    """Check the artifacts that a configuration names."""
    primary = action.configuration.get("PrimarySource")
    if len(action.inputs) > 1 and action.type.provider == "CodeBuild" and primary is None:
        yield ACTION, f"Action {action.name} has several input artifacts and needs the configuration PrimarySource"
    named = [primary] if primary else []
    for key in ("TemplatePath", "TemplateConfiguration"):
        if key in action.configuration:
            artifact, separator, path = action.configuration[key].partition("::")
            named.append(artifact)
            if not separator or not path:
                yield ACTION, f"{key} of action {action.name} must have the form ArtifactName::FileName"
    for artifact in named:
        if artifact not in action.inputs:
            yield ACTION, f"Action {action.name} names the artifact {artifact}, which is not among its input artifacts"


def _artifacts(pipeline: Pipeline) -> Iterator[Problem]:
    outputs = [name for stage in pipeline.stages for action in stage.actions for name in action.outputs]
    for name in _repeated(outputs):
        message = (
            f"Output Artifact Bundle name must be unique within the pipeline. {name} has been used more than once."
        )
        yield STRUCTURE, message
    for action, earlier in _with_earlier(pipeline.stages):
        known = {name for other in earlier for name in other.outputs}
        for name in action.inputs:
            if name not in known:
                message = f"Input Artifact Bundle {name} of action {action.name} is no output of an earlier action"
                yield STRUCTURE, message


def _variables(pipeline: Pipeline) -> Iterator[Problem]:
    for name in _repeated(v["name"] for v in pipeline.raw.get("variables", [])):
        yield STRUCTURE, f"Variable names must be unique within the pipeline. {name} has been used more than once."
    every = [action for stage in pipeline.stages for action in stage.actions]
    for namespace in _repeated(action.namespace for action in every if action.namespace):
        yield STRUCTURE, f"The namespace {namespace} has been used more than once"
    known = {PIPELINE_VARIABLES: set(pipeline.variables), SERVICE: SERVICE_NAMES}
    for action, earlier in _with_earlier(pipeline.stages):
        namespaces = {other.namespace for other in earlier}
        for namespace, name in (r for text in action.configuration.values() for r in references(text)):
            valid = name in known[namespace] if namespace in known else namespace in namespaces
            if not valid:
                message = f"Action {action.name} refers to #{{{namespace}.{name}}}, which nothing before it defines"
                yield ACTION, message


def _with_earlier(stages: Iterable[Stage]) -> Iterator[tuple[Action, list[Action]]]:
    """Yield each action with those that have ended before it starts."""
    before: list[Action] = []
    for stage in stages:
        for action in stage.actions:
            yield action, [*before, *(other for other in stage.actions if other.run_order < action.run_order)]
        before += stage.actions


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
