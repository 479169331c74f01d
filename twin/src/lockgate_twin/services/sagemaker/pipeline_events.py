"""The events of pipeline executions and their steps (Developer Guide, "Pipeline execution state change")."""

from __future__ import annotations

from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.sagemaker.event_json import iso
from lockgate_twin.services.sagemaker.pipeline_execution import Execution, StepRun

EXECUTION_TYPE = "SageMaker Model Building Pipeline Execution Status Change"
STEP_TYPE = "SageMaker Model Building Pipeline Execution Step Status Change"


def execution_changed(execution: Execution, previous: str | None) -> Event:
    """Return the event for an execution that entered its status."""
    detail = {
        "pipelineExecutionDisplayName": execution.display_name,
        "currentPipelineExecutionStatus": execution.status,
        "previousPipelineExecutionStatus": previous,
        "executionStartTime": iso(execution.created),
        "executionEndTime": iso(execution.modified) if execution.status in {"Succeeded", "Failed", "Stopped"} else None,
        "pipelineExecutionDescription": execution.settings.get("PipelineExecutionDescription"),
    }
    return _event(execution, EXECUTION_TYPE, detail)


def step_changed(execution: Execution, run: StepRun, previous: str | None) -> Event:
    """Return the event for a step that entered its status."""
    detail = {
        "metadata": _lower_camel(dict(run.metadata)),
        "stepStartTime": iso(run.started),
        "stepEndTime": iso(run.ended) if run.ended else None,
        "stepName": run.step.name,
        "stepType": run.step.type,
        "previousStepStatus": previous,
        "currentStepStatus": run.status,
        "failureReason": run.reason,
        "cacheHitResult": {"sourcePipelineExecutionArn": run.cache_source} if run.cache_source else None,
    }
    return _event(execution, STEP_TYPE, detail)


def _event(execution: Execution, detail_type: str, detail: dict[str, Any]) -> Event:
    arns = {"pipelineArn": execution.start.pipeline_arn, "pipelineExecutionArn": execution.arn}
    where = execution.start.place
    return Event(
        source="aws.sagemaker",
        detail_type=detail_type,
        detail={name: value for name, value in detail.items() if value is not None} | arns,
        account=where.account,
        region=where.region,
        resources=list(arns.values()),
    )


def _lower_camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _lower_camel(item) for key, item in value.items()}
    return value
