"""What is told of executions and their actions: GetPipelineExecution and the two histories."""

from __future__ import annotations

from typing import Any

from lockgate_twin.services.codepipeline.describe_pipeline import error_details
from lockgate_twin.services.codepipeline.events import artifact_list
from lockgate_twin.services.codepipeline.execution import ActionRun, Execution, RuleRun


def execution_details(execution: Execution) -> dict[str, Any]:
    """Return botocore's PipelineExecution."""
    return {
        "pipelineName": execution.pipeline.name,
        "pipelineVersion": execution.pipeline.version,
        **_common(execution),
        "artifactRevisions": [
            {
                "name": revision.artifact,
                "revisionId": revision.revision_id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
                "created": revision.created,
            }
            for revision in execution.revisions
        ],
        "variables": [{"name": name, "resolvedValue": value} for name, value in execution.variables.items()],
    }


def execution_summary(execution: Execution) -> dict[str, Any]:
    """Return botocore's PipelineExecutionSummary."""
    summary = {
        **_common(execution),
        "startTime": execution.start,
        "lastUpdateTime": execution.updated,
        "sourceRevisions": [
            {
                "actionName": revision.action,
                "revisionId": revision.revision_id,
                "revisionSummary": revision.summary,
                "revisionUrl": revision.url,
            }
            for revision in execution.revisions
        ],
    }
    if execution.stop_reason is not None:
        summary["stopTrigger"] = {"reason": execution.stop_reason}
    return summary


def action_details(execution: Execution, run: ActionRun) -> dict[str, Any]:
    """Return botocore's ActionExecutionDetail."""
    told: dict[str, Any] = {
        "pipelineExecutionId": execution.execution_id,
        "actionExecutionId": run.run_id,
        "pipelineVersion": execution.pipeline.version,
        "stageName": run.stage,
        "actionName": run.action.name,
        "startTime": run.start,
        "lastUpdateTime": run.updated,
        "status": run.status,
        "input": _input(execution, run),
        "output": _output(run),
    }
    return told | ({"updatedBy": run.updated_by} if run.updated_by else {})


def rule_details(execution: Execution, run: RuleRun) -> dict[str, Any]:
    """Return botocore's RuleExecutionDetail."""
    kind = {"category": "Rule", "owner": "AWS", "provider": run.rule.provider, "version": "1"}
    return {
        "pipelineExecutionId": execution.execution_id,
        "ruleExecutionId": run.run_id,
        "pipelineVersion": execution.pipeline.version,
        "stageName": run.stage,
        "ruleName": run.rule.name,
        "startTime": run.at,
        "lastUpdateTime": run.at,
        "status": run.status,
        "input": {
            "ruleTypeId": kind,
            "configuration": dict(run.rule.configuration),
            "resolvedConfiguration": dict(run.configuration),
            "region": execution.pipeline.region,
            "inputArtifacts": [],
        },
        "output": {"executionResult": {"externalExecutionSummary": run.summary}},
    }


def _common(execution: Execution) -> dict[str, Any]:
    told: dict[str, Any] = {
        "pipelineExecutionId": execution.execution_id,
        "status": execution.status,
        "trigger": {"triggerType": execution.trigger.type, "triggerDetail": execution.trigger.detail},
        "executionMode": execution.pipeline.mode,
        "executionType": execution.type,
    }
    if execution.rolled_back_to:
        told["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": execution.rolled_back_to}
    return told | ({"statusSummary": execution.summary} if execution.summary else {})


def _input(execution: Execution, run: ActionRun) -> dict[str, Any]:
    kind = run.action.type
    told: dict[str, Any] = {
        "actionTypeId": {
            "category": kind.category,
            "owner": kind.owner,
            "provider": kind.provider,
            "version": kind.version,
        },
        "configuration": dict(run.action.configuration),
        "resolvedConfiguration": dict(run.configuration),
        "region": execution.pipeline.region,
        "inputArtifacts": artifact_list(run.inputs),
    }
    return told | ({"namespace": run.action.namespace} if run.action.namespace else {})


def _output(run: ActionRun) -> dict[str, Any]:
    result = {
        "externalExecutionId": run.external_id,
        "externalExecutionSummary": run.summary,
        "externalExecutionUrl": run.external_url,
    }
    return {
        "outputArtifacts": artifact_list(run.result.outputs),
        "executionResult": {**{name: value for name, value in result.items() if value}, **error_details(run)},
        "outputVariables": dict(run.result.variables),
    }
