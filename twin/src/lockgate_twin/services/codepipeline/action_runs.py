"""Running the actions of one run order side by side, each to its end."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from botocore.exceptions import ClientError

from lockgate_twin.errors import ApiError
from lockgate_twin.ports import Context, utc_now
from lockgate_twin.services.codepipeline.actions.approval import notify
from lockgate_twin.services.codepipeline.actions.request import ActionFailedError, ActionProvider, ActionRequest
from lockgate_twin.services.codepipeline.declaration import Action
from lockgate_twin.services.codepipeline.events import action_event
from lockgate_twin.services.codepipeline.execution import ActionResult, ActionRun, Execution
from lockgate_twin.services.codepipeline.pipelines import PipelineRecord
from lockgate_twin.services.codepipeline.role_sessions import role_session
from lockgate_twin.services.codepipeline.variables import UnresolvedVariableError, resolve

Outcome = ActionResult | tuple[str, str]
ABANDONED = ("Abandoned", "The execution was stopped and this action abandoned")
TWIN_ENDED = ("InternalError", "The twin ended while this action ran; retry the stage")
_TIMED_OUT = ("JobFailed", "The approval timed out")
# Source: "Manual approval actions in pipelines": an approval fails after seven days unless told otherwise.
_APPROVAL_MINUTES = 7 * 24 * 60
_LONGEST_SUMMARY = 2048


class ActionRuns:
    """Starts, awaits and ends runs of actions. Its methods are called without the pipeline's lock."""

    def __init__(self, context: Context, providers: Mapping[str, ActionProvider]) -> None:
        self._context = context
        self._providers = providers

    def start(self, record: PipelineRecord, execution: Execution, stage: str, action: Action) -> ActionRun:
        """Start an action: on a thread of its own, or, if it is an approval, by giving out its token."""
        with record.changed:
            inputs = {name: execution.artifacts[name] for name in action.inputs}
            run = ActionRun(action=action, stage=stage, inputs=inputs, configuration=action.configuration)
            if action.type.category == "Approval":
                run.token = str(uuid.uuid4())
                # GetPipelineState tells of one execution in a stage; of several, ListActionExecutions tells the tokens.
                run.external_id = run.token if execution.pipeline.mode == "PARALLEL" else ""
            execution.stages[stage].actions.append(run)
            execution.history.append(run)
            record.keep(execution)
            namespaces = execution.namespaces
        self._context.emit(action_event(execution, run, "STARTED"))
        try:
            self._configure(record, execution, run, resolve(action.configuration, namespaces))
        except UnresolvedVariableError as error:
            self.finish(record, execution, run, ("ConfigurationError", str(error)))
            return run
        if "NotificationArn" in run.configuration:
            self._context.in_background(f"notification of {action.name}", lambda: self._notify(record, execution, run))
        if action.type.category != "Approval":
            name = f"codepipeline {execution.execution_id} {action.name}"
            self._context.in_background(name, lambda: self._run(record, execution, run))
        return run

    def _configure(
        self, record: PipelineRecord, execution: Execution, run: ActionRun, resolved: Mapping[str, str]
    ) -> None:
        with record.changed:
            run.configuration = resolved
            record.keep(execution)

    def wait(self, record: PipelineRecord, execution: Execution, runs: list[ActionRun]) -> None:
        """Wait until all runs have ended; approvals end when their time is over, all when they are abandoned."""
        while True:
            with record.changed:
                running = [run for run in runs if run.status == "InProgress"]
                late = [run for run in running if run.token and _deadline(run) <= utc_now()]
                if running and not late and not execution.abandoned:
                    waits = [(_deadline(run) - utc_now()).total_seconds() for run in running if run.token]
                    record.changed.wait(max(0.0, min(waits)) if waits else None)
                    continue
            if not running:
                return
            for run in running if execution.abandoned else late:
                self.finish(record, execution, run, ABANDONED if execution.abandoned else _TIMED_OUT)

    def finish(self, record: PipelineRecord, execution: Execution, run: ActionRun, outcome: Outcome) -> None:
        """End a run with its result, or with an error's code and message. An ended run stays as it is."""
        with record.changed:
            if run.status != "InProgress":
                return
            run.token, run.updated = "", utc_now()
            if isinstance(outcome, ActionResult):
                run.status, run.summary = "Succeeded", outcome.summary[:_LONGEST_SUMMARY]
                execution.complete(run, outcome)
            else:
                run.status = "Abandoned" if outcome is ABANDONED else "Failed"
                run.error, run.summary = outcome, outcome[1][:_LONGEST_SUMMARY]
            event = action_event(execution, run, run.status.upper())
            record.keep(execution)
            record.changed.notify_all()
        self._context.emit(event)

    def _run(self, record: PipelineRecord, execution: Execution, run: ActionRun) -> None:
        outcome: Outcome = ("InternalError", "A defect of the twin, told in its own log")
        try:
            request = self._request(record, execution, run)
            outcome = self._providers[run.action.type.provider].run(request)
        except ActionFailedError as error:
            outcome = (error.code, str(error))
        except ApiError as error:
            outcome = (_code(error.code), error.message)
        except ClientError as error:
            told = error.response["Error"]
            outcome = (_code(told["Code"]), f"{error.operation_name}: {told['Message']}")
        finally:
            self.finish(record, execution, run, outcome)

    def _notify(self, record: PipelineRecord, execution: Execution, run: ActionRun) -> None:
        try:
            session = role_session(self._context, execution, run.action.role_arn, execution.execution_id)
            notify(session, execution.pipeline, run, _deadline(run))
        except ApiError as error:
            self.finish(record, execution, run, (_code(error.code), error.message))
        except ClientError as error:
            told = error.response["Error"]
            self.finish(record, execution, run, (_code(told["Code"]), f"{error.operation_name}: {told['Message']}"))

    def _request(self, record: PipelineRecord, execution: Execution, run: ActionRun) -> ActionRequest:
        def report(external_id: str, url: str) -> None:
            with record.changed:
                run.external_id, run.external_url, run.updated = external_id, url, utc_now()
                record.keep(execution)

        pipeline = execution.pipeline
        session = role_session(self._context, execution, run.action.role_arn, execution.execution_id)
        return ActionRequest(
            pipeline=pipeline,
            action=run.action,
            configuration=run.configuration,
            inputs=run.inputs,
            session=session,
            pinned=execution.pinned.get(run.action.name),
            report=report,
        )


def _code(code: str) -> str:
    return "PermissionError" if code.startswith("AccessDenied") else code


def _deadline(run: ActionRun) -> datetime:
    return run.start + timedelta(minutes=run.action.timeout_minutes or _APPROVAL_MINUTES)
