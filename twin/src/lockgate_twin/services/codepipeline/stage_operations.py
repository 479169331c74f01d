"""The API operations at a stage's entry and in it: approvals and transitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate_twin.errors import ApiError, NotImplementedByTwin
from lockgate_twin.ports import Call, Handler
from lockgate_twin.services.codepipeline.action_runs import ActionRuns, Outcome
from lockgate_twin.services.codepipeline.execution import ActionResult, ActionRun, Execution
from lockgate_twin.services.codepipeline.gates import Transition
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord, Pipelines


class StageOperations:
    """Answer approvals; open and close the ways into stages."""

    def __init__(self, pipelines: Pipelines, action_runs: ActionRuns) -> None:
        self._pipelines = pipelines
        self._action_runs = action_runs

    def operations(self) -> Mapping[str, Handler]:
        """Return the handlers by operation name."""
        return {
            "PutApprovalResult": self.put_approval_result,
            "EnableStageTransition": self.enable_transition,
            "DisableStageTransition": self.disable_transition,
        }

    def put_approval_result(self, parameters: dict[str, Any], call: Call) -> dict[str, Any]:
        """Approve or reject. The token is that of the approval under way, told by GetPipelineState.

        Assumption: a rejection has the error code JobFailed and the reviewer's summary, as events that were published
        show; a rejection without a summary is told as such.

        Raises:
            ApiError: InvalidApprovalTokenException, ApprovalAlreadyCompletedException or nothing of that name.
        """
        record = self._pipelines.get(call.account, call.region, parameters["pipelineName"])
        stage, action = parameters["stageName"], parameters["actionName"]
        with record.changed:
            execution, run = _approval(record, stage, action, parameters["token"])
            if run is not None and run.status != "InProgress":
                message = f"The approval {action} has already been answered or has ended."
                raise ApiError("ApprovalAlreadyCompletedException", message)
            if run is None or execution is None or run.token != parameters["token"]:
                raise ApiError("InvalidApprovalTokenException", f"The token is not that of approval {action}.")
            run.updated_by = call.principal.arn
        self._action_runs.finish(record, execution, run, _answer(parameters["result"]))
        return {"approvedAt": run.updated}

    def enable_transition(self, parameters: dict[str, Any], call: Call) -> None:
        """Let executions enter a stage again."""
        self._set_transition(parameters, call, enabled=True)

    def disable_transition(self, parameters: dict[str, Any], call: Call) -> None:
        """Keep executions from entering a stage."""
        self._set_transition(parameters, call, enabled=False)

    def _set_transition(self, parameters: Mapping[str, Any], call: Call, *, enabled: bool) -> None:
        if parameters["transitionType"] != "Inbound":
            raise NotImplementedByTwin("CodePipeline's outbound stage transition")
        record = self._pipelines.get(call.account, call.region, parameters["pipelineName"])
        stage = parameters["stageName"]
        with record.changed:
            if record.pipeline.stage(stage) is None:
                raise ApiError("StageNotFoundException", f"The pipeline has no stage '{stage}'.")
            reason = parameters.get("reason", "")
            changed = Transition(enabled=enabled, changed_by=call.principal.arn, reason=reason)
            record.gates[stage].transition = changed
            self._pipelines.keep(record)
            record.changed.notify_all()


def _approval(record: PipelineRecord, stage: str, action: str, token: str) -> tuple[Execution | None, ActionRun | None]:
    """Return the run of an approval action that has this token, else its latest; (None, None) if it has not run yet.

    In PARALLEL mode several executions may wait in one stage.
    """
    declared = record.pipeline.stage(stage)
    if declared is None:
        raise ApiError("StageNotFoundException", f"The pipeline has no stage '{stage}'.")
    found = next((a for a in declared.actions if a.name == action), None)
    if found is None or found.type.category != "Approval":
        raise ApiError("ActionNotFoundException", f"Stage {stage} has no approval action '{action}'.")
    for other in record.executions.values():
        waiting = other.stages[stage].latest(action) if stage in other.stages else None
        if waiting is not None and waiting.token == token:
            return other, waiting
    execution, passed = record.passes.get(stage, (None, None))
    return execution, passed.latest(action) if passed else None


def _answer(result: Mapping[str, str]) -> Outcome:
    if result["status"] == "Approved":
        return ActionResult(summary=result["summary"])
    return ("JobFailed", result["summary"] or "Rejected without a summary")
