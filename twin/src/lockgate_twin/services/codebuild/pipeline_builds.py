"""What CodePipeline uses of CodeBuild, inside the twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lockgate_twin.services.codebuild.build import Build
from lockgate_twin.services.codebuild.start import PipelineBuild


@dataclass(frozen=True, kw_only=True)
class BuildResult:
    """How a build ended: its status, its exported variables and, if it failed, the first failure."""

    status: str
    exported: Mapping[str, str]
    failure: str


class PipelineBuilds:
    """Starts and awaits builds for a service that has checked its permissions itself."""

    def __init__(self, start: Callable[[PipelineBuild], Build], get: Callable[[str], Build]) -> None:
        self._start = start
        self._get = get

    def start(self, build: PipelineBuild) -> str:
        """Start a build and return its id.

        Raises:
            ApiError: ResourceNotFoundException: there is no such project.
        """
        return self._start(build).order.build_id

    def wait(self, build_id: str) -> BuildResult:
        """Wait for the end of a build."""
        build = self._get(build_id)
        outcome = build.wait()
        return BuildResult(status=outcome.status, exported=outcome.exported, failure=_failure(build))


def _failure(build: Build) -> str:
    """Name the first phase that failed; its message names the log file."""
    failed = [p for p in build.phases if p.status not in {None, "SUCCEEDED"}]
    if not failed:
        return ""
    code, message = failed[0].context
    return f"Phase: {failed[0].name}, Code: {code}, Message: {message}"
