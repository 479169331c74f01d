"""Turning a project and a request into a build order."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import utc_now
from lockgate_twin.services.codebuild.locations import S3Location
from lockgate_twin.services.codebuild.order import BuildOrder
from lockgate_twin.services.codebuild.projects import ProjectData, check
from lockgate_twin.services.codebuild.secondary import secondary_inputs

_OVERRIDES = {
    "timeoutInMinutesOverride": "timeoutInMinutes",
    "queuedTimeoutInMinutesOverride": "queuedTimeoutInMinutes",
    "serviceRoleOverride": "serviceRole",
    "encryptionKeyOverride": "encryptionKey",
    "artifactsOverride": "artifacts",
    "logsConfigOverride": "logsConfig",
    "cacheOverride": "cache",
    "secondarySourcesOverride": "secondarySources",
    "secondaryArtifactsOverride": "secondaryArtifacts",
}
_SOURCE_OVERRIDES = {
    "sourceTypeOverride": "type",
    "sourceLocationOverride": "location",
    "buildspecOverride": "buildspec",
}
_ENVIRONMENT_OVERRIDES = {
    "environmentTypeOverride": "type",
    "imageOverride": "image",
    "computeTypeOverride": "computeType",
}
_UNDERSTOOD = {
    *_OVERRIDES,
    *_SOURCE_OVERRIDES,
    *_ENVIRONMENT_OVERRIDES,
    "projectName",
    "environmentVariablesOverride",
    "idempotencyToken",
}


@dataclass(frozen=True, kw_only=True)
class PipelineBuild:
    """A build that CodePipeline asks for.

    `inputs` and `outputs` are its artifacts by name, `primary` names the input the build runs in, `variables` are
    EnvironmentVariable shapes, `revision` is the source revision behind the primary input, if one is known.
    """

    account: str
    region: str
    project: str
    pipeline: str
    inputs: Mapping[str, S3Location]
    primary: str
    outputs: Mapping[str, S3Location] = field(default_factory=dict)
    variables: Sequence[Mapping[str, str]] = ()
    revision: str | None = None


def direct_order(project: ProjectData, request: Mapping[str, Any], initiator: str, number: int) -> BuildOrder:
    """Return the order for a StartBuild request.

    Raises:
        ApiError: the project cannot be built without its pipeline, an override is invalid or not implemented.
    """
    unknown = sorted(name for name, value in request.items() if value and name not in _UNDERSTOOD)
    if unknown:
        raise NotImplementedByTwin(f"CodeBuild's StartBuild.{unknown[0]}")
    changed = _overridden(project, request)
    if changed["source"]["type"] == "CODEPIPELINE":
        message = f"{project['name']} takes its source from a pipeline: start the pipeline, or override the source."
        raise ApiError("InvalidInputException", message)
    if changed["artifacts"]["type"] == "CODEPIPELINE":
        changed["artifacts"] = {"type": "NO_ARTIFACTS"}
    check(changed)
    inputs = secondary_inputs(changed)
    if changed["source"]["type"] == "S3":
        inputs["source"] = S3Location.parse(changed["source"]["location"])
    return _order(changed, number, {"initiator": initiator, "inputs": inputs, "primary": "source"})


def pipeline_order(project: ProjectData, build: PipelineBuild, number: int) -> BuildOrder:
    """Return the order for a build in a pipeline, which decides on sources and artifacts whatever the project says.

    Source: "CodeBuild build and test" action (CodePipeline User Guide).
    """
    variables = _merged(project["environment"]["environmentVariables"], build.variables)
    changed = {
        **project,
        "secondarySources": (),
        "secondaryArtifacts": (),
        "source": {**project["source"], "type": "CODEPIPELINE"},
        "artifacts": {"type": "CODEPIPELINE"},
        "environment": {**project["environment"], "environmentVariables": variables},
    }
    known = {
        "initiator": f"codepipeline/{build.pipeline}",
        "inputs": build.inputs,
        "primary": build.primary,
        "outputs": build.outputs,
        "source_version": build.inputs[build.primary].arn,
        "resolved_version": build.revision,
    }
    return _order(changed, number, known)


def _overridden(project: ProjectData, request: Mapping[str, Any]) -> ProjectData:
    changed = {**project, **_renamed(request, _OVERRIDES)}
    changed["source"] = {**project["source"], **_renamed(request, _SOURCE_OVERRIDES)}
    variables = _merged(project["environment"]["environmentVariables"], request.get("environmentVariablesOverride", []))
    overrides = _renamed(request, _ENVIRONMENT_OVERRIDES)
    changed["environment"] = {**project["environment"], **overrides, "environmentVariables": variables}
    return changed


def _renamed(request: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {member: request[name] for name, member in names.items() if name in request}


def _merged(old: Sequence[Mapping[str, str]], new: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    by_name = {v["name"]: {"type": "PLAINTEXT", **v} for v in (*old, *new)}
    return list(by_name.values())


def _order(project: ProjectData, number: int, known: Mapping[str, Any]) -> BuildOrder:
    _, _, _, region, account, _ = project["arn"].split(":", 5)
    build_uuid = str(uuid.uuid4())
    logs = project.get("logsConfig", {}).get("cloudWatchLogs", {"status": "ENABLED"})
    group = logs.get("groupName") or f"/aws/codebuild/{project['name']}"
    return BuildOrder(
        account=account,
        region=region,
        project=project["name"],
        number=number,
        build_id=f"{project['name']}:{build_uuid}",
        started=utc_now(),
        service_role=project["serviceRole"],
        environment=project["environment"],
        source=project["source"],
        artifacts=project["artifacts"],
        timeout_minutes=project["timeoutInMinutes"],
        queued_timeout_minutes=project["queuedTimeoutInMinutes"],
        encryption_key=project["encryptionKey"],
        secondary_sources=tuple(project.get("secondarySources", ())),
        secondary_artifacts=tuple(project.get("secondaryArtifacts", ())),
        log_group=group if logs["status"] == "ENABLED" else None,
        log_stream="/".join(part for part in (logs.get("streamName"), build_uuid) if part),
        **known,
    )
