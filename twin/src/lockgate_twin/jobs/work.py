"""What a job is to the code that runs it: something to prepare, run and collect, as one role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate_twin.jobs.sandbox import Program
from lockgate_twin.jobs.workspace import Workspace
from lockgate_twin.ports import Session

DEFAULT_MAX_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """One job to do: the validated Create request and the role's session."""

    name: str
    arn: str
    request: Mapping[str, Any]
    session: Session

    @property
    def instances(self) -> int:
        """Return how many instances the job runs on."""
        cluster = self.request.get("ProcessingResources", {}).get("ClusterConfig") or self.request.get("ResourceConfig")
        return int((cluster or {}).get("InstanceCount", 1))

    @property
    def max_seconds(self) -> float:
        """Return StoppingCondition.MaxRuntimeInSeconds (one day when not given, as AWS)."""
        condition = self.request.get("StoppingCondition") or {}
        return float(condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_SECONDS))


class Work(Protocol):
    """The container contract of one kind of job."""

    @property
    def ticket(self) -> Ticket:
        """Return the job to do."""
        ...

    @property
    def directories(self) -> Sequence[str]:
        """Return the directories of /opt/ml that exist before the job."""
        ...

    @property
    def message_file(self) -> str:
        """Return the file of /opt/ml/output in which a failing program says why."""
        ...

    def prepare(self, workspace: Workspace) -> Program:
        """Stage the inputs of one instance and return what to run there.

        Raises:
            JobError: something the author of the job can remove.
        """
        ...

    def collect(self, workspaces: Sequence[Workspace]) -> None:
        """Upload what the finished programs left on all instances.

        Raises:
            JobError: an output cannot be uploaded.
        """
        ...
