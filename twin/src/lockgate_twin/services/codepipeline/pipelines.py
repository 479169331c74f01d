"""The pipelines of the twin: versions, tags, executions, and one lock each."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Store, utc_now
from lockgate_twin.services.codepipeline.declaration import Pipeline
from lockgate_twin.services.codepipeline.execution import Execution, StageRun
from lockgate_twin.services.codepipeline.gates import Gate


@dataclass(kw_only=True)
class PipelineRecord:
    """A pipeline with all that happened to it. Hold `changed` to read or change anything in it.

    `passes` holds, by stage, the execution that entered it last and its pass; `tokens` the executions started by
    client request tokens.
    """

    pipeline: Pipeline
    created: datetime = field(default_factory=utc_now)
    updated: datetime = field(default_factory=utc_now)
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: dict[int, Pipeline] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    passes: dict[str, tuple[Execution, StageRun]] = field(default_factory=dict)
    gates: defaultdict[str, Gate] = field(default_factory=lambda: defaultdict(Gate))
    tokens: dict[str, str] = field(default_factory=dict)
    changed: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def replace(self, pipeline: Pipeline) -> None:
        """Store a version of the pipeline."""
        self.pipeline = pipeline
        self.versions[pipeline.version] = pipeline
        self.updated = utc_now()

    def abandon_executions(self) -> None:
        """Give up every execution that is under way."""
        with self.changed:
            for execution in self.executions.values():
                execution.abandon()
            self.changed.notify_all()

    def execution(self, execution_id: str) -> Execution:
        """Return an execution.

        Raises:
            ApiError: PipelineExecutionNotFoundException.
        """
        found = self.executions.get(execution_id)
        if found is None:
            message = f"The pipeline {self.pipeline.name} has no execution {execution_id}."
            raise ApiError("PipelineExecutionNotFoundException", message)
        return found


class Pipelines:
    """All pipelines by account, region and name."""

    def __init__(self) -> None:
        self._store = Store()
        self._lock = threading.Lock()

    def add(self, record: PipelineRecord) -> None:
        """Add a pipeline.

        Raises:
            ApiError: PipelineNameInUseException.
        """
        pipeline = record.pipeline
        key = (pipeline.account, pipeline.region, pipeline.name)
        with self._lock:
            if key in self._store.items:
                message = f"A pipeline with the name '{pipeline.name}' already exists in account '{pipeline.account}'"
                raise ApiError("PipelineNameInUseException", message)
            self._store.items[key] = record

    def get(self, account: str, region: str, name: str) -> PipelineRecord:
        """Return a pipeline.

        Raises:
            ApiError: PipelineNotFoundException.
        """
        found: PipelineRecord | None = self._store.items.get((account, region, name))
        if found is None:
            message = f"Account '{account}' does not have a pipeline with name '{name}'"
            raise ApiError("PipelineNotFoundException", message)
        return found

    def by_arn(self, arn: str) -> PipelineRecord:
        """Return a pipeline by its ARN.

        Raises:
            ApiError: ResourceNotFoundException.
        """
        found: PipelineRecord | None = None
        if arn.count(":") == 5:
            _, _, _, region, account, name = arn.split(":")
            found = self._store.items.get((account, region, name))
        if found is None:
            raise ApiError("ResourceNotFoundException", f"There is no pipeline {arn}.")
        return found

    def remove(self, account: str, region: str, name: str) -> PipelineRecord | None:
        """Remove a pipeline and return it, or None if there was none."""
        with self._lock:
            removed: PipelineRecord | None = self._store.items.pop((account, region, name), None)
        return removed

    def all(self) -> list[PipelineRecord]:
        """Return every pipeline."""
        return list(self._store.items.values())

    def of(self, account: str, region: str) -> list[PipelineRecord]:
        """Return the pipelines of an account and region in order of creation."""
        return self._store.of(account, region)
