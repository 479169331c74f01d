"""One execution of a pipeline and its steps: what Describe and List operations tell, and who may change it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Principal, utc_now
from lockgate_twin.services.kept import NOT_KEPT, Kept
from lockgate_twin.services.sagemaker.names import Place, user_context
from lockgate_twin.services.sagemaker.pipeline_definition import Definition, Step

MAX_STEP_REASON = 1024
MAX_EXECUTION_REASON = 1300
FINAL = frozenset({"Succeeded", "Failed", "Stopped"})


@dataclass
class StepRun(Kept):
    """One step that was started (or, if `skipped`, never will be; `hidden` ones only stand for a decision)."""

    step: Step
    status: str = "Starting"
    started: datetime = field(default_factory=utc_now)
    ended: datetime | None = None
    attempts: int = 1
    reason: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    cache_source: str | None = None
    selective_source: str | None = None
    iteration: Mapping[str, Any] | None = None
    skipped: bool = False
    hidden: bool = False

    def described(self) -> dict[str, Any]:
        """Return the members of PipelineExecutionStep."""
        members = {
            "StepName": self.step.name,
            "StepDisplayName": self.step.display_name,
            "StepDescription": self.step.description,
            "StartTime": self.started,
            "EndTime": self.ended,
            "StepStatus": self.status,
            "AttemptCount": self.attempts,
            "FailureReason": self.reason,
            "Metadata": dict(self.metadata) or None,
            "CacheHitResult": _source(self.cache_source),
            "SelectiveExecutionResult": _source(self.selective_source),
            "IterationContext": dict(self.iteration) if self.iteration else None,
        }
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Start:
    """What an execution was started with."""

    place: Place
    pipeline_name: str
    pipeline_arn: str
    version: int
    role_arn: str
    definition: Definition
    parameters: Mapping[str, Any]
    request: Mapping[str, Any]
    principal: Principal
    max_parallel: int | None = None


@dataclass
class Execution(Kept):
    """An execution; its own thread changes it, `request_stop` asks that thread to end.

    `changes` are the members that updates and retries gave later than the start; `retry_tokens` the retries' requests.
    """

    start: Start
    id: str
    serial: int
    status: str = "Executing"
    reason: str | None = None
    created: datetime = field(default_factory=utc_now)
    modified: datetime = field(default_factory=utc_now)
    changes: dict[str, Any] = field(default_factory=dict)
    changed_by: Principal | None = None
    retry_tokens: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, StepRun] = field(default_factory=dict, metadata=NOT_KEPT)
    stop_requested: threading.Event = field(default_factory=threading.Event, metadata=NOT_KEPT)
    done: threading.Event = field(default_factory=threading.Event, metadata=NOT_KEPT)
    _lock: threading.Lock = field(default_factory=threading.Lock, metadata=NOT_KEPT)
    _on_stop: list[Callable[[], None]] = field(default_factory=list, metadata=NOT_KEPT)

    @property
    def arn(self) -> str:
        """Return the execution's ARN."""
        return f"{self.start.pipeline_arn}/execution/{self.id}"

    @property
    def display_name(self) -> str:
        """Return the name given at the start, or one made of the time, as AWS."""
        given = self.settings.get("PipelineExecutionDisplayName")
        return str(given or f"execution-{int(self.created.timestamp() * 1000)}")

    @property
    def settings(self) -> dict[str, Any]:
        """Return the request that started it, as changed since."""
        return {**self.start.request, **self.changes}

    @property
    def max_parallel(self) -> int | None:
        """Return how many steps may run at once; None is no limit."""
        given: int | None = self.changes.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps")
        return given or self.start.max_parallel

    def variables(self) -> dict[str, str]:
        """Return the values of Execution.*."""
        return {
            "PipelineName": self.start.pipeline_name,
            "PipelineArn": self.start.pipeline_arn,
            "PipelineExecutionId": self.id,
            "PipelineExecutionArn": self.arn,
            "StartDateTime": self.created.isoformat(),
            "CurrentDateTime": utc_now().isoformat(),
        }

    def on_stop(self, act: Callable[[], None]) -> None:
        """Call `act` when the execution is asked to stop, at once if it already is."""
        with self._lock:
            self._on_stop.append(act)
            late = self.stop_requested.is_set()
        if late:
            act()

    def request_stop(self) -> None:
        """Start no more steps and stop those that run."""
        with self._lock:
            self.stop_requested.set()
            actions = list(self._on_stop)
        for act in actions:
            act()

    def enter(self, status: str, reason: str | None = None) -> bool:
        """Change the status; False if it is final already."""
        with self._lock:
            if self.status in FINAL:
                return False
            self.status, self.modified = status, utc_now()
            self.reason = reason[:MAX_EXECUTION_REASON] if reason else None
            return True

    def reopen(self) -> list[StepRun]:
        """Be executing again, without the steps that did not succeed; these are returned.

        Raises:
            ValueError: it is not over, or succeeded.
        """
        with self._lock:
            if self.status not in {"Failed", "Stopped"}:
                raise ValueError(self.status)
            dropped = [run for run in self.steps.values() if run.status != "Succeeded" and not run.hidden]
            for run in dropped:
                del self.steps[run.step.name]
            self.status, self.reason, self.modified = "Executing", None, utc_now()
            self.stop_requested, self.done = threading.Event(), threading.Event()
            self._on_stop.clear()
        return [run for run in dropped if not run.skipped]

    def described(self) -> dict[str, Any]:
        """Return DescribePipelineExecution's members."""
        who = user_context(self.start.principal)
        members = {
            "PipelineArn": self.start.pipeline_arn,
            **self.summary(),
            "FailureReason": self.reason,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            "CreatedBy": who,
            "LastModifiedBy": user_context(self.changed_by) if self.changed_by else who,
            "ParallelismConfiguration": self.settings.get("ParallelismConfiguration"),
            "SelectiveExecutionConfig": self.start.request.get("SelectiveExecutionConfig"),
            "PipelineVersionId": self.start.version,
            "RoleArn": self.start.role_arn,
        }
        hidden = {"StartTime", "PipelineExecutionFailureReason"}
        return {name: value for name, value in members.items() if value is not None and name not in hidden}

    def summary(self) -> dict[str, Any]:
        """Return ListPipelineExecutions' members."""
        members = {
            "PipelineExecutionArn": self.arn,
            "StartTime": self.created,
            "PipelineExecutionStatus": self.status,
            "PipelineExecutionDescription": self.settings.get("PipelineExecutionDescription"),
            "PipelineExecutionDisplayName": self.display_name,
            "PipelineExecutionFailureReason": self.reason,
        }
        return {name: value for name, value in members.items() if value is not None}


def _source(arn: str | None) -> dict[str, str] | None:
    return {"SourcePipelineExecutionArn": arn} if arn else None
