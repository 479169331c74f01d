"""What is told of a pipeline and of where its executions are: GetPipeline, ListPipelines, GetPipelineState."""

from __future__ import annotations

from typing import Any

from lockgate_twin.services.codepipeline.declaration import Action, Pipeline, Stage
from lockgate_twin.services.codepipeline.execution import ActionRun, RuleRun, StageRun
from lockgate_twin.services.codepipeline.gates import Transition
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord


def pipeline_summary(record: PipelineRecord) -> dict[str, Any]:
    """Return botocore's PipelineSummary."""
    raw = record.pipeline.raw
    return {
        "name": record.pipeline.name,
        "version": record.pipeline.version,
        "pipelineType": raw["pipelineType"],
        "executionMode": raw["executionMode"],
        "created": record.created,
        "updated": record.updated,
    }


def pipeline_and_metadata(record: PipelineRecord, pipeline: Pipeline) -> dict[str, Any]:
    """Return GetPipeline's response for one version."""
    metadata = {"pipelineArn": pipeline.arn, "created": record.created, "updated": record.updated}
    return {"pipeline": dict(pipeline.raw), "metadata": metadata}


def pipeline_state(record: PipelineRecord) -> dict[str, Any]:
    """Return GetPipelineState's response. Call with the record's lock held."""
    pipeline = record.pipeline
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage_state(record, stage, first=index == 0) for index, stage in enumerate(pipeline.stages)],
        "created": record.created,
        "updated": record.updated,
    }


def _stage_state(record: PipelineRecord, stage: Stage, *, first: bool) -> dict[str, Any]:
    gate = record.gates[stage.name]
    execution, run = record.passes.get(stage.name, (None, None))
    state: dict[str, Any] = {
        "stageName": stage.name,
        "inboundExecutions": [{"pipelineExecutionId": i, "status": "InProgress"} for i in gate.waiting],
        "actionStates": [_action_state(action, run.latest(action.name) if run else None) for action in stage.actions],
    }
    if gate.waiting:
        state["inboundExecution"] = state["inboundExecutions"][0]
    if not first:
        state["inboundTransitionState"] = _transition(gate.transition)
    if execution is not None and run is not None:
        status = "Stopping" if run.status == "InProgress" and execution.status == "Stopping" else run.status
        told = {"pipelineExecutionId": execution.execution_id, "status": status, "type": execution.type}
        state |= {"latestExecution": told, **_retries(run), **_conditions(run)}
    return state


def _retries(run: StageRun) -> dict[str, Any]:
    if not run.latest_retry:
        return {}
    counted = {"autoStageRetryAttempt": run.automatic_retries, "manualStageRetryAttempt": run.manual_retries}
    shown: dict[str, Any] = {name: count for name, count in counted.items() if count}
    return {"retryStageMetadata": {**shown, "latestRetryTrigger": run.latest_retry}}


def _conditions(run: StageRun) -> dict[str, Any]:
    members = {
        "BEFORE_ENTRY": "beforeEntryConditionState",
        "ON_SUCCESS": "onSuccessConditionState",
        "ON_FAILURE": "onFailureConditionState",
    }
    kinds = {kind: [rule for rule in run.rules if rule.kind == kind] for kind in members}
    return {members[kind]: _condition_state(rules) for kind, rules in kinds.items() if rules}


def _condition_state(rules: list[RuleRun]) -> dict[str, Any]:
    numbers = sorted({rule.condition for rule in rules})
    states = [_one_condition([rule for rule in rules if rule.condition == number]) for number in numbers]
    met = all(state["latestExecution"]["status"] == "Succeeded" for state in states)
    return {"latestExecution": {"status": "Succeeded" if met else "Failed"}, "conditionStates": states}


def _one_condition(rules: list[RuleRun]) -> dict[str, Any]:
    latest = {rule.rule.name: rule for rule in rules}
    met = all(rule.status == "Succeeded" for rule in latest.values())
    last = max(rule.at for rule in latest.values())
    return {
        "latestExecution": {"status": "Succeeded" if met else "Failed", "lastStatusChange": last},
        "ruleStates": [
            {
                "ruleName": name,
                "latestExecution": {
                    "ruleExecutionId": rule.run_id,
                    "status": rule.status,
                    "summary": rule.summary,
                    "lastStatusChange": rule.at,
                },
            }
            for name, rule in latest.items()
        ],
    }


def _transition(transition: Transition) -> dict[str, Any]:
    if transition.enabled and not transition.changed_by:
        return {"enabled": True}
    told: dict[str, Any] = {
        "enabled": transition.enabled,
        "lastChangedBy": transition.changed_by,
        "lastChangedAt": transition.changed_at,
    }
    return told if transition.enabled else {**told, "disabledReason": transition.reason}


def _action_state(action: Action, run: ActionRun | None) -> dict[str, Any]:
    state: dict[str, Any] = {"actionName": action.name}
    if run is None:
        return state
    revision = run.result.revision
    if revision is not None:
        ids = {"revisionId": revision.revision_id, "revisionChangeId": revision.revision_id}
        state |= {"currentRevision": {**ids, "created": revision.created}, "revisionUrl": revision.url}
    if action.type.category == "Approval" and "ExternalEntityLink" in action.configuration:
        state["entityUrl"] = action.configuration["ExternalEntityLink"]
    return state | {"latestExecution": _latest_execution(run)}


def _latest_execution(run: ActionRun) -> dict[str, Any]:
    told: dict[str, Any] = {
        "actionExecutionId": run.run_id,
        "status": run.status,
        "lastStatusChange": run.updated,
    }
    optional = {
        "summary": run.summary,
        "token": run.token,
        "lastUpdatedBy": run.updated_by,
        "externalExecutionId": run.external_id,
        "externalExecutionUrl": run.external_url,
    }
    told |= {name: value for name, value in optional.items() if value}
    return told | error_details(run)


def error_details(run: ActionRun) -> dict[str, Any]:
    """Return `errorDetails` for a run that failed, else nothing."""
    if run.error is None:
        return {}
    return {"errorDetails": {"code": run.error[0], "message": run.error[1]}}
