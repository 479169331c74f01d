"""The CodeBuild build and test action.

Source: "CodeBuild build and test action reference" (CodePipeline User Guide).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate_twin.services.codebuild import PipelineBuild, PipelineBuilds
from lockgate_twin.services.codepipeline.actions.request import ActionFailedError, ActionRequest
from lockgate_twin.services.codepipeline.execution import ActionResult, Artifact

_TYPES = {"PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"}
_CONSOLE = "https://console.aws.amazon.com/codebuild/home?region={region}#/builds/{build}/view/new"


class CodeBuildAction:
    """Builds in the twin's own CodeBuild."""

    def __init__(self, builds: PipelineBuilds) -> None:
        self._builds = builds

    def run(self, request: ActionRequest) -> ActionResult:
        """Start a build of the action's project and wait for its end."""
        pipeline, project = request.pipeline, request.configuration["ProjectName"]
        arn = f"arn:aws:codebuild:{pipeline.region}:{pipeline.account}:project/{project}"
        for permission in ("StartBuild", "BatchGetBuilds"):
            request.session.require(f"codebuild:{permission}", arn)
        primary = request.configuration.get("PrimarySource") or request.action.inputs[0]
        build = PipelineBuild(
            account=pipeline.account,
            region=pipeline.region,
            project=project,
            pipeline=pipeline.name,
            inputs={name: artifact.location for name, artifact in request.inputs.items()},
            primary=primary,
            outputs={name: request.store.place(name) for name in request.action.outputs},
            variables=_variables(request.configuration.get("EnvironmentVariables")),
            revision=request.inputs[primary].revision,
        )
        return self._await(request, build)

    def _await(self, request: ActionRequest, build: PipelineBuild) -> ActionResult:
        build_id = self._builds.start(build)
        request.report(build_id, _CONSOLE.format(region=build.region, build=build_id))
        result = self._builds.wait(build_id)
        if result.status != "SUCCEEDED":
            message = f"Build terminated with state: {result.status}. {result.failure}"
            raise ActionFailedError("JobFailed", message)
        outputs = {name: Artifact(location=at, revision=build.revision) for name, at in build.outputs.items()}
        return ActionResult(summary="Build succeeded", variables=result.exported, outputs=outputs)


def _variables(text: str | None) -> Sequence[Mapping[str, str]]:
    """Read the EnvironmentVariables configuration: a JSON array of {name, value, type}."""
    try:
        variables: Any = json.loads(text or "[]")
        read = [{"name": v["name"], "value": v["value"], "type": v.get("type", "PLAINTEXT")} for v in variables]
    except (ValueError, KeyError, TypeError, AttributeError):
        message = f"EnvironmentVariables is not a JSON array of objects with name and value: {text}"
        raise ActionFailedError("ConfigurationError", message) from None
    wrong = [v["name"] for v in read if v["type"] not in _TYPES or not isinstance(v["value"], str)]
    if wrong:
        message = f"EnvironmentVariables: {wrong[0]} needs a text value and a type of {sorted(_TYPES)}"
        raise ActionFailedError("ConfigurationError", message)
    return read
