"""CodePipeline's state change events.

Source: "Monitoring CodePipeline events" (User Guide), whose examples write numbers as 1.0: EventBridge tells 1.0
from 1. Events are told outside the pipeline's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lockgate_twin.ports import Event
from lockgate_twin.services.codepipeline.execution import ActionRun, Artifact, Execution


def pipeline_event(execution: Execution, state: str) -> Event:
    """Return a `CodePipeline Pipeline Execution State Change`."""
    detail = {**_common(execution, execution.start), "state": state}
    if state == "STARTED":
        trigger = {"trigger-type": execution.trigger.type, "trigger-detail": execution.trigger.detail}
        detail["execution-trigger"] = trigger
    if state == "STOPPING" and execution.stop_reason:
        detail["stop-execution-comments"] = execution.stop_reason
    return _event("Pipeline", execution, detail)


def stage_event(execution: Execution, stage: str, state: str) -> Event:
    """Return a `CodePipeline Stage Execution State Change`."""
    run = execution.stages[stage]
    detail = {**_common(execution, run.start), "stage": stage, "state": state}
    if run.manual_retries or run.automatic_retries:
        detail["stage-last-retry-attempt-time"] = _text(run.entered)
    if state == "RESUMED":
        del detail["start-time"]
    return _event("Stage", execution, detail)


def action_event(execution: Execution, run: ActionRun, state: str) -> Event:
    """Return a `CodePipeline Action Execution State Change`."""
    kind = run.action.type
    detail: dict[str, Any] = {
        **_common(execution, run.start),
        "stage": run.stage,
        "action": run.action.name,
        "action-execution-id": run.run_id,
        "state": state,
        "region": execution.pipeline.region,
        "type": {
            "owner": kind.owner,
            "category": kind.category,
            "provider": kind.provider,
            "version": kind.version,
        },
    }
    optional = {
        "input-artifacts": artifact_list(run.inputs),
        "output-artifacts": artifact_list(run.result.outputs),
        "execution-result": _result(run),
    }
    return _event("Action", execution, detail | {name: value for name, value in optional.items() if value})


def artifact_list(artifacts: Mapping[str, Artifact]) -> list[dict[str, Any]]:
    """Return botocore's ArtifactDetails (the events write them the same way)."""
    return [
        {"name": name, "s3location": {"bucket": artifact.location.bucket, "key": artifact.location.key}}
        for name, artifact in artifacts.items()
    ]


def _common(execution: Execution, start: datetime) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline.name,
        "execution-id": execution.execution_id,
        "start-time": _text(start),
        "version": float(execution.pipeline.version),
        "pipeline-execution-attempt": float(execution.attempt),
    }


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _result(run: ActionRun) -> dict[str, str]:
    result = {
        "external-execution-url": run.external_url,
        "external-execution-summary": run.summary,
        "external-execution-id": run.external_id,
        "error-code": run.error[0] if run.error else "",
    }
    return {name: value for name, value in result.items() if value} if run.status != "InProgress" else {}


def _event(level: str, execution: Execution, detail: Mapping[str, Any]) -> Event:
    pipeline = execution.pipeline
    return Event(
        source="aws.codepipeline",
        detail_type=f"CodePipeline {level} Execution State Change",
        detail=detail,
        account=pipeline.account,
        region=pipeline.region,
        resources=(pipeline.arn,),
    )
