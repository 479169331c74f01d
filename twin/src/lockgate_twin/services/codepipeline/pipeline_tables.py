"""What is kept of pipelines: each pipeline, each of its versions and each of its executions as a record of its own.

Who is in a stage and who waits for it follows from the executions, so it is not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Context
from lockgate_twin.services.codepipeline.declaration import Pipeline, parse_pipeline
from lockgate_twin.services.codepipeline.execution import Execution
from lockgate_twin.services.codepipeline.gates import Transition
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord


@dataclass(frozen=True, kw_only=True)
class PipelineState:
    """A pipeline without its versions and executions."""

    account: str
    region: str
    version: int
    created: datetime
    updated: datetime
    tags: Mapping[str, str]
    transitions: Mapping[str, Transition]


@dataclass(frozen=True, kw_only=True)
class ExecutionState:
    """An execution; its pipeline is named by ARN and version."""

    pipeline_arn: str
    version: int
    members: Mapping[str, Any]


class PipelineTables:
    """Pipelines as they are kept (see `pipelines.PipelineKeeper`). Call with the record's lock held."""

    def __init__(self, context: Context) -> None:
        self._pipelines = context.table("codepipeline.pipelines")
        self._versions = context.table("codepipeline.versions")
        self._executions = context.table("codepipeline.executions")
        self._closed = False

    def keep(self, record: PipelineRecord) -> None:
        """Keep a pipeline and its current version."""
        pipeline = record.pipeline
        state = PipelineState(
            account=pipeline.account,
            region=pipeline.region,
            version=pipeline.version,
            created=record.created,
            updated=record.updated,
            tags=dict(record.tags),
            transitions={stage: gate.transition for stage, gate in record.gates.items()},
        )
        if not self._closed:
            self._versions.put(f"{pipeline.arn}/{pipeline.version}", dict(pipeline.raw))
            self._pipelines.put(pipeline.arn, state)

    def keep_execution(self, execution: Execution) -> None:
        """Keep an execution with its stages and actions."""
        pipeline = execution.pipeline
        members = {f.name: getattr(execution, f.name) for f in fields(execution) if f.name != "pipeline"}
        state = ExecutionState(pipeline_arn=pipeline.arn, version=pipeline.version, members=members)
        if not self._closed:
            self._executions.put(execution.execution_id, state)

    def remove(self, record: PipelineRecord) -> None:
        """Forget a pipeline with all that happened to it."""
        arn = record.pipeline.arn
        self._pipelines.remove(arn)
        for version in record.versions:
            self._versions.remove(f"{arn}/{version}")
        for execution_id in record.executions:
            self._executions.remove(execution_id)

    def close(self) -> None:
        """Keep nothing more: what ends from now on ends because the twin does."""
        self._closed = True

    def load(self) -> list[PipelineRecord]:
        """Return the pipelines that are kept, with their executions; what is left of deleted ones is removed."""
        states: dict[str, PipelineState] = dict(self._pipelines.items())
        versions = self._load_versions(states)
        records = {arn: _record(state, versions[arn]) for arn, state in states.items() if arn in versions}
        for execution_id, state in self._executions.items():
            record = records.get(state.pipeline_arn)
            if record is None or state.version not in record.versions:
                self._executions.remove(execution_id)
                continue
            execution = Execution(pipeline=record.versions[state.version], **state.members)
            record.executions[execution_id] = execution
        for record in records.values():
            record.find_passes()
        return list(records.values())

    def _load_versions(self, states: Mapping[str, PipelineState]) -> dict[str, dict[int, Pipeline]]:
        found: dict[str, dict[int, Pipeline]] = {}
        for key, raw in self._versions.items():
            arn, _, number = key.rpartition("/")
            if state := states.get(arn):
                parsed = parse_pipeline(raw, state.account, state.region, version=int(number))
                found.setdefault(arn, {})[int(number)] = parsed
            else:
                self._versions.remove(key)
        return found


def _record(state: PipelineState, versions: dict[int, Pipeline]) -> PipelineRecord:
    record = PipelineRecord(
        pipeline=versions[state.version],
        created=state.created,
        updated=state.updated,
        tags=state.tags,
        versions=versions,
    )
    for stage, transition in state.transitions.items():
        record.gates[stage].transition = transition
    return record
