"""Rolling a stage back: a new execution runs that stage alone again, with what an earlier one had there.

Source: "Roll back a stage manually" and "Configure a stage for automatic rollback" (CodePipeline User Guide): the
target must have succeeded in the stage, with the current structure of the pipeline, and be no rollback itself; there is
no rollback in PARALLEL mode or of a source stage.
"""

from __future__ import annotations

from dataclasses import replace

from lockgate_twin.errors import ApiError
from lockgate_twin.services.codepipeline.execution import Execution, Trigger
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord

AUTOMATIC, MANUAL = "AutomatedRollback", "ManualRollback"


def rollback_of(record: PipelineRecord, target: Execution, stage: str, trigger: Trigger) -> Execution:
    """Return the execution that rolls a stage back to a target. Call with the record's lock held.

    Raises:
        ApiError: the target or the pipeline does not allow it.
    """
    pipeline = record.pipeline
    if pipeline.stage(stage) is None:
        raise ApiError("StageNotFoundException", f"The pipeline has no stage '{stage}'.")
    if target.pipeline.version != pipeline.version:
        message = (
            f"Execution {target.execution_id} ran version {target.pipeline.version} of the pipeline, not this one."
        )
        raise ApiError("PipelineExecutionOutdatedException", message)
    if why := _refusal(record, target, stage):
        raise ApiError("UnableToRollbackStageException", f"Unable to roll back stage {stage}: {why}.")
    return Execution(
        pipeline=pipeline,
        trigger=trigger,
        variables=target.variables,
        pinned=target.pinned,
        artifacts=dict(target.artifacts),
        revisions=[replace(revision) for revision in target.revisions],
        outputs=dict(target.outputs),
        rolled_back_to=target.execution_id,
        only_stage=stage,
    )


def last_good(record: PipelineRecord, failed: Execution, stage: str) -> Execution | None:
    """Return the latest execution before this one to which a stage can be rolled back, or None."""
    found = [e for e in record.executions.values() if e is not failed and e.start <= failed.start]
    return next((e for e in reversed(found) if _fits(record, e, stage)), None)


def _fits(record: PipelineRecord, target: Execution, stage: str) -> bool:
    return target.pipeline.version == record.pipeline.version and not _refusal(record, target, stage)


def _refusal(record: PipelineRecord, target: Execution, stage: str) -> str:
    run = target.stages.get(stage)
    if record.pipeline.mode == "PARALLEL":
        return "the pipeline is in PARALLEL mode"
    if record.pipeline.stages[0].name == stage:
        return "it is the source stage"
    if target.rolled_back_to:
        return f"execution {target.execution_id} is a rollback itself"
    if run is None or run.status != "Succeeded":
        return f"execution {target.execution_id} has not succeeded in it"
    return ""
