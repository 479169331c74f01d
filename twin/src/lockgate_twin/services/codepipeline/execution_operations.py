"""The API operations on executions: start, describe, list, stop, retry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Context, Handler
from lockgate_twin.services.codepipeline.declaration import Pipeline
from lockgate_twin.services.codepipeline.describe_execution import (
    action_details,
    execution_details,
    execution_summary,
    rule_details,
)
from lockgate_twin.services.codepipeline.events import pipeline_event
from lockgate_twin.services.codepipeline.execution import RUNNING, Execution, StageRun, Trigger
from lockgate_twin.services.codepipeline.executor import Executor
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord, Pipelines
from lockgate_twin.services.codepipeline.rollback import MANUAL, rollback_of
from lockgate_twin.services.paging import limit, page

_PAGE = 100


class ExecutionOperations:
    """Start executions, tell of them, stop and retry them."""

    def __init__(self, context: Context, pipelines: Pipelines, executor: Executor) -> None:
        self._context = context
        self._pipelines = pipelines
        self._executor = executor

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "StartPipelineExecution": self.start,
            "GetPipelineExecution": self.get,
            "ListPipelineExecutions": self.list,
            "ListActionExecutions": self.list_actions,
            "StopPipelineExecution": self.stop,
            "RetryStageExecution": self.retry,
            "RollbackStage": self.rollback,
            "ListRuleExecutions": self.list_rules,
            "OverrideStageCondition": self.override_condition,
        }

    def start(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Start an execution; the same client request token returns the execution it started before.

        Raises:
            ApiError: ValidationException: a variable or a source revision does not fit the pipeline.
        """
        record = self._record(parameters["name"], call)
        token = parameters.get("clientRequestToken")
        with record.changed:
            if token in record.tokens:
                return {"pipelineExecutionId": record.tokens[token]}
            execution = Execution(
                pipeline=record.pipeline,
                trigger=Trigger(type="StartPipelineExecution", detail=call.principal.arn),
                variables=_variables(record.pipeline, parameters.get("variables", [])),
                pinned=_pinned(record.pipeline, parameters.get("sourceRevisions", [])),
                token=token,
            )
            if token is not None:
                record.tokens[token] = execution.execution_id
            self._executor.start(record, execution)
        return {"pipelineExecutionId": execution.execution_id}

    def get(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Describe one execution."""
        record = self._record(parameters["pipelineName"], call)
        with record.changed:
            return {"pipelineExecution": execution_details(record.execution(parameters["pipelineExecutionId"]))}

    def list(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Summarize the executions, the newest first."""
        record = self._record(parameters["pipelineName"], call)
        stage = parameters.get("filter", {}).get("succeededInStage", {}).get("stageName")
        with record.changed:
            found = [
                execution_summary(execution)
                for execution in reversed(record.executions.values())
                if stage is None or (stage in execution.stages and execution.stages[stage].status == "Succeeded")
            ]
        size = limit(parameters, "maxResults", _PAGE)
        shown, more = page(found, parameters.get("nextToken"), size=size)
        return {"pipelineExecutionSummaries": shown, **more}

    def list_actions(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Tell the runs of actions, the newest first."""
        record = self._record(parameters["pipelineName"], call)
        wanted = parameters.get("filter", {})
        latest = wanted.get("latestInPipelineExecution", {})
        only = wanted.get("pipelineExecutionId") or latest.get("pipelineExecutionId")
        with record.changed:
            executions = [record.execution(only)] if only else list(record.executions.values())
            runs = [(execution, run) for execution in executions for run in execution.history]
            runs.sort(key=lambda pair: pair[1].start, reverse=True)
            found = [action_details(execution, run) for execution, run in runs]
        size = limit(parameters, "maxResults", _PAGE)
        shown, more = page(found, parameters.get("nextToken"), size=size)
        return {"actionExecutionDetails": shown, **more}

    def stop(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Stop an execution after the actions under way have ended, or at once if they are abandoned.

        Raises:
            ApiError: it has ended already, or was told the same before.
        """
        record = self._record(parameters["pipelineName"], call)
        abandon = parameters.get("abandon", False)
        with record.changed:
            execution = record.execution(parameters["pipelineExecutionId"])
            if execution.status not in RUNNING:
                message = f"The execution cannot be stopped: it is {execution.status}."
                raise ApiError("PipelineExecutionNotStoppableException", message)
            if execution.status == "Stopping" and (execution.abandoned or not abandon):
                raise ApiError("DuplicatedStopRequestException", "The execution is being stopped already.")
            execution.end("Stopping", parameters.get("reason", ""))
            execution.abandoned = abandon
            execution.stop_reason = parameters.get("reason", "")
            record.keep(execution)
            record.changed.notify_all()
        self._context.emit(pipeline_event(execution, "STOPPING"))
        return {"pipelineExecutionId": execution.execution_id}

    def retry(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Run the failed stage of an execution again, if no other execution has been in the stage since.

        Raises:
            ApiError: the stage does not exist, has not failed, or belongs to a newer execution.
        """
        record, stage = self._record(parameters["pipelineName"], call), parameters["stageName"]
        with record.changed:
            execution = record.execution(parameters["pipelineExecutionId"])
            run = _latest_run(record, execution, stage)
            if run.status != "Failed" or execution.status != "Failed":
                message = f"Stage {stage} cannot be retried: it is {run.status}."
                raise ApiError("StageNotRetryableException", message)
            self._executor.retry(record, execution, stage, everything=parameters["retryMode"] == "ALL_ACTIONS")
        return {"pipelineExecutionId": execution.execution_id}

    def override_condition(self, parameters: dict[str, Any], call: Call) -> None:
        """Let an execution go on although conditions of a stage are not met.

        Source: API Reference, OverrideStageCondition; Service Authorization Reference ("resume the pipeline
        execution by overriding a condition in a stage").
        Assumption: only what a condition with the result FAIL has stopped can go on.

        Raises:
            ApiError: the stage does not exist, belongs to a newer execution, or no such condition has stopped it.
        """
        record, stage = self._record(parameters["pipelineName"], call), parameters["stageName"]
        kind = parameters["conditionType"]
        with record.changed:
            execution = record.execution(parameters["pipelineExecutionId"])
            run = _latest_run(record, execution, stage)
            stopped = execution.status == "Failed" and run.unmet == "FAIL"
            if not stopped or run.rules[-1].kind != kind:
                message = f"No condition of type {kind} with the result FAIL has stopped the execution in {stage}."
                raise ApiError("ConditionNotOverridableException", message)
            self._executor.override(record, execution, stage, kind)

    def rollback(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Roll a stage back to an execution that succeeded in it; return the id of the execution that does it.

        Raises:
            ApiError: see `rollback.rollback_of`.
        """
        record = self._record(parameters["pipelineName"], call)
        with record.changed:
            target = record.execution(parameters["targetPipelineExecutionId"])
            trigger = Trigger(type=MANUAL, detail=call.principal.arn)
            execution = rollback_of(record, target, parameters["stageName"], trigger)
            self._executor.start(record, execution)
        return {"pipelineExecutionId": execution.execution_id}

    def list_rules(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Tell the checks of rules, the newest first."""
        record = self._record(parameters["pipelineName"], call)
        wanted = parameters.get("filter", {})
        only = wanted.get("pipelineExecutionId") or wanted.get("latestInPipelineExecution", {}).get(
            "pipelineExecutionId"
        )
        with record.changed:
            executions = [record.execution(only)] if only else list(record.executions.values())
            runs = [(e, run) for e in executions for stage in e.stages.values() for run in stage.rules]
            runs.sort(key=lambda pair: pair[1].at, reverse=True)
            found = [rule_details(execution, run) for execution, run in runs]
        size = limit(parameters, "maxResults", _PAGE)
        shown, more = page(found, parameters.get("nextToken"), size=size)
        return {"ruleExecutionDetails": shown, **more}

    def _record(self, name: str, call: Call) -> PipelineRecord:
        return self._pipelines.get(call.account, call.region, name)


def _latest_run(record: PipelineRecord, execution: Execution, stage: str) -> StageRun:
    """Return an execution's pass through a stage, which must be the stage's latest."""
    if execution.pipeline.stage(stage) is None:
        raise ApiError("StageNotFoundException", f"The pipeline has no stage '{stage}'.")
    latest = record.passes.get(stage)
    if record.pipeline.mode == "PARALLEL" and stage in execution.stages:
        latest = (execution, execution.stages[stage])
    if latest is None or latest[0] is not execution:
        message = f"Execution {execution.execution_id} is not the latest in stage {stage}."
        raise ApiError("NotLatestPipelineExecutionException", message)
    return latest[1]


def _variables(pipeline: Pipeline, given: list[dict[str, str]]) -> dict[str, str]:
    values = {name: value for name, value in pipeline.variables.items() if value is not None}
    values |= {variable["name"]: variable["value"] for variable in given}
    unknown = sorted(set(values) - set(pipeline.variables))
    missing = sorted(set(pipeline.variables) - set(values))
    problems = [f"the pipeline does not declare the variable {name}" for name in unknown]
    problems += [f"the variable {name} has no default value and needs one here" for name in missing]
    if problems:
        raise ApiError("ValidationException", f"The execution cannot be started: {'; '.join(problems)}.")
    return values


def _pinned(pipeline: Pipeline, revisions: list[dict[str, str]]) -> dict[str, str]:
    sources = {action.name for action in pipeline.stages[0].actions}
    for revision in revisions:
        if revision["actionName"] not in sources:
            message = f"The pipeline has no source action '{revision['actionName']}'."
            raise ApiError("ValidationException", message)
        if revision["revisionType"] != "COMMIT_ID":
            raise NotImplementedByTwin(f"CodePipeline's source revision type {revision['revisionType']}")
    return {revision["actionName"]: revision["revisionValue"] for revision in revisions}
