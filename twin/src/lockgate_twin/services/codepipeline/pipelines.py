"""The pipelines of the twin: versions, tags, executions, and one lock each."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Store, utc_now
from lockgate_twin.services.codepipeline.declaration import Pipeline
from lockgate_twin.services.codepipeline.execution import Execution, StageRun
from lockgate_twin.services.codepipeline.gates import Gate


class PipelineKeeper(Protocol):
    """Keeps pipelines and executions beyond the twin's process."""

    def keep(self, record: PipelineRecord) -> None:
        """Keep a pipeline as it is now, its executions apart."""
        ...

    def keep_execution(self, execution: Execution) -> None:
        """Keep an execution as it is now."""
        ...

    def remove(self, record: PipelineRecord) -> None:
        """Forget a pipeline and its executions."""
        ...

    def load(self) -> list[PipelineRecord]:
        """Return what is kept."""
        ...

    def close(self) -> None:
        """Keep nothing more."""
        ...


@dataclass(kw_only=True)
class PipelineRecord:
    """A pipeline with all that happened to it. Hold `changed` to read or change anything in it.

    Whoever changes an execution calls `keep` before he lets go; `Pipelines.keep` is for the pipeline itself. `passes`
    holds, by stage, the execution that entered it last and its pass; `tokens` the executions started by client request
    tokens.
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
    keeper: PipelineKeeper | None = field(default=None, repr=False)

    def keep(self, execution: Execution) -> None:
        """Keep an execution as it is now, unless its pipeline was deleted."""
        if self.keeper is not None:
            self.keeper.keep_execution(execution)

    def find_passes(self) -> None:
        """Find out, from executions that were read again, which one entered each stage last, and by which token."""
        for execution in self.executions.values():
            for name, run in execution.stages.items():
                latest = self.passes.get(name)
                if latest is None or latest[1].entered <= run.entered:
                    self.passes[name] = (execution, run)
            if execution.token is not None:
                self.tokens[execution.token] = execution.execution_id

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

    def __init__(self, keeper: PipelineKeeper) -> None:
        self._keeper = keeper
        self._store = Store()
        self._lock = threading.Lock()
        for record in keeper.load():
            record.keeper = keeper
            self._store.items[_key(record.pipeline)] = record

    def add(self, record: PipelineRecord) -> None:
        """Add a pipeline.

        Raises:
            ApiError: PipelineNameInUseException.
        """
        pipeline, key = record.pipeline, _key(record.pipeline)
        with self._lock:
            if key in self._store.items:
                message = f"A pipeline with the name '{pipeline.name}' already exists in account '{pipeline.account}'"
                raise ApiError("PipelineNameInUseException", message)
            self._keeper.keep(record)
            record.keeper = self._keeper
            self._store.items[key] = record

    def keep(self, record: PipelineRecord) -> None:
        """Keep a pipeline as it is now: its structure, tags and transitions."""
        with record.changed:
            if record.keeper is not None:
                record.keeper.keep(record)

    def close(self) -> None:
        """Keep nothing more."""
        self._keeper.close()

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
            if removed is not None:
                with removed.changed:
                    removed.keeper = None
                    self._keeper.remove(removed)
        return removed

    def all(self) -> list[PipelineRecord]:
        """Return every pipeline."""
        return list(self._store.items.values())

    def of(self, account: str, region: str) -> list[PipelineRecord]:
        """Return the pipelines of an account and region in order of creation."""
        return self._store.of(account, region)


def _key(pipeline: Pipeline) -> tuple[str, str, str]:
    return pipeline.account, pipeline.region, pipeline.name
