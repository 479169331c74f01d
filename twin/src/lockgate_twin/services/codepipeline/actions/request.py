"""What an action is given, and how it fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from lockgate_twin.errors import TwinError
from lockgate_twin.ports import Session
from lockgate_twin.services.codepipeline.artifact_store import ArtifactStore
from lockgate_twin.services.codepipeline.declaration import Action, Pipeline
from lockgate_twin.services.codepipeline.execution import ActionResult, Artifact

Report = Callable[[str, str], None]


class ActionFailedError(TwinError):
    """The action failed: `code` is that of its error details, the message its summary."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class ActionRequest:
    """One action to run: `configuration` has its variables resolved, `session` acts as the pipeline's role.

    `pinned` is the commit that the execution was started for, if any; `report(id, url)` tells the outside job while
    it runs.
    """

    pipeline: Pipeline
    action: Action
    configuration: Mapping[str, str]
    inputs: Mapping[str, Artifact]
    session: Session
    pinned: str | None
    report: Report

    @property
    def store(self) -> ArtifactStore:
        """Return the pipeline's artifacts, used as the pipeline's role."""
        return ArtifactStore(self.pipeline, self.session)


class ActionProvider(Protocol):
    """Runs actions of one provider."""

    def run(self, request: ActionRequest) -> ActionResult:
        """Run one action to its end.

        Raises:
            ActionFailedError: it failed.
            ApiError: AWS refused something.
        """
        ...
